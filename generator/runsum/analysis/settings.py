"""The configuration of a run: what is recorded, what the files say, what the rows contradict."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from runsum.cleaning.rollouts import VALUE_BASED
from runsum.cleaning.series import Series
from runsum.model import (
    ConfigChange,
    ConfigValue,
    DataQuality,
    Fact,
    Phrase,
    Problem,
    known,
    missing,
    note,
    phrase,
    problem,
)
from runsum.source.columns import integer, json_object, number, text
from runsum.source.records import Row

_CONSTANTS = {
    "frame_stack": 4,
    "action_repeat": 1,
    "eval_freq": 10000,
    "save_freq": 100000,
    "device": "auto",
    "seed": 42,
}
_REAL_SINCE = "2025-12-12"
_FALSE_TRIPLE = {"learning_rate": 0.0003, "batch_size": 256, "n_steps": 128}
_SHOWN = (
    "eval_freq", "save_freq", "n_envs", "frame_stack", "action_repeat", "learning_rate", "batch_size", "n_steps",
    "gamma", "device", "seed",
)  # fmt: skip
NOT_SETTINGS = frozenset({"run_id", "experiment_id", "created_at"})
"""What a configuration says besides settings."""
_SHOWN_ELSEWHERE = NOT_SETTINGS | {"custom_params", "env_id", "game_id", "algorithm", "total_timesteps"}
_DESCRIBED = re.compile(r"Training (\S+) on (\S+) for ([\d,]+) timesteps")
_PPO_ONLY = frozenset({"gae_lambda", "clip_range", "vf_coef", "ent_coef", "max_grad_norm", "n_steps"})


def read_config(
    row: Row, effective: Mapping[str, object], metadata: Mapping[str, object]
) -> tuple[dict[str, ConfigValue], list[Problem]]:
    """Merge the recorded configuration with the files of the run; the effective file beats config_json.

    Args:
        row: the experiment_runs row.
        effective: settings of config_effective.yaml, flattened; empty without one.
        metadata: run_metadata.json; empty without one.

    Returns:
        The settings by key in sorted order, and what contradicts what.
    """
    raw = row.get("config_json")
    recorded = json_object(raw)
    problems: list[Problem] = []
    if recorded is None:
        problems.append(problem("config_missing" if text(raw) is None else "config_unreadable"))
        recorded = {}
    values = {key: ConfigValue(_without_nan(value), "config_json") for key, value in _flatten(recorded).items()}
    block = metadata.get("hyperparameters")
    for origin, source in (("metadata", block if isinstance(block, dict) else {}), ("effective", effective)):
        for key, value in source.items():
            if value is None:
                continue
            before = values.get(key)
            if before is not None and before.value is not None and not same_setting(before.value, value):
                problems.append(
                    problem(
                        "config_contradiction",
                        key=key,
                        recorded=plain(before.value),
                        found=plain(value),
                        origin=origin,
                    )
                )
            values[key] = ConfigValue(value, origin)
    return dict(sorted(values.items())), problems


def _flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings on one level; older readers also met them under `train:` or `training:`."""
    flat = {str(k): v for k, v in config.items() if k not in ("train", "training")}
    for section in ("train", "training"):
        inner = config.get(section)
        if isinstance(inner, dict):
            flat = {str(k): v for k, v in inner.items()} | flat
        elif inner is not None:
            flat[section] = inner
    return flat


def _without_nan(value: object) -> object:
    """NaN and infinities are no settings; JSON files have them all the same."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def described(row: Row) -> dict[str, Any]:
    """What the description sentence says: algorithm, env id, target; empty when it is of another form."""
    match = _DESCRIBED.search(str(row.get("description") or ""))
    return {} if match is None else {
        "algorithm": match.group(1), "env_id": match.group(2), "total_timesteps": int(match.group(3).replace(",", "")),
    }  # fmt: skip


def find_target(config: Mapping[str, ConfigValue], row: Row) -> int | None:
    """Timesteps wanted of the run itself, from wherever a usable number of them stands."""
    goal, begin = integer(row.get("target_timestep")), integer(row.get("start_timestep"))
    begin = integer(row.get("leg_start_timestep")) if begin is None else begin
    found = (
        integer(setting(config, "total_timesteps")),
        integer(described(row).get("total_timesteps")),
        None if goal is None else goal - (begin or 0),
    )
    return next((steps for steps in found if steps is not None and steps > 0), None)


def setting(config: Mapping[str, ConfigValue], key: str) -> Any:
    """The value of a setting, None when absent."""
    value = config.get(key)
    return None if value is None else value.value


def recorded_by_application(config: Mapping[str, ConfigValue], row: Row) -> bool:
    """Whether Retro ML Desktop recorded the run itself; rows converted from other recorders have other gaps."""
    return not config or bool(described(row)) or _has_constants(config)


def recorded_by_runsum(row: Row) -> bool:
    """Whether `runsum.record` wrote the run: it notes pauses, and measures CPU in percent of one core."""
    return str((json_object(row.get("metadata_json")) or {}).get("recorder", "")).startswith("runsum ")


def recorded_seed(config: Mapping[str, ConfigValue]) -> object:
    """The seed of a run; None where it is not recorded, or is the constant that the application writes everywhere."""
    return None if _has_constants(config) else setting(config, "seed")


def _has_constants(config: Mapping[str, ConfigValue]) -> bool:
    """Whether it holds what the application writes down for every run, whatever it trained with."""
    return all(setting(config, key) == value for key, value in _CONSTANTS.items())


def rollout_size_of(config: Mapping[str, ConfigValue]) -> int | None:
    """n_envs × n_steps as configured."""
    envs, steps = integer(setting(config, "n_envs")), integer(setting(config, "n_steps"))
    return envs * steps if envs and steps else None


def check_config(config: Mapping[str, ConfigValue], series: Series, quality: DataQuality) -> list[Problem]:
    """What the rows say against the recorded configuration."""
    problems = []
    size, expected = quality.rollout_size, quality.config_rollout_size
    if size is not None and expected is not None and size != expected:
        envs, steps = integer(setting(config, "n_envs")), integer(setting(config, "n_steps"))
        problems.append(problem("rollout_contradiction", measured=size, recorded=expected, n_envs=envs, n_steps=steps))
    rates = series.values("learning_rate").seen
    rate = number(setting(config, "learning_rate"))
    if (
        rate is not None
        and len(rates) >= 3
        and np.ptp(rates) < 1e-12
        and not 0.98 * rate <= rates[0] <= 1.02 * rate
        and rates[0] < 1
    ):
        problems.append(problem("learning_rate_contradiction", measured=float(rates[0]), recorded=rate))
    return problems


def config_facts(config: Mapping[str, ConfigValue], row: Row, quality: DataQuality, series: Series) -> dict[str, Fact]:
    """The placeholders of section 6 that are settings."""
    constants = _has_constants(config)
    invented = _has_invented_values(config, row)
    value_based = str(setting(config, "algorithm") or "").lower() in VALUE_BASED
    reason = "config.none" if not config else "config.not_set"
    facts = {}
    for key in _SHOWN:
        small: list[Phrase] = []
        value = config.get(key)
        if value is not None and value.origin == "effective":
            small.append(phrase("config.from_effective"))
        if constants and key in ("eval_freq", "save_freq"):
            small.append(phrase(f"config.unused_{key}"))
        elif constants and key in _CONSTANTS:
            small.append(phrase("config.constant"))
        if invented and key in _FALSE_TRIPLE:
            small.append(phrase("config.invented"))
        if key == "n_steps" and value_based and value is not None:
            small.append(phrase("config.meaningless"))
        small += _measured(key, config, quality, series)
        facts[key] = known(plain(setting(config, key)), *small, reason=reason)
    return facts


def learning_rate_schedule(config: Mapping[str, ConfigValue]) -> str | None:
    """How the learning rate goes on from its first value, which stands in the usual place; None where nothing says it.

    RL Baselines3 Zoo writes `lin_7e-4` for a straight line from there to 0
    (https://github.com/DLR-RM/rl-baselines3-zoo, rl_zoo3/exp_manager.py).
    """
    block = setting(config, "custom_params")
    inner = block.get("zoo_config") if isinstance(block, Mapping) else None
    found = inner.get("learning_rate") if isinstance(inner, Mapping) else None
    return found if isinstance(found, str) and number(found) is None else None


def _has_invented_values(config: Mapping[str, ConfigValue], row: Row) -> bool:
    """Before 2025-12-12 the application stored three constants while it trained with others."""
    started = text(row.get("start_time")) or ""
    return started[:10] < _REAL_SINCE and all(
        number(setting(config, k)) == v and config[k].origin == "config_json" for k, v in _FALSE_TRIPLE.items()
    )


def _measured(key: str, config: Mapping[str, ConfigValue], quality: DataQuality, series: Series) -> list[Phrase]:
    if key == "n_steps":
        size, envs = quality.rollout_size, integer(setting(config, "n_envs"))
        if size and size != quality.config_rollout_size and envs and size % envs == 0:
            return [phrase("config.measured_n_steps", size=size, n_envs=envs, n_steps=size // envs)]
    if key == "learning_rate":
        rates = series.values("learning_rate").seen
        if (schedule := learning_rate_schedule(config)) is not None and not len(rates):
            way = "line" if schedule.startswith("lin_") else "schedule"
            return [phrase(f"config.learning_rate_{way}", schedule=schedule)]
        if len(rates) and rates.max() > rates.min() * 1.02 and rates.min() > 0:
            return [phrase("config.measured_lr_range", first=float(rates[0]), last=float(rates[-1]))]
        recorded = number(setting(config, "learning_rate"))
        if len(rates) and (recorded is None or abs(rates[0] - recorded) > 0.02 * recorded):
            return [phrase("config.measured_lr", rate=float(rates[0]))]
    return []


def custom_params_fact(config: Mapping[str, ConfigValue], algorithm: str | None) -> Fact:
    """Everything configured that has no placeholder of its own."""
    custom = setting(config, "custom_params")
    extra = {
        key: value.value for key, value in config.items()
        if key not in _SHOWN and key not in _SHOWN_ELSEWHERE and value.value is not None
        and not ((algorithm or "").lower() == "dqn" and key in _PPO_ONLY)
    }  # fmt: skip
    if isinstance(custom, dict):
        for key, value in custom.items():
            block, inner = (str(key), value) if isinstance(value, dict) else ("custom_params", {key: value})
            for name, one in inner.items():
                taken = str(name) in extra and not same_setting(extra[str(name)], one)
                extra[f"{block}.{name}" if taken else str(name)] = one
    elif custom is not None:
        extra["custom_params"] = custom
    extra = {key: value for key, value in extra.items() if key not in _SHOWN}
    if not config:
        return missing("config.none")
    if not extra:
        return note("config.nothing_else")
    return note("config.others", items=[(key, plain(extra[key])) for key in sorted(extra)])


def plain(value: object) -> str | int | float | bool | None:
    """A setting as a scalar; structures as compact JSON."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def same_setting(a: object, b: object) -> bool:
    """Whether two recorded values mean the same setting (0.00025 and "2.5e-4" do)."""
    first, second = number(a), number(b)
    if first is not None and second is not None:
        return first == second or abs(first - second) <= 1e-9 * max(abs(first), abs(second))
    return plain(a) == plain(b)


def diff_config(before: Mapping[str, ConfigValue], after: Mapping[str, ConfigValue]) -> tuple[ConfigChange, ...]:
    """Settings that differ between two runs, in the order of their names."""
    changes = []
    for key in sorted({*before, *after} - NOT_SETTINGS):
        old, new = setting(before, key), setting(after, key)
        if not same_setting(old, new):
            changes.append(ConfigChange(key, plain(old), plain(new)))
    return tuple(changes)
