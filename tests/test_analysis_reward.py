"""The reward in `runsum.analysis.reward`: milestones, shape, cliffs and the thinned curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from runsum.analysis.regained import regained_facts
from runsum.analysis.reward import find_milestones, milestone_trend_fact, opening_mark, thin_curve
from runsum.analysis.shape import Cliff, RewardShape, describe_shape
from runsum.analysis.shape_facts import cliff_fact, convergence_fact, trend_fact
from runsum.facts import last_evaluation, reward_facts
from runsum.model import DataQuality, Fact, Milestone, phrase
from runsum.render import Renderer
from runsum.resources import template_folder
from support.analysis import LIMITS, NAN, floats, key_of, keys, series

# ---------------------------------------------------------------- milestones


def milestones(steps: Sequence[float], rewards: Sequence[float], **options: Any) -> dict[int, Milestone]:
    known = {"start": 0, "target": 1000, "last_any": int(max(steps, default=0))} | options
    found = find_milestones(floats(*steps), floats(*rewards), limits=LIMITS, **known)
    return {mark.percent: mark for mark in found}


def test_a_milestone_is_the_last_reward_at_or_before_its_mark() -> None:
    """Never the next one, however near it is."""
    found = milestones([90, 100, 110, 249, 251, 1000], [1, 2, 3, 4, 5, 6])
    assert [(found[p].timestep, found[p].reward) for p in (10, 25, 100)] == [(100, 2), (249, 4), (1000, 6)]


@pytest.mark.parametrize(("last", "is_over", "reached"), [(999, True, True), (989, True, False), (999, False, False)])
def test_the_last_row_may_be_a_little_before_the_last_step(last: int, is_over: bool, reached: bool) -> None:
    """Of a run that is over; one that goes on will get there."""
    assert milestones([500, last], [1, 2], is_over=is_over)[100].reached is reached


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


def test_a_rising_run_has_not_levelled_off() -> None:
    """Where the curve still rises at the end, the milestones do not speak of a level."""
    found = tuple(Milestone(p, p, p, r, True, False) for p, r in zip((10, 25, 50), (1.0, 9.8, 10.0), strict=True))
    assert key_of(milestone_trend_fact(found, RewardShape("level", 100))) == "milestones.levelled"
    assert key_of(milestone_trend_fact(found, RewardShape("rising", 100))) == "milestones.rose"


def test_milestones_say_no_more_than_the_curve() -> None:
    """A curve that wanders and ends where it began has no best milestone; one of few episodes says nothing at all."""
    found = tuple(Milestone(p, p, p, r, True, False) for p, r in zip((10, 25, 50), (541.0, 970.0, 724.0), strict=True))
    assert milestone_trend_fact(found, RewardShape("flat", 100)).words == phrase(
        "milestones.wandered", low=541.0, high=970.0
    )
    assert key_of(milestone_trend_fact(found, RewardShape("flat", 100, noise=500.0))) == "milestones.level"
    assert key_of(milestone_trend_fact(found, RewardShape("early", 100, covered=0.8))) == "trend.early"


# ---------------------------------------------------------------- shape of the reward

RISE = [float(k) for k in range(40)]
PLATEAU = [*range(20), *[20.0] * 40]
FALL = [*range(30), *range(30, 10, -1)]


def shape(rewards: Sequence[float]) -> RewardShape:
    return describe_shape(np.arange(1.0, len(rewards) + 1) * 100, floats(*rewards), LIMITS)


@pytest.mark.parametrize("slope", [0.1, 1 / 3, 1e5 / 7])
def test_a_straight_line_has_no_noise(slope: float) -> None:
    """What comes in by adding up is none: a page said ±4.77e-14."""
    assert shape([k * slope for k in range(400)]).noise == 0
    assert shape([1e6 + (k % 2) * 1e-3 for k in range(400)]).noise > 0


@pytest.mark.parametrize("seed", [4, 5, 7, 10])
def test_no_level_lies_beyond_what_was_recorded(seed: int) -> None:
    """Where a climb ends in a drop, the fitted lines overshoot; what is said of them stays in the range of the rows."""
    drawn = np.random.default_rng(seed)
    rows, drop, bend = int(drawn.integers(60, 300)), drawn.uniform(0.3, 0.7), drawn.uniform(0.5, 2)
    rewards = np.round(np.where(np.arange(rows) < rows * drop, np.linspace(0, 100, rows) ** bend, 20.0))
    found = shape(rewards.tolist())
    told = [found.best_level, found.floor_level, found.last_level]
    told += [found.cliff.before, found.cliff.after] if found.cliff is not None else []
    assert all(rewards.min() <= level <= rewards.max() for level in told if level is not None)


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


def test_a_fallen_reward_that_rises_again_is_not_still_rising() -> None:
    """Up to 30, down to 0, up to 12 again: 60 % is lost, so neither convergence nor trend call it still rising."""
    fallen = [*range(30), *range(30, -1, -1), *np.linspace(0, 12, 30)]
    found = shape(fallen)
    assert found.kind == "rising"
    facts = regained_facts(found, LIMITS)
    assert {name: key_of(fact) for name, fact in facts.items()} == {
        "convergence_timestep": "convergence.regaining", "reward_trend_note": "shape.regaining"}  # fmt: skip
    assert regained_facts(shape(RISE), LIMITS) == regained_facts(shape(FALL), LIMITS) == {}


def test_convergence_is_an_estimate() -> None:
    """A level curve has a timestep, and it says that it is estimated."""
    fact = convergence_fact(shape(PLATEAU))
    assert (fact.value, fact.estimated) == (shape(PLATEAU).level_since, True)


def test_the_beginning_of_a_plateau_is_not_known_better_than_a_bin() -> None:
    """A jump between two rows, 100 steps apart, is between these two; noise may widen that and nothing narrows it."""
    found = shape([1.0] * 30 + [20.0] * 40)
    assert (found.level_since, found.level_between) == (3100, (3000, 3100))


@pytest.mark.parametrize(("slope", "low", "high"), [(0.0, 0.2, 0.35), (10.0, 0.2, 0.35), (40.0, 0.4, 0.8)])
def test_a_slow_rise_is_not_level_because_it_is_noisy(slope: float, low: float, high: float) -> None:
    """Noise widens the band around the last level; what clearly drifts through that band is no plateau from there."""
    at = np.linspace(0, 1, 900)
    noise = np.random.default_rng(3).normal(0, 30, 900)
    found = shape((np.minimum(at / 0.3, 1) * 200 + slope * np.clip(at - 0.3, 0, None) + noise).tolist())
    assert found.kind == "level"
    assert found.level_since is not None
    assert low < found.level_since / 90_000 < high
    assert found.level_between is not None
    assert found.level_between[0] < found.level_since <= found.level_between[1]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (74_200, 74_400, "between 74.2 k and 74.4 k, as far as the noise lets one tell"),
        (50_001_000, 50_004_000, "around 50.00 M, as far as the noise lets one tell"),
    ],
)
def test_a_band_that_looks_like_one_number_is_told_as_one(low: int, high: int, said: str) -> None:
    """Late in a long line two timesteps can look alike."""
    fact = convergence_fact(RewardShape("level", 40, 1.0, 5.0, level_since=high, level_between=(low, high)))
    assert Renderer(template_folder()).words(fact.small[0]) == said


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
    assert found.cliff == Cliff(7000, 7100, 30.0, 5.0)


def test_a_cliff_lies_where_the_rewards_fell() -> None:
    """Not where the window ends that it was found in: after the drop they go on falling, slowly."""
    rewards = [*np.linspace(0, 300, 40), *[300.0] * 110, *np.linspace(100, 60, 20), *np.linspace(60, 280, 30)]
    found = shape(rewards).cliff
    assert found is not None
    assert (found.from_timestep, found.to_timestep) == (pytest.approx(15_000, abs=200), pytest.approx(15_200, abs=200))
    assert found.before - found.after > 150


def test_two_drops_are_two_cliffs() -> None:
    """The largest is told, both are counted."""
    found = shape([*[30.0] * 30, *[12.0] * 5, *[30.0] * 30, *[2.0] * 30])
    assert (found.cliffs, found.cliff and found.cliff.after) == (2, 2.0)


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
    assert thin([1.5, 2.5, 0.5]).rewards.tolist() == [1.5, 2.5, 0.5]


def test_a_thinned_curve_keeps_ends_and_extremes() -> None:
    """First, last, lowest and highest reward survive among a thousand rows."""
    rewards = [5.0] * 1000
    rewards[0], rewards[333], rewards[777], rewards[-1] = 4.0, 99.0, -99.0, 6.0
    curve = thin(rewards)
    assert (curve.rewards[0], max(curve.rewards), min(curve.rewards), curve.rewards[-1]) == (4.0, 99.0, -99.0, 6.0)
    assert len(curve.rewards) <= 122


def test_a_thinned_curve_tells_the_mean_between_its_points() -> None:
    """Of all rows, by timesteps; where these do not go on it is the mean of the two points."""
    steps, rewards = np.array([0.0, 10, 20, 60, 50, 50]), np.array([0.0, 10, 0, 40, 2, 4])
    few = thin_curve(steps, steps, rewards, points=2)  # and the largest one
    assert few.rewards.tolist() == [0.0, 40.0, 4.0]
    assert few.means == pytest.approx([0.0, (50 + 50 + 800) / 60, 22.0])
    assert thin_curve(steps[:1], steps[:1], rewards[:1]).means.tolist() == [0.0]


def test_rows_without_reward_or_time_are_no_points() -> None:
    """NaN in either column leaves the point out, of steps, hours and rewards alike."""
    curve = thin([1.0, NAN, 3.0, 4.0], [0.0, 0.1, NAN, 0.3])
    columns = (curve.timesteps, curve.hours, curve.rewards)
    assert [column.tolist() for column in columns] == [[1, 4], [0.0, 0.3], [1.0, 4.0]]


def test_nothing_thins_to_nothing() -> None:
    """A run without rewards has an empty curve."""
    assert len(thin([NAN, NAN])) == len(thin([NAN, NAN]).rewards) == 0


def test_a_rise_that_ended_is_no_rise_at_the_end() -> None:
    """The last quarter rises by a line through it, but its later half is level: nothing still rises."""
    climb = [float(i) for i in range(85)] + [85.0] * 15
    assert describe_shape(np.arange(100.0), np.array(climb), LIMITS).kind == "level"


@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_what_was_lost_is_the_share_of_its_own_levels(scale: float) -> None:
    """A page that says "from 0 to 10, ended at 6: 40 % lost" can be checked with its own numbers."""
    noise = np.random.default_rng(5).normal(0, 0.05, 200)
    rewards = (np.concatenate([np.linspace(0, 10, 120), np.linspace(10, 6, 40), np.full(40, 6.0)]) + noise) * scale
    shape = describe_shape(np.arange(1.0, 201) * 100, rewards, LIMITS)
    assert shape.floor_level is not None
    assert shape.best_level is not None
    assert shape.last_level is not None
    share = (shape.best_level - shape.last_level) / (shape.best_level - shape.floor_level)
    assert share == pytest.approx(shape.lost_share)
    assert share == pytest.approx(0.4, abs=0.05)
    assert shape.last_level == pytest.approx(6 * scale, rel=0.05)


def test_the_opening_of_a_training_marks_it() -> None:
    """The first 30 rewards and their steps; what follows says nothing, and rewards that hardly change mark nothing."""
    steps, rewards = np.arange(60.0), np.sqrt(np.arange(60.0))
    mark = opening_mark(steps, rewards)
    assert mark is not None
    assert opening_mark(steps[:40], rewards[:40]) == mark
    late = np.concatenate(([np.nan], rewards[:-1]))
    assert opening_mark(steps, late) not in (None, mark)
    assert opening_mark(np.arange(-1.0, 59.0), late) == mark  # a row without a reward is none
    assert opening_mark(steps[:29], rewards[:29]) is None
    assert opening_mark(steps, np.zeros(60)) is None


@pytest.mark.parametrize(
    ("metadata", "count", "said"),
    [
        ('{"eval": {"evaluations": 100, "last_mean": 293.1}}', 100, ["reward.evaluated"]),
        ('{"eval": {"last_mean": 293.1}}', 1, ["reward.evaluated"]),
        ('{"eval": {"evaluations": 100}}', 100, []),
        ('{"eval": "none"}', 0, []),
        ("no JSON", 0, []),
        (None, 0, []),
    ],
)
def test_recorded_evaluations_are_told_beside_the_last_reward(
    metadata: str | None, count: int, said: list[str]
) -> None:
    """The curve is of training episodes; who reads its end learns that there is another measure."""
    row: dict[str, Any] = {"metadata_json": metadata}
    rows = series([1, 2], episode_reward_mean=[1.0, 2.0])
    last = reward_facts(
        row, rows, DataQuality(rows=2), describe_shape(rows.timestep, rows.reward, LIMITS), False, False
    )
    assert keys(last["final_reward"].small) == said
    column = reward_facts(
        row | {"final_reward": 293.1}, series([]), DataQuality(), RewardShape("none", 0), False, False
    )
    assert keys(column["final_reward"].small) == (said or ["reward.final_reward_column"])
    assert last_evaluation(row)[0] == count
