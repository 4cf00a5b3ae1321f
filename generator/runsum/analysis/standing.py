"""How a run stands: the recorded status weighed against what the rows say, at a given moment."""

from __future__ import annotations

import re

import numpy as np

from runsum.cleaning.series import Series
from runsum.cleaning.values import finite
from runsum.clock import Clock
from runsum.frozen import frozen
from runsum.model import DataQuality, Phrase, State, phrase
from runsum.source.columns import integer, iso, seconds, text
from runsum.source.records import GpuTable, Row
from runsum.thresholds import Thresholds

_STATES = {
    "completed": State.COMPLETED,
    "failed": State.FAILED,
    "stopped": State.STOPPED,
    "running": State.RUNNING,
}
_CLOCKS_DIFFER_S = 86_400.0  # no two clocks are farther apart, whatever their zones
_GUARD = re.compile(r"Auto-failed by stale-run-guard:.*?last_activity>\d+m \(([^)]+)\)")


@frozen
class Standing:
    """The state of a run and the times behind it, all on the recording machine's clock.

    Attributes:
        went_on: whether rows prove that training went on well after end_time.
        false_end: why end_time is no end at all: "before_start", "in_future", or "" (it may be one).
        notes: what qualifies the state (resumed in place, completed early, …).
        effective_end: when training really ended, ISO, or None while it may go on.
        span_h: hours from start_time to the last canonical row.
        wall_h: hours from start_time to end_time.
    """

    state: State
    notes: tuple[Phrase, ...]
    last_activity: str | None
    effective_end: str | None
    span_h: float | None
    wall_h: float | None
    progress_pct: float | None
    went_on: bool
    false_end: str


def judge_standing(
    row: Row,
    gpu: GpuTable,
    series: Series,
    quality: DataQuality,
    target: int | None,
    clock: Clock,
    limits: Thresholds,
) -> Standing:
    """Weigh status, flags, times and progress."""
    status = (text(row.get("status")) or "").strip().lower()
    offset = int(series.clock.offsets[-1] // 60)
    start, end = seconds(row.get("start_time")), seconds(row.get("end_time"))
    start_utc = None if start is None else series.clock.utc(start)
    end_utc = None if end is None else series.clock.utc(end, last=True)
    own = finite(series.own_utc_s)
    last_row = series.clock.local(float(own.max())) if len(own) else None
    last = _last_activity(row, gpu, last_row, offset)
    progress = _progress(series, target)
    reached = target is not None and series.last_step_any_row is not None and (
        series.last_step_any_row >= series.start_timestep + target)  # fmt: skip
    state = _STATES.get(status, State.UNKNOWN)
    if state is State.RUNNING:
        if reached:
            state = State.FINISHED
        elif integer(row.get("process_paused")):
            state = State.PAUSED
        elif last is None or clock.is_over(last + limits.stale_after_min * 60, offset):
            state = State.STALE
    notes: list[Phrase] = []
    before_start = start_utc is not None and end_utc is not None and end_utc < start_utc
    begun = start if last_row is None else last_row
    false_end = "before_start" if before_start else "in_future" if _is_ahead(end, begun, clock, offset) else ""
    late = None if false_end else _trained_after(series, end_utc, limits)
    if late is not None and state in (State.COMPLETED, State.STOPPED, State.FAILED):
        notes.append(phrase(f"state.{state}_but_went_on", end=iso(end or 0), last=iso(late)))
    if state is State.COMPLETED and progress is not None and progress < limits.completed_early_pct:
        notes.append(phrase("state.completed_short", progress=progress))
    # rows older than the start: an older version of the application reused the run id to continue
    if start_utc is not None and len(own) and float(own.min()) < start_utc - 60:
        notes.append(
            phrase("state.resumed_in_place", sessions=len(quality.sessions), start=text(row.get("start_time")))
        )
    elif quality.restarts:
        notes.append(phrase("state.restarted", restarts=quality.restarts))
    hours = finite(series.hours)
    effective = last_row if false_end else late if late is not None else end
    return Standing(
        state,
        tuple(notes),
        None if last is None else iso(last),
        None if state.is_open or effective is None else iso(effective),
        float(hours.max()) if len(hours) else None,
        None if start_utc is None or end_utc is None or false_end else (end_utc - start_utc) / 3600,
        progress,
        late is not None,
        false_end,
    )


def _is_ahead(end: float | None, begun: float | None, clock: Clock, offset: int) -> bool:
    """Whether a recorded end has not come yet, of a run that did not begin in the future itself."""
    if end is None or clock.is_over(end - _CLOCKS_DIFFER_S, offset):
        return False
    return begun is None or clock.is_over(begun, offset)


def guard_activity(row: Row) -> float | None:
    """Last activity that the stale guard wrote down, local seconds; it sets end_time to the moment it noticed."""
    for name in ("status_note", "description"):
        match = _GUARD.search(str(row.get(name) or ""))
        if match:
            return seconds(match.group(1))
    return None


def _progress(series: Series, target: int | None) -> float | None:
    if not len(series) or not target or target <= 0:
        return None
    return float((series.timestep.max() - series.start_timestep) / target * 100.0)


def _last_activity(row: Row, gpu: GpuTable, last_row: float | None, offset: int) -> float | None:
    moments: list[float] = [] if last_row is None else [last_row]
    sampled = finite(gpu.local_s)
    if len(sampled):
        moments.append(float(sampled.max()))
    noticed = guard_activity(row)
    if noticed is not None:
        moments.append(noticed)
    for name in ("heartbeat_at",) if noticed is not None else ("updated_at", "heartbeat_at"):  # the guard updates, too
        value = row.get(name)
        moment = seconds(value)
        if moment is not None:
            # SQLite's own default stamp is UTC and has a blank where the application writes a T
            moments.append(moment + offset * 60.0 if " " in str(value).strip() else moment)
    if not moments:
        return seconds(row.get("start_time"))
    return max(moments)


def _trained_after(series: Series, end_utc: float | None, limits: Thresholds) -> float | None:
    """Last local time of rows written well after end_time by a live process (cpu recorded), or None."""
    if end_utc is None or not len(series):
        return None
    late = series.utc_s[(series.utc_s > end_utc) & np.isfinite(series.columns["cpu_percent"])]
    if not len(late) or len(late) < limits.late_rows or late.max() - end_utc <= limits.late_s:
        return None
    return series.clock.local(float(late.max()))
