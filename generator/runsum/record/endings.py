"""How a training can end without telling its callbacks: by an exception, or with the whole program.

Stable-Baselines3 tells a callback when a training has ended well, and says nothing when it was thrown out of `learn()`.
"""

from __future__ import annotations

import atexit
import sys
import textwrap
import threading
import traceback
from types import TracebackType
from typing import Any, Protocol

_LONGEST = 240  # characters; PyTorch prints whole tensors


class Ending(Protocol):
    """Something that wants to know how it ended."""

    def is_ended_by(self, error: BaseException) -> bool:
        """Whether an exception that nobody caught ends it, and not something else in the program."""

    def end_with(self, error: BaseException | None) -> None:
        """Tell it: the exception, or None when the program ended without one."""


_open: dict[int, Ending] = {}
_watching = False


def watch(ending: Ending) -> None:
    """Tell `ending` when an exception ends it, or the program ends by itself."""
    global _watching
    if not _watching:
        _watching = True
        _hook_into_program()
    _open[id(ending)] = ending


def forget(ending: Ending) -> None:
    """Tell it nothing any more."""
    _open.pop(id(ending), None)


def describe_error(error: BaseException) -> str:
    """An exception in one line: kind, message, and the line of code it came from."""
    message = textwrap.shorten(_message(error), _LONGEST, placeholder=" …")
    frames = traceback.extract_tb(error.__traceback__)
    file = frames[-1].filename.replace("\\", "/").rsplit("/", 1)[-1] if frames else ""
    place = f" ({file}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{': ' if message else ''}{message}{place}"


def came_through(error: BaseException, model: Any) -> bool:
    """Whether an exception, or one that it was raised from, came out of `model.learn()`."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_code.co_name == "learn" and frame.f_locals.get("self") is model:
                return True
    return False


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # an exception of one's own, made in a hurry
        return ""
    return text.encode("utf-8", "replace").decode()  # SQLite takes no half characters


def _hook_into_program() -> None:
    before, before_in_threads = sys.excepthook, threading.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _tell(error)
        before(kind, error, trace)

    def hook_in_threads(said: threading.ExceptHookArgs) -> None:
        if said.exc_value is not None:
            _tell(said.exc_value)
        before_in_threads(said)

    sys.excepthook, threading.excepthook = hook, hook_in_threads
    atexit.register(_tell_the_rest)


def _tell(error: BaseException) -> None:
    for ending in list(_open.values()):
        if ending.is_ended_by(error):
            ending.end_with(error)


def _tell_the_rest() -> None:
    error = getattr(sys, "last_value", None)  # a notebook shows an exception without calling the hook
    if isinstance(error, BaseException):
        _tell(error)
    for ending in list(_open.values()):
        ending.end_with(None)
