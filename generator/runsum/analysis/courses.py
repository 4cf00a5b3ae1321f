"""Medians of stretches of a run, for the section on learning and for the checks: one page names one number for each.

Stretches are counted in recorded values, so that a reader can take the same median of the rows.
"""

from __future__ import annotations

import numpy as np

from runsum.analysis.stats import head_tail
from runsum.cleaning.series import Series
from runsum.cleaning.values import Values, middle
from runsum.frozen import frozen
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

_TENTH = 0.1
_EARLY, _HALF = 0.2, 0.5  # the beginning of a loss says little, and its end is what it is compared with
_LATE = 2 / 3  # what a critic explains is judged in the last third
_MEDIAN_SPREAD = 1.2533  # standard deviation of a median of normal values, in that of their mean


@frozen
class LossCourse:
    """A loss in three medians.

    Attributes:
        start: of the first tenth of the recorded values.
        typical: of those between 20 % and 50 %, with which the checks compare the end.
        end: of the last tenth.
        size: values in a tenth.
    """

    start: float
    typical: float
    end: float
    size: int

    def unsure(self, noise: float) -> float:
        """Standard deviation of the difference of both ends, from that of single values."""
        return float(noise * _MEDIAN_SPREAD * (2 / self.size) ** 0.5)


def loss_course(seen: Floats) -> LossCourse:
    """The course of a loss.

    Args:
        seen: its recorded values in write order, at least one, shape (values,).
    """
    count = len(seen)
    first, last = head_tail(seen, _TENTH)
    begin = int(count * _EARLY)
    typical = seen[begin : max(int(count * _HALF), begin + 1)]
    return LossCourse(middle(first), middle(typical), middle(last), len(first))


def late_median(seen: Floats) -> float:
    """Median of the last third of recorded values, at least one, shape (values,)."""
    return middle(seen[int(len(seen) * _LATE) :])


def steady_rows(series: Series, is_annealed: bool, target: int | None, limits: Thresholds) -> Floats:
    """Timesteps of the rows whose learning rate is not near its end, NaN for the others.

    Args:
        series: canonical rows.
        is_annealed: whether the settings lower the learning rate, recorded in the rows or not.
        target: timesteps wanted, None when unknown.
        limits: thresholds in force.
    """
    rates = series.columns["learning_rate"]
    seen = series.values("learning_rate")
    if len(seen) > len(rates) // 2 and seen.most > 1.5 * seen.least:
        return np.where(rates >= limits.annealed_share * seen.most, series.timestep, np.nan)
    if is_annealed and len(series):
        first, last = float(series.timestep[0]), float(series.timestep[-1])
        goal = max(last, series.start_timestep + (target or 0))
        until = first + (goal - first) * (1 - limits.annealed_share)
        return np.where(series.timestep <= until, series.timestep, np.nan)
    return series.timestep


def steady_values(series: Series, name: str, steady: Floats) -> Values:
    """The recorded values of a column in the rows of `steady_rows`."""
    if steady is series.timestep:
        return series.values(name)
    return Values(np.where(np.isfinite(steady), series.columns[name], np.nan))
