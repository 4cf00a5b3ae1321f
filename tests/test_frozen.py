"""Plain values are dataclasses: equal, hashed and shown as those that the standard library makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from runsum.frozen import frozen


@frozen
class Point:
    """One of ours."""

    x: int
    y: float = 0.5
    seen: dict[str, int] = field(default_factory=dict, repr=False, compare=False)


@frozen
class Only:
    """A single field."""

    name: str


@dataclass(frozen=True, slots=True)
class Theirs:
    """The same by the standard library."""

    x: int
    y: float = 0.5
    seen: dict[str, int] = field(default_factory=dict, repr=False, compare=False)


def test_values_are_compared_by_their_fields() -> None:
    """Those that take part; a value of another class is never equal, not even with equal fields."""
    assert Point(1) == Point(1, 0.5, {"a": 1})
    assert Point(1) != Point(2)
    assert Point(1) != Theirs(1)
    assert Point(1) != (1, 0.5)
    assert Only("a") == Only("a") != Only("b")
    assert Only("a") != "a"


def test_equal_values_have_equal_hashes() -> None:
    """So they are one key."""
    known: Mapping[object, int] = {Point(1): 1, Only("a"): 2}
    assert known[Point(1, 0.5, {"a": 1})] == 1
    assert known[Only("a")] == 2
    assert len({Point(1), Point(1, 0.25), Point(1)}) == 2


def test_values_are_shown_like_any_dataclass() -> None:
    """With the names of their fields."""
    assert repr(Point(1, 2.5)) == repr(Theirs(1, 2.5)).replace("Theirs", "Point")
    assert repr(Only("a")) == "Only(name='a')"


def test_they_have_slots_and_fields() -> None:
    """A misspelled name is an error, and what works for dataclasses works for them."""
    assert not hasattr(Point(1), "__dict__")
    assert [one.name for one in fields(Point)] == ["x", "y", "seen"]
    assert replace(Point(1), x=3) == Point(3)
