"""Statistics over several runs: aggregates that few runs can bear, and how uncertain they are.

Scores are an array of shape (runs, tasks): `scores[n, m]` is the score of run n on task m. Formulas are those of
Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice (NeurIPS 2021, arXiv:2108.13264),
the definitions those of google-research/rliable 1.2.0, whose numbers tests/test_analysis_aggregate.py holds against
these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np

from runsum.source.columns import Floats

Statistic = Callable[[Floats], Floats]
"""(..., runs, tasks) to (...): one number for each matrix of scores."""

_LEVEL = 0.95
"""Share of the repetitions inside an interval."""
_SEED = 20210831
"""Of every resampling: the same scores give the same interval in every build."""
_KEPT_CELLS = 1_000_000
_CELLS = 2_000_000
"""Numbers that one step of a resampling holds at once: 16 MB."""


def interquartile_mean(scores: Floats) -> Floats:
    """Mean of the middle half of all scores of a matrix (IQM).

    A quarter of the scores, rounded down, is cut off at either end, as `scipy.stats.trim_mean(scores, 0.25)` does: of
    three scores none, of four to seven the least and the largest.

    Args:
        scores: shape (..., runs, tasks).

    Returns:
        Shape (...).
    """
    flat = scores.reshape(*scores.shape[:-2], -1)
    return trimmed_mean(flat)


def trimmed_mean(values: Floats) -> Floats:
    """Mean of the middle half along the last axis.

    Args:
        values: shape (..., n), n of at least 1.

    Returns:
        Shape (...).
    """
    count = values.shape[-1]
    cut = int(0.25 * count)
    middle = np.sort(values, axis=-1)[..., cut : count - cut]
    return np.asarray(middle.mean(axis=-1), dtype=np.float64)


def optimality_gap(scores: Floats) -> Floats:
    """How far the scores fall short of 1 on average, where what is above it counts as 1.

    Args:
        scores: normalised scores, shape (..., runs, tasks); 1 is human level in human-normalised ones.

    Returns:
        Shape (...); 0 where every score reaches 1.
    """
    return np.asarray(1.0 - np.minimum(scores, 1.0).mean(axis=(-2, -1)), dtype=np.float64)


def performance_profile(scores: Floats, thresholds: Floats) -> Floats:
    """Share of runs, over all tasks, whose score is above each threshold (score distribution).

    Args:
        scores: shape (..., runs, tasks).
        thresholds: shape (k,).

    Returns:
        Shape (..., k), falling with the threshold.
    """
    flat = scores.reshape(*scores.shape[:-2], -1, 1)
    return np.asarray((flat > thresholds).mean(axis=-2), dtype=np.float64)


def probability_of_improvement(first: Floats, second: Floats) -> float:
    """Probability that a run of the first kind scores higher than one of the second, mean over tasks.

    The Mann-Whitney statistic of each task, divided by the number of pairs; a tie counts as half.

    Args:
        first: shape (runs, tasks).
        second: shape (other runs, tasks).
    """
    return float(_wins(first, second).mean())


def bootstrap_interval(scores: Floats, statistic: Statistic, repetitions: int) -> tuple[Floats, Floats]:
    """Percentile interval of a statistic by the stratified bootstrap: runs are drawn anew within each task.

    Args:
        scores: shape (runs, tasks).
        statistic: the statistic, over leading axes.
        repetitions: how often the runs are drawn.

    Returns:
        Lower and upper bound, each of the shape that the statistic has for one matrix.
    """
    runs, tasks = scores.shape
    random = np.random.default_rng(_SEED)
    drawn = []
    for size in _portions(repetitions, runs * tasks):
        picked = random.integers(0, runs, size=(size, runs, tasks))
        drawn.append(statistic(scores[picked, np.arange(tasks)]))
    return _percentiles(np.concatenate(drawn))


def bootstrap_iqm(values: Floats, repetitions: int) -> tuple[Floats, Floats]:
    """Percentile interval of the interquartile mean at each point, as `bootstrap_interval` finds it for one task.

    Runs are drawn by their rank at a point, which is as likely as to draw the runs themselves. What is drawn is then
    the same for all groups of as many runs, and each repetition is a weighted mean of sorted values.

    Args:
        values: shape (runs, points), all runs at the same timesteps.
        repetitions: how often the runs are drawn.

    Returns:
        Lower and upper bound, each of shape (points,).
    """
    ranked = np.sort(values, axis=0)
    drawn = [weights @ ranked for weights in _drawn_weights(len(values), repetitions)]
    return _percentiles(np.concatenate(drawn))


def _drawn_weights(runs: int, repetitions: int) -> Iterable[Floats]:
    """How much each rank counts in the interquartile mean of each repetition, in portions of shape (size, runs)."""
    if runs * repetitions <= _KEPT_CELLS:
        return (_few_weights(runs, repetitions),)
    random = np.random.default_rng(_SEED)
    return (_weights(random, runs, size) for size in _portions(repetitions, runs))


@lru_cache(maxsize=8)
def _few_weights(runs: int, repetitions: int) -> Floats:
    return _weights(np.random.default_rng(_SEED), runs, repetitions)


def _weights(random: np.random.Generator, runs: int, size: int) -> Floats:
    cut = int(0.25 * runs)
    middle = np.sort(random.integers(0, runs, size=(size, runs)), axis=1)[:, cut : runs - cut]
    places = np.arange(size)[:, None] * runs + middle
    counts = np.bincount(places.ravel(), minlength=size * runs).reshape(size, runs)
    return np.asarray(counts / middle.shape[1], dtype=np.float64)


def bootstrap_difference(first: Floats, second: Floats, statistic: Statistic, repetitions: int) -> tuple[float, float]:
    """Percentile interval of `statistic(first) - statistic(second)`; runs of both kinds are drawn independently.

    Args:
        first: shape (runs, tasks).
        second: shape (other runs, tasks).
        statistic: the statistic, over leading axes.
        repetitions: how often the runs are drawn.
    """
    random = np.random.default_rng(_SEED)
    tasks = np.arange(first.shape[1])
    drawn = []
    for size in _portions(repetitions, first.size + second.size):
        one, other = (random.integers(0, len(s), size=(size, *s.shape)) for s in (first, second))
        drawn.append(statistic(first[one, tasks]) - statistic(second[other, tasks]))
    low, high = _percentiles(np.concatenate(drawn))
    return float(low), float(high)


def bootstrap_improvement(first: Floats, second: Floats, repetitions: int) -> tuple[float, float]:
    """Percentile interval of the probability of improvement; runs of both kinds are drawn independently within tasks.

    Args:
        first: shape (runs, tasks).
        second: shape (other runs, tasks).
        repetitions: how often the runs are drawn.
    """
    wins = _wins(first, second)
    random = np.random.default_rng(_SEED)
    drawn = []
    for size in _portions(repetitions, wins.size):
        total = np.zeros(size)
        for task in wins:
            one, other = (random.integers(0, n, size=(size, n)) for n in task.shape)
            total += task[one[:, :, None], other[:, None, :]].mean(axis=(1, 2))
        drawn.append(total / len(wins))
    low, high = _percentiles(np.concatenate(drawn))
    return float(low), float(high)


def _wins(first: Floats, second: Floats) -> Floats:
    """1 where a run of the first kind scores higher, 0.5 in a tie, else 0: shape (tasks, runs, other runs)."""
    above = first.T[:, :, None] - second.T[:, None, :]
    return np.asarray((np.sign(above) + 1) / 2, dtype=np.float64)


def _portions(repetitions: int, cells: int) -> list[int]:
    """How many repetitions are made at once, so that memory stays within bounds."""
    most = max(1, min(repetitions, _CELLS // max(1, cells)))
    whole, rest = divmod(repetitions, most)
    return [most] * whole + ([rest] if rest else [])


def _percentiles(drawn: Floats) -> tuple[Floats, Floats]:
    """The two ends of the middle `_LEVEL` of the first axis, between neighbours by a straight line."""
    tail = (1 - _LEVEL) / 2 * 100
    low, high = np.percentile(drawn, [tail, 100 - tail], axis=0)
    return low, high


def repetitions_for(wanted: float, cells: int, most: float) -> int:
    """How often to draw: as often as wanted, or less where that would touch more than `most` numbers; 200 at least."""
    return int(min(wanted, max(200.0, math.floor(most / max(1, cells)))))
