"""Small robust statistics on float arrays with NaN for missing."""

from __future__ import annotations

import numpy as np

from runsum.source.columns import Floats


def is_signed_kl(seen: Floats) -> bool:
    """Whether recorded KL divergences are those of the estimator k1, whose values can be negative (Schulman, 2020).

    A few values a little below nought are rounding.
    """
    return bool((seen < -1e-5).mean() > 0.01) if len(seen) else False


def finite(values: Floats) -> Floats:
    """The recorded values only."""
    return values[np.isfinite(values)]


def median(values: Floats) -> float | None:
    """Median of the recorded values, None without any."""
    seen = finite(values)
    return float(np.median(seen)) if len(seen) else None


def middle(values: Floats) -> float:
    """Median of values that are all recorded, at least one; several times sooner than NumPy's for so few."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def mean_max(values: Floats) -> tuple[float | None, float | None]:
    """(mean, max) of the recorded values."""
    seen = finite(values)
    return (float(seen.mean()), float(seen.max())) if len(seen) else (None, None)


def head_tail(values: Floats, share: float) -> tuple[Floats, Floats]:
    """The first and the last `share` of the recorded values, at least three each where there are six."""
    seen = finite(values)
    size = max(min(3, len(seen) // 2), int(len(seen) * share), 1)
    return seen[:size], seen[-size:]


def smooth(values: Floats, window: int) -> Floats:
    """Centred moving mean over recorded values, window shrinking at the ends; same shape."""
    if len(values) < 3 or window < 2:
        return values
    totals = np.concatenate([[0.0], np.cumsum(values)])
    half = window // 2
    index = np.arange(len(values))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((totals[high] - totals[low]) / (high - low), dtype=np.float64)


def noise_level(values: Floats) -> float:
    """Spread of the values around their own moving mean: 1.4826 × median absolute deviation."""
    if len(values) < 5:
        return 0.0
    rest = values - smooth(values, max(5, len(values) // 20))
    return float(1.4826 * np.median(np.abs(rest - np.median(rest))))


def typical_range(values: Floats) -> float:
    """Distance from the 5th to the 95th percentile."""
    return float(np.subtract(*np.percentile(values, [95, 5]))) if len(values) else 0.0


def slope(x: Floats, y: Floats) -> float:
    """Least-squares slope, 0 where x does not move."""
    spread = x - x.mean()
    power = float((spread**2).sum())
    return float((spread * (y - y.mean())).sum() / power) if power > 0 else 0.0
