"""What a page is before it is rendered: a path in the docs folder, a template, a frozen context."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup

from runsum.archive.archive import ArchivedRun
from runsum.chartdata import sparkline
from runsum.curve import Curve
from runsum.frozen import frozen
from runsum.model import Phrase
from runsum.traits import SPARK_POINTS, traits_of

Words = Callable[[Phrase], str]
"""Says a phrase as plain text."""
_IN_TABLES = (90, 20, SPARK_POINTS)


@frozen
class Page:
    """A Markdown page: `template` below site_template/pages, `context` a dataclass of its variables."""

    path: str
    template: str
    context: object


@frozen
class DataFile:
    """A file that is not a page: data of charts, a table."""

    path: str
    content: bytes


@frozen
class Part:
    """Pages that depend on nothing but some runs: as long as those are as they were, so are the pages.

    Attributes:
        name: no other part has it.
        runs: slugs of the runs.
        make: makes the pages and their data files.
    """

    name: str
    runs: tuple[str, ...]
    make: Callable[[], Iterable[Page | DataFile]]


@frozen
class Link:
    """A link inside the archive; `href` is made of slugs only and printed as it is."""

    text: str
    href: Markup
    note: str = ""


@frozen
class RunRow:
    """A run as a row of a table.

    Attributes:
        href: from the page the table stands on, for raw HTML.
        spark: sparkline of the reward, inline SVG, empty without one.
        place: in a ranking; 0 where it has none.
    """

    run: ArchivedRun
    href: Markup
    spark: Markup
    place: int = 0


def run_rows(runs: Sequence[ArchivedRun], up: str) -> tuple[RunRow, ...]:
    """Rows for a table on a page whose way to the docs folder is `up` ("", "../", "../../")."""
    return tuple(run_row(run, up, place=place) for place, run in enumerate(runs, start=1))


def run_row(run: ArchivedRun, up: str, spark: Markup | None = None, place: int = 0) -> RunRow:
    """One of them; with another sparkline than the usual one where it is given."""
    href = Markup(f"{up}runs/{run.digest.slug}/index.html")
    return RunRow(run, href, spark_of(run) if spark is None else spark, place)


def spark_of(run: ArchivedRun, width: int = 90, height: int = 20, points: int = SPARK_POINTS) -> Markup:
    """Sparkline of a run's reward, of a size in pixels and about so many points."""
    if (width, height, points) == _IN_TABLES:
        return Markup(traits_of(run.digest).spark)
    return _spark(run.digest.curve, width, height, points)


@lru_cache(maxsize=2_000)
def _spark(curve: Curve, width: int, height: int, points: int) -> Markup:
    """Several tables show the same run."""
    return Markup(sparkline(curve.rewards, width, height, points)) if len(curve) > 1 else Markup("")


def title_of(run: ArchivedRun) -> str:
    """Game and algorithm, as far as they are known."""
    return " · ".join(part for part in (run.digest.game, run.digest.algorithm) if part) or run.digest.label


@frozen
class Tile:
    """A number at the top of a page: key of its caption, value with the filter that prints it, small print.

    Attributes:
        term: what the caption is called in the glossary of the Methods page; empty where it needs no explanation.
    """

    caption: str
    value: object
    filter: str = "text"
    small: tuple[Phrase, ...] = ()
    missing: Phrase | None = None
    term: str = ""
