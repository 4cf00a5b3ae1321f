"""Small robust statistics on float arrays with NaN for missing."""

from __future__ import annotations

import numpy as np

from runsum.cleaning.values import in_order, middle, percentile_of
from runsum.source.columns import Floats

_ROUNDING = 1e-12  # of the largest value: what is smaller has come in by adding up


def is_signed_kl(seen: Floats) -> bool:
    """Whether recorded KL divergences are those of the estimator k1, whose values can be negative (Schulman, 2020).

    A few values a little below nought are rounding.
    """
    return bool((seen < -1e-5).mean() > 0.01) if len(seen) else False


def head_tail(values: Floats, share: float) -> tuple[Floats, Floats]:
    """The first and the last `share` of values that are all recorded, at least three each where there are six."""
    size = max(min(3, len(values) // 2), int(len(values) * share), 1)
    return values[:size], values[-size:]


def running_totals(values: Floats) -> Floats:
    """Sum of the values before each place and before the end, shape (values + 1,)."""
    totals = np.zeros(len(values) + 1)
    np.cumsum(values, out=totals[1:])
    return totals


def smooth(values: Floats, window: int) -> Floats:
    """Centred moving mean over recorded values, window shrinking at the ends; same shape."""
    if len(values) < 3 or window < 2:
        return values
    totals = running_totals(values)
    half = window // 2
    index = np.arange(len(values))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((totals[high] - totals[low]) / (high - low), dtype=np.float64)


def noise_level(values: Floats) -> float:
    """Spread of the values around their own moving mean: 1.4826 × median absolute deviation; 0 of a straight line."""
    if len(values) < 5:
        return 0.0
    rest = values - smooth(values, max(5, len(values) // 20))
    noise = 1.4826 * middle(np.abs(rest - middle(rest)))
    return noise if noise > _ROUNDING * float(np.abs(values).max()) else 0.0


def typical_range(values: Floats) -> float:
    """Distance from the 5th to the 95th percentile."""
    ordered = in_order(values)
    return percentile_of(ordered, 95) - percentile_of(ordered, 5) if len(ordered) else 0.0


def slope(x: Floats, y: Floats) -> float:
    """Least-squares slope, 0 where x does not move."""
    spread = x - x.mean()
    power = float((spread**2).sum())
    return float((spread * (y - y.mean())).sum() / power) if power > 0 else 0.0
