"""Home: what needs attention, what happened lately, best per game, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from runsum.archive.archive import Archive, ArchivedRun, SourceFacts
from runsum.model import Phrase, State, phrase
from runsum.pages.contract import Page, RunRow, Tile, page_href, run_rows, spark_of

_RECENT = 10
_ATTENTION = 12
_MONTHS = 24


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """A run that somebody should look at, and why."""

    row: RunRow
    why: Phrase


@dataclass(frozen=True, slots=True)
class BestRow:
    """The best run of a game."""

    game: str
    game_href: str
    runs: int
    row: RunRow


@dataclass(frozen=True, slots=True)
class Month:
    """Runs and hours of a month; `share` of the busiest month in percent."""

    name: str
    runs: int
    hours: float
    share: float


@dataclass(frozen=True, slots=True)
class HomePage:
    """Everything `home.md.j2` may use."""

    tiles: tuple[Tile, ...]
    attention: tuple[AttentionRow, ...]
    attention_more: int
    recent: tuple[RunRow, ...]
    best: tuple[BestRow, ...]
    months: tuple[Month, ...]
    sources: tuple[SourceFacts, ...]
    runs: int


def make_pages(archive: Archive) -> Iterator[Page]:
    """The home page."""
    waiting = [run for run in archive.runs if _why(run) is not None]
    yield Page(
        "index.md",
        "home.md.j2",
        HomePage(
            tiles=tuple(_tiles(archive)),
            attention=tuple(
                AttentionRow(_row(run), why) for run in waiting[:_ATTENTION] if (why := _why(run)) is not None
            ),
            attention_more=max(0, len(waiting) - _ATTENTION),
            recent=run_rows(archive.runs[:_RECENT], ""),
            best=tuple(_best(archive)),
            months=tuple(_months(archive)),
            sources=archive.sources,
            runs=len(archive.runs),
        ),
    )


def _row(run: ArchivedRun) -> RunRow:
    return RunRow(run, page_href(run, ""), spark_of(run))


def _why(run: ArchivedRun) -> Phrase | None:
    digest = run.digest
    if digest.state is State.FAILED:
        if digest.quality.rows == 0:
            return phrase("attention.failed_at_once")
        if digest.progress_pct is None:
            return phrase("attention.failed_open")
        return phrase("attention.failed", progress=digest.progress_pct)
    if digest.state is State.RUNNING:
        return None
    if digest.state.is_open or digest.state is State.UNKNOWN:
        return phrase(f"attention.{digest.state}", at=digest.last_activity_at or digest.started_at or "unknown")
    return None


def _tiles(archive: Archive) -> Iterator[Tile]:
    digests = [run.digest for run in archive.runs]
    yield Tile("runs", len(digests), "exact")
    yield Tile("games", len(archive.games), "exact")
    yield Tile("lineages", len(archive.lineages), "exact")
    yield Tile("trained", sum(d.trained_h or 0.0 for d in digests), "hours")
    yield Tile(
        "timesteps",
        sum((d.current_timestep or d.start_timestep) - d.start_timestep for d in digests),
        "steps",
    )
    energy = [d.energy_kwh for d in digests if d.energy_kwh is not None]
    yield Tile("GPU energy", f"{sum(energy):.2f} kWh" if energy else None, "text", (), phrase("tile.no_energy"))


def _best(archive: Archive) -> Iterator[BestRow]:
    for group in archive.games:
        best = group.runs[0]
        if best.digest.best_reward is not None:
            yield BestRow(group.name, f"games/{group.slug}/index.html", len(group.runs), _row(best))


def _months(archive: Archive) -> Iterator[Month]:
    runs: Counter[str] = Counter()
    hours: Counter[str] = Counter()
    for run in archive.runs:
        month = (run.digest.started_at or "")[:7]
        if len(month) == 7:
            runs[month] += 1
            hours[month] += run.digest.trained_h or 0.0  # type: ignore[assignment]
    latest = sorted(runs)[-_MONTHS:]
    most = max((hours[m] for m in latest), default=0.0) or 1.0
    for month in reversed(latest):
        yield Month(month, runs[month], float(hours[month]), 100.0 * hours[month] / most)
