"""The check of the reward: what its shape means, and what else changed where it fell."""

from __future__ import annotations

from typing import Any

import numpy as np

from runsum.analysis.findings import Subject, judged, not_assessed
from runsum.analysis.shape import UNJUDGED, Fall, RewardShape
from runsum.analysis.shape_facts import look_apart
from runsum.cleaning.series import Series
from runsum.cleaning.values import finite, middle
from runsum.model import DataQuality, Finding, Level, Phrase, phrase
from runsum.thresholds import Thresholds

_BESIDE = (
    ("kl", "kl_divergence"), ("clip", "clip_fraction"), ("rate", "learning_rate"), ("entropy", "entropy_loss"),
    ("value_loss", "value_loss"), ("gradient", "gradient_norm"),
)  # fmt: skip
"""What is looked at beside a fall: name and column."""


def check_reward(
    series: Series, quality: DataQuality, subject: Subject, lost_rewards: bool, limits: Thresholds
) -> Finding:
    """What the reward did, from the shape of its curve.

    Args:
        series: canonical rows.
        quality: restarts and gaps, which may stand beside a fall.
        subject: the run and the shape.
        lost_rewards: whether rewards of 1000 and more were not stored.
        limits: thresholds in force.
    """
    shape, rule = subject.shape, "reward_shape"
    if shape.kind == "early":
        return not_assessed(rule, "reward_early", share=shape.covered)
    if shape.kind in UNJUDGED:
        return not_assessed(rule, "reward_few" if shape.rows else "reward_none", rows=shape.rows)
    if lost_rewards:
        return not_assessed(rule, "reward_lost")
    steps = series.timestep[np.isfinite(series.reward)]
    first, last = int(steps.min()), int(steps.max())
    given: dict[str, Any] = {"count": shape.rows, "start": shape.start, "end": shape.end}
    if shape.kind == "flat":
        if subject.is_first and not subject.is_solved:
            return judged(
                rule, Level.BAD, "reward_flat", value=shape.end, where=(first, last), reach=shape.scale, **given
            )
        return judged(rule, Level.GOOD, "reward_held", value=shape.end, where=(first, last), **given)
    if shape.fall is not None:
        return _fallen(series, quality, subject, shape.fall, limits)
    if not shape.held and shape.kind != "falling":
        return _below_best(shape, limits)
    if shape.kind != "falling" and not subject.is_solved and (found := _came_back(shape, limits)) is not None:
        return found
    if shape.kind in ("rising", "falling"):
        level, key = (Level.GOOD, "reward_rising") if shape.kind == "rising" else (Level.WATCH, "reward_falling")
        since = first if shape.recent_since is None else shape.recent_since
        return judged(rule, level, key, value=shape.recent_change, where=(since, last),
                      change=abs(shape.recent_change), share=shape.recent_share * 100, **given)  # fmt: skip
    if shape.noisy > limits.noisy_share and shape.level_since is None:
        return judged(rule, Level.WATCH, "reward_noisy", value=shape.noisy, band=(None, limits.noisy_share), **given)
    gain = (shape.end or 0.0) - (shape.start or 0.0)
    if gain <= limits.trend_noise_factor * shape.unsure and subject.is_first and not subject.is_solved:
        return judged(rule, Level.WATCH, "reward_no_gain", value=gain, where=(first, last), **given)
    if shape.level_since is None:
        return judged(rule, Level.GOOD, "reward_open", value=shape.end, most="medium", **given)
    low, high = shape.level_between or (shape.level_since, shape.level_since)
    return judged(rule, Level.GOOD, "reward_level", value=float(shape.level_since), where=(shape.level_since, last),
                  since=shape.level_since, earliest=low, latest=high, apart=look_apart(low, high), **given)  # fmt: skip


def _came_back(shape: RewardShape, limits: Thresholds) -> Finding | None:
    """A sudden drop by most of what had been gained until then, of which nothing is left to be seen at the end."""
    if shape.cliff is None or shape.floor_level is None:
        return None
    cliff = shape.cliff
    gained = cliff.before - shape.floor_level
    lost = (cliff.before - cliff.after) / max(gained, 1e-12)
    if gained < limits.lost_gain * shape.scale or lost <= limits.lost_gain:
        return None
    return judged(
        "reward_shape", Level.WATCH, "reward_came_back", value=lost, band=(None, limits.lost_gain), count=shape.rows,
        most="medium", where=(cliff.from_timestep, cliff.to_timestep), at=cliff.to_timestep, before=cliff.before,
        after=cliff.after, lost=lost * 100, end=shape.end,
    )  # fmt: skip


def _below_best(shape: RewardShape, limits: Thresholds) -> Finding:
    start, best, end = (level or 0.0 for level in (shape.floor_level, shape.best_level, shape.last_level))
    is_noise = best - end > 1.01 * shape.lost_share * (best - start)  # so much of a fall is not sure
    return judged(
        "reward_shape", Level.WATCH, "reward_below_best", value=shape.lost_share, band=(None, limits.lost_watch),
        count=shape.rows, start=start, best=best, end=end, lost=shape.lost_share * 100, is_noise=is_noise,
    )  # fmt: skip


def _fallen(series: Series, quality: DataQuality, subject: Subject, fall: Fall, limits: Thresholds) -> Finding:
    begin, end = fall.from_timestep, fall.to_timestep
    level, most = (Level.WATCH, "medium") if fall.from_start else (Level.BAD, "high")
    key = "reward_fell_from_start" if fall.from_start else "reward_collapsed"
    return judged(
        "reward_shape", level, key, value=fall.share, band=(None, limits.lost_gain), count=subject.shape.rows,
        most=most, where=(begin, end), before=fall.before, after=fall.after,
        lost=fall.share * 100, begin=begin, beside=what_changed(series, quality, begin, end, limits),
    )  # fmt: skip


def what_changed(series: Series, quality: DataQuality, begin: int, end: int, limits: Thresholds) -> list[Phrase]:
    """What else changed around a fall of the reward; it stands beside the fall, and need not be its cause."""
    width = max(end - begin, 1)
    steps = series.timestep
    before = (steps >= begin - 2 * width) & (steps < begin)
    during = (steps >= begin) & (steps <= end + width)
    said = []
    for name, column in _BESIDE:
        values = np.abs(series.columns[column])
        old, new = finite(values[before]), finite(values[during])
        if len(old) < 3 or len(new) < 3:
            continue
        was, became = middle(old), middle(new)
        if max(was, became) > limits.beside_factor * max(min(was, became), 1e-12):
            said.append(phrase(f"beside.{name}", before=was, after=became))
    near = (begin - width, end + width)
    if any(near[0] <= session.start_timestep <= near[1] for session in quality.sessions[1:]):
        said.append(phrase("beside.restart"))
    if any(near[0] <= gap.timestep <= near[1] for gap in quality.gaps):
        said.append(phrase("beside.gap"))
    return said
