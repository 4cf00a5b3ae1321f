"""What several runs cost together: sums of what is known, and of how many runs each sum is made."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from runsum.frozen import frozen
from runsum.model import RunDigest


@frozen
class Sum:
    """A sum over runs, or their median.

    Attributes:
        value: None where nobody knows any part of it.
        count: the runs that do.
        is_part: whether they are some of the runs only.
    """

    value: float | None
    count: int
    is_part: bool


@frozen
class Costs:
    """What some runs cost together.

    Attributes:
        runs: how many they are.
        hours: training time without gaps.
        gpu_hours, energy_kwh, lost_h: as in `Cost`.
        gained_per_gpu_hour: median over the runs that have one.
        limits: what set the pace and of how many runs, most frequent first; "" is "not assessed".
    """

    runs: int
    hours: Sum
    gpu_hours: Sum
    energy_kwh: Sum
    lost_h: Sum
    gained_per_gpu_hour: Sum
    limits: tuple[tuple[str, int], ...]


def add_costs(runs: Sequence[RunDigest]) -> Costs:
    """Add up what is known."""
    costs = [run.cost for run in runs]
    limits = Counter(cost.limit for cost in costs)
    return Costs(
        runs=len(runs),
        hours=_add(cost.hours for cost in costs),
        gpu_hours=_add(cost.gpu_hours for cost in costs),
        energy_kwh=_add(cost.energy_kwh for cost in costs),
        lost_h=_add(cost.lost_h for cost in costs),
        gained_per_gpu_hour=_add((cost.gained_per_gpu_hour for cost in costs), statistics.median),
        limits=tuple(sorted(limits.items(), key=lambda item: (-item[1], item[0]))),
    )


def _add(values: Iterable[float | None], how: Callable[[Sequence[float]], float] = sum) -> Sum:
    found = list(values)
    known = [value for value in found if value is not None]
    return Sum(how(known) if known else None, len(known), 0 < len(known) < len(found))
