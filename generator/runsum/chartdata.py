"""What a run contributes to its charts: few points, short numbers, one script beside the page.

Nothing here knows a chart's looks (:mod:`runsum.charts` does): columns of numbers go in, and out come
positions worth keeping, JSON-able columns, the data script of a page, and small static curves which stand in
a page's HTML until the browser draws, and in print.
"""

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from tsdownsample import MinMaxLTTBDownsampler

from runsum.packing import Packed, pack

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

POINT_LIMIT = 600
"""Points a series keeps by default: more than a chart of 720 pixels can show apart."""
STATIC_POINTS = 90
"""Points of a static curve: enough for its shape, little enough for every page's HTML."""
PANEL_POINTS = 48
"""Points of a static curve in one of the panels, which are half as wide and stand on a page by the dozen."""
MARGIN = 2.0
"""Around a static curve, in the units of its drawing."""
SILENCE_STEPS = 2.5
"""A line breaks where values are missing for this many times the usual distance between two of them …"""
SILENCE_SHARE = 0.01
"""… and for this share of the x axis, about as much as an eye can see."""
SIGNIFICANT_DIGITS = 5
"""Digits of a measured value; a chart of 300 pixels shows three."""
_STRAIGHT = 0.3  # of a pixel
_BARS_WIDTH, _LANE = 720, 20
_LEAST_HOUR_DIGITS = 4  # a third of a second

_Downsampler: Any = MinMaxLTTBDownsampler  # ships no type information
_DOWNSAMPLER = _Downsampler()
# What the downsampler comes to for two arrays of floats. To find that out takes it five times as long as to do it.
_OF_FLOATS: Any = getattr(_DOWNSAMPLER.mod_single_core, "downsample_f64_f64", None)
_CANDIDATES = 4  # per point that is kept; the value that the paper found best
_PROTOTYPE = re.compile(r'(?<!\\)"__proto__":')  # in a literal this key makes a prototype; in brackets it is a key
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_ESCAPES = {c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def select_points(
    x: npt.ArrayLike, ys: Sequence[npt.ArrayLike], keep: Iterable[int], limit: int = POINT_LIMIT
) -> IntArray:
    """Choose the rows a chart keeps, so that no extreme and no boundary is lost.

    A long stretch without values keeps its ends and one missing row, so that a line breaks there.
    MinMaxLTTB (Van Der Donckt et al. 2023, arXiv:2305.00332) runs per series, and per stretch between the
    rows of ``keep``, because x may step back where a session starts again.

    Args:
        x: Positions, shape ``(n,)``.
        ys: Series over ``x``, each of shape ``(n,)``, NaN where nothing was recorded; the one that matters
            most comes first.
        keep: Rows which must stay, such as the first row of each session; others are ignored.
        limit: About how many rows may remain; the rows that must stay may exceed it.

    Returns:
        Row numbers in ascending order, each once; all of them if there are no more than ``limit``.
    """
    positions = np.asarray(x, dtype=np.float64)
    series = [np.asarray(y, dtype=np.float64) for y in ys]
    n = len(positions)
    if n <= limit:
        return np.arange(n, dtype=np.intp)
    boundaries = sorted({i for i in keep if 0 <= i < n})
    chosen = {0, n - 1, *boundaries}
    for y in series:
        chosen.update(_extremes(y))
        for silence in _silences(positions, y)[: limit // 10]:
            chosen.update(silence)
    left = max(limit - len(chosen), 0)
    if not series:
        chosen.update(np.linspace(0, n - 1, max(left, 2)).astype(int).tolist())
    stretches = list(itertools.pairwise([0, *(b for b in boundaries if b > 0), n]))
    complete = bool(np.isfinite(positions).all()) and bool((np.diff(positions) >= 0).all())
    for number, y in enumerate(series):
        # The first series is the line, the others its band: it gets half of the points.
        share = left / 2 if number == 0 < len(series) - 1 else left / 2 / max(len(series) - 1, 0.5)
        if complete and len(stretches) == 1 and share >= 3 and bool(np.isfinite(y).all()):
            chosen.update(_downsampled(positions, y, round(share)).tolist())
            continue
        for start, stop in stretches:
            chosen.update(_thin(positions, y, start, stop, round(share * (stop - start) / n)))
    return np.array(sorted(chosen), dtype=np.intp)


def column(values: npt.ArrayLike) -> Packed:
    """Make a column of chart data.

    Args:
        values: Numbers, shape ``(n,)``. Whole ones, timesteps above all, stay exact.

    Returns:
        JSON of the numbers with :data:`SIGNIFICANT_DIGITS`, packed; NaN and infinities are missing.
    """
    return columns(np.asarray(values, dtype=np.float64)[None])[0]


def columns(values: FloatArray, hours: int | None = None) -> list[Packed]:
    """Make many columns of chart data at once.

    Args:
        values: Numbers, a column in each row, shape ``(k, n)``.
        hours: Which of them is the time, if one is.

    Returns:
        The columns as by :func:`column`. The time has equally many digits behind the point in each row, so that even
        distances stay even: a third of a second, and a ten-thousandth of all of it or less.
    """
    if not values.shape[1]:
        return [Packed("[]")] * len(values)
    rounded, digits = _rounded(values)
    if hours is not None:
        rounded[hours], digits[hours] = _rounded_hours(values[hours])
    return pack(rounded, digits)


def data_script(key: str, payload: Mapping[str, Any]) -> bytes:
    """Write the script which hands a page's chart data to the browser.

    A script element loads it also where ``fetch`` does not work (``file://``).

    Args:
        key: Name of the data, the ``data-key`` of the page's figures.
        payload: JSON-able mapping with ``charts`` and, optionally, ``events``; its order is kept.

    Returns:
        UTF-8 JavaScript in which no text can end the script or start a tag.

    Raises:
        ValueError: A number is NaN or infinite; make columns with :func:`column`.
    """
    body = _json(payload)
    return f"(window.runsumData=window.runsumData||{{}})[{_json(key)}]={body};\n".encode()


def static_curve(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    width: int = 720,
    height: int = 160,
    attributes: str = ' class="rs-static" aria-hidden="true"',
    points: int = STATIC_POINTS,
) -> str:
    """Draw a curve as inline SVG, to be seen before a chart is drawn, without scripts and in print.

    Its figure says what it shows; the drawing itself is silent.

    Args:
        x: Positions, shape ``(n,)``.
        y: Values, shape ``(n,)``; NaN breaks the curve.
        width: Width of the drawing's own coordinates.
        height: Height of the drawing's own coordinates.
        attributes: HTML attributes of the drawing, a space before each; none of them where it is part of another one.
        points: About how many points are drawn; extremes are kept.

    Returns:
        One line of HTML: an ``svg`` with one path, a piece of it per unbroken piece. It has two units for one of width
        and height, so that its numbers are whole: every page holds ten curves. That it is a line, and of which colour,
        says the style sheet, once for all of them.
    """
    pieces = _pieces(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), width, height, points)
    line = "".join(_whole_path(piece) for piece in pieces)
    drawn = f'<path d="{line}"/>' if line else ""
    return f'<svg{attributes} viewBox="0 0 {2 * width} {2 * height}" preserveAspectRatio="none">{drawn}</svg>'


def static_bars(bars: Sequence[tuple[float, float]]) -> str:
    """Draw spans as bars, one lane each: the outline of a tree of legs.

    Args:
        bars: (from, to) of each lane, from top to bottom.

    Returns:
        One line of HTML like :func:`static_curve`'s.
    """
    low, high = min((b for b, _ in bars), default=0.0), max((e for _, e in bars), default=1.0)
    scale = (_BARS_WIDTH - 4) / ((high - low) or 1.0)
    drawn = "".join(
        f'<rect x="{2 + (begin - low) * scale:.1f}" y="{number * _LANE + _LANE // 4}" '
        f'width="{max((end - begin) * scale, 1.0):.1f}" height="{_LANE // 2}"/>'
        for number, (begin, end) in enumerate(bars)
    )
    return (
        f'<svg class="rs-static rs-bars" aria-hidden="true" viewBox="0 0 {_BARS_WIDTH} {max(len(bars), 1) * _LANE}" '
        f'preserveAspectRatio="none">{drawn}</svg>'
    )


def sparkline(y: npt.ArrayLike, width: int = 90, height: int = 20, points: int = STATIC_POINTS) -> str:
    """Draw a curve the size of a word, as decoration beside numbers that say the same.

    Args:
        y: Values at even distances, shape ``(n,)``; NaN breaks the curve.
        width: Width in pixels.
        height: Height in pixels.
        points: About how many points are drawn; extremes are kept.

    Returns:
        One line of HTML: an ``svg`` of class ``rs-spark``, hidden from screen readers.
    """
    values = np.asarray(y, dtype=np.float64)
    pieces = _pieces(np.arange(len(values), dtype=np.float64), values, width, height, points)
    paths = "".join(f'<path d="{_relative_path(piece)}"/>' for piece in pieces)  # lists hold many: no byte too many
    return f'<svg class="rs-spark" aria-hidden="true" width="{width}" height="{height}">{paths}</svg>'


def _extremes(y: FloatArray) -> list[int]:
    """Return the rows of the smallest and the largest value, if there is any value."""
    rows = np.flatnonzero(np.isfinite(y))
    if len(rows) == 0:
        return []
    return [int(rows[np.argmin(y[rows])]), int(rows[np.argmax(y[rows])])]


def _silences(x: FloatArray, y: FloatArray) -> list[tuple[int, int, int]]:
    """Find long stretches without values; a column written at every tenth row has none.

    Returns:
        The last row before, the first missing and the first row after each, the longest stretch first.
    """
    rows = np.flatnonzero(np.isfinite(y) & np.isfinite(x))
    if len(rows) < 3:
        return []
    steps = np.diff(rows)
    if int(steps.max()) <= SILENCE_STEPS:
        return []
    across = np.abs(np.diff(x[rows]))
    is_long = (steps > SILENCE_STEPS * np.median(steps)) & (across > SILENCE_SHARE * np.ptp(x[rows]))
    longest_first = sorted(np.flatnonzero(is_long), key=lambda i: (-steps[i], i))
    return [(int(rows[i]), int(rows[i]) + 1, int(rows[i + 1])) for i in longest_first]


def _thin(x: FloatArray, y: FloatArray, start: int, stop: int, count: int) -> list[int]:
    """Choose about ``count`` recorded rows of the stretch from ``start`` to ``stop``."""
    rows = start + np.flatnonzero(np.isfinite(y[start:stop]) & np.isfinite(x[start:stop]))
    if len(rows) <= count:
        return [int(row) for row in rows]
    if count < 3:  # the algorithm needs three; the boundaries are kept anyway
        return [int(rows[0])] if count else []
    ordered = bool(np.all(np.diff(x[rows]) >= 0))
    positions = x[rows] if ordered else np.arange(len(rows), dtype=np.float64)
    return [int(row) for row in rows[_downsampled(positions, y[rows], count)]]


def _downsampled(x: FloatArray, y: FloatArray, count: int) -> IntArray:
    """Places of ``count`` points of a line without gaps, in the order of ``x``."""
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    if _OF_FLOATS is None:
        picked: IntArray = _DOWNSAMPLER.downsample(x, y, n_out=count, minmax_ratio=_CANDIDATES)
    else:
        picked = _OF_FLOATS(x, y, count, ratio=_CANDIDATES)
    return picked


def _rounded(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Numbers with their significant digits, all at once, and of each column the most digits behind the point."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.abs(values)
        wanted = np.where(size >= 1e5, SIGNIFICANT_DIGITS + 1, SIGNIFICANT_DIGITS - 1)
        digits = wanted - np.floor(np.log10(size))
        scale = 10.0 ** np.abs(digits)
        rounded = np.where(digits >= 0, np.round(values * scale) / scale, np.round(values / scale) * scale)
        whole = (size < 2**53) & (values == np.floor(values)) | ~np.isfinite(values)
    tiny = ~whole & ~np.isfinite(rounded)
    behind = np.where(whole, 0, np.where(tiny, np.inf, digits)).max(axis=-1, initial=0)
    return np.where(whole | tiny, values, rounded), np.minimum(behind, 999).astype(np.int64)


def _rounded_hours(values: FloatArray) -> tuple[FloatArray, int]:
    seen = values[np.isfinite(values)]
    span = float(np.ptp(seen)) if len(seen) else 0.0
    digits = max(_LEAST_HOUR_DIGITS, _LEAST_HOUR_DIGITS - math.floor(math.log10(span)) if span > 0 else 0)
    return np.round(values, digits), digits


def _json(value: Any) -> str:
    """Write compact JSON that is safe inside a script and means the same there."""
    text = _written(value)
    for character, escape in _ESCAPES.items():  # five passes in C; str.translate takes ten times as long
        text = text.replace(character, escape)
    if "__proto__" in text:
        text = _PROTOTYPE.sub('["__proto__"]:', text)
    return text.encode("utf-8", "replace").decode("utf-8")


def _written(value: Any) -> str:
    """Compact JSON; columns, of which a run has a dozen, are written already."""
    if isinstance(value, Packed):
        return value
    if isinstance(value, Mapping) and any(isinstance(one, Packed | Mapping | list) for one in value.values()):
        return ",".join(f"{_plain_json(str(key))}:{_written(one)}" for key, one in value.items()).join("{}")
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return ",".join(map(_written, value)).join("[]")
    return _plain_json(value)


def _plain_json(value: Any) -> str:
    return _ENCODER.encode(value)


def _relative_path(piece: FloatArray) -> str:
    """The commands of an SVG path, in tenths of a pixel so that no difference drifts."""
    tenths = np.rint(piece * 10).astype(np.int64)
    return "M" + _pair(*tenths[0].tolist()) + "l" + " ".join(_pair(*step) for step in np.diff(tenths, axis=0).tolist())


def _whole_path(piece: FloatArray) -> str:
    """The commands of an SVG path in halves of a pixel: nobody sees less, and no sign is written that can be missed."""
    if _is_straight(piece):
        piece = piece[[0, -1]]
    halves = np.rint(piece * 2).astype(np.int64)
    numbers = orjson.dumps((halves[1:] - halves[:-1]).ravel(), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode("ascii")
    return f"M{halves[0, 0]} {halves[0, 1]}l" + numbers.replace(",-", "-").replace(",", " ")


def _is_straight(piece: FloatArray) -> bool:
    """Whether nobody can tell it from the line between its ends: a constant, the progress of a run without pauses."""
    (left, first), (right, last) = piece[0], piece[-1]
    if right <= left:
        return False
    slope = (last - first) / (right - left)
    return bool(np.abs(piece[:, 1] - first - (piece[:, 0] - left) * slope).max() <= _STRAIGHT)


@lru_cache(maxsize=4_096)  # of small steps there are few
def _pair(across: int, down: int) -> str:
    """Two numbers in tenths as SVG reads them, without what it can do without."""
    first, second = (f"{value / 10:g}".replace("0.", ".", 1) if abs(value) < 10 else f"{value / 10:g}"
                     for value in (across, down))  # fmt: skip
    return first + ("" if second.startswith("-") else " ") + second


def _pieces(x: FloatArray, y: FloatArray, width: int, height: int, limit: int) -> list[FloatArray]:
    """Return the points of each unbroken piece, shape ``(points, 2)``, scaled to the drawing with a small margin."""
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(rows) == 0:
        return []
    xs, ys = (x, y) if len(rows) == len(x) else (x[rows], y[rows])
    starts = {int(i) for i in np.flatnonzero(np.diff(xs) < 0) + 1}  # a session that stepped back
    if len(rows) < len(x):
        starts.update(int(np.searchsorted(rows, after)) for _, _, after in _silences(x, y))
    begins = sorted(starts)
    points = _outline(ys, [i for start in begins for i in (start - 1, start)][:limit], limit)
    spots = np.empty((len(points), 2))
    spots[:, 0] = _scaled(xs[points], width, float(xs.min()), float(xs.max()))
    spots[:, 1] = _scaled(-ys[points], height, -float(ys.max()), -float(ys.min()))
    pieces = np.split(spots, np.searchsorted(points, begins)) if begins else [spots]
    # A single point is drawn as a line to itself: the round cap makes it a dot.
    return [piece if len(piece) > 1 else piece.repeat(2, axis=0) for piece in pieces if len(piece)]


def _outline(y: FloatArray, keep: Sequence[int], limit: int) -> IntArray:
    """Choose about ``limit`` rows of a small drawing: those to keep, the ends, the extremes of equal stretches."""
    if len(y) <= limit:
        return np.arange(len(y), dtype=np.intp)
    stretches = max((limit - len(keep) - 2) // 2, 1)
    size = -(-len(y) // stretches)
    padded = np.concatenate((y, np.full(size * stretches - len(y), y[-1]))).reshape(stretches, size)
    begin = np.arange(stretches) * size
    is_chosen = np.zeros(size * stretches, dtype=bool)
    is_chosen[begin + padded.argmin(axis=1)] = is_chosen[begin + padded.argmax(axis=1)] = True
    is_chosen[[0, len(y) - 1, *keep]] = True
    return np.flatnonzero(is_chosen[: len(y)])


def _scaled(values: FloatArray, length: int, low: float, high: float) -> FloatArray:
    """Put values that lie between ``low`` and ``high`` into a length with a margin; a constant in the middle."""
    span = high - low
    if span == 0 or not math.isfinite(span):
        return np.full(len(values), length / 2)
    scaled: FloatArray = MARGIN + (values - low) / span * (length - 2 * MARGIN)
    return scaled
