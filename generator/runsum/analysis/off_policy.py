"""Checks of algorithms that learn from a replay memory (DQN, SAC, TD3, …): losses, Q values, exploration, replay.

They have no KL, no clipping and no rollouts, so none of the on-policy checks is made of them. The database has no
columns for Q values, exploration rate and temperature; what can be told of these comes from losses and settings.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from runsum.analysis.findings import (
    Bins,
    Subject,
    absent,
    bin_medians,
    judge_loss,
    judged,
    longest_stretch,
    not_assessed,
)
from runsum.cleaning.rollouts import VALUE_BASED
from runsum.cleaning.series import Series
from runsum.cleaning.values import middle
from runsum.model import Finding, Level
from runsum.thresholds import Thresholds

_ACTOR_IS_Q = frozenset({"ddpg", "td3"})  # their actor loss is the mean Q value with its sign turned
_ACTOR_IS_NEARLY_Q = frozenset({"sac", "tqc", "crossq"})  # as before, with the entropy in it
_TD_LOSS = ("td_loss_rising", "td_loss_with_returns", "td_loss_usual")
_NOISE = (("noise_type", "action_noise"), ("noise_std", "action_noise_std", "exploration_noise"))
"""What recorders call the kind of the noise on the actions, and its standard deviation: RL Zoo's names come first."""


def check_off_policy(series: Series, subject: Subject, limits: Thresholds) -> list[Finding]:
    """The findings of an off-policy run; of others, nothing."""
    if not subject.is_off_policy:
        return []
    return [
        _check_loss(series, subject, limits),
        _check_q(series, subject, limits),
        _check_exploration(series, subject),
        _check_replay(series, subject),
    ]


def _check_loss(series: Series, subject: Subject, limits: Thresholds) -> Finding:
    """The loss of the Q function: SB3 logs it as `loss` (DQN) or `critic_loss`."""
    name = "total_loss" if len(series.values("total_loss")) > len(series.values("value_loss")) else "value_loss"
    return judge_loss("td_loss", name, _TD_LOSS, series, subject, limits)


def _check_q(series: Series, subject: Subject, limits: Thresholds) -> Finding:
    """Whether the critic expects more than any episode ever brought."""
    if subject.algorithm in VALUE_BASED:
        return not_assessed("q_value", "q_no_column")
    sure = subject.algorithm in _ACTOR_IS_Q
    if not sure and subject.algorithm not in _ACTOR_IS_NEARLY_Q:
        return not_assessed("q_value", "q_no_column")
    bins = bin_medians(series.timestep, -series.columns["policy_loss"])
    rewards = series.values("episode_reward_mean").seen
    if missing := absent("q_value", bins.count if len(rewards) else 0, limits):
        return missing
    # |sum of discounted rewards| is at most that of the rewards themselves where all have one sign
    largest = float(np.abs(rewards).max())
    if largest <= 0:
        return not_assessed("q_value", "q_no_scale")
    end = middle(bins.value[-max(1, len(bins) // 10) :])
    return _judge_q(bins, end, largest, "medium" if sure else "low", limits)


def _judge_q(bins: Bins, end: float, largest: float, most: str, limits: Thresholds) -> Finding:
    where = longest_stretch(bins, bins.value > limits.q_factor * largest)
    high = where is not None and where[2] >= limits.sustained_share
    return judged("q_value", Level.WATCH if high else Level.GOOD, "q_high" if high else "q_usual", value=end,
                  band=(None, limits.q_factor * largest), count=bins.count, most=most,
                  where=where[:2] if high and where else None, largest=largest)  # fmt: skip


def _check_exploration(series: Series, subject: Subject) -> Finding:
    if subject.algorithm not in VALUE_BASED:
        return _told_of_actors(subject)
    fraction, target = subject.number("exploration_fraction"), subject.target
    last = subject.number("exploration_final_eps")
    if fraction is None or not 0 <= fraction <= 1 or not len(series):
        return not_assessed("exploration", "epsilon_no_column")
    if not target:
        return not_assessed("exploration", "epsilon_no_target", share=fraction)
    until = series.start_timestep + int(fraction * target)
    trained = int(series.timestep.max())
    given: dict[str, Any] = {"value": fraction, "until": until, "last": last, "trained": trained}
    if trained < until:
        return judged("exploration", Level.WATCH, "epsilon_unfinished", where=(series.start_timestep, trained),
                      chart="reward", **given)  # fmt: skip
    return judged("exploration", Level.GOOD, "epsilon_done", **given)


def _told_of_actors(subject: Subject) -> Finding:
    """What explores where an actor chooses: its temperature, or what is added to the actions of one without any.

    HER is neither: its settings tell which of the others it goes with.
    """
    algorithm, alpha = subject.algorithm, subject.settings.get("ent_coef")
    if algorithm in _ACTOR_IS_NEARLY_Q or (alpha is not None and algorithm not in _ACTOR_IS_Q):
        return not_assessed("exploration", "alpha_no_column" if alpha is None else "alpha_setting", alpha=alpha)
    kind, size = (
        next((subject.settings[name] for name in names if name in subject.settings), None) for names in _NOISE
    )
    told = kind is not None or size is not None
    key = "noise_setting" if told else "noise_no_column" if algorithm in _ACTOR_IS_Q else "exploration_no_column"
    return not_assessed("exploration", key, algorithm=algorithm.upper(), kind=kind, size=size)


def _check_replay(series: Series, subject: Subject) -> Finding:
    starts, size = subject.number("learning_starts"), subject.number("buffer_size")
    trained = int(series.timestep.max()) - series.start_timestep if len(series) else 0
    if starts is not None and len(series) and trained < starts:
        return judged("replay", Level.BAD, "replay_not_begun", value=starts, starts=int(starts), trained=trained,
                      where=(series.start_timestep, series.start_timestep + trained), chart="reward")  # fmt: skip
    updates, batch, every = (subject.number(name) for name in ("gradient_steps", "batch_size", "train_freq"))
    envs = subject.number("n_envs") or 1.0
    if updates is None or every is None or batch is None or updates <= 0 or every <= 0:
        if size is None:
            return not_assessed("replay", "replay_no_settings")
        return judged("replay", Level.GOOD, "replay_size", value=size, size=size, starts=starts)
    ratio = updates * batch / (every * envs)  # samples drawn from the memory for each step of an environment
    return judged("replay", Level.GOOD, "replay_ratio", value=ratio, size=size, starts=starts)
