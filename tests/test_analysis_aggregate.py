"""Aggregates over runs: by hand, and against numbers that rliable 1.2.0 gave for the same matrices.

The reference numbers were printed by tests/benchmarks/compare_rliable.py --repetitions 50000 --repeats 2 (arch 7.2.0,
SciPy 1.17.1, NumPy 2.4.6); bounds are means of two estimates of 50,000 draws each, those of profiles and of the
probability of improvement one estimate of 2,000.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from runsum.analysis import aggregate
from support.score_matrices import MATRICES, PROFILE_AT

DRAWS = 50_000


class Reference(NamedTuple):
    """What rliable says of a matrix."""

    iqm: float
    low: float
    high: float
    gap: float


RLIABLE = {
    "metrics x": Reference(1.5, 1.0, 2.0, 0.0),
    "metrics y": Reference(2.0, 1.25, 2.75, 0.0),
    "library x": Reference(39.5, 32.525, 46.5125, 0.0125),
    "library y": Reference(39.5, 32.475, 46.475, 0.0125),
    "atari": Reference(1.111917, 1.061399, 1.167025, 0.265726),
    "procgen x": Reference(0.584288, 0.562071, 0.607862, 0.423730),
    "procgen y": Reference(0.548973, 0.522101, 0.579224, 0.442281),
}
PROFILES = {  # value, lower and upper bound at each threshold of PROFILE_AT
    "library x": ((0.9875, 0.9625, 1.0), (0.9875, 0.9625, 1.0), (0.7375, 0.6375, 0.825), (0.2375, 0.15, 0.325)),
    "atari": (
        (1.0, 1.0, 1.0), (0.723636, 0.698182, 0.749091), (0.476364, 0.450909, 0.501818),
        (0.301818, 0.28, 0.327273), (0.003636, 0.0, 0.010909),
    ),
    "procgen x": (
        (0.99375, 0.98125, 1.0), (0.51875, 0.499844, 0.5375), (0.29375, 0.2625, 0.325), (0.1, 0.075, 0.13125),
    ),
}  # fmt: skip
IMPROVEMENT = {  # value, lower and upper bound
    ("metrics x", "metrics y"): (0.333333, 0.083333, 0.625),
    ("library x", "library y"): (0.5, 0.411219, 0.5925),
    ("procgen x", "procgen y"): (0.564688, 0.495609, 0.630633),
}


def error(low: float, high: float, *draws: int) -> float:
    """Four standard errors of the difference of two estimates of a bound.

    The standard error of a quantile of n draws is sqrt(p (1 - p) / n) divided by the density there; of a normal
    distribution with that interval the density at 2.5 % is 0.0584 for a standard deviation of 1.
    """
    deviation = (high - low) / 3.92
    return 4 * deviation * math.sqrt(sum(0.025 * 0.975 / n for n in draws)) / 0.0584


# ---------------------------------------------------------------- against rliable


@pytest.mark.parametrize("name", RLIABLE)
def test_iqm_and_its_interval_are_rliables(name: str) -> None:
    """The estimate exactly, the bounds within Monte-Carlo error."""
    found, scores = RLIABLE[name], MATRICES[name]
    assert aggregate.interquartile_mean(scores) == pytest.approx(found.iqm, abs=1e-6)
    low, high = aggregate.bootstrap_interval(scores, aggregate.interquartile_mean, DRAWS)
    allowed = error(found.low, found.high, DRAWS, 2 * DRAWS)
    assert low == pytest.approx(found.low, abs=allowed)
    assert high == pytest.approx(found.high, abs=allowed)


@pytest.mark.parametrize("name", RLIABLE)
def test_the_optimality_gap_is_rliables(name: str) -> None:
    """Exactly."""
    assert aggregate.optimality_gap(MATRICES[name]) == pytest.approx(RLIABLE[name].gap, abs=1e-6)


@pytest.mark.parametrize("name", PROFILES)
def test_performance_profiles_are_rliables(name: str) -> None:
    """The share exactly, its bounds within Monte-Carlo error and one run of the matrix."""
    scores, at = MATRICES[name], np.array(PROFILE_AT[name])
    profile = partial(aggregate.performance_profile, thresholds=at)
    low, high = aggregate.bootstrap_interval(scores, profile, 2000)
    for place, (value, lower, upper) in enumerate(PROFILES[name]):
        allowed = error(lower, upper, 2000, 2000) + 1 / scores.size
        assert profile(scores)[place] == pytest.approx(value, abs=1e-6)
        assert low[place] == pytest.approx(lower, abs=allowed)
        assert high[place] == pytest.approx(upper, abs=allowed)


@pytest.mark.parametrize("pair", IMPROVEMENT)
def test_the_probability_of_improvement_is_rliables(pair: tuple[str, str]) -> None:
    """The estimate exactly, the bounds within Monte-Carlo error and one pair of runs."""
    first, second = (MATRICES[name] for name in pair)
    value, lower, upper = IMPROVEMENT[pair]
    assert aggregate.probability_of_improvement(first, second) == pytest.approx(value, abs=1e-6)
    low, high = aggregate.bootstrap_improvement(first, second, 10_000)
    allowed = error(lower, upper, 2000, 10_000) + 1 / (first.size * len(second))
    assert low == pytest.approx(lower, abs=allowed)
    assert high == pytest.approx(upper, abs=allowed)


# ---------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("scores", "iqm"),
    [
        ([1, 2, 9], 4.0),  # of three none is cut
        ([1, 2, 4, 99], 3.0),  # of four the least and the largest
        ([0, 1, 2, 3, 99], 2.0),
        ([0, 0, 1, 2, 3, 4, 99, 99], 2.5),
        ([7], 7.0),
    ],
)
def test_the_middle_half(scores: list[float], iqm: float) -> None:
    """A quarter is cut off at either end, rounded down."""
    assert aggregate.interquartile_mean(np.array(scores, dtype=float)[:, None]) == pytest.approx(iqm)


def test_more_matrices_at_once() -> None:
    """Leading axes stay: a statistic of draws is made in one go."""
    scores = np.arange(24, dtype=float).reshape(2, 4, 3)
    assert aggregate.interquartile_mean(scores).tolist() == [5.5, 17.5]
    assert aggregate.performance_profile(scores, np.array([11.0, 23.0])).tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_ties_are_half_an_improvement() -> None:
    """Two of four pairs won, one tied."""
    assert aggregate.probability_of_improvement(np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]])) == 0.625


def test_equal_runs_have_no_width() -> None:
    """Nothing varies, so nothing is uncertain: also of a difference."""
    equal = np.full((5, 1), 3.0)
    assert aggregate.bootstrap_interval(equal, aggregate.interquartile_mean, 100) == (3.0, 3.0)
    assert aggregate.bootstrap_difference(equal, equal - 1, aggregate.interquartile_mean, 100) == (1.0, 1.0)
    assert aggregate.bootstrap_improvement(equal, equal - 1, 100) == (1.0, 1.0)


def test_the_same_scores_give_the_same_interval() -> None:
    """The draws begin with the same number in every build."""
    scores = MATRICES["procgen x"]
    one, two = (aggregate.bootstrap_interval(scores, aggregate.interquartile_mean, 300) for _ in range(2))
    assert one == two


def test_a_band_is_the_interval_at_each_point() -> None:
    """Runs that lie above each other at every timestep: the band of the last point is that of one score."""
    rewards = np.array([1.0, 2.0, 3.0, 4.0, 10.0])[:, None] * np.array([0.0, 0.5, 1.0])
    low, high = aggregate.bootstrap_iqm(rewards, 20_000)
    wanted = aggregate.bootstrap_interval(rewards[:, 2:], aggregate.interquartile_mean, 20_000)
    assert low.tolist() == pytest.approx([0.0, wanted[0] / 2, wanted[0]], rel=0.05)
    assert high.tolist() == pytest.approx([0.0, wanted[1] / 2, wanted[1]], rel=0.05)


@pytest.mark.parametrize("runs", [5, 8, 30, 120])
def test_drawing_ranks_is_drawing_runs(runs: int) -> None:
    """The interval of one task, whether its draws are kept for other groups or made in portions."""
    scores = np.random.default_rng(runs).lognormal(size=(runs, 1))
    low, high = aggregate.bootstrap_interval(scores, aggregate.interquartile_mean, DRAWS)
    allowed = error(float(low), float(high), DRAWS, DRAWS)
    ranked = aggregate.bootstrap_iqm(scores, DRAWS)
    assert [float(end[0]) for end in ranked] == pytest.approx([low, high], abs=allowed)


def test_the_number_of_draws_is_bounded() -> None:
    """Fewer where a group is large, and never less than 200."""
    assert aggregate.repetitions_for(50_000, 5, 20e6) == 50_000
    assert aggregate.repetitions_for(50_000, 1000, 20e6) == 20_000
    assert aggregate.repetitions_for(50_000, 1_000_000, 20e6) == 200
