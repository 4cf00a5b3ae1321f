"""`runsum watch` follows a database that is written to, and disturbs nobody."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runsum.source.changes import state_of
from support.cli import make
from support.rows import store, table_rows
from support.training import hear_ctrl_c

DB = "ml_experiments.db"
ONE, TWO = "run-3a7c0001", "run-3a7c0002"
PATIENCE_S = 60.0


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A folder with two runs and a process that watches it."""
    monkeypatch.chdir(tmp_path)
    make(Path(DB), ONE, TWO)
    command = [sys.executable, "-u", "-m", "runsum", "watch", "--db", DB, "--calm", "0.2", "--jobs", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as process:
        try:
            assert process.stdout is not None
            while "watching" not in (line := process.stdout.readline()):
                assert line, process.stderr.read() if process.stderr else ""
            yield process
        finally:
            process.kill()


def wait(until: Callable[[], bool]) -> bool:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if until():
            return True
        time.sleep(0.05)
    return False


def names(folder: Path) -> set[str]:
    """The database and what lies beside it."""
    return {file.name for file in folder.iterdir() if file.name.startswith(DB)}


def steps(run: str) -> int:
    return int(json.loads(Path("docs/runs", run, "run.json").read_text())["summary"]["current_timestep"])


def test_it_follows_a_training(watching: subprocess.Popen[str]) -> None:
    """New rows are shown soon, in the page of their run alone; an error is told and survived; Ctrl+C ends it."""
    other = Path("docs/runs", TWO, "index.md")
    before = other.stat().st_mtime_ns
    with closing(sqlite3.connect(DB)) as con, con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("UPDATE training_metrics SET total_timesteps = 900000 WHERE run_id = ?", (ONE,))
        store(con, table_rows(ONE, range(101, 111), target=900_000))
        con.commit()
        assert wait(lambda: steps(ONE) == 110 * 4096)
    assert other.stat().st_mtime_ns == before
    Path("runsum.yml").write_text("thresholds: {no_such: 1}\n")
    assert watching.stdout is not None
    assert wait(lambda: "no_such" in watching.stdout.readline())
    Path("runsum.yml").unlink()
    with closing(sqlite3.connect(DB)) as con, con:
        store(con, table_rows(ONE, range(111, 121), target=900_000))
    assert wait(lambda: steps(ONE) == 120 * 4096)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=30) == 0
    assert names(Path()) == {DB}


def test_looking_leaves_nothing(tmp_path: Path) -> None:
    """Every commit changes the state, nothing else does; nothing is left beside the file, whoever closes it last."""
    path = tmp_path / DB
    make(path, ONE)
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA journal_mode=WAL")
    states = [state_of(path)]
    assert names(tmp_path) == {DB}
    with closing(sqlite3.connect(path)) as con:
        for name in "ab":
            con.execute("UPDATE experiment_runs SET custom_name = ?", name)
            con.commit()
            states.append(state_of(path))
            con.execute("SELECT * FROM experiment_runs").fetchall()
            assert state_of(path) == states[-1]
    assert len(set(states)) == 3
    assert names(tmp_path) == {DB}
