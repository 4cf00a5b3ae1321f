"""From the rows of a run to its canonical series, with an account of everything that was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from runsum.cleaning.rollouts import OFF_POLICY, LearnCalls, find_learn_calls, find_rollout_size, session_numbers
from runsum.cleaning.rows import Mask, count_jumps, find_contaminated, find_phantoms
from runsum.cleaning.values import Values, finite, middle
from runsum.cleaning.wall_clock import WallClock, has_spread, read_clock, utc_seconds
from runsum.frozen import frozen
from runsum.model import DataQuality, Gap, Session
from runsum.source.columns import Floats
from runsum.source.records import METRICS, GpuTable, MetricTable
from runsum.thresholds import Thresholds

_OF_ANY_ROW = {"fps", "steps_per_second", "cpu_percent", "memory_mb", "gpu_percent", "gpu_memory_mb"}
_TRAINING = tuple(name for name in METRICS if name not in _OF_ANY_ROW)


@frozen
class RunFrame:
    """What cleaning must know of a run besides its rows.

    Attributes:
        leg_start: start of the leg as recorded, 0 for a first leg.
        target: timesteps of this leg as configured, or None.
        config_rollout_size: n_envs × n_steps as configured, or None.
        end_local_s: end_time on the machine's clock, seconds.
        start_local_s: start_time on the machine's clock, seconds.
    """

    status: str
    algorithm: str | None
    leg_start: int
    target: int | None
    config_rollout_size: int | None
    start_local_s: float | None
    end_local_s: float | None


@frozen
class Series:
    """The canonical rows of a run in write order, one entry per row.

    Attributes:
        timestep: absolute env steps.
        utc_s: seconds UTC (or on the machine's clock where the offset is unknown).
        hours: hours since the run began.
        session: number of the learn() call, 0-based.
        columns: a float column per metric, NaN where not recorded.
        start_timestep: true first step of the run.
        last_step_any_row: largest step of any own row, progress lines included.
        own_utc_s: seconds of all own rows, canonical or not, in write order.
        own_steps: their steps.
        fps_rows: rows whose recorded fps counts (without the first of each session).
        contaminated: positions of contaminated rows in the table.
        clock: of the machine, as the run's own rows tell.
    """

    timestep: Floats
    utc_s: Floats
    hours: Floats
    session: NDArray[np.int64]
    columns: Mapping[str, Floats]
    start_timestep: int
    last_step_any_row: int | None
    own_utc_s: Floats
    own_steps: Floats
    fps_rows: Mask
    contaminated: Floats
    clock: WallClock = WallClock()
    _values: dict[str, Values] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.timestep)

    @property
    def reward(self) -> Floats:
        """Mean episode reward per row, NaN where not recorded."""
        return self.columns["episode_reward_mean"]

    def values(self, name: str) -> Values:
        """The recorded values of a column; a dozen checks look at the same ones."""
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = Values(self.columns[name])
        return found

    def null_share(self, name: str) -> float:
        """Share of the rows without a value in a column; there must be a row."""
        return (len(self) - len(self.values(name))) / len(self)


@frozen
class _Chosen:
    """Which rows of a table are what; masks have shape (rows,)."""

    contaminated: Mask
    own: Mask
    table_rows: Mask
    phantoms: Mask
    in_range: Mask
    positions: NDArray[np.int64]
    calls: LearnCalls
    start: int

    @property
    def canonical(self) -> Mask:
        """Rows of full log tables that are the run's own and possible."""
        return self.table_rows & self.in_range & ~self.phantoms

    @property
    def real(self) -> Mask:
        """Own rows of any kind, progress lines included."""
        return self.own & ~self.phantoms & self.in_range


def clean_series(table: MetricTable, gpu: GpuTable, frame: RunFrame, limits: Thresholds) -> tuple[Series, DataQuality]:
    """Decide which rows are real.

    Args:
        table: all metric rows of the run in write order.
        gpu: its GPU samples, used to tell a silent process from an absent one.
        frame: what else is known of the run.
        limits: thresholds in force.
    """
    rows = _choose_rows(table, frame, limits)
    step = table.numbers["timestep"]
    kept, real = np.flatnonzero(rows.canonical), rows.real
    columns = {name: table.numbers[name] for name in METRICS}
    if len(kept) < len(table):
        columns = {name: column[kept] for name, column in columns.items()}
    utc, offset = utc_seconds(table)
    sessions = session_numbers(len(kept), _first_rows(rows, step, kept))
    clock = read_clock(table.local_s[real], utc[real]) if real.any() else WallClock((offset or 0.0,))
    origin = clock.utc(frame.start_local_s) if frame.start_local_s is not None else math.nan
    series = Series(
        timestep=step[kept],
        utc_s=utc[kept],
        hours=_hours(utc[kept], origin),
        session=sessions,
        columns=columns,
        start_timestep=rows.start,
        last_step_any_row=int(step[real].max()) if real.any() else None,
        own_utc_s=utc[real],
        own_steps=step[real],
        fps_rows=_without_first(sessions),
        contaminated=np.flatnonzero(rows.contaminated).astype(np.float64),
        clock=clock,
    )
    samples = clock.utc_column(gpu.local_s)
    gaps, threshold = _find_gaps(utc, step, rows.own & ~rows.phantoms, samples, limits, origin)
    return series, _account(table, rows, series, frame, gaps, threshold, gpu, offset)


def _choose_rows(table: MetricTable, frame: RunFrame, limits: Thresholds) -> _Chosen:
    step, iteration = table.numbers["timestep"], _known_or_nought(table.numbers["episode_count"])
    contaminated = find_contaminated(table, frame.status, frame.end_local_s)
    own = np.isfinite(step) & ~contaminated
    has_iterations = bool((iteration[own] > 0).any())
    table_rows = own & ((iteration > 0) if has_iterations else _tells_of_training(table))
    positions = np.flatnonzero(table_rows)
    size = _rollout_size(table, table_rows, frame, limits) if has_iterations else None
    calls = find_learn_calls(step[positions], iteration[positions], size, limits)
    tolerance = _tolerance(calls.rollout_size, step[table_rows])
    phantoms = own & find_phantoms(step, iteration, table_rows, frame.leg_start, tolerance)
    start = calls.starts[0] if calls.starts else frame.leg_start
    low, high = _window(start, calls.starts, calls.rollout_size, frame)
    return _Chosen(contaminated, own, table_rows, phantoms, (step >= low) & (step <= high), positions, calls, start)


def _tells_of_training(table: MetricTable) -> Mask:
    """Rows with a reward, a loss or another number that progress lines never have, shape (rows,).

    Of a run without iteration numbers they are the full log tables. The reward alone is no mark of them: it is missing
    where it grew too large for the recorder.
    """
    told = np.zeros(len(table), dtype=bool)
    for name in _TRAINING:
        told |= np.isfinite(table.numbers[name])
    return told


def _known_or_nought(column: Floats) -> Floats:
    return np.where(np.isfinite(column), column, 0.0)


def _account(
    table: MetricTable,
    rows: _Chosen,
    series: Series,
    frame: RunFrame,
    gaps: tuple[Gap, ...],
    threshold: float | None,
    gpu: GpuTable,
    offset: float | None,
) -> DataQuality:
    """Count what the rows turned out to be."""
    step, reward = table.numbers["timestep"], series.reward
    usable = np.isfinite(step)
    jumping = rows.own & (rows.in_range | rows.phantoms)
    artefacts, genuine = count_jumps(step[jumping], rows.phantoms[jumping])
    rewards = series.values("episode_reward_mean").rows
    after_first = len(reward) - int(rewards[0]) if len(rewards) else 0
    return DataQuality(
        rows=len(table),
        canonical_rows=len(series),
        reward_rows=len(rewards),
        progress_rows=int(np.count_nonzero(rows.own & ~rows.table_rows & ~rows.phantoms)),
        phantom_rows=int(np.count_nonzero(rows.phantoms)),
        contaminated_rows=int(np.count_nonzero(rows.contaminated)),
        superseded_rows=_superseded(series, rows.calls.starts),
        out_of_range_rows=int(np.count_nonzero(rows.table_rows & ~rows.phantoms & ~rows.in_range)),
        unreadable_values=table.unreadable + gpu.unreadable + len(step) - int(np.count_nonzero(usable)),
        rollout_size=rows.calls.rollout_size,
        config_rollout_size=frame.config_rollout_size,
        sessions=_describe_sessions(series, rows.calls.starts),
        artefact_jumps=artefacts,
        genuine_jumps=genuine,
        gaps=gaps,
        gap_threshold_s=threshold,
        gpu_samples=len(gpu),
        null_policy_loss_share=series.null_share("policy_loss") if len(series) else None,
        null_rewards_after_first=after_first - len(rewards),
        utc_offset_min=None if offset is None else int(series.clock.offsets[-1] // 60),
        wrong_denominator_rows=_wrong_denominators(table, rows.own, frame.target),
        naive_last_timestep=int(step[usable].max()) if usable.any() else None,
    )


def _rollout_size(table: MetricTable, rows: Mask, frame: RunFrame, limits: Thresholds) -> int | None:
    if (frame.algorithm or "").lower() in OFF_POLICY:
        return None
    size = find_rollout_size(
        table.numbers["timestep"][rows], table.numbers["episode_count"][rows], limits.rollout_majority
    )
    lengths = table.numbers["episode_length_mean"][rows]
    lengths = lengths[np.isfinite(lengths)]
    if size is not None and len(lengths):
        frames = middle(lengths) / size
        if any(abs(frames - skipped) < 0.002 * skipped for skipped in (1, 2, 3, 4)):
            return None  # converted data: the counter counts episodes, all of one length (in steps or in frames)
    return size


def _tolerance(rollout: int | None, table_steps: Floats) -> float:
    if rollout is not None:
        return 2.0 * rollout
    forward = np.diff(table_steps)
    forward = forward[forward > 0]
    return 2.0 * middle(forward) if len(forward) else 0.0


def _window(start: int, starts: tuple[int, ...], rollout: int | None, frame: RunFrame) -> tuple[float, float]:
    """Steps a real row can have: from the earliest start to a rollout beyond the target of the latest call.

    Only a continued leg has an upper end, since only there a step can be counted twice; the target of any other
    run may have been a rough number.
    """
    low = float(min((start, *starts)))
    if rollout is None or frame.target is None or frame.leg_start <= 0:
        return (low if starts else 0.0), math.inf
    return low, float(max((start, *starts)) + frame.target + rollout)


def _first_rows(rows: _Chosen, step: Floats, kept: NDArray[np.int64]) -> tuple[int, ...]:
    """First canonical row of each session; without iteration numbers a step backwards begins a new one."""
    if rows.calls.first_rows:
        return tuple(int(rows.canonical[: rows.positions[first]].sum()) for first in rows.calls.first_rows)
    back = np.flatnonzero(np.diff(step[kept]) < 0) + 1
    return (0, *(int(b) for b in back))


def _without_first(sessions: NDArray[np.int64]) -> Mask:
    keep = np.ones(len(sessions), dtype=bool)
    if len(sessions):
        keep[0] = False
        keep[1:] = np.diff(sessions) == 0
    return keep


def _hours(utc: Floats, origin: float) -> Floats:
    """Hours since start_time; a run resumed in place has rows before it and counts from its first row."""
    if not len(utc):
        return utc
    seen = finite(utc)
    first = float(seen.min()) if len(seen) else math.nan
    begin = min(origin, first) if math.isfinite(origin) else first
    return np.asarray((utc - begin) / 3600.0, dtype=np.float64)


def _superseded(series: Series, starts: tuple[int, ...]) -> int:
    """Rows of one learn() call beyond the start of the next: their progress was thrown away by the restart."""
    count = 0
    for number in range(int(series.session.max()) if len(series) else 0):
        later = series.timestep[series.session == number + 1]
        start = starts[number + 1] if number + 1 < len(starts) else float(later.min()) - 1
        count += int((series.timestep[series.session == number] > start).sum())
    return count


def _describe_sessions(series: Series, starts: tuple[int, ...]) -> tuple[Session, ...]:
    sessions = []
    for number in range(int(series.session.max()) + 1 if len(series) else 0):
        rows = series.session == number
        steps = series.timestep[rows]
        start = starts[number] if number < len(starts) else (series.start_timestep if number == 0 else int(steps[0]))
        sessions.append(Session(start, int(steps[0]), int(steps[-1]), _finite(series.hours[rows][0])))
    return tuple(sessions)


def _find_gaps(
    utc: Floats, step: Floats, own: Mask, samples: Floats, limits: Thresholds, origin: float
) -> tuple[tuple[Gap, ...], float | None]:
    rows = np.flatnonzero(own & np.isfinite(utc))
    if len(rows) < 3 or not has_spread(utc[rows]):
        return (), None
    lengths = np.diff(utc[rows])
    forward = lengths[lengths > 0]
    threshold = max(limits.gap_floor_s, limits.gap_factor * middle(forward) if len(forward) else 0.0)
    begin = min(origin, float(utc[rows].min())) if math.isfinite(origin) else float(utc[rows].min())
    gaps = []
    for place in np.flatnonzero(lengths > threshold):
        since, until = utc[rows[place]], utc[rows[place + 1]]
        alive = bool(((samples > since + 10) & (samples < until - 10)).sum() >= 2) if len(samples) else None
        gaps.append(Gap(float(lengths[place]), int(step[rows[place]]), (float(since) - begin) / 3600.0, alive))
    return tuple(gaps), threshold


def _wrong_denominators(table: MetricTable, own: Mask, target: int | None) -> int:
    totals = table.numbers["total_timesteps"][own]
    return 0 if target is None else int((np.isfinite(totals) & (totals != target)).sum())


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def active_hours(series: Series, quality: DataQuality, limits: Thresholds) -> Floats:
    """Hours of training of each row, with the gaps cut out that count as lost time.

    A silence that is usual for the run is none, however long it is: slow runs have a row every ten minutes.
    """
    if not len(series):
        return series.hours
    width = np.zeros(len(series))
    np.subtract(series.utc_s[1:], series.utc_s[:-1], out=width[1:])
    width[~(width >= 0)] = 0.0  # backwards, or without a time
    for gap in quality.gaps:
        after = np.flatnonzero(series.hours > gap.hours)[:1]
        if gap.seconds >= limits.downtime_s:
            width[after] = np.maximum(0.0, width[after] - gap.seconds)
    first, most = float(series.hours[0]), max(limits.downtime_s, quality.gap_threshold_s or 0.0) / 3600
    begin = max(0.0, min(first, most)) if math.isfinite(first) else 0.0
    return np.asarray(np.cumsum(width) / 3600 + begin, dtype=np.float64)
