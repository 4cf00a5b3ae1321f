"""What a model, its environment and this machine are, in the words of the run database."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from runsum.record.environment import EnvironmentFacts
from runsum.record.gpu import NO_WINDOW

_NOT_A_SETTING = frozenset(
    {
        "self",
        "kwargs",
        "policy",
        "env",
        "verbose",
        "tensorboard_log",
        "_init_setup_model",
        "policy_kwargs",
        "device",
        "seed",
        "stats_window_size",
        "rollout_buffer_class",
        "rollout_buffer_kwargs",
    }
)
_USUAL_WINDOW = 100  # episodes in each mean reward, unless a model was told otherwise
_PACKAGES = ("stable_baselines3", "torch", "gymnasium", "ale_py", "numpy")


def describe_config(model: BaseAlgorithm, env: EnvironmentFacts, total_timesteps: int) -> dict[str, Any]:
    """The settings of a training under the names of `config_json`, as they are in force.

    Args:
        model: any Stable-Baselines3 algorithm; every argument of its constructor is looked up on it.
        env: its environment.
        total_timesteps: target of this leg.
    """
    policy = model.policy
    config: dict[str, Any] = {
        "algorithm": type(model).__name__.lower(),
        "policy_type": _policy_name(model),
        "env_id": env.env_id,
        "n_envs": model.n_envs,
        "total_timesteps": total_timesteps,
        "device": str(model.device),
        "seed": model.seed,
        "net_arch": _plain(getattr(policy, "net_arch", None)),
        "activation_fn": getattr(getattr(policy, "activation_fn", None), "__name__", None),
        "max_episode_steps": env.max_episode_steps,
        "frame_stack": env.frame_stack,
        "action_repeat": env.action_repeat,
        "wrappers": env.wrappers or None,
    }
    custom: dict[str, Any] = {f"env {key}": _plain(value) for key, value in env.kwargs.items()}
    for name in _arguments(type(model)):
        value = getattr(model, name, getattr(model, f"_{name}", None))
        if value is not None and not (isinstance(value, dict) and not value) and (model.use_sde or "sde" not in name):
            config |= _setting(_recorded_name(name, model), value)
    window = getattr(model, "_stats_window_size", _USUAL_WINDOW)
    if window != _USUAL_WINDOW:
        config["stats_window_size"] = window  # a mean of fewer episodes reaches a threshold by chance
    if model.policy_kwargs:
        custom["policy_kwargs"] = {key: _plain(value) for key, value in model.policy_kwargs.items()}
    config["custom_params"] = custom or None
    return config


def describe_space(space: Any) -> str:
    """A Gymnasium space in a few words: `Discrete(2)`, `Box(84, 84, 4) uint8`."""
    if type(space).__name__ == "Box":
        return f"Box({', '.join(str(n) for n in space.shape)}) {space.dtype}"
    return str(space)


def dependencies() -> dict[str, str]:
    """Versions of the packages that a result depends on, as far as they are installed."""
    found = {name: _version(name) for name in _PACKAGES}
    return {name: version for name, version in found.items() if version}


def machine() -> str:
    """Operating system and processor, without the machine's name."""
    return f"{platform.system()} {platform.machine()}"


def git_commit() -> str | None:
    """The commit of the program's folder (in a notebook: the working folder), marked when files changed since."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = Path(main).absolute().parent if main else Path.cwd()
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=5, check=True,
            creationflags=NO_WINDOW,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None


def hash_text(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_file(path: Path) -> str | None:
    """SHA-256 of a file; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _arguments(algorithm: type[BaseAlgorithm]) -> Iterator[str]:
    """What the constructors take: of the class, and of those that it hands the rest on to."""
    names: dict[str, None] = {}
    for kind in algorithm.__mro__:
        if issubclass(kind, BaseAlgorithm) and "__init__" in vars(kind):
            names |= dict.fromkeys(inspect.signature(vars(kind)["__init__"]).parameters)
    yield from (name for name in names if name not in _NOT_A_SETTING)


def _recorded_name(name: str, model: BaseAlgorithm) -> str:
    """`n_steps` is the length of a rollout in the database; off-policy algorithms call their n-step return so."""
    return name if name != "n_steps" or isinstance(model, OnPolicyAlgorithm) else "n_step_return"


def _setting(name: str, value: Any) -> dict[str, Any]:
    """A setting as JSON knows it; a schedule by its first value, and by its last where it is another."""
    if isinstance(value, Callable) and not isinstance(value, type):  # type: ignore[arg-type]
        try:
            first, last = float(value(1.0)), float(value(0.0))
        except Exception:  # not a schedule, or one that is not ready for this
            return {name: _plain(value)}
        return {name: first} if first == last else {name: first, f"{name}_at_the_end": last}
    return {name: _plain(value)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "frequency") and hasattr(value, "unit"):  # SB3's TrainFreq
        return f"{value.frequency} {value.unit.value}"
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _policy_name(model: BaseAlgorithm) -> str:
    """The alias that people type (MlpPolicy), else the class."""
    for alias, policy in model.policy_aliases.items():
        if policy is model.policy_class:
            return alias
    return model.policy_class.__name__


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
