"""The one part that writes into a run database: a run, its rows, its end."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from runsum.errors import DatabaseError
from runsum.record.schema import prepare

Value = str | int | float | None
_Statement = tuple[str, tuple[Value, ...]]

_BUSY_MS = 30_000
_BUSY_MS_MEANWHILE = 1_000  # a training should not stand still for a row that can be written with the next one
_KEPT_WRITES = 20_000
_NEVER_WRITTEN = (
    sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError,
    OverflowError, ValueError,
)  # fmt: skip
"""What SQLite says of values that it will not take tomorrow either."""


def now() -> str:
    """This moment as the application writes it: the machine's own clock, ISO 8601 without an offset."""
    return datetime.now().isoformat()


class RunLog:
    """Writes runs into one database file. Threads may share one.

    A training must not end because its record cannot be written: from the first row on, rows that a locked file or
    a full disk refuses are kept and written with the next one, and a warning says so once. A value that can never be
    written is left out with a warning, so that the others are not held up.

    Args:
        path: the database; made when missing. One that Retro ML Desktop made gets the newest columns.
        rows_every_s: rows that come faster than that are written together; a transaction costs more than a row.

    Raises:
        DatabaseError: the file cannot be opened, is no database or cannot be written.
    """

    def __init__(self, path: Path, *, rows_every_s: float = 0.0) -> None:
        self.path = path
        self._rows_every_s, self._written_s = rows_every_s, float("-inf")
        self._waiting: list[_Statement] = []
        self._newest: dict[str, _Statement] = {}  # by run: what of several rows only the last one has to say
        self._warned = False
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(path)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(
                f"{path} cannot be used to record runs: {error}",
                "Name a new file, or an ml_experiments.db that can be written to",
            ) from error
        self._wait_for_others(_BUSY_MS_MEANWHILE)

    def find(self, run_id: str) -> dict[str, Value]:
        """The row of a run; empty when this file does not hold it."""
        cursor = self._connection.execute("SELECT * FROM experiment_runs WHERE run_id = ?", (run_id,))
        row = cursor.fetchone()
        return {} if row is None else dict(zip([c[0] for c in cursor.description], row, strict=True))

    def next_variant(self, base_run_id: str, leg: int) -> int:
        """1 for the first continuation of a leg, more for every fork."""
        (most,) = self._connection.execute(
            "SELECT MAX(COALESCE(variant_index, 1)) FROM experiment_runs WHERE base_run_id = ? AND leg_number = ?",
            (base_run_id, leg),
        ).fetchone()
        return int(most or 0) + 1

    @contextlib.contextmanager
    def beginning(self) -> Iterator[None]:
        """Nobody else begins a run meanwhile: a number that is looked up there is still free when it is used.

        Raises:
            DatabaseError: the run cannot be written; nothing has been trained yet, so this is the time to say it.
        """
        self._wait_for_others(_BUSY_MS)
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
        except (sqlite3.Error, *_NEVER_WRITTEN) as error:
            raise DatabaseError(f"{self.path}: the run cannot be recorded: {error}", "Check the file") from error
        self._wait_for_others(_BUSY_MS_MEANWHILE)

    def begin(self, values: Mapping[str, Value]) -> None:
        """Insert a run; within `beginning()`."""
        self._connection.execute(*_insert("experiment_runs", values))

    def update(self, run_id: str, values: Mapping[str, Value]) -> None:
        """Change columns of a run."""
        self._write(_update(run_id, values))

    def add_note(self, run_id: str, line: str) -> None:
        """Append a line to the status notes of a run."""
        self._write(
            (
                "UPDATE experiment_runs SET status_note = CASE WHEN COALESCE(status_note, '') = '' THEN ? "
                "ELSE status_note || char(10) || ? END WHERE run_id = ?",
                (line, line, run_id),
            )
        )

    def set_target(self, run_id: str, start: int, target: int) -> None:
        """Give the rows that are there the target that the run has now; it was shorter when they were written."""
        self._write(
            (
                "UPDATE training_metrics SET total_timesteps = ?, progress_pct = (timestep - ?) * 100.0 / ? "
                "WHERE run_id = ?",
                (target, start, max(1, target), run_id),
            )
        )

    def add_row(self, run_id: str, row: Mapping[str, Value], run: Mapping[str, Value]) -> None:
        """Add a metric row and bring the run up to date with it, in one transaction."""
        with self._lock:
            self._waiting.append(_insert("training_metrics", row, "INSERT OR REPLACE"))
            self._newest[run_id] = _update(run_id, run)
        self.write_waiting()

    def write_waiting(self) -> None:
        """Write the rows that came too fast, if it is time."""
        if self._waiting and time.monotonic() - self._written_s >= self._rows_every_s:
            self._write()

    def add_gpu_sample(self, sample: Mapping[str, Value]) -> None:
        """Add one sample of the GPU."""
        self._write(_insert("gpu_metrics", sample))

    def add_annotation(self, run_id: str, axes: str, x: float, y: float, text: str) -> None:
        """Add a person's note to a chart."""
        moment = datetime.now()
        values: dict[str, Value] = {
            "annotation_id": f"ann_{moment:%Y%m%d_%H%M%S_%f}_{secrets.token_hex(2)}",
            "run_id": run_id, "axes_name": axes, "x": x, "y": y, "text": text, "created_at": moment.isoformat(),
        }  # fmt: skip
        self._write(_insert("chart_annotations", values))

    def add_video(self, run_id: str, values: Mapping[str, Value]) -> None:
        """Add a video of a run; its number follows from those already there."""
        names = ", ".join(values)
        self._write(
            (
                f"INSERT INTO training_videos (run_id, segment_number, {names}) VALUES (?, (SELECT "
                f"COALESCE(MAX(segment_number), 0) + 1 FROM training_videos WHERE run_id = ?), {_marks(values)})",
                (run_id, run_id, *values.values()),
            )
        )

    def close(self) -> None:
        """Write what waits, fold the write-ahead log into the file, and close it."""
        self._wait_for_others(_BUSY_MS)
        self._write()
        if self._waiting:
            warnings.warn(f"{self.path}: {len(self._waiting)} changes could not be written and are lost", stacklevel=2)
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _wait_for_others(self, milliseconds: int) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}")

    def _write(self, *statements: _Statement) -> None:
        with self._lock:
            self._waiting += (*self._newest.values(), *statements)
            self._newest.clear()
            self._written_s = time.monotonic()
            place = 0
            try:
                with self._connection:
                    for place, (statement, values) in enumerate(self._waiting):  # noqa: B007 where it stopped
                        self._connection.execute(statement, values)
            except _NEVER_WRITTEN as error:
                del self._waiting[place : place + 1]
                warnings.warn(f"{self.path}: a value cannot be recorded and is left out: {error}", stacklevel=3)
                if self._waiting:
                    self._write()
            except sqlite3.Error as error:
                if not self._warned:
                    self._warned = True
                    warnings.warn(f"{self.path} cannot be written ({error}); runsum keeps trying", stacklevel=3)
                del self._waiting[:-_KEPT_WRITES]
            else:
                self._waiting.clear()
                self._warned = False


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, check_same_thread=False)
    try:
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Two programs that switch one file at once: SQLite refuses the second there and then, busy timeout or not."""
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def new_run_id() -> str:
    """An id like the application's: `run-` and eight hexadecimal digits."""
    return f"run-{secrets.token_hex(4)}"


def as_json(value: object) -> str:
    """Compact JSON; what JSON does not know becomes its text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _insert(table: str, values: Mapping[str, Value], how: str = "INSERT") -> _Statement:
    return f"{how} INTO {table} ({', '.join(values)}) VALUES ({_marks(values)})", tuple(values.values())


def _update(run_id: str, values: Mapping[str, Value]) -> _Statement:
    changes = ", ".join(f"{name} = ?" for name in values)
    return f"UPDATE experiment_runs SET {changes} WHERE run_id = ?", (*values.values(), run_id)


def _marks(values: Mapping[str, Value]) -> str:
    return ", ".join("?" * len(values))
