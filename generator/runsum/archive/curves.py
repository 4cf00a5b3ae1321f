"""Reward curves of several runs at the same timesteps, and one score of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from runsum.analysis.stats import running_totals
from runsum.curve import Curve, middles
from runsum.model import RunDigest
from runsum.source.columns import Floats


class Points(NamedTuple):
    """A curve; all columns of shape (points,).

    Attributes:
        steps: timesteps in rising order, each once.
        rewards: the reward at each.
        means: mean reward from the timestep before to each; of the first its reward.
    """

    steps: Floats
    rewards: Floats
    means: Floats


def stitch(legs: Sequence[RunDigest]) -> Points:
    """One curve of legs that continue each other: where a leg begins, the curve of the one before ends.

    So does the curve of a leg where it was restarted from an earlier timestep.

    Args:
        legs: the first leg and those that continue it, in their order.
    """
    curve = straight(np.empty(0), np.empty(0))
    for leg in legs:
        start = float(leg.start_timestep)
        for piece in _rising_pieces(leg.curve):
            curve = _joined(curve, piece, min(start, float(piece.steps[0])))
            start = math.inf
    return curve


def _rising_pieces(curve: Curve) -> Iterator[Points]:
    steps, rewards, means = curve.timesteps, curve.rewards, curve.means
    begins = [0, *(np.flatnonzero(steps[1:] <= steps[:-1]) + 1).tolist(), len(steps)]
    for first, end in pairwise(begins):
        if end > first:
            yield Points(steps[first:end], rewards[first:end], means[first:end])


def straight(steps: Floats, rewards: Floats) -> Points:
    """A curve of which nothing is known between its points, so that it is straight there.

    Args:
        steps: timesteps in rising order, shape (points,).
        rewards: the reward at each, shape (points,).
    """
    return Points(steps, rewards, middles(rewards))


def _joined(curve: Points, own: Points, start: float) -> Points:
    """A curve up to where a leg begins, and that of the leg."""
    kept = (curve.steps <= start) & (curve.steps < own.steps[0])
    if not kept.any():
        return own
    joined = Points(*(np.concatenate([one[kept], other]) for one, other in zip(curve, own, strict=True)))
    begin = np.count_nonzero(kept)
    joined.means[begin] = middles(joined.rewards[begin - 1 : begin + 1])[1]
    return joined


def common_range(curves: Sequence[Points]) -> tuple[float, float] | None:
    """The timesteps that all curves cover; None where there are none."""
    columns = [curve.steps for curve in curves]
    if not columns or not all(map(len, columns)):
        return None
    first, last = max(float(steps[0]) for steps in columns), min(float(steps[-1]) for steps in columns)
    return (first, last) if first < last else None


def align(curves: Sequence[Points], within: tuple[float, float], points: int) -> tuple[Floats, Floats]:
    """Curves at the same timesteps, each reward the mean of the stretch around one; nothing is extrapolated.

    Args:
        curves: the curves.
        within: first and last timestep, which all of them cover.
        points: how many timesteps.

    Returns:
        Timesteps of shape (points,), rewards of shape (curves, points).
    """
    grid = np.linspace(*within, points)
    edges = np.append(middles(grid), grid[-1])
    return grid, np.array([_means(curve, edges) for curve in curves])


def score(curves: Sequence[Points], within: tuple[float, float], share: float) -> Floats:
    """One score of each run: the mean reward of all its rows over the last `share` of the range, by timesteps.

    Args:
        curves: the curves.
        within: the range that all of them cover.
        share: part of the range, from its end.

    Returns:
        Shape (curves, 1): one task.
    """
    first, last = within
    edges = np.array([last - share * (last - first), last])
    return np.array([_means(curve, edges) for curve in curves])


def _means(curve: Points, edges: Floats) -> Floats:
    """Mean reward between each two timesteps; where they are one it is the reward there, shape (edges - 1,).

    Between two points a curve is straight, and as much higher or lower as the mean of its rows there is.
    """
    steps, rewards, means = curve
    width = np.diff(edges)
    there = np.interp(edges, steps, rewards)
    place = np.minimum(np.searchsorted(steps, edges, side="right"), len(steps) - 1) - 1
    before = running_totals(means[1:] * np.diff(steps))[place]
    beside = (means - middles(rewards))[place + 1]
    area = before + (edges - steps[place]) * (rewards[place] / 2 + there / 2 + beside)
    found: Floats = np.divide(np.diff(area), width, out=there[1:], where=width > 0)
    return found
