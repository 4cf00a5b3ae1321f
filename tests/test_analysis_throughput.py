"""Speed, time left, downtime and gaps: `runsum.analysis.throughput` on short literal series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from runsum.analysis.systems import check_throughput
from runsum.analysis.throughput import (
    Rate,
    beside_the_clock,
    downtime_facts,
    eta_fact,
    fps_facts,
    gap_fact,
    measure_rate,
    recent_speed,
)
from runsum.analysis.throughput import trend_fact as speed_trend_fact
from runsum.cleaning.series import Series
from runsum.model import DataQuality, Gap, Level, Session, State, known, missing, phrase
from support.analysis import LIMITS, floats, key_of, series

# ---------------------------------------------------------------- throughput


def rates(steps: Sequence[float], at: Sequence[float], silent: float | None = 100.0, **more: Any) -> list[float]:
    measured = measure_rate(series(steps, at=at, **more), DataQuality(gap_threshold_s=silent), LIMITS)
    return measured.per_second.tolist()


def test_speed_is_measured_over_a_minute() -> None:
    """Rows half a minute apart make windows of two intervals."""
    assert rates([0, 300, 600, 900, 1200], [0, 30, 60, 90, 120]) == [10.0, 10.0]


def test_no_window_spans_a_gap() -> None:
    """The silence between two stretches is no slow training."""
    assert rates([0, 600, 700, 1300], [0, 60, 1000, 1060]) == [10.0, 10.0]


def test_no_window_spans_a_restart() -> None:
    """A new session begins a new window, even where steps and times look fine."""
    assert rates([0, 300, 600, 900], [0, 30, 60, 90], session=[0, 0, 1, 1]) == []


def test_no_window_goes_backwards() -> None:
    """A clock or a step that falls begins a new window, so no rate is negative."""
    assert rates([0, 600, 100, 700], [0, 60, 120, 180]) == [10.0, 10.0]
    assert rates([0, 300, 600, 900], [0, 60, 30, 90]) == [5.0, 5.0]


def test_an_empty_run_has_no_rate() -> None:
    """No rows, no windows."""
    assert rates([], []) == []


@pytest.mark.parametrize(
    ("speeds", "key"),
    [
        ([450.0] * 7, "sps.few"),
        ([450.0] * 10, "sps.steady"),
        ([450, 450, 450, 400, 350, 330, 320, 320], "sps.steady"),  # 29 % is not more than 30 %
        ([450, 450, 450, 400, 350, 310, 310, 310], "sps.slower"),
        ([310, 310, 310, 350, 400, 450, 450, 450], "sps.faster"),
        ([0.0, 0, 0, 0, 0, 1, 1, 1], "sps.few"),
    ],
)
def test_the_trend_of_the_speed(speeds: list[float], key: str) -> None:
    """First and last fifth are compared by their medians."""
    hours = np.arange(float(len(speeds)))
    assert key_of(speed_trend_fact(Rate(hours, hours, floats(*speeds)), LIMITS)) == key


def test_the_first_speed_of_a_session_is_left_out() -> None:
    """The inflated first reading is neither in the mean nor the largest."""
    facts = fps_facts(series([1, 2, 3], fps=[818.0, 440.0, 460.0]), False)
    assert [facts[name].value for name in ("avg_fps", "min_fps", "max_fps")] == [450.0, 440.0, 460.0]


@pytest.mark.parametrize(
    ("rows", "key"),
    [
        (series([]), "fps.no_rows"),
        (series([1], fps=[818.0]), "fps.one_row"),
        (series([1, 2]), "reason.not_recorded"),
    ],
)
def test_no_speed_says_why(rows: Series, key: str) -> None:
    """No rows, one inflated row, or a column that was left empty."""
    assert key_of(fps_facts(rows, False)["avg_fps"]) == key


def test_the_speed_of_a_recorded_run_is_steps_by_time() -> None:
    """A thousand steps in one second and a thousand in four are 400 per second, whatever the cumulative meter says."""
    rows = series([1000, 2000, 3000], fps=[9.0, 9.0, 9.0], steps_per_second=[5.0, 1000.0, 250.0])
    facts = fps_facts(rows, True)
    assert [facts[name].value for name in ("avg_fps", "min_fps", "max_fps")] == [400.0, 250.0, 1000.0]


@pytest.mark.parametrize("windows", [5, 7, 8])
def test_the_trend_and_the_check_of_the_speed_ask_for_as_many_windows(windows: int) -> None:
    """One page does not call a speed steady and say that it cannot be told."""
    steps, speeds = np.arange(float(windows)), np.full(windows, 450.0)
    untold = speed_trend_fact(Rate(steps, steps, speeds), LIMITS).missing
    assert untold is (check_throughput(steps, speeds, LIMITS).level is Level.NOT_ASSESSED) is (windows < 8)


def recent(steps: Sequence[float], at: Sequence[float], **more: Any) -> float | None:
    return recent_speed(series(steps, at=at, **more), DataQuality(gap_threshold_s=100.0), LIMITS)


def test_the_speed_at_the_end_is_that_of_the_last_minute() -> None:
    """A minute at 20 steps/s and half a minute at 5: the last whole minute has 10, and the first one does not count."""
    assert recent([0, 600, 1200, 1350], [0, 30, 60, 90]) == 750 / 60
    assert recent([0, 1200, 1500], [0, 60, 120]) == 5.0


def test_the_speed_at_the_end_spans_no_gap_and_no_restart() -> None:
    """Half a minute after a break is no window: the last one without a break is the minute before it."""
    assert recent([0, 300, 900, 1000], [0, 30, 90, 1000]) == 10.0
    assert recent([0, 600, 900, 1800], [0, 60, 90, 120], session=[0, 0, 1, 1]) == 10.0


def test_a_run_of_less_than_a_minute_has_no_speed_at_its_end() -> None:
    """Nor has one without rows."""
    assert recent([0, 300, 500], [0, 30, 59]) is None
    assert recent([], []) is None


def test_the_speed_at_the_end_of_a_long_run_is_that_of_its_recent_share() -> None:
    """A quarter of sixteen minutes: the median of the last four, whatever was before."""
    speeds = [100.0] * 12 + [20.0, 30.0, 40.0, 500.0]
    steps = np.concatenate([[0.0], np.cumsum(speeds) * 60]).tolist()
    assert recent(steps, [60.0 * k for k in range(17)]) == 35.0


FAST, STILL = 100.0, None


@pytest.mark.parametrize(
    ("state", "current", "goal", "speed", "key"),
    [
        (State.COMPLETED, 1000, 1000, FAST, "eta.over"),
        (State.FAILED, 500, 1000, FAST, "eta.over_early"),
        (State.FAILED, None, 1000, FAST, "eta.over_unknown"),
        (State.FAILED, 500, None, FAST, "eta.over_no_target"),
        (State.FINISHED, 1000, 1000, FAST, "eta.finished"),
        (State.RUNNING, None, 1000, FAST, "eta.unknown"),
        (State.RUNNING, 500, None, FAST, "eta.unknown"),
        (State.RUNNING, 500, 1000, STILL, "eta.no_rate"),
        (State.RUNNING, 500, 1000, FAST, "eta.running"),
        (State.STALE, 500, 1000, FAST, "eta.stale"),
        (State.PAUSED, 500, 1000, FAST, "eta.stale"),
    ],
)
def test_time_left(state: State, current: int | None, goal: int | None, speed: float | None, key: str) -> None:
    """Only a run that goes on has time left, and only where steps and speed are known."""
    assert key_of(eta_fact(state, current, goal, speed, LIMITS)) == key


@pytest.mark.parametrize(
    ("state", "current", "key"),
    [
        (State.COMPLETED, 1990, "eta.over"),
        (State.COMPLETED, 1989, "eta.over_early"),
        (State.FAILED, 1990, "eta.over_early"),
    ],
)
def test_the_last_row_of_a_completed_run_may_be_before_its_end(state: State, current: int, key: str) -> None:
    """By a hundredth of its own target: the leg begins at 1,000 and is to end at 2,000."""
    assert key_of(eta_fact(state, current, 2000, FAST, LIMITS, 1000)) == key


def test_time_left_is_steps_by_speed() -> None:
    """360,000 steps at 100 steps/s are an hour, and the value is an estimate."""
    fact = eta_fact(State.RUNNING, 40_000, 400_000, FAST, LIMITS)
    assert fact.words is not None
    assert (fact.words.values["hours"], fact.estimated) == (1.0, True)


def test_nothing_is_left_beyond_the_goal() -> None:
    """An overshoot is no negative time."""
    fact = eta_fact(State.STALE, 1100, 1000, FAST, LIMITS)
    assert fact.words is not None
    assert fact.words.values["steps"] == 0


@pytest.mark.parametrize(("meter", "shown"), [(100.9, False), (101.1, True), (98.9, True)])
def test_a_meter_stands_beside_the_clock_where_it_tells_something_else(meter: float, shown: bool) -> None:
    """360,000 steps in an hour are 100 steps/s; one percent is no difference."""
    fact = beside_the_clock(known(meter), 360_000, 1.0)
    assert fact.value == meter
    assert [one.values["pace"] for one in fact.small] == ([100.0] if shown else [])


def test_without_a_time_the_meter_stands_alone() -> None:
    """Nothing is made up; nor is anything put beside a meter that says nothing."""
    assert beside_the_clock(known(50.0), 360_000, None) == known(50.0)
    assert beside_the_clock(missing("fps.no_rows"), 360_000, 1.0) == missing("fps.no_rows")


# ---------------------------------------------------------------- downtime and gaps


def silences(*seconds: float, sessions: int = 1, rows: int = 10, with_gpu: bool | None = None) -> DataQuality:
    return DataQuality(
        rows=rows, gap_threshold_s=60.0, gaps=tuple(Gap(s, 100, 0.1, with_gpu) for s in seconds),
        sessions=tuple(Session(0, 1, 2) for _ in range(sessions)),
    )  # fmt: skip


def test_only_long_gaps_are_lost_time() -> None:
    """Five minutes count, 299 seconds do not."""
    lost = downtime_facts(silences(299, 300, 3600), (), False, LIMITS)["pause_time_h"]
    assert (lost.value, lost.estimated) == (3900 / 3600, True)


def test_no_gap_is_no_time_lost() -> None:
    """Nought hours are known, not unknown."""
    lost = downtime_facts(silences(), (), False, LIMITS)["pause_time_h"]
    assert (lost.value, lost.small) == (0.0, ())


def test_gaps_that_count_for_nothing_are_told() -> None:
    """So that no page says of three gaps that there are none."""
    lost = downtime_facts(silences(80, 75, 100), (), False, LIMITS)["pause_time_h"]
    assert (lost.value, lost.small) == (0.0, (phrase("pauses.short", gaps=3, least=300),))


def test_pauses_are_notes_and_restarts() -> None:
    """Two notes of closing while training and one restart are three."""
    notes = ("ui_exit_pause: UI closed", "something else", "2025-12-22 ui_exit_pause again", "my_ui_exit_pauses")
    assert downtime_facts(silences(sessions=2), notes, False, LIMITS)["pause_count"].value == 3


def test_without_rows_pauses_are_unknown() -> None:
    """A run without rows has no count and no time lost."""
    facts = downtime_facts(DataQuality(), (), False, LIMITS)
    assert {key_of(fact) for fact in facts.values()} == {"reason.no_rows"}


@pytest.mark.parametrize(("rows", "key"), [(2, "gaps.few"), (30, "gaps.no_times")])
def test_without_a_usual_interval_gaps_are_unknown(rows: int, key: str) -> None:
    """Too few rows, or times that do not tell them apart."""
    quality = DataQuality(rows=rows)
    assert key_of(gap_fact(quality)) == key_of(downtime_facts(quality, (), False, LIMITS)["pause_time_h"]) == key


@pytest.mark.parametrize(
    ("quality", "key"),
    [
        (DataQuality(), "reason.no_rows"),
        (silences(), "gaps.none"),
        (silences(100, with_gpu=True), "gaps.found_alive"),
        (silences(100, with_gpu=False), "gaps.found_absent"),
        (silences(100), "gaps.found_unknown"),
    ],
)
def test_gaps_as_a_sentence(quality: DataQuality, key: str) -> None:
    """None, or the longest with what the GPU samples tell of it."""
    assert key_of(gap_fact(quality)) == key


def test_the_longest_gap_is_told() -> None:
    """Of several gaps the longest is named, and all are counted."""
    said = gap_fact(silences(100, 900, 300)).words
    assert said is not None
    assert (said.values["longest"], said.values["count"]) == (900, 3)
