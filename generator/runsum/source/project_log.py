"""Read the end of a log file and name the failures in it.

Phrases are matched, never bare words: the banner of every healthy run prints "CUDA" and "Device: cuda".
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from runsum.formatting import shortened
from runsum.frozen import frozen

TAIL_BYTES = 64 * 1024  # a 2 GB log costs one seek and one read
LAST_LINES = 5
LINE_LENGTH = 200
MAX_FINDINGS = 20

_PHRASES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        # The first kind that matches names the line: the special ones stand before "cuda_error".
        ("cuda_out_of_memory", r"CUDA out of memory|\bCUDA_OOM\b|torch\.(?:cuda\.)?OutOfMemoryError"
                               r"|CUDA error: out of memory"),
        ("cublas", r"CUBLAS_STATUS_(?!SUCCESS)\w+"),
        ("cudnn", r"CUDNN_STATUS_(?!SUCCESS)\w+"),
        ("device_assert", r"device-side assert"),
        ("cuda_error", r"CUDA error:|\bCUDA_UNKNOWN_ERROR\b"
                       r"|CUDA kernel errors might be asynchronously reported"),
        ("memory_allocation", r"memory allocation failure|not enough memory: you tried to allocate"
                              r"|unable to allocate [\d.]+ \w?i?B\b|cannot allocate memory|std::bad_alloc"
                              r"|\bMemoryError(?::|$)|the paging file is too small"),
        ("disk_full", r"no space left on device|not enough space on the disk"),
        ("killed", r"^(?:.*: line \d+:\s*\d+ )?Killed(?:\s|$)|\bSIGKILL\b|\boom-kill(?:er)?\b"
                   r"|out of memory: killed process|exit code:? (?:-9|137)\b"),
        ("crash", r"segmentation fault|fatal python error|access violation"
                  r"|exit code:? (?:-11|139|3221225477)\b"),
        ("exit_code", r"process failed with exit code:? -?\d+"),
    )
)  # fmt: skip
_TRACEBACK = "Traceback (most recent call last):"
_INTERRUPT = "KeyboardInterrupt"
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?::|$)")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_RUN_ID = re.compile(r"(?<![\w-])(?:run|test)-[0-9a-f]{8}(?![\w-])")


@frozen
class LogFinding:
    """One line that tells of a failure.

    Attributes:
        kind: "cuda_out_of_memory" | "cublas" | "cudnn" | "device_assert" | "cuda_error" |
            "memory_allocation" | "disk_full" | "killed" | "crash" | "exit_code" | "traceback" |
            "interrupted".
        line: at most 200 characters; for a traceback the line with the exception.
    """

    kind: str
    line: str


@frozen
class LogTail:
    """The end of a log file.

    Attributes:
        path: posix, relative to the project root.
        findings: in the order of the file, each once, the last 20.
        last_lines: the last lines that are not blank, at most 5 of at most 200 characters.
    """

    path: str
    size_bytes: int
    findings: tuple[LogFinding, ...]
    last_lines: tuple[str, ...]


def read_log_tail(file: Path, shown: str, keep: Callable[[str], str], only_run: str | None = None) -> LogTail | None:
    """Read the last 64 kB of a log.

    Args:
        file: a regular file.
        shown: its path for people.
        keep: takes out what must not be published; given the whole end of the log, before anything is cut.
        only_run: for a log of many runs: keep the stretches that speak of this run; without any, no log.

    Raises:
        OSError: the file cannot be read.
    """
    size, lines = _tail(file, keep)
    if only_run is not None:
        lines = _lines_of_run(lines, only_run)
    lines = [line for line in lines if line.strip()]
    if not lines:
        return None
    last = tuple(_cut(line) for line in lines[-LAST_LINES:])
    return LogTail(shown, size, find_failures(lines), last)


def find_failures(lines: Sequence[str]) -> tuple[LogFinding, ...]:
    """Name the failures in clean lines, in their order, each distinct one once."""
    found: dict[LogFinding, None] = {}
    for number, line in enumerate(lines):
        finding = _finding(lines, number, line)
        if finding is not None:
            found.setdefault(finding)
    return tuple(found)[-MAX_FINDINGS:]


def _finding(lines: Sequence[str], number: int, line: str) -> LogFinding | None:
    if _TRACEBACK in line:
        reason = _exception_after(lines, number)
        kind = "interrupted" if reason.startswith(_INTERRUPT) else "traceback"
        return LogFinding(kind, _cut(reason or line))
    text = line.strip()
    for kind, pattern in _PHRASES:
        if pattern.search(text):
            return LogFinding(kind, _cut(line))
    return None


def _exception_after(lines: Sequence[str], number: int) -> str:
    """The exception line that ends the traceback begun at `number`; "" where the log stops before it."""
    indent = len(lines[number]) - len(lines[number].lstrip())
    for line in lines[number + 1 : number + 400]:
        text = line[indent:] if line[:indent].isspace() else line
        if text[:1].strip():
            return text.strip() if _EXCEPTION.match(text) else ""
    return ""


def _tail(file: Path, keep: Callable[[str], str]) -> tuple[int, list[str]]:
    """Size of the file and its last whole lines, without control characters."""
    with file.open("rb") as stream:
        head = stream.read(2)
        size = stream.seek(0, 2)
        begin = max(0, size - TAIL_BYTES)
        begin -= begin % 2  # keeps the pairs of UTF-16 together
        stream.seek(begin)
        data = stream.read(TAIL_BYTES + 1)
    # PowerShell's ">" writes UTF-16 with a byte order mark.
    wide = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(head)
    text = data.decode(wide or "utf-8", errors="replace").lstrip("\ufeff")
    lines = [_clean(line) for line in _ANSI.sub("", text).splitlines()]
    whole = lines[1:] if begin and len(lines) > 1 else lines
    return size, keep("\n".join(whole)).split("\n")  # a private key has many lines


def _lines_of_run(lines: Iterable[str], run_id: str) -> list[str]:
    """Lines from where a log of many runs names `run_id` to where it names another run."""
    name = re.compile(rf"(?<![\w-]){re.escape(run_id)}(?![\w-])")
    kept, ours = [], False
    for line in lines:
        if name.search(line):
            ours = True
        elif _RUN_ID.search(line):
            ours = False
        if ours:
            kept.append(line)
    return kept


def _clean(line: str) -> str:
    return _CONTROL.sub("", line).replace("\t", "    ").rstrip()


def _cut(line: str) -> str:
    return shortened(line.strip(), LINE_LENGTH)
