"""The rows of a run straight from the leaf pages of its table, column by column.

SQLite hands rows to Python value by value: a run of a thousand rows is 26,000 objects, which are then put back into
columns. Here the records are taken apart by NumPy, all of a run at once (https://www.sqlite.org/fileformat2.html,
sections 1.6 and 2.1), several times as fast. Whatever is unusual raises `UnusualRowsError`, and SQLite is asked.

Only for files that nobody writes to while they are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runsum.frozen import frozen
from runsum.source.leaves import Bytes, Numbers, PagedFile, varints

Floats = NDArray[np.float64]
Texts = NDArray[np.bytes_]

_LEAF, _HEAD = 13, 8  # kind of a leaf page of a table, and bytes before its cell pointers
_OVERFLOW = 35  # a payload longer than a page less these bytes goes on elsewhere
_LEFT, _RIGHT = 16, 16  # zeros around the pages, so that a wide look at a narrow number stays inside
_ONE_BYTE = 128  # a serial type below needs one byte
_NULL, _DOUBLE, _ZERO, _ONE, _TEXT = 0, 7, 8, 9, 13
_INTEGERS = {  # serial type: how a number is looked at, bytes to step back for it, bits that are not its own
    1: (">i1", 0, 0), 2: (">i2", 0, 0), 3: (">i4", 1, 8), 4: (">i4", 0, 0), 5: (">i8", 2, 16), 6: (">i8", 0, 0),
}  # fmt: skip
_LENGTHS = np.array(
    [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0, *((kind - 12) // 2 for kind in range(12, _ONE_BYTE))], dtype=np.int64
)


class UnusualRowsError(ValueError):
    """Rows that only SQLite should read; never seen outside of this room and the one that reads rows."""


@frozen
class Layout:
    """How the rows of a table are stored.

    Attributes:
        columns: in the order of their storage.
        rowid: the column that is the rowid itself; None if there is none.
        defaults: columns that have a value in rows which were written before the column was added.
    """

    columns: tuple[str, ...]
    rowid: str | None
    defaults: frozenset[str]


@frozen
class Extent:
    """Where the rows of a run lie.

    Attributes:
        pages: the leaf pages that can hold them in the order of their rows, shape (n,).
        rows: how many rows the run has there.
    """

    pages: Numbers
    rows: int


@frozen
class Columns:
    """Columns of the rows of one run in the order of their rowid.

    Attributes:
        numbers: by name, NaN where NULL, shape (rows,) each.
        texts: by name, empty where NULL, shape (rows,) each.
    """

    numbers: Mapping[str, Floats]
    texts: Mapping[str, Texts]


def layout_of(connection: sqlite3.Connection, table: str) -> Layout | None:
    """The layout of a table; None where its rows are not stored in a way that is known here."""
    found = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    encoding = connection.execute("PRAGMA encoding").fetchone()
    if found is None or encoding != ("UTF-8",) or "COLLATE" in str(found[0]).upper():
        return None
    columns = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
    if any(hidden for *_, hidden in columns):  # generated columns, of which some are not stored
        return None
    keys = [(str(name), str(kind).upper()) for _, name, kind, _, _, key, _ in columns if key]
    is_rowid = len(keys) == 1 and keys[0][1] == "INTEGER" and "DESC" not in str(found[0]).upper()
    kinds = {str(name): str(kind).upper() for _, name, kind, *_ in columns}
    if not any(word in kinds.get("run_id", "") for word in ("TEXT", "CHAR", "CLOB")):
        return None  # a number and its text would be the same run
    return Layout(
        tuple(kinds),
        keys[0][0] if is_rowid else None,
        frozenset(str(name) for _, name, _, _, default, *_ in columns if default is not None),
    )


@contextmanager
def read_leaves(path: Path, layouts: Mapping[str, Layout]) -> Iterator[LeafRows | None]:
    """Open a file to read rows from its pages; None where that is not possible, or some stand in a write-ahead log."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(PagedFile(path))
        except (OSError, ValueError):
            yield None
        else:
            yield None if file.has_log else LeafRows(file, path, layouts)


class LeafRows:
    """Reads the rows of runs from a file.

    Args:
        file: the database; it must have no write-ahead log.
        path: where it lies.
        layouts: of the tables that are to be read.
    """

    def __init__(self, file: PagedFile, path: Path, layouts: Mapping[str, Layout]) -> None:
        self.path = path
        self.layouts = layouts
        self._file = file

    def read(self, table: str, extent: Extent, run_id: str, numbers: Sequence[str], texts: Sequence[str]) -> Columns:
        """Some columns of the rows of a run; a number that the table does not have is NaN everywhere.

        Args:
            table: the table.
            extent: where its rows lie.
            run_id: its id as it is stored.
            numbers: columns that are to hold numbers.
            texts: columns that are to hold short texts.

        Raises:
            UnusualRowsError: the table or a row is of another form.
        """
        layout = self.layouts.get(table)
        if layout is None or "\0" in run_id or any(name not in layout.columns for name in texts):
            raise UnusualRowsError
        try:
            cells = _Cells(self._file.pages(extent.pages), layout)
            cells.select(run_id.encode())
            if len(cells) != extent.rows:
                raise UnusualRowsError
            return Columns(cells.numbers(numbers), {name: cells.texts(name) for name in texts})
        except (IndexError, OSError, ValueError) as error:  # a damaged page: SQLite says it better
            raise UnusualRowsError from error


class _Cells:
    """The records of some leaf pages: of each its rowid, and the kind and place of every value."""

    def __init__(self, pages: Bytes, layout: Layout) -> None:
        self._layout = layout
        self._bytes = np.zeros(pages.size + _LEFT + _RIGHT, dtype=np.uint8)
        self._bytes[_LEFT : _LEFT + pages.size] = pages.ravel()
        if not len(pages) or (pages[:, 0] != _LEAF).any():
            raise UnusualRowsError
        counts = pages[:, 3].astype(np.int64) << 8 | pages[:, 4]
        begins = _LEFT + pages.shape[1] * np.arange(len(pages), dtype=np.int64)
        ends = np.cumsum(counts)
        which = np.arange(int(ends[-1])) + np.repeat(_HEAD // 2 - ends + counts, counts)  # 4, 5, … on every page
        begins = np.repeat(begins, counts)
        cells = begins + self._look(">u2")[begins + 2 * which]
        lengths, cells = varints(self._bytes, cells)
        self._rowids, cells = varints(self._bytes, cells)
        heads = self._bytes[cells].astype(np.int64)
        width = len(layout.columns)
        if lengths.size and (int(lengths.max()) > pages.shape[1] - _OVERFLOW or int(heads.max()) > width + 1):
            raise UnusualRowsError
        self._kinds = self._bytes[cells[:, None] + np.arange(1, width + 1)]
        if heads.size and int(heads.min()) <= width:  # rows that are older than a column
            self._kinds[np.arange(width) >= heads[:, None] - 1] = _NULL
            newest = layout.columns[int(heads.min()) - 1 :]
            if layout.defaults & frozenset(newest):
                raise UnusualRowsError
        if (self._kinds >= _ONE_BYTE).any():
            raise UnusualRowsError
        sizes = _LENGTHS[self._kinds]
        self._places = np.cumsum(sizes, axis=1) - sizes + (cells + heads)[:, None]

    def __len__(self) -> int:
        return len(self._rowids)

    def _look(self, kind: str) -> NDArray[Any]:
        """The bytes as values of a kind, one that begins at each of them."""
        return np.ndarray((len(self._bytes) - np.dtype(kind).itemsize + 1,), kind, self._bytes, 0, (1,))

    def select(self, run_id: bytes) -> None:
        """Keep the rows of one run."""
        column = self._layout.columns.index("run_id")
        kinds, places = self._kinds[:, column], self._places[:, column]
        mine = np.flatnonzero(kinds == min(_TEXT + 2 * len(run_id), 255))
        if run_id:
            mine = mine[self._look(f"S{len(run_id)}")[places[mine]] == run_id]
        if len(mine) < len(self._rowids):
            self._rowids, self._kinds, self._places = self._rowids[mine], self._kinds[mine], self._places[mine]

    def numbers(self, names: Sequence[str]) -> dict[str, Floats]:
        """Columns of numbers, shape (rows,) each."""
        here = {name: place for place, name in enumerate(self._layout.columns)}
        wanted = [here[name] for name in names if name in here]
        kinds = np.ascontiguousarray(self._kinds[:, wanted].T)
        values = np.full(kinds.shape, np.nan)
        flat, places = values.ravel(), np.ascontiguousarray(self._places[:, wanted].T).ravel()
        seen = np.bincount(kinds.ravel(), minlength=_ONE_BYTE)
        if seen[_ONE + 1 :].any():  # texts and bytes among the numbers
            raise UnusualRowsError
        for kind in np.flatnonzero(seen[:_TEXT]).tolist():
            found = np.flatnonzero(kinds.ravel() == kind)
            if kind in (_ZERO, _ONE):
                flat[found] = kind - _ZERO
            elif kind == _DOUBLE:
                flat[found] = self._look(">f8")[places[found]]
            elif kind != _NULL:
                form, back, foreign = _INTEGERS[kind]
                whole = self._look(form)[places[found] - back].astype(form[1:])
                flat[found] = (whole << foreign) >> foreign if foreign else whole
        read = dict(zip((name for name in names if name in here), values, strict=True))
        rowid = self._layout.rowid
        if rowid in read:
            if self._kinds[:, here[str(rowid)]].any():
                raise UnusualRowsError
            read[str(rowid)] = self._rowids.astype(np.float64)
        nothing = np.full(len(self), np.nan)
        return {name: read[name] if name in read else nothing.copy() for name in names}

    def texts(self, name: str) -> Texts:
        """A column of texts, shape (rows,)."""
        column = self._layout.columns.index(name)
        kinds, places = self._kinds[:, column], self._places[:, column]
        seen = np.flatnonzero(np.bincount(kinds, minlength=_ONE_BYTE)).tolist()
        longest = max((int(_LENGTHS[kind]) for kind in seen), default=0)
        if len(seen) == 1 and seen[0] > _TEXT and seen[0] % 2:
            return np.asarray(self._look(f"S{longest}")[places])
        read = np.zeros(len(self), dtype=f"S{max(longest, 1)}")
        for kind in seen:
            if kind in (_NULL, _TEXT):
                continue
            if kind < _TEXT or kind % 2 == 0:
                raise UnusualRowsError
            found = np.flatnonzero(kinds == kind)
            read[found] = self._look(f"S{_LENGTHS[kind]}")[places[found]]
        return read
