"""Plain values: dataclasses with slots, frozen for the type checker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Class) -> Class:
    """Make a dataclass with slots, equality and a hash, whose fields mypy lets nobody assign.

    `@dataclass(frozen=True)` would also refuse it at run time, by assigning each field of each new object through a
    call: a build makes some hundred objects per run, and each takes three times as long, so do the classes themselves.
    """
    made: Class = dataclass(slots=True, unsafe_hash=True)(cls)  # type: ignore[assignment]
    return made
