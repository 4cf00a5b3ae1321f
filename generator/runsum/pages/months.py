"""The digest: month by month what finished, what set a new best of its game, what failed or got worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from markupsafe import Markup

from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.months import DatedRun, Month, NewBest, Regression, find_months
from runsum.frozen import frozen
from runsum.model import Phrase, phrase
from runsum.pages.contract import Page, RunRow, run_row
from runsum.pages.folds import Fold, by_rank

_IN_FULL = 3
_LISTED_HERE = 20
_LISTED_ON_MONTH = 200
_OPEN = 50  # of each list: whoever looks for the next one shall not have to pass two hundred runs
_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHORT = {
    "error.log": "digest.failed_log",
    "error.note": "digest.failed_note",
    "error.recorded": "digest.failed_recorded",
    "error.stale_guard": "digest.failed_guard",
}
_SLIPPED = {
    "finding.reward_fell_from_start": "digest.from_start",
    "finding.reward_below_best": "digest.below_best",
    "finding.reward_falling": "digest.falling",
}
Line = TypeVar("Line")
Entry = TypeVar("Entry")


@frozen
class Listing(Generic[Line]):
    """The first lines of a list; `more` of them are only on the page that the list leads on to."""

    lines: tuple[Line, ...]
    more: int

    @property
    def folds(self) -> tuple[Fold[Line], ...]:
        """The lines, those of a long list in pieces."""
        return by_rank(self.lines, _OPEN)


@frozen
class RunLine:
    """A run of a month.

    Attributes:
        at: when it ended, ISO; or the last activity where `recorded` is false.
        small: what qualifies that time.
        why: for failed runs what is on record about it, for runs that got worse what did; one or two.
    """

    row: RunRow
    at: str
    recorded: bool
    small: tuple[Phrase, ...]
    why: tuple[Phrase, ...] = ()


@frozen
class BestLine:
    """A new best: the game, and the run that held the best before (None: the first result).

    Attributes:
        captured: that large rewards of an earlier run were lost; of the run itself its best says so.
        rewarded: for what it was rewarded; None where all runs of the game were rewarded alike.
    """

    line: RunLine
    game_href: Markup
    before: RunRow | None
    captured: Phrase | None
    rewarded: Phrase | None
    environment: str | None


@frozen
class MonthPart:
    """A month in full. `stopped`: how many of the finished ones; `more_href`: the page with the other lines."""

    name: Phrase
    numbers: tuple[Phrase, ...]
    finished: Listing[RunLine]
    stopped: int
    new_bests: Listing[BestLine]
    first_results: Listing[BestLine]
    failed: Listing[RunLine]
    worse: Listing[RunLine]
    still_open: Listing[RunLine]
    more_href: Markup


@frozen
class MonthLink:
    """The name of a month and its page."""

    name: Phrase
    href: Markup


@frozen
class MonthLine:
    """A month as a line of the table of all months."""

    link: MonthLink
    month: Month
    finished: int
    stopped: int
    failed: int
    still_open: int
    new_bests: int
    worse: int


@frozen
class DigestPage:
    """Everything `digest.md.j2` may use, on the page of all months and on that of one.

    Attributes:
        title: name of the month; None on the page of all months.
        lines: all months.
        parts: the months that stand here in full.
        undated: runs without any date.
        older, newer: the months beside this one.
    """

    title: Phrase | None
    lines: tuple[MonthLine, ...]
    parts: tuple[MonthPart, ...]
    undated: Listing[RunRow]
    older: MonthLink | None
    newer: MonthLink | None


def make_pages(archive: Archive) -> Iterator[Page]:
    """The page of all months, and one of each."""
    found = find_months(archive)
    months = found.months
    nobody: Listing[RunRow] = Listing((), 0)
    yield Page(
        "digest/index.md",
        "digest.md.j2",
        DigestPage(
            title=None,
            lines=tuple(_month_line(month) for month in months),
            parts=tuple(
                _Lists("../", _LISTED_HERE, Markup(f"{month.name}/index.md")).part(month) for month in months[:_IN_FULL]
            ),
            undated=_cut(found.undated, _LISTED_HERE, lambda run: _row(run, "../")),
            older=None,
            newer=None,
        ),
    )
    for place, month in enumerate(months):
        yield Page(
            f"digest/{month.name}/index.md",
            "digest.md.j2",
            DigestPage(
                title=month_name(month.name),
                lines=(),
                parts=(_Lists("../../", _LISTED_ON_MONTH, Markup("../../runs/index.md")).part(month),),
                undated=nobody,
                older=_beside(months[place + 1 : place + 2]),
                newer=_beside(months[max(0, place - 1) : place]),
            ),
        )


def month_name(name: str) -> Phrase:
    """Year and month as people say it: 2025-12 is "December 2025"."""
    return phrase(f"month.{_NAMES[int(name[5:7]) - 1]}", year=int(name[:4]))


def failure_reason(run: ArchivedRun) -> Phrase | None:
    """Why a run failed, in fewer words than on its own page; None where nobody wrote it down."""
    said = run.fact("error_summary_if_failed").words
    return None if said is None else Phrase(_SHORT.get(said.key, said.key), said.values)


def _beside(months: Sequence[Month]) -> MonthLink | None:
    return MonthLink(month_name(months[0].name), Markup(f"../{months[0].name}/index.md")) if months else None


def _month_line(month: Month) -> MonthLine:
    return MonthLine(
        link=MonthLink(month_name(month.name), Markup(f"{month.name}/index.html")),
        month=month,
        finished=len(month.finished) - month.stopped,
        stopped=month.stopped,
        failed=len(month.failed),
        still_open=len(month.still_open),
        new_bests=len(month.new_bests),
        worse=len(month.regressions),
    )


@frozen
class _Lists:
    """Makes the lists of a month for a page: the way to the docs folder, how many lines, where the others are."""

    up: str
    listed: int
    more_href: Markup

    def part(self, month: Month) -> MonthPart:
        return MonthPart(
            name=month_name(month.name),
            numbers=tuple(_numbers(month)),
            finished=_cut(month.finished, self.listed, self._line),
            stopped=month.stopped,
            new_bests=_cut(month.new_bests, self.listed, self._best),
            first_results=_cut(month.first_results, self.listed, self._best),
            failed=_cut(month.failed, self.listed, self._failed),
            worse=_cut(month.regressions, self.listed, self._worse),
            still_open=_cut(month.still_open, self.listed, self._line),
            more_href=self.more_href,
        )

    def _line(self, item: DatedRun, why: tuple[Phrase, ...] = ()) -> RunLine:
        ending = item.ending
        small = item.run.fact("end_time_or_in_progress").small if ending.recorded else ()
        return RunLine(_row(item.run, self.up), ending.at, ending.recorded, small, why)

    def _failed(self, item: DatedRun) -> RunLine:
        reason = failure_reason(item.run)
        silent = (phrase("failed.no_rows"),) if item.run.digest.quality.rows == 0 else ()
        return self._line(item, silent if reason is None else (reason, *silent))

    def _best(self, item: NewBest) -> BestLine:
        run = item.dated.run
        return BestLine(
            line=self._line(item.dated),
            game_href=Markup(f"{self.up}games/{run.game_page}/index.html"),
            before=_row(item.before, self.up) if item.before else None,
            captured=phrase("reward.digits_lost") if item.captured and not run.digest.lost_rewards else None,
            rewarded=None if item.rewarded is None else phrase("digest.rewarded", items=list(item.rewarded)),
            environment=item.environment,
        )

    def _worse(self, item: Regression) -> RunLine:
        digest = item.dated.run.digest
        why = []
        if item.parent is not None:
            parent = item.parent.digest
            level, before = digest.signals.get("level"), parent.signals.get("level")
            why.append(phrase("digest.below_parent", level=level, parent=parent.run_id, before=before))
        if item.fell:
            why.append(phrase("digest.fell", best=digest.best_reward, final=digest.final_reward))
        if item.slipped is not None:
            reason = item.slipped.reason
            why.append(Phrase(_SLIPPED[reason.key], reason.values))
        return self._line(item.dated, tuple(why))


def _numbers(month: Month) -> Iterator[Phrase]:
    """The month in one sentence, and what is missing in it."""
    if not month.runs:
        yield phrase("digest.begun", begun=month.begun)
        return
    yield phrase(
        "digest.numbers",
        begun=month.begun,
        finished=len(month.finished) - month.stopped,
        stopped=month.stopped,
        failed=len(month.failed),
        open=len(month.still_open),
        hours=month.trained.value,
        steps=month.timesteps.value,
    )
    if untimed := len(month.runs) - month.trained.count:
        yield phrase("digest.untimed", count=untimed)


def _row(run: ArchivedRun, up: str) -> RunRow:
    return run_row(run, up, Markup(""))  # lists of this length are read, not looked at


def _cut(items: Sequence[Entry], listed: int, make: Callable[[Entry], Line]) -> Listing[Line]:
    return Listing(tuple(make(item) for item in items[:listed]), max(0, len(items) - listed))
