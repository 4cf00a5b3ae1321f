"""What the environment of a training is, without disturbing it.

Environments of this process are looked at directly. Those in worker processes (SubprocVecEnv) are asked for text and
whole numbers only: a worker that has to send what cannot be pickled dies, and the training with it.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

_NAMED = re.compile(r"<?((?:\w+<)*)(\w+)(?: instance|<([^<>]+)>)>*")
"""How Gymnasium prints an environment: `<TimeLimit<CartPoleEnv<CartPole-v1>>>`."""


class EnvironmentFacts:
    """Looks at the first environment, once.

    Args:
        env: the environments as the model has them; None says nothing.

    Attributes:
        env_id: Gymnasium's id; the class of an environment that was never registered.
        version: the package that brings the environment, and its version.
        wrappers: classes around the environment, from the outside in.
        kwargs: what it was made with, beside the way it is rendered.
        max_episode_steps: after which it is cut off.
        frame_stack: number of observations that are seen at once.
        action_repeat: how often it repeats an action.
    """

    def __init__(self, env: VecEnv | None) -> None:
        layers = list(_layers(env))
        first = _first(env)
        inside = list(_around(first))
        self.wrappers = [type(layer).__name__ for layer in (*layers, *inside)]
        self.env_id: str | None = None
        self.kwargs: dict[str, Any] = {}
        self.max_episode_steps: int | None = None
        self.action_repeat: int | None = None
        self.frame_stack = next((int(layer.stacked_obs.n_stack) for layer in layers if hasattr(layer, "stacked_obs")),
                                None)  # fmt: skip
        if first is not None:
            self._look_at(first, inside)
        elif env is not None:
            self._ask(env)
        self.version = _version(self._entry_point)

    def _look_at(self, first: Any, inside: list[Any]) -> None:
        spec = _spec(first)
        self._entry_point = getattr(spec, "entry_point", None) or type(first.unwrapped)
        self.env_id = spec.id if spec is not None else type(first.unwrapped).__name__
        if spec is not None:
            self.kwargs = {key: value for key, value in spec.kwargs.items() if key != "render_mode"}
            self.max_episode_steps = _whole(spec.max_episode_steps)
        frameskip = _whole(self.kwargs.get("frameskip"))
        # SB3's and Gymnasium's Atari wrappers name it differently
        repeats = (_whole(vars(layer).get("_skip")) or _whole(vars(layer).get("frame_skip")) for layer in inside)
        self.action_repeat = next(filter(None, repeats), frameskip)

    def _ask(self, env: VecEnv) -> None:
        self._entry_point = None
        printed = _NAMED.fullmatch(_printed(env))
        if printed is None:
            return
        around, name, registered = printed.groups()
        self.wrappers += around.split("<")[:-1]
        self.env_id = registered or name
        known = import_module("gymnasium").registry.get(self.env_id)
        self._entry_point = None if known is None else known.entry_point
        self.max_episode_steps = _whole(_fetched(env, "_max_episode_steps"))
        self.action_repeat = _whole(_fetched(env, "_skip"))


def _layers(env: VecEnv | None) -> Iterator[VecEnvWrapper]:
    while isinstance(env, VecEnvWrapper):
        yield env
        env = env.venv


def _first(env: VecEnv | None) -> Any:
    """The first environment, if it lives in this process."""
    envs = getattr(None if env is None else env.unwrapped, "envs", None)
    return envs[0] if isinstance(envs, list) and envs and hasattr(envs[0], "unwrapped") else None


def _around(env: Any) -> Iterator[Any]:
    while env is not None and env is not env.unwrapped:
        yield env
        env = env.env


def _spec(env: Any) -> Any:
    try:
        return env.spec  # wrappers make a new one, of what they were made with
    except Exception:  # whatever an environment of its own does there: it trains without it
        return env.unwrapped.spec


def _printed(env: VecEnv) -> str:
    try:
        return str(env.env_method("__str__", indices=0)[0] or "")
    except (AttributeError, IndexError, NotImplementedError):
        return ""


def _fetched(env: VecEnv, name: str) -> Any:
    try:
        return env.get_attr(name, 0)[0] if env.has_attr(name) else None
    except (AttributeError, IndexError, NotImplementedError):
        return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _version(entry_point: Any) -> str | None:
    module = entry_point.split(":")[0] if isinstance(entry_point, str) else getattr(entry_point, "__module__", "")
    package = module.split(".")[0]
    try:
        return f"{package} {importlib.metadata.version(package)}" if package else None
    except importlib.metadata.PackageNotFoundError:
        return None
