"""Reward curves of several runs at the same timesteps, and one score of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runsum.model import RunDigest
from runsum.source.columns import Floats

Points = tuple[Floats, Floats]
"""Timesteps in rising order, and the reward at each."""


def stitch(legs: Sequence[RunDigest]) -> Points:
    """One curve of legs that continue each other: where a leg begins, the curve of the one before ends.

    Args:
        legs: the first leg and those that continue it, in their order.

    Returns:
        Timesteps in rising order, each once, and rewards.
    """
    steps, rewards = np.empty(0), np.empty(0)
    for leg in legs:
        own = np.array(leg.curve.timesteps, dtype=np.float64)
        if not len(own):
            continue
        before = steps <= min(leg.start_timestep, own.min())
        steps = np.concatenate([steps[before], own])
        rewards = np.concatenate([rewards[before], np.array(leg.curve.rewards, dtype=np.float64)])
    if (steps[1:] > steps[:-1]).all():
        return steps, rewards
    order = np.argsort(steps, kind="stable")
    steps, rewards = steps[order], rewards[order]
    last = np.append(np.diff(steps) > 0, True)
    return steps[last], rewards[last]


def common_range(curves: Sequence[Points]) -> tuple[float, float] | None:
    """The timesteps that all curves cover; None where there are none."""
    first = max((steps[0] for steps, _ in curves if len(steps)), default=0.0)
    last = min((steps[-1] for steps, _ in curves if len(steps)), default=0.0)
    if not curves or any(not len(steps) for steps, _ in curves) or first >= last:
        return None
    return float(first), float(last)


def align(curves: Sequence[Points], within: tuple[float, float], points: int) -> tuple[Floats, Floats]:
    """Curves at the same timesteps, by straight lines between their points; nothing is extrapolated.

    Args:
        curves: the curves.
        within: first and last timestep, which all of them cover.
        points: how many timesteps.

    Returns:
        Timesteps of shape (points,), rewards of shape (curves, points).
    """
    grid = np.linspace(*within, points)
    return grid, np.array([np.interp(grid, steps, rewards) for steps, rewards in curves])


def score(curves: Sequence[Points], within: tuple[float, float], share: float, points: int = 11) -> Floats:
    """One score of each run: the mean of its curve over the last `share` of the range.

    Args:
        curves: the curves.
        within: the range that all of them cover.
        share: part of the range, from its end.
        points: timesteps that the mean is made of.

    Returns:
        Shape (curves, 1): one task.
    """
    first, last = within
    _, rewards = align(curves, (last - share * (last - first), last), points)
    return np.asarray(rewards.mean(axis=1, keepdims=True), dtype=np.float64)
