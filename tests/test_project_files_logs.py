"""The logs below the project root, and the failures that are found in them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runsum.source.project_log import find_failures
from support.project_files import CHECKPOINTS, OTHER, OUTPUTS, RUN, put, read

BANNER = """\
CUDA available: True
CUDA version: 12.1, device count: 1
Using GPU: NVIDIA GeForce RTX 3070 Ti, kernel driver 551.23
Device: cuda
[Memory] allocation policy: default, 0 errors
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "training/train.py", line 610, in <module>
    main()
RuntimeError: mat1 and mat2 shapes cannot be multiplied
"""


def findings(text: str) -> list[tuple[str, str]]:
    return [(finding.kind, finding.line) for finding in find_failures(text.splitlines())]


def test_banner_is_no_failure() -> None:
    """The start-up banner of a healthy run speaks of CUDA, devices and memory, and nothing is found in it."""
    assert findings(BANNER) == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", "cuda_out_of_memory"),
        ("torch.cuda.OutOfMemoryError: no room", "cuda_out_of_memory"),
        (
            "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cublas",
        ),
        ("RuntimeError: CUDA error: device-side assert triggered", "device_assert"),
        ("RuntimeError: CUDA error: unknown error", "cuda_error"),
        ("CUDA kernel errors might be asynchronously reported at some other API call", "cuda_error"),
        ("Memory allocation failure", "memory_allocation"),
        ("MemoryError", "memory_allocation"),
        (
            "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 26.3 GiB for an array",
            "memory_allocation",
        ),
        ("OSError: [Errno 28] No space left on device", "disk_full"),
        ("Killed", "killed"),
        ("train.sh: line 7: 6878 Killed                  python train.py", "killed"),
        ("Process failed with exit code: -9", "killed"),
        ("Segmentation fault (core dumped)", "crash"),
        ("Process failed with exit code: 1", "exit_code"),
    ],
)
def test_phrases(line: str, kind: str) -> None:
    """The phrases of real failures are told apart."""
    assert findings(BANNER + line) == [(kind, line)]


def test_traceback() -> None:
    """A traceback is one finding with the line of its exception."""
    assert findings(TRACEBACK) == [("traceback", "RuntimeError: mat1 and mat2 shapes cannot be multiplied")]


def test_traceback_with_a_known_reason() -> None:
    """A traceback that ends in a known failure gives both."""
    text = TRACEBACK.replace("mat1 and mat2 shapes cannot be multiplied", "CUDA out of memory")
    assert [kind for kind, _ in findings(text)] == ["traceback", "cuda_out_of_memory"]


def test_interrupt_is_no_failure_of_the_code() -> None:
    """Ctrl+C ends in a traceback too, but is called what it is."""
    assert findings("Traceback (most recent call last):\n  File 'x'\nKeyboardInterrupt\n")[0][0] == "interrupted"


def test_repeated_failure_counts_once() -> None:
    """The same line a thousand times is one finding."""
    assert len(findings("CUDA out of memory\n" * 1_000)) == 1


def test_log_tail(tmp_path: Path) -> None:
    """The last five lines are kept, clean and short."""
    lines = ["one", "two", "", "\x1b[31mred\x1b[0m \x07bell \u202eafter", "50%\r100%", "z" * 500, "   "]
    put(tmp_path, f"{OUTPUTS}/training.log", "\n".join(lines))
    log = read(tmp_path).log
    assert log is not None
    assert log.path == f"{OUTPUTS}/training.log"
    assert log.last_lines == ("two", "red bell after", "50%", "100%", "z" * 199 + "…")


def test_undecodable_log(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are replaced, what follows is still read."""
    put(tmp_path, f"{OUTPUTS}/training.log", b"caf\xe9 \xff\xf0\nCUDA out of memory\n")
    log = read(tmp_path).log
    assert log is not None
    assert log.findings[0].kind == "cuda_out_of_memory"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_powershell_log(tmp_path: Path, encoding: str) -> None:
    """A log redirected in PowerShell is UTF-16 and read as such, from its middle too."""
    text = "\ufeff" + "[Stats] Step 5,000\n" * 5_000 + "CUDA out of memory\n"
    put(tmp_path, f"{OUTPUTS}/training.log", text.encode(encoding))
    log = read(tmp_path).log
    assert log is not None
    assert log.last_lines[-1] == "CUDA out of memory"
    assert log.last_lines[0] == "[Stats] Step 5,000"


def test_powershell_log_cut_in_a_character(tmp_path: Path) -> None:
    """A UTF-16 log whose last character is half written is still read."""
    text = "\ufeff" + "[Stats] Step 5,000\n" * 5_000 + "CUDA out of memory\nx"
    put(tmp_path, f"{OUTPUTS}/training.log", text.encode("utf-16-le")[:-1])
    log = read(tmp_path).log
    assert log is not None
    assert [finding.line for finding in log.findings] == ["CUDA out of memory"]


def test_half_a_line_is_no_line(tmp_path: Path) -> None:
    """The line that the 64 kB begin in the middle of is dropped."""
    put(tmp_path, f"{OUTPUTS}/training.log", "CUDA out of memory " * 10_000 + "\nfine\n")
    log = read(tmp_path).log
    assert log is not None
    assert (log.findings, log.last_lines) == ((), ("fine",))


def test_huge_log_is_read_fast(tmp_path: Path) -> None:
    """Of a log of 2 GB only the end is read."""
    file = put(tmp_path, f"{OUTPUTS}/training.log", b"CUDA out of memory\n")
    with file.open("r+b") as stream:
        stream.truncate(2 * 1024**3)
        stream.seek(0, 2)
        stream.write(b"\nthe end\n")
    begin = time.process_time()
    log = read(tmp_path).log
    assert time.process_time() - begin < 1
    assert log is not None
    assert log.size_bytes == 2 * 1024**3 + 9
    assert (log.findings, log.last_lines) == ((), ("the end",))


@pytest.mark.parametrize(
    "path",
    [
        f"{OUTPUTS}/debug_full_stdout.log",
        f"logs/{RUN}.log",
        f"logs/{RUN}_20251222.log",
        f"{OUTPUTS}/training.log",
        f"{OUTPUTS}/rendering.log",
        f"{CHECKPOINTS}/training.log",
        f"{CHECKPOINTS}/rendering.log",
    ],
)
def test_places_of_logs(tmp_path: Path, path: str) -> None:
    """A log is found in each of its places."""
    put(tmp_path, path, "hello\n")
    log = read(tmp_path).log
    assert log is not None
    assert log.path == path


def test_log_of_a_neighbour(tmp_path: Path) -> None:
    """The log of a run whose id only starts like ours is not ours."""
    put(tmp_path, f"logs/{RUN}5.log", "hello\n")
    put(tmp_path, f"logs/{RUN}-b.log", "hello\n")
    assert read(tmp_path, known=(f"{RUN}-b",)).log is None


def test_log_with_a_failure_wins(tmp_path: Path) -> None:
    """A log that shows a failure is preferred to one that comes first."""
    put(tmp_path, f"{OUTPUTS}/debug_full_stdout.log", BANNER)
    put(tmp_path, f"{OUTPUTS}/rendering.log", "CUDA error: unknown error\n")
    log = read(tmp_path).log
    assert log is not None
    assert log.path == f"{OUTPUTS}/rendering.log"


def test_log_of_many_runs(tmp_path: Path) -> None:
    """Of automated_training.log only the stretch of this run counts."""
    put(tmp_path, "automated_training.log", f"start {RUN}\nall well\nstart {OTHER}\nCUDA out of memory\n")
    log = read(tmp_path).log
    assert log is not None
    assert (log.findings, log.last_lines) == ((), (f"start {RUN}", "all well"))


def test_log_of_other_runs(tmp_path: Path) -> None:
    """Without the run's id, automated_training.log is not its log."""
    put(tmp_path, "automated_training.log", f"start {OTHER}\nCUDA out of memory\n")
    assert read(tmp_path).log is None


def test_empty_log(tmp_path: Path) -> None:
    """An empty log is no log."""
    put(tmp_path, f"{OUTPUTS}/training.log", " \n\n")
    assert read(tmp_path).log is None
