"""What happened month by month, on literal runs: ends, new bests, failures, regressions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runsum.archive.costs import Sum
from runsum.model import ConfigValue, Finding, Level, RunDigest, State, known, phrase, problem
from runsum.pages.contract import Page
from runsum.pages.groups import GroupPage, make_parts
from runsum.thresholds import Thresholds
from support.months import archive, ids, legs, month, months, run

# ---------------------------------------------------------------- which month


def test_a_run_counts_where_it_ended_and_begins_where_it_began() -> None:
    """Newest month first; a month in which runs only began has no runs of its own."""
    found = months(run("a", "2025-12-01T02:00:00", begun="2025-11-30T22:00:00"))
    assert [(m.name, m.begun, ids(m.runs)) for m in found.months] == [("2025-12", 0, ["a"]), ("2025-11", 1, [])]


def test_without_a_recorded_end_the_last_activity_counts() -> None:
    """Also for a run that says completed; the page can tell the two apart."""
    ended = run("a", "2025-10-03T00:00:00", active="2025-10-09T00:00:00")
    open_ended = run("b", None, active="2025-10-02T00:00:00")
    found = month(ended, open_ended).finished
    assert [(item.ending.at[:10], item.ending.recorded) for item in found] == [
        ("2025-10-03", True), ("2025-10-02", False)]  # fmt: skip


def test_a_run_that_the_stale_guard_gave_up_on_ended_when_it_fell_silent() -> None:
    """The guard records when it noticed, here in another year."""
    gone = run(
        "a", "2026-01-01T08:04:11", state=State.FAILED, begun="2025-12-29T19:04:11", active="2025-12-29T19:15:51"
    )
    ended = known("2026-01-01T08:04:11", phrase("end.guard", at="2025-12-29T19:15:51"))
    found = month(replace(gone, summary={**gone.summary, "end_time_or_in_progress": ended})).failed
    assert [(item.ending.at, item.ending.recorded) for item in found] == [("2025-12-29T19:15:51", False)]


def test_the_word_of_a_running_run_is_no_date() -> None:
    """Its end says "in progress"; an end that an older version left behind is not believed either."""
    for end in ("in progress", "2020-01-01T00:00:00"):
        found = month(run("a", end, state=State.RUNNING, active="2025-10-02T00:00:00"))
        assert (found.name, ids(found.still_open)) == ("2025-10", ["a"])


def test_a_run_without_any_date_is_kept_apart() -> None:
    """It is in no month, and it holds no record that another could break."""
    found = months(
        run("a", "rubbish", begun=None, best=9.0), run("b", "2025-10-02T00:00:00", best=1.0, begun="2025-10-01")
    )
    assert [r.digest.run_id for r in found.undated] == ["a"]
    assert [ids(m.runs) for m in found.months] == [["b"]]
    assert [item.before for item in found.months[0].first_results] == [None]


def test_every_state_has_its_list() -> None:
    """A run is finished, failed or still open, and never two of them."""
    states = list(State)
    found = month(*(run(str(s), "2025-10-02T00:00:00", state=s, active="2025-10-02T00:00:00") for s in states))
    assert set(ids(found.finished)) == {"completed", "stopped", "finished"}
    assert ids(found.failed) == ["failed"]
    assert set(ids(found.still_open)) == {"running", "stale", "paused", "unknown"}


def test_what_was_trained_is_added_up() -> None:
    """Hours only of the runs that have them, and the others are counted."""
    end = "2025-10-02T00:00:00"
    found = month(run("a", end, hours=1.5), run("b", end, hours=None), run("c", end, hours=2.0))
    assert (found.trained, found.timesteps) == (Sum(3.5, 2, True), Sum(3000, 3, False))
    assert month(run("b", end, hours=None)).trained.value is None


# ---------------------------------------------------------------- new bests


def test_a_new_best_is_above_all_that_ended_before() -> None:
    """In the order of ends, not of starts; an equal value and a lower one are none, another game has its own."""
    found = month(
        run("late", "2025-10-05T00:00:00", best=7.0, begun="2025-10-01T00:00:00"),
        run("first", "2025-10-02T00:00:00", best=5.0, begun="2025-10-02T00:00:00"),
        run("equal", "2025-10-03T00:00:00", best=5.0),
        run("lower", "2025-10-04T00:00:00", best=4.0),
        run("other", "2025-10-04T00:00:00", best=1.0, game="Breakout"),
        run("silent", "2025-10-06T00:00:00", best=None),
        run("gameless", "2025-10-06T00:00:00", best=99.0, game=None),
    )
    bests = [(item.dated.run.digest.run_id, item.before and item.before.digest.run_id) for item in found.new_bests]
    assert bests == [("late", "first")]
    assert ids(item.dated for item in found.first_results) == ["other", "first"]


def test_a_best_below_nought_counts() -> None:
    """Minus ten is above minus twelve, whatever nought is."""
    found = month(run("a", "2025-10-02T00:00:00", best=-12.0), run("b", "2025-10-03T00:00:00", best=-10.0))
    assert ids(item.dated for item in found.new_bests) == ["b"]


def test_a_best_after_lost_rewards_is_only_the_best_captured() -> None:
    """Whoever lost rewards of 1000 and more may have been better: every later record of the game says so."""
    lost = (problem("large_rewards_lost", count=3),)
    found = month(
        run("before", "2025-10-02T00:00:00", best=900.0),
        run("lost", "2025-10-03T00:00:00", best=990.0, problems=lost),
        run("after", "2025-10-04T00:00:00", best=995.0),
        run("elsewhere", "2025-10-05T00:00:00", best=1.0, game="Breakout"),
    )
    captured = {item.dated.run.digest.run_id: item.captured for item in (*found.new_bests, *found.first_results)}
    assert captured == {"before": False, "lost": True, "after": True, "elsewhere": False}


def rewarded(digest: RunDigest, by: str | None) -> RunDigest:
    return replace(digest, config={} if by is None else {"reward_fn": ConfigValue(by, "config_json")})


def test_rewards_of_other_functions_are_no_record() -> None:
    """-235 by the queue is no better than -590 by the delay: each has a first result, and then its own bests."""
    found = month(
        rewarded(run("delay", "2025-10-02T00:00:00", best=-590.0), "delay"),
        rewarded(run("queue", "2025-10-03T00:00:00", best=-234.9), "queue"),
        rewarded(run("better", "2025-10-04T00:00:00", best=-500.0), "delay"),
        run("alone", "2025-10-05T00:00:00", best=1.0, game="Breakout"),
    )
    bests = [(i.dated.run.digest.run_id, i.before and i.before.digest.run_id, i.rewarded) for i in found.new_bests]
    assert bests == [("better", "delay", (("reward_fn", "delay"),))]
    firsts = {item.dated.run.digest.run_id: item.rewarded for item in found.first_results}
    assert firsts == {
        "alone": None, "queue": (("reward_fn", "queue"),), "delay": (("reward_fn", "delay"),)}  # fmt: skip


def test_environments_of_a_game_have_records_of_their_own() -> None:
    """547 where frames are not skipped is nothing that 26 of another environment could have beaten."""
    found = month(
        replace(run("old", "2025-10-02T00:00:00", best=547.0), env_id="BreakoutNoFrameskip-v4"),
        replace(run("first", "2025-10-03T00:00:00", best=22.2), env_id="ALE/Breakout-v5"),
        replace(run("better", "2025-10-04T00:00:00", best=26.4), env_id="ALE/Breakout-v5"),
        run("alone", "2025-10-05T00:00:00", best=1.0, game="Enduro"),
    )
    bests = [(i.dated.run.digest.run_id, i.before and i.before.digest.run_id, i.environment) for i in found.new_bests]
    assert bests == [("better", "first", "ALE/Breakout-v5")]
    assert {item.dated.run.digest.run_id: item.environment for item in found.first_results} == {
        "old": "BreakoutNoFrameskip-v4", "first": "ALE/Breakout-v5", "alone": None}  # fmt: skip


def test_runs_of_a_game_that_were_rewarded_differently_are_ranked_apart() -> None:
    """First the function that most runs have, though another gave the larger numbers."""
    runs = [
        rewarded(run(name, "2025-10-02T00:00:00", best=best), by)
        for name, best, by in (("a", -900.0, "delay"), ("b", -590.0, "delay"), ("c", -235.0, "queue"))
    ]
    (game,) = archive(*runs).games
    assert [one.digest.run_id for one in game.runs] == ["b", "a", "c"]
    page = next(item for part in make_parts(archive(*runs)) for item in part.make() if isinstance(item, Page))
    assert isinstance(page.context, GroupPage)
    assert [one.row.place for fold in page.context.rows for one in fold.rows] == [1, 2, 1]
    assert [one.rewarded and one.rewarded.values["items"] for fold in page.context.rows for one in fold.rows] == [
        [("reward_fn", "delay")], [("reward_fn", "delay")], [("reward_fn", "queue")]]  # fmt: skip


# ---------------------------------------------------------------- what got worse


@pytest.mark.parametrize(("final", "worse"), [(18.5, True), (19.5, False), (20.0, False), (25.0, False)])
def test_a_leg_clearly_below_its_parent_got_worse(final: float, worse: bool) -> None:
    """By more than `parent_drop` of the range, which is 1 here: what the verdict of its page calls worse."""
    found = month(*legs(final)).regressions
    assert [(ids([item.dated]), item.parent and item.parent.digest.run_id, item.fell) for item in found] == (
        [(["b"], "a", False)] if worse else []
    )


def test_the_threshold_in_force_decides() -> None:
    """`parent_drop` and `lost_gain` are those of the settings."""
    fallen = run("c", "2025-10-04T00:00:00", best=20.0, final=14.0)
    assert ids(i.dated for i in months(*legs(18.5), fallen).months[0].regressions) == ["b"]
    strict = Thresholds(parent_drop=0.5, lost_gain=0.2)
    assert ids(i.dated for i in months(*legs(18.5), fallen, limits=strict).months[0].regressions) == ["c"]


def test_a_run_that_gave_back_most_of_its_gain_got_worse() -> None:
    """From 0 to 20 and back to 5; one that ended at 15 did not."""
    runs = [run(str(final), "2025-10-02T00:00:00", best=20.0, final=final) for final in (5.0, 15.0)]
    assert [(ids([i.dated]), i.parent, i.fell) for i in month(*runs).regressions] == [(["5.0"], None, True)]


@pytest.mark.parametrize(
    ("key", "values", "confidence", "listed"),
    [
        ("finding.reward_fell_from_start", {"before": 9.0, "after": 2.0}, "medium", True),
        ("finding.reward_below_best", {"best": 9.0, "end": 7.0, "is_noise": False}, "high", True),
        (
            "finding.reward_below_best",
            {"best": 9.0, "end": 7.0, "is_noise": True},
            "high",
            False,
        ),  # no larger than the noise
        ("finding.reward_falling", {}, "high", True),
        ("finding.reward_falling", {}, "low", False),  # a guess
        ("finding.reward_rising", {}, "high", False),
    ],
)
def test_a_run_that_ended_below_where_it_had_been_got_worse(
    key: str, values: dict[str, object], confidence: str, listed: bool
) -> None:
    """What the check of its reward says, also where less than most of the gain is lost."""
    said = Finding("reward_shape", Level.WATCH, phrase(key, **values), confidence=confidence)
    slipped = replace(run("a", "2025-10-02T00:00:00", best=20.0, final=15.0), findings=(said,))
    assert [(item.fell, item.slipped) for item in month(slipped).regressions] == ([(False, said)] if listed else [])
    running = replace(slipped, state=State.RUNNING, last_activity_at="2025-10-02T00:00:00")
    assert month(running).regressions == ()


def test_no_judgement_while_it_runs_or_where_the_end_was_lost() -> None:
    """A running leg may recover, and lost rewards hide how the run ended."""
    running = legs(5.0, State.RUNNING, active="2025-10-03T00:00:00")
    lost = legs(5.0, problems=(problem("large_rewards_lost", count=3),))
    assert month(*running).regressions == month(*lost).regressions == ()
