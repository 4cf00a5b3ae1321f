"""What the machine did: `runsum.analysis.resources` on short literal series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from runsum.analysis.resources import describe_resources, measure_energy
from runsum.source.records import GpuTable
from support.analysis import LIMITS, NAN, gpu, key_of, series


def machine(samples: GpuTable | None = None, **columns: Sequence[float]) -> Any:
    count = len(next(iter(columns.values()), ()))
    return describe_resources(series(range(1, count + 1), **columns), samples or gpu(), False, LIMITS)


def test_zero_use_and_zero_memory_is_a_dead_reading() -> None:
    """All readings 0: the application could not read the cards, so nothing is printed."""
    facts = machine(gpu_percent=[0, 0], gpu_memory_mb=[0, 0]).facts
    names = ("gpu_avg", "gpu_max", "vram_avg", "vram_max", "resource_bottleneck_note")
    assert {key_of(facts[name]) for name in names} == {"resource.all_zero_snapshots"}


def test_zero_use_with_memory_is_a_true_zero() -> None:
    """An idle card that holds memory was read."""
    facts = machine(gpu_percent=[0, 0], gpu_memory_mb=[2000, 2100]).facts
    assert (facts["gpu_avg"].value, facts["vram_max"].value) == (0.0, 2100.0)


def test_no_gpu_columns_is_not_recorded() -> None:
    """No reading is no zero."""
    facts = machine(memory_mb=[2100, 2100]).facts
    assert (key_of(facts["gpu_avg"]), key_of(facts["vram_max"])) == ("resource.no_gpu", "resource.no_vram")


def test_samples_beat_snapshots() -> None:
    """GPU samples every two seconds beat the snapshots of the rows."""
    samples = gpu([0, 2], gpu_util_pct=[20, 40], vram_used_mb=[2000, 2400])
    facts = machine(samples, gpu_percent=[90, 90], gpu_memory_mb=[9000, 9000]).facts
    assert [facts[n].value for n in ("gpu_avg", "gpu_max", "vram_avg", "vram_max")] == [30, 40, 2200, 2400]


def test_cpu_of_nothing_but_zeros_is_the_known_bug() -> None:
    """The application always stores 0: no average, no peak, and the reason."""
    facts = machine(cpu_percent=[0, 0, 0]).facts
    assert (key_of(facts["cpu_avg"]), key_of(facts["cpu_max"])) == ("resource.cpu_bug", "resource.cpu_bug")


def test_cpu_with_a_reading_is_shown() -> None:
    """A column that is not all zeros was measured, its zeros included."""
    facts = machine(cpu_percent=[0, 60, 90]).facts
    assert (facts["cpu_avg"].value, facts["cpu_max"].value) == (50.0, 90.0)


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"gpu_percent": [20, 30], "gpu_memory_mb": [1, 1]}, "bottleneck.environment"),
        ({"gpu_percent": [95, 99], "gpu_memory_mb": [1, 1]}, "bottleneck.gpu"),
        ({"gpu_percent": [50, 60], "gpu_memory_mb": [1, 1]}, "bottleneck.balanced"),
        ({"cpu_percent": [70, 80]}, "bottleneck.cpu_only"),
        ({"memory_mb": [1, 1]}, "bottleneck.no_gpu"),
    ],
)
def test_what_sets_the_pace(columns: dict[str, list[float]], key: str) -> None:
    """A waiting GPU, a busy one, neither, or only a CPU reading."""
    many = {name: values * 6 for name, values in columns.items()}
    assert key_of(machine(**many).facts["resource_bottleneck_note"]) == key


@pytest.mark.parametrize("columns", [{"gpu_percent": [20, 30], "gpu_memory_mb": [1, 1]}, {"cpu_percent": [70, 80]}])
def test_two_readings_set_no_pace(columns: dict[str, list[float]]) -> None:
    """A run that crashed at once says nothing about the machine; what was read is shown all the same."""
    found = machine(**columns)
    assert key_of(found.facts["resource_bottleneck_note"]) == "bottleneck.few"
    assert found.gpu_avg is None
    assert found.facts["gpu_max"].value == (30 if "gpu_percent" in columns else None)


def test_snapshots_beat_a_sampler_that_sees_nothing() -> None:
    """Without NVIDIA's library the sampler stores zeros, while nvidia-smi goes on to fill the rows."""
    samples = gpu([0, 2], gpu_util_pct=[0, 0], vram_used_mb=[0, 0])
    facts = machine(samples, gpu_percent=[20, 40], gpu_memory_mb=[2000, 2400]).facts
    assert [facts[n].value for n in ("gpu_avg", "gpu_max", "vram_avg", "vram_max")] == [30, 40, 2200, 2400]
    facts = machine(samples, gpu_percent=[0, 0], gpu_memory_mb=[0, 0]).facts
    names = ("gpu_avg", "vram_max", "resource_bottleneck_note")
    assert {key_of(facts[name]) for name in names} == {"resource.all_zero_sampled"}


def test_the_known_cpu_bug_sets_no_pace() -> None:
    """CPU readings of nothing but 0 are no readings, so nobody says "CPU at 0 %"."""
    assert key_of(machine(cpu_percent=[0, 0, 0]).facts["resource_bottleneck_note"]) == "bottleneck.no_gpu"


def test_nearly_full_vram_is_said() -> None:
    """A peak above 90 % of the card's memory beats the question who waits."""
    samples = gpu([0, 2], gpu_util_pct=[20, 20], vram_used_mb=[7000, 7500], vram_total_mb=[8000, 8000])
    assert key_of(machine(samples, memory_mb=[1, 1]).facts["resource_bottleneck_note"]) == "bottleneck.vram"


def test_energy_is_power_by_time() -> None:
    """360 W for ten seconds are one watt-hour."""
    assert measure_energy(gpu([0, 2, 4, 6, 8, 10], power_w=[360] * 6)) == pytest.approx(0.001)


def test_energy_leaves_out_long_silences_and_missing_power() -> None:
    """A stretch above a minute is not filled in; a sample without power is bridged."""
    assert measure_energy(gpu([0, 10, 500, 505, 510], power_w=[360, 360, 360, NAN, 360])) == pytest.approx(0.002)


@pytest.mark.parametrize("samples", [gpu(), gpu([0], power_w=[60]), gpu([0, 2, 4])])
def test_no_energy_from_less_than_two_samples(samples: GpuTable) -> None:
    """Without power samples nobody knows."""
    assert measure_energy(samples) is None
