"""The whole series of a run, and its gaps: `runsum.cleaning.series` on a handful of literal rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from runsum.cleaning.series import RunFrame, Series, active_hours, clean_series
from runsum.model import DataQuality
from runsum.oddities import loses_large_rewards
from runsum.source.records import GPU_COLUMNS, GpuTable, MetricTable
from support.cleaning import LIMITS, NAN, NOON, SIX_HOURS, floats, table

# ---------------------------------------------------------------- the whole series


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


def test_canonical_rows_have_an_iteration() -> None:
    """Progress lines are counted, but are no part of the series."""
    series, quality = clean(table([100, 150, 200, 300], [1, 0, 2, 3]))
    assert series.timestep.tolist() == [100, 200, 300]
    assert (quality.rows, quality.canonical_rows, quality.progress_rows, quality.reward_rows) == (4, 3, 1, 3)


def test_a_row_that_is_out_of_range_is_no_jump_either() -> None:
    """A step of -1 is dropped, and nobody went back to it."""
    _, quality = clean(table([100, -1, 300, 400], [1, 2, 3, 4]))
    assert (quality.out_of_range_rows, quality.genuine_jumps, quality.artefact_jumps) == (1, 0, 0)


def test_without_iterations_rows_with_a_reward_count() -> None:
    """An off-policy run has no iterations; a reward makes a row canonical there."""
    rows = table([100, 150, 200], [0, 0, 0], episode_reward_mean=[1.0, NAN, 2.0])
    series, quality = clean(rows, algorithm="dqn")
    assert (series.timestep.tolist(), quality.rollout_size) == ([100, 200], None)


def test_a_reward_too_large_to_be_stored_ends_no_run() -> None:
    """The recorder leaves rewards from 1000 on out; the learning rate tells that the row is a full table."""
    rows = table(
        [100, 150, 200, 300, 350], [0] * 5,
        episode_reward_mean=[990.0, NAN, 999.0, NAN, NAN], learning_rate=[1e-4, NAN, 1e-4, 1e-4, NAN], fps=[9.0] * 5,
    )  # fmt: skip
    series, quality = clean(rows, algorithm="dqn")
    assert series.timestep.tolist() == [100, 200, 300]
    assert (quality.canonical_rows, quality.reward_rows, quality.progress_rows) == (3, 2, 2)
    assert loses_large_rewards(series, LIMITS)


@pytest.mark.parametrize(
    ("rewards", "lost"),
    [
        ([990.0, NAN, NAN, 940.0, 880.0], True),  # it was above 1000, and came back
        ([990.0, NAN, NAN, 880.0, 870.0], True),
        ([990.0, 880.0, 870.0, NAN, 860.0], False),
        ([990.0, 880.0, 870.0, 860.0, NAN], False),
        ([990.0, NAN, 1200.0, NAN, NAN], False),  # whoever stored 1200 stores them all
        ([1e9, 2e9, 3e9, 4e9, NAN], False),
        ([NAN, NAN, 990.0, 995.0, 999.0], False),  # no episode had ended
        ([990.25, NAN, NAN, 940.0, 880.0], False),  # the trainer prints three digits: 990
        ([9.25, 99.5, 990.0, NAN, NAN], True),
    ],
)
def test_large_rewards_are_missing_in_between_too(rewards: list[float], lost: bool) -> None:
    """A mean that hovers around 1000 has holes; holes elsewhere have other reasons."""
    series, _ = clean(table([100, 200, 300, 400, 500], [1, 2, 3, 4, 5], episode_reward_mean=rewards))
    assert loses_large_rewards(series, LIMITS) == lost


def test_rows_without_any_reward_tell_how_far_it_got() -> None:
    """A continued leg whose rewards are all too large still has steps and times."""
    rows = table([100, 200], [0, 0], episode_reward_mean=[NAN, NAN], total_loss=[0.5, 0.4])
    assert clean(rows, algorithm="dqn")[0].timestep.tolist() == [100, 200]


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
    ("at", "minutes"),
    [([600, 1200, 1800, 2400, 3000], [10, 20, 30, 40, 50]), ([0, 100, 200, 2000, 2100], [0, 5 / 3, 10 / 3, 10 / 3, 5])],
)
def test_only_lost_time_is_cut_out_of_the_hours(at: list[float], minutes: list[float]) -> None:
    """A row every ten minutes is the pace of a slow run; half an hour without one is lost where they come faster."""
    hours = active_hours(*clean(table(*FIVE, at=at)), LIMITS)
    assert (hours * 60).tolist() == pytest.approx(minutes)


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
