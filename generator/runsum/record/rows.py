"""From what Stable-Baselines3 logs to a row of `training_metrics`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from runsum.record.database import Value

_SOURCES = {
    "episode_reward_mean": ("rollout/ep_rew_mean",),
    "episode_length_mean": ("rollout/ep_len_mean",),
    "policy_loss": ("train/policy_gradient_loss", "train/policy_loss", "train/actor_loss"),
    "value_loss": ("train/value_loss", "train/critic_loss"),
    "entropy_loss": ("train/entropy_loss",),
    "total_loss": ("train/loss",),
    "learning_rate": ("train/learning_rate",),
    "kl_divergence": ("train/approx_kl", "train/kl_divergence_loss"),
    "clip_fraction": ("train/clip_fraction",),
    "explained_variance": ("train/explained_variance",),
    "fps": ("time/fps",),
}
"""Column: the names that PPO, then A2C, then the off-policy algorithms log it under; TRPO's divergence."""
_OF_A_TABLE = ("time/fps", "rollout/ep_rew_mean")


def is_table(logged: Mapping[str, Any]) -> bool:
    """Whether SB3 itself logs this, and not a callback that calls `logger.dump()` in between."""
    return any(name in logged for name in _OF_A_TABLE)


def read_logged(logged: Mapping[str, Any]) -> dict[str, Value]:
    """The columns that the logger's values fill, at full precision; what is not logged stays NULL.

    `episode_count` is what the application writes there: the number of the rollout for on-policy algorithms. The
    others have no rollouts, so there it is what its name says.
    """
    row: dict[str, Value] = {}
    for column, names in _SOURCES.items():
        value = next((logged[name] for name in names if name in logged), None)
        row[column] = None if value is None else float(value)
    row["episode_count"] = int(logged.get("time/iterations") or logged.get("time/episodes") or 0)
    return row


def read_episodes(episodes: Sequence[Mapping[str, Any]]) -> dict[str, Value]:
    """Mean and standard deviation of the last episodes' rewards and their mean length, as SB3 averages them.

    Args:
        episodes: `model.ep_info_buffer`: reward "r" and length "l" of the last 100 episodes.
    """
    if not episodes:
        return {"episode_reward_mean": None, "episode_reward_std": None, "episode_length_mean": None}
    return {
        "episode_reward_mean": float(np.mean([episode["r"] for episode in episodes])),
        "episode_reward_std": read_spread(episodes),
        "episode_length_mean": float(np.mean([episode["l"] for episode in episodes])),
    }


def read_spread(episodes: Sequence[Mapping[str, Any]]) -> float | None:
    """Standard deviation of the last episodes' rewards, the one thing of them that SB3 does not log."""
    return float(np.std([episode["r"] for episode in episodes])) if episodes else None


def finite(value: Value) -> float | None:
    """A number that can be compared, else None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
