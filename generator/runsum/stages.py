"""How long the stages of a build take, and how much memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runsum.frozen import frozen

if sys.platform != "win32":
    import resource


Progress = Callable[[str, int, int], None]
"""Told (stage, done, total) as a build goes on."""


@frozen
class Stage:
    """A stage that is over.

    Attributes:
        seconds: how long it took, by the clock on the wall.
        peak_mb: largest memory that a process of the build has had until then, in millions of bytes; None where the
            system does not tell.
    """

    name: str
    seconds: float
    peak_mb: float | None


class Stages:
    """Measures one stage after the other."""

    def __init__(self) -> None:
        self.done: list[Stage] = []
        self._began = time.perf_counter()

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        began = time.perf_counter()
        yield
        self.done.append(Stage(name, time.perf_counter() - began, peak_mb()))

    def seconds(self) -> float:
        """Seconds since the first stage began."""
        return time.perf_counter() - self._began


def peak_mb() -> float | None:
    """Largest resident memory of this process, or of one of its children that has ended, in millions of bytes."""
    if sys.platform != "win32":
        unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
        both = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return max(both) * unit / 1e6
    return None
