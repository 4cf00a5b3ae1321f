"""What the tests of the command share: a folder to type in, databases to read, and a build and its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from runsum.cli import main_command
from support.expect import AS_OF
from support.rows import Clock, add_run, store, table_rows
from support.schema import database

ONE, TWO = "run-0c110001", "run-0c110002"
END = Clock().iso(900)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to type commands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(path: Path, *run_ids: str, **columns: Any) -> None:
    """A database of healthy runs that nothing can be said against, unless `columns` make them ill."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with database(path) as con:
        for run_id in run_ids:
            values = {"end_time": END} | columns
            add_run(con, run_id, {"total_timesteps": 409_600}, **values)
            store(con, table_rows(run_id, range(1, 101), target=409_600))


def typed(*words: str) -> Result:
    return CliRunner().invoke(main_command, words, prog_name="runsum")


def build(*words: str, as_of: str = AS_OF) -> dict[str, Any]:
    """A build that must succeed, and its report."""
    done = typed("build", "--as-of", as_of, "--json", *words)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report
