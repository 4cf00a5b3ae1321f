"""What holds between the rooms: a place for every threshold and every placeholder."""

from __future__ import annotations

import ast
from dataclasses import fields
from html.parser import HTMLParser

from runsum.placeholders import PLACEHOLDERS
from runsum.thresholds import Thresholds, rules_in_force
from support.contracts import Rendered, sources

# ---------------------------------------------------------------- thresholds


def test_every_threshold_says_why() -> None:
    """Unit, reason and source of each; a share of nothing may have no unit."""
    for rule in rules_in_force(Thresholds()):
        assert rule.why, rule.name
        assert rule.source, rule.name
        assert rule.unit or rule.name.startswith("explained_variance"), rule.name


def test_every_threshold_stands_on_the_methods_page(rendered: Rendered) -> None:
    """None can hide: name, value and reason of each."""
    page = Reader(rendered.markdown["methods/index.md"]).text
    for rule in rules_in_force(Thresholds()):
        assert rule.name in page
        assert rule.why in page


def test_every_threshold_is_used() -> None:
    """A rule that decides nothing would be a false statement on the Methods page."""
    used = {node.attr for tree in sources() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {field.name for field in fields(Thresholds)} <= used


# ---------------------------------------------------------------- the 75 placeholders

VOID = {"br", "img", "hr", "input", "meta", "link", "path", "circle", "rect", "line", "polyline"}


class Reader(HTMLParser):
    """The text of a page, and the text of each element with a `data-field`, with that of the cell around it."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.found: list[tuple[str, str, str]] = []
        self._open: list[tuple[str, str, int]] = []
        self._cells: list[tuple[str, int]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append((tag, dict(attrs).get("data-field") or "", len(self.text)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, field, start = self._open.pop()
            said = self.text[start:]
            self._cells += [(one, start) for one in field.split()]
            if name == "dd":
                for one, begin in self._cells:
                    self.found.append((one, self.text[begin:].strip(), said))
                self._cells = []
            if name == tag:
                break


def test_there_are_seventy_five_placeholders() -> None:
    """As many as the summary template has, each once."""
    assert len(set(PLACEHOLDERS)) == len(PLACEHOLDERS) == 75


def test_run_json_holds_every_placeholder(rendered: Rendered) -> None:
    """A value, or the reason why there is none; never both."""
    assert len(rendered.documents) > 100
    for slug, document in rendered.documents.items():
        assert tuple(document["summary"]) == PLACEHOLDERS, slug
        unknown = {name for name in PLACEHOLDERS if document["summary"][name] is None}
        assert unknown == set(document["not_recorded"]), slug
        assert all(reason.strip() for reason in document["not_recorded"].values()), slug


def test_every_run_page_holds_every_placeholder(rendered: Rendered) -> None:
    """Each is a `data-field` with some words in it, and where nobody knows the reason stands in its cell."""
    for slug, document in rendered.documents.items():
        cells = Reader(rendered.markdown[f"runs/{slug}/index.md"]).found
        assert {name for name, _, _ in cells} == set(PLACEHOLDERS), slug
        for name, own, cell in cells:
            assert own, f"{slug}: {name} is empty"
            if name in document["not_recorded"]:
                assert document["not_recorded"][name] in cell, f"{slug}: {name} does not say why"


def test_the_values_of_page_and_document_agree(rendered: Rendered) -> None:
    """A text on the page is the text of run.json."""
    for slug, document in rendered.documents.items():
        for name, own, _ in Reader(rendered.markdown[f"runs/{slug}/index.md"]).found:
            if name in ("run_id", "reward_trend_note", "metric_gap_note", "eta_note"):
                value = document["summary"][name]
                assert value is None or " ".join(str(value).split()) in " ".join(own.split()), f"{slug}: {name}"
