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
            found: Floats = np.nan_to_num((timestep[rows] - self.start) / self.length[rows], nan=np.inf)
        return found

    def full_from(self, timestep: Floats, rows: np.ndarray) -> float:
        """First timestep of some rows at which there can have been a hundred; infinite where that never was.

        That of the first row where nobody knows, and for a leg, whose means go on with its parent's.
        """
        full = self.until(timestep, rows) * self.frames >= EPISODES
        if self.start > 0 or full.all():
            return float(timestep[rows[0]])
        return float(timestep[rows[full.argmax()]]) if full.any() else float(np.inf)

    def covered(self, timestep: Floats, row: int) -> float:
        """Share of the steps until a row that the mean of a hundred episodes there is made of, at least.

        Episodes that were shorter before are no matter: it is the steps that count. 1: the mean goes back to the first
        episode; 0 where nobody knows, and for a leg, whose means go on with its parent's.
        """
        if self.start > 0:
            return 0.0
        fit = float(self.until(timestep, np.array([row]))[0]) * self.frames
        return 1.0 if fit < EPISODES else EPISODES / fit


def episodes_of(series: Series, env_id: str | None) -> Episodes:
    """The episodes of a run."""
    return Episodes(series.columns["episode_length_mean"], series.start_timestep, frames_of(env_id))


def best_is_early(series: Series, env_id: str | None) -> bool:
    """Whether the best mean surely is of fewer than a hundred episodes: no more fit into the steps until then.

    False without rewards, or where lengths are not recorded.
    """
    rewards = series.values("episode_reward_mean")
    if not len(rewards):
        return False
    row = int(rewards.rows[rewards.seen.argmax()])
    found = episodes_of(series, env_id)
    few = float(found.until(series.timestep, np.array([row]))[0]) * found.frames < EPISODES
    return few and found.start == 0


def are_whole(series: Series, env_id: str | None, window: int) -> np.ndarray:
    """Rows whose mean can be of so many episodes, shape (rows,); where lengths are not recorded, all of them."""
    episodes = episodes_of(series, env_id)
    if series.start_timestep > 0:
        return np.ones(len(series), dtype=bool)
    return np.asarray(episodes.until(series.timestep, np.arange(len(series))) * episodes.frames >= window)
