"""An archive of seeds, built as people build it: what its pages and documents say is what its rows say."""

from __future__ import annotations

import inspect
import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from runsum.analysis.reward import thin_curve
from runsum.archive.archive import make_archive
from runsum.archive.slugs import SlugMaker
from runsum.cli import main_command
from runsum.pages.contract import Page
from runsum.pages.game_facts import seed_words
from runsum.pages.seeds import interval_words, make_parts
from runsum.render import Renderer
from runsum.resources import template_folder
from support.digests import LIMITS, grouped, learned
from support.packed import read_script
from support.rows import ROLLOUT, Clock, Row, add_run, insert, table_rows
from support.schema import database

ROLLOUTS = 40
TARGET = ROLLOUTS * ROLLOUT
GPU_EVERY_S = 20
"""Five seeds at a learning rate, three at another, and legs, copies and short runs beside them."""
LEVELS = {"run-00000001": 20.0, "run-00000002": 21.0, "run-00000003": 22.0, "run-00000004": 23.0, "run-00000005": 40.0}
OTHERS = {"run-00000011": 10.0, "run-00000012": 11.0, "run-00000013": 12.0}


def rises(level: float, over: int = TARGET) -> Callable[[int], float]:
    """A straight line from 0 to its level."""
    return lambda step: level * step / over


def add(con: sqlite3.Connection, run_id: str, level: float, seed: int, hour: int, **more: Any) -> None:
    clock = Clock(Clock().start.replace(hour=hour))
    config = {"seed": seed, "device": "cuda", "total_timesteps": TARGET, "env_id": "ALE/Breakout-v5"} | more.get(
        "config", {}
    )
    rows: list[Row] = table_rows(
        run_id, range(1, more.get("rollouts", ROLLOUTS) + 1), clock=clock, reward=rises(level), target=TARGET,
        began=0.0, offset=more.get("offset", 0),
    )  # fmt: skip
    add_run(con, run_id, config, start_time=clock.iso(0), end_time=clock.iso(360), **more.get("columns", {}))
    for row in rows:
        insert(con, "training_metrics", **row.values)
    if more.get("sampled"):
        for second in range(0, 360, GPU_EVERY_S):
            insert(con, "gpu_metrics", run_id=run_id, ts=clock.iso(second), gpu_util_pct=20.0, vram_used_mb=100.0,
                   vram_total_mb=8000.0, power_w=100.0)  # fmt: skip


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("seeds")
    with database(work / "seeds.db") as con:
        for place, (run_id, level) in enumerate(LEVELS.items()):
            add(con, run_id, level, seed=place, hour=place, sampled=run_id == "run-00000001")
        for place, (run_id, level) in enumerate(OTHERS.items()):
            add(con, run_id, level, seed=place, hour=6 + place, config={"learning_rate": 0.001})
        add(con, "run-00000021", 60.0, seed=1, hour=10, rollouts=ROLLOUTS - 5)  # the seed of another run, shorter
        add(con, "run-00000022", 60.0, seed=9, hour=11, rollouts=15)  # ended long before the others
        columns = {"parent_run_id": "run-00000002", "base_run_id": "run-00000002", "leg_number": 2,
                   "leg_start_timestep": TARGET, "status": "stopped"}  # fmt: skip
        add(con, "run-00000023", 21.0, seed=1, hour=12, offset=TARGET, columns=columns)
    (work / "runsum.yml").write_text("databases: seeds.db\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        done = CliRunner().invoke(main_command, ["build", "--as-of", "2025-12-24T12:00:00"])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return work / "docs"


def document(docs: Path, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((docs / "runs" / run_id / "run.json").read_text(encoding="utf-8"))
    return found


def page_of(docs: Path, run_id: str) -> str:
    href = document(docs, run_id)["seeds"]["page"]
    return (docs / href).with_suffix(".md").read_text(encoding="utf-8")


def expected(levels: list[float]) -> np.ndarray:
    """Scores of straight lines: their mean over the last tenth of what all cover, from the first to the last row."""
    first, last = 2 * ROLLOUT, TARGET  # the first row has no reward
    middle = last - 0.05 * (last - first)
    return np.array(levels) * middle / TARGET


def test_the_numbers_are_those_of_the_rows(docs: Path) -> None:
    """IQM of five straight lines, computed by hand: the mean of the middle three."""
    seeds = document(docs, "run-00000001")["seeds"]
    scores = expected(sorted(LEVELS.values()))
    assert (seeds["n"], seeds["interval"], seeds["counts"]) == (5, True, True)
    assert seeds["iqm"] == pytest.approx(scores[1:4].mean(), rel=1e-3)
    assert scores[0] <= seeds["low"] < seeds["iqm"] < seeds["high"] <= scores[4]
    assert (seeds["first_timestep"], seeds["last_timestep"]) == (2 * ROLLOUT, TARGET)


def test_three_seeds_have_no_interval(docs: Path) -> None:
    """Least and largest instead, and the page says why."""
    seeds = document(docs, "run-00000011")["seeds"]
    scores = expected(sorted(OTHERS.values()))
    assert (seeds["n"], seeds["interval"]) == (3, False)
    assert (seeds["low"], seeds["high"]) == (pytest.approx(scores[0], rel=1e-3), pytest.approx(scores[2], rel=1e-3))
    assert "an interval would be unreliable" in page_of(docs, "run-00000011")


def test_who_does_not_count_is_named(docs: Path) -> None:
    """The same seed again, a run that ended early; a leg belongs to its lineage."""
    assert document(docs, "run-00000021")["seeds"]["why_not"] == "same_seed"
    assert document(docs, "run-00000022")["seeds"]["why_not"] == "short"
    assert document(docs, "run-00000023")["seeds"]["counts"]
    page = page_of(docs, "run-00000001")
    assert "it ended long before the others" in page
    assert page.count("run-00000023") == 0


def test_the_best_is_that_of_all_legs(docs: Path) -> None:
    """The second leg goes on to 42: its lineage is the sample, so the first leg's 21 is not its best."""
    row = next(line for line in page_of(docs, "run-00000001").splitlines() if "run-00000002" in line)
    assert re.findall(r'rs-num">([^<]*)</td>', row)[-1] == "42"
    assert 'rs-state-stopped"' in row


def test_the_curve_beside_a_run_is_that_of_all_legs() -> None:
    """A first leg that rose and a second that fell back are up and down again, as on no page of either."""
    up, down = learned("up", (0.0, 10.0), seed=0), learned("down", (10.0, 0.0), start=1_000_000, parent="up", leg=2)
    runs = [up, replace(down, config=up.config), *(learned(f"r{n}", (0.0, 10.0), seed=n, at=n) for n in (1, 2))]
    (page,) = (made for part in make_parts(make_archive(runs, (), SlugMaker(), LIMITS, {})) for made in part.make()
               if isinstance(made, Page))  # fmt: skip
    whole, single = (sample.row.spark for sample in page.context.samples[:2])
    heights = [float(height) for height in re.findall(r"-?[\d.]+", whole.split('d="')[1].split('"')[0])[1::2]]
    assert (min(heights[1:]) < 0 < max(heights[1:]), whole == single) == (True, False)


def test_a_best_of_few_episodes_says_so() -> None:
    """Of the legs, it is the best one's that is told; a run whose best is a mean of a hundred has no remark."""
    lucky = learned("first", (0.0, 40.0), seed=0)
    lucky = replace(lucky, signals={**lucky.signals, "best_early": 1.0})
    later = replace(learned("later", (0.0, 10.0), start=1_000_000, parent="first", leg=2), config=lucky.config)
    runs = [lucky, later, *(learned(f"r{n}", (0.0, 10.0), seed=n, at=n) for n in (1, 2))]
    (page,) = (made for part in make_parts(make_archive(runs, (), SlugMaker(), LIMITS, {})) for made in part.make()
               if isinstance(made, Page))  # fmt: skip
    text = Renderer(template_folder()).page(page.template, page.context)
    assert re.findall(r'rs-num">(\d+)<br><small class="rs-muted">(.*?)</small>', text) == [
        ("40", "mean of fewer than 100 episodes")
    ]


def test_targets_that_differ_are_said(docs: Path) -> None:
    """A second leg was to end at twice the steps of the others: on the page of its group and beside comparisons."""
    page, other = page_of(docs, "run-00000001"), page_of(docs, "run-00000011")
    assert "Their targets differ, from 163.8 k to 327.7 k steps." in page
    assert "Their targets differ" not in other
    assert "targets: 163.8 k steps → 163.8 k to 327.7 k steps" in page
    game = (docs / "games" / "breakout" / "index.md").read_text(encoding="utf-8")
    assert "targets: 163.8 k to 327.7 k steps → 163.8 k steps" in game


def test_the_page_is_linked_from_everywhere(docs: Path) -> None:
    """From its runs, its game, its algorithm, the index."""
    href = document(docs, "run-00000001")["seeds"]["page"].removesuffix("index.html")
    for path in ("runs/run-00000001", "games/breakout", "algorithms/ppo", "seeds"):
        text = (docs / path / "index.md").read_text(encoding="utf-8")
        assert href in text or href.removeprefix("seeds/") in text, path


def test_the_groups_are_held_against_each_other(docs: Path) -> None:
    """Every run of one scores higher than every run of the other, on both pages and on that of the game."""
    page = page_of(docs, "run-00000001")
    assert "learning_rate: 0.001 → 0.00025" in page
    assert "100 %" in page
    game = (docs / "games" / "breakout" / "index.md").read_text(encoding="utf-8")
    row = next(line for line in game.splitlines() if "0.00025 → 0.001" in line)
    difference = expected(sorted(OTHERS.values())).mean() - expected(sorted(LEVELS.values()))[1:4].mean()
    assert f"−{abs(difference):.4g}" in row
    assert "scored lower" in row
    assert "unreliable with so few runs" in row


def test_the_chart_draws_every_run_and_the_mean(docs: Path) -> None:
    """One line for each run that counts and one for all of them, with a band of equal length."""
    href = document(docs, "run-00000001")["seeds"]["page"]
    script = (docs / href).parent.joinpath("data.js").read_text(encoding="utf-8")
    chart = read_script(script)["charts"]["curves"]
    assert chart["kind"] == "seeds"
    assert len(chart["series"]) == 6
    assert {len(chart[name]) for name in ("lo", "hi")} == {len(chart["series"][0]["v"])}


def test_what_it_cost_stands_on_run_and_game(docs: Path) -> None:
    """Six minutes at 100 W with samples all the way are a tenth of a GPU-hour and of it 0.01 kWh."""
    cost = document(docs, "run-00000001")["cost"]
    assert cost["gpu_hours"] == pytest.approx(0.1, rel=0.03)
    assert cost["energy_kwh"] == pytest.approx(0.1 * 0.1, rel=0.06)
    assert cost["limit"] == "environment"
    assert cost["gained_per_gpu_hour"] == pytest.approx(cost["reward_gained"] / cost["gpu_hours"])
    assert document(docs, "run-00000002")["cost"]["gpu_hours"] is None
    assert "reward per GPU-hour" in (docs / "runs" / "run-00000001" / "index.md").read_text(encoding="utf-8")


def test_the_human_normalised_score_is_an_estimate(docs: Path) -> None:
    """(level - 1.7) / 28.8, with the protocol it was not measured under."""
    found = document(docs, "run-00000001")
    assert found["human_normalised"]["best"] == pytest.approx((20.0 - 1.7) / 28.8)
    assert found["human_normalised"]["certain"] is False
    assert found["solved"] is None
    page = (docs / "runs" / "run-00000001" / "index.md").read_text(encoding="utf-8")
    assert "no game score" in page
    assert "by the level over the last tenth, 0.635 by the best mean" in page


def test_the_page_of_a_game_says_which_level_is_the_highest(docs: Path) -> None:
    """By the level over the last tenth, since the first of the ranking, which goes by the best mean, can be another."""
    game = (docs / "games" / "breakout" / "index.md").read_text(encoding="utf-8")
    said = re.search(r"by the level over the last tenth of (run-\d+), the highest at the end of 11 runs", game)
    assert said is not None
    assert said[1] == "run-00000021"


def test_the_methods_page_says_of_how_many_points_a_curve_is() -> None:
    """Whoever recomputes one from the rows must know."""
    said = (template_folder() / "pages" / "methods.md.j2").read_text(encoding="utf-8")
    points = inspect.signature(thin_curve).parameters["points"].default
    assert f"Of every leg about {points} points are kept" in said


def test_without_repetitions_there_is_no_interval() -> None:
    """One draw would be an interval without a width."""
    scores, others = np.array([[1.0], [2.0], [3.0]]), np.array([[1.5], [2.5], [0.5]])
    none = interval_words(scores, others, replace(LIMITS, bootstrap_curve_repetitions=0.0))
    assert (none.key, none.values) == ("seeds.probability_alone", {})
    assert interval_words(scores, others, LIMITS).key == "seeds.probability_few"


def test_the_score_says_why_it_has_no_interval() -> None:
    """Eight runs are enough for one; without repetitions none is drawn, which is another reason than too few runs."""
    eight = [learned(f"run-{k}", (0.0, 10.0 + k), seed=k, at=k) for k in range(8)]
    limits = replace(LIMITS, bootstrap_repetitions=0.0)
    (undrawn,), (few,) = grouped(*eight, limits=limits).pages, grouped(*eight[:3]).pages
    words = Renderer(template_folder()).words
    assert words(seed_words(undrawn)).endswith("(n = 8, no interval: the bootstrap's repetitions are 0).")
    assert words(seed_words(few)).endswith("(n = 3, an interval would be unreliable).")
