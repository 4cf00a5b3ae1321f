"""All runs: the page of the run finder, its data file, and the same table as data/runs.csv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from runsum.archive.archive import Archive, ArchivedRun
from runsum.chartdata import data_script
from runsum.downloads import table_csv
from runsum.frozen import frozen
from runsum.model import Scalar, State
from runsum.pages.contract import DataFile, Link, Page, RunRow, Words, run_rows
from runsum.pages.run_columns import Column, find_columns

_LISTED = 25
DATA_FILE = "data/runs.js"
DATA_KEY = "runs"
CSV_COLUMNS = (
    "run_id",
    "slug",
    "page",
    "source",
    "game",
    "algorithm",
    "preset",
    "state",
    "started_at",
    "duration_h",
    "timestep",
    "total_timesteps",
    "progress_pct",
    "best_reward",
    "final_reward",
    "avg_fps",
    "lineage_root",
    "leg",
)


@frozen
class RunIndexPage:
    """Everything `run_index.md.j2` may use.

    Attributes:
        rows: the newest runs, for readers without JavaScript.
        total: number of all runs.
        more: older runs that the plain table leaves out.
        games: pages that list the others.
        states: every state, for the words of the finder.
        key: name of the data in its file.
    """

    rows: tuple[RunRow, ...]
    total: int
    more: int
    several: bool
    games: tuple[Link, ...]
    states: tuple[str, ...]
    key: str


def make_pages(archive: Archive) -> Iterator[Page]:
    """The page, with the newest runs as a table for browsers without JavaScript."""
    shown = archive.runs[:_LISTED]
    context = RunIndexPage(
        rows=run_rows(shown, "../"),
        total=len(archive.runs),
        more=len(archive.runs) - len(shown),
        several=len(archive.sources) > 1,
        games=tuple(
            Link(group.name, Markup(f"../games/{group.slug}/index.html"), str(len(group.runs)))
            for group in archive.games
        ),
        states=tuple(str(state) for state in State),
        key=DATA_KEY,
    )
    yield Page("runs/index.md", "run_index.md.j2", context)


def make_finder(archive: Archive, notes: Mapping[str, Markup], words: Words) -> Iterator[DataFile]:
    """The data of the finder.

    Args:
        archive: the runs.
        notes: the persons' notes by run id, searched by the finder.
        words: says a phrase.
    """
    yield DataFile(DATA_FILE, data_script(DATA_KEY, finder_data(archive, find_columns(archive, notes, words))))


def make_table(archive: Archive) -> Iterator[DataFile]:
    """The table for programs."""
    yield DataFile("data/runs.csv", table_csv(CSV_COLUMNS, map(_csv_row, archive.runs)))


def finder_data(archive: Archive, columns: Sequence[Column]) -> dict[str, Any]:
    """The table of all runs by columns, newest run first.

    Returns:
        `count` of the runs; `slugs`: folders by row where they are not the value of the column "run"; `columns`: their
        descriptions with the values, see :func:`packed`.
    """
    return {
        "count": len(archive.runs),
        "slugs": {
            place: run.digest.slug for place, run in enumerate(archive.runs) if run.digest.slug != run.digest.run_id
        },
        "columns": [
            {
                "name": column.name,
                "title": column.title,
                "kind": column.kind,
                "format": column.format,
                "group": column.group,
                "facet": column.is_facet,
                "shown": column.is_shown,
            }
            | packed(column.values, as_places=column.is_facet)
            for column in columns
        ],
    }


def packed(values: Sequence[Scalar | tuple[str, ...]], *, as_places: bool = False) -> dict[str, Any]:
    """A column in the shorter of two forms.

    Args:
        values: one for each row.
        as_places: whether it has to be the second form, as a facet counts the distinct values, however few repeat.

    Returns:
        `values` themselves, null where missing; or, where they repeat, the `distinct` ones and for each row its place
        among them, counted from 1 (0: missing). Rows of several words have a list of places.
    """
    if tuple in set(map(type, values)):
        words = {word: place for place, word in enumerate(_distinct(values), start=1)}
        places = [[words[word] for word in value] if isinstance(value, tuple) else [] for value in values]
        return {"distinct": list(words), "places": places}
    distinct = dict.fromkeys(values)
    distinct.pop(None, None)
    if not as_places and len(distinct) > max(len(values) // 3, 1):
        return {"values": list(values)}
    place_of = {value: place for place, value in enumerate(distinct, start=1)} | {None: 0}
    return {"distinct": list(distinct), "places": [place_of[value] for value in values]}


def _distinct(values: Sequence[Scalar | tuple[str, ...]]) -> dict[str, None]:
    return dict.fromkeys(word for value in values if isinstance(value, tuple) for word in value)


def _csv_row(run: ArchivedRun) -> tuple[object, ...]:
    digest = run.digest
    return (
        digest.run_id,
        digest.slug,
        f"runs/{digest.slug}/index.html",
        digest.source,
        digest.game,
        digest.algorithm,
        digest.preset,
        str(digest.state),
        digest.started_at,
        _rounded(digest.duration_h),
        digest.current_timestep,
        digest.target_timesteps,
        _rounded(digest.progress_pct),
        digest.best_reward,
        digest.final_reward,
        _rounded(digest.avg_fps),
        run.kin.root,
        run.kin.leg,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
