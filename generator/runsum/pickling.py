"""Values as bytes, for other processes and for the next build: an archive keeps a hundred objects per run.

What was kept is read by a reader that knows runsum's own plain values and nothing else.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)
_OWN = "runsum."
_PLAIN = {("numpy._core.numeric", "_frombuffer"), ("numpy", "dtype"), ("numpy.core.numeric", "_frombuffer")}
_FOUND: dict[tuple[str, str], Any] = {}


def pack(value: object) -> bytes:
    """A plain value as bytes."""
    return pickle.dumps(value, protocol=5)


def unpack(content: bytes) -> Any:
    """The value of some bytes.

    Raises:
        Exception: of any kind, where they are damaged or hold what is no plain value.
    """
    return _Reader(io.BytesIO(content)).load()


class _Reader(pickle.Unpickler):
    """Makes objects of runsum's plain values and of nothing else: a file from elsewhere can call nothing."""

    def find_class(self, module: str, name: str) -> Any:
        found = _FOUND.get((module, name))  # thousands of digests are made of the same thirty classes
        if found is None:
            found = _FOUND[module, name] = self._find(module, name)
        return found

    def _find(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):
            return _member
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith(_OWN) and "." not in name else None
        is_value = isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum | tuple))
        if not is_value or not found.__module__.startswith(_OWN):
            raise pickle.UnpicklingError(f"{module}.{name} does not belong here")
        return found


def _member(found: Any, name: str) -> Enum:
    """What the first releases of Python 3.11 call for a member of an enumeration; here it finds nothing else."""
    if not (isinstance(found, type) and issubclass(found, Enum)):
        raise pickle.UnpicklingError(f"{name} does not belong here")
    member: Enum = found[name]
    return member


def quickly_pickled(cls: Class) -> Class:
    """Pickle a frozen dataclass as a call of itself with the values of its fields.

    What dataclasses with slots do asks for the list of fields at every object, and sets each by its name; that takes
    longer than all the rest.
    """
    names = [field.name for field in fields(cls)]
    read = attrgetter(*names)
    one = len(names) == 1
    setattr(cls, "__reduce__", lambda self: (cls, (read(self),)) if one else (cls, read(self)))  # noqa: B010
    return cls


def sealed(later: tuple[str, ...], gist: Callable[[Any], object]) -> Callable[[Class], Class]:
    """Keep some fields of a frozen dataclass packed until one of them is asked for.

    An archive lists ten thousand runs, of which a build makes the pages of a few. The class has a field `sealed`: what
    is sealed as (gist, bytes) while it is, else None.

    Args:
        later: names of the fields.
        gist: says of an object what is wanted of those fields without opening it.
    """

    def sealing(cls: Class) -> Class:
        names = [field.name for field in fields(cls) if field.name not in (*later, "sealed")]
        read, read_later = attrgetter(*names), attrgetter(*later)
        setters = [getattr(cls, name).__set__ for name in (*names, "sealed")]
        put_later = [getattr(cls, name).__set__ for name in later]

        def get_state(self: Any) -> tuple[Any, ...]:
            return (*read(self), self.sealed or (gist(self), pack(read_later(self))))

        def set_state(self: Any, state: tuple[Any, ...]) -> None:
            for put, value in zip(setters, state, strict=True):
                put(self, value)

        def missing(self: Any, name: str) -> Any:
            if name not in later:
                raise AttributeError(name)
            for put, value in zip(put_later, unpack(self.sealed[1]), strict=True):
                put(self, value)
            setters[-1](self, None)
            return getattr(self, name)

        for name, method in (("__getstate__", get_state), ("__setstate__", set_state), ("__getattr__", missing)):
            setattr(cls, name, method)
        return cls

    return sealing
