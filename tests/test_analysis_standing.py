"""How a run stands, and whether it solved its game: digests of small real databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runsum.clock import AsOf
from runsum.digest import DigestSettings, digest_run
from runsum.model import RunDigest, State, phrase
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.source.database import open_database
from runsum.source.records import RunReader
from support.analysis import LIMITS, RUN, TEN, TEN_S, key_of, keys
from support.rows import add_run, store, table_rows
from support.schema import database

# ---------------------------------------------------------------- how a run stands


def digest(tmp_path: Path, rows: int = 30, now: float = 300.0, **columns: Any) -> RunDigest:
    """A run of rollouts every nine seconds, read from a real database; `now` in seconds after 10:00."""
    file = tmp_path / "ml_experiments.db"
    config = columns.pop("config", {"total_timesteps": 409_600})
    options, solved = columns.pop("options", {}), columns.pop("solved", {})
    with database(file) as con:
        add_run(con, RUN, config, **columns)
        store(con, table_rows(RUN, range(1, rows + 1), target=409_600, **options))
    with open_database(file) as opened:
        record = RunReader(opened, "test").read(RUN)
    return digest_run(record, RUN, None, DigestSettings(LIMITS, AsOf(TEN_S + now, local=True), solved)).digest


@pytest.mark.parametrize(
    ("columns", "rows", "now", "state"),
    [
        ({"status": "running"}, 30, 300, State.RUNNING),
        ({"status": "running"}, 30, 270 + 1800, State.RUNNING),
        ({"status": "running"}, 30, 270 + 1801, State.STALE),
        ({"status": "running", "heartbeat_at": TEN(5000)}, 30, 5100, State.RUNNING),
        ({"status": "running", "process_paused": 1}, 30, 99_999, State.PAUSED),
        ({"status": "running", "process_paused": 1}, 100, 99_999, State.FINISHED),
        ({"status": "running"}, 99, 99_999, State.STALE),
        ({"status": "running"}, 100, 99_999, State.FINISHED),
        ({"status": "running"}, 0, 99_999, State.STALE),
        ({"status": "completed"}, 100, 99_999, State.COMPLETED),
        ({"status": "COMPLETED "}, 100, 99_999, State.COMPLETED),
        ({"status": "failed"}, 30, 99_999, State.FAILED),
        ({"status": "stopped"}, 30, 99_999, State.STOPPED),
        ({"status": "crunching"}, 30, 300, State.UNKNOWN),
        ({"status": ""}, 30, 300, State.UNKNOWN),
    ],
)
def test_the_state_of_a_run(tmp_path: Path, columns: dict[str, Any], rows: int, now: float, state: State) -> None:
    """The recorded status, weighed against flags, steps and silence."""
    assert digest(tmp_path, rows, now, updated_at=TEN(0), **columns).state is state


def test_a_stamp_with_a_blank_is_utc(tmp_path: Path) -> None:
    """SQLite's own stamps are UTC: 15:00 there is 09:00 on the machine, long before."""
    run = digest(tmp_path, 30, 270 + 1900, status="running", updated_at="2025-12-22 15:00:00")
    assert (run.state, run.last_activity_at) == (State.STALE, TEN(270))


def test_an_unknown_status_is_a_problem(tmp_path: Path) -> None:
    """The word is kept and shown."""
    run = digest(tmp_path, status="crunching", end_time=TEN(400))
    assert [p.values["status"] for p in run.problems if p.kind == "unknown_status"] == ["crunching"]


def test_a_stale_run_has_no_end(tmp_path: Path) -> None:
    """The last activity is said, but no end is invented."""
    fact = digest(tmp_path, 30, 9999, status="running", updated_at=TEN(0)).summary["end_time_or_in_progress"]
    assert (fact.value, key_of(fact)) == (None, "end.stale")


def test_an_end_of_a_run_that_is_not_over_is_shown_as_what_it_is(tmp_path: Path) -> None:
    """The status says running, the row has an end all the same."""
    run = digest(tmp_path, 30, 9999, status="running", updated_at=TEN(0), end_time=TEN(300))
    fact = run.summary["end_time_or_in_progress"]
    assert (run.state, fact.value, keys(fact.small)) == (State.STALE, TEN(300), ["end.still_open"])
    assert key_of(run.summary["error_summary_if_failed"]) == "error.open"


@pytest.mark.parametrize(("rows", "end"), [(30, TEN(270)), (0, None)])
def test_an_end_before_the_start_is_none(tmp_path: Path, rows: int, end: str | None) -> None:
    """Nobody trains backwards: the last row tells the end, and it was not "marked completed, but went on"."""
    run = digest(tmp_path, rows, status="failed", end_time=TEN(-86_400))
    fact = run.summary["end_time_or_in_progress"]
    assert fact.value == end
    assert (keys(fact.small) or [key_of(fact)]) == ["end.before_start"]
    assert run.state_notes == ()
    assert [p.kind for p in run.problems if p.kind.startswith(("end", "state"))] == ["end_before_start"]
    assert run.summary["duration_h"].value == (0.075 if rows else None)


@pytest.mark.parametrize("rows", [30, 0])
def test_an_end_that_has_not_come_is_none(tmp_path: Path, rows: int) -> None:
    """A clock was set wrong for a moment: the last row tells the end, until that day has come."""
    run = digest(tmp_path, rows, 9_999, status="stopped", end_time=TEN(365 * 86_400))
    fact = run.summary["end_time_or_in_progress"]
    assert fact.value == (TEN(270) if rows else None)
    assert (keys(fact.small) or [key_of(fact)]) == ["end.in_future"]
    assert [p.kind for p in run.problems if p.kind.startswith("end")] == ["end_in_future"]
    assert run.summary["duration_h"].value == (0.075 if rows else None)
    assert keys(run.summary["duration_h"].small) == []


@pytest.mark.parametrize(
    ("now", "end"),
    [
        (9_999, 9_999 + 14 * 3600),  # of a machine whose zone nobody knows
        (366 * 86_400, 365 * 86_400),
        (-99_999, 270),  # an archive as of a day before its runs
    ],
)
def test_an_end_that_may_have_come_is_believed(tmp_path: Path, now: float, end: float) -> None:
    """Clocks differ by their zones, and an archive may be told another day than it is."""
    run = digest(tmp_path, 30, now, status="stopped", end_time=TEN(end))
    assert run.summary["end_time_or_in_progress"].value == TEN(end)
    assert not any(p.kind.startswith("end") for p in run.problems)


@pytest.mark.parametrize(("rows", "began"), [(30, TEN_S + 6 * 3600), (0, None)])
def test_a_run_knows_when_it_began_in_utc(tmp_path: Path, rows: int, began: float | None) -> None:
    """Lineages can be of several machines; without rows nobody knows the offset of its clock."""
    assert digest(tmp_path, rows).signals["began_utc_s"] == began


@pytest.mark.parametrize(("status", "crashed"), [("completed", False), ("failed", True), ("stopped", True)])
def test_a_completed_run_without_rows_did_not_crash(tmp_path: Path, status: str, crashed: bool) -> None:
    """It came to its end; who saw nothing of that is the recorder."""
    (found,) = (p for p in digest(tmp_path, 0, status=status).problems if p.kind == "no_rows")
    assert ("crashed" in Renderer(template_folder()).words(phrase("problem.no_rows", **found.values))) is crashed


def test_completed_early_is_said(tmp_path: Path) -> None:
    """Completed at 30 % is completed, with a word about it."""
    assert keys(digest(tmp_path, 30, status="completed", end_time=TEN(300)).state_notes) == ["state.completed_short"]


@pytest.mark.parametrize("rows", [99, 100, 101])
def test_a_rollout_more_or_less_is_not_early(tmp_path: Path, rows: int) -> None:
    """99 %, 100 % and an overshoot need no word."""
    assert keys(digest(tmp_path, rows, status="completed", end_time=TEN(1000)).state_notes) == []


def test_rows_long_after_the_end_are_said(tmp_path: Path) -> None:
    """Marked completed after a minute, it went on for four more: the last row is the end."""
    run = digest(tmp_path, 30, status="completed", end_time=TEN(60))
    assert keys(run.state_notes)[0] == "state.completed_but_went_on"
    assert run.summary["end_time_or_in_progress"].value == TEN(270)


def test_a_row_just_after_the_end_is_normal(tmp_path: Path) -> None:
    """The last table arrives a little late: nothing is said, and the end stays."""
    run = digest(tmp_path, 100, status="completed", end_time=TEN(895))
    assert (keys(run.state_notes), run.summary["end_time_or_in_progress"].value) == ([], TEN(895))


def test_resumed_in_place_is_said(tmp_path: Path) -> None:
    """Rows from before the start: an old version reused the id."""
    run = digest(tmp_path, 100, status="completed", start_time=TEN(600), end_time=TEN(1000))
    assert keys(run.state_notes) == ["state.resumed_in_place"]


def test_a_restart_is_said(tmp_path: Path) -> None:
    """Two learn() calls are one restart."""
    file = tmp_path / "ml_experiments.db"
    with database(file) as con:
        add_run(con, RUN, {"total_timesteps": 409_600}, end_time=TEN(1200))
        first = table_rows(RUN, range(1, 31), target=409_600)
        store(con, first, table_rows(RUN, range(1, 71), began=280, offset=122_880, target=409_600))
    with open_database(file) as opened:
        record = RunReader(opened, "test").read(RUN)
    found = digest_run(record, RUN, None, DigestSettings(LIMITS, AsOf(TEN_S), {})).digest
    assert (keys(found.state_notes), found.progress_pct) == (["state.restarted"], 100.0)


def test_now_with_an_offset_is_moved_to_the_clock_of_the_machine() -> None:
    """18:00 UTC is noon six hours to the west; a local time is what it says."""
    assert AsOf(18 * 3600.0).local_s(-360) == AsOf(12 * 3600.0, local=True).local_s(-360) == 12 * 3600.0


def test_the_stale_guard_is_quoted(tmp_path: Path) -> None:
    """A failure of the guard has no error text, and the note is told as what it is."""
    note = "Auto-failed by stale-run-guard: pid_missing"
    run = digest(tmp_path, status="failed", status_note=f"older\n{note}", end_time=TEN(400))
    said = run.summary["error_summary_if_failed"].words
    assert said is not None
    assert (said.key, said.values["line"]) == ("error.stale_guard", note)


def test_what_the_stale_guard_wrote_is_no_sign_of_life(tmp_path: Path) -> None:
    """It sets updated_at to the moment it looked; the last activity is the one that it found."""
    note = f"Auto-failed by stale-run-guard: pid_missing, last_activity>30m ({TEN(5000)}), at {TEN(9000)}"
    guarded = digest(tmp_path, status="failed", status_note=note, end_time=TEN(9000), updated_at=TEN(9000))
    assert guarded.last_activity_at == TEN(5000)


# ---------------------------------------------------------------- solved, and rewards that were never stored


def beyond_999(step: int) -> float | None:
    return step / 128 if step / 128 < 999.5 else None


def test_a_game_is_solved_where_its_level_was_crossed(tmp_path: Path) -> None:
    """1/16 per rollout: a level of 1 is reached at the sixteenth."""
    said = digest(tmp_path, solved={"ALE/Breakout-v5": 1.0}).summary["solved_flag"].words
    assert said is not None
    assert (said.key, said.values["timestep"]) == ("solved.yes", 65_536)


def test_a_level_that_was_not_reached_is_said(tmp_path: Path) -> None:
    """The name of the game will do in place of the environment."""
    assert key_of(digest(tmp_path, solved={"Breakout": 99.0}).summary["solved_flag"]) == "solved.no"


def test_without_rewards_nobody_knows_whether_it_was_solved(tmp_path: Path) -> None:
    """No metric rows are no failure to reach a level."""
    assert digest(tmp_path, 0, solved={"ALE/Breakout-v5": 1.0}).summary["solved_flag"].missing


def test_rewards_that_were_not_stored_may_have_solved_it(tmp_path: Path) -> None:
    """A level above 999 cannot be called missed where rewards of 1000 and more were lost."""
    run = digest(tmp_path, 100, options={"reward": beyond_999}, solved={"ALE/Breakout-v5": 2000.0})
    assert run.summary["solved_flag"].missing


def test_milestones_of_lost_rewards_do_not_level_off(tmp_path: Path) -> None:
    """The reward rose out of sight: the last one stored is no level since the milestone before."""
    run = digest(tmp_path, 40, config={"total_timesteps": 163_840}, options={"reward": beyond_999})
    assert any(p.kind == "large_rewards_lost" for p in run.problems)
    assert key_of(run.summary["milestone_trend_note"]) not in ("milestones.levelled", "milestones.level")


def test_a_recorder_that_stores_all_rewards_lost_none(tmp_path: Path) -> None:
    """What `runsum.record` leaves out near 1000 was never a reward; it writes larger ones."""
    run = digest(tmp_path, 40, metadata_json='{"recorder": "runsum 0.1.0"}', options={"reward": beyond_999})
    assert not any(p.kind == "large_rewards_lost" for p in run.problems)
    assert key_of(run.summary["convergence_timestep"]) != "reward.lost"


def test_a_converted_run_lost_none_either(tmp_path: Path) -> None:
    """What another recorder left out near 1000 has other reasons: it does not print three digits."""
    config = {"total_timesteps": 163_840, "frame_stack": None, "device": "cuda", "seed": 7}
    run = digest(tmp_path, 40, config=config, options={"reward": beyond_999})
    assert not any(p.kind == "large_rewards_lost" for p in run.problems)


def test_nothing_is_said_of_rewards_that_were_not_stored(tmp_path: Path) -> None:
    """Not of convergence or trend, and not of the milestones behind the last one that was; the earlier ones stand."""
    run = digest(tmp_path, 80, config={"total_timesteps": 327_680}, options={"reward": beyond_999})
    facts = run.summary
    assert {key_of(facts[name]) for name in ("convergence_timestep", "reward_trend_note")} == {"reward.lost"}
    assert [facts[f"rew_{percent}"].missing for percent in (10, 25, 50, 75, 100)] == [False, False, True, True, True]
    assert key_of(facts["rew_50"]) == "reward.lost"
    assert run.progress_pct == 100.0
