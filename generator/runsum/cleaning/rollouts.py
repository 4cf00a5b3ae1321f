"""Rollout size and learn() calls, recovered from the arithmetic of timesteps and iteration numbers.

For PPO and A2C `timestep = start + iteration × R` holds within one learn() call, with R = n_envs × n_steps.
So R is the slope between neighbouring rows, and the offset of a row is the step at which its call began.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runsum.frozen import frozen
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

OFF_POLICY = frozenset({"dqn", "qrdqn", "ddpg", "td3", "sac", "tqc", "crossq", "rainbow", "apex"})
"""Algorithms without rollouts: a constant step per 'iteration' there is the length of an episode."""

VALUE_BASED = frozenset({"dqn", "qrdqn", "rainbow", "apex"})
"""Algorithms without a policy network: no policy loss, no entropy."""


@frozen
class LearnCalls:
    """The learn() calls of a run.

    Attributes:
        rollout_size: timesteps per rollout, or None where no clear majority exists.
        starts: true first step of each call, in write order.
        first_rows: for each call, the position of its first row in the arrays given.
    """

    rollout_size: int | None
    starts: tuple[int, ...]
    first_rows: tuple[int, ...]


def find_rollout_size(timestep: Floats, iteration: Floats, majority: float) -> int | None:
    """The most frequent whole slope between neighbouring rows.

    Args:
        timestep: absolute steps in write order, shape (rows,).
        iteration: recorded iteration numbers, shape (rows,).
        majority: share of usable neighbours that must agree.

    Returns:
        Steps per rollout, or None.
    """
    steps, count = np.diff(timestep), np.diff(iteration)
    usable = (count > 0) & (steps > 0)
    if not usable.any():
        return None
    ratio = steps[usable] / count[usable]
    whole = ratio[ratio == np.floor(ratio)].astype(np.int64)
    if not len(whole):
        return None
    sizes, votes = np.unique(whole, return_counts=True)
    most = int(votes.argmax())  # the smallest of equally frequent ones
    return int(sizes[most]) if votes[most] > majority * len(ratio) else None


def find_learn_calls(timestep: Floats, iteration: Floats, rollout_size: int | None, limits: Thresholds) -> LearnCalls:
    """Group rows by their start offset.

    Offsets below zero or of fewer than `session_min_rows` rows are mixed rows and ignored, and so are those that
    begin without the iteration number falling, since it restarts with every call. Where the rest explains too few
    rows, the counter does not count rollouts (converted data: it counts episodes), and nothing is believed.
    """
    if rollout_size is None or not len(timestep):
        return LearnCalls(rollout_size, (), ())
    offsets = (timestep - iteration * rollout_size).astype(np.int64)
    found = [one.tolist() for one in np.unique(offsets, return_index=True, return_counts=True)]
    first = dict(zip(found[0], found[1], strict=True))
    counts = dict(zip(found[0], found[2], strict=True))
    starts: list[int] = []
    frequent = [o for o in counts if o >= 0 and counts[o] >= limits.session_min_rows]
    for offset in sorted(frequent, key=lambda o: first[o]):
        row = first[offset]
        if not starts or iteration[row] < iteration[row - 1]:
            starts.append(offset)
    explained = sum(counts[o] for o in starts)
    if len(offsets) >= limits.session_min_rows and explained < limits.rollout_coverage * len(offsets):
        return LearnCalls(None, (), ())
    return LearnCalls(rollout_size, tuple(starts), tuple(first[o] for o in starts))


def session_numbers(rows: int, first_rows: tuple[int, ...]) -> NDArray[np.int64]:
    """The learn() call of each row, 0-based, shape (rows,); rows before the first call belong to it."""
    sessions = np.zeros(rows, dtype=np.int64)
    for first in first_rows[1:]:
        sessions[first:] += 1
    return sessions
