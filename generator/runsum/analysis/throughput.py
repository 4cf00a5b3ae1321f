"""How fast it trained: the recorded meter, the measured rate, time that was lost, time that is left."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from runsum.analysis.stats import head_tail
from runsum.cleaning.series import Series
from runsum.cleaning.values import finite, middle
from runsum.frozen import frozen
from runsum.model import DataQuality, Fact, State, known, missing, note, phrase
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds

_METERS_AGREE = 0.01  # of a speed: further apart, two numbers on one page would look like a mistake
_PAUSE = re.compile(r"\bui_exit_pause\b|^pause: training paused\b")


@frozen
class Rate:
    """Throughput between rows at least `fps_window_s` apart.

    Attributes:
        timestep: step at the end of each window, shape (windows,).
        hours: hours at the end of each window.
        per_second: timesteps per second in each window.
    """

    timestep: Floats
    hours: Floats
    per_second: Floats


def measure_rate(series: Series, quality: DataQuality, limits: Thresholds) -> Rate:
    """Derive the rate from steps and times; windows over a gap or a restart are left out."""
    begins, ends = _windows(series.utc_s.tolist(), _breaks(series, quality), limits.fps_window_s)
    return Rate(series.timestep[ends], series.hours[ends], _per_second(series, begins, ends))


def recent_speed(series: Series, quality: DataQuality, limits: Thresholds) -> float | None:
    """The speed at the end, in timesteps per second; None where there is no whole window without a break.

    Its windows are counted from the end: those of `measure_rate` begin at the start, and what is left over at the end
    is no window, so that the last one of a short run may be its first minute. It is the median of the recent share of
    them, at least of the last.
    """
    times, rows = series.utc_s, len(series)
    breaks = [rows - row for row in reversed(_breaks(series, quality))]
    later, earlier = _windows((-times[::-1]).tolist(), breaks, limits.fps_window_s)
    speeds = finite(_per_second(series, rows - 1 - earlier, rows - 1 - later))
    return middle(speeds[: max(1, int(len(speeds) * limits.recent_share))]) if len(speeds) else None


def _breaks(series: Series, quality: DataQuality) -> list[int]:
    """Rows to which no window goes on from the row before."""
    pauses = np.diff(series.utc_s)
    silent = quality.gap_threshold_s or np.inf
    goes_on = (pauses >= 0) & (pauses <= silent) & (np.diff(series.session) == 0) & (np.diff(series.timestep) >= 0)
    breaks: list[int] = (np.flatnonzero(~goes_on) + 1).tolist()
    return breaks


def _per_second(series: Series, begins: NDArray[np.intp], ends: NDArray[np.intp]) -> Floats:
    return (series.timestep[ends] - series.timestep[begins]) / (series.utc_s[ends] - series.utc_s[begins])


def _windows(times: list[float], breaks: list[int], least: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last row of each window.

    Args:
        times: of each row, in seconds, rising but for the breaks.
        breaks: rows to which no window goes on from the row before.
        least: seconds that a window lasts.
    """
    rows: list[tuple[int, int]] = []
    for begin, stop in zip([0, *breaks], [*breaks, len(times)], strict=True):
        while begin < stop and (end := bisect_left(times, times[begin] + least, begin + 1, stop)) < stop:
            rows.append((begin, end))
            begin = end
    begins, ends = np.array(rows, dtype=np.intp).reshape(-1, 2).T
    return begins, ends


def fps_facts(series: Series, by_runsum: bool) -> dict[str, Fact]:
    """Mean, least and largest speed over canonical rows without each session's first.

    The trainer's own meter, `fps`, is a mean since the call of learn(). runsum's recorder writes the speed between rows
    beside it, so that there the mean is the steps of those rows by their time.
    """
    speeds, steps = _row_speeds(series) if by_runsum else (finite(series.columns["fps"][series.fps_rows]), None)
    if not len(speeds):
        reason = "fps.no_rows" if not len(series) else "fps.one_row" if len(series) == 1 else "reason.not_recorded"
        return {name: missing(reason) for name in ("avg_fps", "min_fps", "max_fps")}
    return {
        "avg_fps": known(float(speeds.mean() if steps is None else steps.sum() / (steps / speeds).sum())),
        "min_fps": known(float(speeds.min())),
        "max_fps": known(float(speeds.max())),
    }


def differs_from_clock(meter: float | None, pace: float) -> bool:
    """Whether a meter and the clock are so far apart that a page shows both."""
    return meter is not None and abs(meter / pace - 1) > _METERS_AGREE


def beside_the_clock(meter: Fact, steps: int | None, hours: float | None) -> Fact:
    """The mean of the trainer's meter, with the speed by the clock in small print where that is another.

    Args:
        meter: the mean of the meter, in timesteps per second.
        steps: own timesteps of the run.
        hours: hours of training.
    """
    if not steps or not hours or meter.number is None:
        return meter
    pace = steps / (hours * 3600)
    if not differs_from_clock(meter.number, pace):
        return meter
    return replace(meter, small=(*meter.small, phrase("fps.by_the_clock", pace=pace)))


def _row_speeds(series: Series) -> tuple[Floats, Floats]:
    """The recorded speeds between rows, and over how many steps each is, shape (rows,)."""
    rates = series.columns["steps_per_second"][series.fps_rows]
    steps = np.diff(series.timestep, prepend=np.nan)[series.fps_rows]
    usable = np.isfinite(rates) & (rates > 0) & np.isfinite(steps) & (steps > 0)
    return rates[usable], steps[usable]


def trend_fact(rate: Rate, limits: Thresholds) -> Fact:
    """Whether training got slower or faster, from measured rates."""
    if len(rate.per_second) < max(limits.fps_windows, 1):
        return missing("sps.few", windows=len(rate.per_second))
    seen = finite(rate.per_second)
    first, last = head_tail(seen, 0.2)
    before, after = middle(first), middle(last)
    if before <= 0:
        return missing("sps.few", windows=len(rate.per_second))
    change = after / before - 1
    key = "sps.slower" if change < -limits.fps_drop else "sps.faster" if change > limits.fps_drop else "sps.steady"
    return note(key, before=before, after=after, change=abs(change) * 100, typical=middle(seen))


def eta_fact(
    state: State,
    current: int | None,
    goal: int | None,
    speed: float | None,
    limits: Thresholds,
    target: int | None = None,
) -> Fact:
    """Remaining time of a run that is not over, at its recent rate.

    Args:
        state: of the run.
        current: its last timestep.
        goal: the timestep at which it is to end.
        speed: at its end, as `recent_speed` has it.
        limits: thresholds in force.
        target: timesteps wanted of the run itself: the last row of a completed one may be a little before its end.
    """
    if not state.is_open:
        if goal is None or current is None:
            return note("eta.over_no_target" if goal is None else "eta.over_unknown")
        left = goal - current
        slack = (1 - limits.completed_early_pct / 100) * (target or 0) if state is State.COMPLETED else 0
        return note("eta.over_early", left=left) if left > slack else note("eta.over")
    if state is State.FINISHED:
        return note("eta.finished")
    if current is None or goal is None:
        return missing("eta.unknown")
    if not speed:
        return missing("eta.no_rate")
    left = max(0, goal - current)
    return note("eta.stale" if state is not State.RUNNING else "eta.running", estimated=True,
                steps=left, speed=speed, hours=left / speed / 3600)  # fmt: skip


def downtime_facts(
    quality: DataQuality, status_notes: Sequence[str], by_runsum: bool, limits: Thresholds
) -> dict[str, Fact]:
    """Pauses and the time they cost. The application records none by button; gaps are the only witness there."""
    pauses = sum(bool(_PAUSE.search(line)) for line in status_notes)
    restarts = quality.restarts
    words = "pauses.recorded" if by_runsum else "pauses.made_of"
    count = known(pauses + restarts, phrase(words, pauses=pauses, restarts=restarts))
    if quality.rows == 0:
        return {
            "pause_count": count if pauses else missing("reason.no_rows"),
            "pause_time_h": missing("reason.no_rows"),
        }
    if quality.gap_threshold_s is None:
        return {"pause_count": count, "pause_time_h": _no_gaps(quality)}
    lost = [gap for gap in quality.gaps if gap.seconds >= limits.downtime_s]
    words = "pauses.inferred" if lost else "pauses.short"
    return {
        "pause_count": count,
        "pause_time_h": Fact(
            sum(gap.seconds for gap in lost) / 3600,
            small=(phrase(words, gaps=len(lost or quality.gaps), least=limits.downtime_s),) if quality.gaps else (),
            estimated=True,
        ),
    }


def gap_fact(quality: DataQuality) -> Fact:
    """Silences between rows as a sentence."""
    if quality.rows == 0:
        return missing("reason.no_rows")
    if quality.gap_threshold_s is None:
        return _no_gaps(quality)
    if not quality.gaps:
        return note("gaps.none", threshold=quality.gap_threshold_s)
    longest = max(quality.gaps, key=lambda gap: gap.seconds)
    kinds = {True: "alive", False: "absent", None: "unknown"}
    return note(f"gaps.found_{kinds[longest.with_gpu]}", count=len(quality.gaps), longest=longest.seconds,
                timestep=longest.timestep, threshold=quality.gap_threshold_s)  # fmt: skip


def _no_gaps(quality: DataQuality) -> Fact:
    return missing("gaps.few", rows=quality.rows) if quality.rows < 3 else missing("gaps.no_times")
