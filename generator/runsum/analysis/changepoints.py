"""Where a series changes: exact segmentation into straight lines, each change paid for by a penalty.

The series is thinned to at most `MOST_BINS` means first, so the cost is bounded whatever a run recorded. Every stretch
may be explained by one straight line; the segmentation with the least squared error plus a penalty per change is found
by dynamic programming over all possible changes (optimal partitioning: Jackson et al., "An algorithm for optimal
partitioning of data on an interval", IEEE Signal Processing Letters 2005; the pruning of PELT, Killick et al. 2012,
saves nothing at this size). The penalty is in units of the noise, which is estimated from the series itself, and made
larger where neighbouring values depend on each other, as those of a rolling mean of episodes do; without that, every
slow wobble of such a mean would count as a change (Romano et al., JASA 2021). `ruptures` does the same and needs SciPy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from runsum.analysis.stats import running_totals
from runsum.cleaning.values import middle
from runsum.frozen import frozen
from runsum.source.columns import Floats

MOST_BINS = 120
_SHORTEST = 4  # bins: a line through fewer explains anything
_LEAST_NOISE = 1e-3  # of the range: a series without noise is not cut into dust
_MOST_CORRELATED = 0.9  # above it the estimate of the correlation is itself mostly trend
PARTS = 20
_UNSURE = 3.84  # chi-squared with one degree of freedom, 95 %


@frozen
class Thinned:
    """A series as means of equally many neighbouring values.

    Attributes:
        x, y: mean position and mean value of each bin, shape (bins,).
        noise: standard deviation of a bin's mean around the course of the series.
        correlation: of that noise between neighbouring bins, 0 to 0.9.
        drift: standard deviation of the mean of a twentieth of the series around its course: slow wobbles, which the
            noise of neighbours does not show. 0 where there are too few bins.
    """

    x: Floats
    y: Floats
    noise: float
    correlation: float
    drift: float = 0.0

    @property
    def unsure(self) -> float:
        """Standard deviation that a mean of independent bins would need to be as unsure as one of these."""
        return self.noise * math.sqrt((1 + self.correlation) / (1 - self.correlation))


@frozen
class Segment:
    """A straight stretch: bins `first` to `last`, both included, and the line's values at its ends."""

    first: int
    last: int
    begin: float
    end: float


@frozen
class Change:
    """A change between two stretches.

    Attributes:
        low, high: bins between which the change lies with about 95 % certainty.
    """

    low: int
    high: int


@frozen
class Course:
    """A series as straight stretches.

    Attributes:
        segments: in their order; together they cover all bins.
        changes: one between each two of them.
        fitted: value of the lines at every bin, shape (bins,).
    """

    thinned: Thinned
    segments: tuple[Segment, ...]
    changes: tuple[Change, ...]
    fitted: Floats


def thin(x: Floats, y: Floats) -> Thinned:
    """Means of neighbouring values, and their noise.

    Args:
        x: positions in rising order, finite, shape (values,).
        y: values, finite, shape (values,).
    """
    count = min(MOST_BINS, len(y))
    bins, places = block_means(y, count), block_means(x, count)
    noise, correlation = _noise(bins)
    reach = float(bins.max() - bins.min())
    return Thinned(places, bins, max(noise, _LEAST_NOISE * reach), correlation, _drift(bins))


def block_means(y: Floats, blocks: int) -> Floats:
    """Means of equally long parts of a series, shape (blocks,); it must have that many values."""
    begins, widths = _blocks(len(y), blocks)
    means: Floats = np.add.reduceat(y, begins) / widths
    return means


@lru_cache(maxsize=16)
def _blocks(length: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First place and width of each of so many parts; a curve is cut into the same parts several times."""
    edges = (np.arange(count + 1) * length) // count
    return edges[:-1], np.diff(edges)


def _drift(y: Floats) -> float:
    """From second differences, which no straight course touches, by their median, which few bends touch."""
    if len(y) < 2 * PARTS:
        return 0.0
    bends = np.diff(block_means(y, PARTS), 2)
    return middle(np.abs(bends)) / (0.6745 * math.sqrt(6))


def _noise(y: Floats) -> tuple[float, float]:
    """Standard deviation and lag-one correlation of what is left around the local course of a series.

    The course is a moving mean over a fifteenth of the bins, of few bins over three: a wider one would take the bends
    of a short curve for noise. The deviation is 1.4826 times the median
    absolute one. Both are corrected for the bins that the mean itself contains.
    """
    if len(y) < 2 * _SHORTEST:
        return 0.0, 0.0
    half = max(1, len(y) // 30)
    totals, width = running_totals(y), 2 * half + 1
    rest = y[half : len(y) - half] - (totals[width:] - totals[:-width]) / width
    if len(rest) < 4:
        return 0.0, 0.0
    deviation = 1.4826 * middle(np.abs(rest - middle(rest))) / math.sqrt(1 - 1 / width)
    clipped = np.minimum(np.maximum(rest, -4 * deviation), 4 * deviation)  # a cliff is no noise
    power = float((clipped**2).sum())
    lag = float((clipped[1:] * clipped[:-1]).sum()) / power if power > 0 else 0.0
    lag += 1 / width  # taking the mean away makes neighbours look more different than they are
    correlation = min(max(lag, 0.0), _MOST_CORRELATED)
    return deviation / math.sqrt(max(1 - correlation**half, 0.1)), correlation


def find_course(thinned: Thinned, penalty: float) -> Course:
    """Cut a series into straight stretches.

    Args:
        thinned: the series.
        penalty: price of a change, in noise variances times the logarithm of the number of bins.
    """
    y = thinned.y
    count = len(y)
    if count < 2 * _SHORTEST or thinned.noise <= 0:
        return _course_of(thinned, [0, count], np.empty((0, 0)), 0.0)
    variance = thinned.unsure**2
    cost = _line_costs(y)
    price = penalty * math.log(count) * variance
    best = np.full(count + 1, np.inf)
    best[0] = -price
    came_from = [0] * (count + 1)
    begins = best[:count]  # an unreachable one costs infinitely much, so that none has to be left out
    for end, costs in enumerate((cost + _too_short(count))[_SHORTEST - 1 :], start=_SHORTEST):
        total = begins + costs
        place = came_from[end] = int(total.argmin())
        best[end] = total[place] + price
    bounds = [count]
    while bounds[-1] > 0:
        bounds.append(came_from[bounds[-1]])
    return _course_of(thinned, bounds[::-1], cost, variance)


def _course_of(thinned: Thinned, bounds: list[int], cost: Floats, variance: float) -> Course:
    segments, fitted = [], np.empty(len(thinned.y))
    for first, end in pairwise(bounds):
        line = _line(thinned.y[first:end])
        fitted[first:end] = line
        segments.append(Segment(first, end - 1, float(line[0]), float(line[-1])))
    return Course(thinned, tuple(segments), tuple(_changes(bounds, cost, variance)), fitted)


def _line(y: Floats) -> Floats:
    """The least-squares line through a stretch, at its bins."""
    away, power = _spread(len(y))
    line: Floats = y.mean() + away * (float((away * y).sum()) / power if power > 0 else 0.0)
    return line


@lru_cache(maxsize=MOST_BINS)
def _spread(length: int) -> tuple[Floats, float]:
    """Distances of bins from the middle of a stretch, and the sum of their squares."""
    away: Floats = np.arange(float(length)) - (length - 1) / 2
    return away, float((away**2).sum())


def _changes(bounds: list[int], cost: Floats, variance: float) -> Iterator[Change]:
    """Each change with the bins to which it could be moved without fitting the series much worse."""
    for before, at, after in zip(bounds, bounds[1:], bounds[2:], strict=False):
        places = np.arange(before + _SHORTEST, after - _SHORTEST + 1)
        worse = cost[places - 1, before] + cost[after - 1, places]
        likely = places[worse <= worse.min() + _UNSURE * variance]
        yield Change(int(min(likely[0], at)), int(max(likely[-1], at)))


@lru_cache(maxsize=4)
def _stretches(count: int) -> tuple[NDArray[np.float64], ...]:
    """What a line through each stretch needs to know of its bins, by last and first bin; the same for every series.

    Returns:
        Number of bins, sum of their positions, spread of the positions, each of shape (bins, bins), and the positions;
        above the diagonal, where there is no stretch, numbers that only avoid a division by nought.
    """
    at = np.arange(count, dtype=np.float64)
    size = np.maximum(at[:, None] - at[None, :] + 1.0, 1.0)
    positions = size * (at[:, None] + at[None, :]) / 2
    spread = np.maximum(size * (size**2 - 1) / 12, 1e-12)
    return size, positions, spread, at


@lru_cache(maxsize=4)
def _too_short(count: int) -> Floats:
    """What a stretch costs for being too short to be one: infinitely much or nothing, by last and first bin."""
    at = np.arange(count)
    return np.where(at[:, None] - at[None, :] + 1 < _SHORTEST, np.inf, 0.0)


def _line_costs(y: Floats) -> Floats:
    """Squared error of the best line through every stretch of bins.

    Returns:
        Shape (bins, bins): row is the last bin, column the first one; what lies above the diagonal means nothing.
    """
    size, positions, spread, at = _stretches(len(y))
    y = y - y.mean()  # far from nought, squares would swallow the differences
    sums = map(running_totals, (y, y * y, at * y))
    total, squares, mixed = (one[1:, None] - one[None, :-1] for one in sums)
    part = positions * total  # one piece of memory for all the parts that are taken away
    mixed -= np.divide(part, size, out=part)
    squares -= np.divide(np.multiply(total, total, out=part), size, out=part)
    squares -= np.divide(np.multiply(mixed, mixed, out=part), spread, out=part)
    return np.maximum(squares, 0.0, out=squares)
