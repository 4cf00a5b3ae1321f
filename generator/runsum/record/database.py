"""The one part that writes into a run database: a run, its rows, its end."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from runsum.errors import DatabaseError
from runsum.record.schema import prepare

Value = str | int | float | None

_BUSY_MS = 30_000
_KEPT_ROWS = 10_000


def now() -> str:
    """This moment as the application writes it: the machine's own clock, ISO 8601 without an offset."""
    return datetime.now().isoformat()


class RunLog:
    """Writes runs into one database file.

    A training must not end because its record cannot be written: from the first row on, rows that a locked file or
    a full disk refuses are kept and written with the next one, and a warning says so once.

    Args:
        path: the database; made when missing. One that Retro ML Desktop made gets the newest columns.

    Raises:
        DatabaseError: the file cannot be opened, is no database or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[tuple[str, tuple[Value, ...]]] = []
        self._warned = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # autocommit is off: every write below is one transaction
            self._connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            prepare(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(
                f"{path} cannot be used to record runs: {error}",
                "Name a new file, or an ml_experiments.db that can be written to",
            ) from error

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

    def begin(self, values: Mapping[str, Value]) -> None:
        """Insert a run.

        Raises:
            DatabaseError: the row cannot be written; nothing has been trained yet, so this is the time to say it.
        """
        names = ", ".join(values)
        try:
            with self._connection:
                self._connection.execute(
                    f"INSERT INTO experiment_runs ({names}) VALUES ({_marks(values)})", tuple(values.values())
                )
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.path}: the run cannot be recorded: {error}", "Check the file") from error

    def update(self, run_id: str, values: Mapping[str, Value]) -> None:
        """Change columns of a run."""
        changes = ", ".join(f"{name} = ?" for name in values)
        self._write((f"UPDATE experiment_runs SET {changes} WHERE run_id = ?", (*values.values(), run_id)))

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
        changes = ", ".join(f"{name} = ?" for name in run)
        self._write(
            (f"INSERT OR REPLACE INTO training_metrics ({', '.join(row)}) VALUES ({_marks(row)})", tuple(row.values())),
            (f"UPDATE experiment_runs SET {changes} WHERE run_id = ?", (*run.values(), run_id)),
        )

    def add_gpu_sample(self, sample: Mapping[str, Value]) -> None:
        """Add one sample of the GPU."""
        self._write((f"INSERT INTO gpu_metrics ({', '.join(sample)}) VALUES ({_marks(sample)})", (*sample.values(),)))

    def add_annotation(self, run_id: str, axes: str, x: float, y: float, text: str) -> None:
        """Add a person's note to a chart."""
        moment = datetime.now()
        values: dict[str, Value] = {
            "annotation_id": f"ann_{moment:%Y%m%d_%H%M%S_%f}_{secrets.token_hex(2)}",
            "run_id": run_id, "axes_name": axes, "x": x, "y": y, "text": text, "created_at": moment.isoformat(),
        }  # fmt: skip
        self._write((f"INSERT INTO chart_annotations ({', '.join(values)}) VALUES ({_marks(values)})",
                     (*values.values(),)))  # fmt: skip

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
        self._write()
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _write(self, *statements: tuple[str, tuple[Value, ...]]) -> None:
        self._waiting += statements
        try:
            with self._connection:
                for statement, values in self._waiting:
                    self._connection.execute(statement, values)
        except sqlite3.Error as error:
            if not self._warned:
                self._warned = True
                warnings.warn(f"{self.path} cannot be written ({error}); runsum keeps trying", stacklevel=2)
            del self._waiting[:-_KEPT_ROWS]
        else:
            self._waiting.clear()


def new_run_id() -> str:
    """An id like the application's: `run-` and eight hexadecimal digits."""
    return f"run-{secrets.token_hex(4)}"


def as_json(value: object) -> str:
    """Compact JSON; what JSON does not know becomes its text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _marks(values: Mapping[str, Value]) -> str:
    return ", ".join("?" * len(values))
