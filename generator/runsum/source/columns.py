"""Turn rows of SQLite values into typed columns; what does not fit its column becomes missing and is counted."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runsum.clock import moment_of

Floats = NDArray[np.float64]
_EPOCH = datetime(1970, 1, 1)
_NUMBERS = {float, int, type(None)}
_SECONDS, _LONGEST = 19, 26  # letters of a time without a fraction of a second, and with one
_PLACES = np.array([4, 7, 10, 13, 16])  # of its marks
_YEAR_1_US = -62_135_596_800_000_000
_EXACT_US = 2**53  # a float holds every whole number up to it: the year 2255


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
    if set(map(type, values)) <= _NUMBERS:  # else NumPy would read "nan" and the bytes of digits as numbers
        column = np.array(values, dtype=np.float64)
        bad = np.isinf(column)
        column[bad] = np.nan
        return column, int(bad.sum())
    numbers = [number(v) for v in values]
    unreadable = sum(n is None and v is not None for n, v in zip(numbers, values, strict=True))
    return np.array([math.nan if n is None else n for n in numbers], dtype=np.float64), unreadable


def time_column(values: Sequence[object]) -> Floats:
    """ISO times as seconds since 1970 on their own clock (no zone applied), NaN where unreadable."""
    try:
        return _stamps(values)
    except _NO_STAMPS:
        return np.array([_stamp(v) for v in values], dtype=np.float64)


_NO_STAMPS = (TypeError, ValueError, UserWarning, DeprecationWarning)


def _stamps(values: Sequence[object]) -> Floats:
    if not all(value is None or _has_year(value) for value in values):
        raise ValueError("NumPy would read a bare number as a year and 'today' as the day of the clock")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy only warns of an offset
        stamps = np.array(["NaT" if v is None else v for v in values], dtype="datetime64[us]")
    result = _in_seconds(stamps.astype(np.int64))
    result[np.isnat(stamps)] = np.nan
    return result


def _in_seconds(ticks: NDArray[np.int64]) -> Floats:
    """Microseconds as seconds, rounded once, as `seconds` does."""
    result: Floats = ticks / 1e6
    far = np.abs(ticks) > _EXACT_US
    if far.any():  # the division itself would begin with a rounded number
        result[far] = [tick / 10**6 for tick in ticks[far].tolist()]
    return result


def stamp_column(texts: NDArray[np.bytes_]) -> Floats | None:
    """Times as the application writes them, read as `time_column` does; None where one is written in another way.

    Args:
        texts: `2026-01-05 08:00:00`, with a T or a fraction of a second, or nothing; shape (rows,).
    """
    width = texts.dtype.itemsize
    if not len(texts):
        return np.empty(0)
    missing = texts == b""
    letters = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
    letters = letters[~missing] if missing.any() else letters
    if len(letters) and not _are_stamps(letters):
        return None
    try:
        stamps = texts.astype("datetime64[us]")  # complains of what is no digit, and of the 31st of February
    except ValueError:
        return None
    ticks = stamps.astype(np.int64)
    result = _in_seconds(ticks)
    result[missing] = np.nan
    return None if (ticks[~missing] < _YEAR_1_US).any() else result


def _are_stamps(letters: NDArray[np.uint8]) -> bool:
    """Whether texts of given letters, shape (n, width), have a time's marks in their places and nothing behind it."""
    if not _SECONDS <= letters.shape[1] <= _LONGEST:
        return False
    marks, tail = letters[:, _PLACES], letters[:, _SECONDS:]
    is_mark = marks == np.frombuffer(b"--T::", dtype=np.uint8)
    is_mark[:, 2] |= marks[:, 2] == ord(" ")
    if not is_mark.all() or not (letters[:, 0] - ord("0") <= 9).all():  # a year may not have a sign
        return False
    ends = tail == 0
    is_tail = ends | (tail - ord("0") <= 9)  # below "0" the difference is large: it has no sign
    is_tail[:, :1] = ends[:, :1] | (tail[:, :1] == ord("."))
    return bool(is_tail.all()) and not (ends[:, :-1] & ~ends[:, 1:]).any()


def drop_infinite(columns: Iterable[Floats]) -> int:
    """Make infinite numbers missing; how many there were."""
    dropped = 0
    for column in columns:
        infinite = np.isinf(column)
        if infinite.any():
            column[infinite] = np.nan
            dropped += int(infinite.sum())
    return dropped


def _stamp(value: object) -> float:
    """One time of a column in which something is odd: read as if it were not."""
    moment = seconds(value)
    if moment is not None:
        return moment
    try:
        return float(_stamps([value])[0])
    except _NO_STAMPS:
        return math.nan


def unreadable_times(values: Sequence[object], stamps: Floats) -> int:
    """How many values of a column that `time_column` read say something, but no time.

    Args:
        values: as they are stored.
        stamps: what `time_column` made of them, shape (rows,).
    """
    lost = (values[place] for place in np.flatnonzero(np.isnan(stamps)).tolist())
    return sum(isinstance(value, bytes) or text(value) is not None for value in lost)


def _has_year(value: object) -> bool:
    return isinstance(value, str) and value[4:5] == "-" and "0000" < value[:4] <= "9999"


def seconds(value: object) -> float | None:
    """One ISO time as seconds since 1970; as the clock on the wall showed it (an offset is left out)."""
    if not isinstance(value, str):
        return None
    try:
        moment = moment_of(value)
    except ValueError:
        return None
    # the clock on the wall counts: a stamp with an offset stands beside stamps of the same machine without one
    return moment.replace(tzinfo=UTC).timestamp()


def iso(moment: float) -> str:
    """Seconds since 1970 as naive ISO text on the same clock, cut to the second; years 1 to 9999."""
    low, high = -62135596800, 253402300799
    whole = int(min(max(moment, low), high)) if math.isfinite(moment) else 0
    return (_EPOCH + timedelta(seconds=whole)).isoformat(timespec="seconds")
