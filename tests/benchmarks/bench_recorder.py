"""What the recorder costs a training, as a share of it.

    python tests/benchmarks/bench_recorder.py
    python tests/benchmarks/bench_recorder.py --only ppo a2c --pairs 0

First, every way into the recorder is timed within a training that it records: its share of the time of that training,
which other programs on the machine slow down just as much. Then trainings with and without it take turns, and the
processor time of each pair is compared; that holds everything, and the noise of a machine that does other things.
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
from runsum.record.measure import GradientProbe
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
    lasting = [steps + sum(s for name, s in spent.items() if name not in ONCE) for spent in (clock.wall_s, clock.cpu_s)]
    return [
        f"{rows:,}", f"{wall:.1f}", f"{clock.wall_s['write'] / rows * 1e3:.2f}", f"{step * 1e6:.2f}",
        f"{sum(clock.wall_s[name] for name in ONCE) * 1e3:.0f}", f"**{lasting[0] / wall:.2%}**",
        f"{lasting[1] / cpu:.2%}",
    ]  # fmt: skip


def compare(setup: Setup, folder: Path, pairs: int) -> str:
    """Median and range of what a training costs more with the recorder, in processor time."""
    ratios = []
    for pair in range(pairs):
        seconds = {}
        for recorded in (pair % 2 == 0, pair % 2 != 0):
            callback: BaseCallback | None = RunRecorder(folder / "pairs.db") if recorded else None
            model = setup.make()
            began = time.process_time()
            model.learn(setup.steps, callback=callback)
            seconds[recorded] = time.process_time() - began
        ratios.append(seconds[True] / seconds[False] - 1)
    if not ratios:
        return "not compared"
    return f"{statistics.median(ratios):+.1%} ({min(ratios):+.1%} … {max(ratios):+.1%})"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SETUPS), default=list(SETUPS), help="these trainings")
    parser.add_argument("--pairs", type=int, default=5, help="trainings with and without the recorder; 0: none")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    weigh_clock()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("stable-baselines3", "torch"))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}, SQLite "
          f"{sqlite3.sqlite_version}\n")  # fmt: skip
    heads = ["training", "rows", "seconds", "ms per row", "µs per step", "begin and end, ms", "share of its time",
             "share of its CPU", f"CPU against without, {options.pairs} pairs"]  # fmt: skip
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
