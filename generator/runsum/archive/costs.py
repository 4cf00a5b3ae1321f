"""What several runs cost together: sums of what is known, and of how many runs each sum is made."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from runsum.frozen import frozen
from runsum.model import RunDigest


@frozen
class Sum:
    """A sum over runs; `value` is None where nobody knows any part of it, `count` the runs that do."""

    value: float | None
    count: int


@frozen
class Costs:
    """What some runs cost together.

    Attributes:
        runs: how many they are.
        hours: training time without gaps.
        gpu_hours, energy_kwh, lost_h: as in `Cost`.
        gained_per_gpu_hour: median over the runs that have one, None without any; `with_gain` is their number.
        limits: what set the pace and of how many runs, most frequent first; "" is "not assessed".
    """

    runs: int
    hours: Sum
    gpu_hours: Sum
    energy_kwh: Sum
    lost_h: Sum
    gained_per_gpu_hour: float | None
    with_gain: int
    limits: tuple[tuple[str, int], ...]


def add_costs(runs: Sequence[RunDigest]) -> Costs:
    """Add up what is known."""
    costs = [run.cost for run in runs]
    gains = [gain for cost in costs if (gain := cost.gained_per_gpu_hour) is not None]
    limits = Counter(cost.limit for cost in costs)
    return Costs(
        runs=len(runs),
        hours=_add(cost.hours for cost in costs),
        gpu_hours=_add(cost.gpu_hours for cost in costs),
        energy_kwh=_add(cost.energy_kwh for cost in costs),
        lost_h=_add(cost.lost_h for cost in costs),
        gained_per_gpu_hour=statistics.median(gains) if gains else None,
        with_gain=len(gains),
        limits=tuple(sorted(limits.items(), key=lambda item: (-item[1], item[0]))),
    )


def _add(values: Iterable[float | None]) -> Sum:
    known = [value for value in values if value is not None]
    return Sum(sum(known) if known else None, len(known))
