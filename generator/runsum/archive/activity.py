"""When training happened: runs, hours and energy by day, week or month, whichever suits the span of the archive.

As in the digest, a run counts where it ended or, where no end is recorded, was last active.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.costs import add_known, hours_of
from runsum.archive.months import find_ending
from runsum.frozen import frozen

_DAYS = 14
_WEEKS = 26


class Unit(StrEnum):
    """How long a stretch of the activity is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@frozen
class Stretch:
    """What happened in a day, a week or a month.

    Attributes:
        begin: its first day: 2025-12-22; weeks begin on Mondays.
        trained_h: hours that its runs trained; None where no run says so.
        energy_kwh: energy of the GPU where it was measured, else None.
        untimed: runs whose training time is not known, which are not in `trained_h`.
    """

    begin: str
    runs: int
    trained_h: float | None
    energy_kwh: float | None
    untimed: int


@frozen
class Activity:
    """The stretches in which anything happened, newest first."""

    unit: Unit
    stretches: tuple[Stretch, ...]


def find_activity(archive: Archive) -> Activity:
    """Put the runs of the archive into stretches of equal kind; runs without any date are left out."""
    dated: list[tuple[date, ArchivedRun]] = []
    for run in archive.runs:
        ending = find_ending(run)
        at = run.digest.started_at if ending is None else ending.at
        day = _day(at)
        if day is not None:
            dated.append((day, run))
    days = [day for day, _ in dated]
    unit = _unit((max(days) - min(days)).days) if days else Unit.MONTH
    found: dict[date, list[ArchivedRun]] = {}
    for day, run in dated:
        found.setdefault(_begin(day, unit), []).append(run)
    return Activity(unit, tuple(_stretch(begin, found[begin]) for begin in sorted(found, reverse=True)))


def _stretch(begin: date, runs: Sequence[ArchivedRun]) -> Stretch:
    hours = hours_of(run.digest for run in runs)
    energy = add_known(run.digest.energy_kwh for run in runs).value
    return Stretch(begin.isoformat(), len(runs), hours.value, energy, len(runs) - hours.count)


def _unit(days: int) -> Unit:
    if days < _DAYS:
        return Unit.DAY
    return Unit.WEEK if days < _WEEKS * 7 else Unit.MONTH


def _begin(day: date, unit: Unit) -> date:
    if unit is Unit.MONTH:
        return day.replace(day=1)
    return day if unit is Unit.DAY else day - timedelta(days=min(day.weekday(), day.toordinal() - 1))


def _day(at: str | None) -> date | None:
    try:
        return date.fromisoformat((at or "")[:10])
    except ValueError:
        return None
