"""The reader's parsers, the notes and the redactor, fed by a fuzzer for some seconds each.

To look longer, in the folder tests: `python -m fuzz.run TARGET FOLDER`, until it is stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from fuzz.seeds import LONG, REPEATED, SEEDS
from fuzz.targets import TARGETS
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Redactor
from runsum.source.project_log import read_log_tail

SECONDS = 4
RUNS = 20_000  # so that a fast machine stops earlier
TESTS = Path(__file__).parent
HAS_WHEELS = sys.platform == "linux" and os.uname().machine == "x86_64" and sys.version_info < (3, 15)


def test_every_target_has_seeds() -> None:
    """A target without inputs that get far would be fed with noise."""
    assert SEEDS.keys() == TARGETS.keys()
    assert all(SEEDS.values())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_seeds_are_read(name: str) -> None:
    """The inputs that the fuzzer begins with, and nothing at all; also without the fuzzer."""
    for data in (b"", *SEEDS[name]):
        TARGETS[name](data)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_input_breaks_a_parser(name: str, tmp_path: Path) -> None:
    """Some seconds of fuzzing from the same start; an input that breaks the target is printed."""
    if find_spec("atheris") is None:
        lacking = "atheris is not installed; type: pip install atheris (there are wheels for Linux on x86-64)"
        if os.environ.get("CI") and HAS_WHEELS:
            pytest.fail(lacking, pytrace=False)
        pytest.skip(lacking)
    options = [f"-max_total_time={SECONDS}", f"-runs={RUNS}", "-seed=1", "-max_len=2000"]
    finished = subprocess.run(
        [sys.executable, "-m", "fuzz.run", name, str(tmp_path / "corpus"), *options],
        cwd=TESTS,
        env=os.environ | {"PYTHONUTF8": "1", "TMPDIR": str(tmp_path)},  # the fuzzer ends without cleaning up
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=120,
        check=False,
    )
    said = "\n".join(
        line
        for line in (finished.stderr + finished.stdout).splitlines()
        if not line.startswith(("#", "INFO", "WARNING"))
    )
    assert finished.returncode == 0, said[-6_000:]
    assert " runs in " in finished.stderr, said[-6_000:]


@pytest.mark.parametrize("mode", [Mode.STANDARD, Mode.STRICT])
def test_the_redactor_takes_no_time_for_long_texts(mode: Mode) -> None:
    """100 kB of the same few characters take less than a second, whichever they are: no rule backtracks without end."""
    slow = {}
    for piece in REPEATED:
        text = (piece * LONG)[:LONG]
        began = time.process_time()
        Redactor(Policy(mode=mode)).text(text)
        if (took := time.process_time() - began) > 1:
            slow[piece] = took
    assert not slow


@pytest.mark.parametrize("piece", ["a", "\\", ">", "*", "\x1b[", "key=", "a:\n ", "- - "])
def test_the_end_of_a_log_takes_no_time(piece: str, tmp_path: Path) -> None:
    """The same for the place where programs write at length."""
    file = tmp_path / "a.log"
    file.write_bytes((piece * LONG)[:LONG].encode())
    began = time.process_time()
    read_log_tail(file, "a.log", Redactor().text)
    assert time.process_time() - began < 2
