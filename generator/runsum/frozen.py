"""Plain values: dataclasses with slots, frozen for the type checker."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Class) -> Class:
    """Make a dataclass with slots, equality and a hash, whose fields mypy lets nobody assign.

    `@dataclass(frozen=True)` would also refuse it at run time, by assigning each field of each new object through a
    call: a build makes some hundred objects per run, and each takes three times as long, so do the classes themselves.
    What `dataclass` would write and compile for each class besides `__init__`, half of its time, is the same for all.
    """
    made: Class = dataclass(slots=True, eq=False, repr=False)(cls)  # type: ignore[assignment]
    values = attrgetter(*(one.name for one in fields(made) if one.compare))

    def equals(self: Any, other: object) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    for name, method in (("__eq__", equals), ("__hash__", hashed), ("__repr__", _shown)):
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _shown(value: Any) -> str:
    told = ", ".join(f"{one.name}={getattr(value, one.name)!r}" for one in fields(value) if one.repr)
    return f"{type(value).__qualname__}({told})"
