"""Facts from numbers: every rule of `runsum.analysis` on short literal series."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runsum.analysis.dynamics import describe_dynamics
from runsum.analysis.media import collect_videos, last_part, video_facts
from runsum.analysis.next_actions import RULES, Evidence, advise, judge_gate
from runsum.analysis.resources import describe_resources, measure_energy
from runsum.analysis.reward import (
    RewardShape,
    cliff_fact,
    convergence_fact,
    describe_shape,
    find_milestones,
    milestone_trend_fact,
    thin_curve,
    trend_fact,
)
from runsum.analysis.settings import (
    check_config,
    config_facts,
    custom_params_fact,
    described,
    diff_config,
    read_config,
    same_setting,
)
from runsum.analysis.standing import AsOf
from runsum.analysis.throughput import (
    Rate,
    downtime_facts,
    eta_fact,
    fps_facts,
    gap_fact,
    measure_rate,
)
from runsum.analysis.throughput import (
    trend_fact as speed_trend_fact,
)
from runsum.cleaning.series import Series
from runsum.digest import DigestSettings, digest_run
from runsum.model import (
    ConfigValue,
    DataQuality,
    Fact,
    Gap,
    Milestone,
    Problem,
    RunDigest,
    Session,
    State,
    Video,
    problem,
)
from runsum.source.database import open_database
from runsum.source.records import GPU_COLUMNS, METRICS, GpuTable, MetricTable, RunReader, RunRecord
from runsum.thresholds import Thresholds
from support.rows import CONFIG, START, Clock, add_run, store, table_rows
from support.schema import database

LIMITS = Thresholds()
NAN = math.nan
RUN = "run-0aa00001"


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def series(
    steps: Sequence[float], *, at: Sequence[float] | None = None, session: Sequence[int] = (), **columns: Any
) -> Series:
    """Canonical rows ten seconds apart; every metric that is not given is NaN."""
    count = len(steps)
    seconds = floats(*(at if at is not None else range(0, 10 * count, 10)))
    sessions = np.array(session or [0] * count, dtype=np.int64)
    values = {name: np.full(count, NAN) for name in METRICS}
    values |= {name: floats(*column) for name, column in columns.items()}
    counted = np.array([k > 0 and sessions[k] == sessions[k - 1] for k in range(count)], dtype=bool)
    return Series(
        floats(*steps), seconds, seconds / 3600, sessions, values, np.arange(1.0, count + 1), 0,
        int(max(steps)) if count else None, seconds, floats(*steps), counted, floats(),
    )  # fmt: skip


def gpu(seconds: Sequence[float] = (), **columns: Sequence[float]) -> GpuTable:
    empty = {name: np.full(len(seconds), NAN) for name in GPU_COLUMNS}
    return GpuTable(floats(*seconds), empty | {name: floats(*values) for name, values in columns.items()})


def key_of(fact: Fact) -> str:
    """The key of what a fact says: its words, or the reason why it says nothing."""
    said = fact.words or fact.reason
    assert said is not None
    return said.key


# ---------------------------------------------------------------- milestones


def milestones(steps: Sequence[float], rewards: Sequence[float], **options: Any) -> dict[int, Milestone]:
    known = {"start": 0, "target": 1000, "last_any": int(max(steps, default=0))} | options
    found = find_milestones(floats(*steps), floats(*rewards), limits=LIMITS, **known)
    return {mark.percent: mark for mark in found}


def test_a_milestone_is_the_last_reward_at_or_before_its_mark() -> None:
    """Never the next one, however near it is."""
    found = milestones([90, 100, 110, 249, 251, 1000], [1, 2, 3, 4, 5, 6])
    assert [(found[p].timestep, found[p].reward) for p in (10, 25, 100)] == [(100, 2), (249, 4), (1000, 6)]


def test_a_mark_beyond_the_last_step_is_not_reached() -> None:
    """The last reward is named, but the milestone does not count."""
    found = milestones([100, 200, 300], [1, 2, 3])
    assert [(p, found[p].reached) for p in found] == [
        (10, True),
        (25, True),
        (50, False),
        (75, False),
        (100, False),
    ]


def test_progress_lines_reach_a_milestone() -> None:
    """How far a run got is told by any own row, not only by those with a reward."""
    assert milestones([100, 240], [1, 2], last_any=260)[25].reached


def test_marks_of_a_leg_count_from_its_start() -> None:
    """10 % of 1000 steps of a leg from 5000 on is step 5100."""
    mark = milestones([5050, 5100, 5200], [1, 2, 3], start=5000)[10]
    assert (mark.mark, mark.timestep, mark.reward) == (5100.0, 5100, 2)


def test_a_reading_far_from_its_mark_says_so() -> None:
    """More than 2 % of the target before the mark is far; exactly 2 % is not."""
    found = milestones([80, 229, 1000], [1, 2, 3])
    assert (found[10].far, found[25].far) == (False, True)


def test_the_end_is_not_far_from_an_unreached_mark() -> None:
    """Where training stopped earlier, the distance counts from its last step."""
    assert not milestones([100, 200], [1, 2])[100].far


def test_the_last_reward_is_the_hundred_percent_mark() -> None:
    """An overshooting run ends with its last row, beyond the mark."""
    assert milestones([900, 1000, 1010], [1, 2, 3])[100].reward == 3


def test_milestones_read_steps_in_order() -> None:
    """Rows after a restart are sorted by step, the later written one wins."""
    assert milestones([50, 100, 200, 100, 150], [1, 2, 3, 4, 5])[10].reward == 4


def test_no_reward_before_the_mark_is_no_reward() -> None:
    """A mark reached before any reward has none."""
    mark = milestones([100, 200, 300], [NAN, NAN, 3])[10]
    assert (mark.reached, mark.timestep, mark.reward) == (True, None, None)


@pytest.mark.parametrize(("target", "last_any"), [(None, 100), (0, 100), (-5, 100), (1000, None)])
def test_without_target_or_rows_there_are_no_milestones(target: int | None, last_any: int | None) -> None:
    """Nothing to take a share of."""
    assert milestones([100], [1], target=target, last_any=last_any) == {}


def trend(*rewards: float, noise: float = 0.0) -> Fact:
    marks = (10, 25, 50, 75, 100)
    found = [Milestone(p, p, p, r, True, False) for p, r in zip(marks, rewards, strict=False)]
    return milestone_trend_fact(tuple(found), RewardShape("level", 100, noise=noise))


@pytest.mark.parametrize(
    ("rewards", "noise", "key"),
    [
        ((1, 2, 3, 4, 5), 0.0, "milestones.rising"),
        ((1, 10, 10, 10, 10), 0.0, "milestones.levelled"),
        ((10, 10.1, 9.9, 10, 10), 0.2, "milestones.level"),
        ((5, 5, 5, 5, 5), 0.0, "milestones.level"),
        ((1, 9, 5, 4, 2), 0.0, "milestones.peaked"),
        ((9, 7, 5, 3, 1), 0.0, "milestones.peaked"),
        ((1,), 0.0, "milestones.too_few"),
        ((), 0.0, "milestones.too_few"),
    ],
)
def test_milestones_tell_a_story(rewards: tuple[float, ...], noise: float, key: str) -> None:
    """The reached milestones together rise, level off, stay level, or passed a peak."""
    assert key_of(trend(*rewards, noise=noise)) == key


def test_unreached_milestones_tell_nothing() -> None:
    """Only what was reached with a reward counts."""
    marks = [Milestone(10, 10, 10, 1.0, True, False), Milestone(25, 25, 20, 5.0, False, False)]
    assert key_of(milestone_trend_fact(tuple(marks), RewardShape("level", 100))) == "milestones.too_few"


# ---------------------------------------------------------------- shape of the reward

RISE = [float(k) for k in range(40)]
PLATEAU = [*range(20), *[20.0] * 40]
FALL = [*range(30), *range(30, 10, -1)]


def shape(rewards: Sequence[float]) -> RewardShape:
    return describe_shape(np.arange(1.0, len(rewards) + 1) * 100, floats(*rewards), LIMITS)


@pytest.mark.parametrize(
    ("rewards", "kind"),
    [
        ([], "none"),
        ([NAN] * 20, "none"),
        ([7.0], "few"),
        ([7.0] * 11, "few"),
        ([7.0] * 12, "flat"),
        ([10 + 0.5 * (-1) ** k for k in range(40)], "flat"),
        (RISE, "rising"),
        ([-21 + r for r in RISE], "rising"),
        (PLATEAU, "level"),
        (FALL, "falling"),
        ([r for pair in zip(RISE, [NAN] * 40, strict=True) for r in pair], "rising"),
    ],
)
def test_the_shape_of_a_curve(rewards: list[float], kind: str) -> None:
    """Level, rising, falling, flat from start to end, or too few to tell; NaN is no reward."""
    assert shape(rewards).kind == kind


def test_a_plateau_begins_where_the_curve_enters_its_band() -> None:
    """Rewards reach their final level of 20 at step 2100."""
    since = shape(PLATEAU).level_since
    assert since is not None
    assert 1800 <= since <= 2200


def test_the_change_is_that_of_the_last_quarter() -> None:
    """A line through the last ten of forty rows rises by nine."""
    assert shape(RISE).recent_change == pytest.approx(9.0)


def test_start_and_end_are_medians_of_tenths() -> None:
    """A single odd first or last value does not count."""
    found = shape([500.0, *RISE, -500.0])
    assert (found.start, found.end) == (1.5, 37.5)


@pytest.mark.parametrize(
    ("rewards", "key"),
    [
        ([], "convergence.none"),
        ([7.0] * 5, "convergence.few"),
        ([7.0] * 20, "convergence.flat"),
        (RISE, "convergence.moving"),
        (FALL, "convergence.moving"),
    ],
)
def test_what_has_not_converged_says_why(rewards: list[float], key: str) -> None:
    """No timestep of convergence for a curve that is short, flat or still moving."""
    assert key_of(convergence_fact(shape(rewards))) == key


def test_convergence_is_an_estimate() -> None:
    """A level curve has a timestep, and it says that it is estimated."""
    fact = convergence_fact(shape(PLATEAU))
    assert (fact.value, fact.estimated) == (shape(PLATEAU).level_since, True)


def test_a_short_level_end_has_not_converged() -> None:
    """Without a level stretch of a tenth of the run there is no timestep."""
    assert key_of(convergence_fact(RewardShape("level", 40, 1.0, 5.0))) == "convergence.late"


@pytest.mark.parametrize(
    ("rewards", "key"),
    [
        ([], "trend.none"),
        ([7.0] * 5, "trend.few"),
        ([7.0] * 20, "shape.flat"),
        (RISE, "shape.rising"),
        (FALL, "shape.falling"),
        (PLATEAU, "shape.level_since"),
    ],
)
def test_the_shape_as_a_sentence(rewards: list[float], key: str) -> None:
    """Each shape has its sentence."""
    assert key_of(trend_fact(shape(rewards))) == key


# ---------------------------------------------------------------- cliffs


def test_a_sudden_drop_is_a_cliff() -> None:
    """From 20 to 5 between two rows, told with step and both levels."""
    found = shape([*RISE[:30], *[30.0] * 40, *[5.0] * 30])
    assert found.cliffs == 1
    assert found.cliff is not None
    step, before, after = found.cliff
    assert (before, after) == (30.0, 5.0)
    assert 6900 <= step <= 7200


def test_two_drops_are_two_cliffs() -> None:
    """The largest is told, both are counted."""
    found = shape([*[30.0] * 30, *[12.0] * 5, *[30.0] * 30, *[2.0] * 30])
    assert (found.cliffs, found.cliff and found.cliff[2]) == (2, 2.0)


@pytest.mark.parametrize("rewards", [RISE, PLATEAU, FALL, [7.0] * 30, [30.0, 30, 30, 30, 1, 1, 1, 1, 1, 1, 1]])
def test_no_cliff_without_a_sudden_drop(rewards: list[float]) -> None:
    """A rise, a plateau, a slow fall, a flat line and too few rows have none."""
    assert shape(rewards).cliff is None


def test_cliffs_as_a_sentence() -> None:
    """A drop is told with its numbers, none is said so, and few rows are no ground for either."""
    drop = cliff_fact(shape([*[30.0] * 40, *[2.0] * 40]))
    assert (key_of(drop), key_of(cliff_fact(shape(RISE)))) == ("cliff.found", "cliff.none")
    assert key_of(cliff_fact(shape([1.0]))) == "trend.few"


# ---------------------------------------------------------------- the thinned curve


def thin(rewards: Sequence[float], hours: Sequence[float] | None = None) -> Any:
    count = len(rewards)
    return thin_curve(np.arange(1.0, count + 1), floats(*(hours or [k / 10 for k in range(count)])), floats(*rewards))


def test_a_short_curve_is_kept_whole() -> None:
    """Three rows are three points."""
    assert thin([1.5, 2.5, 0.5]).rewards == (1.5, 2.5, 0.5)


def test_a_thinned_curve_keeps_ends_and_extremes() -> None:
    """First, last, lowest and highest reward survive among a thousand rows."""
    rewards = [5.0] * 1000
    rewards[0], rewards[333], rewards[777], rewards[-1] = 4.0, 99.0, -99.0, 6.0
    curve = thin(rewards)
    assert (curve.rewards[0], max(curve.rewards), min(curve.rewards), curve.rewards[-1]) == (4.0, 99.0, -99.0, 6.0)
    assert len(curve.rewards) <= 122


def test_rows_without_reward_or_time_are_no_points() -> None:
    """NaN in either column leaves the point out, of steps, hours and rewards alike."""
    curve = thin([1.0, NAN, 3.0, 4.0], [0.0, 0.1, NAN, 0.3])
    assert (curve.timesteps, curve.hours, curve.rewards) == ((1, 4), (0.0, 0.3), (1.0, 4.0))


def test_nothing_thins_to_nothing() -> None:
    """A run without rewards has an empty curve."""
    assert thin([NAN, NAN]).rewards == ()


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
        ([450.0] * 4, "sps.few"),
        ([450.0] * 10, "sps.steady"),
        ([450, 450, 450, 400, 350, 330, 320, 320], "sps.steady"),  # 29 % is not more than 30 %
        ([450, 450, 450, 400, 350, 310, 310, 310], "sps.slower"),
        ([310, 310, 310, 350, 400, 450, 450, 450], "sps.faster"),
        ([0.0, 0, 0, 1, 1, 1], "sps.few"),
    ],
)
def test_the_trend_of_the_speed(speeds: list[float], key: str) -> None:
    """First and last fifth are compared by their medians."""
    hours = np.arange(float(len(speeds)))
    assert key_of(speed_trend_fact(Rate(hours, hours, floats(*speeds)), LIMITS)) == key


def test_the_first_speed_of_a_session_is_left_out() -> None:
    """The inflated first reading is neither in the mean nor the largest."""
    facts = fps_facts(series([1, 2, 3], fps=[818.0, 440.0, 460.0]))
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
    assert key_of(fps_facts(rows)["avg_fps"]) == key


FAST = Rate(floats(1, 2, 3, 4), floats(1, 2, 3, 4), floats(100, 100, 100, 100))
STILL = Rate(floats(), floats(), floats())


@pytest.mark.parametrize(
    ("state", "current", "goal", "rate", "key"),
    [
        (State.COMPLETED, 1000, 1000, FAST, "eta.over"),
        (State.FAILED, 500, 1000, FAST, "eta.over_early"),
        (State.FINISHED, 1000, 1000, FAST, "eta.finished"),
        (State.RUNNING, None, 1000, FAST, "eta.unknown"),
        (State.RUNNING, 500, None, FAST, "eta.unknown"),
        (State.RUNNING, 500, 1000, STILL, "eta.no_rate"),
        (State.RUNNING, 500, 1000, FAST, "eta.running"),
        (State.STALE, 500, 1000, FAST, "eta.stale"),
        (State.PAUSED, 500, 1000, FAST, "eta.stale"),
    ],
)
def test_time_left(state: State, current: int | None, goal: int | None, rate: Rate, key: str) -> None:
    """Only a run that goes on has time left, and only where steps and speed are known."""
    assert key_of(eta_fact(state, current, goal, rate, LIMITS)) == key


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


# ---------------------------------------------------------------- downtime and gaps


def silences(*seconds: float, sessions: int = 1, rows: int = 10, with_gpu: bool | None = None) -> DataQuality:
    return DataQuality(
        rows=rows, gap_threshold_s=60.0, gaps=tuple(Gap(s, 100, 0.1, with_gpu) for s in seconds),
        sessions=tuple(Session(0, 1, 2) for _ in range(sessions)),
    )  # fmt: skip


def test_only_long_gaps_are_lost_time() -> None:
    """Five minutes count, 299 seconds do not."""
    lost = downtime_facts(silences(299, 300, 3600), (), LIMITS)["pause_time_h"]
    assert (lost.value, lost.estimated) == (3900 / 3600, True)


def test_no_gap_is_no_time_lost() -> None:
    """Nought hours are known, not unknown."""
    assert downtime_facts(silences(), (), LIMITS)["pause_time_h"].value == 0.0


def test_pauses_are_notes_and_restarts() -> None:
    """Two notes of closing while training and one restart are three."""
    notes = ("ui_exit_pause: UI closed", "something else", "2025-12-22 ui_exit_pause again", "my_ui_exit_pauses")
    assert downtime_facts(silences(sessions=2), notes, LIMITS)["pause_count"].value == 3


def test_without_rows_pauses_are_unknown() -> None:
    """A run without rows has no count and no time lost."""
    facts = downtime_facts(DataQuality(), (), LIMITS)
    assert {key_of(fact) for fact in facts.values()} == {"reason.no_rows"}


@pytest.mark.parametrize(("rows", "key"), [(2, "gaps.few"), (30, "gaps.no_times")])
def test_without_a_usual_interval_gaps_are_unknown(rows: int, key: str) -> None:
    """Too few rows, or times that do not tell them apart."""
    quality = DataQuality(rows=rows)
    assert key_of(gap_fact(quality)) == key_of(downtime_facts(quality, (), LIMITS)["pause_time_h"]) == key


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


# ---------------------------------------------------------------- resources


def machine(samples: GpuTable | None = None, **columns: Sequence[float]) -> Any:
    count = len(next(iter(columns.values()), ()))
    return describe_resources(series(range(1, count + 1), **columns), samples or gpu(), LIMITS)


def test_zero_use_and_zero_memory_is_a_dead_reading() -> None:
    """All readings 0: the application could not read the cards, so nothing is printed."""
    facts = machine(gpu_percent=[0, 0], gpu_memory_mb=[0, 0]).facts
    names = ("gpu_avg", "gpu_max", "vram_avg", "vram_max", "resource_bottleneck_note")
    assert {key_of(facts[name]) for name in names} == {"resource.all_zero_snapshots"}


def test_zero_use_with_memory_is_a_true_zero() -> None:
    """An idle card that holds memory was read."""
    facts = machine(gpu_percent=[0, 0], gpu_memory_mb=[2000, 2100]).facts
    assert (facts["gpu_avg"].value, facts["vram_max"].value) == (0.0, 2100.0)


def test_no_gpu_columns_is_not_recorded() -> None:
    """No reading is no zero."""
    facts = machine(memory_mb=[2100, 2100]).facts
    assert (key_of(facts["gpu_avg"]), key_of(facts["vram_max"])) == ("resource.no_gpu", "resource.no_vram")


def test_samples_beat_snapshots() -> None:
    """GPU samples every two seconds beat the snapshots of the rows."""
    samples = gpu([0, 2], gpu_util_pct=[20, 40], vram_used_mb=[2000, 2400])
    facts = machine(samples, gpu_percent=[90, 90], gpu_memory_mb=[9000, 9000]).facts
    assert [facts[n].value for n in ("gpu_avg", "gpu_max", "vram_avg", "vram_max")] == [30, 40, 2200, 2400]


def test_cpu_of_nothing_but_zeros_is_the_known_bug() -> None:
    """The application always stores 0: no average, no peak, and the reason."""
    facts = machine(cpu_percent=[0, 0, 0]).facts
    assert (key_of(facts["cpu_avg"]), key_of(facts["cpu_max"])) == ("resource.cpu_bug", "resource.cpu_bug")


def test_cpu_with_a_reading_is_shown() -> None:
    """A column that is not all zeros was measured, its zeros included."""
    facts = machine(cpu_percent=[0, 60, 90]).facts
    assert (facts["cpu_avg"].value, facts["cpu_max"].value) == (50.0, 90.0)


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"gpu_percent": [20, 30], "gpu_memory_mb": [1, 1]}, "bottleneck.environment"),
        ({"gpu_percent": [95, 99], "gpu_memory_mb": [1, 1]}, "bottleneck.gpu"),
        ({"gpu_percent": [50, 60], "gpu_memory_mb": [1, 1]}, "bottleneck.balanced"),
        ({"cpu_percent": [70, 80]}, "bottleneck.cpu_only"),
        ({"memory_mb": [1, 1]}, "bottleneck.no_gpu"),
    ],
)
def test_what_sets_the_pace(columns: dict[str, list[float]], key: str) -> None:
    """A waiting GPU, a busy one, neither, or only a CPU reading."""
    assert key_of(machine(**columns).facts["resource_bottleneck_note"]) == key


def test_the_known_cpu_bug_sets_no_pace() -> None:
    """CPU readings of nothing but 0 are no readings, so nobody says "CPU at 0 %"."""
    assert key_of(machine(cpu_percent=[0, 0, 0]).facts["resource_bottleneck_note"]) == "bottleneck.no_gpu"


def test_nearly_full_vram_is_said() -> None:
    """A peak above 90 % of the card's memory beats the question who waits."""
    samples = gpu([0, 2], gpu_util_pct=[20, 20], vram_used_mb=[7000, 7500], vram_total_mb=[8000, 8000])
    assert key_of(machine(samples, memory_mb=[1, 1]).facts["resource_bottleneck_note"]) == "bottleneck.vram"


def test_energy_is_power_by_time() -> None:
    """360 W for ten seconds are one watt-hour."""
    assert measure_energy(gpu([0, 2, 4, 6, 8, 10], power_w=[360] * 6)) == pytest.approx(0.001)


def test_energy_leaves_out_long_silences_and_missing_power() -> None:
    """A stretch above a minute is not filled in; a sample without power is bridged."""
    assert measure_energy(gpu([0, 10, 500, 505, 510], power_w=[360, 360, 360, NAN, 360])) == pytest.approx(0.002)


@pytest.mark.parametrize("samples", [gpu(), gpu([0], power_w=[60]), gpu([0, 2, 4])])
def test_no_energy_from_less_than_two_samples(samples: GpuTable) -> None:
    """Without power samples nobody knows."""
    assert measure_energy(samples) is None


# ---------------------------------------------------------------- learning dynamics


def learning(algorithm: str = "ppo", **columns: Sequence[float]) -> tuple[dict[str, Fact], dict[str, Any]]:
    count = len(next(iter(columns.values()), ()))
    return describe_dynamics(series(range(1, count + 1), **columns), algorithm, True, LIMITS)


@pytest.mark.parametrize(
    ("losses", "key"),
    [
        ([0.1] * 11, "loss.few"),
        ([0.1] * 12, "loss.value_level"),
        ([0.1] * 6 + [0.12] * 6, "loss.value_level"),  # a fifth is less than a quarter
        ([0.1] * 10 + [0.2] * 10, "loss.value_up"),
        ([0.2] * 10 + [0.1] * 10, "loss.value_down"),
        ([NAN] * 20, "loss.no_value"),
    ],
)
def test_a_loss_moves_or_stays(losses: list[float], key: str) -> None:
    """First and last tenth are compared by their medians."""
    assert key_of(learning(value_loss=losses)[0]["value_loss_trend"]) == key


def test_an_off_policy_run_has_no_entropy() -> None:
    """What an algorithm does not have is not missing."""
    assert key_of(learning("DQN", fps=[450.0] * 20)[0]["entropy_loss_trend"]) == "loss.off_policy"


def test_no_rows_is_the_reason_for_everything() -> None:
    """A run without rows has no losses for that reason."""
    assert {key_of(fact) for fact in learning()[0].values()} == {"reason.no_rows"}


@pytest.mark.parametrize(("missing", "said"), [(0, False), (1, False), (2, True)])
def test_many_missing_policy_losses_are_a_biased_sample(missing: int, said: bool) -> None:
    """Above 5 % missing the small print says so."""
    losses = [NAN] * missing + [0.01] * (20 - missing)
    small = learning(policy_loss=losses)[0]["policy_loss_trend"].small
    assert bool(small) is said


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([NAN] * 3, "loss.no_kl"),
        ([0.01, 0.02, 0.01], "kl.usual"),
        ([0.1, 0.2, 0.1], "kl.high"),
        ([0.0001, 0.0002, 0.9], "kl.low"),
        ([0.01, -0.001, 0.2], "kl.negative"),
    ],
)
def test_kl_by_its_median(values: list[float], key: str) -> None:
    """Usual, high, low, or of an estimator that can be negative."""
    assert key_of(learning(kl_divergence=values)[0]["kl_note"]) == key


@pytest.mark.parametrize(
    ("late", "key"), [(0.9, "ev.good"), (0.5, "ev.good"), (0.3, "ev.fair"), (0.0, "ev.poor"), (-2.0, "ev.poor")]
)
def test_explained_variance_by_its_end(late: float, key: str) -> None:
    """The median of the last tenth decides, whatever came before."""
    assert key_of(learning(explained_variance=[0.7] * 27 + [late] * 3)[0]["explained_variance_note"]) == key


def test_entropy_is_compared_with_its_start() -> None:
    """From −2 to −0.1 is a twentieth of the start."""
    assert learning(entropy_loss=[-2.0] * 15 + [-0.1] * 15)[1]["entropy_ratio"] == pytest.approx(0.05)


# ---------------------------------------------------------------- how a run stands

TEN = Clock().iso  # local time so many seconds after 10:00
TEN_S = 1_766_397_600.0


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


def keys(notes: Sequence[Any]) -> list[str]:
    return [note.key for note in notes]


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


# ---------------------------------------------------------------- settings


def config_of(
    recorded: Mapping[str, Any] | str | None, effective: Mapping[str, Any] | None = None, **metadata: Any
) -> tuple[dict[str, ConfigValue], list[Problem]]:
    text = json.dumps(recorded) if isinstance(recorded, dict) else recorded
    return read_config({"config_json": text}, effective or {}, metadata)


def test_the_effective_file_beats_config_json() -> None:
    """What training really used wins, and the contradiction is a problem."""
    config, problems = config_of({"gamma": 0.99}, {"gamma": 0.95})
    assert (config["gamma"].value, config["gamma"].origin) == (0.95, "effective")
    assert problems == [problem("config_contradiction", key="gamma", recorded=0.99, found=0.95, origin="effective")]


def test_the_effective_file_beats_the_metadata() -> None:
    """Of two files the one training read last wins."""
    config, _ = config_of({}, {"gamma": 0.95}, hyperparameters={"gamma": 0.9, "seed": 7})
    assert (config["gamma"].value, config["seed"].value) == (0.95, 7)


def test_equal_settings_do_not_contradict() -> None:
    """0.00025 and "2.5e-4" are the same number; nothing recorded is no contradiction."""
    assert config_of({"learning_rate": 0.00025, "seed": None}, {"learning_rate": "2.5e-4", "seed": 3})[1] == []


def test_an_unset_value_of_a_file_changes_nothing() -> None:
    """None in the effective file is no setting."""
    assert config_of({"gamma": 0.99}, {"gamma": None})[0]["gamma"].origin == "config_json"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "config_missing"),
        ("", "config_missing"),
        ("{not json", "config_unreadable"),
        ("[1]", "config_unreadable"),
    ],
)
def test_an_unreadable_configuration_is_a_problem(text: str | None, kind: str) -> None:
    """NULL, empty, broken and of another type."""
    assert [p.kind for p in config_of(text)[1]] == [kind]


def test_settings_in_a_section_are_found() -> None:
    """Older readers met them under `train:`; the top level wins."""
    config, _ = config_of({"train": {"gamma": 0.9, "seed": 1}, "seed": 2})
    assert (config["gamma"].value, config["seed"].value) == (0.9, 2)


def test_nan_is_no_setting() -> None:
    """JSON files have NaN all the same."""
    assert config_of('{"gamma": NaN, "n_envs": Infinity}')[0]["gamma"].value is None


def contradictions(config: Mapping[str, Any], rates: Sequence[float] = (), size: int | None = None) -> list[str]:
    settings, _ = config_of(dict(config))
    rows = series(range(1, len(rates) + 1), learning_rate=list(rates))
    quality = DataQuality(rollout_size=size, config_rollout_size=2048)
    return [p.kind for p in check_config(settings, rows, quality)]


@pytest.mark.parametrize(
    ("size", "found"), [(2048, []), (None, []), (4096, ["rollout_contradiction"]), (2047, ["rollout_contradiction"])]
)
def test_measured_rollouts_contradict_the_configuration(size: int | None, found: list[str]) -> None:
    """n_envs × n_steps is a claim that the rows can refute."""
    assert contradictions({"n_envs": 16, "n_steps": 128}, size=size) == found


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        ([0.0003] * 5, []),
        ([0.000301] * 5, []),  # three printed digits
        ([0.00025] * 5, ["learning_rate_contradiction"]),
        ([0.00025] * 2, []),  # too few
        ([0.0003, 0.0002, 0.0001], []),  # annealed
        ([NAN] * 5, []),
    ],
)
def test_recorded_rates_contradict_the_configuration(rates: list[float], found: list[str]) -> None:
    """A constant rate in the rows refutes another one in the configuration."""
    assert contradictions({"learning_rate": 0.0003}, rates) == found


TRIPLE = {"learning_rate": 0.0003, "batch_size": 256, "n_steps": 128}


def invented(config: Mapping[str, Any], started: str, effective: Mapping[str, Any] | None = None) -> list[str]:
    settings, _ = config_of(dict(config), effective)
    facts = config_facts(settings, {"start_time": started}, DataQuality(), series([]))
    return [name for name, fact in facts.items() if "config.invented" in keys(fact.small)]


def test_three_constants_before_12_december_were_invented() -> None:
    """Versions before stored them whatever was trained."""
    assert invented(TRIPLE | {"gamma": 0.99}, "2025-12-11T23:59:59") == ["learning_rate", "batch_size", "n_steps"]


@pytest.mark.parametrize(
    ("config", "started", "effective"),
    [
        (TRIPLE, "2025-12-12T00:00:00", None),
        (TRIPLE | {"n_steps": 256}, "2025-12-01T00:00:00", None),
        (TRIPLE, "2025-12-01T00:00:00", {"n_steps": 128}),  # a file of the run says so too
    ],
)
def test_true_settings_are_not_called_invented(
    config: dict[str, Any], started: str, effective: dict[str, Any] | None
) -> None:
    """Later versions, other values, and values that a file confirms are as recorded."""
    assert invented(config, started, effective) == []


def test_measured_steps_stand_beside_recorded_ones() -> None:
    """A rollout of 4096 with 16 environments is 256 steps each."""
    settings, _ = config_of({"n_envs": 16, "n_steps": 128})
    quality = DataQuality(rollout_size=4096, config_rollout_size=2048)
    fact = config_facts(settings, {}, quality, series([]))["n_steps"]
    assert (fact.value, fact.small[0].values["n_steps"]) == (128, 256)


@pytest.mark.parametrize(("config", "key"), [(None, "config.none"), ({"gamma": 0.9}, "config.not_set")])
def test_a_setting_nobody_wrote_says_why(config: dict[str, Any] | None, key: str) -> None:
    """No configuration at all, or one that does not name it."""
    facts = config_facts(config_of(config)[0], {}, DataQuality(), series([]))
    assert key_of(facts["seed"]) == key


def test_other_settings_are_listed_once() -> None:
    """What has no placeholder of its own, custom parameters on one level, settings of PPO not for DQN."""
    config, _ = config_of({"gamma": 0.9, "vf_coef": 0.5, "custom_params": {"tau": 1, "deep": {"er": 2}}})
    ppo, dqn = custom_params_fact(config, "ppo").words, custom_params_fact(config, "dqn").words
    assert ppo is not None
    assert dqn is not None
    assert ppo.values["items"] == [("er", 2), ("tau", 1), ("vf_coef", 0.5)]
    assert dqn.values["items"] == [("er", 2), ("tau", 1)]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True), (0.00025, "2.5e-4", True), ("CnnPolicy", "CnnPolicy", True), ([64, 64], [64, 64], True),
        (None, None, True), (0.1, 0.2, False), ("auto", "cuda", False), (None, 0, False), ([64], [64, 64], False),
    ],
)  # fmt: skip
def test_which_settings_are_the_same(a: object, b: object, same: bool) -> None:
    """Numbers by value, however they are written; everything else as it is."""
    assert same_setting(a, b) is same


def test_the_difference_of_two_configurations() -> None:
    """Changed, added and removed settings in the order of their names; ids are none."""
    before, _ = config_of({"gamma": 0.99, "seed": 1, "n_envs": 8, "run_id": "a"})
    after, _ = config_of({"gamma": 0.9, "n_envs": 8.0, "device": "cuda", "run_id": "b"})
    changes = [(c.key, c.before, c.after) for c in diff_config(before, after)]
    assert changes == [("device", None, "cuda"), ("gamma", 0.99, 0.9), ("seed", 1, None)]


def test_the_description_names_what_was_trained() -> None:
    """The application's own sentence is read, any other text is not."""
    said = described({"description": "Training ppo on ALE/Pong-v5 for 10,000,000 timesteps"})
    assert said == {"algorithm": "ppo", "env_id": "ALE/Pong-v5", "total_timesteps": 10_000_000}
    assert described({"description": "my best run"}) == described({}) == {}


# ---------------------------------------------------------------- videos

EMPTY = MetricTable({}, floats(), floats())


def videos(now: float = 0.0, **tables: Any) -> tuple[list[Video], list[str]]:
    record = RunRecord("test", RUN, {}, EMPTY, gpu(), **{name: (row,) for name, row in tables.items()})
    found, problems = collect_videos(record, TEN_S + now, LIMITS)
    return found, [p.kind for p in problems]


def job(status: str, **more: Any) -> dict[str, Any]:
    return {"video_id": "v1", "video_name": "clip", "status": status, "updated_at": TEN(0)} | more


@pytest.mark.parametrize(
    ("row", "now", "state"),
    [
        (job("completed"), 0, "recorded"),
        (job("failed"), 0, "failed"),
        (job("rendering"), 6 * 3600, "in progress"),
        (job("rendering"), 6 * 3600 + 1, "interrupted"),
        (job("pending", updated_at=None), 0, "interrupted"),
        (job("completed", video_id="x_continuous_3"), 0, "deleted"),
    ],
)
def test_the_state_of_a_video_job(row: dict[str, Any], now: float, state: str) -> None:
    """A job that was silent for six hours never ended; segments of a continuous video are gone."""
    assert videos(now, generated=row)[0][0].state == state


def test_an_interrupted_job_is_a_problem() -> None:
    """It is named on the Problems page."""
    assert videos(99_999, generated=job("rendering"))[1] == ["video_interrupted"]


def test_a_video_in_the_folder_of_another_run_is_a_problem() -> None:
    """The other run's id stands in the path, with slashes of either kind."""
    found, problems = videos(artifacts={"path": r"D:\Python projects\out\run-0bb00002\hour_1.mp4"})
    assert (found[0].other_run, found[0].name, problems) == (
        "run-0bb00002",
        "hour_1.mp4",
        ["video_in_other_folder"],
    )


def test_a_video_in_its_own_folder_is_none() -> None:
    """The run's own id in a path is as it should be."""
    assert videos(artifacts={"path": f"outputs/{RUN}/hour_1.mp4"})[1] == []


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b.mp4", "b.mp4"), (r"C:\x y\b.mp4", "b.mp4"), ("b.mp4", "b.mp4"), ("a/", None), ("", None), (None, None)],
)
def test_the_last_part_of_a_path(path: str | None, name: str | None) -> None:
    """Paths of either system, wherever the archive is built."""
    assert last_part(path) == name


def test_a_rising_run_has_not_levelled_off() -> None:
    """Where the curve still rises at the end, the milestones do not speak of a level."""
    found = tuple(Milestone(p, p, p, r, True, False) for p, r in zip((10, 25, 50), (1.0, 9.8, 10.0), strict=True))
    assert key_of(milestone_trend_fact(found, RewardShape("level", 100))) == "milestones.levelled"
    assert key_of(milestone_trend_fact(found, RewardShape("rising", 100))) == "milestones.rising"


def test_videos_are_summed_up() -> None:
    """Paths of clips, number and length of segments, jobs by status."""
    all_kinds = [
        Video("post-training", "a", "out/a.mp4", "recorded"),
        Video("segment", "s", "out/s.mp4", "recorded", duration_s=60.0),
        Video("segment", "t", "out/t.mp4", "recorded"),
        Video("generated", "g", None, "recorded", "completed"),
        Video("generated", "h", None, "interrupted", "rendering"),
    ]
    facts = video_facts(all_kinds, looked_on_disk=False)
    said = {name: fact.words.values for name, fact in facts.items() if fact.words}
    assert said == {
        "video_artifacts_paths": {"items": ["out/a.mp4"]},
        "training_videos_summary": {"count": 2, "seconds": 60.0},
        "video_generation_status": {"items": [("completed", 1), ("interrupted", 1)]},
    }


@pytest.mark.parametrize(("looked", "key"), [(False, "videos.no_segments"), (True, "videos.no_segments_disk")])
def test_no_videos_says_where_was_looked(looked: bool, key: str) -> None:
    """The reason differs with a project root."""
    facts = video_facts([], looked)
    assert [key_of(fact) for fact in facts.values()] == ["videos.none", key, "videos.no_jobs"]


# ---------------------------------------------------------------- next actions


def evidence(numbers: Mapping[str, Any] | None = None, **changes: Any) -> Evidence:
    """A healthy run that rose to 20 and held it; `numbers` and `changes` make it ill."""
    signals = {"shape": "level", "scale": 20.0, "noise": 0.1, "start_level": 1.0, "level": 20.0, "recent_change": 0.0}
    healthy = Evidence(
        state=State.COMPLETED, progress_pct=100.0, numbers=signals | dict(numbers or {}),
        quality=DataQuality(rows=100, reward_rows=100), problems={}, best=20.0, final=20.0, current=1000, start=0,
        downtime_h=0.0, slowdown=None,
    )  # fmt: skip
    return replace(healthy, **changes)


GATES = [
    ("gate.failed", "no-go", evidence(state=State.FAILED)),
    ("gate.few_rows", "insufficient data", evidence(quality=DataQuality(reward_rows=11))),
    ("gate.lost_rewards", "insufficient data", evidence(lost_rewards=True)),
    (
        "gate.contaminated",
        "insufficient data",
        evidence(quality=DataQuality(reward_rows=99, contaminated_rows=1)),
    ),
    ("gate.too_early", "insufficient data", evidence(progress_pct=24.9)),
    ("gate.flat", "no-go", evidence({"shape": "flat"})),
    ("gate.falling", "no-go", evidence(final=10.0)),
    ("gate.worse_than_parent", "no-go", evidence(parent_delta=-2.1, parent_label="run-1")),
    ("gate.slipping", "insufficient data", evidence({"shape": "falling"}, final=15.0)),
    ("gate.rising", "go", evidence({"shape": "rising"})),
    ("gate.level", "go", evidence()),
]


@pytest.mark.parametrize(("key", "gate", "seen"), GATES, ids=[key for key, _, _ in GATES])
def test_each_clause_of_the_gate_decides(key: str, gate: str, seen: Evidence) -> None:
    """Every clause has a run that it decides, and the reason is the clause."""
    assert (judge_gate(seen, LIMITS)[0], judge_gate(seen, LIMITS)[1].key) == (gate, key)


def test_the_first_clause_that_applies_decides() -> None:
    """A run with everything wrong failed; without each reason in turn the next one decides."""
    ill = evidence(
        {"shape": "flat"}, state=State.FAILED, quality=DataQuality(reward_rows=5, contaminated_rows=9),
        lost_rewards=True, progress_pct=1.0, final=0.0, parent_delta=-9.0, parent_label="run-1",
    )  # fmt: skip
    cures: list[dict[str, Any]] = [
        {"state": State.STOPPED},
        {"quality": DataQuality(reward_rows=50, contaminated_rows=9)},
        {"lost_rewards": False},
        {"quality": DataQuality(reward_rows=50)},
        {"progress_pct": 50.0},
        {"numbers": evidence({"shape": "falling"}).numbers},
        {"final": 15.0},
        {"parent_delta": None},
    ]
    seen = [judge_gate(ill, LIMITS)[1].key]
    for cure in cures:
        ill = replace(ill, **cure)
        seen.append(judge_gate(ill, LIMITS)[1].key)
    assert seen == [key for key, _, _ in GATES[:9]]


@pytest.mark.parametrize(
    "seen",
    [
        evidence(progress_pct=25.0),
        evidence(progress_pct=None),
        evidence(final=10.6),  # less than half of the gain of 19
        evidence(parent_delta=-2.0, parent_label="run-1"),  # a tenth of the scale
        evidence({"noise": 3.0}, final=9.0),  # within four times the noise
    ],
)
def test_the_gate_stays_open_at_its_limits(seen: Evidence) -> None:
    """Exactly at a threshold, and within the noise, nothing is held against a run."""
    assert judge_gate(seen, LIMITS)[0] == "go"


FIRES = {
    "no_rows": evidence(quality=DataQuality(rows=3, reward_rows=2)),
    "failed": evidence(state=State.FAILED),
    "collapsed": evidence(final=5.0),
    "stale": evidence(problems={"stale": problem("stale", at="2025-12-22T10:00:00")}),
    "flat": evidence({"shape": "flat"}),
    "rising": evidence({"shape": "rising", "recent_change": 2.0}),
    "worse_than_parent": evidence(parent_delta=-5.0, parent_label="run-1", changed=("gamma",)),
    "plateau": evidence({"level_since": 500.0}),
    "lost_rewards": evidence(lost_rewards=True),
    "kl_high": evidence({"kl_median": 0.06}),
    "entropy_collapsed": evidence({"entropy_ratio": 0.01}),
    "entropy_untouched": evidence({"entropy_ratio": 0.99}),
    "contradiction": evidence(
        problems={"rollout_contradiction": problem("rollout_contradiction", measured=4096, recorded=2048)}
    ),
    "critic_poor": evidence({"explained_variance": -0.1}),
    "finished": evidence(state=State.FINISHED),
    "idle_gpu": evidence({"gpu_avg": 23.0}),
    "slower": evidence(slowdown={"change": 40.0, "before": 450.0, "after": 270.0}),
    "downtime": evidence(downtime_h=1.5),
    "other_seed": evidence(),
    "set_target": evidence(),
    "evaluate": evidence(),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_fires(rule: Any) -> None:
    """Each rule of the table has a run it applies to."""
    assert rule.applies(FIRES[rule.name], LIMITS) is not None


@pytest.mark.parametrize("rule", RULES[:-3], ids=lambda rule: rule.name)
def test_no_rule_fires_on_a_healthy_run(rule: Any) -> None:
    """A completed run that rose and held has only the two standing recommendations."""
    assert rule.applies(evidence(), LIMITS) is None


def test_the_two_best_supported_rules_win() -> None:
    """Of four that apply, the two with most support are given, the strongest first."""
    seen = evidence(
        {"gpu_avg": 23.0, "kl_median": 0.2, "explained_variance": -1.0},
        slowdown={"change": 40.0, "before": 450.0, "after": 270.0},
    )
    assert [name for name, _ in advise(seen, LIMITS).recommendations] == ["kl_high", "critic_poor"]


def test_a_healthy_run_gets_two_recommendations_too() -> None:
    """There is always something to do next."""
    assert [name for name, _ in advise(evidence(), LIMITS).recommendations] == ["other_seed", "set_target"]


def test_the_table_of_rules_is_sorted_and_unique() -> None:
    """Supports fall from top to bottom, and no two rules tie."""
    supports = [rule.support for rule in RULES]
    assert supports == sorted(set(supports), reverse=True)


def test_a_collapsed_run_is_not_told_to_go_on() -> None:
    """A late rise after a deep fall is no reason to continue from the end."""
    seen = evidence({"shape": "rising"}, final=5.0)
    assert [name for name, _ in advise(seen, LIMITS).recommendations] == ["collapsed", "other_seed"]


def test_a_declared_target_is_not_asked_for_again() -> None:
    """Where a solved threshold is declared, nobody is told to declare one."""
    assert [name for name, _ in advise(evidence(has_target=True), LIMITS).recommendations] == ["other_seed", "evaluate"]


def test_a_continued_run_is_not_told_to_go_on() -> None:
    """A later run of the archive went on from it already."""
    rising = {"shape": "rising", "recent_change": 2.0}
    names = [name for name, _ in advise(evidence(rising, continued=True), LIMITS).recommendations]
    assert "rising" not in names


def test_a_failure_in_the_log_closes_the_gate() -> None:
    """Whatever the status says, a log that ends with a failure is no reason to go on."""
    found = {"log_failure": problem("log_failure", what="cuda out of memory", line="...")}
    assert advise(evidence(state=State.STALE, problems=found), LIMITS).gate == "no-go"


def test_a_continued_leg_is_not_called_random() -> None:
    """Entropy as at the start of a leg is that of a trained policy, not of a random one."""
    names = [name for name, _ in advise(evidence({"entropy_ratio": 0.99}, start=500), LIMITS).recommendations]
    assert "entropy_untouched" not in names


def test_the_recipe_of_the_application_is_a_run_of_its_own() -> None:
    """The literal configuration of the builder is what these tests think it is."""
    assert (CONFIG["n_envs"], CONFIG["n_steps"], START.hour) == (16, 256, 10)
