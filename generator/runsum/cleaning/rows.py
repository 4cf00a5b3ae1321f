"""Which rows are real: rows of another run, rows with a step counted twice, jumps between rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runsum.cleaning.wall_clock import has_spread, utc_offset_s
from runsum.source.columns import Floats
from runsum.source.records import MetricTable

Mask = NDArray[np.bool_]


def find_contaminated(table: MetricTable, status: str, end_local_s: float | None) -> Mask:
    """Rows that the collector of a stopped run copied from the run that was active then.

    All of these together: status 'stopped', written at or after end_time, without CPU and memory although
    earlier rows of the run have them, and nothing of the run's own written after them.
    The time is also compared in UTC, since a clock change may lie in between.
    """
    none = np.zeros(len(table), dtype=bool)
    if status != "stopped" or end_local_s is None or not len(table):
        return none
    bare = np.isnan(table.numbers["cpu_percent"]) & np.isnan(table.numbers["memory_mb"])
    own = np.flatnonzero(~bare)
    if not len(own):
        return none
    late = table.local_s >= end_local_s
    offset = utc_offset_s(table.local_s[own[-1:]], table.created_s[own[-1:]])
    if offset is not None and has_spread(table.created_s):
        late |= table.created_s >= end_local_s - offset
    after: Mask = bare & late & (np.arange(len(table)) > own[-1])
    return after


def find_phantoms(timestep: Floats, iteration: Floats, table_rows: Mask, leg_start: int, tolerance: float) -> Mask:
    """Progress rows of a continued leg whose step was counted twice (start + absolute).

    Args:
        timestep: absolute steps in write order, shape (rows,).
        iteration: iteration numbers, shape (rows,).
        table_rows: rows known to be real, shape (rows,).
        leg_start: step at which the leg began as recorded; 0 for a first leg.
        tolerance: how far a halved step may lie outside its neighbours, in steps.
    """
    phantoms = np.zeros(len(timestep), dtype=bool)
    anchors = np.flatnonzero(table_rows)
    if leg_start <= 0 or not len(anchors):
        return phantoms
    for row in np.flatnonzero((iteration == 0) & ~table_rows):
        place = int(np.searchsorted(anchors, row))
        before = timestep[anchors[place - 1]] if place > 0 else leg_start - tolerance
        step, halved = timestep[row], timestep[row] - leg_start
        if place < len(anchors):
            after = timestep[anchors[place]]
            low, high = min(before, after), max(before, after)
            outside = not low <= step <= high
            phantoms[row] = outside and low - tolerance <= halved <= high + tolerance
        else:
            phantoms[row] = abs(halved - before) < abs(step - before) and halved >= before - tolerance
    return phantoms


def count_jumps(timestep: Floats, phantoms: Mask) -> tuple[int, int]:
    """(artefact, genuine) steps backwards between neighbours in write order.

    A step back right after a phantom row is an artefact of the recorder; any other one is a restart.
    Write order is id order within a run: a replaced row takes a new id, and a clock change does not matter.
    """
    back = np.flatnonzero(np.diff(timestep) < 0)
    artefacts = int(phantoms[back].sum())
    return artefacts, len(back) - artefacts
