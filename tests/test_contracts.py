"""What holds between the rooms: words for every fact, a context for every template, a place for every placeholder."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import pytest
import yaml
from jinja2 import nodes

import runsum
from runsum.analysis.standing import AsOf
from runsum.archive.archive import Archive, make_archive
from runsum.archive.slugs import SlugMaker
from runsum.build import make_all, mark_twins
from runsum.config import Settings
from runsum.digest import DigestSettings
from runsum.formatting import FILTERS
from runsum.model import PLACEHOLDERS, Phrase, Problem
from runsum.pages.contract import Page
from runsum.pages.twin import run_twin
from runsum.reading import read_runs
from runsum.render import Renderer
from runsum.resources import starter_mkdocs, template_folder
from runsum.source.database import open_database
from runsum.source.records import RunReader
from runsum.thresholds import Thresholds, rules_in_force
from support.scenarios import SCENARIOS

PACKAGE = Path(runsum.__file__).parent
TEMPLATES = template_folder() / "pages"
WORDING_FILE = template_folder() / "wording.yml"
WORDING: dict[str, Any] = yaml.safe_load(WORDING_FILE.read_text(encoding="utf-8"))
WORDS: dict[str, str] = {key: text for section in WORDING["phrases"].values() for key, text in section.items()}
AS_OF_S = 1_766_491_200.0  # 23 Dec 2025, 12:00


def environment() -> jinja2.Environment:
    known = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES))
    known.filters |= FILTERS
    known.filters |= dict.fromkeys(Renderer(template_folder())._page.filters, str)
    return known


ENVIRONMENT = environment()


def template_names() -> list[str]:
    return sorted(file.name for file in TEMPLATES.glob("*.j2"))


# ---------------------------------------------------------------- the archive of all scenarios


@dataclass(frozen=True)
class Rendered:
    """The archive of all scenarios with its pages, made without a docs folder."""

    archive: Archive
    pages: tuple[Page, ...]
    markdown: dict[str, str]
    documents: dict[str, dict[str, Any]]
    renderer: Renderer


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Every scenario in one archive."""
    folder = tmp_path_factory.mktemp("scenarios")
    settings, slugs = Settings(folder, notes_dir=folder / "notes", solved={"Breakout": 5.0}), SlugMaker()
    use = DigestSettings(Thresholds(), AsOf(AS_OF_S, local=True), settings.solved)
    digests, sources = [], []
    from runsum.build import _describe_source

    for scenario in SCENARIOS:
        scenario.build(folder / f"{scenario.name}.db")
        with open_database(folder / f"{scenario.name}.db") as opened:
            reader = RunReader(opened, scenario.name)
            survey = reader.survey()
            named = [(run_id, slugs.make("runs", run_id, f"{scenario.name}\n{run_id}")) for run_id in survey.runs]
            digests += [done.digest for done in read_runs(reader, named, use, settings)]
            sources.append(_describe_source(scenario.name, opened, survey, settings))
    archive = make_archive(mark_twins(digests), sources, slugs, settings.thresholds, settings.solved)
    renderer = Renderer(template_folder())
    pages = tuple(item for item in make_all(archive, settings) if isinstance(item, Page))
    return Rendered(
        archive,
        pages,
        {page.path: renderer.page(page.template, page.context) for page in pages},
        {run.digest.slug: json.loads(run_twin(run, archive, renderer.words)) for run in archive.runs},
        renderer,
    )


def phrases_in(value: object, seen: set[int]) -> Iterator[Phrase]:
    """Every phrase and problem below a value, through dataclasses, mappings and sequences."""
    if id(value) in seen or isinstance(value, str | bytes | int | float):
        return
    seen.add(id(value))
    if isinstance(value, Problem):
        yield Phrase(f"problem.{value.kind}", value.values)
    elif isinstance(value, Phrase):
        yield value
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from phrases_in(getattr(value, field.name), seen)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from phrases_in(inner, seen)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from phrases_in(inner, seen)


# ---------------------------------------------------------------- words


@cache
def sources() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py")))


def constants() -> set[str]:
    """Every text in the package, and the words of its enums."""
    return {
        node.value
        for tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def patterns() -> set[str]:
    """Every f-string of the package as a regular expression."""
    found = set()
    for tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (re.escape(str(p.value)) if isinstance(p, ast.Constant) else "(.*)" for p in node.values)
                found.add("".join(parts))
    return found


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def literal_keys(value: ast.expr) -> Iterator[str]:
    """The keys an argument can be: a text, or either side of a condition; f-strings with `*` for what they fill in."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from literal_keys(value.body)
        yield from literal_keys(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in value.values)


def calls_with_keys() -> Iterator[tuple[str, ast.Call]]:
    """(key, call) for every phrase(), note(), missing(), problem() and known(reason=) of the package."""
    for tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            if called(node) in ("phrase", "note", "missing", "problem") and node.args:
                before = "problem." if called(node) == "problem" else ""
                yield from ((before + key, node) for key in literal_keys(node.args[0]))
            if called(node) == "known":
                reasons = (k.value for k in node.keywords if k.arg == "reason")
                yield from ((key, node) for reason in reasons for key in literal_keys(reason))


def test_every_key_in_the_code_has_words() -> None:
    """Whatever phrase the code can make, wording.yml knows it; a key with a part filled in matches at least one."""
    without = []
    for key, _ in calls_with_keys():
        shape = re.compile(".*".join(map(re.escape, key.split("*"))))
        if not any(shape.fullmatch(word) for word in WORDS):
            without.append(key)
    assert not without


def test_every_text_that_looks_like_a_key_has_words() -> None:
    """Keys that travel in variables are found by their first part."""
    begins = {key.partition(".")[0] for key in WORDS}
    looks = re.compile(r"([a-z]+)\.[a-z_]+")
    keys = {text for text in constants() if (m := looks.fullmatch(text)) and m[1] in begins}
    places = {"game.env_id", "game.frame_stack", "game.max_skip"}  # inside config_effective.yaml
    assert {key for key in keys - set(WORDS) if not key.endswith("_")} <= places


def test_every_wording_is_used() -> None:
    """No sentence waits for a fact that no code can make."""
    texts, shapes = constants(), [re.compile(shape) for shape in patterns()]
    pieces = {text for text in texts if re.fullmatch(r"_?[a-z_]+", text)} | {""}
    endings = [text for text in texts if re.fullmatch(r"_[a-z]+", text)]
    begins = [text for text in texts if "." in text and len(text) < 40]
    joined = {"".join(parts) for parts in itertools.product(begins, [*endings, ""], [*endings, ""])}
    idle = []
    for key in WORDS:
        made = key in texts or key in joined
        if not made and key.startswith("problem."):
            kind = key.removeprefix("problem.")
            made = kind in texts or kind.replace("_", ".", 1) in WORDS
        elif not made and key.startswith("next."):
            made = key.removeprefix("next.") in texts
        elif not made:
            made = any(
                (match := shape.fullmatch(key)) and "." not in "".join(match.groups()) and set(match.groups()) <= pieces
                for shape in shapes
            )
        if not made:
            idle.append(key)
    assert not idle


def test_every_call_hands_over_what_its_words_need() -> None:
    """A wording uses no value that the call of its key does not name."""
    short = []
    for key, call in calls_with_keys():
        if key not in WORDS or called(call) == "known" or any(k.arg is None for k in call.keywords):
            continue
        given = {k.arg for k in call.keywords}
        needs = jinja2.meta.find_undeclared_variables(ENVIRONMENT.parse(WORDS[key]))
        if not needs <= given:
            short.append((key, sorted(needs - given)))
    assert not short


def test_every_phrase_of_every_scenario_has_words(rendered: Rendered) -> None:
    """Nothing that a scenario brings forth lacks a wording or a value, as plain text and on a page."""
    said = {}
    seen: set[int] = set()
    for found in itertools.chain(phrases_in(rendered.archive, seen), phrases_in(rendered.pages, seen)):
        said[found.key] = rendered.renderer.words(found)
    assert len(said) > 150
    odd = re.compile(r".\bNone\b|\bnan\b|\{\{")
    assert not {key: text for key, text in said.items() if not text.strip() or odd.search(text)}


def test_every_gate_and_rule_has_words() -> None:
    """Each recommendation of the table, and each shape of a reward that passes the gate."""
    from runsum.analysis.next_actions import RULES

    wanted = {f"next.{rule.name}" for rule in RULES} | {"gate.rising", "gate.level"}
    assert wanted <= set(WORDS)


def test_words_hold_no_marks() -> None:
    """No quote, bracket, asterisk or backtick outside of a value: wordings stand in attributes and in Markdown."""
    texts = {**WORDS, **WORDING["short"], **WORDING["labels"], **WORDING["charts"]}
    marked = {key: text for key, text in texts.items() if re.search(r"[\"<>*`]", re.sub(r"\{\{.*?\}\}", "", text))}
    assert not marked


def test_short_words_belong_to_a_reason() -> None:
    """What stands in place of a value has a long form too."""
    assert set(WORDING["short"]) <= set(WORDS)


def test_every_state_and_chart_has_a_name() -> None:
    """Labels for all states, titles for all charts, and none besides."""
    from runsum.drawing import ALL_CHARTS
    from runsum.model import State

    assert set(WORDING["labels"]) == set(State)
    assert set(WORDING["charts"]) == set(ALL_CHARTS)


def test_no_wording_is_written_twice() -> None:
    """YAML would let the second of two equal keys win in silence."""
    names = re.findall(r"^ {4}([a-z_]+\.[a-z_0-9]+):", WORDING_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == len(set(names)) == len(WORDS)


# ---------------------------------------------------------------- templates


def test_templates_and_pages_fit(rendered: Rendered) -> None:
    """Every template of a page exists, and every template is that of a page or a part of one."""
    parts = {
        node.template.value
        for name in template_names()
        for node in ENVIRONMENT.parse((TEMPLATES / name).read_text(encoding="utf-8")).find_all(
            (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends)
        )
        if isinstance(node.template, nodes.Const)
    }
    assert {page.template for page in rendered.pages} | parts == set(template_names())


def test_templates_use_only_fields_of_their_context(rendered: Rendered) -> None:
    """Each variable of a template is a field of the dataclass it is rendered with."""
    contexts: dict[str, set[str]] = {}
    for page in rendered.pages:
        assert is_dataclass(page.context)
        contexts.setdefault(page.template, {field.name for field in fields(page.context)})
    for name, known in contexts.items():
        tree = ENVIRONMENT.parse((TEMPLATES / name).read_text(encoding="utf-8"))
        assert jinja2.meta.find_undeclared_variables(tree) <= known, name


FORBIDDEN = (
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg, nodes.Pos,
    nodes.Concat, nodes.Slice,
)  # fmt: skip
COMPARISONS = {"run.md.j2: loop.index eq 7"}
"""Comparisons in force; a new one is a decision that belongs into the code that fills the context."""


def all_templates() -> dict[str, nodes.Template]:
    found = {name: ENVIRONMENT.parse((TEMPLATES / name).read_text(encoding="utf-8")) for name in template_names()}
    return found | {key: ENVIRONMENT.parse(text) for key, text in WORDS.items()}


def test_templates_do_not_calculate() -> None:
    """No arithmetic, no slice, no joined strings, in pages and in wordings."""
    odd = [
        f"{name}:{node.lineno} {type(node).__name__}"
        for name, tree in all_templates().items()
        for node in tree.find_all(FORBIDDEN)
    ]
    assert not odd


def test_templates_do_not_compare() -> None:
    """Only whether something is there; every other comparison stands in the list above."""
    compared = {
        f"{name}: {words(node.expr)} {operand.op} {words(operand.expr)}"
        for name, tree in all_templates().items()
        for node in tree.find_all(nodes.Compare)
        for operand in node.ops
    }
    tested = {node.name for tree in all_templates().values() for node in tree.find_all(nodes.Test)}
    assert compared <= COMPARISONS
    assert tested <= {"none"}


def words(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{words(node.node)}.{node.attr}"
    return str(node.name if isinstance(node, nodes.Name) else getattr(node, "value", node))


def test_raw_values_are_our_own() -> None:
    """`safe` is put on macros and on a few names that hold slugs and SVG, never on a person's words."""
    own = {
        "chart.id", "chart.static_svg", "item.name", "row.fields", "section.title", "video.media", "item.game_href",
        "month.share", "gate",
    }  # fmt: skip
    raw = set()
    for name in template_names():
        for node in ENVIRONMENT.parse((TEMPLATES / name).read_text(encoding="utf-8")).find_all(nodes.Filter):
            if node.name == "safe" and not isinstance(node.node, nodes.Call):
                inner = node.node
                while isinstance(inner, nodes.Filter):
                    assert inner.node is not None
                    inner = inner.node
                assert inner is not None
                raw.add(words(inner))
    assert raw <= own


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


# ---------------------------------------------------------------- assets


def test_every_asset_is_used() -> None:
    """What lies in site_template is loaded by a page, by another asset, or by the code."""
    home = template_folder() / "assets"
    files = [file for file in home.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    readers = [*files, *PACKAGE.rglob("*.py"), starter_mkdocs()]
    texts = {file: file.read_text(encoding="utf-8") for file in readers if "min" not in file.suffixes}
    tools = {"refresh.py", "vendor.json"}  # fetch the vendored files anew and check them; the first is not published
    idle = [
        file.name
        for file in files
        if file.name not in tools and not any(file.name in text for reader, text in texts.items() if reader != file)
    ]
    assert not idle


def test_every_starter_is_written() -> None:
    """`runsum init` copies each file of the folder."""
    code = (PACKAGE / "cli.py").read_text(encoding="utf-8")
    names = {file.name for file in (template_folder() / "starter").iterdir()}
    assert not {name for name in names if name not in code and name != "runsum.yml"}
