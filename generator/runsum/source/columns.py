"""Turn rows of SQLite values into typed columns; what does not fit its column becomes missing and is counted."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_EPOCH = datetime(1970, 1, 1)


def number(value: object) -> float | None:
    """A finite number, or None. Text that spells a number counts as one."""
    if isinstance(value, bool) or value is None or isinstance(value, bytes):
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def integer(value: object) -> int | None:
    """A whole number of at most 63 bits, or None."""
    result = number(value)
    return int(result) if result is not None and abs(result) < 2**63 else None


def text(value: object) -> str | None:
    """Text, or None for NULL, blobs and blank text."""
    if value is None or isinstance(value, bytes):
        return None
    return str(value) if str(value).strip() else None


def json_object(value: object) -> dict[str, Any] | None:
    """A JSON object, or None when it is absent or malformed."""
    try:
        data = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def json_list(value: object) -> list[Any]:
    """A JSON list; of text that is no JSON what stands between its commas, else nothing."""
    if not isinstance(value, str):
        return []
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        return value.split(",")
    return data if isinstance(data, list) else []


def float_column(values: Sequence[object]) -> tuple[Floats, int]:
    """A column as floats, NaN where NULL or unreadable, and how many values were unreadable."""
    try:
        column = np.array(values, dtype=np.float64)
        if column.ndim == 1 and not any(isinstance(v, str | bytes) for v in values[:1]):
            bad = np.isinf(column)
            column[bad] = np.nan
            return column, int(bad.sum())
    except (TypeError, ValueError, OverflowError):
        pass
    numbers = [number(v) for v in values]
    unreadable = sum(n is None and v is not None for n, v in zip(numbers, values, strict=True))
    return np.array([math.nan if n is None else n for n in numbers], dtype=np.float64), unreadable


def time_column(values: Sequence[object]) -> Floats:
    """ISO times as seconds since 1970 on their own clock (no zone applied), NaN where unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns of an offset
            stamps = np.array(["NaT" if v is None else v for v in values], dtype="datetime64[us]")
    except (TypeError, ValueError, UserWarning, DeprecationWarning):
        return np.array([math.nan if (s := seconds(v)) is None else s for v in values], dtype=np.float64)
    result = stamps.astype(np.int64) / 1e6
    result[np.isnat(stamps)] = np.nan
    return np.asarray(result, dtype=np.float64)


def seconds(value: object) -> float | None:
    """One ISO time as seconds since 1970; as the clock on the wall showed it (an offset is left out)."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    # the clock on the wall counts: a stamp with an offset stands beside stamps of the same machine without one
    return moment.replace(tzinfo=UTC).timestamp()


def iso(moment: float) -> str:
    """Seconds since 1970 as naive ISO text on the same clock, cut to the second; years 1 to 9999."""
    low, high = -62135596800, 253402300799
    whole = int(min(max(moment, low), high)) if math.isfinite(moment) else 0
    return (_EPOCH + timedelta(seconds=whole)).isoformat(timespec="seconds")
