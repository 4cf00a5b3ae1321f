"""Long tables in pieces: some rows stand open, the others are folded until somebody wants them.

A browser lays out a table as a whole. One of 1,400 rows keeps a laptop busy for six seconds; of what is folded it reads
the tags and no more, and still finds a word in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from runsum.frozen import frozen
from runsum.model import Phrase, phrase

OPEN = 100
"""Rows that stand open of a long table; one that has half as many more is not long."""
FOLDED = 200
"""Rows of a folded piece at most."""
Row = TypeVar("Row")


@frozen
class Fold(Generic[Row]):
    """A piece of a table. `words`: what is folded there; None of rows that stand open."""

    words: Phrase | None
    rows: tuple[Row, ...]


def by_rank(rows: Sequence[Row], opened: int = OPEN, total: int | None = None) -> tuple[Fold[Row], ...]:
    """A table whose first rows are the ones to read; of a long one so many stand open.

    Args:
        rows: in the order of the table.
        opened: how many stand open.
        total: how many rows there are, where `rows` are not all of them.
    """
    if not rows:
        return ()
    if not _is_long(rows, opened):
        return (Fold(None, tuple(rows)),)
    return (Fold(None, tuple(rows[:opened])), *_pieces(None, rows[opened:], total or len(rows), opened))


def by_name(
    rows: Sequence[Row], name_of: Callable[[Row], str], totals: Mapping[str, int] | None = None
) -> tuple[Fold[Row], ...]:
    """A table in which somebody looks for a name: a long one is folded, each name by itself.

    Of a single name, or of a table that is not long, the first rows stand open.

    Args:
        rows: in the order of the table, which they keep within their name.
        name_of: of a game, for example; may be empty.
        totals: how many rows there are of each name, where `rows` are not all of them.
    """
    named: dict[str, list[Row]] = {}
    for row in rows:
        named.setdefault(name_of(row), []).append(row)
    counts = {name: len(some) for name, some in named.items()} | dict(totals or {})
    if not _is_long(rows, OPEN) or len(named) == 1:
        return by_rank(rows, total=sum(counts.values()))
    return tuple(
        piece
        for name in sorted(named, key=lambda name: (name.casefold(), name))
        for piece in _pieces(name, named[name], counts[name])
    )


def _is_long(rows: Sequence[object], opened: int) -> bool:
    return len(rows) > opened + opened // 2


def _pieces(name: str | None, rows: Sequence[Row], total: int, before: int = 0) -> Iterator[Fold[Row]]:
    for start in range(0, len(rows), FOLDED):
        piece = tuple(rows[start : start + FOLDED])
        first, last = before + start + 1, before + start + len(piece)
        yield Fold(
            phrase("fold.rows", name=name, first=first, last=last, count=total, whole=len(piece) == total), piece
        )
