"""What is kept is read back, whichever Python has written it; nothing else is."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest

from runsum.model import Level, Phrase, State
from runsum.pickling import pack, unpack


class Call:
    """A pickle that calls something when it is read."""

    def __init__(self, what: Any, *given: Any) -> None:
        self.call = (what, given)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize("member", [*State, *Level])
def test_a_member_of_an_enumeration(member: State | Level) -> None:
    """As this Python writes it, and as the first releases of 3.11 do, among them Debian's."""
    assert unpack(pack(member)) is member
    assert unpack(pickle.dumps(Call(getattr, type(member), member.name))) is member


@pytest.mark.parametrize(
    "call",
    [Call(getattr, State, "mro"), Call(getattr, Phrase, "__init__"), Call(getattr, "text", "upper"), Call(os.getcwd)],
    ids=["no member", "of a value's class", "of a value", "a function"],
)
def test_nothing_else_is_looked_up(call: Call) -> None:
    """A file from elsewhere gets hold of no method and of no module."""
    content = pickle.dumps(call)
    with pytest.raises((pickle.UnpicklingError, KeyError)):
        unpack(content)
