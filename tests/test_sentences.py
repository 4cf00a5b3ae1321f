"""Wordings said without a template: to the letter what the template would say."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runsum.model import Phrase
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.sentences import sentence

RENDERER = Renderer(template_folder())
VALUES: tuple[Any, ...] = (3, 1234.5, "2026-01-02T03:04:05", "a *b* <c>", ["x", "y"], [("a", 1)], None)


def said(say: Any, values: dict[str, object]) -> str:
    """What is said of some values, or the kind of error."""
    try:
        return str(say(values))
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize("page", [True, False], ids=["on a page", "as text"])
def test_it_says_what_the_template_says(page: bool) -> None:
    """Every wording there is, with values that fit and values that do not."""
    environment = RENDERER._page if page else RENDERER._text
    finalize = RENDERER._finalize_page if page else RENDERER._finalize_text
    found = 0
    for wording in RENDERER._wording.values():
        say = sentence(wording, environment.filters, finalize)
        if say is None:
            assert "{%" in wording or re.search(r"\|\w+\([a-z]", wording)  # a filter that another value steers
            continue
        found += 1
        names = re.findall(r"\{\{\s*(\w+)", wording)
        for value in VALUES:
            values: dict[str, object] = dict.fromkeys(names, value)
            assert said(say, values) == said(environment.from_string(wording).render, values), wording
    assert found > 500


@pytest.mark.parametrize(
    "wording",
    ["{% if a %}b{% endif %}", "{{ a.b }}", "{{ a + 1 }}", "{{ a|no_such_filter }}", "{{ a|join }}", "{{ a|cut(b) }}",
     "{{ none }}", "{# a #}", "{{- a }}", "{{ 'a' }}", "{{ a"],
)  # fmt: skip
def test_more_than_values_is_left_to_the_template(wording: str) -> None:
    """Conditions, attributes, sums, filters of Jinja's own that ask for its context."""
    assert sentence(wording, RENDERER._page.filters, RENDERER._finalize_page) is None


def test_a_value_that_is_missing_is_named() -> None:
    """A phrase without a value that its wording prints ends in an error that names it, never in a gap."""
    with pytest.raises(LookupError, match="start"):
        RENDERER.words(Phrase("alt.progress", {}))
