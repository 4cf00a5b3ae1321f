"""What a run gives to its charts: columns of numbers, marks, and a static curve for pages without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from runsum.analysis.throughput import Rate
from runsum.axes import static_chart
from runsum.chartdata import PANEL_POINTS, column, columns, data_script, select_points, static_curve
from runsum.cleaning.series import Series
from runsum.cleaning.values import finite
from runsum.formatting import cut
from runsum.frozen import frozen
from runsum.model import Annotation, DataQuality, DrawnChart, Finding, Level, Milestone, Phrase, Video, phrase
from runsum.packing import Packed
from runsum.source.columns import Floats
from runsum.source.records import GpuTable

_POINTS = 500
_RATE_POINTS = 400
_GPU_POINTS = 400
_NOTES, _NOTE_LENGTH = 100, 300


@frozen
class Panel:
    """A chart of one column: its id on the page, the column, what it measures and in which unit."""

    id: str
    column: str
    measured: str
    unit: str = ""

    @property
    def title(self) -> str:
        """The title of its value axis."""
        return f"{self.measured} ({self.unit})" if self.unit else self.measured


METRIC_PANELS = (
    Panel("episode-length", "episode_length_mean", "mean episode length", "steps"),
    Panel("policy-loss", "policy_loss", "policy loss"),
    Panel("value-loss", "value_loss", "value loss"),
    Panel("entropy-loss", "entropy_loss", "entropy loss (−entropy)"),
    Panel("total-loss", "total_loss", "total loss"),
    Panel("kl", "kl_divergence", "approximate KL divergence"),
    Panel("clip-fraction", "clip_fraction", "clip fraction"),
    Panel("explained-variance", "explained_variance", "explained variance"),
    Panel("learning-rate", "learning_rate", "learning rate"),
    Panel("gradient-norm", "gradient_norm", "gradient norm"),
    Panel("memory", "memory_mb", "process memory", "MiB"),
    Panel("cpu", "cpu_percent", "CPU", "%"),
)
GPU_PANELS = (
    Panel("gpu", "gpu_util_pct", "GPU use", "%"),
    Panel("vram", "vram_used_mb", "VRAM in use", "MiB"),
    Panel("temperature", "temp_c", "GPU temperature", "°C"),
    Panel("power", "power_w", "GPU power", "W"),
)
SNAPSHOT_PANELS = (
    Panel("gpu", "gpu_percent", "GPU use", "%"),
    Panel("vram", "gpu_memory_mb", "VRAM in use", "MiB"),
)
"""What the metric rows know of the GPU, where there are no samples."""
_ZERO_IS_NOTHING = ("cpu", "gpu", "vram")  # columns that the application fills with 0 where it cannot measure
ALL_CHARTS = ("reward", *(p.id for p in METRIC_PANELS), "throughput", *(p.id for p in GPU_PANELS), "progress")
_EXPECTED = (
    "reward",
    "episode-length",
    "policy-loss",
    "value-loss",
    "entropy-loss",
    "kl",
    "clip-fraction",
    "explained-variance",
    "throughput",
    "gpu",
    "vram",
    "memory",
    "temperature",
    "progress",
)


@frozen
class RunDrawing:
    """The data script of a run page and what the page says of its charts."""

    script: bytes
    charts: tuple[DrawnChart, ...]
    absent: tuple[str, ...]


@frozen
class Marks:
    """What is marked in the charts besides the values."""

    quality: DataQuality
    milestones: Sequence[Milestone]
    target: int | None
    annotations: Sequence[Annotation]
    videos: Sequence[Video]
    findings: Sequence[Finding] = ()


def draw_run(key: str, series: Series, gpu: GpuTable, rate: Rate, marks: Marks) -> RunDrawing:
    """Choose points and marks for every chart whose data exists.

    Args:
        key: name of the run in its data script: its slug, since two databases can hold the same id.
        series: canonical rows.
        gpu: GPU samples.
        rate: measured throughput.
        marks: milestones, sessions, gaps, notes, videos.
    """
    payload: dict[str, Any] = {"axes": {}, "charts": {}, "events": []}
    drawn: list[DrawnChart] = []
    if len(series):
        recorded = _draw_rows(payload, drawn, series, {panel.id for panel in _sampled(gpu)})
        _draw_rate(payload, drawn, series, rate, recorded)
        _draw_progress(payload, drawn, series, marks.target)
        payload["events"] = _events(series, marks)
    _draw_gpu(payload, drawn, series, gpu)
    order = {name: place for place, name in enumerate(ALL_CHARTS)}
    drawn.sort(key=lambda chart: order[chart.id])
    present = {chart.id for chart in drawn}
    return RunDrawing(data_script(key, payload), tuple(drawn), tuple(name for name in _EXPECTED if name not in present))


def _draw_rows(
    payload: dict[str, Any], drawn: list[DrawnChart], series: Series, sampled: set[str]
) -> list[dict[str, Any]]:
    """Charts over canonical rows share one selection of rows, so that steps and hours are stored once.

    Returns:
        The line of the throughput that the rows say; nothing where they say none.
    """
    panels = [
        panel
        for panel in (*METRIC_PANELS, *SNAPSHOT_PANELS)
        if panel.id not in sampled and _worth_drawing(panel, series.columns[panel.column])
    ]
    reward = series.reward
    ys = [reward] if len(finite(reward)) else []
    ys += [series.columns[p.column] for p in panels]
    recorded = _recorded_rate(series)
    speeds = [recorded] if np.isfinite(recorded).sum() >= 2 else []
    if not ys and not speeds:
        return []
    spread = series.columns["episode_reward_std"]
    spreads = [spread] if len(finite(reward)) and len(finite(spread)) else []
    restarts = np.flatnonzero(np.diff(series.session))
    keep = [0, *(restarts + 1).tolist(), *restarts.tolist()]
    rows = select_points(series.timestep, [*ys, *speeds], keep, _POINTS)
    table = np.stack([series.timestep, series.hours, *speeds, *spreads, *ys])[:, rows]
    steps, hours, *values = columns(table, hours=1)
    axis: dict[str, Any] = {"t": steps, "h": hours}
    if quality_sessions := int(series.session.max()):
        axis["s"] = column(series.session[rows])
        axis["sessions"] = quality_sessions + 1
    payload["axes"]["rows"] = axis
    lines = [{"name": "recorded (cumulative mean)", "x": "rows", "v": values.pop(0)} for _ in speeds]
    if len(finite(reward)):
        chart: dict[str, Any] = {"kind": "reward", "x": "rows", "y": "mean episode reward", "events": True}
        if spreads:
            chart["std"] = values.pop(0)
        chart["v"] = values.pop(0)
        payload["charts"]["reward"] = chart
        outline = static_chart(series.timestep, reward, "timesteps", chart["y"])
        drawn.append(DrawnChart("reward", "reward", describe_curve(series.timestep, reward), outline))
    for panel, packed in zip(panels, values, strict=True):
        _draw_panel(payload, drawn, panel, "rows", packed, series.timestep, series.columns[panel.column])
    return lines


def _recorded_rate(series: Series) -> Floats:
    """The speed that the rows say, a cumulative mean."""
    return np.where(series.fps_rows, series.columns["fps"], np.nan)


def _draw_panel(
    payload: dict[str, Any],
    drawn: list[DrawnChart],
    panel: Panel,
    axis: str,
    shown: Packed,
    steps: Floats,
    values: Floats,
) -> None:
    payload["charts"][panel.id] = {"kind": "metric", "x": axis, "y": panel.title, "v": shown}
    drawn.append(_drawn(panel.id, "metric", steps, values, panel.unit))


def _worth_drawing(panel: Panel, values: Floats) -> bool:
    seen = finite(values)
    if len(seen) < 2:
        return False
    if panel.id in _ZERO_IS_NOTHING:
        return bool(seen.any())
    return panel.id != "learning-rate" or bool(seen.max() > seen.min())


def _draw_rate(
    payload: dict[str, Any], drawn: list[DrawnChart], series: Series, rate: Rate, lines: list[dict[str, Any]]
) -> None:
    """The throughput: the line that the rows say, if there is one, and the one that was measured between them."""
    seen = np.isfinite(rate.per_second)
    if seen.sum() >= 2:
        rows = select_points(rate.timestep[seen], [rate.per_second[seen]], [], _RATE_POINTS)
        found = np.stack([rate.timestep[seen], rate.hours[seen], rate.per_second[seen]])[:, rows]
        lines = [*lines, {"name": "measured between rows", **dict(zip("thv", columns(found, hours=1), strict=True))}]
    if lines:
        payload["charts"]["throughput"] = {"kind": "multi", "y": "steps/s", "series": lines}
        is_measured = len(rate.per_second) >= 2
        use = (rate.timestep, rate.per_second) if is_measured else (series.timestep, _recorded_rate(series))
        drawn.append(_drawn("throughput", "multi", *use, "steps/s"))


def _draw_progress(payload: dict[str, Any], drawn: list[DrawnChart], series: Series, target: int | None) -> None:
    """Steps over hours: both are the axis of the rows, or stand alone where no chart has one."""
    if len(series) < 2 or not np.isfinite(series.hours).all() or series.hours.max() <= series.hours.min():
        return
    chart: dict[str, Any] = {"kind": "progress", "x": "rows", "y": "timestep"}
    if "rows" not in payload["axes"]:
        rows = select_points(series.hours, [series.timestep], [], _POINTS)
        steps, hours = columns(np.stack([series.timestep, series.hours])[:, rows], hours=1)
        payload["axes"]["rows"] = {"t": steps, "h": hours}
    payload["charts"]["progress"] = chart | {"target": None if target is None else series.start_timestep + target}
    alt = phrase(
        "alt.progress",
        hours=float(series.hours.max()),
        start=float(series.timestep[0]),
        end=float(series.timestep.max()),
    )
    drawn.append(DrawnChart("progress", "progress", alt, _outline(series.hours, series.timestep)))


def _sampled(gpu: GpuTable) -> list[Panel]:
    """The GPU panels that samples can fill."""
    columns = {panel: finite(gpu.numbers.get(panel.column, np.empty(0))) for panel in GPU_PANELS}
    return [panel for panel, seen in columns.items() if len(seen) >= 2 and seen.any()]


def _draw_gpu(payload: dict[str, Any], drawn: list[DrawnChart], series: Series, gpu: GpuTable) -> None:
    panels = _sampled(gpu)
    if not panels or not len(series):
        return
    steps, hours = _gpu_axes(series, gpu)
    sampled = [gpu.numbers[panel.column] for panel in panels]
    rows = select_points(hours, sampled, [], _GPU_POINTS)
    steps_shown, hours_shown, *values = columns(np.stack([steps, hours, *sampled])[:, rows], hours=1)
    payload["axes"]["gpu"] = {"t": steps_shown, "h": hours_shown}
    for panel, shown, column_values in zip(panels, values, sampled, strict=True):
        _draw_panel(payload, drawn, panel, "gpu", shown, steps, column_values)


def _gpu_axes(series: Series, gpu: GpuTable) -> tuple[Floats, Floats]:
    """Timesteps (interpolated) and hours of the GPU samples."""
    utc = series.clock.utc_column(gpu.local_s)
    order = np.argsort(series.own_utc_s, kind="stable")
    steps = np.interp(utc, series.own_utc_s[order], series.own_steps[order])
    begin = float(series.utc_s[0] - series.hours[0] * 3600)
    return np.round(steps), (utc - begin) / 3600


def _events(series: Series, marks: Marks) -> list[dict[str, Any]]:
    hours_at = _reader(series.timestep, series.hours, 5)
    return [*_recorded_events(marks, hours_at), *_told_events(series, marks, hours_at)]


def _reader(steps: Floats, values: Floats, digits: int) -> Callable[[float], float | None]:
    """What reads a column at a timestep, on the line between two rows; None where it has no value at all."""
    seen = np.flatnonzero(np.isfinite(values))
    seen = seen[np.argsort(steps[seen], kind="stable")]
    x, y = steps[seen], values[seen]
    return lambda step: round(float(np.interp(step, x, y)), digits) if len(x) else None


def _recorded_events(marks: Marks, hours_at: Callable[[float], float | None]) -> Iterator[dict[str, Any]]:
    """Milestones, restarts and gaps."""
    for mark in marks.milestones:
        if mark.reached:
            yield {"kind": "milestone", "t": int(mark.mark), "h": hours_at(mark.mark), "text": f"{mark.percent} %"}
    for session in marks.quality.sessions[1:]:
        yield {"kind": "restart", "t": session.start_timestep, "h": round(session.hours, 5), "text": "restart"}
    for gap in marks.quality.gaps:
        yield {
            "kind": "gap",
            "t": gap.timestep,
            "h": round(gap.hours, 5),
            "h2": round(gap.hours + gap.seconds / 3600, 5),
            "text": f"no rows for {gap.seconds:.0f} s",
        }


def _told_events(series: Series, marks: Marks, hours_at: Callable[[float], float | None]) -> Iterator[dict[str, Any]]:
    """A person's notes, videos, and what the checks are about."""
    for note in [note for note in marks.annotations if note.axes == "reward"][:_NOTES]:
        if note.timestep is not None:
            yield {
                "kind": "annotation",
                "t": note.timestep,
                "h": hours_at(note.timestep),
                "y": note.y,
                "text": cut(note.text, _NOTE_LENGTH),
            }
    shown = [(video.timestep, video.name) for video in marks.videos if video.timestep is not None]
    if shown:
        reward_at = _reader(series.timestep, series.reward, 4)
        for step, name in shown:
            yield {"kind": "video", "t": step, "h": hours_at(step), "y": reward_at(step), "text": name}
    for found in marks.findings:
        if found.level in (Level.WATCH, Level.BAD) and found.chart and found.from_timestep is not None:
            begin, end = found.from_timestep, found.to_timestep
            yield {
                "kind": "finding",
                "chart": found.chart,
                "t": begin,
                "h": hours_at(begin),
                "t2": end,
                "h2": None if end is None else hours_at(end),
                "text": found.rule.replace("_", " "),
            }


def _drawn(name: str, kind: str, x: Floats, y: Floats, unit: str) -> DrawnChart:
    return DrawnChart(name, kind, describe_curve(x, y, unit), _outline(x, y))


def _outline(x: Floats, y: Floats) -> str:
    return static_curve(x, y, points=PANEL_POINTS)


def describe_curve(x: Floats, y: Floats, unit: str = "") -> Phrase:
    """The numbers of a chart's text alternative: start, end, least, largest, and where; `unit` is that of y."""
    seen = np.isfinite(y) & np.isfinite(x)
    xs, values = x[seen], y[seen]
    if not len(values):
        return phrase("alt.empty")
    return phrase(
        "alt.curve",
        start=float(values[0]),
        end=float(values[-1]),
        low=float(values.min()),
        high=float(values.max()),
        low_at=float(xs[int(values.argmin())]),
        high_at=float(xs[int(values.argmax())]),
        points=len(values),
        unit=unit,
    )


def draw_curves(key: str, charts: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The data script of an archive page (lineage, game, algorithm)."""
    return data_script(key, {"axes": {}, "charts": dict(charts), "events": []})
