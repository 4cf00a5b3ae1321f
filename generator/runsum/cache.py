"""What earlier builds of one docs folder found out, kept in the user's folder for caches; nothing in it is needed.

One SQLite file per docs folder: an entry is written whole or not at all, whenever the build is killed. Every entry
carries a checksum, and is only ever looked up by what it was made of; one that is damaged or of another version of
runsum is as good as none. Objects are unpickled by a reader that knows runsum's own classes and no others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

from runsum.fingerprints import program
from runsum.pickling import pack, unpack

Value = TypeVar("Value")

_KEPT_DAYS = 120
_AT_ONCE = 16_000_000  # bytes that wait to be written
_FIND = "SELECT value, checksum FROM entries WHERE kind = ? AND name = ? AND made_of = ?"
_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (kind TEXT, name TEXT, made_of TEXT, value BLOB, checksum BLOB, "
    "PRIMARY KEY (kind, name))"
)


def cache_file(docs_dir: Path) -> Path:
    """The cache of a docs folder."""
    place = hashlib.sha256(os.fsencode(os.path.realpath(docs_dir))).hexdigest()[:24]
    return user_cache_path("runsum") / "archives" / f"{place}.db"


class BuildCache:
    """Entries by kind and name. Used with `with`.

    An entry is read when it is asked for, and what is new is written from time to time, so that an archive of ten
    thousand runs does not stand in memory twice.

    Args:
        file: the cache; None: nothing is kept and nothing is found.
        believe: whether what is there is found; if not, it is made anew.

    Attributes:
        had_any: whether there may be entries of an earlier build.
    """

    def __init__(self, file: Path | None, *, believe: bool = True) -> None:
        self._file = file
        self._believe = believe
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[tuple[str, str, str, bytes, bytes]] = []
        self._size = 0
        self._new: set[tuple[str, str]] = set()
        if file is not None and os.path.exists(file):  # noqa: PTH110 - of a folder that cannot be entered, False
            with self._damage_is_the_end():
                self._connection = sqlite3.connect(file, timeout=5)
        self.had_any = believe and self._connection is not None

    def __enter__(self) -> BuildCache:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def get(self, kind: str, name: str, made_of: str) -> Any:
        """The value of an entry; None where there is none, or it was made of something else, or it is damaged."""
        if not self._believe or self._connection is None:
            return None
        entry = None
        with self._damage_is_the_end():
            entry = self._connection.execute(_FIND, (kind, name, made_of)).fetchone()
        if entry is None or entry[1] != _checksum(kind, name, made_of, bytes(entry[0])):
            return None
        try:
            return unpack(entry[0])
        except Exception:  # whatever a damaged pickle raises
            return None

    def put(self, kind: str, name: str, made_of: str, value: object) -> None:
        """Keep a value."""
        if self._file is None:
            return
        packed = pack(value)
        self._new.add((kind, name))
        self._waiting.append((kind, name, made_of, packed, _checksum(kind, name, made_of, packed)))
        self._size += len(packed)
        if self._size > _AT_ONCE:
            self._write([])

    def remember(self, kind: str, name: str, made_of: str, make: Callable[[], Value]) -> Value:
        """The value that an earlier build has made of the same, else a new one, which is kept."""
        kept = self.get(kind, name, made_of)
        if kept is None:
            kept = (make(),)
            self.put(kind, name, made_of, kept)
        value: Value = kept[0]
        return value

    def save(self, kept: Mapping[str, Iterable[str]]) -> None:
        """Write what is new and forget all other entries but the names of each kind.

        Where nothing can be written, the next build does the work again.
        """
        if self._file is None:
            return
        names = {(kind, name) for kind, some in kept.items() for name in some} | self._new
        there: list[tuple[str, str]] = []
        if self._connection is not None:
            with self._damage_is_the_end():
                there = self._connection.execute("SELECT kind, name FROM entries").fetchall()
        gone = [entry for entry in there if entry not in names]
        if self._file is not None and (gone or self._waiting):
            self._write(gone)
        if self._file is not None:  # it can turn out to be damaged as late as now
            with contextlib.suppress(OSError):
                self._file.chmod(0o600)
                _forget_old(self._file.parent)
        self._close()

    def _write(self, gone: list[tuple[str, str]]) -> None:
        """Write what waits, and delete some entries, all at once or not at all."""
        assert self._file is not None
        with self._damage_is_the_end():
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = self._connection = self._connection or sqlite3.connect(self._file, timeout=5)
            connection.execute("PRAGMA synchronous=OFF")  # a damaged entry is noticed, so none is waited for
            with connection:
                connection.execute(_TABLES)
                connection.executemany("DELETE FROM entries WHERE kind = ? AND name = ?", gone)
                connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()
        self._size = 0

    @contextlib.contextmanager
    def _damage_is_the_end(self) -> Iterator[None]:
        """Where the file cannot be used it is deleted, for the next build to begin a new one; this one has none."""
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeError):
            self._close()
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.unlink(missing_ok=True)
            self._file = None

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None


def _forget_old(folder: Path) -> None:
    """Delete the caches of archives that nobody has built for a long time; their folders may be gone."""
    oldest = time.time() - _KEPT_DAYS * 86_400
    for file in folder.iterdir():
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def _checksum(kind: str, name: str, made_of: str, value: bytes) -> bytes:
    summed = hashlib.blake2b(repr((program(), kind, name, made_of)).encode("utf-8", "surrogatepass"), digest_size=16)
    summed.update(value)
    return summed.digest()
