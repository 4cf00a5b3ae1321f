"""Notice that a database is written to, without opening it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from runsum.looks import signature

_INDEX_HEADER = 48  # bytes: one of the two copies of the header of a write-ahead log's index, which counts the commits
_FILE_HEADER = 100  # bytes: counts the commits of a database without such a log


def state_of(path: Path) -> tuple[object, ...]:
    """Something that differs after a change of a database from what it was before; it need not be there.

    `PRAGMA data_version` tells the same, but asks for a connection that is held: whoever closes the database while we
    have it open is then not the last one, and leaves its log behind. So this looks where SQLite looks: at the counter
    in the index of the log (https://www.sqlite.org/walformat.html, section 2.1) and at that in the header of the file.
    The time of the last change alone does not tell: Windows may not write it down before the file is closed.
    """
    looks = [signature(f"{path}{suffix}") for suffix in ("", "-wal", "-journal")]
    return (*looks, _begin(Path(f"{path}-shm"), _INDEX_HEADER), _begin(path, _FILE_HEADER))


def _begin(path: Path, size: int) -> bytes:
    with contextlib.suppress(OSError):
        if path.is_file():  # a pipe would be waited for
            # Not a byte more: what stands behind them in the index is locked by writers, on Windows also for readers.
            with path.open("rb", buffering=0) as file:
                return file.read(size)
    return b""
