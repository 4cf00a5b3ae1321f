"""Open a run database without writing a byte, not even a sidecar file beside it.

Which way is safe depends on what lies beside the file (measured with SQLite 3.40):

===========================  ===============================================================
``-wal`` and ``-shm``         the application is live or crashed: ``mode=ro``, one transaction
``-wal`` alone                a copied set: copied again to a temporary folder, opened there
neither, header says WAL      ``immutable=1``: ``mode=ro`` would create both and leave them
rollback journal mode         SQLite's own backup to a temporary file; with a hot ``-journal``, a copy
===========================  ===============================================================
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import field
from pathlib import Path
from urllib.parse import quote

from runsum.errors import DatabaseError
from runsum.frozen import frozen
from runsum.looks import look_of
from runsum.source.changes import state_of
from runsum.source.leaf_rows import LeafRows, layout_of, read_leaves
from runsum.source.leaves import Leaves
from runsum.source.looks import look_into

_MAGIC = b"SQLite format 3\x00"
_BUSY_S = 30.0
_COPIES = "runsum-copies-"
_KEPT_S = 86_400.0  # no build takes a day
_DECOY = "The application leaves such a decoy where it was started; look for the real one in its data folder"
RUNS_TABLE = "experiment_runs"


Stamp = tuple[int, int]
"""When a file was last written to, in ns, and its size."""


@frozen
class DatabaseFile:
    """An open database and what to say of the file.

    Attributes:
        seen: modification time (ns) and size when it was opened.
        is_snapshot: whether nothing that is written meanwhile is seen; else it was opened as immutable.
        columns: the columns of each table as they are in this file, by table name.
        indexed: tables with an index that starts with run_id.
        leaves: of the large tables, when they were asked for: how they look on the disk.
        readers: how other processes of this build may open what is open here; None: not at all.
        scratch: a folder for copies, until the file is closed.
        leaf_rows: reads rows past SQLite, from a file that nobody writes to; None: from this one that is not done.
        modified_at: time of the last change, UTC ISO seconds; what lies in the log alone counts.
    """

    path: Path
    connection: sqlite3.Connection
    columns: dict[str, tuple[str, ...]]
    indexed: frozenset[str]
    modified_at: str
    size_bytes: int
    seen: Stamp
    is_snapshot: bool
    leaves: Mapping[str, Leaves] = field(default_factory=dict)
    readers: str | None = None
    scratch: Path = Path()
    leaf_rows: LeafRows | None = None

    def share(self) -> str:
        """Copy this moment of a file that changes to where other processes of the build may read it."""
        copy = self.scratch / "shared.db"
        with closing(sqlite3.connect(copy)) as target:
            self.connection.backup(target)
        return _address(copy, "mode=ro&immutable=1")

    def is_mixed(self) -> bool:
        """Whether the file was written to while it was read as immutable, so that old and new rows may be mixed."""
        return not self.is_snapshot and _stamp(self.path) != self.seen


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def _changed_s(path: Path) -> float:
    """When a database was last written to, in seconds; until SQLite moves it over, what is new lies in the log."""
    changed = path.stat().st_mtime
    log = look_of(_beside(path, "-wal"))
    return max(changed, log[1] / 1e9) if log is not None and log[0] > 0 else changed


@contextmanager
def open_database(path: Path, *, look: bool = False) -> Iterator[DatabaseFile]:
    """Open a run database for reading; everything inside sees one moment of it.

    Args:
        path: the file.
        look: whether to look at the large tables first, to tell what has changed.

    Raises:
        DatabaseError: the file is missing, empty, damaged, foreign or locked; one line with the next step.
    """
    header = _read_header(path)
    with _scratch() as scratch, ExitStack() as stack:
        seen = _stamp(path)
        with blaming(path, seen):
            is_snapshot = not _is_quiet(path, header)
            opened = _connect(path, header, Path(scratch))
            with closing(opened.connection) as connection:
                connection.text_factory = lenient_text
                leaves = look_into(connection, opened.path) if look else {}
                connection.execute("BEGIN")
                columns = _tables(connection)
                _require_runs(path, columns, header)
                modified = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(_changed_s(path)))
                indexed = _indexed(connection, columns)
                layouts = {name: layout for name in leaves if (layout := layout_of(connection, name)) is not None}
                yield DatabaseFile(
                    path,
                    connection,
                    columns,
                    indexed,
                    modified,
                    path.stat().st_size,
                    seen,
                    is_snapshot,
                    leaves,
                    opened.readers,
                    Path(scratch),
                    stack.enter_context(read_leaves(opened.path, layouts)) if opened.readers and leaves else None,
                )


@contextmanager
def blaming(path: Path, seen: Stamp) -> Iterator[None]:
    """Tell whatever SQLite complains about as something of this file.

    Args:
        path: the file.
        seen: how it looked when it was opened.

    Raises:
        DatabaseError: it cannot be read; one line with the next step.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(path, error, _stamp(path) != seen) from error


@contextmanager
def open_again(address: str) -> Iterator[sqlite3.Connection]:
    """Open in another process what a `DatabaseFile` has open, by its `readers`."""
    with closing(_open(address)) as connection:
        connection.text_factory = lenient_text
        connection.execute("BEGIN")
        yield connection


def _scratch() -> tempfile.TemporaryDirectory[str]:
    try:
        _forget_copies(Path(tempfile.gettempdir()))
        # Errors: Windows deletes nothing that another process, interrupted like this one, has open for a moment longer.
        return tempfile.TemporaryDirectory(prefix=_COPIES, ignore_cleanup_errors=True)
    except OSError as error:
        raise DatabaseError(
            f"no temporary folder can be made: {error.strerror}", "Free some space, or set TMPDIR to another folder"
        ) from error


def _forget_copies(folder: Path) -> None:
    """Delete what builds have left that were killed: a whole database each time, and nobody else would."""
    oldest = time.time() - _KEPT_S
    for left in folder.glob(f"{_COPIES}*"):
        with suppress(OSError):  # it is another person's, or gone meanwhile
            if left.lstat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)  # which follows no links


def lenient_text(raw: bytes) -> str:
    """Text of SQLite, whatever bytes it is made of."""
    return raw.decode("utf-8", "replace")


def _read_header(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise DatabaseError(
                f"{path} is a folder, not a database", "Give the path of the file, e.g. ml_experiments.db"
            )
        if path.exists() and not path.is_file():
            raise DatabaseError(f"{path} is a pipe or a device, not a file", "Give the path of ml_experiments.db")
        with path.open("rb") as file:  # a pipe would be waited for
            header = file.read(100)
    except FileNotFoundError:
        raise DatabaseError("no such file", "Check the path after --db or in runsum.yml", place=path) from None
    except OSError as error:
        raise DatabaseError(f"{path} cannot be read: {error.strerror}", "Check its permissions") from error
    if not header:
        raise DatabaseError(
            f"{path} is empty (0 bytes)",
            _DECOY,
        )
    if not header.startswith(_MAGIC):
        raise DatabaseError(f"{path} is not a SQLite database", "Give the path of ml_experiments.db")
    if len(header) < 100:
        raise DatabaseError(f"{path} is cut off after {len(header)} bytes", "Copy the file again from its machine")
    _require_whole_pages(path, header)
    return header


def _require_whole_pages(path: Path, header: bytes) -> None:
    """Refuse a file that ends inside a page: SQLite would read zeros instead of what was cut off."""
    page = int.from_bytes(header[16:18], "big")
    page = 65_536 if page == 1 else page
    size = path.stat().st_size
    if page >= 512 and size % page and not any(_beside(path, suffix).exists() for suffix in ("-wal", "-journal")):
        raise DatabaseError(f"{path} is cut off after {size} bytes", "Copy the file again from its machine")


@frozen
class _Opened:
    """A connection, the file behind it, and the address under which others may open the same content."""

    connection: sqlite3.Connection
    path: Path
    readers: str | None


def _connect(path: Path, header: bytes, scratch: Path) -> _Opened:
    try:
        return _connect_safely(path, header, scratch)
    except OSError as error:
        raise DatabaseError(
            f"{path} cannot be copied to {scratch}: {error.strerror}",
            "Check its permissions and free space, or set TMPDIR to another folder",
        ) from error


def _connect_safely(path: Path, header: bytes, scratch: Path) -> _Opened:
    if _is_quiet(path, header):
        address = _address(path, "mode=ro&immutable=1")
        return _Opened(_open(address), path, address)
    copy = scratch / "copy.db"
    copied = _address(copy, "mode=ro")
    if _is_wal(header):
        if _beside(path, "-shm").exists():
            try:  # a moment of a file that changes: nobody else can open the same one
                return _Opened(_probe(_open(_address(path, "mode=ro"))), path, None)
            except sqlite3.OperationalError:
                pass  # sidecars we may not map: read a copy
        return _Opened(_copy(path, scratch), copy, copied)
    try:  # a long read of the file itself would hold up a writer in this mode
        return _Opened(_backup(path, scratch), copy, copied)
    except sqlite3.OperationalError:
        if not _beside(path, "-journal").exists():
            raise
        return _Opened(_copy_unfinished(path, scratch), copy, copied)


def _is_wal(header: bytes) -> bool:
    """Whether the header says write-ahead log (file format 2)."""
    return header[18] == 2 or header[19] == 2


def _is_quiet(path: Path, header: bytes) -> bool:
    """Whether a WAL file has no log beside it: nobody has it open."""
    wal = _beside(path, "-wal")
    has_log = wal.exists() and (wal.stat().st_size > 0 or _beside(path, "-shm").exists())
    return _is_wal(header) and not has_log


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _address(path: Path, query: str) -> str:
    place = path.resolve().as_posix()
    host = "//" if place.startswith("//") else ""  # an empty one: else SQLite takes //nas/runs for the host "nas"
    return f"file:{host}{quote(os.fsencode(place))}?{query}"


def _open(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)


def _probe(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _copy(path: Path, scratch: Path) -> sqlite3.Connection:
    for suffix in ("", "-wal", "-journal"):
        if _beside(path, suffix).exists():
            shutil.copyfile(_beside(path, suffix), scratch / f"copy.db{suffix}")
    return sqlite3.connect(scratch / "copy.db", timeout=_BUSY_S, isolation_level=None)


def _copy_unfinished(path: Path, scratch: Path) -> sqlite3.Connection:
    """Copy a file with a hot journal, for only a copy may be rolled back.

    Its writer may be alive, and end the transaction between the copies of the one and the other.
    """
    before = state_of(path)
    connection = _copy(path, scratch)
    if state_of(path) != before:
        connection.close()
        raise sqlite3.OperationalError("database is locked")
    return connection


def _backup(path: Path, scratch: Path) -> sqlite3.Connection:
    """Copy a file while a read lock keeps every writer from it; SQLite's own backup takes three times as long.

    The copy closes the file, which ends the lock of this process, but then it is whole.
    """
    with closing(_open(_address(path, "mode=ro"))) as source:
        source.execute("BEGIN")
        source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        shutil.copyfile(path, scratch / "copy.db")
    return sqlite3.connect(scratch / "copy.db", timeout=_BUSY_S, isolation_level=None)


def _tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    names = [
        str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    return {
        name: tuple(str(row[1]) for row in connection.execute(f"PRAGMA table_info({quoted(name)})")) for name in names
    }


def _indexed(connection: sqlite3.Connection, columns: dict[str, tuple[str, ...]]) -> frozenset[str]:
    found = set()
    for table in columns:
        for row in connection.execute(f"PRAGMA index_list({quoted(table)})").fetchall():
            first = connection.execute(f"PRAGMA index_info({quoted(str(row[1]))})").fetchone()
            if first is not None and first[2] == "run_id" and not row[4]:
                found.add(table)
    return frozenset(found)


def quoted(name: str) -> str:
    """A table or column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _require_runs(path: Path, columns: dict[str, tuple[str, ...]], header: bytes) -> None:
    if "run_id" in columns.get(RUNS_TABLE, ()):
        return
    if not columns and _is_wal(header):
        raise DatabaseError(
            f"{path} holds no tables; it was probably copied without its -wal file",
            f"Copy {path.name} together with {path.name}-wal, or close the application first",
        )
    if not columns:
        raise DatabaseError(
            f"{path} holds no tables",
            _DECOY,
        )
    raise DatabaseError(
        f"{path} is not a run database: it has no table {RUNS_TABLE} (found: {', '.join(sorted(columns)[:5])})",
        "Give the path of ml_experiments.db",
    )


def _explain(path: Path, error: sqlite3.Error, has_changed: bool) -> DatabaseError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return DatabaseError(
            f"{path} is locked by another program",
            "Wait for it to finish, or copy the file and build from the copy",
        )
    if "disk is full" in text:
        return DatabaseError(
            f"{path} cannot be read ({text}): there is no space left for a copy of it",
            "Free some space, or set TMPDIR to another folder",
        )
    if has_changed:
        return DatabaseError(f"{path} was written to while it was read ({text})", "Build again when it is done")
    if "malformed" in text or "corrupt" in text or "not a database" in text or "disk I/O" in text:
        return DatabaseError(
            f"{path} is damaged ({text})",
            f"Try: sqlite3 {path.name} .recover | sqlite3 recovered.db, then build with --db recovered.db",
        )
    return DatabaseError(f"{path} cannot be read ({text})", "Copy the file elsewhere and build from the copy")
