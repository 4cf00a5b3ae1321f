"""Metric rows and GPU samples of a run as columns, from the rows that SQLite gives or from the pages of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from runsum.frozen import frozen
from runsum.source.columns import Floats, drop_infinite, float_column, stamp_column, time_column, unreadable_times
from runsum.source.leaf_rows import Columns

METRICS = (
    "episode_reward_mean",
    "episode_reward_std",
    "episode_length_mean",
    "fps",
    "steps_per_second",
    "policy_loss",
    "value_loss",
    "entropy_loss",
    "total_loss",
    "explained_variance",
    "kl_divergence",
    "clip_fraction",
    "learning_rate",
    "gradient_norm",
    "weight_norm",
    "cpu_percent",
    "memory_mb",
    "gpu_percent",
    "gpu_memory_mb",
)
GPU_COLUMNS = (
    "gpu_util_pct",
    "run_gpu_util_est_pct",
    "vram_used_mb",
    "vram_total_mb",
    "temp_c",
    "power_w",
    "pid_vram_used_mb",
)
LONGEST_SAMPLE_S = 60.0
"""Two GPU samples further apart say nothing of the time between them."""
_COUNTERS = ("id", "timestep", "episode_count", "total_timesteps")


class Names(NamedTuple):
    """The columns that are read of a table."""

    numbers: tuple[str, ...]
    times: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Numbers first."""
        return (*self.numbers, *self.times)


METRIC_NAMES = Names(
    ("id", "timestep", "episode_count", "total_timesteps", "progress_pct", *METRICS), ("timestamp", "created_at")
)
GPU_NAMES = Names(GPU_COLUMNS, ("ts",))


@frozen
class MetricTable:
    """The training_metrics rows of a run in write order (by id).

    Attributes:
        numbers: a float column per name, shape (rows,), NaN where NULL; `id`, `timestep`, `episode_count`,
            `total_timesteps`, `progress_pct` and every name of `METRICS`.
        local_s: `timestamp` in seconds on the recording machine's clock, shape (rows,).
        created_s: `created_at` in seconds UTC, shape (rows,); NaN where absent.
        unreadable: values that did not fit their column.
    """

    numbers: Mapping[str, Floats]
    local_s: Floats
    created_s: Floats
    unreadable: int = 0

    def __len__(self) -> int:
        return len(self.local_s)


@frozen
class GpuTable:
    """The gpu_metrics samples of a run in time order; columns as in `GPU_COLUMNS`."""

    local_s: Floats
    numbers: Mapping[str, Floats]
    unreadable: int = 0

    def __len__(self) -> int:
        return len(self.local_s)


def metrics_of_rows(rows: Sequence[tuple[Any, ...]]) -> MetricTable:
    """Metric rows as SQLite gives them, the columns as in `METRIC_NAMES`."""
    columns = _turned(rows, METRIC_NAMES)
    read = {name: float_column(values) for name, values in zip(METRIC_NAMES.numbers, columns, strict=False)}
    numbers = {name: values for name, (values, _) in read.items()}
    times = [time_column(values) for values in columns[-2:]]
    unreadable = sum(bad for _, bad in read.values()) + _drop_too_large(numbers)
    unreadable += sum(unreadable_times(values, read) for values, read in zip(columns[-2:], times, strict=True))
    return MetricTable(numbers, times[0], times[1], unreadable)


def metrics_of_columns(found: Columns) -> MetricTable | None:
    """Metric rows as they lie in the file; None where SQLite should be asked for them."""
    numbers = found.numbers
    none = np.full(len(numbers["id"]), np.nan)
    times = [stamp_column(found.texts[name]) if name in found.texts else none for name in METRIC_NAMES.times]
    order = numbers["id"]
    if times[0] is None or times[1] is None or not (np.diff(order) > 0).all():
        return None
    return MetricTable(numbers, times[0], times[1], drop_infinite(numbers.values()) + _drop_too_large(numbers))


def samples_of_rows(rows: Sequence[tuple[Any, ...]]) -> GpuTable:
    """GPU samples as SQLite gives them, the columns as in `GPU_NAMES`."""
    *columns, stamps = _turned(rows, GPU_NAMES)
    times = time_column(stamps)
    read = {name: float_column(values) for name, values in zip(GPU_COLUMNS, columns, strict=True)}
    unreadable = unreadable_times(stamps, times) + sum(bad for _, bad in read.values())
    return GpuTable(times, {name: values for name, (values, _) in read.items()}, unreadable)


def samples_of_columns(found: Columns) -> GpuTable | None:
    """GPU samples as they lie in the file; None where SQLite should be asked for them."""
    stamps = found.texts.get("ts")
    times = None if stamps is None else stamp_column(stamps)
    if stamps is None or times is None or not (np.isfinite(times).all() and (stamps[1:] > stamps[:-1]).all()):
        return None  # SQLite puts them in order
    numbers = dict(found.numbers)
    return GpuTable(times, numbers, drop_infinite(numbers.values()))


def _turned(rows: Sequence[tuple[Any, ...]], names: Names) -> list[tuple[Any, ...]]:
    """Rows as columns."""
    return list(zip(*rows, strict=True)) if rows else [() for _ in names.all]


def _drop_too_large(numbers: Mapping[str, Floats]) -> int:
    """Make counters beyond 53 bits, where neighbours are one number, missing; how many there were."""
    dropped = 0
    for name in _COUNTERS:
        too_large = np.abs(numbers[name]) > 2**53
        if too_large.any():
            numbers[name][too_large] = np.nan
            dropped += int(too_large.sum())
    return dropped
