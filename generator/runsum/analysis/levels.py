"""A leg against its parent: the levels at both ends, held against the noise of both curves.

The last row alone is one mean of a hundred episodes; levels are medians of a tenth of the rows. The lineage page, the
verdict, the digest and the home page all ask here, so that they say the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from runsum.frozen import frozen
from runsum.thresholds import Thresholds

Signals = Mapping[str, float | str | None]


@frozen
class LevelDifference:
    """How far the level at the end of a leg is from that of its parent.

    Attributes:
        level, before: the levels of leg and parent; None where unknown.
        delta: their difference; None where either is unknown.
        noise: noise of both curves, as far as it can blur the difference.
    """

    level: float | None
    before: float | None
    delta: float | None
    noise: float

    @property
    def verdict(self) -> str:
        """What the numbers say: "higher", "lower", "noise" or "unknown"."""
        if self.delta is None:
            return "unknown"
        if abs(self.delta) <= self.noise:
            return "noise"
        return "higher" if self.delta > 0 else "lower"

    def drop(self, scale: float, limits: Thresholds) -> float | None:
        """How far the leg ended below its parent, if beyond the noise and by more than `parent_drop` of a range.

        Args:
            scale: range of the rewards of the leg.
            limits: thresholds in force.
        """
        if self.delta is None or self.verdict != "lower" or -self.delta <= limits.parent_drop * scale:
            return None
        return -self.delta


def compare_levels(leg: Signals, parent: Signals, limits: Thresholds) -> LevelDifference:
    """Hold the end of a leg against that of its parent.

    Args:
        leg: signals of the leg, see `RunDigest.signals`.
        parent: those of the run it continues.
        limits: thresholds in force.
    """
    level, before = (_number(one.get("level")) for one in (leg, parent))
    # ten digits: the difference of two recorded numbers is not known any better
    delta = float(f"{level - before:.10g}") if level is not None and before is not None else None
    noise = limits.change_noise * math.hypot(*(_number(one.get("noise")) or 0.0 for one in (leg, parent)))
    return LevelDifference(level, before, delta if delta is not None and math.isfinite(delta) else None, noise)


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
