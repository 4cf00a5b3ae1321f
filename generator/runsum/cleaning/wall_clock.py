"""The recording machine's clock: how far it stood from UTC, and when that changed (daylight saving time, a journey).

Times of a run's own row and of GPU samples have no UTC beside them. The metric rows do, so they tell which offset those
times are of. Where no row tells, local times are used as they are.
"""

from __future__ import annotations

import numpy as np

from runsum.cleaning.values import middle
from runsum.frozen import frozen
from runsum.source.columns import Floats

_ROWS = 3  # so many rows in a row make an offset; one may have been written late
_HALF_HOUR_S = 1800.0  # clocks are set by whole ones; rows that are written a quarter of an hour late are none
_BACK_S = 1200.0  # a step back by more than that in write order is a change of the clock


@frozen
class WallClock:
    """When the clock stood how far from UTC.

    Attributes:
        offsets: seconds ahead of UTC, in the order of time, at least one.
        changes: seconds UTC from which each but the first holds.
    """

    offsets: tuple[float, ...] = (0.0,)
    changes: tuple[float, ...] = ()

    def utc(self, local_s: float, *, last: bool = False) -> float:
        """A moment in UTC; of the two that an hour has when the clock is set back, the first or the last."""
        return float(self._utc(np.array([local_s]), last)[0])

    def utc_column(self, local_s: Floats) -> Floats:
        """Moments in write order in UTC, shape (moments,); those after a step back come after the change."""
        if not self.changes:
            return local_s - self.offsets[0]
        again = np.cumsum(np.diff(local_s, prepend=local_s[:1]) < -_BACK_S) > 0
        return np.where(again, self._utc(local_s, True), self._utc(local_s, False))

    def local(self, utc_s: float) -> float:
        """A moment as the clock showed it."""
        return utc_s + self.offsets[sum(change <= utc_s for change in self.changes)]

    def _utc(self, local_s: Floats, last: bool) -> Floats:
        begins, ends = (-np.inf, *self.changes), (*self.changes, np.inf)
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
    offsets = np.round((local_s[seen] - utc_s[seen]) / 900) * 900
    turns = np.flatnonzero(np.diff(offsets)) + 1
    if not len(turns):
        return WallClock((float(offsets[0]) if len(offsets) else 0.0,))
    begins, ends = [0, *turns.tolist()], [*turns.tolist(), len(offsets)]
    values, counts = np.unique(offsets, return_counts=True)
    usual = values[counts.argmax()]
    kept: list[tuple[float, float]] = []
    for begin, end in zip(begins, ends, strict=True):
        is_set = end - begin >= _ROWS and (offsets[begin] - usual) % _HALF_HOUR_S == 0
        if is_set and (not kept or kept[-1][0] != offsets[begin]):
            kept.append((float(offsets[begin]), float(utc_s[seen][begin])))
    if not kept:
        return WallClock((middle(offsets),))
    return WallClock(tuple(offset for offset, _ in kept), tuple(moment for _, moment in kept[1:]))
