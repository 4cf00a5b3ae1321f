"""What the machine did: GPU, VRAM, CPU, memory, energy, and what held training up."""

from __future__ import annotations

import numpy as np

from runsum.cleaning.series import Series
from runsum.cleaning.values import Values, middle
from runsum.frozen import frozen
from runsum.model import Fact, Phrase, known, missing, note, phrase
from runsum.source.metric_rows import LONGEST_SAMPLE_S, GpuTable
from runsum.thresholds import Thresholds


@frozen
class ResourceFacts:
    """Facts by placeholder and the numbers other rules need.

    Attributes:
        gpu_avg: mean use in percent; None with too few readings to judge by, too.
    """

    facts: dict[str, Fact]
    gpu_avg: float | None
    vram_share: float | None
    energy_kwh: float | None


def describe_resources(series: Series, gpu: GpuTable, by_runsum: bool, limits: Thresholds) -> ResourceFacts:
    """Averages and peaks; GPU samples (every few seconds) beat the snapshots of the metric rows (every 5 to 9 s)."""
    (util, util_small), (vram, vram_small) = _readings(series, gpu)
    dead = bool(len(util)) and not util.seen.any() and not vram.seen.any()
    facts: dict[str, Fact] = {}
    every = _interval(gpu)
    for name, values, source in (("gpu", util, util_small), ("vram", vram, vram_small)):
        facts |= _pair(
            name,
            values,
            phrase(f"resource.{source}", every=every),
            f"resource.all_zero_{util_small}"
            if dead
            else "resource.gpu_unused"
            if by_runsum
            else f"resource.no_{name}",
            hide=dead,
        )
    cpu = series.values("cpu_percent")
    cpu_used = bool(cpu.seen.any())
    facts |= _pair(
        "cpu",
        cpu,
        phrase("resource.one_core" if by_runsum else "resource.process"),
        "resource.cpu_bug" if len(cpu) else "resource.no_cpu",
        hide=not cpu_used,
    )
    facts |= _pair("mem", series.values("memory_mb"), phrase("resource.rss"), "resource.no_mem", hide=False)
    gpu_avg = None if dead or not len(util) else util.mean
    readings = len(util or cpu) if len(util) or cpu_used else 0
    total = Values(gpu.numbers.get("vram_total_mb", np.empty(0)))
    peak = vram.most if len(vram) else None
    share = peak / total.most if peak and len(total) and total.most > 0 else None
    facts["resource_bottleneck_note"] = _bottleneck(
        gpu_avg, util.most if len(util) else None, share, cpu.mean if cpu_used else None, by_runsum, limits
    )
    if dead:
        facts["resource_bottleneck_note"] = missing(f"resource.all_zero_{util_small}")
    elif 0 < readings < limits.min_rows_trend:
        gpu_avg = None
        if share is None or share <= limits.vram_tight:
            facts["resource_bottleneck_note"] = missing("bottleneck.few", readings=readings)
    return ResourceFacts(facts, gpu_avg, share, measure_energy(gpu))


def measure_energy(gpu: GpuTable) -> float | None:
    """Energy of the GPU in kWh: trapezoids over power samples; stretches longer than a minute are left out.

    None where all are longer: that is no energy of 0.
    """
    power = gpu.numbers.get("power_w", np.empty(0))
    seen = np.isfinite(power) & np.isfinite(gpu.local_s) if len(power) else np.empty(0, dtype=bool)
    if seen.sum() < 2:
        return None
    times, watts = gpu.local_s[seen], power[seen]
    width = np.diff(times)
    whole = (width > 0) & (width <= LONGEST_SAMPLE_S)
    return float(((watts[1:] + watts[:-1]) / 2 * width)[whole].sum() / 3.6e6) if whole.any() else None


def _interval(gpu: GpuTable) -> float:
    """Median seconds between GPU samples, 0 without any."""
    widths = np.diff(gpu.local_s[np.isfinite(gpu.local_s)])
    return middle(widths) if len(widths) else 0.0


def _readings(series: Series, gpu: GpuTable) -> list[tuple[Values, str]]:
    """GPU use and memory, and where each is from: the samples, unless they are all 0 and the snapshots are not."""
    snapshots = [series.values(name) for name in ("gpu_percent", "gpu_memory_mb")]
    samples = [Values(gpu.numbers.get(name, np.empty(0))) for name in ("gpu_util_pct", "vram_used_mb")]
    is_blind = not any(one.seen.any() for one in samples) and any(one.seen.any() for one in snapshots)
    pairs = zip(samples, snapshots, strict=True)
    return [(shot, "snapshots") if is_blind or not len(one) else (one, "sampled") for one, shot in pairs]


def _pair(name: str, values: Values, small: Phrase, reason: str, *, hide: bool) -> dict[str, Fact]:
    if hide or not len(values):
        return {f"{name}_avg": missing(reason), f"{name}_max": missing(reason)}
    return {f"{name}_avg": known(values.mean, small), f"{name}_max": known(values.most)}


def _bottleneck(
    gpu_avg: float | None,
    gpu_max: float | None,
    vram_share: float | None,
    cpu_avg: float | None,
    one_core: bool,
    limits: Thresholds,
) -> Fact:
    """What set the pace; CPU counts only where its readings are known to be of one core of the training process."""
    if gpu_avg is None:
        if cpu_avg is None:
            return missing("bottleneck.no_gpu")
        if not one_core:
            return note("bottleneck.cpu_only", cpu=cpu_avg)
        return note(f"bottleneck.{'cpu' if cpu_avg >= limits.cpu_busy_pct else 'cpu_free'}", cpu=cpu_avg, gpu=None)
    values = {"gpu": gpu_avg, "peak": gpu_max, "vram": None if vram_share is None else vram_share * 100}
    if vram_share is not None and vram_share > limits.vram_tight:
        return note("bottleneck.vram", estimated=True, **values)
    if one_core and cpu_avg is not None and cpu_avg >= limits.cpu_busy_pct and gpu_avg <= limits.gpu_busy_pct:
        return note("bottleneck.cpu", estimated=True, cpu=cpu_avg, **values)
    key = "environment" if gpu_avg < limits.gpu_idle_pct else "gpu" if gpu_avg > limits.gpu_busy_pct else "balanced"
    return note(f"bottleneck.{key}", estimated=True, **values)
