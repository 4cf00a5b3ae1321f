"""What the tests of `runsum.analysis` share: short literal series, and the key of what a fact says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from runsum.cleaning.series import Series
from runsum.model import Fact
from runsum.source.records import GPU_COLUMNS, METRICS, GpuTable
from runsum.thresholds import Thresholds
from support.rows import Clock

LIMITS = Thresholds()
NAN = math.nan
RUN = "run-0aa00001"
TEN = Clock().iso  # local time so many seconds after 10:00
TEN_S = 1_766_397_600.0


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def series(
    steps: Sequence[float], *, at: Sequence[float] | None = None, session: Sequence[int] = (), **columns: Any
) -> Series:
    """Canonical rows ten seconds apart; every metric that is not given is NaN."""
    count = len(steps)
    seconds = floats(*(at if at is not None else range(0, 10 * count, 10)))
    sessions = np.array(session or [0] * count, dtype=np.int64)
    values = {name: np.full(count, NAN) for name in METRICS}
    values |= {name: floats(*column) for name, column in columns.items()}
    counted = np.array([k > 0 and sessions[k] == sessions[k - 1] for k in range(count)], dtype=bool)
    return Series(
        floats(*steps), seconds, seconds / 3600, sessions, values, 0,
        int(max(steps)) if count else None, seconds, floats(*steps), counted, floats(),
    )  # fmt: skip


def gpu(seconds: Sequence[float] = (), **columns: Sequence[float]) -> GpuTable:
    empty = {name: np.full(len(seconds), NAN) for name in GPU_COLUMNS}
    return GpuTable(floats(*seconds), empty | {name: floats(*values) for name, values in columns.items()})


def key_of(fact: Fact) -> str:
    """The key of what a fact says: its words, or the reason why it says nothing."""
    said = fact.words or fact.reason
    assert said is not None
    return said.key


def keys(notes: Sequence[Any]) -> list[str]:
    return [note.key for note in notes]
