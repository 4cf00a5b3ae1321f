"""How a training can end without telling its callbacks: by an exception, or with the whole program.

Stable-Baselines3 tells a callback when a training has ended well, and says nothing when it was thrown out of `learn()`.
"""

from __future__ import annotations

import atexit
import sys
import textwrap
import traceback
import weakref
from types import TracebackType
from typing import Protocol

_LONGEST = 300  # characters; PyTorch prints whole tensors


class Ending(Protocol):
    """Something that wants to know how the program ended."""

    def end_with(self, error: BaseException | None) -> None:
        """Tell it: the exception, or None when the program ended without one."""


_open: weakref.WeakSet[Ending] = weakref.WeakSet()
_watching = False


def watch(ending: Ending) -> None:
    """Tell `ending` when an exception ends this program, or the program ends by itself."""
    global _watching
    if not _watching:
        _watching = True
        before = sys.excepthook

        def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            _tell_all(error)
            before(kind, error, trace)

        sys.excepthook = hook
        atexit.register(_tell_all, None)
    _open.add(ending)


def forget(ending: Ending) -> None:
    """Tell it nothing any more."""
    _open.discard(ending)


def describe_error(error: BaseException) -> str:
    """An exception in one line: kind, message, and the line of code it came from."""
    message = textwrap.shorten(str(error), _LONGEST, placeholder=" …")
    frames = traceback.extract_tb(error.__traceback__)
    file = frames[-1].filename.replace("\\", "/").rsplit("/", 1)[-1] if frames else ""
    place = f" ({file}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{': ' if message else ''}{message}{place}"


def _tell_all(error: BaseException | None) -> None:
    for ending in list(_open):
        ending.end_with(error)
