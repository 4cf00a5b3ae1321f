"""The parts of the recorder that need no Stable-Baselines3: its import, errors in one line, the GPU's lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import runsum.record
from runsum.record.endings import came_through, describe_error
from runsum.record.gpu import parse_sample

WITHOUT = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == {package!r} or name == {package!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Missing())
from runsum.record import RunRecorder
"""


def import_without(package: str) -> str:
    """The last line that Python prints."""
    script = WITHOUT.format(package=package)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def test_without_the_extra_the_import_says_what_to_type() -> None:
    """One line that names what is missing and the command that brings it."""
    wanted = "ModuleNotFoundError: runsum.record needs stable_baselines3. Type: pip install 'runsum[sb3]'"
    assert import_without("stable_baselines3") == wanted


def test_a_module_that_is_missing_for_another_reason_is_not_blamed_on_the_extra() -> None:
    """What belongs to runsum itself is named as Python names it."""
    assert import_without("runsum.record.callback") == "ModuleNotFoundError: No module named 'runsum.record.callback'"


def test_the_package_itself_needs_nothing() -> None:
    """Only RunRecorder does; what is not there is an AttributeError as everywhere."""
    assert runsum.record.__all__ == ["RunRecorder"]
    with pytest.raises(AttributeError, match=r"module 'runsum\.record' has no attribute 'Recorder'"):
        _ = runsum.record.Recorder  # type: ignore[attr-defined]


# ---------------------------------------------------------------- errors


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def raised(error: Exception) -> BaseException:
    try:
        raise error
    except Exception as caught:
        return caught


@pytest.mark.parametrize(("error", "said"), [
    (ValueError("nan in the\n  observation"), "ValueError: nan in the observation (test_record_parts.py, line "),
    (ValueError(), "ValueError (test_record_parts.py, line "),
    (UnspeakableError(), "UnspeakableError (test_record_parts.py, line "),
    (OSError("no such file: \udce4.zip"), "OSError: no such file: ?.zip (test_record_parts.py, line "),
])  # fmt: skip
def test_an_error_is_told_in_one_line(error: Exception, said: str) -> None:
    """Kind, message, file and line; text that no database takes is replaced."""
    line = describe_error(raised(error))
    assert line.startswith(said)
    assert line[len(said) :].rstrip(")").isdigit()
    assert line.encode()


def test_a_long_message_is_shortened() -> None:
    """PyTorch prints whole tensors."""
    line = describe_error(ValueError("tensor " * 1000))
    assert len(line) < 300
    assert line.startswith("ValueError: tensor tensor")
    assert line.endswith("tensor …")


class Model:
    """Learns by calling what it is given, as a training calls its environment."""

    def learn(self, step: Callable[[], Any]) -> None:
        step()


def fail() -> None:
    raise ValueError("in a step")


def translate(inner: Callable[[], Any]) -> None:
    try:
        inner()
    except ValueError as error:
        raise RuntimeError("the sweep failed") from error


def hide(inner: Callable[[], Any]) -> None:
    try:
        inner()
    except ValueError:
        raise RuntimeError("the sweep failed") from None


def test_an_error_belongs_to_the_training_it_came_out_of() -> None:
    """Directly, as the cause of another one, or hidden behind it; never to a training beside it."""
    model, other = Model(), Model()
    for program in (
        lambda: model.learn(fail),
        lambda: translate(lambda: model.learn(fail)),
        lambda: hide(lambda: model.learn(fail)),
        lambda: other.learn(lambda: model.learn(fail)),
    ):
        with pytest.raises((ValueError, RuntimeError)) as caught:
            program()
        assert came_through(caught.value, model)
    with pytest.raises(ValueError, match="in a step") as caught_elsewhere:
        other.learn(fail)
    assert not came_through(caught_elsewhere.value, model)
    assert not came_through(ValueError("never raised"), model)


# ---------------------------------------------------------------- nvidia-smi


@pytest.mark.parametrize(("line", "sample"), [
    ("37, 2048, 24576, 61, 187.35\n", {"gpu_util_pct": 37, "vram_used_mb": 2048, "vram_total_mb": 24576,
                                       "temp_c": 61, "power_w": 187.35}),
    ("0, 1, 8192, 35, [N/A]\n", {"gpu_util_pct": 0, "vram_used_mb": 1, "vram_total_mb": 8192, "temp_c": 35}),
    ("[N/A], [N/A], [N/A], 35, 9.5\n", {"temp_c": 35, "power_w": 9.5}),
    ("[Not Supported], 5, [Unknown Error], , 4\n", {"vram_used_mb": 5, "power_w": 4}),
    ("37, 2048\n", {"gpu_util_pct": 37, "vram_used_mb": 2048}),
    ("No devices were found\n", {}),
    ("Unable to determine the device handle for GPU0: 0000:01:00.0: Unknown Error\n", {}),
    ("\n", {}),
])  # fmt: skip
def test_a_line_of_nvidia_smi_is_read(line: str, sample: dict[str, float]) -> None:
    """A value by column; what the driver does not know is not there, rather than 0."""
    assert parse_sample(line) == sample
