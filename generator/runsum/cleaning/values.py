"""The recorded values of a column, and their middle.

A run has many short columns, so that what NumPy's `median` and `percentile` do before they look at a number takes
longer than everything else. Here a column is sorted once, and each statistic is a look at its place.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from runsum.source.columns import Floats


class Values:
    """The recorded values of one column.

    Attributes:
        seen: in write order, shape (values,).
    """

    def __init__(self, column: Floats) -> None:
        self._mask = np.isfinite(column)
        self.seen = column[self._mask]

    def __len__(self) -> int:
        return len(self.seen)

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Where they are in the column, shape (values,)."""
        return np.flatnonzero(self._mask)

    @cached_property
    def ordered(self) -> Floats:
        """In rising order, shape (values,)."""
        return in_order(self.seen)

    @property
    def median(self) -> float | None:
        """Their median, None without any."""
        return middle_of(self.ordered) if len(self.seen) else None

    @cached_property
    def mean(self) -> float:
        """Their mean; there must be one."""
        return float(self.seen.mean())

    @property
    def least(self) -> float:
        """The smallest; there must be one."""
        return float(self.seen.min())

    @property
    def most(self) -> float:
        """The largest; there must be one."""
        return float(self.seen.max())


def finite(values: Floats) -> Floats:
    """The recorded values only."""
    return values[np.isfinite(values)]


def in_order(values: Floats) -> Floats:
    """A copy in rising order."""
    ordered = values.copy()
    ordered.sort()
    return ordered


def middle(values: Floats) -> float:
    """Median of values that are all recorded, at least one; to the bit that of NumPy."""
    return middle_of(in_order(values))


def middle_of(ordered: Floats) -> float:
    """Median of values in rising order, at least one."""
    half, odd = divmod(len(ordered), 2)
    if odd:
        return float(ordered[half]) + 0.0  # a nought has no sign, as in a sum
    return (float(ordered[half - 1]) + float(ordered[half])) / 2 + 0.0


def row_middles(table: Floats) -> Floats:
    """Median of each row of a table without gaps, shape (rows,)."""
    ordered = np.sort(table, axis=1)
    half, odd = divmod(ordered.shape[1], 2)
    middles: Floats = ordered[:, half] if odd else (ordered[:, half - 1] + ordered[:, half]) / 2
    return middles + 0.0


def percentile_of(ordered: Floats, percent: float) -> float:
    """A percentile of values in rising order, at least one, on the line between its neighbours; that of NumPy."""
    last = len(ordered) - 1
    place = last * (percent / 100)
    low = int(place)
    if low >= last:
        return float(ordered[last])
    before, after, share = float(ordered[low]), float(ordered[low + 1]), place - low
    width = after - before
    return after - width * (1 - share) if share >= 0.5 else before + width * share
