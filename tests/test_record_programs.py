"""How a program can end that trains, and what the run says then: real programs, ended from inside and outside."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import finish, metric_rows, need_sb3, run, run_rows, start, the_run

need_sb3()

import os
import re
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BEGIN = """
import os, signal, sys, threading, time
import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import ConvertCallback
from runsum.record import RunRecorder

def at(step, action):
    def look(known, _):
        if known["self"].num_timesteps == step:
            action()
        return True
    return ConvertCallback(look)

def fail():
    raise RuntimeError("out of memory")

model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, device="cpu")
recorder = RunRecorder("runs.db")
"""


def ended(script: str, folder: Path, code: int) -> tuple[dict[str, Any], str]:
    """The run that a program left, and what it said on its error output."""
    complained = run(BEGIN + script, folder, code)
    return the_run(folder / "runs.db"), complained


def test_an_exception_that_ends_the_program(tmp_path: Path) -> None:
    """Without `with`; Python prints it as ever, and a hook of the program's own is called, too."""
    own = "sys.excepthook = lambda *said: print('mine:', said[1], file=sys.stderr)\n"
    for before, wanted in (("", "RuntimeError: out of memory"), (own, "mine: out of memory")):
        (tmp_path / "runs.db").unlink(missing_ok=True)
        row, complained = ended(before + "model.learn(1000, [recorder, at(100, fail)])", tmp_path, 1)
        assert (row["status"], row["end_timestep"]) == ("failed", 100)
        assert re.fullmatch(r"RuntimeError: out of memory \(train\.py, line \d+\)", row["status_note"])
        assert complained.strip().endswith(wanted)


def test_an_exception_that_ends_a_thread(tmp_path: Path) -> None:
    """Its run has failed; the program goes on."""
    script = """
thread = threading.Thread(target=model.learn, args=(1000, [recorder, at(100, fail)]))
thread.start()
thread.join()
"""
    row, complained = ended(script, tmp_path, 0)
    assert (row["status"], row["end_timestep"]) == ("failed", 100)
    assert row["status_note"].startswith("RuntimeError: out of memory")
    assert "Exception in thread" in complained


def test_an_exception_of_something_else_is_not_the_trainings(tmp_path: Path) -> None:
    """The training was left before; what ends the program then has nothing to do with it."""
    script = """
try:
    model.learn(1000, [recorder, at(100, fail)])
except RuntimeError:
    pass
raise OSError("the report could not be written")
"""
    row, _ = ended(script, tmp_path, 1)
    assert row["status"] == "stopped"
    assert re.fullmatch(r"the program ended at 20\S+ without finishing the training", row["status_note"])


def test_an_exception_that_a_notebook_has_shown(tmp_path: Path) -> None:
    """There, no hook is called; Python keeps the last one, and its text is recorded when the program ends."""
    script = """
try:
    model.learn(1000, [recorder, at(100, fail)])
except RuntimeError as error:
    sys.last_value = error
"""
    row, _ = ended(script, tmp_path, 0)
    assert (row["status"], row["end_timestep"]) == ("failed", 100)
    assert row["status_note"].startswith("RuntimeError: out of memory")


@pytest.mark.parametrize("learn", [
    "model.learn(1000, [recorder, at(100, lambda: sys.exit(3))])",
    "with recorder: model.learn(1000, [recorder, at(100, lambda: sys.exit(3))])",
])  # fmt: skip
def test_a_program_that_leaves_in_the_middle(learn: str, tmp_path: Path) -> None:
    """With sys.exit(), without an error."""
    row, _ = ended(learn, tmp_path, 3)
    assert (row["status"], row["end_timestep"]) == ("stopped", 100)
    assert re.fullmatch(r"the program ended at 20\S+ without finishing the training", row["status_note"])


@pytest.mark.parametrize("learn", [
    "model.learn(1000, [recorder, at(100, leave)])", "with recorder: model.learn(1000, [recorder, at(100, leave)])",
])  # fmt: skip
def test_a_program_that_ends_while_the_training_is_paused(learn: str, tmp_path: Path) -> None:
    """The application calls that a running run that is paused."""
    row, _ = ended(f"def leave():\n    recorder.pause()\n    sys.exit()\n{learn}", tmp_path, 0)
    assert (row["status"], row["process_paused"], row["end_time"], row["end_timestep"]) == ("running", 1, None, None)
    assert (row["current_timestep"], row["final_reward"]) == (100, None)
    assert re.fullmatch(
        r"pause: training paused at 20\S+\nthe program ended at 20\S+ while the training was paused", row["status_note"]
    )


LONG = BEGIN + "model.learn(10_000_000, recorder)"


def after_rows(process: Any, database: Path, wanted: int = 3) -> None:
    """Wait until a training has written some rows."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        with suppress(sqlite3.Error):
            if database.exists() and len(metric_rows(database)) >= wanted:
                return
        time.sleep(0.1)
    raise AssertionError("no rows in time")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_the_program(tmp_path: Path) -> None:
    """Without `with`, sent from outside."""
    process = start(LONG, tmp_path)
    after_rows(process, tmp_path / "runs.db")
    process.send_signal(signal.SIGINT)
    finish(process)
    row = the_run(tmp_path / "runs.db")
    assert row["status"] == "stopped"
    assert re.fullmatch(r"stopped by hand at 20\S+", row["status_note"])
    assert row["end_timestep"] >= metric_rows(tmp_path / "runs.db")[-1]["timestep"]


def test_a_killed_program_leaves_a_readable_database(tmp_path: Path) -> None:
    """Nobody could write the end: the run says running, with its last sign of life, and no row is broken."""
    process = start(LONG, tmp_path)
    after_rows(process, tmp_path / "runs.db", 5)
    process.kill()
    finish(process)
    row, rows = the_run(tmp_path / "runs.db"), metric_rows(tmp_path / "runs.db")
    assert (row["status"], row["end_time"], row["process_pid"]) == ("running", None, process.pid)
    assert row["current_timestep"] == rows[-1]["timestep"] >= 5 * 64
    assert row["heartbeat_at"] == rows[-1]["timestamp"]
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_copy_of_the_program_does_not_end_the_training(tmp_path: Path) -> None:
    """A process forked in the middle ends in its own way, with its exit handlers, and writes nothing."""
    script = """
def copy():
    if os.fork() == 0:
        sys.exit()
    os.wait()
model.learn(256, [recorder, at(100, copy)])
"""
    row, _ = ended(script, tmp_path, 0)
    assert (row["status"], row["end_timestep"], row["status_note"]) == ("completed", 256, None)
    assert [row["timestep"] for row in metric_rows(tmp_path / "runs.db")] == [64, 128, 192, 256]


def test_programs_that_record_into_one_file(tmp_path: Path) -> None:
    """At the same time, beginning with the file itself: every run has all its rows, and nobody warned."""
    names = ["one", "two", "three"]
    for name in names:
        (tmp_path / name).mkdir()
    script = BEGIN.replace('"runs.db"', '"../runs.db"') + "model.learn(1280, recorder)"
    programs = [start(script, tmp_path / name, PYTHONWARNINGS="error::UserWarning") for name in names]
    for program in programs:
        finish(program, 0)
    rows = run_rows(tmp_path / "runs.db")
    assert [row["status"] for row in rows] == ["completed"] * 3
    for row in rows:
        assert [r["timestep"] for r in metric_rows(tmp_path / "runs.db", row["run_id"])] == list(range(64, 1281, 64))
