"""The benchmarks start: README and the pages of methods name figures that anybody can measure again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.training import need_sb3

SCRIPTS = sorted((Path(__file__).parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_benchmark_starts(script: Path) -> None:
    """Everything that it imports of the tests and of the package is there, and it says what it does."""
    if script.stem == "bench_recorder":
        need_sb3()
    done = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
