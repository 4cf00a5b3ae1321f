"""What several runs cost together: sums of what is known, and of how many runs each sum is made."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from runsum.archive.ranking import task_of
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
        gained_per_gpu_hour: median over the runs that have one; none where `mixed`.
        mixed: whether those runs are of several tasks, whose rewards are different units.
        limits: what set the pace and of how many runs, most frequent first; "" is "not assessed".
    """

    runs: int
    hours: Sum
    gpu_hours: Sum
    energy_kwh: Sum
    lost_h: Sum
    gained_per_gpu_hour: Sum
    mixed: bool
    limits: tuple[tuple[str, int], ...]


def add_costs(runs: Sequence[RunDigest]) -> Costs:
    """Add up what is known."""
    costs = [run.cost for run in runs]
    limits = Counter(cost.limit for cost in costs)
    mixed = len({task_of(run) for run in runs if run.cost.gained_per_gpu_hour is not None}) > 1
    gained = () if mixed else [cost.gained_per_gpu_hour for cost in costs]
    return Costs(
        runs=len(runs),
        hours=add_known(cost.hours for cost in costs),
        gpu_hours=add_known(cost.gpu_hours for cost in costs),
        energy_kwh=add_known(cost.energy_kwh for cost in costs),
        lost_h=add_known(cost.lost_h for cost in costs),
        gained_per_gpu_hour=add_known(gained, statistics.median),
        mixed=mixed,
        limits=tuple(sorted(limits.items(), key=lambda item: (-item[1], item[0]))),
    )


def add_known(values: Iterable[float | None], how: Callable[[Sequence[float]], float] = sum) -> Sum:
    """The sum of what is known, and of how many runs it is."""
    found = list(values)
    known = [value for value in found if value is not None]
    return Sum(how(known) if known else None, len(known), 0 < len(known) < len(found))


def hours_of(runs: Iterable[RunDigest]) -> Sum:
    """How long runs trained together."""
    return add_known(run.trained_h for run in runs)


def steps_of(runs: Iterable[RunDigest]) -> Sum:
    """How many timesteps runs trained themselves; of one without a row nobody knows."""
    return add_known(run.own_steps for run in runs)
