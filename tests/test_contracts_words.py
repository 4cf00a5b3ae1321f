"""What holds between the rooms: words for every fact, and a fact for all words."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import jinja2
import jinja2.meta

from runsum.model import Phrase, Problem
from support.contracts import ENVIRONMENT, WORDING, WORDING_FILE, WORDS, Rendered, sources


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
    places |= {"progress.csv"}  # a file of Stable-Baselines3
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
