"""Columns of chart data as short strings: a page carries a dozen of them, and an archive carries thousands of pages.

A packed column is the JSON list ``[count, digits, least, unit, "letters"]``, or with one number more,
``[count, digits, least, unit, before, "letters"]``. Each row has equally many letters, a number in the base of the
:data:`ALPHABET`: 0 where the row has no value, else the whole number ``least + unit * (letters - 1)``. Those numbers
are the values; where there is a ``before`` they are the differences, each from the last value before it, the first
one from ``before``. All of that stands ``digits`` places behind the point. Where there are no letters every row has
the number ``least``.

So a column of 200 values is 1 to 3 letters a row, and steps at even distances are none. Nothing is lost: a reader
divides a whole number by a power of ten and has the very value that was packed. In the browser that is ``unpacked`` of
``site_template/assets/runsum-tools.js``. Where whole numbers would be too large the list is that of the values.
"""

import re
import string

import numpy as np
import numpy.typing as npt
import orjson

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ALPHABET = string.digits + string.ascii_letters + "".join(c for c in string.punctuation if c not in '"&<>\\')
"""The digits 0 to 88: what ASCII can print, without what JSON, HTML or a script would have to escape."""
PACKED = re.compile(r"\[\d+,\d+,-?\d+,\d+,(?:-?\d+,)?\"[^\"\\]*\"\]")
"""A packed column in a data script. No text of a run looks like one: its quotation marks are escaped there."""

_BASE = len(ALPHABET)
_LETTERS = np.frombuffer(ALPHABET.encode("ascii"), dtype=np.uint8)
_MOST_DIGITS = 15
_TOP = np.iinfo(np.int64).max
_WHOLE = 2.0**52  # differences, too, are exact


class Packed(str):
    """JSON, ready to be put where a column belongs."""

    __slots__ = ()


def pack(values: FloatArray, digits: IntArray) -> list[Packed]:
    """Pack many columns of equal length at once, for a build does it for every chart.

    Args:
        values: numbers, a column in each row, shape ``(k, n)``; what is not finite is missing.
        digits: of each column, how many digits behind the point it has at most, shape ``(k,)``.

    Returns:
        JSON of each column.
    """
    seen = np.isfinite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(np.where(seen, values, 0.0) * 10.0 ** np.minimum(digits, _MOST_DIGITS)[:, None])
    is_whole = (digits <= _MOST_DIGITS) & (np.abs(scaled).max(axis=1) < _WHOLE) & seen.any(axis=1)
    held = _held(np.where(is_whole[:, None], scaled, 0.0).astype(np.int64), seen)
    codes, least, unit, is_sum = _shortest(held, seen)
    heads = np.stack([np.full(len(values), values.shape[1]), digits, least, unit, held[:, 0] - least], axis=1).tolist()
    return [
        Packed(f'[{",".join(map(str, head[: 5 if sums else 4]))},"{text}"]')
        if whole
        else Packed(number_texts(numbers).join("[]"))
        for numbers, whole, sums, head, text in zip(values, is_whole, is_sum, heads, _letters(codes), strict=True)
    ]


def _shortest(held: IntArray, seen: BoolArray) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """Write each column as codes of its values or of their differences, whichever have the smaller range.

    Returns:
        Codes, shape ``(k, n)``, 0 where there is no value; of each column the least number, the unit, and whether the
        codes are of differences.
    """
    count = len(held)
    gaps = np.zeros_like(held)
    np.subtract(held[:, 1:], held[:, :-1], out=gaps[:, 1:])
    later = seen & (np.cumsum(seen, axis=1) > 1)  # the first value of a column has no difference
    numbers, known = np.concatenate([held, gaps]), np.concatenate([seen, later])
    least = np.where(known, numbers, _TOP).min(axis=1)
    least[least == _TOP] = 0
    above = np.where(known, numbers - least[:, None], 0)
    unit = np.maximum(np.gcd.reduce(above, axis=1), 1)
    reach = above.max(axis=1) // unit
    is_sum = reach[count:] < reach[:count]
    chosen = np.arange(count) + count * is_sum
    codes = np.where(seen, above[chosen] // unit[chosen, None] + 1, 0)
    return codes, least[chosen], unit[chosen], is_sum


def _held(numbers: IntArray, seen: BoolArray) -> IntArray:
    """The last value there was in each row; before the first value, that one."""
    if seen.all():
        return numbers
    rows = np.maximum.accumulate(np.where(seen, np.arange(numbers.shape[1]), -1), axis=1)
    return np.take_along_axis(numbers, np.where(rows < 0, seen.argmax(axis=1)[:, None], rows), axis=1)


def _letters(codes: IntArray) -> list[str]:
    """The letters of each column; none where all rows have the same number."""
    tops, bottoms = codes.max(axis=1), codes.min(axis=1)
    widths = [sum(top >= _BASE**power for power in range(9)) if top > bottom else 0 for top, bottom in zip(
        tops.tolist(), bottoms.tolist(), strict=True)]  # fmt: skip
    most = max(widths, default=0)
    places = np.empty((*codes.shape, most), dtype=np.uint8)
    for place in range(most - 1, -1, -1):
        rest = codes // _BASE
        places[:, :, place] = codes - rest * _BASE
        codes = rest
    letters = _LETTERS[places]
    return [
        one[:, most - width :].tobytes().decode("ascii") if width else ""
        for one, width in zip(letters, widths, strict=True)
    ]


def number_texts(values: FloatArray) -> str:
    """Write numbers as short as they read back the same: whole ones have no point, missing ones are null."""
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode("ascii")
    return f"{text},".replace(".0,", ",")[:-1]  # what ends in a point and a nought is whole
