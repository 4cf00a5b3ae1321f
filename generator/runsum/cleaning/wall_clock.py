"""The recording machine's clock: how far it stood from UTC, and when that changed (daylight saving time, a journey).

Times of a run's own row and of GPU samples have no UTC beside them. The metric rows do, so they tell which offset those
times are of. Where no row tells, local times are used as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from runsum.cleaning.values import middle
from runsum.frozen import frozen
from runsum.source.columns import Floats
from runsum.source.records import MetricTable

_ROWS = 3  # so many rows in a row make an offset, whatever else speaks for it
_QUARTER_S, _HALF_HOUR_S = 900.0, 1800.0  # zones differ by whole quarters of an hour, clocks are set by half hours
_FARTHEST_S = 14 * 3600.0  # no zone is farther from UTC
_AT_ONCE_S = 60.0  # a row is written within that; of rows that had to wait, each has waited for another time
_LEAP_S = 1200.0  # the time of rows moves by more than that, or back, where the clock is set, and not where a row waits


@frozen
class WallClock:
    """When the clock stood how far from UTC.

    Attributes:
        offsets: seconds ahead of UTC, in the order of time, at least one.
        left: seconds UTC until which each but the last is known to have held.
        changes: seconds UTC from which each but the first is known to hold.
    """

    offsets: tuple[float, ...] = (0.0,)
    left: tuple[float, ...] = ()
    changes: tuple[float, ...] = ()

    def utc(self, local_s: float, *, last: bool = False) -> float:
        """A moment in UTC; of the two that an hour has when the clock is set back, the first or the last."""
        return float(self._utc(np.array([local_s]), last)[0])

    def utc_column(self, local_s: Floats) -> Floats:
        """Moments in write order in UTC, shape (moments,); those after a step back come after the change."""
        if not self.changes:
            return local_s - self.offsets[0]
        again = np.cumsum(np.diff(local_s, prepend=local_s[:1]) < -_LEAP_S) > 0
        return np.where(again, self._utc(local_s, True), self._utc(local_s, False))

    def local(self, utc_s: float) -> float:
        """A moment as the clock showed it."""
        return utc_s + self.offsets[sum(change <= utc_s for change in self.changes)]

    def _utc(self, local_s: Floats, last: bool) -> Floats:
        begins, ends = (-np.inf, *(self.left if last else self.changes)), (*self.changes, np.inf)
        spans = list(zip(self.offsets, begins, ends, strict=True))
        found = local_s - self.offsets[-1]  # an hour that was left out belongs to no span
        for offset, begin, end in spans if last else reversed(spans):
            moment = local_s - offset
            found = np.where((begin <= moment) & (moment < end), moment, found)
        return found


def read_clock(local_s: Floats, utc_s: Floats) -> WallClock:
    """The clock that the rows of a run tell of.

    Args:
        local_s: their times on it, in write order, shape (rows,).
        utc_s: the same moments in UTC; equal to them where no offset is known.
    """
    seen = np.isfinite(local_s) & np.isfinite(utc_s)
    moments = utc_s[seen]
    offsets = _rounded(local_s[seen] - moments)
    turns = np.flatnonzero(np.diff(offsets)) + 1
    return WallClock(
        tuple(offsets[np.append(0, turns)].tolist()) if len(offsets) else (0.0,),
        tuple(moments[turns - 1].tolist()),
        tuple(moments[turns].tolist()),
    )


def utc_seconds(table: MetricTable) -> tuple[Floats, float | None]:
    """UTC seconds of each row, and the usual offset of the clock (None: unknown, local times are used as they are).

    The local stamp has microseconds and is of the moment that a row tells of, which may have been written much later,
    when the file was free again. So the offset is that of the clock then, not the difference of the row's two stamps.
    """
    typical = utc_offset_s(table.local_s, table.created_s) if has_spread(table.created_s) else None
    if typical is None:
        return table.local_s, None
    offset = _offsets(table.local_s, table.created_s, typical)
    return np.where(np.isfinite(table.local_s), table.local_s - offset, table.created_s), typical


def has_spread(created_s: Floats) -> bool:
    """Whether created_at tells rows apart; an import or a restore stamps all of them alike."""
    seen = created_s[np.isfinite(created_s)]
    return len(seen) < 2 or bool(seen.max() > seen.min())


def utc_offset_s(local_s: Floats, created_s: Floats) -> float | None:
    """Offset of the local clock from UTC, from rows that carry both, to 15 minutes; None when unknown."""
    difference = local_s - created_s
    difference = difference[np.isfinite(difference)]
    if not len(difference):
        return None
    offset = float(_rounded(np.array(middle(difference))))
    return offset if abs(offset) <= _FARTHEST_S else None


def _rounded(difference: Floats) -> Floats:
    return np.round(difference / _QUARTER_S) * _QUARTER_S


def _offsets(local_s: Floats, created_s: Floats, typical: float) -> Floats:
    """The offset of the clock at each row, shape (rows,); the typical one where nothing tells of another."""
    seen = np.flatnonzero(np.isfinite(local_s - created_s))
    stretches = list(_stretches(local_s[seen], created_s[seen]))
    if not stretches:
        return np.full(len(local_s), typical)
    lengths = Counter[float]()
    for offset, _, length in stretches:
        lengths[offset] += length
    usual = max(lengths, key=lambda offset: lengths[offset])
    kept = [(offset, seen[begin]) for offset, begin, _ in stretches if (offset - usual) % _HALF_HOUR_S == 0]
    begins = np.array([begin for _, begin in kept[1:]], dtype=np.intp)
    places = np.searchsorted(begins, np.arange(len(local_s)), side="right")
    return np.array([offset for offset, _ in kept])[places]


def _stretches(local_s: Floats, created_s: Floats) -> Iterator[tuple[float, int, int]]:
    """Stretches of rows with an offset that the clock can have had, where it is not one all along.

    Yields each offset, its first row and how many rows it has.

    Rows that waited to be written look like a clock that was set back. But each of them has waited for another time,
    and their own times do not leap where the waiting begins and ends.
    """
    difference = local_s - created_s
    offsets = _rounded(difference)
    turns = np.flatnonzero(np.diff(offsets)) + 1
    if not len(turns):
        return
    leaps = {row + 1 for row in np.flatnonzero(np.abs(np.diff(local_s)) > _LEAP_S).tolist()}
    for begin, end in pairwise([0, *turns.tolist(), len(offsets)]):
        offset = float(offsets[begin])
        is_long = end - begin >= _ROWS or begin in leaps or end in leaps
        if is_long and abs(offset) <= _FARTHEST_S and middle(np.abs(difference[begin:end] - offset)) <= _AT_ONCE_S:
            yield offset, begin, end - begin
