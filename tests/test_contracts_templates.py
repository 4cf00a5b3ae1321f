"""What holds between the rooms: a context for every template, and a use for every asset."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass

import jinja2
import jinja2.meta
from jinja2 import nodes

from runsum.resources import starter_mkdocs, template_folder
from support.contracts import ENVIRONMENT, PACKAGE, TEMPLATES, WORDS, Rendered

# ---------------------------------------------------------------- templates


def template_names() -> list[str]:
    return sorted(file.name for file in TEMPLATES.glob("*.j2"))


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
        "gate", "run.advice.gate", "percent", "kind", "tile.term", "word", "methods", "key", "state", "model.file",
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


# ---------------------------------------------------------------- assets


def test_every_asset_is_used() -> None:
    """What lies in site_template is loaded by a page, by another asset, or by the code."""
    home = template_folder() / "assets"
    files = [file for file in home.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    theme = template_folder() / "theme"
    readers = [*files, *theme.iterdir(), *PACKAGE.rglob("*.py"), starter_mkdocs()]
    texts = {file: file.read_text(encoding="utf-8") for file in readers if "min" not in file.suffixes}
    tools = {"refresh.py", "vendor.json"}  # fetch the vendored files anew and check them; the first is not published
    idle = [
        file.name
        for file in files
        if file.name not in tools and not any(file.name in text for reader, text in texts.items() if reader != file)
    ]
    assert not idle


def test_the_security_page_lists_what_is_vendored() -> None:
    """Each library of the site stands there with the version and licence of the manifest, and no other."""
    manifest = json.loads((template_folder() / "assets" / "vendor" / "vendor.json").read_text(encoding="utf-8"))
    vendored = {
        (library["package"], library["version"], library["licence"])
        for entry in manifest
        for library in entry.get("parts", [entry])
    }
    page = (starter_mkdocs().parent / ".github" / "SECURITY.md").read_text(encoding="utf-8")
    table = page.partition("| library | version | licence |\n|---|---|---|\n")[2].partition("\n\n")[0]
    assert {tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table.splitlines()} == vendored


def test_every_starter_is_written() -> None:
    """`runsum init` copies each file of the folder."""
    code = (PACKAGE / "commands" / "starter.py").read_text(encoding="utf-8")
    names = {file.name for file in (template_folder() / "starter").iterdir()}
    assert not {name for name in names if f'starter / "{name}"' not in code}
