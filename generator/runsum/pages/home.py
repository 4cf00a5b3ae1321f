"""Home: totals, what is not over, what finished lately and how, what failed and why, best per game, activity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from runsum.archive.activity import Activity, Stretch, find_activity
from runsum.archive.archive import Archive, ArchivedRun, Group, SourceFacts
from runsum.archive.costs import add_costs, add_known, hours_of, steps_of
from runsum.archive.months import FINISHED, find_ending
from runsum.frozen import frozen
from runsum.model import Phrase, State, phrase
from runsum.pages.contract import Page, RunRow, Tile, run_row, spark_of
from runsum.pages.months import failure_reason, month_name
from runsum.pages.outcomes import describe_outcome

_OPEN = 6
_LATELY = 8
_FAILED = 5
_GAMES = 20
_STRETCHES = 12
_OPEN_STATES = (State.RUNNING, State.PAUSED, State.STALE, State.UNKNOWN)
"""In the order in which they are listed: first what goes on by itself, then what somebody has to look after."""


@frozen
class Listing:
    """The first lines of a list; `more` of them are on the page that `href` leads to."""

    lines: tuple[HomeLine, ...]
    more: int
    total: int
    href: Markup


@frozen
class HomeLine:
    """A run in one of the lists.

    Attributes:
        at: its end or last activity, ISO; None without any date.
        recorded: whether an end is recorded.
        words: what its state means, how it went, or why it failed.
    """

    row: RunRow
    at: str | None
    recorded: bool
    words: tuple[Phrase, ...]


@frozen
class BestLine:
    """The best run of a game."""

    game: str
    game_href: Markup
    runs: int
    row: RunRow


@frozen
class StretchLine:
    """A day, week or month of the activity.

    Attributes:
        untimed: how many of its runs are not in its hours; empty where all are, or none.
        share: its hours, in percent of the busiest one.
    """

    name: Phrase
    href: Markup | None
    runs: int
    trained_h: float | None
    untimed: tuple[Phrase, ...]
    energy_kwh: float | None
    share: float


@frozen
class HomePage:
    """Everything `home.md.j2` may use.

    Attributes:
        runs: number of all runs.
        unfinished: runs that the file does not call over.
        best: the games trained last, by name; `more_games` are on the page of all games.
        activity: newest first; `more_stretches` older ones are not here.
        by: key of the heading of the activity: its unit.
        has_energy: whether any energy was measured.
        unredacted: why redaction is off; empty when it is not.
    """

    runs: int
    tiles: tuple[Tile, ...]
    unfinished: Listing
    lately: Listing
    failed: Listing
    best: tuple[BestLine, ...]
    more_games: int
    activity: tuple[StretchLine, ...]
    more_stretches: int
    by: Phrase
    unit: Phrase
    has_energy: bool
    unredacted: str
    sources: tuple[SourceFacts, ...]


def make_pages(archive: Archive) -> Iterator[Page]:
    """The home page."""
    waiting = [run for state in _OPEN_STATES for run in _newest(archive, (state,))]
    over, failed = _newest(archive, FINISHED), _newest(archive, (State.FAILED,))
    games = [(group, group.best) for group in archive.games if group.best is not None]
    activity = find_activity(archive)
    yield Page(
        "index.md",
        "home.md.j2",
        HomePage(
            runs=len(archive.runs),
            tiles=tuple(_tiles(archive)),
            unfinished=_listing(waiting, _OPEN, _OPEN_STATES, _meaning),
            lately=_listing(over, _LATELY, FINISHED, lambda run: _outcome(run, archive)),
            failed=_listing(failed, _FAILED, (State.FAILED,), _reason),
            best=tuple(_best(group, best) for group, best in _latest_games(games)),
            more_games=max(0, len(games) - _GAMES),
            activity=tuple(_stretches(activity)),
            more_stretches=max(0, len(activity.stretches) - _STRETCHES),
            by=phrase(f"activity.by_{activity.unit}"),
            unit=phrase(f"activity.{activity.unit}"),
            has_energy=any(run.digest.energy_kwh is not None for run in archive.runs),
            unredacted=archive.redaction.reason,
            sources=archive.sources,
        ),
    )


def _newest(archive: Archive, states: Sequence[State]) -> list[ArchivedRun]:
    """Runs in one of the states, the one that ended last first."""
    return sorted((run for run in archive.runs if run.digest.state in states), key=_ended_at, reverse=True)


def _ended_at(run: ArchivedRun) -> str:
    ending = find_ending(run)
    return ending.at if ending is not None else run.digest.started_at or ""


def _listing(
    runs: Sequence[ArchivedRun], listed: int, states: Sequence[State], say: Callable[[ArchivedRun], tuple[Phrase, ...]]
) -> Listing:
    query = ",".join(sorted({str(run.digest.state) for run in runs}, key=[str(state) for state in states].index))
    return Listing(
        lines=tuple(_line(run, say(run)) for run in runs[:listed]),
        more=max(0, len(runs) - listed),
        total=len(runs),
        href=Markup(f"runs/index.html#q=state:{query}"),
    )


def _line(run: ArchivedRun, words: tuple[Phrase, ...]) -> HomeLine:
    ending = find_ending(run)
    row = run_row(run, "", spark_of(run, points=24))
    return HomeLine(row, None if ending is None else ending.at, ending is not None and ending.recorded, words)


def _meaning(run: ArchivedRun) -> tuple[Phrase, ...]:
    """What it means that a run is still open."""
    digest = run.digest
    if digest.state is State.RUNNING:
        left = run.fact("eta_note").words
        known = left is not None and left.key == "eta.running"
        return (phrase("open.running_left", hours=left.values["hours"]) if left and known else phrase("open.running"),)
    if digest.state is State.PAUSED and digest.current_timestep is None:
        return (phrase("open.paused_empty"),)
    return (phrase(f"open.{digest.state}", status=digest.status or "(empty)"),)


def _outcome(run: ArchivedRun, archive: Archive) -> tuple[Phrase, ...]:
    return describe_outcome(run, archive.find(run.kin.parent) if run.kin.parent else None, archive.thresholds)


def _reason(run: ArchivedRun) -> tuple[Phrase, ...]:
    """Why a run failed, as far as anybody wrote it down."""
    reason = failure_reason(run)
    said = [phrase("failed.no_reason") if reason is None else reason]
    if not run.digest.quality.rows:
        said.append(phrase("failed.no_rows"))
    return tuple(said)


def _latest_games(games: Sequence[tuple[Group, ArchivedRun]]) -> list[tuple[Group, ArchivedRun]]:
    """The games that somebody trained last, by name, each with its best run."""
    latest = sorted(games, key=lambda game: max(map(_ended_at, game[0].runs)), reverse=True)
    listed = {group.slug for group, _ in latest[:_GAMES]}
    return [game for game in games if game[0].slug in listed]


def _best(group: Group, best: ArchivedRun) -> BestLine:
    row = run_row(best, "", spark_of(best, width=160, height=36, points=36))
    return BestLine(group.name, Markup(f"games/{group.slug}/index.html"), len(group.runs), row)


def _stretches(activity: Activity) -> Iterator[StretchLine]:
    most = max((stretch.trained_h or 0.0 for stretch in activity.stretches), default=0.0) or 1.0
    for stretch in activity.stretches[:_STRETCHES]:
        month = stretch.begin[:7]
        by_month = activity.unit == "month"
        yield StretchLine(
            name=month_name(month) if by_month else phrase("activity.begin", begin=stretch.begin),
            href=Markup(f"digest/{month}/index.html") if by_month else None,
            runs=stretch.runs,
            trained_h=stretch.trained_h,
            untimed=_untimed(stretch),
            energy_kwh=stretch.energy_kwh,
            share=100.0 * (stretch.trained_h or 0.0) / most,
        )


def _untimed(stretch: Stretch) -> tuple[Phrase, ...]:
    partly = stretch.untimed and stretch.trained_h is not None
    return (phrase("activity.untimed", count=stretch.untimed),) if partly else ()


def _tiles(archive: Archive) -> Iterator[Tile]:
    digests = [run.digest for run in archive.runs]
    states = Counter(digest.state for digest in digests)
    unfinished = sum(states[state] for state in _OPEN_STATES)
    yield Tile("runs", len(digests), "exact", (phrase("tile.states", open=unfinished, failed=states[State.FAILED]),))
    yield Tile("games", len(archive.games), "exact")
    yield Tile("algorithms", len(archive.algorithms), "exact")
    yield Tile("lineages", len(archive.lineages), "exact", term="lineage")
    costs = add_costs(digests)
    for caption, total, how, why, term in (
        ("trained", hours_of(digests), "hours", "tile.no_hours", "trained"),
        ("timesteps", steps_of(digests), "steps", "tile.no_steps", "timestep"),
        ("GPU energy", add_known(digest.energy_kwh for digest in digests), "kwh", "tile.no_energy", "energy"),
        ("GPU-hours", costs.gpu_hours, "number", "tile.no_gpu_hours", "gpu-hours"),
        ("lost in gaps", costs.lost_h, "hours", "tile.no_gaps", "gap"),
    ):
        share = (phrase("tile.measured", count=total.count),) if total.is_part else ()
        yield Tile(caption, total.value, how, share, phrase(why), term)
