"""GPU samples: a command that behaves like `nvidia-smi`, started, read and ended with the training."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import finish, metric_rows, need_sb3, other_rows, start, the_run

need_sb3()

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, ConvertCallback

from runsum.record import RunRecorder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the command of the test is a shell script"),
]

PRINTS = """#!/bin/sh
echo $$ > "{folder}/pid"
echo "$@" > "{folder}/asked"
{trap}
n=0
while true; do
  n=$((n + 1))
  {line}
  sleep 0.05
done
"""
FULL = 'echo "$n, 2048, 24576, 61, 187.35"'
GAPS = 'echo "[N/A], 2048, 24576, 61, [N/A]"'


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts an `nvidia-smi` in front of the PATH."""

    def put(line: str = FULL, trap: str = "", text: str = PRINTS) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "nvidia-smi"
        program.write_text(text.format(folder=folder, line=line, trap=trap))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return put


def slow(seconds: float) -> BaseCallback:
    """Makes a training of 128 steps last that long."""

    def wait(*_: Any) -> bool:
        time.sleep(seconds / 128)
        return True

    return ConvertCallback(wait)


def record(database: Path, gpu: bool | None = True) -> None:
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, device="cpu")
    model.learn(128, [RunRecorder(database, gpu=gpu), slow(1.5)])


def is_gone(pid: int, within: float = 10) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:  # a container may have nobody to bury orphans
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_samples_arrive_while_it_trains(command: Callable[..., Path], tmp_path: Path) -> None:
    """In their table with their time, and the newest one in every row; the command is ended with the training."""
    folder = command()
    began = datetime.now()
    record(tmp_path / "runs.db")
    ended = datetime.now()
    run, samples = the_run(tmp_path / "runs.db"), other_rows(tmp_path / "runs.db", "gpu_metrics")
    assert len(samples) >= 10
    assert [sample["gpu_util_pct"] for sample in samples] == [float(n) for n in range(1, len(samples) + 1)]
    wanted = {"run_id": run["run_id"], "pid": os.getpid(), "vram_used_mb": 2048.0, "vram_total_mb": 24576.0,
              "temp_c": 61.0, "power_w": 187.35, "pid_vram_used_mb": None, "run_gpu_util_est_pct": None}  # fmt: skip
    for sample in samples:
        assert {key: sample[key] for key in wanted} == wanted
        assert began <= datetime.fromisoformat(sample["ts"]) <= ended
    for row in metric_rows(tmp_path / "runs.db"):
        assert row["gpu_memory_mb"] == 2048.0
        assert 1 <= row["gpu_percent"] <= len(samples)
    assert is_gone(int((folder / "pid").read_text()))
    asked = (folder / "asked").read_text()
    for word in ("--id=0", "--query-gpu=utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw",
                 "--format=csv,noheader,nounits", "--loop=2"):  # fmt: skip
        assert word in asked.split()


def test_what_the_driver_does_not_know_is_left_out(command: Callable[..., Path], tmp_path: Path) -> None:
    """No 0 is made up for "[N/A]", neither in the samples nor in the rows."""
    command(GAPS)
    record(tmp_path / "runs.db")
    samples = other_rows(tmp_path / "runs.db", "gpu_metrics")
    assert len(samples) >= 10
    assert {(s["gpu_util_pct"], s["vram_used_mb"], s["temp_c"], s["power_w"]) for s in samples} == {
        (None, 2048.0, 61.0, None)
    }
    assert {(r["gpu_percent"], r["gpu_memory_mb"]) for r in metric_rows(tmp_path / "runs.db")} == {(None, 2048.0)}


def test_a_command_that_ends_early_leaves_no_old_value_behind(command: Callable[..., Path], tmp_path: Path) -> None:
    """A driver that was updated meanwhile: three samples, and rows after them that claim nothing."""
    command(f'{FULL}; [ "$n" = 3 ] && exit 1')
    record(tmp_path / "runs.db")
    assert len(other_rows(tmp_path / "runs.db", "gpu_metrics")) == 3
    assert [row["gpu_percent"] for row in metric_rows(tmp_path / "runs.db")] == [None, None]


def test_a_command_that_does_not_want_to_end(command: Callable[..., Path], tmp_path: Path) -> None:
    """It is killed after a while; the training does not wait for it forever."""
    folder = command(trap="trap '' TERM")
    began = time.monotonic()
    record(tmp_path / "runs.db")
    assert time.monotonic() - began < 30
    assert is_gone(int((folder / "pid").read_text()))
    assert the_run(tmp_path / "runs.db")["status"] == "completed"


def test_a_command_that_cannot_be_started(command: Callable[..., Path], tmp_path: Path) -> None:
    """A broken driver is no reason not to train."""
    command(text="no program at all\n")
    with pytest.warns(UserWarning, match=r"nvidia-smi cannot be started \(.*\); the GPU is not recorded"):
        record(tmp_path / "runs.db")
    assert the_run(tmp_path / "runs.db")["status"] == "completed"
    assert {row["gpu_percent"] for row in metric_rows(tmp_path / "runs.db")} == {None}


@pytest.mark.parametrize("gpu", [None, False])
def test_a_training_on_the_cpu_is_not_sampled(gpu: bool | None, command: Callable[..., Path], tmp_path: Path) -> None:
    """Only where somebody asks for it: another program may be using the GPU."""
    folder = command()
    record(tmp_path / "runs.db", gpu)
    assert not (folder / "pid").exists()
    assert other_rows(tmp_path / "runs.db", "gpu_metrics") == []


def test_a_machine_without_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for or not, there is nothing to sample, and nothing to complain about."""
    monkeypatch.setenv("PATH", str(tmp_path))
    record(tmp_path / "runs.db")
    assert the_run(tmp_path / "runs.db")["status"] == "completed"
    assert other_rows(tmp_path / "runs.db", "gpu_metrics") == []


PROGRAM = """
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import ConvertCallback
from runsum.record import RunRecorder

def fail(known, _):
    {at_step}
    return True

model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, device="cpu")
{learn}
"""


@pytest.mark.parametrize("learn", [
    "model.learn(10_000_000, [RunRecorder('runs.db', gpu=True), ConvertCallback(fail)])",
    "with RunRecorder('runs.db', gpu=True) as r: model.learn(10_000_000, [r, ConvertCallback(fail)])",
])  # fmt: skip
def test_an_exception_ends_the_command_too(learn: str, command: Callable[..., Path], tmp_path: Path) -> None:
    """However the training ends."""
    folder = command()
    at_step = "if known['self'].num_timesteps > 500: raise ValueError('no')"
    finish(start(PROGRAM.format(at_step=at_step, learn=learn), tmp_path), 1)
    assert the_run(tmp_path / "runs.db")["status"] == "failed"
    assert is_gone(int((folder / "pid").read_text()))


def test_a_killed_training_leaves_no_orphan(command: Callable[..., Path], tmp_path: Path) -> None:
    """Nobody ends the command then; it ends itself, because nobody reads its lines any more."""
    folder = command()
    learn = "model.learn(10_000_000, [RunRecorder('runs.db', gpu=True)])"
    process = start(PROGRAM.format(at_step="", learn=learn), tmp_path)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _has_samples(tmp_path / "runs.db"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.kill()
    finish(process)
    assert is_gone(int((folder / "pid").read_text()))
    assert other_rows(tmp_path / "runs.db", "gpu_metrics")


def _has_samples(database: Path) -> bool:
    with suppress(Exception):
        return len(other_rows(database, "gpu_metrics")) > 3
    return False
