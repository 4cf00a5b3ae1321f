"""What the reward did: best, last, milestones, shape, cliffs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runsum.analysis.stats import noise_level, slope, smooth, typical_range
from runsum.model import Curve, Fact, Milestone, missing, note
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

MILESTONE_PERCENTS = (10, 25, 50, 75, 100)


@dataclass(frozen=True, slots=True)
class RewardShape:
    """The shape of a reward curve in numbers.

    Attributes:
        kind: "none" | "few" | "flat" | "rising" | "level" | "falling".
        rows: rows with a reward.
        start, end: medians of the first and last tenth.
        noise: spread around the moving mean.
        scale: 5th to 95th percentile.
        recent_change: change over the recent share by a straight line, in reward.
        level_since: first timestep of the level stretch at the end, or None.
        cliff: (timestep, before, after) of the largest sudden drop, or None.
        cliffs: number of sudden drops.
        recent_share: share of the rows that `recent_change` is about.
    """

    kind: str
    rows: int
    start: float | None = None
    end: float | None = None
    noise: float = 0.0
    scale: float = 0.0
    recent_change: float = 0.0
    level_since: int | None = None
    cliff: tuple[int, float, float] | None = None
    cliffs: int = 0
    recent_share: float = 0.25


def find_milestones(
    timestep: Floats, reward: Floats, start: int, target: int | None, last_any: int | None, limits: Thresholds
) -> tuple[Milestone, ...]:
    """Reward at 10, 25, 50, 75 and 100 % of the target.

    Args:
        timestep: canonical absolute steps, shape (rows,).
        reward: mean episode reward, shape (rows,), NaN where missing.
        start: true first step of the run.
        target: timesteps to train from there; without one there are no milestones.
        last_any: largest own step of any row, progress lines included.
        limits: thresholds in force.
    """
    if target is None or target <= 0 or last_any is None:
        return ()
    seen = np.isfinite(reward)
    order = np.argsort(timestep[seen], kind="stable")
    steps, rewards = timestep[seen][order], reward[seen][order]
    found = []
    for percent in MILESTONE_PERCENTS:
        mark = start + target * percent / 100.0
        reached = last_any >= mark
        place = len(steps) - 1 if percent == 100 else int(np.searchsorted(steps, mark, side="right")) - 1
        if place < 0:
            found.append(Milestone(percent, mark, None, None, reached, False))
            continue
        far = min(mark, last_any) - steps[place] > limits.milestone_far * target
        found.append(Milestone(percent, mark, int(steps[place]), float(rewards[place]), reached, bool(far)))
    return tuple(found)


def describe_shape(timestep: Floats, reward: Floats, limits: Thresholds) -> RewardShape:
    """Classify a reward curve (canonical rows in write order, NaN where missing)."""
    with np.errstate(over="ignore", invalid="ignore"):  # rewards of 1e300 overflow a square, and say nothing either way
        return _describe(timestep, reward, limits)


def _describe(timestep: Floats, reward: Floats, limits: Thresholds) -> RewardShape:
    seen = np.isfinite(reward) & np.isfinite(timestep)
    steps, values = timestep[seen], reward[seen]
    if not len(values):
        return RewardShape("none", 0)
    if len(values) < limits.min_rows_trend:
        return RewardShape("few", len(values), float(values[0]), float(values[-1]))
    tenth = max(3, len(values) // 10)
    start, end = float(np.median(values[:tenth])), float(np.median(values[-tenth:]))
    noise, scale = noise_level(values), typical_range(values)
    size = max(4, int(len(values) * limits.recent_share))
    x, y = steps[-size:], values[-size:]
    change = slope(x, y) * float(x[-1] - x[0])
    rest = float(np.std(y - (y.mean() + slope(x, y) * (x - x.mean()))))
    late = slope(x[size // 2 :], y[size // 2 :]) * float(x[-1] - x[size // 2])
    goes_on = late * change > 0 and abs(late) >= limits.trend_late_share * abs(change)
    moved = goes_on and abs(change) > max(limits.trend_noise_factor * rest, limits.plateau_band * scale)
    level_since = (
        None if moved else _level_since(steps, values, end, max(limits.plateau_band * scale, 2 * noise), limits)
    )
    cliff, cliffs = _find_cliffs(steps, values, noise, scale, limits)
    if (
        abs(end - start) <= limits.trend_noise_factor * max(noise, 1e-12)
        and scale <= 4 * limits.trend_noise_factor * noise
    ):
        kind = "flat"
    else:
        kind = ("rising" if change > 0 else "falling") if moved else "level"
    return RewardShape(
        kind, len(values), start, end, noise, scale, change, level_since, cliff, cliffs, limits.recent_share
    )


def _level_since(steps: Floats, values: Floats, end: float, band: float, limits: Thresholds) -> int | None:
    """First step from which the moving mean stays within `band` of the final level."""
    calm = np.abs(smooth(values, max(3, len(values) // 20)) - end) <= band
    outside = np.flatnonzero(~calm)
    first = int(outside[-1]) + 1 if len(outside) else 0
    if first >= len(steps) or steps[-1] - steps[first] < limits.plateau_min_share * (steps[-1] - steps[0]):
        return None
    return int(steps[first])


def _find_cliffs(
    steps: Floats, values: Floats, noise: float, scale: float, limits: Thresholds
) -> tuple[tuple[int, float, float] | None, int]:
    size = max(3, len(values) // 50)
    if len(values) < 4 * size or scale <= 0:
        return None, 0
    totals = np.concatenate([[0.0], np.cumsum(values)])
    means = (totals[size:] - totals[:-size]) / size
    drops = means[:-size] - means[size:]
    steep = drops > max(limits.cliff_noise_factor * noise, limits.cliff_range_share * scale)
    if not steep.any():
        return None, 0
    worst = int(np.argmax(drops))
    count = int((np.diff(np.concatenate([[0], steep.astype(int)])) == 1).sum())
    return (int(steps[worst + size]), float(means[worst]), float(means[worst + size])), count


def convergence_fact(shape: RewardShape) -> Fact:
    """The estimated timestep of convergence."""
    if shape.kind in ("none", "few"):
        return missing(f"convergence.{shape.kind}", rows=shape.rows)
    if shape.kind == "flat":
        return missing("convergence.flat", level=shape.end)
    if shape.level_since is None:
        return missing(
            f"convergence.{'moving' if shape.kind in ('rising', 'falling') else 'late'}", direction=shape.kind
        )
    return Fact(shape.level_since, estimated=True)


def trend_fact(shape: RewardShape) -> Fact:
    """The shape of the reward as a sentence."""
    if shape.kind in ("none", "few"):
        return missing(f"trend.{shape.kind}", rows=shape.rows)
    return note(
        f"shape.{shape.kind}{'_since' if shape.kind == 'level' and shape.level_since is not None else ''}",
        start=shape.start,
        end=shape.end,
        change=abs(shape.recent_change),
        since=shape.level_since,
        share=shape.recent_share * 100,
        estimated=True,
    )


def cliff_fact(shape: RewardShape) -> Fact:
    """Sudden drops as a sentence."""
    if shape.kind in ("none", "few"):
        return missing(f"trend.{shape.kind}", rows=shape.rows)
    if shape.cliff is None:
        return note("cliff.none")
    step, before, after = shape.cliff
    return note("cliff.found", count=shape.cliffs, timestep=step, before=before, after=after)


def milestone_trend_fact(milestones: tuple[Milestone, ...], shape: RewardShape) -> Fact:
    """What the milestone values say together; only the reached ones count."""
    reached = [m for m in milestones if m.reached and m.reward is not None]
    if len(reached) < 2:
        return missing("milestones.too_few", reached=len(reached))
    rewards = [m.reward for m in reached if m.reward is not None]
    total = rewards[-1] - rewards[0]
    margin = max(2 * shape.noise, 0.05 * (max(rewards) - min(rewards)))
    last = reached[-1].percent
    best = max(range(len(rewards)), key=lambda i: rewards[i])
    if max(rewards) - rewards[-1] > margin and best < len(rewards) - 1:
        return note("milestones.peaked", peak=reached[best].percent, best=rewards[best], last=last, end=rewards[-1])
    if abs(total) <= margin:
        return note("milestones.level", first=reached[0].percent, last=last, start=rewards[0], end=rewards[-1])
    flat = next(
        (i for i in range(len(rewards)) if all(abs(r - rewards[-1]) <= margin for r in rewards[i:])),
        len(rewards) - 1,
    )
    values = {
        "first": reached[0].percent,
        "last": last,
        "start": rewards[0],
        "end": rewards[-1],
        "gain": total,
    }
    if flat < len(rewards) - 1 and shape.kind not in ("rising", "falling"):
        return note("milestones.levelled", since=reached[flat].percent, **values)
    return note("milestones.rising", **values)


def thin_curve(timestep: Floats, hours: Floats, reward: Floats, points: int = 120) -> Curve:
    """The reward curve in about `points` evenly chosen rows, its highest and lowest always among them."""
    seen = np.isfinite(reward) & np.isfinite(hours)
    steps, time, values = timestep[seen], hours[seen], reward[seen]
    if not len(values):
        return Curve()
    pick = np.unique(np.linspace(0, len(values) - 1, min(points, len(values))).round().astype(int))
    extremes = np.array([int(values.argmax()), int(values.argmin())])
    pick = np.unique(np.concatenate([pick, extremes]))
    return Curve(
        tuple(int(s) for s in steps[pick]),
        tuple(round(float(h), 5) for h in time[pick]),
        tuple(float(r) for r in values[pick]),
    )
