"""What the tests of `runsum.cleaning` share: tables of literal rows, and the series they become."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from runsum.source.records import METRICS, MetricTable
from runsum.thresholds import Thresholds

LIMITS = Thresholds()
NOON = 1_766_404_800.0  # 22 Dec 2025, 12:00 on the machine's clock, which is six hours behind UTC
SIX_HOURS = 6 * 3600.0
NAN = math.nan


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def table(
    steps: Sequence[float],
    iterations: Sequence[float],
    *,
    at: Sequence[float] | None = None,
    created: Sequence[float] | None = None,
    unreadable: int = 0,
    **columns: Sequence[float],
) -> MetricTable:
    """Rows in write order, ten seconds apart from noon on; a reward wherever there is an iteration."""
    count = len(steps)
    seconds = floats(*(at if at is not None else range(0, 10 * count, 10)))
    values = {name: np.full(count, NAN) for name in METRICS}
    values |= {"id": np.arange(1.0, count + 1)}
    values |= {name: np.full(count, NAN) for name in ("total_timesteps", "progress_pct")}
    values |= {"timestep": floats(*steps), "episode_count": floats(*iterations)}
    values |= {"cpu_percent": np.zeros(count), "memory_mb": np.full(count, 2100.0)}
    values["episode_reward_mean"] = np.where(values["episode_count"] > 0, values["timestep"] / 100, NAN)
    values |= {name: floats(*column) for name, column in columns.items()}
    stamps = NOON + SIX_HOURS + np.floor(seconds) if created is None else floats(*created)
    return MetricTable(values, NOON + seconds, stamps, unreadable)
