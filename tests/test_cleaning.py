"""Which rows of a run are real: every rule of `runsum.cleaning` on a handful of literal rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from runsum.cleaning.rollouts import LearnCalls, find_learn_calls, find_rollout_size, session_numbers
from runsum.cleaning.rows import (
    count_jumps,
    find_contaminated,
    find_phantoms,
    has_spread,
    utc_offset_s,
    utc_seconds,
)
from runsum.cleaning.series import RunFrame, Series, clean_series
from runsum.model import DataQuality
from runsum.source.records import GPU_COLUMNS, METRICS, GpuTable, MetricTable
from runsum.thresholds import Thresholds

LIMITS = Thresholds()
NOON = 1_766_404_800.0  # 22 Dec 2025, 12:00 on the machine's clock, which is six hours behind UTC
SIX_HOURS = 6 * 3600.0
NAN = math.nan


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def table(
    steps: Sequence[float],
    iterations: Sequence[float],
    *,
    at: Sequence[float] | None = None,
    created: Sequence[float] | None = None,
    unreadable: int = 0,
    **columns: Sequence[float],
) -> MetricTable:
    """Rows in write order, ten seconds apart from noon on; a reward wherever there is an iteration."""
    count = len(steps)
    seconds = floats(*(at if at is not None else range(0, 10 * count, 10)))
    values = {name: np.full(count, NAN) for name in METRICS}
    values |= {"id": np.arange(1.0, count + 1)}
    values |= {name: np.full(count, NAN) for name in ("total_timesteps", "progress_pct")}
    values |= {"timestep": floats(*steps), "episode_count": floats(*iterations)}
    values |= {"cpu_percent": np.zeros(count), "memory_mb": np.full(count, 2100.0)}
    values["episode_reward_mean"] = np.where(values["episode_count"] > 0, values["timestep"] / 100, NAN)
    values |= {name: floats(*column) for name, column in columns.items()}
    stamps = NOON + SIX_HOURS + np.floor(seconds) if created is None else floats(*created)
    return MetricTable(values, NOON + seconds, stamps, unreadable)


def gpu(*seconds: float) -> GpuTable:
    return GpuTable(NOON + floats(*seconds), {name: np.full(len(seconds), 20.0) for name in GPU_COLUMNS})


def frame(**changes: Any) -> RunFrame:
    known: dict[str, Any] = {
        "status": "completed", "algorithm": "ppo", "leg_start": 0, "target": 1000, "config_rollout_size": 100,
        "start_local_s": NOON, "end_local_s": None,
    }  # fmt: skip
    return RunFrame(**(known | changes))


def clean(rows: MetricTable, samples: GpuTable | None = None, **changes: Any) -> tuple[Series, DataQuality]:
    return clean_series(rows, samples or gpu(), frame(**changes), LIMITS)


# ---------------------------------------------------------------- rollout size


@pytest.mark.parametrize(
    ("steps", "iterations", "size"),
    [
        ([100, 200, 300], [1, 2, 3], 100),
        ([100, 300, 600], [1, 3, 6], 100),  # rows in between were never sampled
        ([150, 250, 350], [1, 2, 3], 100),  # a leg that began at 50
        ([100, 200, 300, 250, 350], [1, 2, 3, 1, 2], 100),  # a restart: the iteration falls
        ([100, 200, 333, 400, 500, 600], [1, 2, 3, 4, 5, 6], 100),  # one odd row
    ],
)
def test_rollout_size_is_the_usual_slope(steps: list[int], iterations: list[int], size: int) -> None:
    """Steps per iteration is found through missing rows, offsets, restarts and single odd rows."""
    assert find_rollout_size(floats(*steps), floats(*iterations), 0.5) == size


@pytest.mark.parametrize(
    ("steps", "iterations"),
    [
        ([], []),
        ([100], [1]),
        ([100, 200, 300], [0, 0, 0]),  # off-policy: no iterations
        ([100, 100, 100], [1, 2, 3]),  # the step does not move
        ([101, 203, 304, 406], [1, 3, 6, 9]),  # no whole slope
        ([100, 200, 300, 450, 600], [1, 2, 3, 4, 5]),  # two against two: half is no majority
    ],
)
def test_no_rollout_size_without_a_majority(steps: list[int], iterations: list[int]) -> None:
    """Nothing is believed without a whole slope that more than half of the neighbours share."""
    assert find_rollout_size(floats(*steps), floats(*iterations), 0.5) is None


# ---------------------------------------------------------------- learn() calls


def calls(steps: Sequence[float], iterations: Sequence[float]) -> LearnCalls:
    return find_learn_calls(floats(*steps), floats(*iterations), 100, LIMITS)


def test_one_call_begins_at_its_offset() -> None:
    """Rows on one line through step 50 are one call that began there."""
    assert calls([150, 250, 350], [1, 2, 3]) == LearnCalls(100, (50,), (0,))


def test_a_restart_on_another_grid_is_a_second_call() -> None:
    """The iteration falls back to 1 and the offset changes: a call from step 250 on."""
    assert calls([100, 200, 300, 350, 450, 550], [1, 2, 3, 1, 2, 3]).starts == (0, 250)


def test_a_restart_on_the_same_grid_is_seen_without_a_jump() -> None:
    """Overwritten rows leave no step backwards, but the offset tells the second call."""
    found = calls([100, 200, 300, 400, 500, 600], [1, 2, 3, 1, 2, 3])
    assert (found.starts, found.first_rows) == ((0, 300), (0, 3))


def test_an_offset_of_two_rows_is_no_call() -> None:
    """Fewer than three rows of an offset are mixed rows."""
    assert calls([100, 200, 300, 400, 500, 130, 230], [1, 2, 3, 4, 5, 1, 2]).starts == (0,)


def test_negative_offsets_are_ignored() -> None:
    """No call begins below step 0, however many rows say so."""
    steps, iterations = [100, 200, 300, 400, 500, 600, 700, 50, 150, 250], [1, 2, 3, 4, 5, 6, 7, 2, 3, 4]
    assert calls(steps, iterations).starts == (0,)


def test_a_new_offset_needs_a_fallen_iteration() -> None:
    """The iteration restarts with every call, so an offset with a rising one is a mixed row."""
    steps = [*range(100, 900, 100), 930, 1030, 1130]
    assert calls(steps, range(1, 12)).starts == (0,)


def test_an_episode_counter_is_not_believed() -> None:
    """Where offsets explain too few rows, the counter counts episodes: no size and no calls."""
    steps = [100, 200, 350, 500, 700, 900, 1100, 1400]
    assert calls(steps, [1, 2, 3, 4, 5, 6, 7, 8]) == LearnCalls(None, (), ())


@pytest.mark.parametrize(("steps", "size"), [([], 100), ([100, 200, 300], None)])
def test_no_calls_without_rows_or_size(steps: list[int], size: int | None) -> None:
    """An empty run and a run without a rollout size have no calls."""
    found = find_learn_calls(floats(*steps), floats(*range(1, len(steps) + 1)), size, LIMITS)
    assert found == LearnCalls(size, (), ())


def test_rows_belong_to_the_call_before_them() -> None:
    """Sessions are numbered from 0; mixed rows before the first call belong to it."""
    assert session_numbers(6, (1, 4)).tolist() == [0, 0, 0, 0, 1, 1]


# ---------------------------------------------------------------- phantom rows


def phantoms(steps: Sequence[float], iterations: Sequence[float], leg_start: int = 1000) -> list[bool]:
    real = np.array([i > 0 for i in iterations])
    return find_phantoms(floats(*steps), floats(*iterations), real, leg_start, 200.0).tolist()


def test_a_step_counted_twice_is_a_phantom() -> None:
    """A progress row of a leg from 1000 on says 2150 where 1150 is meant."""
    assert phantoms([1100, 2150, 1200], [1, 0, 2]) == [False, True, False]


def test_a_phantom_before_the_first_table_is_found() -> None:
    """Before any table row, the start of the leg is the neighbour."""
    assert phantoms([2050, 1100, 1200], [0, 1, 2]) == [True, False, False]


def test_a_phantom_after_the_last_table_is_found() -> None:
    """After the last table row, the nearer reading of the step decides."""
    assert phantoms([1100, 1200, 2250], [1, 2, 0]) == [False, False, True]


def test_true_progress_rows_stay() -> None:
    """A progress row that fits between its neighbours, or right after them, is real."""
    assert not any(phantoms([1100, 1150, 1200, 1250], [1, 0, 2, 0]))


def test_a_far_step_that_does_not_fit_halved_stays() -> None:
    """A step whose half lies nowhere near its neighbours is odd, but no phantom."""
    assert not any(phantoms([1100, 9000, 1200], [1, 0, 2]))


def test_a_first_leg_has_no_phantoms() -> None:
    """Nothing is counted twice where the leg began at 0."""
    assert not any(phantoms([100, 2150, 200], [1, 0, 2], leg_start=0))


def test_without_table_rows_nothing_is_called_a_phantom() -> None:
    """There is nothing to compare progress rows with."""
    assert not any(phantoms([2050, 2150], [0, 0]))


def test_a_jump_after_a_phantom_is_an_artefact() -> None:
    """Steps backwards right after a phantom row are the recorder's; others are restarts."""
    steps = floats(1100, 2150, 1200, 1300, 1150)
    assert count_jumps(steps, np.array([False, True, False, False, False])) == (1, 1)


def test_equal_steps_are_no_jump() -> None:
    """Only a smaller step is a step backwards."""
    assert count_jumps(floats(100, 100, 200), np.zeros(3, dtype=bool)) == (0, 0)


# ---------------------------------------------------------------- rows of another run

BARE = {"cpu_percent": [0, 0, NAN, NAN], "memory_mb": [2100, 2100, NAN, NAN]}
FOUR = ([100, 200, 5000, 5100], [1, 2, 50, 51])


def contaminated(rows: MetricTable, status: str = "stopped", end: float | None = NOON + 15) -> list[bool]:
    return find_contaminated(rows, status, end).tolist()


def test_bare_rows_after_a_stop_are_foreign() -> None:
    """Stopped, written after the end, without CPU and memory: another run's rows."""
    assert contaminated(table(*FOUR, **BARE)) == [False, False, True, True]


def test_a_row_at_the_very_end_time_is_foreign_too() -> None:
    """The moment of the end itself counts as after it."""
    assert contaminated(table(*FOUR, **BARE), end=NOON + 20) == [False, False, True, True]


@pytest.mark.parametrize("status", ["completed", "failed", "running", ""])
def test_only_a_stopped_run_has_foreign_rows(status: str) -> None:
    """The collector goes on after Stop, not after another end."""
    assert not any(contaminated(table(*FOUR, **BARE), status))


def test_rows_before_the_end_are_own() -> None:
    """A late end time leaves bare rows to the run."""
    assert not any(contaminated(table(*FOUR, **BARE), end=NOON + 500))


def test_without_an_end_time_nothing_is_foreign() -> None:
    """There is nothing to be after."""
    assert not any(contaminated(table(*FOUR, **BARE), end=None))


def test_rows_with_cpu_are_own() -> None:
    """A live process wrote them: the end was noted too early."""
    assert not any(contaminated(table(*FOUR)))


def test_a_run_that_never_had_cpu_keeps_its_rows() -> None:
    """Bare rows mean nothing where all rows are bare."""
    rows = table(*FOUR, cpu_percent=[NAN] * 4, memory_mb=[NAN] * 4)
    assert not any(contaminated(rows))


def test_a_bare_row_before_an_own_row_is_kept() -> None:
    """A sampling failure in the middle is not contamination."""
    rows = table(*FOUR, cpu_percent=[0, 0, NAN, 0], memory_mb=[2100, 2100, NAN, 2100])
    assert not any(contaminated(rows))


def test_foreign_rows_are_found_across_a_clock_change() -> None:
    """The clock went back an hour after the stop: local stamps look earlier, UTC stamps do not."""
    at = [0, 10, 20 - 3600, 30 - 3600]
    utc = [NOON + SIX_HOURS + s for s in (0, 10, 20, 30)]
    assert contaminated(table(*FOUR, at=at, created=utc, **BARE)) == [False, False, True, True]


def test_imported_stamps_do_not_date_rows() -> None:
    """Where created_at is equal for all rows, only the local stamps are compared."""
    at = [0, 10, 20 - 3600, 30 - 3600]
    assert not any(contaminated(table(*FOUR, at=at, created=[NOON + SIX_HOURS] * 4, **BARE)))


# ---------------------------------------------------------------- clocks


@pytest.mark.parametrize(
    ("difference", "offset"),
    [(-21_600.0, -21_600.0), (-21_597.2, -21_600.0), (19_800.0, 19_800.0), (0.4, 0.0), (50_400.0, 50_400.0)],
)
def test_offset_is_rounded_to_a_quarter_of_an_hour(difference: float, offset: float) -> None:
    """Whole-second UTC stamps beside local microseconds still give a zone."""
    assert utc_offset_s(floats(NOON + difference), floats(NOON)) == offset


@pytest.mark.parametrize(("local", "created"), [([NOON], [NAN]), ([NOON], [NOON - 15 * 3600]), ([], [])])
def test_no_offset_from_nothing_or_nonsense(local: list[float], created: list[float]) -> None:
    """No zone is 15 hours from UTC; without both stamps nothing is known."""
    assert utc_offset_s(floats(*local), floats(*created)) is None


def test_utc_keeps_the_fraction_of_the_local_stamp() -> None:
    """The UTC column has whole seconds; the local one knows better."""
    seconds, offset = utc_seconds(table([100, 200], [1, 2], at=[0.25, 10.75]))
    assert (offset, (seconds - NOON - SIX_HOURS).tolist()) == (-SIX_HOURS, [0.25, 10.75])


def test_a_clock_change_moves_no_row_in_utc() -> None:
    """Each row has an offset of its own, so an hour set back is no hour lost."""
    at, utc = [0, 10, 20 - 3600, 30 - 3600], [NOON + SIX_HOURS + s for s in (0, 10, 20, 30)]
    seconds, _ = utc_seconds(table([1, 2, 3, 4], [1, 2, 3, 4], at=at, created=utc))
    assert (seconds - NOON - SIX_HOURS).tolist() == [0, 10, 20, 30]


def test_imported_rows_keep_local_times_without_an_offset() -> None:
    """Equal UTC stamps tell nothing: local times are used as they are."""
    seconds, offset = utc_seconds(table([1, 2], [1, 2], created=[NOON, NOON]))
    assert (offset, (seconds - NOON).tolist()) == (None, [0, 10])


def test_a_missing_stamp_is_taken_from_the_other_column() -> None:
    """A row without created_at gets the usual offset; one without a local time its UTC stamp."""
    utc = NOON + SIX_HOURS
    rows = table([1, 2, 3], [1, 2, 3], at=[0, 10, NAN], created=[utc, NAN, utc + 20])
    assert (utc_seconds(rows)[0] - NOON - SIX_HOURS).tolist() == [0, 10, 20]


@pytest.mark.parametrize(
    ("stamps", "told_apart"), [([1, 1, 1], False), ([1, 1, 2], True), ([1], True), ([NAN, NAN], True)]
)
def test_stamps_that_are_all_equal_have_no_spread(stamps: list[float], told_apart: bool) -> None:
    """Two equal stamps are an import; one alone is not."""
    assert has_spread(floats(*stamps)) is told_apart


# ---------------------------------------------------------------- the whole series


def test_canonical_rows_have_an_iteration() -> None:
    """Progress lines are counted, but are no part of the series."""
    series, quality = clean(table([100, 150, 200, 300], [1, 0, 2, 3]))
    assert series.timestep.tolist() == [100, 200, 300]
    assert (quality.rows, quality.canonical_rows, quality.progress_rows, quality.reward_rows) == (4, 3, 1, 3)


def test_without_iterations_rows_with_a_reward_count() -> None:
    """An off-policy run has no iterations; a reward makes a row canonical there."""
    rows = table([100, 150, 200], [0, 0, 0], episode_reward_mean=[1.0, NAN, 2.0])
    series, quality = clean(rows, algorithm="dqn")
    assert (series.timestep.tolist(), quality.rollout_size) == ([100, 200], None)


def test_an_off_policy_run_has_no_rollouts() -> None:
    """A constant step per 'iteration' of a DQN run is the length of an episode."""
    assert clean(table([100, 200, 300], [1, 2, 3]), algorithm="DQN")[1].rollout_size is None


@pytest.mark.parametrize("length", [100.0, 400.0])
def test_episodes_of_one_length_are_no_rollouts(length: float) -> None:
    """Converted data: the counter counts episodes, all of the same length in steps or in frames."""
    rows = table([100, 200, 300, 400], [1, 2, 3, 4], episode_length_mean=[length] * 4)
    assert clean(rows)[1].rollout_size is None


def test_a_second_leg_starts_where_its_rows_say() -> None:
    """The offset of the rows beats the recorded start of the leg."""
    series, _ = clean(table([1100, 1200, 1300], [1, 2, 3]), leg_start=1024, target=1000)
    assert series.start_timestep == 1000


def test_without_rollouts_the_recorded_start_stands() -> None:
    """Where no offset can be measured, the recorded start of the leg is used."""
    series, _ = clean(table([1100], [1]), leg_start=1024)
    assert series.start_timestep == 1024


def test_phantom_rows_are_dropped_and_counted() -> None:
    """A doubled step neither ends the run nor counts as a restart."""
    series, quality = clean(table([1100, 2150, 1200, 1300], [1, 0, 2, 3]), leg_start=1000)
    assert (series.last_step_any_row, quality.naive_last_timestep) == (1300, 2150)
    assert (quality.phantom_rows, quality.artefact_jumps, quality.genuine_jumps) == (1, 1, 0)


def test_foreign_rows_are_dropped_and_counted() -> None:
    """The other run's steps are not this run's end."""
    rows = table([100, 200, 300, 5000, 5100], [1, 2, 3, 50, 51], cpu_percent=[0, 0, 0, NAN, NAN],
                 memory_mb=[1, 1, 1, NAN, NAN])  # fmt: skip
    series, quality = clean(rows, status="stopped", end_local_s=NOON + 25)
    assert (series.timestep.max(), quality.contaminated_rows) == (300, 2)
    assert series.contaminated.tolist() == [3, 4]


def test_rows_beyond_the_goal_of_a_leg_are_out_of_range() -> None:
    """A table row far beyond the target of a continued leg cannot be its own."""
    rows = table([1100, 1200, 1300, 1400, 9900], [1, 2, 3, 4, 89])
    series, quality = clean(rows, leg_start=1000, target=500)
    assert (series.timestep.max(), quality.out_of_range_rows) == (1400, 1)


def test_a_first_leg_may_exceed_its_target() -> None:
    """The target of a converted run was a rough number: nothing is cut off there."""
    series, quality = clean(table([100, 200, 300, 400, 500], [1, 2, 3, 4, 5]), target=200)
    assert (len(series), quality.out_of_range_rows) == (5, 0)


def test_a_restart_supersedes_the_rows_beyond_it() -> None:
    """The second call begins at 250: what the first did beyond that was thrown away."""
    rows = table([100, 200, 300, 400, 350, 450, 550], [1, 2, 3, 4, 1, 2, 3])
    series, quality = clean(rows)
    assert (quality.superseded_rows, quality.restarts, quality.genuine_jumps) == (2, 1, 1)
    assert series.session.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_sessions_say_where_they_began_and_ended() -> None:
    """Start, first and last row of each learn() call."""
    rows = table([100, 200, 300, 350, 450, 550], [1, 2, 3, 1, 2, 3])
    sessions = [(s.start_timestep, s.first_timestep, s.last_timestep) for s in clean(rows)[1].sessions]
    assert sessions == [(0, 100, 300), (250, 350, 550)]


def test_the_first_speed_of_each_session_does_not_count() -> None:
    """The meter is inflated right after a start."""
    rows = table([100, 200, 300, 350, 450, 550], [1, 2, 3, 1, 2, 3])
    assert clean(rows)[0].fps_rows.tolist() == [False, True, True, False, True, True]


def test_hours_count_from_the_start_time() -> None:
    """The first row of a run is not at zero."""
    series, _ = clean(table([100, 200, 300], [1, 2, 3], at=[36, 72, 108]))
    assert series.hours.round(9).tolist() == [0.01, 0.02, 0.03]


def test_a_run_resumed_in_place_counts_from_its_first_row() -> None:
    """Rows older than the start time are not before zero."""
    series, _ = clean(table([100, 200, 300], [1, 2, 3], at=[36, 72, 108]), start_local_s=NOON + 3600)
    assert series.hours.round(9).tolist() == [0.0, 0.01, 0.02]


def test_wrong_denominators_are_counted() -> None:
    """Rows that carry another target than the run's are counted, NULL is not."""
    rows = table([100, 200, 300], [1, 2, 3], total_timesteps=[1000, 4_000_000, NAN])
    assert clean(rows)[1].wrong_denominator_rows == 1


def test_a_row_without_a_step_is_unreadable() -> None:
    """A row whose step cannot be read is counted with the other unreadable values."""
    assert clean(table([100, NAN, 300], [1, 2, 3], unreadable=2))[1].unreadable_values == 3


def test_rewards_missing_after_the_first_are_counted() -> None:
    """NULL before the first episode ended is normal; later it is not."""
    rows = table([100, 200, 300, 400], [1, 2, 3, 4], episode_reward_mean=[NAN, 1.0, NAN, NAN])
    assert clean(rows)[1].null_rewards_after_first == 2


def test_no_rows_is_a_series_too() -> None:
    """A run that crashed at once has an empty series and an honest account."""
    series, quality = clean(table([], []))
    assert (len(series), quality.rows, quality.sessions, quality.gaps) == (0, 0, (), ())
    assert quality.naive_last_timestep is quality.utc_offset_min is series.last_step_any_row is None


# ---------------------------------------------------------------- gaps

FIVE = ([100, 200, 300, 400, 500], [1, 2, 3, 4, 5])


def gap_seconds(at: Sequence[float], **options: Any) -> list[float]:
    return [gap.seconds for gap in clean(table(*FIVE, at=at, **options))[1].gaps]


@pytest.mark.parametrize(
    ("at", "gaps"),
    [
        ([0, 10, 20, 80, 90], []),  # 60 s are six medians and the floor, but not above
        ([0, 10, 20, 81, 91], [61.0]),
        ([0, 1, 2, 60, 61], []),  # far above six medians, but below the floor
        ([0, 30, 60, 240, 270], []),  # six medians of 30 s
        ([0, 30, 60, 241, 271], [181.0]),
    ],
)
def test_a_gap_is_longer_than_floor_and_factor(at: list[float], gaps: list[float]) -> None:
    """A silence is a gap above a minute and above six usual intervals."""
    assert gap_seconds(at) == gaps


def test_a_gap_names_the_step_before_it() -> None:
    """Where it happened is said by the last row before."""
    gap = clean(table(*FIVE, at=[0, 10, 20, 720, 730]))[1].gaps[0]
    assert (gap.timestep, round(gap.hours, 9)) == (300, round(20 / 3600, 9))


def test_a_clock_change_is_no_gap() -> None:
    """The clock went forward an hour, the UTC stamps ten seconds."""
    at, utc = [0, 10, 20, 3630, 3640], [NOON + SIX_HOURS + s for s in (0, 10, 20, 30, 40)]
    assert gap_seconds(at, created=utc) == []


def test_progress_rows_fill_a_gap() -> None:
    """A silence between tables is none while progress lines arrive."""
    rows = table([100, 200, 300, 320, 340, 400], [1, 2, 3, 0, 0, 4], at=[0, 10, 20, 70, 120, 170])
    assert clean(rows)[1].gaps == ()


@pytest.mark.parametrize(
    ("samples", "alive"), [((), None), ((0, 10, 20), False), ((0, 10, 40, 60, 80), True), ((0, 40), False)]
)
def test_gpu_samples_tell_a_silent_process_from_an_absent_one(samples: tuple[float, ...], alive: bool | None) -> None:
    """Two samples inside the silence: it was alive; none at all in the run: nobody knows."""
    rows = table(*FIVE, at=[0, 10, 20, 120, 130])
    assert [gap.with_gpu for gap in clean(rows, gpu(*samples))[1].gaps] == [alive]


@pytest.mark.parametrize(
    ("steps", "at"), [([100, 200], [0, 900]), ([100, 200, 300], [0, 0, 0])], ids=["two-rows", "an-import"]
)
def test_no_threshold_where_times_tell_nothing(steps: list[int], at: list[float]) -> None:
    """Two rows have no usual interval, and an import has no times."""
    rows = table(steps, range(1, len(steps) + 1), at=at, created=[NOON + SIX_HOURS + s for s in at])
    assert (clean(rows)[1].gaps, clean(rows)[1].gap_threshold_s) == ((), None)
