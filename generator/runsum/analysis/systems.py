"""Checks of the machine and of the record: speed, memory, time lost, gradients, and whether the rows can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from runsum.analysis.findings import Subject, absent, bin_medians, judged, longest_stretch, not_assessed
from runsum.analysis.stats import head_tail
from runsum.cleaning.series import Series
from runsum.cleaning.values import finite, middle, middle_of, percentile_of
from runsum.model import DataQuality, Finding, Level
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

_CONTRADICTIONS = (
    ("large_rewards_lost", "data_rewards_lost"), ("rollout_contradiction", "data_contradiction"),
    ("learning_rate_contradiction", "data_contradiction"),
)  # fmt: skip


def check_throughput(steps: Floats, per_second: Floats, limits: Thresholds) -> Finding:
    """Whether training got slower.

    Args:
        steps: timestep at the end of each window, shape (windows,).
        per_second: measured timesteps per second, shape (windows,).
        limits: thresholds in force.
    """
    if len(per_second) < max(limits.fps_windows, 1):  # as the speed trend has it: one page says one thing
        return not_assessed("throughput", "speed_few", windows=len(per_second))
    bins = bin_medians(steps, per_second, 40)
    first, last = head_tail(finite(per_second), 0.2)  # one pair of speeds, too
    before, after = middle(first), middle(last)
    if before <= 0:
        return not_assessed("throughput", "speed_few", windows=len(per_second))
    drop, band = 1 - after / before, (None, limits.fps_drop)
    given: dict[str, Any] = {
        "value": drop, "band": band, "count": 3 * len(per_second), "before": before, "after": after,
        "change": abs(drop) * 100,
    }  # fmt: skip
    if drop > limits.fps_drop:
        slow = longest_stretch(bins, bins.value < (1 - limits.fps_drop) * before)
        level = Level.BAD if drop > limits.fps_drop_bad else Level.WATCH
        return judged("throughput", level, "speed_fell", most="medium", where=slow[:2] if slow else None, **given)
    return judged("throughput", Level.GOOD, "speed_steady" if drop > -limits.fps_drop else "speed_rose", **given)


def check_resources(series: Series, vram_share: float | None, gpu_avg: float | None, limits: Thresholds) -> Finding:
    """Whether memory runs short or grows; an idle GPU is told, and is usual where the environment sets the pace."""
    memory = bin_medians(series.timestep, series.columns["memory_mb"])
    if vram_share is not None and vram_share > limits.vram_tight:
        return judged("resources", Level.WATCH, "vram_tight", value=vram_share, band=(None, limits.vram_tight),
                      chart="vram", percent=vram_share * 100)  # fmt: skip
    if memory.count >= limits.min_rows_trend:
        third = max(1, len(memory) // 3)
        first, last = memory.value[:third], memory.value[-third:]
        growth = float(middle(last) / max(middle(first), 1e-9))
        typical = middle(memory.value[third:-third]) if len(memory) > 2 * third else middle(last)
        still = float(memory.value[-1]) > 1.02 * middle(last)  # a replay memory fills up, and then it is full
        if growth > limits.memory_growth and middle(first) < typical < middle(last) and still:
            return judged("resources", Level.WATCH, "memory_grows", value=growth, band=(None, limits.memory_growth),
                          count=memory.count, most="medium", where=(int(memory.begin[third]), int(memory.end[-1])),
                          before=middle(first), after=float(memory.value[-1]))  # fmt: skip
    if gpu_avg is not None:
        key = "gpu_idle" if gpu_avg < limits.gpu_idle_pct else "gpu_used"
        return judged("resources", Level.GOOD, key, value=gpu_avg, chart="gpu")
    if memory.count:
        return judged("resources", Level.GOOD, "memory_steady", value=float(memory.value[-1]), count=memory.count)
    return not_assessed("resources", "no_readings")


def check_downtime(lost_h: float | None, duration_h: float | None, quality: DataQuality, limits: Thresholds) -> Finding:
    """How much of the time passed without rows."""
    if lost_h is None:
        few = "no_rows" if not quality.rows else "gaps_few" if quality.rows < 3 else "gaps_no_times"
        return not_assessed("downtime", few, rows=quality.rows)
    if duration_h is None:
        return not_assessed("downtime", "no_times")
    share = lost_h / duration_h if duration_h else 0.0
    worst = max(quality.gaps, key=lambda gap: gap.seconds, default=None)
    where = (worst.timestep, worst.timestep) if worst is not None else None
    level = Level.WATCH if share > limits.downtime_watch else Level.GOOD
    key = "time_lost" if share > 0 else "short_gaps" if quality.gaps else "no_time_lost"
    return judged("downtime", level, key, value=share, band=(None, limits.downtime_watch),
                  where=where if level is Level.WATCH else None, hours=lost_h, percent=share * 100,
                  gaps=len(quality.gaps), seconds=sum(gap.seconds for gap in quality.gaps),
                  least=limits.downtime_s)  # fmt: skip


def check_gradient(series: Series, subject: Subject, limits: Thresholds) -> Finding:
    """Whether gradients stay of one size."""
    bins = bin_medians(series.timestep, series.columns["gradient_norm"])
    rule = "gradient_norm"
    if missing := absent(rule, bins.count, limits):
        return missing
    recorded = series.values("gradient_norm")
    typical, high = middle_of(recorded.ordered), percentile_of(recorded.ordered, 95)
    if (np.abs(recorded.seen - recorded.most) <= 1e-4 * abs(recorded.most)).mean() > 0.5 and typical > 0:
        return not_assessed(rule, "gradient_clipped", limit=typical)
    half = middle(bins.value[: max(1, len(bins) // 2)])
    end = middle(bins.value[-max(1, len(bins) // 10) :])
    limit = subject.number("max_grad_norm")
    if limit is not None and end <= limit:
        return judged(rule, Level.GOOD, "gradient_below_limit", value=end, band=(None, limit), count=bins.count)
    if half > 0 and end > limits.gradient_blowup * half:
        where = longest_stretch(bins, bins.value > limits.gradient_blowup * half)
        return judged(rule, Level.BAD, "gradient_blowup", value=end / half, band=(None, limits.gradient_blowup),
                      count=bins.count, where=where[:2] if where else None, before=half, after=end)  # fmt: skip
    if typical > 0 and high > limits.gradient_rise * typical:
        where = longest_stretch(bins, bins.value >= percentile_of(np.sort(bins.value), 90))
        clipped = limit is not None and subject.learned
        level, key = (Level.GOOD, "gradient_uneven_clipped") if clipped else (Level.WATCH, "gradient_uneven")
        return judged(rule, level, key, value=high / typical, band=(None, limits.gradient_rise),
                      count=bins.count, most="medium", where=where[:2] if where else None, median=typical,
                      p95=high, limit=limit)  # fmt: skip
    return judged(rule, Level.GOOD, "gradient_steady", value=typical, count=bins.count, p95=high)


def check_data(quality: DataQuality, problems: Mapping[str, object], limits: Thresholds) -> Finding:
    """Whether the rows are the run's own and enough of them.

    Args:
        quality: the account of the rows.
        problems: kinds of problems that were found.
        limits: thresholds in force.
    """
    rule = "data_quality"
    if not quality.rows:
        return not_assessed(rule, "no_rows")
    if quality.canonical_rows < limits.min_rows_trend:
        return judged(rule, Level.WATCH, "data_few", value=float(quality.canonical_rows),
                      band=(limits.min_rows_trend, None))  # fmt: skip
    if quality.contaminated_rows:
        return judged(rule, Level.WATCH, "data_contaminated", value=float(quality.contaminated_rows))
    for kind, key in _CONTRADICTIONS:
        if kind in problems:
            return judged(rule, Level.WATCH, key)
    share = 1 - quality.canonical_rows / quality.rows
    return judged(rule, Level.GOOD, "data_good", value=float(quality.canonical_rows), rows=quality.canonical_rows,
                  dropped=share * 100)  # fmt: skip
