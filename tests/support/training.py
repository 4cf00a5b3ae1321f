"""Real trainings of a few hundred steps: programs that train, what they have recorded, and what SB3 logs itself."""

from __future__ import annotations

import csv
import importlib.util
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

Row = dict[str, Any]


def need_sb3() -> None:
    """Leave a test file out where the extra is not installed, but never under CI; to be called before its imports."""
    for name in ("stable_baselines3", "psutil"):
        if importlib.util.find_spec(name) is None:
            missing = f"{name} is not installed; type: pip install -e '.[sb3]'"
            if os.environ.get("CI"):
                pytest.fail(missing, pytrace=False)
            pytest.skip(missing, allow_module_level=True)
    import torch

    torch.set_num_threads(1)  # many small trainings side by side: threads would only wait for each other


def run_rows(database: Path) -> list[Row]:
    """The runs of a database in the order they began."""
    return _rows(database, "SELECT * FROM experiment_runs ORDER BY rowid")


def the_run(database: Path) -> Row:
    """The only run of a database."""
    (run,) = run_rows(database)
    return run


def metric_rows(database: Path, run_id: str | None = None) -> list[Row]:
    """The metric rows of a run, of all runs without an id."""
    rows = _rows(database, "SELECT * FROM training_metrics ORDER BY id")
    return [row for row in rows if run_id in (None, row["run_id"])]


def other_rows(database: Path, table: str) -> list[Row]:
    """Everything in another table."""
    return _rows(database, f"SELECT * FROM {table} ORDER BY rowid")


def _rows(database: Path, query: str) -> list[Row]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def log_to_csv(model: BaseAlgorithm, folder: Path) -> None:
    """Have SB3 itself write what it logs."""
    from stable_baselines3.common.logger import configure

    model.set_logger(configure(str(folder), ["csv"]))


def read_csv(folder: Path) -> list[dict[str, float]]:
    """SB3's own rows at full precision; what it did not log in a row is not in it."""
    with (folder / "progress.csv").open(newline="") as file:
        return [{key: float(text) for key, text in row.items() if text} for row in csv.DictReader(file)]


def start(script: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """A program that trains in `folder`, just begun."""
    (folder / "train.py").write_text(textwrap.dedent(script))
    return subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


def hear_ctrl_c() -> None:
    """A shell that runs the tests in the background has them, and all they start, ignore Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str], code: int | None = None) -> str:
    """What a program said on its error output, when it has ended; with the exit code that it must end with."""
    try:
        said, complained = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        said, complained = process.communicate()
    assert code in (None, process.returncode), f"exit code {process.returncode}\n{said}\n{complained}"
    return complained


def run(script: str, folder: Path, code: int = 0) -> str:
    """A program that trains in `folder`, from its beginning to its end; what it said on its error output."""
    return finish(start(script, folder), code)
