"""Which rows of a large table belong to which run, and whether they are as they were: a look, not a reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from runsum.frozen import frozen
from runsum.source.leaf_rows import Extent
from runsum.source.leaves import Leaves, PagedFile

LARGE_TABLES = ("training_metrics", "gpu_metrics")
_THIN = 4.0  # of that many rows, one may be the run's own for its leaves to be read
_FEW = 0.2  # of the runs: so many are asked for one by one, more in one scan


class Span(NamedTuple):
    """The rows of one run in one table: smallest and largest rowid, and how many there are in it."""

    first: int
    last: int
    rows: int


@frozen
class TableLook:
    """One look at a large table.

    Attributes:
        spans: by run id as it is stored.
        leaves: None where the file could not be looked into; its rows are then never taken for known.
    """

    spans: Mapping[str, Span] = field(default_factory=dict)
    leaves: Leaves | None = None

    def stamps(self) -> dict[str, str | None]:
        """By run a text that changes with its rows; None where that cannot be told."""
        if self.leaves is None:
            return dict.fromkeys(self.spans)
        first = np.array([span.first for span in self.spans.values()], dtype=np.int64)
        last = np.array([span.last for span in self.spans.values()], dtype=np.int64)
        sums = self.leaves.stamps(first, last).tolist()
        return {
            run: f"{span.rows}-{span.first}-{span.last}-{total:016x}"
            for (run, span), total in zip(self.spans.items(), sums, strict=True)
        }

    def extents(self, runs: Sequence[str]) -> dict[str, Extent]:
        """Where the rows of runs lie, of those whose rows lie close enough together to be read from there."""
        if self.leaves is None or not self.spans:
            return {}
        spans = {run: self.spans[run] for run in runs if run in self.spans}
        first = np.array([span.first for span in spans.values()], dtype=np.int64)
        last = np.array([span.last for span in spans.values()], dtype=np.int64)
        density = sum(span.rows for span in self.spans.values()) / len(self.leaves.last)
        return {
            run: Extent(self.leaves.pages[begin:end], span.rows)
            for (run, span), begin, end in zip(spans.items(), *self.leaves.between(first, last), strict=True)
            if (end - begin - 2) * density <= _THIN * span.rows
        }

    def whole(self) -> str | None:
        """A text that changes with any row of the table."""
        return (
            None if self.leaves is None else f"{len(self.leaves.last)}-{int(np.bitwise_xor.reduce(self.leaves.sums))}"
        )


def look_into(connection: sqlite3.Connection, path: Path) -> dict[str, Leaves]:
    """The leaves of the large tables, to be called before a transaction begins to read.

    Args:
        connection: an open database.
        path: the file behind it.
    """
    roots = {
        str(name): int(root)
        for name, root, kind in connection.execute("SELECT name, rootpage, sql FROM sqlite_master WHERE type = 'table'")
        if name in LARGE_TABLES and root and "WITHOUT ROWID" not in str(kind).upper()
    }
    try:
        with PagedFile(path) as file:
            return {name: file.leaves(root) for name, root in roots.items()}
    except (OSError, ValueError, IndexError):
        return {}  # what cannot be looked into is read instead


def look_at(
    connection: sqlite3.Connection, table: str, leaves: Leaves | None, indexed: bool, earlier: TableLook | None
) -> TableLook:
    """Find the rows of every run; where an earlier look is given, only what has changed since is asked for.

    Args:
        connection: the database, inside the transaction that will read the rows.
        table: a table with a column run_id.
        leaves: its leaves, looked at before that transaction began.
        indexed: whether the table has an index on run_id.
        earlier: the look of an earlier build at the same file.
    """
    if leaves is not None and earlier is not None and earlier.leaves is not None and indexed:
        changed = leaves.changed(earlier.leaves)
        touched = {run for run, span in earlier.spans.items() if any(_meets(span, part) for part in changed)}
        for begin, end in changed:
            found = connection.execute(f"SELECT DISTINCT run_id FROM {table} WHERE rowid BETWEEN ? AND ?", (begin, end))
            touched |= {str(run) for (run,) in found}
        if len(touched) <= max(20, _FEW * len(earlier.spans)):
            spans = {run: span for run, span in earlier.spans.items() if run not in touched}
            again = _spans(connection, table, " WHERE run_id IS ?", sorted(touched))
            if again.keys() == touched:  # else rows were deleted, or a name is no text: both are rare
                return TableLook(spans | again, leaves)
    return TableLook(_spans(connection, table, "", [None]), leaves)


def _spans(connection: sqlite3.Connection, table: str, where: str, runs: Iterable[str | None]) -> dict[str, Span]:
    query = f"SELECT run_id, MIN(rowid), MAX(rowid), COUNT(*) FROM {table}{where} GROUP BY run_id ORDER BY run_id"
    spans: dict[str, Span] = {}
    for run in runs:
        for stored, first, last, rows in connection.execute(query, (run,) if where else ()):
            name, span = str(stored), Span(int(first), int(last), int(rows))
            other = spans.get(name)  # a number and its text are one name
            spans[name] = span if other is None else _together(span, other)
    return spans


def _meets(span: Span, part: tuple[int, int]) -> bool:
    return span.first <= part[1] and part[0] <= span.last


def _together(one: Span, other: Span) -> Span:
    return Span(min(one.first, other.first), max(one.last, other.last), one.rows + other.rows)
