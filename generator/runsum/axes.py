"""Axes around a static curve: a chart that can be read as soon as its page is there, without scripts, and in print."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from runsum.chartdata import MARGIN, static_curve

_WIDTH, _HEIGHT = 720, 160
_ACROSS, _UP = 6, 4
"""About how many ticks an axis has."""
_STEPS = (1, 2, 5, 10)
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_PLAIN_BELOW, _POWERS_FROM = 1e4, 1e15


def static_chart(x: npt.ArrayLike, y: npt.ArrayLike, x_title: str, y_title: str) -> str:
    """Draw a curve with axes as inline SVG.

    Args:
        x: positions, shape ``(n,)``.
        y: values, shape ``(n,)``; NaN breaks the curve.
        x_title: what stands below the x axis.
        y_title: what stands above the y axis.

    Returns:
        One line of HTML: an ``svg`` of classes ``rs-static rs-axed``, hidden from screen readers. Its content box is
        the area of the curve; what is written stands in its padding. Without values: the bare curve.
    """
    positions, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    seen = np.isfinite(positions) & np.isfinite(values)
    if not seen.any():
        return static_curve(x, y, _WIDTH, _HEIGHT)
    across, up = positions[seen], values[seen]
    grid = "".join(
        f'<line x2="100%" y1="{place}" y2="{place}"/>'
        f'<text class="rs-up" x="-6" y="{place}" dy=".35em">{tick_label(-tick)}</text>'
        for place, tick in _placed(-float(up.max()), -float(up.min()), _UP, _HEIGHT)
    )
    below = "".join(
        f'<text x="{place}" y="100%" dy="1.7em">{tick_label(tick)}</text>'
        for place, tick in _placed(float(across.min()), float(across.max()), _ACROSS, _WIDTH)
    )
    titles = f'<text class="rs-top" y="-1em">{y_title}</text><text x="50%" y="100%" dy="3.4em">{x_title}</text>'
    curve = static_curve(x, y, _WIDTH, _HEIGHT, attributes="")
    return f'<svg class="rs-static rs-axed" aria-hidden="true">{grid}{below}{titles}{curve}</svg>'


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers from low to high, about so many: multiples of 1, 2 or 5 times a power of ten.

    Args:
        low: where the axis begins.
        high: where it ends.
        count: how many are wanted.
    """
    share = (high - low) / count
    power = 10.0 ** math.floor(math.log10(share)) if math.isfinite(share) and share > 0 else 0.0
    if not power:  # no extent, none that a float can hold, or one that it can not divide
        return [low]
    step = min((factor * power for factor in _STEPS), key=lambda step: abs((high - low) / step - count))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def tick_label(value: float) -> str:
    """A number beside an axis, short: 50k, 1.2M, −0.5."""
    size = abs(value)
    if _PLAIN_BELOW <= size < _POWERS_FROM:
        unit, letter = next(found for found in _UNITS if found[0] <= size)
        return f"{value / unit:.6g}{letter}".replace("-", "−")
    return f"{value + 0.0:.6g}".replace("-", "−")  # there is no -0


def _placed(low: float, high: float, count: int, length: int) -> Iterator[tuple[str, float]]:
    """Place and value of each tick of an axis; one that runs from top to bottom is given with the signs changed."""
    span = high - low
    for tick in ticks(low, high, count):
        share = (tick - low) / span if math.isfinite(span) and span else 0.5
        yield f"{(MARGIN + share * (length - 2 * MARGIN)) / length * 100:.1f}%", tick
