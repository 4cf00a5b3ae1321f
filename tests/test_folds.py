"""Long tables in pieces: which rows stand open, and what is said of those that do not."""

from __future__ import annotations

from collections.abc import Sequence

from runsum.pages.folds import FOLDED, OPEN, Fold, by_name, by_rank
from runsum.render import Renderer
from runsum.resources import template_folder

RENDERER = Renderer(template_folder())


def told(folds: Sequence[Fold[int]]) -> list[tuple[str, int, int]]:
    """What each piece is called, its first row and how many it has."""
    return [(RENDERER.words(fold.words) if fold.words else "", fold.rows[0], len(fold.rows)) for fold in folds]


def test_a_short_table_is_whole() -> None:
    """As one piece that stands open; of nothing there is none."""
    assert told(by_rank(range(150))) == told(by_name(range(150), str)) == [("", 0, 150)]
    assert [count for _, _, count in told(by_rank(range(151)))] == [100, 51]
    assert [count for _, _, count in told(by_rank(range(75), 50))] == [75]
    assert by_rank(()) == by_name((), str) == ()


def test_a_ranking_begins_open() -> None:
    """Every row is in one piece, and the words count as the table does."""
    assert told(by_rank(range(1_350))) == [
        ("", 0, OPEN),
        ("101 to 300 of 1,350", 100, FOLDED),
        ("301 to 500 of 1,350", 300, FOLDED),
        ("501 to 700 of 1,350", 500, FOLDED),
        ("701 to 900 of 1,350", 700, FOLDED),
        ("901 to 1,100 of 1,350", 900, FOLDED),
        ("1,101 to 1,300 of 1,350", 1_100, FOLDED),
        ("1,301 to 1,350 of 1,350", 1_300, 50),
    ]


def test_names_are_folded_each_by_itself() -> None:
    """In the order of the alphabet; rows keep theirs. Where there are more of a name than rows, that is said."""
    rows = [*range(200), *range(1_000, 1_250)]
    found = by_name(rows, lambda row: "Pong" if row < 1_000 else "breakout", {"breakout": 250, "Pong": 900})
    assert told(found) == [
        ("breakout (1 to 200 of 250)", 1_000, FOLDED),
        ("breakout (201 to 250 of 250)", 1_200, 50),
        ("Pong (1 to 200 of 900)", 0, 200),
    ]
    assert told(by_name(rows, lambda row: "Pong" if row < 1_000 else "breakout"))[-1] == ("Pong (200)", 0, 200)


def test_a_single_name_is_no_heading() -> None:
    """Of an archive with one game the first rows stand open."""
    assert told(by_name(range(300), lambda _: "Pong")) == [("", 0, OPEN), ("101 to 300 of 300", 100, 200)]
    assert told(by_name(range(300), lambda _: "Pong", {"Pong": 900}))[-1] == ("101 to 300 of 900", 100, 200)
    assert told(by_rank(range(300), total=900))[-1] == ("101 to 300 of 900", 100, 200)


def test_rows_without_a_name_are_said_to_be() -> None:
    """A number alone would be no heading."""
    found = by_name(range(200), lambda row: "Pong" if row < 80 else "")
    assert told(found) == [("no game recorded (120)", 80, 120), ("Pong (80)", 0, 80)]
