"""Notice that a database is written to, without disturbing who writes."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from runsum.looks import Signature, signature
from runsum.source.database import address_of, is_live


class DatabaseWatch:
    """Watches one database file.

    Where somebody has it open, SQLite itself tells (`PRAGMA data_version`): a connection is held, but no transaction,
    so that no checkpoint waits for us. Where nobody has, the look of the file is enough, and nothing is opened: that
    would leave files beside it.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def state(self) -> tuple[object, ...]:
        """Something that differs after a change from what it was before."""
        return (*self._looks(), self._version())

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _looks(self) -> tuple[Signature, ...]:
        return tuple(signature(f"{self._path}{suffix}") for suffix in ("", "-wal", "-journal"))

    def _version(self) -> int | None:
        if not is_live(self._path):
            self.close()
            return None
        with contextlib.suppress(sqlite3.Error, OSError):
            if self._connection is None:
                self._connection = sqlite3.connect(
                    address_of(self._path, "mode=ro"), uri=True, timeout=0, isolation_level=None
                )
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        self.close()
        return None
