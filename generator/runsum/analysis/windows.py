"""Of how many episodes a recorded mean is: of the last hundred, and of all while there are fewer."""

from __future__ import annotations

import re

import numpy as np

from runsum.cleaning.series import Series
from runsum.frozen import frozen
from runsum.source.columns import Floats

EPISODES = 100
"""Consecutive episodes in a mean, as trainers take it and as Gymnasium's thresholds are about."""
_FRAMES = 4
_STEP_BY_STEP = re.compile(
    r"(CartPole|Acrobot|MountainCar(Continuous)?|Pendulum|LunarLander(Continuous)?|BipedalWalker(Hardcore)?|FrozenLake"
    r"|Taxi|CliffWalking|Ant|HalfCheetah|Hopper|Humanoid(Standup)?|Inverted(Double)?Pendulum|Pusher|Reacher|Swimmer"
    r"|Walker2d)-v\d+"
)


def frames_of(env_id: str | None) -> int:
    """Frames of a step at most, in which the lengths of episodes may be counted.

    Gymnasium's own small environments are trained step by step; Atari and retro games skip up to four frames, inside
    or outside of the place where episodes are measured.
    """
    return 1 if env_id is not None and _STEP_BY_STEP.fullmatch(env_id) else _FRAMES


@frozen
class Episodes:
    """How many episodes there were until a row: as many as fit into the steps until then.

    Attributes:
        length: mean episode length per row; None where it is not recorded.
        start: timestep at which the run began.
        frames: see `frames_of`.
    """

    length: Floats | None
    start: int = 0
    frames: int = 1

    def until(self, timestep: Floats, rows: np.ndarray) -> Floats:
        """Their number at some rows, infinite where nobody knows, shape of `rows`."""
        if self.length is None:
            return np.full(len(rows), np.inf)
        with np.errstate(all="ignore"):
            found = (timestep[rows] - self.start) / self.length[rows]
        return np.where(np.isnan(found), np.inf, found)

    def at_most(self, timestep: Floats, rows: np.ndarray) -> Floats:
        """Of how many the means at some rows can be, shape of `rows`; those of a leg go on with its parent's."""
        return np.full(len(rows), np.inf) if self.start > 0 else self.until(timestep, rows) * self.frames

    def full_from(self, timestep: Floats, rows: np.ndarray) -> float:
        """First timestep of some rows at which there can have been a hundred; infinite where that never was."""
        full = self.at_most(timestep, rows) >= EPISODES
        return float(timestep[rows[full.argmax()]]) if full.any() else float(np.inf)

    def covered(self, timestep: Floats, row: int) -> float:
        """Share of the steps until a row that the mean of a hundred episodes there is made of, at least.

        Episodes that were shorter before are no matter: it is the steps that count. 1: the mean goes back to the first
        episode; 0 where nobody knows.
        """
        return float(EPISODES / max(self.at_most(timestep, np.array([row]))[0], EPISODES))


def episodes_of(series: Series, env_id: str | None) -> Episodes:
    """The episodes of a run."""
    return Episodes(series.columns["episode_length_mean"], series.start_timestep, frames_of(env_id))


def best_is_early(series: Series, env_id: str | None) -> bool:
    """Whether the best mean surely is of fewer than a hundred episodes: no more fit into the steps until then.

    One that a mean of more reached again later is none. False without rewards, or where lengths are not recorded.
    """
    rewards = series.values("episode_reward_mean")
    if not len(rewards):
        return False
    row = rewards.rows[np.flatnonzero(rewards.seen == rewards.most)[-1]]
    return bool(episodes_of(series, env_id).at_most(series.timestep, np.array([row]))[0] < EPISODES)


def are_whole(series: Series, env_id: str | None, window: int) -> np.ndarray:
    """Rows whose mean can be of so many episodes, shape (rows,); where lengths are not recorded, all of them."""
    return np.asarray(episodes_of(series, env_id).at_most(series.timestep, np.arange(len(series))) >= window)
