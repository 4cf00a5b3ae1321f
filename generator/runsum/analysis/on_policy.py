"""Checks of algorithms that learn from rollouts (PPO, A2C, TRPO, …): how far updates go, and what the critic explains.

Sources and limits: `runsum.analysis.findings.CHECKS` and the thresholds.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from runsum.analysis.courses import late_median, loss_course, steady_rows, steady_values
from runsum.analysis.findings import (
    SURE,
    Bins,
    Subject,
    absent,
    bin_medians,
    judge_loss,
    judged,
    longest_stretch,
    not_assessed,
)
from runsum.analysis.stats import is_signed_kl
from runsum.cleaning.series import Series
from runsum.cleaning.values import middle, middle_of
from runsum.model import Finding, Level
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

_VALUE_LOSS = ("value_loss_rising", "value_loss_with_returns", "value_loss_usual")
_SUM = 1.02  # × log of the actions: an entropy above it is no mean over one policy's states


def check_on_policy(series: Series, subject: Subject, limits: Thresholds) -> list[Finding]:
    """The findings of an on-policy run; of others, nothing."""
    if not subject.may_be_on_policy:
        return []
    steady = steady_rows(series, subject.is_annealed, subject.target, limits)
    entropy = _Entropy(series, subject)
    critic = bin_medians(series.timestep, series.columns["explained_variance"])
    return [
        *_check_never_learned(subject, entropy, critic, limits),
        _check_kl(series, subject, steady, limits),
        _check_clip(series, subject, steady, limits),
        *_check_kl_against_clip(series, subject, steady, limits),
        _check_explained_variance(series, critic, subject, limits),
        _check_entropy(subject, entropy, limits),
        judge_loss("value_loss", "value_loss", _VALUE_LOSS, series, subject, limits),
    ]


# ---- how far updates go


def _check_kl(series: Series, subject: Subject, steady: Floats, limits: Thresholds) -> Finding:
    values = series.columns["kl_divergence"]
    recorded = series.values("kl_divergence")
    if not subject.limits_steps:
        return not_assessed("kl", "not_of_algorithm", algorithm=subject.algorithm.upper())
    if missing := absent("kl", len(recorded), limits):
        return missing
    typical, band = middle_of(recorded.ordered), (limits.kl_low, limits.kl_watch)
    if is_signed_kl(recorded.seen):
        return not_assessed("kl", "kl_signed", median=typical)
    values = np.where(np.isfinite(steady), values, np.nan)
    bins = bin_medians(series.timestep, values)
    if bins.count < limits.min_rows_trend:
        return not_assessed("kl", "kl_annealed")
    typical = middle_of(steady_values(series, "kl_divergence", steady).ordered)
    most = "high" if subject.algorithm else "low"
    for level, limit, key in ((Level.BAD, limits.kl_high, "kl_high"), (Level.WATCH, limits.kl_watch, "kl_large")):
        if (where := longest_stretch(bins, bins.value > limit)) and where[2] >= limits.sustained_share:
            level = Level.WATCH if subject.learned else level  # it is large, and the policy learned with it
            return judged("kl", level, key, value=typical, band=band, count=bins.count, most=most, where=where[:2],
                          share=where[2] * 100, limit=limit)  # fmt: skip
    peak = int(np.nanargmax(values))
    if values[peak] > max(limits.kl_spike * typical, limits.kl_high):
        near = (int(series.timestep[max(peak - 1, 0)]), int(series.timestep[min(peak + 1, len(series) - 1)]))
        most = "low" if subject.learned else most  # a jump that did no harm
        return judged("kl", Level.WATCH, "kl_spike", value=float(values[peak]), band=band, count=bins.count, most=most,
                      where=near, median=typical)  # fmt: skip
    if typical < limits.kl_low and not subject.learned:
        return judged("kl", Level.WATCH, "kl_low", value=typical, band=band, count=bins.count, most="medium")
    key = "kl_small_but_learns" if typical < limits.kl_low else "kl_usual"
    return judged("kl", Level.GOOD, key, value=typical, band=band, count=bins.count, most=most)


def _check_clip(series: Series, subject: Subject, steady: Floats, limits: Thresholds) -> Finding:
    values = series.columns["clip_fraction"]
    if not subject.clips:
        return not_assessed("clip_fraction", "not_of_algorithm", algorithm=subject.algorithm.upper())
    if missing := absent("clip_fraction", len(series.values("clip_fraction")), limits):
        return missing
    bins = bin_medians(series.timestep, np.where(np.isfinite(steady), values, np.nan))
    band = (0.0, limits.clip_watch)
    if bins.count < limits.min_rows_trend:
        return not_assessed("clip_fraction", "kl_annealed")
    typical = middle_of(steady_values(series, "clip_fraction", steady).ordered)
    for level, limit in ((Level.BAD, limits.clip_high), (Level.WATCH, limits.clip_watch)):
        if (where := longest_stretch(bins, bins.value > limit)) and where[2] >= limits.sustained_share:
            level = Level.WATCH if subject.learned else level
            return judged("clip_fraction", level, "clip_high", value=typical, band=band, count=bins.count,
                          where=where[:2], share=where[2] * 100, limit=limit)  # fmt: skip
    if typical <= 0 and subject.shape.kind == "flat":
        return judged("clip_fraction", Level.WATCH, "clip_none", value=typical, band=band, count=bins.count)
    return judged("clip_fraction", Level.GOOD, "clip_usual", value=typical, band=band, count=bins.count)


def _check_kl_against_clip(series: Series, subject: Subject, steady: Floats, limits: Thresholds) -> list[Finding]:
    """KL that grows while fewer samples are clipped: few samples move far, which neither number shows alone."""
    kl, clip = series.columns["kl_divergence"], series.columns["clip_fraction"]
    both = np.isfinite(kl) & np.isfinite(clip) & np.isfinite(steady)
    if not subject.clips or both.sum() < max(3 * limits.min_rows_trend, 3):
        return []
    third = int(both.sum()) // 3
    (kl_first, kl_last), (clip_first, clip_last) = (
        (middle(column[both][:third]), middle(column[both][-third:])) for column in (kl, clip)
    )
    factor = limits.kl_clip_factor
    if kl_last <= max(factor * kl_first, limits.kl_low) or clip_last * factor >= clip_first:
        return []
    steps = series.timestep[both]
    level = Level.BAD if kl_last > limits.kl_high else Level.WATCH
    return [
        judged("kl_against_clip", level, "kl_against_clip", value=kl_last, band=(None, limits.kl_watch),
               count=int(both.sum()), most="medium", where=(int(steps[-third]), int(steps[-1])),
               before=kl_first, clip_before=clip_first * 100, clip_after=clip_last * 100)
    ]  # fmt: skip


# ---- the critic


def _check_explained_variance(series: Series, bins: Bins, subject: Subject, limits: Thresholds) -> Finding:
    rule, band = "explained_variance", (limits.explained_variance_good, 1.0)
    if missing := absent(rule, bins.count, limits):
        return missing
    late, level = bins.after(2 / 3), late_median(series.values(rule).seen)
    given: dict[str, Any] = {"value": level, "band": band, "count": bins.count}
    if level >= limits.explained_variance_good:
        settled = bins.after(limits.early_share)
        where = longest_stretch(settled, settled.value < limits.explained_variance_poor)
        if where and where[2] >= limits.sustained_share:
            return judged(rule, Level.WATCH, "ev_dipped", where=where[:2], share=where[2] * 100, **given)
        return judged(rule, Level.GOOD, "ev_good", **given)
    where = longest_stretch(late, late.value < limits.explained_variance_good)
    given["where"] = where[:2] if where else None
    if level >= limits.explained_variance_none:
        if subject.learned:
            return judged(rule, Level.GOOD, "ev_fair_but_learned", **given)
        return judged(rule, Level.WATCH, "ev_fair", **given)
    if subject.learned:  # where returns hardly differ any more there is no variance to explain
        return judged(rule, Level.WATCH, "ev_poor_but_learned", most="medium", **given)
    return judged(rule, Level.BAD, "ev_negative" if level < limits.explained_variance_poor else "ev_none", **given)


# ---- how certain the policy is


class _Entropy:
    """The entropy of a policy by bins, as a share of its largest value where the number of actions is known.

    Attributes:
        start, end: as the section on learning has them, with the sign of an entropy; NaN without any.
        last: the end as a share; NaN where there is no share.
    """

    def __init__(self, series: Series, subject: Subject) -> None:
        bins = bin_medians(series.timestep, -series.columns["entropy_loss"])
        course = loss_course(series.values("entropy_loss").seen) if bins.count else None
        self.raw = bins
        self.start, self.end = (-course.start, -course.end) if course is not None else (math.nan, math.nan)
        self.last = math.nan
        self.reason: str | None = None
        self.share: Bins | None = None
        if not bins.count:
            self.reason = "no_column"
        elif subject.is_continuous:
            self.reason = "continuous"
        elif subject.actions is None:
            self.reason = "entropy_actions"
        elif float(bins.value.max()) > _SUM * math.log(subject.actions):
            self.reason = "entropy_sum"
        else:
            most = math.log(subject.actions)
            self.share, self.last = replace(bins, value=bins.value / most), self.end / most


def _check_entropy(subject: Subject, entropy: _Entropy, limits: Thresholds) -> Finding:
    raw, share = entropy.raw, entropy.share
    if raw.count and raw.count < limits.min_rows_trend:
        return not_assessed("entropy", "few_values", rows=raw.count)
    if entropy.reason == "continuous":
        return _entropy_change(entropy, limits)
    if share is None:
        return not_assessed("entropy", entropy.reason or "no_column", most=float(raw.value.max()) if len(raw) else 0.0,
                            actions=subject.actions or 0)  # fmt: skip
    band = (limits.entropy_collapsed, limits.entropy_untouched)
    given: dict[str, Any] = {"value": entropy.last, "band": band, "count": share.count, "actions": subject.actions}
    low = longest_stretch(share, share.value < limits.entropy_collapsed)
    plateau = subject.shape.level_since
    if low and low[2] >= limits.sustained_share:
        given["where"] = low[:2]
        if subject.shape.kind == "flat" or subject.shape.fall is not None:
            return judged("entropy", Level.BAD, "entropy_collapsed", at=low[0], **given)
        if plateau is None or low[0] >= plateau or subject.is_solved:
            key = "entropy_low_rising" if plateau is None else "entropy_low_after_plateau"
            level = Level.GOOD if plateau is not None or subject.learned else Level.WATCH
            return judged("entropy", level, key, at=low[0], learned=subject.learned, **given)
        early = low[0] < (share.begin[0] + share.end[-1]) / 2
        if early and middle(share.value[share.begin >= low[0]]) < limits.entropy_dead:
            given["count"] = max(share.count, SURE)  # nothing is as plain as a nought that is recorded over and over
            return judged("entropy", Level.BAD, "entropy_dead", at=low[0], since=plateau, **given)
        level = Level.BAD if early and not subject.learned else Level.WATCH
        return judged("entropy", level, "entropy_before_plateau", at=low[0], since=plateau, **given)
    late = share.after(limits.entropy_after)
    if subject.is_first and float(late.value.min()) > limits.entropy_untouched:
        level = Level.GOOD if subject.learned else Level.WATCH
        where = (int(late.begin[0]), int(late.end[-1]))
        key = "entropy_high_but_learned" if subject.learned else "entropy_untouched"
        return judged("entropy", level, key, where=where, **given)
    if entropy.last > limits.entropy_untouched:
        return judged("entropy", Level.GOOD, "entropy_high_now" if subject.is_first else "entropy_high_again", **given)
    return judged("entropy", Level.GOOD, "entropy_usual", **given)


def _entropy_change(entropy: _Entropy, limits: Thresholds) -> Finding:
    """Entropy of a density has no largest value and may be negative: only its change says something."""
    raw, change = entropy.raw, entropy.end - entropy.start
    grew = change > limits.entropy_growth
    where = (int(raw.begin[0]), int(raw.end[-1])) if grew else None
    level, key = (Level.WATCH, "entropy_grew") if grew else (Level.GOOD, "entropy_change")
    return judged("entropy", level, key, value=change, band=(None, limits.entropy_growth), count=raw.count,
                  most="medium", where=where)  # fmt: skip


def _check_never_learned(subject: Subject, entropy: _Entropy, bins: Bins, limits: Thresholds) -> list[Finding]:
    """A policy still random, a critic that explains nothing and a level reward: each alone can have other reasons."""
    share = entropy.share
    if share is None or min(share.count, bins.count) < limits.min_rows_trend or not subject.is_first:
        return []
    late, critic = share.after(limits.entropy_after), bins.after(limits.entropy_after)
    explained = middle(critic.value)
    if (
        subject.shape.kind != "flat"
        or middle(late.value) <= limits.entropy_untouched
        or explained > limits.explained_variance_none
    ):
        return []
    return [
        judged("never_learned", Level.BAD, "never_learned", value=middle(late.value),
               band=(None, limits.entropy_untouched), count=min(share.count, bins.count),
               where=(int(late.begin[0]), int(late.end[-1])), explained=explained)
    ]  # fmt: skip
