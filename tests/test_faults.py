"""Broken input and faults while writing: nothing is lost, and one bad run never hides the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("resource", reason="most faults are made with what POSIX alone has")

from faults import folders, model
from faults.model import Fault, Tally
from faults.table import FAULTS, GROUPS, table, try_runs

FEWER = 4  # every fourth variant of a fault; the table tries all of them
PARAMETERS = [pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] if fault.slow else []) for fault in FAULTS]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__.removeprefix("faults."))
def test_a_bad_run_hides_no_other(group: ModuleType, tmp_path: Path) -> None:
    """Every odd run of the group has a page of a sane size that says what is wrong; the healthy ones are healthy."""
    tallies = try_runs(group.FAULTS, tmp_path)
    assert [tally.tried for tally in tallies.values()] == [len(fault.variants) for fault in group.FAULTS]
    assert not [f"{name}: {line}" for name, tally in tallies.items() for line in tally.wrong]


@pytest.mark.parametrize("fault", PARAMETERS)
def test_the_fault_ends_as_promised(fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built with everything that can be read, or refused in one line with the docs folder as it was."""
    monkeypatch.setattr(model, "stride", FEWER)
    tally = fault.attempt(tmp_path)
    assert tally.tried or tally.note
    assert not tally.wrong


def test_the_table_counts_what_went_wrong() -> None:
    """A fault that did not end as promised is never called one that did."""
    shown = table([("a", "built", Tally(3)), ("b", "built", Tally(2, ["x: lost", "y: lost"]))])
    assert "| a | 3 | built |" in shown
    assert "| b | 2 | **2 not as promised** |" in shown
    assert shown.endswith("| **2 faults** | **5** | **2 not as promised** |")


def test_one_command_prints_the_table(tmp_path: Path) -> None:
    """`python tests/faults/table.py`, from any folder."""
    words = [sys.executable, str(folders.TESTS / "faults" / "table.py"), "first build that fails"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "| **1 fault** | **2** | **0 not as promised** |"
