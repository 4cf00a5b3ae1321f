"""Hours, GPU-hours, energy, reward for them, and what set the pace."""

from __future__ import annotations

import numpy as np
import pytest

from runsum.analysis.cost import cost_fact, find_cost, sampled_hours, yield_fact
from runsum.analysis.resources import describe_resources
from runsum.measures import Cost
from runsum.model import Fact, note
from support.analysis import LIMITS, gpu, key_of, keys, series

HALF_MINUTES = [30.0 * k for k in range(121)]  # an hour
IDLE = note("bottleneck.environment", gpu=20.0, peak=50.0)


def cost(hours: float = 1.0, gpu_avg: float | None = 20.0, seconds: list[float] = HALF_MINUTES, **more: object) -> Cost:
    levels = more.get("levels", (1.0, 11.0))
    assert isinstance(levels, tuple)
    return find_cost(hours, 0.5, gpu(seconds), gpu_avg, 0.2, levels, IDLE, LIMITS)


def test_gpu_hours_are_the_training_that_samples_witness() -> None:
    """An hour with samples twice a minute is a GPU-hour; ten rewards were gained in it."""
    found = cost()
    assert (found.gpu_hours, found.gpu_coverage, found.limit) == (1.0, 1.0, "environment")
    assert found.gained_per_gpu_hour == 10.0
    assert key_of(yield_fact(found)) == "cost.yield"
    assert cost_fact(found).words == note("cost.took", hours=1.0, gpu_hours=1.0, kwh=0.2, lost=0.5).words


def test_few_samples_are_no_witness() -> None:
    """Samples over a twentieth of the training, or a GPU that did nothing, give no GPU-hours."""
    assert cost(hours=20.0).gpu_hours is None
    assert cost(gpu_avg=0.0).gpu_hours is None
    assert cost(gpu_avg=None).gpu_hours is None
    assert keys(cost_fact(cost(hours=20.0)).small) == ["cost.samples_idle_or_few"]
    assert keys(cost_fact(cost(seconds=[])).small) == ["cost.no_samples"]


def test_samples_far_apart_cover_nothing() -> None:
    """What lies between two samples more than a minute apart is unknown."""
    assert sampled_hours(gpu([0, 30, 60, 600, 630])) == pytest.approx(90 / 3600)
    assert sampled_hours(gpu([0])) is None


def test_nothing_is_gained_where_the_level_is_unknown() -> None:
    """Neither a gain nor a rate; with a gain and no GPU-hours the gain is said."""
    assert key_of(yield_fact(cost(levels=(None, 3.0)))) == "cost.no_gain"
    assert key_of(yield_fact(cost(hours=20.0))) == "cost.no_gpu_hours"
    assert key_of(cost_fact(Cost())) == "cost.no_hours"


def pace(cpu: float, *, util: float | None, one_core: bool = True) -> Fact:
    rows = series(range(1, 21), cpu_percent=[cpu] * 20)
    samples = gpu() if util is None else gpu(range(20), gpu_util_pct=[util] * 20)
    return describe_resources(rows, samples, one_core, LIMITS).facts["resource_bottleneck_note"]


def test_what_set_the_pace() -> None:
    """A busy core with an idle GPU is the CPU; an idle one leaves the environment; a busy GPU is the limit itself."""
    assert key_of(pace(97, util=12)) == "bottleneck.cpu"
    assert key_of(pace(40, util=12)) == "bottleneck.environment"
    assert key_of(pace(97, util=95)) == "bottleneck.gpu"
    assert key_of(pace(97, util=None)) == "bottleneck.cpu"
    assert key_of(pace(40, util=None)) == "bottleneck.cpu_free"


def test_a_meter_of_unknown_unit_is_no_busy_core() -> None:
    """The application's CPU column may be of the whole machine: nothing follows from it."""
    assert key_of(pace(97, util=12, one_core=False)) == "bottleneck.environment"
    assert key_of(pace(97, util=None, one_core=False)) == "bottleneck.cpu_only"


def test_energy_of_samples_far_apart_is_unknown() -> None:
    """Two samples an hour apart say nothing of the energy between them: it is not 0."""
    samples = gpu([0, 3600], power_w=[100, 100], gpu_util_pct=[50, 50])
    found = describe_resources(series([1, 2], cpu_percent=[np.nan, np.nan]), samples, False, LIMITS)
    assert found.energy_kwh is None
