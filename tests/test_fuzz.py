"""The reader's parsers, the notes and the redactor, fed by a fuzzer for some seconds each.

To look longer, in the folder tests: `python -m fuzz.run TARGET FOLDER`, until it is stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path

import pytest

from fuzz.seeds import LONG, REPEATED, SEEDS
from fuzz.targets import TARGETS
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Redactor
from runsum.source.project_log import TAIL_BYTES, read_log_tail

SECONDS = 3
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


GROWTH = 8  # of the time, for four times the text: 4 where it is linear, 16 where it is squared
CLEARLY = 5  # below which nothing is measured again
UNMEASURED = 0.02  # seconds of CPU, below which a clock tells little


def grows_too_fast(work: Callable[[int], object], length: int) -> str:
    """What is wrong with the time that `work` takes for `length` characters beside a quarter of them; "" if nothing.

    The machine's speed is no matter: both are measured on it, where it is not clear the best of some tries.
    """
    whole = cpu_time(work, length)
    if whole < UNMEASURED or whole < CLEARLY * cpu_time(work, length // 4):
        return ""
    whole, quarter = (min(cpu_time(work, size) for _ in range(3)) for size in (length, length // 4))
    return f"{quarter:.3f} s for a quarter of the text, {whole:.3f} s for all" if whole > GROWTH * quarter else ""


def cpu_time(work: Callable[[int], object], length: int) -> float:
    began = time.process_time()
    work(length)
    return time.process_time() - began


@pytest.mark.parametrize("power", [1, 2])
def test_growth_is_told_from_slowness(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that grows with the length passes, work that grows with its square does not; also where others disturb it.

    Every fifth time the clock runs for half as long again.
    """
    spent, disturbed = [0.0], cycle([1.5, 1.0, 1.0, 1.0, 1.0])

    def work(length: int) -> None:
        spent[0] += next(disturbed) * (length / 100) ** power

    monkeypatch.setattr(time, "process_time", lambda: spent[0])
    assert bool(grows_too_fast(work, 100)) == (power == 2)


@pytest.mark.parametrize("mode", [Mode.STANDARD, Mode.STRICT])
def test_the_redactor_takes_no_time_for_long_texts(mode: Mode) -> None:
    """Four times the same few characters take four times as long, whichever they are: no rule backtracks."""
    slow = {}
    for piece in REPEATED:
        text = piece * LONG
        if wrong := grows_too_fast(lambda length, text=text: Redactor(Policy(mode=mode)).text(text[:length]), LONG):
            slow[piece] = wrong
    assert not slow


@pytest.mark.parametrize("piece", ["a", "\\", ">", "*", "\x1b[", "key=", "a:\n ", "- - "])
def test_the_end_of_a_log_takes_no_time(piece: str, tmp_path: Path) -> None:
    """The same for the place where programs write at length."""
    files = {length: tmp_path / f"{length}.log" for length in (TAIL_BYTES, TAIL_BYTES // 4)}
    for length, file in files.items():
        file.write_bytes((piece * length)[:length].encode())
    assert not grows_too_fast(lambda length: read_log_tail(files[length], "a.log", Redactor().text), TAIL_BYTES)
