"""What shape a reward curve has: its course in straight stretches, and what they come to.

The course is found by :mod:`runsum.analysis.changepoints`, so nothing here looks at neighbouring rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from runsum.analysis.changepoints import PARTS, Course, block_means, find_course, thin
from runsum.analysis.stats import noise_level, slope, typical_range
from runsum.analysis.windows import EPISODES, Episodes
from runsum.cleaning.values import middle
from runsum.frozen import frozen
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

_WINDOW = 20  # of the run: a sudden drop happens within one such part; a mean of 100 episodes smears it out
_BEGUN = 0.1  # of a drop: it is said to lie between where so much of it has happened and where so much is left
_RANGE_OF_TEN = 4.5  # standard deviations
_LARGEST = 1e100  # the square of a larger reward is no number
UNJUDGED = frozenset({"none", "few", "early"})
"""Kinds of a curve that tells nothing: without rewards, with few of them, of few episodes."""


@frozen
class Fall:
    """Where most of what was learned was lost.

    Attributes:
        from_timestep, to_timestep: the steepest part of the fall.
        before, after: level of the course at its best and at the end.
        share: how much of the gain was lost; 1 is all of it.
        from_start: whether the best was in the first tenth of the run, which may be a lucky beginning.
    """

    from_timestep: int
    to_timestep: int
    before: float
    after: float
    share: float
    from_start: bool


@frozen
class Cliff:
    """A sudden drop: between which timesteps, and from which level of the course to which."""

    from_timestep: int
    to_timestep: int
    before: float
    after: float


@frozen
class RewardShape:
    """The shape of a reward curve in numbers.

    Attributes:
        kind: "none" | "few" | "early" | "flat" | "rising" | "level" | "falling"; of the first three (`UNJUDGED`)
            nothing is said; "early": its means are made of most of the run.
        rows: rows with a reward.
        start, end: medians of the first and last tenth.
        noise: spread around the moving mean.
        scale: 5th to 95th percentile.
        recent_change: change of the course over the recent share, in reward.
        level_since: first timestep of the level stretch at the end, or None.
        cliff: the largest sudden drop, or None.
        cliffs: number of sudden drops.
        recent_share: share of the rows that `recent_change` is about.
        level_between: timesteps between which the level stretch began, as far as the noise lets one tell; at least a
            bin of the course apart.
        fall: the loss of most of what was learned, or None.
        lost_share: how much of the gain the end has given back; 0 within the noise, and where the best was at the
            beginning.
        recent_since: timestep at which the recent share begins.
        noisy: noise as a share of the range of the course.
        unsure: standard deviation of a point of the course, its neighbours' likeness allowed for.
        best_level, best_level_at: highest point of the course, without its first twentieth, and its timestep.
        floor_level, last_level: where the course began to rise to it, and where it ended: what `lost_share` is made of.
        held: whether no more than `Thresholds.lost_watch` of the gain was given back.
        covered: share of the run that its last mean is made of, where the curve is "early".
    """

    kind: str
    rows: int
    start: float | None = None
    end: float | None = None
    noise: float = 0.0
    scale: float = 0.0
    recent_change: float = 0.0
    level_since: int | None = None
    cliff: Cliff | None = None
    cliffs: int = 0
    recent_share: float = 0.25
    level_between: tuple[int, int] | None = None
    fall: Fall | None = None
    lost_share: float = 0.0
    recent_since: int | None = None
    noisy: float = 0.0
    unsure: float = 0.0
    best_level: float | None = None
    best_level_at: int | None = None
    held: bool = True
    floor_level: float | None = None
    last_level: float | None = None
    covered: float | None = None


def describe_shape(
    timestep: Floats, reward: Floats, limits: Thresholds, episodes: Episodes | None = None
) -> RewardShape:
    """Classify a reward curve.

    Args:
        timestep: canonical rows in write order.
        reward: mean episode reward, NaN where missing.
        limits: thresholds in force.
        episodes: tell of how many episodes the means are; None: nobody knows.
    """
    episodes = episodes or Episodes(None)
    largest = float(np.max(np.abs(reward), initial=0.0, where=np.isfinite(reward)))
    if largest <= _LARGEST:
        return _describe(timestep, reward, episodes, limits)
    return _enlarged(_describe(timestep, reward / largest, episodes, limits), largest)


def _enlarged(shape: RewardShape, factor: float) -> RewardShape:
    """The shape of a curve whose values are larger by a factor."""
    fall, cliff = shape.fall, shape.cliff
    return replace(
        shape,
        start=None if shape.start is None else shape.start * factor,
        end=None if shape.end is None else shape.end * factor,
        noise=shape.noise * factor, unsure=shape.unsure * factor, scale=shape.scale * factor,
        recent_change=shape.recent_change * factor,
        best_level=None if shape.best_level is None else shape.best_level * factor,
        floor_level=None if shape.floor_level is None else shape.floor_level * factor,
        last_level=None if shape.last_level is None else shape.last_level * factor,
        cliff=None if cliff is None else replace(cliff, before=cliff.before * factor, after=cliff.after * factor),
        fall=None if fall is None else replace(fall, before=fall.before * factor, after=fall.after * factor),
    )  # fmt: skip


def _describe(timestep: Floats, reward: Floats, episodes: Episodes, limits: Thresholds) -> RewardShape:
    seen = np.flatnonzero(np.isfinite(reward) & np.isfinite(timestep))
    steps, values = timestep[seen], reward[seen]
    if not len(values):
        return RewardShape("none", 0)
    if len(values) < limits.min_rows_trend:
        return RewardShape("few", len(values), float(values[0]), float(values[-1]))
    if (steps[1:] < steps[:-1]).any():  # rarely: a restart
        order = np.argsort(steps, kind="stable")
        seen, steps, values = seen[order], steps[order], values[order]
    tenth = max(3, len(values) // 10)
    start, end = middle(values[:tenth]), middle(values[-tenth:])
    covered = episodes.covered(timestep, int(seen[-1]))
    if covered > limits.trend_mean_share:
        noise = noise_level(values)
        return RewardShape("early", len(values), start, end, noise, typical_range(values), covered=covered)
    course = find_course(thin(steps, values), limits.changepoint_penalty)
    # lines overshoot where they meet, but no page may tell of a reward beyond all that were recorded
    course = replace(course, fitted=np.clip(course.fitted, values.min(), values.max()))
    scale = typical_range(values)
    fitted, unsure = course.fitted, course.thinned.unsure
    flat = (
        abs(end - start) <= limits.trend_noise_factor * unsure
        and typical_range(fitted) <= 2 * limits.trend_noise_factor * unsure
    ) or _only_wobbles(course, end - start)
    first = _start_below(values[:tenth], episodes.until(timestep, seen[:tenth]), end, unsure)
    if first is not None:
        flat, start = False, min(start, first)
    change, moved = _recent_change(course, scale, limits)
    since, between = (None, None) if moved else _level_since(course, max(scale, abs(end - start)), limits)
    cliff, cliffs = (None, 0) if flat else _find_cliffs(course, scale, episodes.full_from(timestep, seen), limits)
    floor, last = _ends(course)
    fall, lost = (None, 0.0) if flat else _find_fall(course, floor, last, limits)
    noise = noise_level(values)
    return RewardShape(
        "flat" if flat else ("rising" if change > 0 else "falling") if moved else "level",
        len(values), start, end, noise, scale, change, since, cliff, cliffs, limits.recent_share, between,
        fall, lost, int(course.thinned.x[-_recent(course, limits)]), noise / max(typical_range(fitted), 1e-12), unsure,
        float(fitted[len(fitted) // 20 :].max()), int(course.thinned.x[_best_bin(course)]),
        fall is None and lost <= limits.lost_watch, floor, last,
    )  # fmt: skip


def _start_below(values: Floats, episodes: Floats, level: float, unsure: float) -> float | None:
    """Where a curve began, if clearly below a level: what it learned in its first hundred episodes is no luck of a few.

    Args:
        values: the first means, shape (rows,).
        episodes: of how many episodes they are, shape (rows,); more than a hundred count as a hundred.
        level: of the end.
        unsure: standard deviation of a mean of a hundred episodes, which that of fewer is larger than.

    Returns:
        The median of those that are more than four deviations below, of which there must be two; else None.
    """
    deviation = unsure * np.sqrt(EPISODES / np.clip(episodes, 1.0, EPISODES))
    below = values[(level - values > 4 * deviation) & np.isfinite(episodes)]
    return middle(below) if len(below) >= 2 else None


def _only_wobbles(course: Course, gain: float) -> bool:
    """Whether tenths of a series differ no more than its slow noise makes them.

    A rolling mean wanders further than the noise of neighbouring values tells, but it does not get anywhere: of ten
    independent means the range is below 4.5 of their deviations in 95 of 100 cases.
    """
    most = _RANGE_OF_TEN * course.thinned.drift
    return bool(most) and float(np.ptp(block_means(course.thinned.y, 10))) <= most and abs(gain) <= most


def _recent(course: Course, limits: Thresholds) -> int:
    return min(max(4, round(len(course.fitted) * limits.recent_share)), len(course.fitted))


def _recent_change(course: Course, scale: float, limits: Thresholds) -> tuple[float, bool]:
    """Change of the course over its recent share, and whether that is a trend which goes on in the later half."""
    recent = course.fitted[-_recent(course, limits) :]
    at = np.arange(float(len(recent)))
    change = slope(at, recent) * float(at[-1])
    third = len(recent) // 3
    late = float(recent[-third:].mean() - recent[-2 * third : -third].mean()) if third else 0.0
    unsure = float(_unsure_rise(course, np.array(float(len(recent)))))
    stays = (float(course.thinned.y[-1]) - float(recent[0])) * change > 0  # a dip that is over again is no fall
    goes_on = stays and late * change > 0 and abs(late) >= limits.trend_late_share * abs(change)
    return change, goes_on and abs(change) > max(limits.trend_noise_factor * unsure, limits.plateau_band * scale)


def _unsure_rise(course: Course, bins: Floats) -> Floats:
    """Standard deviation of the rise of a line through so many bins, and through as many twentieths; same shape."""
    parts = bins / len(course.fitted) * PARTS
    return np.maximum(course.thinned.unsure * (12 / bins) ** 0.5, course.thinned.drift * (12 / parts) ** 0.5)


def _level_since(course: Course, scale: float, limits: Thresholds) -> tuple[int | None, tuple[int, int] | None]:
    """Timestep from which the course stays within a band around its final level, and how sure that is.

    The course is known at the middles of its bins: what is within the band at one of them and outside at the one before
    has come in anywhere between the two, so that what it began between is never narrower than a bin.
    """
    fitted, x = course.fitted, course.thinned.x
    band = max(limits.plateau_band * scale, min(2 * course.thinned.unsure, limits.plateau_band_noisy * scale))
    level = middle(fitted[-max(3, len(fitted) // 10) :])
    away = np.abs(fitted - level)
    entered = _enters(away, band)
    first = entered + int(np.argmax(_keeps_level(course, scale, limits)[entered:])) if entered < len(x) else entered
    if first >= len(x) or x[-1] - x[first] < limits.plateau_min_share * (x[-1] - x[0]):
        return None, None
    low, high = _enters(away, 1.5 * band), entered + int(np.argmax(away[entered:] <= band / 1.5))
    for change in course.changes:
        if change.low <= entered <= change.high:
            low, high = min(low, change.low), max(high, change.high)
    low = max(min(low, entered) - 1, 0)
    high = min(max(high, first, low + 1), len(x) - 1)
    return int(x[first]), (int(x[low]), int(x[high]))


def _keeps_level(course: Course, scale: float, limits: Thresholds) -> NDArray[np.bool_]:
    """From which bins on a series neither rises nor falls by more than the band and its noise, shape (bins,).

    A band that noise has widened has room for a slow trend, which a line through all bins from there on shows.
    """
    y = course.thinned.y - course.thinned.y.mean()
    at, count = np.arange(float(len(y))), np.arange(float(len(y)), 0.0, -1.0)
    total, mixed = (np.cumsum(one[::-1])[::-1] for one in (y, at * y))
    spread = np.maximum(count * (count**2 - 1) / 12, 1e-12)
    rise = (mixed - (at + at[-1]) / 2 * total) / spread * (count - 1)
    kept: NDArray[np.bool_] = np.abs(rise) <= np.maximum(
        limits.trend_noise_factor * _unsure_rise(course, count), limits.plateau_band * scale
    )
    return kept


def _enters(away: Floats, band: float) -> int:
    """First bin from which a distance stays within a band."""
    outside = np.flatnonzero(away > band)
    return int(outside[-1]) + 1 if len(outside) else 0


def _find_cliffs(course: Course, scale: float, begin: float, limits: Thresholds) -> tuple[Cliff | None, int]:
    """The largest sudden drop of the course, and how many there are.

    Args:
        course: the course.
        scale: range of the rewards.
        begin: timestep before which means are of few episodes, and drops as soon as one of them is bad.
        limits: thresholds in force.
    """
    fitted, x = course.fitted, course.thinned.x
    size = max(3, len(fitted) // _WINDOW)
    if len(fitted) < 4 * size or scale <= 0:
        return None, 0
    drops = fitted[:-size] - fitted[size:]
    drops[x[:-size] < begin] = 0.0
    steep = drops > max(limits.cliff_noise_factor * course.thinned.unsure, limits.cliff_range_share * scale)
    if not steep.any():
        return None, 0
    worst = int(np.argmax(np.round(drops / scale, 9)))
    count = int((np.diff(np.concatenate([[0], steep.astype(int)])) == 1).sum())
    before, after = float(fitted[worst]), float(fitted[worst + size])
    top, bottom = (before - part * (before - after) for part in (_BEGUN, 1 - _BEGUN))
    bins = course.thinned.y[worst : worst + size + 1]  # the lines of the course are slower than what they follow
    low = np.flatnonzero(bins <= bottom)
    done = int(low[0]) if len(low) else size
    high = np.flatnonzero(bins[: done + 1] >= top)
    begun = int(high[-1]) if len(high) else 0
    return Cliff(int(x[worst + begun]), int(x[worst + done]), before, after), count


def _best_bin(course: Course) -> int:
    skip = len(course.fitted) // 20  # the first means are of few episodes
    return skip + int(np.argmax(course.fitted[skip:]))


def _ends(course: Course) -> tuple[float, float]:
    """The least point of a course before its best one, or its end if that is lower; and its end."""
    fitted = course.fitted
    last = middle(fitted[-max(3, len(fitted) // 20) :])
    return min(float(fitted[len(fitted) // 20 : _best_bin(course) + 1].min()), last), last


def _find_fall(course: Course, floor: float, after: float, limits: Thresholds) -> tuple[Fall | None, float]:
    """How much of its gain a course has lost at its end, and where, if that is most of it.

    Args:
        course: the course.
        floor: the first of `_ends`.
        after: the second.
        limits: thresholds in force.
    """
    fitted, x = course.fitted, course.thinned.x
    best = _best_bin(course)
    before = float(fitted[best])
    if before - after <= 2 * course.thinned.unsure:
        return None, 0.0
    share = min((before - after) / max(before - floor, 1e-12), 1.0)
    if share <= limits.lost_gain or before - after <= 4 * course.thinned.unsure:
        return None, min(share, limits.lost_gain)  # perhaps, but not surely more than that
    size = max(3, len(fitted) // _WINDOW)
    later = fitted[best:]
    drops = later[:-size] - later[size:] if len(later) > size else np.zeros(1)
    worst = best + int(np.argmax(drops))
    from_start = best < len(fitted) // 10
    end = min(worst + size, len(x) - 1)
    return Fall(int(x[worst]), int(x[end]), before, after, share, from_start), 0.0 if from_start else share
