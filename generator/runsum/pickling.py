"""Frozen dataclasses that are quickly pickled: an archive keeps a hundred objects per run for its next build."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


def quickly_pickled(cls: Class) -> Class:
    """Give a frozen dataclass with slots and two or more fields a state of plain values, set without looking them up.

    What dataclasses generate asks for the list of fields at every object, which takes longer than all the rest.
    """
    names = [field.name for field in fields(cls)]
    read = attrgetter(*names)
    setters = [getattr(cls, name).__set__ for name in names]  # of the slots themselves: the class is frozen

    def set_state(self: Any, state: tuple[Any, ...]) -> None:
        for put, value in zip(setters, state, strict=True):
            put(self, value)

    setattr(cls, "__getstate__", lambda self: read(self) if len(names) > 1 else (read(self),))  # noqa: B010
    setattr(cls, "__setstate__", set_state)  # noqa: B010
    return cls
