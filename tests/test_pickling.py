"""What is kept is read back, whichever Python has written it; nothing else is."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from typing import Any

import pytest

from runsum.model import GIST, Level, Phrase, State, missing
from runsum.pickling import pack, unpack
from support.digests import learned


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


def test_a_digest_is_opened_when_its_page_is_made() -> None:
    """Lists read it sealed; whoever asks for more gets everything, once, and a changed copy is whole."""
    run = learned("run-1", (1.0, 2.0))
    run = replace(run, summary={**run.summary, "seed": missing("setting.none")})
    sealed = unpack(pack(run))
    assert sealed.fact("pause_time_h") == run.fact("pause_time_h")
    assert (sealed.best_reward, sealed.sealed[0].keys()) == (run.best_reward, run.summary.keys() & GIST)
    assert unpack(pack(sealed)).sealed is not None
    assert sealed.sealed is not None
    assert sealed.fact("seed") == run.summary["seed"]
    assert sealed.sealed is None
    assert sealed == run
    changed = replace(unpack(pack(run)), summary={"pause_time_h": missing("reason.no_rows")})
    assert changed.fact("pause_time_h").missing
    with pytest.raises(AttributeError):
        _ = sealed.no_such_field
