"""Templates that a person has added to the theme, and whether they look at the page that they are rendered for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import material
import mkdocs
from jinja2 import nodes

from runsum.resources import template_folder

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

_SUFFIXES = {".html", ".svg", ".xml"}
"""Kinds of files that Material includes as templates."""
_PLAIN: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Extends, nodes.Block, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Getattr,
    nodes.Getitem, nodes.If, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand,
)  # fmt: skip
"""What writes the same on pages that are alike, as long as it knows nothing of the page."""
_NAMES = {"config", "base_url"}
"""Variables that are the same on pages that are alike. Not `url`: a link to a page is another one on that page."""


def own_templates(config: MkDocsConfig) -> list[Path]:
    """Files of the theme that came with neither Material nor MkDocs."""
    theirs = [Path(str(package.__file__)).resolve().parent for package in (material, mkdocs)]
    folders = [Path(folder).resolve() for folder in config.theme.dirs]
    own = [folder for folder in folders if not any(folder.is_relative_to(home) for home in theirs)]
    return [file for folder in own for file in sorted(folder.rglob("*")) if file.is_file()]


def look_at_no_page(config: MkDocsConfig) -> bool:
    """Whether pages that are alike but for their values are so with these templates, too.

    A condition on a title or on a content can hold for one page of a thousand. So no template may know of the page,
    save runsum's own, which only writes down what a page has.
    """
    known = {_read(file) for file in (template_folder() / "theme").rglob("*") if file.suffix in _SUFFIXES}
    own = {_read(file) for file in own_templates(config) if file.suffix in _SUFFIXES}
    return all(looks_at_no_page(text) for text in own - known)


def looks_at_no_page(template: str) -> bool:
    """Whether a template writes the same on all pages, beside what it extends; False where that is not plain to see."""
    try:
        tree = jinja2.Environment(extensions=["jinja2.ext.loopcontrols"]).parse(template)
    except jinja2.TemplateError:
        return False
    return _is_plain(tree)


def _is_plain(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Name):
        return node.name in _NAMES
    if not isinstance(node, _PLAIN):
        return False
    is_output = isinstance(node, nodes.Output)
    return all((is_output and _is_super(child)) or _is_plain(child) for child in node.iter_child_nodes())


def _is_super(node: nodes.Node) -> bool:
    """Whether it is `super()`, which holds the page's content: harmless where it is written, not where it is read."""
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "super"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
