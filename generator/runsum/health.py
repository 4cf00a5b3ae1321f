"""Every check of a run's health, put together from what its rows, its settings and its machine say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from runsum.analysis.actions import count_actions, has_continuous_actions
from runsum.analysis.findings import CHECKS, Subject
from runsum.analysis.off_policy import check_off_policy
from runsum.analysis.on_policy import check_on_policy
from runsum.analysis.outcome import check_reward
from runsum.analysis.resources import ResourceFacts
from runsum.analysis.settings import learning_rate_schedule
from runsum.analysis.shape import RewardShape
from runsum.analysis.systems import check_data, check_downtime, check_gradient, check_resources, check_throughput
from runsum.analysis.throughput import Rate
from runsum.cleaning.series import Series
from runsum.model import ConfigValue, DataQuality, Fact, Finding, Problem
from runsum.source.columns import number
from runsum.thresholds import Thresholds

_FEWEST_ROWS = 3  # a median and a trend exist, whatever the settings say
_ORDER = {check.name: place for place, check in enumerate(CHECKS)}
_SCHEDULES = ("lin_", "linear", "cosine", "constant_fraction")
_DEPTH = 3


def describe_subject(
    algorithm: str | None,
    env_id: str | None,
    config: Mapping[str, ConfigValue],
    target: int | None,
    is_first: bool,
    is_solved: bool,
    shape: RewardShape,
) -> Subject:
    """What the checks must know of a run, from its settings.

    Args:
        algorithm: as recorded.
        env_id: as recorded.
        config: the settings; those below `custom_params` count where the usual place is empty.
        target: timesteps wanted.
        is_first: whether training began here.
        is_solved: whether the reward reached what was declared for the game, or crossed the registered threshold and
            stayed above.
        shape: of the reward.
    """
    settings = flat_settings(config)
    recorded = number(settings.get("n_actions"))
    full = str(settings.get("full_action_space", settings.get("env full_action_space"))).lower() == "true"
    return Subject(
        algorithm=(algorithm or "").lower(),
        actions=int(recorded) if recorded else count_actions(env_id, full),
        is_continuous=has_continuous_actions(env_id),
        is_annealed=is_annealed(settings),
        is_first=is_first,
        is_solved=is_solved,
        settings=settings,
        target=target,
        shape=shape,
    )


def is_annealed(settings: Mapping[str, object]) -> bool:
    """Whether the settings, as `flat_settings` gives them, lower the learning rate."""
    if "learning_rate_at_the_end" in settings or "lr_schedule" in settings:
        return True
    return any(str(settings.get(name)).startswith(_SCHEDULES) for name in ("learning_rate", "zoo:learning_rate"))


def flat_settings(config: Mapping[str, ConfigValue]) -> dict[str, object]:
    """Settings by name, those of other recorders' own blocks too; numbers written as text become numbers."""
    found: dict[str, object] = {}
    for name, value in config.items():
        _collect(name, value.value, found, _DEPTH)
    for name, value in config.items():  # the usual place beats a block, whatever the order of their names
        if value.value is not None and not isinstance(value.value, Mapping):
            found[name] = _plain(value.value)
    if (schedule := learning_rate_schedule(config)) is not None:
        found["zoo:learning_rate"] = schedule
    return found


def _collect(name: str, value: object, found: dict[str, object], depth: int) -> None:
    if isinstance(value, Mapping) and depth:
        for key, inner in value.items():
            _collect(str(key), inner, found, depth - 1)
    elif value is not None:
        found.setdefault(name, _plain(value))


def _plain(value: object) -> object:
    measured = number(value) if isinstance(value, str) else None
    return value if measured is None else measured


def assess(
    series: Series,
    quality: DataQuality,
    subject: Subject,
    rate: Rate,
    machine: ResourceFacts,
    facts: Mapping[str, Fact],
    problems: Sequence[Problem],
    limits: Thresholds,
) -> tuple[Finding, ...]:
    """Make every check that the algorithm of a run allows, in the order of the table of checks.

    Args:
        series: canonical rows.
        quality: the account of the rows.
        subject: the run, its settings and the shape of its reward.
        rate: measured throughput.
        machine: what the machine did.
        facts: duration and lost time, by placeholder.
        problems: what is odd about the run.
        limits: thresholds in force.
    """
    if limits.min_rows_trend < _FEWEST_ROWS:
        limits = replace(limits, min_rows_trend=_FEWEST_ROWS)
    kinds = {found.kind: found for found in problems}
    lost, duration = facts["pause_time_h"].number, facts["duration_h"].number
    with np.errstate(all="ignore"):  # values of 1e308 overflow a mean, and say nothing either way
        found = [
            check_reward(series, quality, subject, "large_rewards_lost" in kinds, limits),
            *check_on_policy(series, subject, limits),
            *check_off_policy(series, subject, limits),
            check_gradient(series, subject, limits),
            check_throughput(rate.timestep, rate.per_second, limits),
            check_resources(series, machine.vram_share, machine.gpu_avg, limits),
            check_downtime(lost, duration, quality, limits),
            check_data(quality, kinds, limits),
        ]
    return tuple(sorted(found, key=lambda one: _ORDER[one.rule]))
