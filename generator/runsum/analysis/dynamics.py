"""Learning dynamics: losses, KL, explained variance, entropy."""

from __future__ import annotations

import numpy as np

from runsum.analysis.stats import finite, head_tail, is_signed_kl, median
from runsum.cleaning.rollouts import OFF_POLICY, VALUE_BASED
from runsum.cleaning.series import Series
from runsum.model import Fact, Phrase, missing, note, phrase
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

Signals = dict[str, float | str | None]


def describe_dynamics(
    series: Series, algorithm: str | None, by_application: bool, limits: Thresholds
) -> tuple[dict[str, Fact], Signals]:
    """Facts of section 5 that come from losses and diagnostics, and the numbers behind them."""
    columns = series.columns
    off_policy = (algorithm or "").lower() in OFF_POLICY
    value_based = (algorithm or "").lower() in VALUE_BASED
    share = float(np.isnan(columns["policy_loss"]).mean()) if len(series) else 0.0
    biased = (phrase("loss.biased", share=share * 100),) if limits.policy_loss_null < share < 1 else ()
    facts = {
        "policy_loss_trend": _loss(columns["policy_loss"], "policy", series, value_based, limits, biased),
        "value_loss_trend": _loss(columns["value_loss"], "value", series, value_based, limits),
        "entropy_loss_trend": _loss(columns["entropy_loss"], "entropy", series, value_based, limits),
        "kl_note": _kl(columns["kl_divergence"], series, off_policy, by_application, limits),
        "explained_variance_note": _explained_variance(columns["explained_variance"], series, off_policy, limits),
    }
    first, last = head_tail(columns["entropy_loss"], 0.1)
    start, end = median(first), median(last)
    rates = finite(columns["learning_rate"])
    tail = _tail(columns["explained_variance"])
    return facts, {
        "explained_variance": median(tail) if len(tail) >= 3 else None,
        "entropy_ratio": end / start if start and end is not None and len(first) >= 3 else None,
        "kl_median": median(columns["kl_divergence"]),
        "learning_rate": float(rates[0]) if len(rates) else None,
        "clip_fraction": median(columns["clip_fraction"]),
    }


def _tail(column: Floats) -> Floats:
    seen = finite(column)
    return seen[-max(3, len(seen) // 10) :]


def _absent(name: str, series: Series, off_policy: bool) -> Fact:
    if not len(series):
        return missing("reason.no_rows")
    return missing("loss.off_policy" if off_policy else f"loss.no_{name}", name=name)


def _loss(
    column: Floats,
    name: str,
    series: Series,
    off_policy: bool,
    limits: Thresholds,
    small: tuple[Phrase, ...] = (),
) -> Fact:
    seen = finite(column)
    if not len(seen):
        return _absent(name, series, off_policy)
    if len(seen) < limits.min_rows_trend:
        return missing("loss.few", rows=len(seen))
    first, last = head_tail(column, 0.1)
    start, end = float(np.median(first)), float(np.median(last))
    spread = float(np.percentile(seen, 75) - np.percentile(seen, 25))
    moved = abs(end - start) > max(limits.loss_change * abs(start), 0.5 * spread)
    direction = ("up" if end > start else "down") if moved else "level"
    return note(f"loss.{name}_{direction}", *small, start=start, end=end)


def _kl(column: Floats, series: Series, off_policy: bool, by_application: bool, limits: Thresholds) -> Fact:
    seen = finite(column)
    if not len(seen):
        return _absent("kl" if by_application else "kl_elsewhere", series, off_policy)
    values = {
        "median": float(np.median(seen)),
        "peak": float(seen.max()),
        "share": float((seen > limits.kl_watch).mean() * 100),
    }
    if is_signed_kl(seen):
        return note("kl.negative", **values)
    key = "high" if values["median"] > limits.kl_watch else "low" if values["median"] < limits.kl_low else "usual"
    return note(f"kl.{key}", limit=limits.kl_watch, low=limits.kl_low, **values)


def _explained_variance(column: Floats, series: Series, off_policy: bool, limits: Thresholds) -> Fact:
    seen = finite(column)
    if not len(seen):
        return _absent("explained_variance", series, off_policy)
    if len(seen) < limits.min_rows_trend:
        return missing("loss.few", rows=len(seen))
    level = float(np.median(_tail(column)))
    key = ("poor" if level <= limits.explained_variance_poor
           else "good" if level >= limits.explained_variance_good else "fair")  # fmt: skip
    return note(f"ev.{key}", level=level, rows=len(_tail(column)))
