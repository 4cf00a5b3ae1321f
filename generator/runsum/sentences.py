"""Wordings that are text and values only, such as `{{ steps|steps }} of {{ goal|steps }}`: nearly all are.

A page has a hundred of them. To say one as a template takes several times as long as to put its pieces together.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

Filters = Mapping[str, Callable[..., Any]]
Say = Callable[[Mapping[str, object]], str]
"""Makes a text of the values of a phrase."""

_FILTERS = re.compile(r"\|\s*(\w+)(?:\(([^(){}]*)\))?\s*")
_VALUE = re.compile(r"\{\{\s*([a-zA-Z_]\w*)\s*((?:\|\s*\w+(?:\([^(){}]*\))?\s*)*)\}\}")
_KEYWORDS = {"true", "false", "none", "True", "False", "None", "not", "loop", "self"}


def sentence(wording: str, filters: Filters, finalize: Callable[[object], object]) -> Say | None:
    """What says a wording; None where it is more than text and values.

    Args:
        wording: a template as in wording.yml.
        filters: by name; plain functions.
        finalize: has the last word on every value.
    """
    texts: list[str] = []
    values: list[Callable[[Mapping[str, object]], object]] = []
    end = 0
    for found in _VALUE.finditer(wording):
        value = _value(found[1], found[2], filters)
        if value is None:
            return None
        texts.append(wording[end : found.start()])
        values.append(value)
        end = found.end()
    last = wording[end:]
    if any(mark in text for text in (*texts, last) for mark in ("{{", "{%", "{#", "}}")):
        return None

    def say(given: Mapping[str, object]) -> str:
        parts: list[str] = []
        for text, value in zip(texts, values, strict=True):
            parts += (text, str(finalize(value(given))))
        parts.append(last)
        return "".join(parts)

    return say


def _value(name: str, applied: str, filters: Filters) -> Callable[[Mapping[str, object]], object] | None:
    if name in _KEYWORDS:
        return None
    steps: list[tuple[Callable[..., Any], tuple[object, ...]]] = []
    for how, arguments in _FILTERS.findall(applied):
        try:
            given = ast.literal_eval(f"({arguments},)") if arguments.strip() else ()
            do = filters[how]
        except (KeyError, ValueError, SyntaxError):
            return None
        if hasattr(do, "jinja_pass_arg"):  # wants to know what only a template knows
            return None
        steps.append((do, given))

    def value(given: Mapping[str, object]) -> object:
        found: Any = given[name]
        for do, more in steps:
            found = do(found, *more)
        return found

    return value
