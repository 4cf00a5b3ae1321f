"""Learning dynamics: losses, KL, explained variance, entropy."""

from __future__ import annotations

import numpy as np

from runsum.analysis.courses import LossCourse, late_median, loss_course, steady_values
from runsum.analysis.stats import head_tail, is_signed_kl, noise_level
from runsum.cleaning.rollouts import OFF_POLICY, VALUE_BASED
from runsum.cleaning.series import Series
from runsum.cleaning.values import Values, middle
from runsum.model import Fact, Phrase, missing, note, phrase
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

Signals = dict[str, float | str | None]


def describe_dynamics(
    series: Series, algorithm: str | None, by_application: bool, steady: Floats, limits: Thresholds
) -> tuple[dict[str, Fact], Signals]:
    """Facts of section 5 that come from losses and diagnostics, and the numbers behind them.

    Args:
        series: canonical rows.
        algorithm: as recorded.
        by_application: whether the desktop application recorded the run.
        steady: timesteps of the rows whose KL is judged, NaN for the others (`runsum.analysis.courses.steady_rows`).
        limits: thresholds in force.
    """
    off_policy = (algorithm or "").lower() in OFF_POLICY
    value_based = (algorithm or "").lower() in VALUE_BASED
    share = series.null_share("policy_loss") if len(series) else 0.0
    biased = (phrase("loss.biased", share=share * 100),) if limits.policy_loss_null < share < 1 else ()
    facts = {
        "policy_loss_trend": _loss(series.values("policy_loss"), "policy", series, value_based, limits, biased),
        "value_loss_trend": _loss(series.values("value_loss"), "value", series, value_based, limits),
        "entropy_loss_trend": _loss(series.values("entropy_loss"), "entropy", series, value_based, limits),
        "kl_note": _kl(series, steady, off_policy, by_application, limits),
        "explained_variance_note": _explained_variance(series.values("explained_variance"), series, off_policy, limits),
    }
    first, last = head_tail(series.values("entropy_loss").seen, 0.1)
    start, end = (middle(first), middle(last)) if len(first) else (None, None)
    rates = series.values("learning_rate").seen
    explained = series.values("explained_variance").seen
    return facts, {
        "explained_variance": late_median(explained) if len(explained) >= 3 else None,
        "entropy_ratio": end / start if start and end is not None and len(first) >= 3 else None,
        "kl_median": steady_values(series, "kl_divergence", steady).median,
        "learning_rate": float(rates[0]) if len(rates) else None,
        "clip_fraction": series.values("clip_fraction").median,
    }


def _absent(name: str, series: Series, off_policy: bool) -> Fact:
    if not len(series):
        return missing("reason.no_rows")
    return missing("loss.off_policy" if off_policy else f"loss.no_{name}", name=name)


def _loss(
    column: Values,
    name: str,
    series: Series,
    off_policy: bool,
    limits: Thresholds,
    small: tuple[Phrase, ...] = (),
) -> Fact:
    if not len(column):
        return _absent(name, series, off_policy)
    if len(column) < limits.min_rows_trend:
        return missing("loss.few", rows=len(column))
    course = loss_course(column.seen)
    key = f"loss.{name}_{_direction(course, column.seen, name == 'value', limits)}"
    return note(key, *small, start=course.start, typical=course.typical, end=course.end)


def _direction(course: LossCourse, seen: Floats, has_middle: bool, limits: Thresholds) -> str:
    """Where a loss went, by the medians that its sentence names."""
    start, typical, end = course.start, course.typical, course.end
    low, high, share = min(start, end), max(start, end), limits.loss_change
    if has_middle and not low - share * abs(low) <= typical <= high + share * abs(high):
        return "turned"
    if abs(end - start) <= share * abs(start):
        return "level"
    with np.errstate(all="ignore"):  # sums of values of 1e308 are no numbers
        unsure = course.unsure(noise_level(seen))
    if abs(end - start) <= limits.trend_noise_factor * unsure:
        return "noisy"
    return "up" if end > start else "down"


def _kl(series: Series, steady: Floats, off_policy: bool, by_application: bool, limits: Thresholds) -> Fact:
    recorded, judged = series.values("kl_divergence"), steady_values(series, "kl_divergence", steady)
    left_out = len(recorded) - len(judged)
    if len(judged) < max(limits.min_rows_trend, 1):
        judged, left_out = recorded, 0
    seen, typical = judged.seen, judged.median
    if typical is None:
        return _absent("kl" if by_application else "kl_elsewhere", series, off_policy)
    small = (phrase("kl.annealed", rows=left_out),) if left_out else ()
    values = {
        "median": typical,
        "peak": judged.most,
        "share": float((seen > limits.kl_watch).mean() * 100),
    }
    if is_signed_kl(recorded.seen):
        return note("kl.negative", *small, **values)
    key = "high" if typical > limits.kl_watch else "low" if typical < limits.kl_low else "usual"
    return note(f"kl.{key}", *small, limit=limits.kl_watch, low=limits.kl_low, **values)


def _explained_variance(column: Values, series: Series, off_policy: bool, limits: Thresholds) -> Fact:
    if not len(column):
        return _absent("explained_variance", series, off_policy)
    if len(column) < limits.min_rows_trend:
        return missing("loss.few", rows=len(column))
    level = late_median(column.seen)
    key = ("good" if level >= limits.explained_variance_good else "fair" if level >= limits.explained_variance_none
           else "none" if level >= limits.explained_variance_poor else "poor")  # fmt: skip
    return note(f"ev.{key}", level=level)
