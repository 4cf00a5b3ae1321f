"""Moments: how a recorded one is read, the "now" of a build, and what was asked of it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from runsum.frozen import frozen

_HOUR_24 = re.compile(r"[0-9W-]{4,10}[^0-9W-]24")


def moment_of(iso: str) -> datetime:
    """A time in ISO 8601.

    Raises:
        ValueError: it is none, or of hour 24, which Python knows from 3.14 on only: an archive must not depend on that.
    """
    iso = iso.strip()
    if _HOUR_24.match(iso):
        raise ValueError(f"hour 24: {iso!r}")
    return datetime.fromisoformat(iso)


@frozen
class AsOf:
    """The "now" of a build.

    Attributes:
        moment_s: seconds UTC, or on the recording machine's clock when `local`.
        local: whether it was given without an offset.
    """

    moment_s: float
    local: bool = False

    def local_s(self, utc_offset_min: int | None) -> float:
        """This moment on a clock with the given offset."""
        return self.moment_s if self.local else self.moment_s + (utc_offset_min or 0) * 60.0


class Asked(NamedTuple):
    """A question to the clock: whether a moment (local seconds, of a clock with an offset) is over, and the answer."""

    local_s: float
    utc_offset_min: int | None
    is_over: bool


class Clock:
    """The clock of one run; it remembers its questions, for an unchanged run is told anew when an answer changes."""

    def __init__(self, now: AsOf) -> None:
        self.now = now
        self.asked: list[Asked] = []

    def is_over(self, local_s: float, utc_offset_min: int | None) -> bool:
        """Whether a moment of the recording machine's clock has passed."""
        answer = self.now.local_s(utc_offset_min) > local_s
        self.asked.append(Asked(local_s, utc_offset_min, answer))
        return answer


def still_holds(asked: tuple[Asked, ...], now: AsOf) -> bool:
    """Whether every question would be answered as before."""
    return all((now.local_s(one.utc_offset_min) > one.local_s) == one.is_over for one in asked)
