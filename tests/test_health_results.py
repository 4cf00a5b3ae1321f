"""The checks of a run's reward, of its machine and of its record, each at its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runsum.analysis.outcome import check_reward, what_changed
from runsum.analysis.shape import Fall, RewardShape, describe_shape
from runsum.analysis.systems import check_data, check_downtime, check_gradient, check_resources, check_throughput
from runsum.model import DataQuality, Finding, Gap, Level, Session
from support.analysis import LIMITS, floats, series
from support.checks import LEVEL, STEPS, key, subject

# ---------------------------------------------------------------- reward


def reward(shape: RewardShape, lost: bool = False, **changes: Any) -> Finding:
    rows = series(STEPS, episode_reward_mean=[1.0] * 200)
    return check_reward(rows, DataQuality(), subject(shape=shape, **changes), lost, LIMITS)


@pytest.mark.parametrize(
    ("shape", "level", "said"),
    [
        (RewardShape("none", 0), Level.NOT_ASSESSED, "reward_none"),
        (RewardShape("few", 5), Level.NOT_ASSESSED, "reward_few"),
        (RewardShape("flat", 200, 1.0, 1.0), Level.BAD, "reward_flat"),
        (RewardShape("rising", 200, 1.0, 9.0), Level.GOOD, "reward_rising"),
        (RewardShape("falling", 200, 1.0, 9.0), Level.WATCH, "reward_falling"),
        (LEVEL, Level.GOOD, "reward_level"),
        (RewardShape("level", 200, 1.0, 9.0), Level.GOOD, "reward_open"),
        (RewardShape("level", 200, 5.0, 5.0, unsure=1.0, level_since=9), Level.WATCH, "reward_no_gain"),
        (RewardShape("level", 200, 1.0, 9.0, lost_share=0.3, best_level=12.0, held=False), Level.WATCH,
         "reward_below_best"),
        (RewardShape("level", 200, 1.0, 9.0, noisy=0.8), Level.WATCH, "reward_noisy"),
        (RewardShape("level", 200, 1.0, 2.0, fall=Fall(5, 9, 9.0, 2.0, 0.9, False)), Level.BAD, "reward_collapsed"),
        (RewardShape("level", 200, 9.0, 2.0, fall=Fall(5, 9, 9.0, 2.0, 1.0, True)), Level.WATCH,
         "reward_fell_from_start"),
    ],
)  # fmt: skip
def test_each_shape_has_its_level(shape: RewardShape, level: Level, said: str) -> None:
    """What is said of the reward, and how it counts."""
    found = reward(shape)
    assert (found.level, key(found)) == (level, said)


@pytest.mark.parametrize(("last", "is_noise"), [(8.0, False), (2.0, True)])
def test_a_fall_within_the_noise_counts_less_than_its_numbers(last: float, is_noise: bool) -> None:
    """From 0 to 10 and down to 8 is a fifth; where less is sure than the numbers say, the sentence says so."""
    levels = {"floor_level": 0.0, "best_level": 10.0, "last_level": last}
    found = reward(RewardShape("level", 200, 1.0, 9.0, lost_share=0.2, held=False, **levels))
    assert found.reason.values["is_noise"] is is_noise


def test_a_collapse_that_came_back_is_still_told() -> None:
    """Its end looks healthy; who goes on from it should know. A small dip, or one of a solved game, is none."""
    values = np.concatenate([np.linspace(0, 20, 80), np.full(40, 3.0), np.full(80, 19.0)])
    values += np.random.default_rng(0).normal(0, 0.3, 200)
    shape = describe_shape(floats(*STEPS), values, LIMITS)
    found = reward(shape)
    assert (found.level, key(found), found.confidence) == (Level.WATCH, "reward_came_back", "medium")
    assert found.reason.values["before"] == pytest.approx(20, abs=1.5)
    assert found.reason.values["after"] == pytest.approx(3, abs=1.0)
    assert key(reward(shape, is_solved=True)) != "reward_came_back"
    values[80:120] = 14.0
    assert key(reward(describe_shape(floats(*STEPS), values, LIMITS))) != "reward_came_back"


def test_a_level_reward_may_be_all_that_there_is() -> None:
    """A continued run begins trained, and a solved game has nothing left to learn."""
    flat = RewardShape("flat", 200, 20.0, 20.0)
    assert {key(reward(flat, is_first=False)), key(reward(flat, is_solved=True))} == {"reward_held"}


def test_lost_rewards_are_not_judged() -> None:
    """The end is out of sight."""
    assert reward(LEVEL, lost=True).level is Level.NOT_ASSESSED


def test_what_changed_beside_a_fall_is_named() -> None:
    """KL and learning rate around it, a restart and a gap; nothing that stayed as it was."""
    kl = np.where(np.arange(200) < 100, 0.01, 0.09)
    rows = series(STEPS, kl_divergence=kl, clip_fraction=[0.1] * 200)
    quality = DataQuality(
        sessions=(Session(0, 100, 9000), Session(10_100, 10_200, 20_000)), gaps=(Gap(900, 10_000, 1, None),)
    )
    beside = what_changed(rows, quality, 10_000, 11_000, LIMITS)
    assert [words.key for words in beside] == ["beside.kl", "beside.restart", "beside.gap"]
    assert beside[0].values == {"before": pytest.approx(0.01), "after": pytest.approx(0.09)}
    assert what_changed(rows, DataQuality(), 2_000, 3_000, LIMITS) == []


def test_a_collapse_is_located() -> None:
    """The fall from 20 to 2 at row 120 of 200, wherever its band lies."""
    values = np.concatenate([np.linspace(0, 20, 60), np.full(60, 20.0), np.full(80, 2.0)])
    values += np.random.default_rng(0).normal(0, 0.3, 200)
    shape = describe_shape(floats(*STEPS), values, LIMITS)
    assert shape.fall is not None
    assert shape.fall.from_timestep <= 12_000 <= shape.fall.to_timestep
    assert shape.fall.share > 0.85


# ---------------------------------------------------------------- machine and record


def test_speed_is_compared_from_start_to_end() -> None:
    """A third slower is watched, two thirds slower is bad, a wobble is nothing."""
    steps = np.arange(40.0)
    levels = [
        check_throughput(steps, np.linspace(400, end, 40), LIMITS).level for end in (390.0, 240.0, 90.0)
    ]  # fmt: skip
    assert levels == [Level.GOOD, Level.WATCH, Level.BAD]
    assert check_throughput(steps[:5], steps[:5], LIMITS).level is Level.NOT_ASSESSED


def test_an_idle_gpu_is_told_and_not_held_against_a_run() -> None:
    """The environment sets the pace."""
    found = check_resources(series(STEPS), None, 12.0, LIMITS)
    assert (found.level, key(found)) == (Level.GOOD, "gpu_idle")


def test_lost_time_is_a_share() -> None:
    """Two of ten hours are worth a look, none is good, an unknown duration is not assessed."""
    found = [
        check_downtime(lost, hours, DataQuality(), LIMITS) for lost, hours in ((2.0, 10.0), (0.0, 10.0), (1.0, None))
    ]
    assert [one.level for one in found] == [Level.WATCH, Level.GOOD, Level.NOT_ASSESSED]


@pytest.mark.parametrize(
    ("lost", "hours", "quality", "said"),
    [
        (None, 0.002, DataQuality(), "no_rows"),
        (None, 0.002, DataQuality(rows=2), "gaps_few"),
        (None, 0.002, DataQuality(rows=30), "gaps_no_times"),
        (0.0, None, DataQuality(rows=30), "no_times"),
        (0.0, 0.0, DataQuality(rows=30), "no_time_lost"),
        (0.0, 0.2, DataQuality(rows=30, gaps=(Gap(80.0, 100, 0.1, None),)), "short_gaps"),
        (0.1, 0.2, DataQuality(rows=30, gaps=(Gap(360.0, 100, 0.1, None),)), "time_lost"),
    ],
)
def test_what_is_not_known_of_lost_time_is_named(
    lost: float | None, hours: float | None, quality: DataQuality, said: str
) -> None:
    """A duration that the page shows is not called unknown, and gaps that it shows are not called none."""
    assert key(check_downtime(lost, hours, quality, LIMITS)) == said


def test_equal_gradient_norms_were_clipped() -> None:
    """What is always the limit says nothing of the gradients."""
    rows = series(STEPS, gradient_norm=[0.5] * 200)
    assert key(check_gradient(rows, subject(), LIMITS)) == "gradient_clipped"


def test_gradients_are_told_by_their_median_and_what_few_exceed() -> None:
    """A norm from 4 to 390 does not stay near its median of 35."""
    rows = series(STEPS, gradient_norm=[4.0] * 9 + [35.0] * 180 + [120.0] * 10 + [390.0])
    found = check_gradient(rows, subject(), LIMITS)
    assert (found.level, key(found), found.value) == (Level.GOOD, "gradient_steady", 35.0)
    assert found.reason.values["p95"] == 120.0


def test_uneven_gradients_that_are_clipped_do_no_harm() -> None:
    """Where the limit is set and the reward rose; without a limit they are worth a look."""
    rows = series(STEPS, gradient_norm=[0.6] * 150 + [9.0] * 20 + [0.6] * 30)
    found = [check_gradient(rows, subject(settings=s), LIMITS) for s in ({"max_grad_norm": 0.5}, {})]
    assert [(one.level, key(one)) for one in found] == [
        (Level.GOOD, "gradient_uneven_clipped"),
        (Level.WATCH, "gradient_uneven"),
    ]
    below = check_gradient(rows, subject(settings={"max_grad_norm": 10}), LIMITS)
    assert (below.level, key(below)) == (Level.GOOD, "gradient_below_limit")


@pytest.mark.parametrize(
    ("quality", "kinds", "said"),
    [
        (DataQuality(), (), "no_rows"),
        (DataQuality(rows=9, canonical_rows=9), (), "data_few"),
        (DataQuality(rows=99, canonical_rows=90, contaminated_rows=9), (), "data_contaminated"),
        (DataQuality(rows=99, canonical_rows=99), ("large_rewards_lost",), "data_rewards_lost"),
        (DataQuality(rows=99, canonical_rows=99), ("rollout_contradiction",), "data_contradiction"),
        (DataQuality(rows=99, canonical_rows=99), ("phantom_rows",), "data_good"),
    ],
)
def test_the_record_is_judged_too(quality: DataQuality, kinds: tuple[str, ...], said: str) -> None:
    """Few rows, rows of others, lost rewards, contradictions; what was left out cleanly is no fault."""
    assert key(check_data(quality, dict.fromkeys(kinds), LIMITS)) == said
