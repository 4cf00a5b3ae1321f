"""What a run cost: time, time of the GPU, energy, time that was lost; and what set its pace."""

from __future__ import annotations

import math

import numpy as np

from runsum.measures import Cost
from runsum.model import Fact, missing, note, phrase
from runsum.source.metric_rows import LONGEST_SAMPLE_S, GpuTable
from runsum.thresholds import Thresholds

_LIMITS = {
    "bottleneck.environment": "environment",
    "bottleneck.gpu": "gpu",
    "bottleneck.vram": "memory",
    "bottleneck.cpu": "cpu",
    "bottleneck.balanced": "none",
    "bottleneck.cpu_free": "none",
}


def find_cost(
    hours: float | None,
    lost_h: float | None,
    gpu: GpuTable,
    gpu_avg: float | None,
    energy_kwh: float | None,
    levels: tuple[float | None, float | None],
    bottleneck: Fact,
    limits: Thresholds,
) -> Cost:
    """Put together what a run took.

    Args:
        hours: training time without gaps.
        lost_h: time lost in gaps.
        gpu: GPU samples.
        gpu_avg: mean GPU use in percent; None where nothing was measured.
        energy_kwh: energy between power samples.
        levels: reward level at the start and at the end; None where it cannot be told.
        bottleneck: what the summary says of the limit.
        limits: thresholds in force.
    """
    covered = sampled_hours(gpu)
    coverage = None if covered is None or not hours else min(1.0, covered / hours)
    in_use = bool(gpu_avg) and coverage is not None and coverage >= limits.gpu_coverage
    start, end = levels
    gained = math.nan if start is None or end is None else end - start
    return Cost(
        hours=hours,
        gpu_hours=hours if in_use else None,
        gpu_coverage=coverage,
        energy_kwh=energy_kwh,
        lost_h=lost_h,
        reward_gained=gained if math.isfinite(gained) else None,
        limit=_LIMITS.get(bottleneck.words.key, "") if bottleneck.words is not None else "",
    )


def sampled_hours(gpu: GpuTable) -> float | None:
    """Hours between GPU samples at most a minute apart; None without two samples."""
    times = np.sort(gpu.local_s[np.isfinite(gpu.local_s)])
    if len(times) < 2:
        return None
    widths = np.diff(times)
    return float(widths[widths <= LONGEST_SAMPLE_S].sum() / 3600)


def cost_fact(cost: Cost) -> Fact:
    """Time and energy in words; what is not known says why."""
    if cost.hours is None:
        return missing("cost.no_hours")
    small = []
    if cost.gpu_hours is None:
        key = "cost.no_samples" if cost.gpu_coverage is None else "cost.samples_idle_or_few"
        small.append(phrase(key, coverage=100 * (cost.gpu_coverage or 0.0)))
    elif cost.gpu_coverage is not None and cost.gpu_coverage < 0.995:
        small.append(phrase("cost.covered", coverage=100 * cost.gpu_coverage))
    return note("cost.took", *small, hours=cost.hours, gpu_hours=cost.gpu_hours, kwh=cost.energy_kwh, lost=cost.lost_h)


def yield_fact(cost: Cost) -> Fact:
    """Reward gained for each GPU-hour."""
    if cost.reward_gained is None:
        return missing("cost.no_gain")
    if cost.gained_per_gpu_hour is None:
        return missing("cost.no_gpu_hours", gained=cost.reward_gained)
    return note("cost.yield", per_hour=cost.gained_per_gpu_hour, gained=cost.reward_gained, gpu_hours=cost.gpu_hours)
