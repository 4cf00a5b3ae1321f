"""What the recorder costs a training, as a share of it.

    python tests/benchmarks/bench_recorder.py
    python tests/benchmarks/bench_recorder.py --only ppo a2c --pairs 0

First, every way into the recorder is timed within a training that it records: its share of the time of that training,
and of its processor time, which says more where other programs run. What PyTorch keeps of a hook that was taken away
is weighed and added. Then shorter trainings with and without the recorder take turns, and the processor time of the
fastest of each is compared; that holds everything, and the noise of a machine that does other things.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
import timeit
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from runsum.record import RunRecorder
from runsum.record.measure import GradientProbe, trained_parameters
from runsum.record.recording import _Writer


class Pictures(gym.Env[np.ndarray, int]):
    """The shape of an Atari game after its wrappers, and no game behind it."""

    observation_space = gym.spaces.Box(0, 255, (84, 84, 4), np.uint8)
    action_space = gym.spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.picture, self.left = self.np_random.integers(0, 256, (84, 84, 4), np.uint8), 200
        return self.picture, {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        return self.picture, 1.0, self.left == 0, False, {}


@dataclass(frozen=True)
class Setup:
    """A training: what it is, and how long it takes to say something."""

    title: str
    make: Callable[[], BaseAlgorithm]
    steps: int


CARTPOLE = ("MlpPolicy", "CartPole-v1")
SETUPS = {
    "ppo": Setup("PPO, CartPole, defaults: a row per 2,048 steps",
                 lambda: PPO(*CARTPOLE, seed=1, device="cpu"), 20_480),
    "short": Setup("PPO, CartPole, 8 × 32: a row per 256 steps",
                   lambda: PPO("MlpPolicy", make_vec_env("CartPole-v1", 8), n_steps=32, seed=1, device="cpu"), 20_480),
    "a2c": Setup("A2C, CartPole, defaults: a row per 500 steps", lambda: A2C(*CARTPOLE, seed=1, device="cpu"), 20_000),
    "dqn": Setup("DQN, CartPole, defaults: a row per 4 episodes", lambda: DQN(*CARTPOLE, seed=1, device="cpu"), 20_000),
    "cnn": Setup("PPO, pictures of 84 × 84 × 4, 8 × 128: a row per 1,024 steps",
                 lambda: PPO("CnnPolicy", make_vec_env(Pictures, 8), n_steps=128, batch_size=256, n_epochs=4, seed=1,
                             device="cpu"), 4096),
}  # fmt: skip


@dataclass
class Stopwatch:
    """Seconds spent within functions, by name; what they call of each other counts once."""

    wall_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _inside: bool = False

    def watch(self, owner: Any, name: str) -> Callable[[], None]:
        """Time a method; what is given back ends that."""
        before, inherited = getattr(owner, name), name not in vars(owner)

        @wraps(before)
        def timed(*arguments: Any, **others: Any) -> Any:
            if self._inside:
                return before(*arguments, **others)
            self._inside, wall, cpu = True, time.perf_counter(), time.thread_time()
            try:
                return before(*arguments, **others)
            finally:
                self.cpu_s[name] += time.thread_time() - cpu - OWN.cpu_s["nothing"]
                self.wall_s[name] += time.perf_counter() - wall - OWN.wall_s["nothing"]
                self._inside = False

        setattr(owner, name, timed)
        return lambda: delattr(owner, name) if inherited else setattr(owner, name, before)


class Nothing:
    """Does it."""

    def nothing(self) -> None:
        pass


OWN = Stopwatch()
"""What the clock sees of itself in every call."""


def weigh_clock(calls: int = 20_000) -> None:
    """Fill `OWN`."""
    clock = Stopwatch()
    undo = clock.watch(Nothing, "nothing")
    for _ in range(calls):
        Nothing().nothing()
    undo()
    OWN.cpu_s["nothing"], OWN.wall_s["nothing"] = clock.cpu_s["nothing"] / calls, clock.wall_s["nothing"] / calls


ONCE = ("on_training_start", "on_training_end")


def measure_share(setup: Setup, folder: Path) -> list[str]:
    """The cells of a setup: its rows, what one costs, what begin and end cost, and the share of the training."""
    clock, recorder = Stopwatch(), RunRecorder(folder / "share.db")
    undo = [clock.watch(RunRecorder, name) for name in (*ONCE, "on_rollout_end")]
    undo += [clock.watch(_Writer, "write"), clock.watch(GradientProbe, "_see")]
    model = setup.make()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        model.learn(setup.steps, callback=recorder)
    finally:
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        for restore in undo:
            restore()
    with closing(sqlite3.connect(folder / "share.db")) as database:
        (rows,) = database.execute("SELECT COUNT(*) FROM training_metrics WHERE run_id = ?",
                                   (recorder.run_id,)).fetchone()  # fmt: skip
    step = timeit.timeit(recorder.on_step, number=100_000) / 100_000  # too short for a clock around every one
    steps = step * model.num_timesteps / model.n_envs
    hooks = weigh_old_hook() * len(trained_parameters(model.policy)) * count_passes(model)
    wall_share, cpu_share = (
        (hooks + steps + sum(seconds for name, seconds in spent.items() if name not in ONCE)) / whole
        for spent, whole in ((clock.wall_s, wall), (clock.cpu_s, cpu))
    )
    return [
        f"{rows:,}", f"{wall:.1f}", f"{clock.wall_s['write'] / rows * 1e3:.2f}", f"{step * 1e6:.2f}",
        f"{hooks / cpu:.2%}", f"{sum(clock.wall_s[name] for name in ONCE) * 1e3:.0f}", f"{wall_share:.2%}",
        f"**{cpu_share:.2%}**",
    ]  # fmt: skip


def weigh_old_hook(repeats: int = 40, passes: int = 300, tensors: int = 12) -> float:
    """Seconds that a backward pass takes longer per tensor, once there has been a hook on it."""
    new = [torch.nn.Parameter(torch.zeros(8)) for _ in range(tensors)]
    old = [torch.nn.Parameter(torch.zeros(8)) for _ in range(tensors)]
    for tensor in old:
        tensor.register_post_accumulate_grad_hook(lambda _: None).remove()

    def backward(weights: list[torch.nn.Parameter]) -> float:
        began = time.thread_time()
        for _ in range(passes):
            sum(weight.sum() for weight in weights).backward()
        return (time.thread_time() - began) / passes / tensors

    seconds = [(backward(new), backward(old)) for _ in range(repeats)]
    return max(0.0, min(after for _, after in seconds) - min(before for before, _ in seconds))


def count_passes(model: BaseAlgorithm) -> int:
    """Backward passes of a training; PPO counts epochs, the others count them as they are."""
    batches = -(-model.n_envs * model.n_steps // model.batch_size) if isinstance(model, PPO) else 1
    return int(model._n_updates) * batches


def compare(setup: Setup, folder: Path, pairs: int) -> str:
    """What the fastest recorded training costs more than the fastest other one, begin and end aside; and the noise."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    clock = Stopwatch()
    undo = [clock.watch(RunRecorder, name) for name in ONCE]
    for pair in range(pairs):
        for recorded in (pair % 2 == 0, pair % 2 != 0):
            callback: BaseCallback | None = RunRecorder(folder / "pairs.db") if recorded else None
            model = setup.make()
            clock.cpu_s.clear()
            began = time.process_time()
            model.learn(setup.steps // 4, callback=callback)
            seconds[recorded].append(time.process_time() - began - sum(clock.cpu_s.values()))
    for restore in undo:
        restore()
    if not pairs:
        return "not compared"
    noise = statistics.median(seconds[False]) / min(seconds[False]) - 1
    return f"{min(seconds[True]) / min(seconds[False]) - 1:+.1%} (noise: {noise:.0%})"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SETUPS), default=list(SETUPS), help="these trainings")
    parser.add_argument("--pairs", type=int, default=10, help="trainings with and without the recorder; 0: none")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    weigh_clock()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("stable-baselines3", "torch"))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}, SQLite "
          f"{sqlite3.sqlite_version}\n")  # fmt: skip
    heads = ["training", "rows", "seconds", "ms per row", "µs per step", "old hooks", "begin and end, ms",
             "share of its time", "share of its CPU", f"CPU against without, {options.pairs} pairs"]  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only:
            setup, folder = SETUPS[name], Path(scratch)
            setup.make().learn(512)  # imports and caches are nobody's fault
            cells = [setup.title, *measure_share(setup, folder), compare(setup, folder, options.pairs)]
            print(f"| {' | '.join(cells)} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
