"""What the reward came to: milestones, and the curve in a few points."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from runsum.analysis.shape import RewardShape
from runsum.curve import Curve, middles
from runsum.model import Fact, Milestone, missing, note
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

MILESTONE_PERCENTS = (10, 25, 50, 75, 100)
_OPENING, _DISTINCT = 30, 10


def find_milestones(
    timestep: Floats,
    reward: Floats,
    start: int,
    target: int | None,
    last_any: int | None,
    limits: Thresholds,
    *,
    is_over: bool = False,
) -> tuple[Milestone, ...]:
    """Reward at 10, 25, 50, 75 and 100 % of the target.

    Args:
        timestep: canonical absolute steps, shape (rows,).
        reward: mean episode reward, shape (rows,), NaN where missing.
        start: true first step of the run.
        target: timesteps to train from there; without one there are no milestones.
        last_any: largest own step of any row, progress lines included.
        limits: thresholds in force.
        is_over: whether the run has ended: its last row may be written a little before its last step.
    """
    if target is None or target <= 0 or last_any is None:
        return ()
    seen = np.isfinite(reward)
    order = np.argsort(timestep[seen], kind="stable")
    steps, rewards = timestep[seen][order], reward[seen][order]
    found = []
    for percent in MILESTONE_PERCENTS:
        mark = start + target * percent / 100.0
        needed = min(percent, limits.completed_early_pct) if is_over else percent
        reached = last_any >= start + target * needed / 100.0
        place = len(steps) - 1 if percent == 100 else int(np.searchsorted(steps, mark, side="right")) - 1
        if place < 0:
            found.append(Milestone(percent, mark, None, None, reached, False))
            continue
        far = min(mark, last_any) - steps[place] > limits.milestone_far * target
        found.append(Milestone(percent, mark, int(steps[place]), float(rewards[place]), reached, bool(far)))
    return tuple(found)


def milestone_trend_fact(milestones: tuple[Milestone, ...], shape: RewardShape) -> Fact:
    """What the milestone values say together; only the reached ones count."""
    if shape.kind == "early":
        return missing("trend.early", share=shape.covered)
    reached = [m for m in milestones if m.reached and m.reward is not None]
    if len(reached) < 2:
        return missing("milestones.too_few", reached=len(reached))
    rewards = [m.reward for m in reached if m.reward is not None]
    total = rewards[-1] - rewards[0]
    margin = max(2 * shape.noise, 0.05 * (max(rewards) - min(rewards)))
    last = reached[-1].percent
    if shape.kind == "flat" and max(rewards) - min(rewards) > margin:
        return note("milestones.wandered", low=min(rewards), high=max(rewards))
    best = max(range(len(rewards)), key=lambda i: rewards[i])
    if max(rewards) - rewards[-1] > margin and best < len(rewards) - 1:
        return note("milestones.peaked", peak=reached[best].percent, best=rewards[best], last=last, end=rewards[-1])
    if abs(total) <= margin:
        return note("milestones.level", first=reached[0].percent, last=last, start=rewards[0], end=rewards[-1])
    flat = next(
        (i for i in range(len(rewards)) if all(abs(r - rewards[-1]) <= margin for r in rewards[i:])),
        len(rewards) - 1,
    )
    values = {
        "first": reached[0].percent,
        "last": last,
        "start": rewards[0],
        "end": rewards[-1],
        "gain": total,
    }
    if flat == len(rewards) - 1:
        return note("milestones.rising", **values)
    if shape.kind in ("rising", "falling"):
        return note("milestones.rose", **values)
    return note("milestones.levelled", since=reached[flat].percent, **values)


def thin_curve(timestep: Floats, hours: Floats, reward: Floats, points: int = 120) -> Curve:
    """The reward curve in about `points` evenly chosen rows, its highest and lowest always among them.

    Args:
        timestep: of the canonical rows, shape (rows,).
        hours: of training without idle time, shape (rows,).
        reward: mean episode reward, NaN where none was recorded, shape (rows,).
        points: how many rows; one or two more where highest and lowest are others.
    """
    seen = np.isfinite(reward) & np.isfinite(hours)
    steps, time, values = timestep[seen], hours[seen], reward[seen]
    if not len(values):
        return Curve()
    even = np.linspace(0, len(values) - 1, min(points, len(values))).round().astype(np.intp)
    pick = np.array(sorted({*even.tolist(), int(values.argmax()), int(values.argmin())}))
    means = _means_between(steps, values, pick)
    return Curve.of(np.trunc(steps[pick]), np.round(time[pick], 5), values[pick], means)


def _means_between(steps: Floats, values: Floats, pick: NDArray[np.intp]) -> Floats:
    """Mean of a curve between each two of some of its points, by trapezoids, and its first value; shape (points,).

    Where the timesteps do not go on between two points, as at a restart, it is the mean of both.
    """
    means = middles(values[pick])
    if len(pick) < 2:
        return means
    width = np.maximum(steps[1:] - steps[:-1], 0.0)
    length = np.add.reduceat(width, pick[:-1])
    share = width / np.repeat(np.where(length > 0, length, 1.0), np.diff(pick))  # first, as a sum may be no number
    np.copyto(means[1:], np.add.reduceat(middles(values)[1:] * share, pick[:-1]), where=length > 0)
    return means


def opening_mark(timestep: Floats, reward: Floats) -> str | None:
    """What two records of one training have in common: a hash of its first 30 rewards and their timesteps.

    No two trainings are that equal unless they drew the same numbers, and then they are one sample. None with fewer
    rewards, or where they hardly change.

    Args:
        timestep: of the canonical rows, shape (rows,).
        reward: mean episode reward, NaN where none was recorded, shape (rows,).
    """
    rows = np.flatnonzero(np.isfinite(reward))[:_OPENING]
    steps, rewards = timestep[rows], reward[rows]
    if len(rows) < _OPENING or len(set(rewards.tolist())) < _DISTINCT:
        return None
    return hashlib.blake2b(steps.tobytes() + rewards.tobytes(), digest_size=8).hexdigest()
