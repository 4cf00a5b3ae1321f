"""Every known defect of a run database, built from rows, and what the archive must say about it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import markdown
import pytest
from click.testing import CliRunner

from support.expect import NEVER_RECORDED, Scenario, differences
from support.scenarios import SCENARIOS, TO_BE_SHOWN

# every {{placeholder}} of the summary page
PLACEHOLDERS = """
    action_repeat algorithm avg_fps backward_jump_count base_run_id batch_size best_reward config_delta_list
    convergence_timestep cpu_avg cpu_max current_timestep custom_name_or_leg custom_params_note device
    duration_h end_time_or_in_progress entropy_loss_trend error_summary_if_failed eta_note eval_freq
    experiment_name explained_variance_note final_reward fps_delta frame_stack game gamma go_no_go gpu_avg
    gpu_max kl_note learning_rate leg_number lineage_diff_note log_path max_fps mem_avg mem_max
    metric_gap_note milestone_trend_note min_fps model_path n_envs n_steps pause_count pause_time_h
    policy_loss_trend preset progress_pct recommendations resource_bottleneck_note rew_10 rew_100 rew_25
    rew_50 rew_75 reward_cliff_note reward_delta reward_trend_note run_id save_freq seed solved_flag
    sps_trend_note start_time status tensorboard_path total_timesteps training_videos_summary
    value_loss_trend video_artifacts_paths video_generation_status vram_avg vram_max
"""
STATES = {"running", "stale", "paused", "finished", "completed", "stopped", "failed", "unknown"}


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return request.param


def run_ids_of(database: Path) -> set[str]:
    con = sqlite3.connect(database)
    try:
        return {row[0] for row in con.execute("SELECT run_id FROM experiment_runs")}
    finally:
        con.close()


def strict(text: str) -> object:
    """Read JSON as browsers do: NaN and Infinity are errors."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_the_archive_says_what_is_known(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of the scenario has a page and a run.json with exactly the expected values."""
    from runsum.cli import main_command

    database = tmp_path / "ml_experiments.db"
    scenario.build(database)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    arguments = ["build", "--db", str(database), "--as-of", scenario.as_of, "--json"]
    result = CliRunner().invoke(main_command, arguments)
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"

    documents = {}
    for file in sorted((work / "docs" / "runs").glob("*/run.json")):
        document = strict(file.read_text(encoding="utf-8"))
        assert document["slug"] == file.parent.name
        assert document["run_id"] not in documents, "a run has two pages"
        assert (file.parent / "index.md").read_text(encoding="utf-8").strip()
        documents[document["run_id"]] = document
    assert set(documents) == run_ids_of(database)
    folders = [d["slug"].lower() for d in documents.values()]
    assert len(set(folders)) == len(folders), "two runs share a folder where case does not matter"

    wrong = []
    for run_id, document in documents.items():
        expected = NEVER_RECORDED | scenario.expect.get(run_id, {})
        wrong += [f"{run_id}  {line}" for line in contract(document) + differences(document, expected)]
    assert not wrong, "\n".join(["", *wrong])

    for page in (work / "docs").rglob("*.md") if scenario.forbidden else ():
        text = page.read_text(encoding="utf-8")
        html = markdown.markdown(text, extensions=["tables", "attr_list", "md_in_html", "fenced_code"])
        assert not [f for f in scenario.forbidden if f in text or f in html], page


def contract(document: dict) -> list[str]:
    """What holds for every run.json, whatever the database."""
    wrong = []
    names = frozenset(PLACEHOLDERS.split())
    summary, reasons = document["summary"], document["not_recorded"]
    if set(summary) != names:
        wrong.append(f"summary: other names than the template's: {set(summary) ^ names}")
    wrong += [f"summary.{k}: null without a reason" for k in names if summary.get(k) is None and not reasons.get(k)]
    wrong += [f"not_recorded.{k}: a reason for a value" for k in reasons if summary.get(k) is not None]
    if document["state"] not in STATES:
        wrong.append(f"state: {document['state']!r}")
    quality, percents = document["quality"], [m["percent"] for m in document["milestones"]]
    if percents != [10, 25, 50, 75, 100] and (percents or summary["progress_pct"] is not None):
        wrong.append(f"milestones: {percents} where the progress is known")
    if summary["backward_jump_count"] != (quality["genuine_jumps"] if quality["rows"] else None):
        wrong.append("backward_jump_count and genuine_jumps differ")
    return wrong


def test_every_known_defect_is_shown() -> None:
    """No row of the catalogue, no query defect and no fixture is left without a scenario."""
    shown = {item for scenario in SCENARIOS for item in scenario.covers}
    assert set(TO_BE_SHOWN) <= shown, sorted(set(TO_BE_SHOWN) - shown)
    assert shown <= set(TO_BE_SHOWN), f"unknown: {sorted(shown - set(TO_BE_SHOWN))}"


def test_scenarios_build_what_they_describe(scenario: Scenario, tmp_path: Path) -> None:
    """Each expectation names a run the database has, with the number of rows it says."""
    database = tmp_path / "ml_experiments.db"
    scenario.build(database)
    assert set(scenario.expect) <= run_ids_of(database)
    con = sqlite3.connect(database)
    count = "SELECT COUNT(*), MAX(timestep) FROM training_metrics WHERE run_id = ?"
    for run_id, expected in scenario.expect.items():
        rows, _ = con.execute(count, (run_id,)).fetchone()
        assert rows == expected.get("quality.rows", rows)
    con.close()
