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
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_cache_path

from runsum.pickling import pack, unpack

Value = TypeVar("Value")

_KEPT_DAYS = 120
_TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (kind TEXT, name TEXT, made_of TEXT, value BLOB, checksum BLOB, "
    "PRIMARY KEY (kind, name))"
)


def cache_file(docs_dir: Path) -> Path:
    """The cache of a docs folder."""
    place = hashlib.sha256(os.fsencode(os.path.realpath(docs_dir))).hexdigest()[:24]
    return user_cache_path("runsum") / "archives" / f"{place}.db"


class BuildCache:
    """Entries by kind and name.

    Args:
        file: the cache; None: nothing is kept and nothing is found.
        believe: whether what is there is found; if not, it is made anew.
    """

    def __init__(self, file: Path | None, *, believe: bool = True) -> None:
        self._file = file
        self._entries: dict[tuple[str, str], tuple[str, bytes, bytes]] = {}
        self._new: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._believe = believe
        if file is not None and file.exists():
            self._read(file)

    def get(self, kind: str, name: str, made_of: str) -> Any:
        """The value of an entry; None where there is none, or it was made of something else, or it is damaged."""
        entry = self._entries.get((kind, name))
        if not self._believe or entry is None or entry[0] != made_of:
            return None
        if entry[2] != _checksum(kind, name, made_of, entry[1]):
            return None
        try:
            return unpack(entry[1])
        except Exception:  # whatever a damaged pickle raises
            return None

    def put(self, kind: str, name: str, made_of: str, value: object) -> None:
        """Keep a value; it is written by `save`."""
        if self._file is not None:
            self._new[kind, name] = (made_of, pack(value))

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
        names = {(kind, name) for kind, some in kept.items() for name in some}
        gone = [entry for entry in self._entries if entry not in names and entry not in self._new]
        if not gone and not self._new:
            return
        try:
            self._write(self._file, gone)
            _forget_old(self._file.parent)
        except (sqlite3.Error, UnicodeError):
            with contextlib.suppress(OSError):
                self._file.unlink()  # damaged: the next build begins a new one
        except OSError:
            pass

    def _read(self, file: Path) -> None:
        try:
            with contextlib.closing(sqlite3.connect(file, timeout=5)) as connection:
                for kind, name, made_of, value, checksum in connection.execute("SELECT * FROM entries"):
                    self._entries[str(kind), str(name)] = (str(made_of), bytes(value), bytes(checksum))
        except (sqlite3.Error, OSError, TypeError, ValueError):
            self._entries.clear()

    def _write(self, file: Path, gone: list[tuple[str, str]]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            (kind, name, made_of, value, _checksum(kind, name, made_of, value))
            for (kind, name), (made_of, value) in self._new.items()
        ]
        with contextlib.closing(sqlite3.connect(file, timeout=5)) as connection, connection:
            connection.execute("PRAGMA synchronous=OFF")  # a damaged entry is noticed, so none is waited for
            connection.execute(_TABLES)
            connection.executemany("DELETE FROM entries WHERE kind = ? AND name = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", rows)
        file.chmod(0o600)


def _forget_old(folder: Path) -> None:
    """Delete the caches of archives that nobody has built for a long time; their folders may be gone."""
    oldest = time.time() - _KEPT_DAYS * 86_400
    for file in folder.iterdir():
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def _checksum(kind: str, name: str, made_of: str, value: bytes) -> bytes:
    summed = hashlib.blake2b(repr((kind, name, made_of)).encode("utf-8", "surrogatepass"), digest_size=16)
    summed.update(value)
    return summed.digest()
