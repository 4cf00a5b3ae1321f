"""What the theme writes around the content of a page, made once for all pages that are alike.

A page of a run differs from the next in its title, its description, its address, its first anchor and its content; the
other 15 kB, the header and the navigation, are the same, and take Material's templates three times as long as all
the rest of a page. So the theme is asked once, with marks in the places of those five, and the marks are filled in;
but where a person's template may ask for more than that (see templates.py), for each page.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape
from mkdocs.structure.toc import AnchorLink, TableOfContents

if TYPE_CHECKING:
    import jinja2
    from mkdocs.structure.pages import Page

_TRIED = 2
"""So many pages of each kind are made by the theme as well, and compared."""
_SLOTS = ("title", "description", "address", "anchor", "content")


def _raw(value: str) -> str:
    return value


def _bare(value: str) -> str:
    return Markup(value).striptags()


def _escaped(value: str) -> str:
    return str(escape(value))


def _bare_escaped(value: str) -> str:
    return str(escape(Markup(value).striptags()))


_FORMS: tuple[Callable[[str], str], ...] = (_raw, _bare, _escaped, _bare_escaped)


def _mark(slot: str) -> str:
    """A text that each of the forms leaves recognisable."""
    return f"rsQ{slot}Q&lt;<h1>Q"  # the theme adds a heading to a content that has none


_VARIANTS = {form(_mark(slot)): (slot, form) for slot in _SLOTS for form in _FORMS}
_ANY = re.compile("|".join(re.escape(variant) for variant in sorted(_VARIANTS, key=len, reverse=True)))


class Shell:
    """A page of the theme in pieces: text, and in between what to fill in."""

    def __init__(self, html: str) -> None:
        self.texts = _ANY.split(html)
        self.places = [_VARIANTS[found] for found in _ANY.findall(html)]
        self.is_whole = not any("rsQ" in text for text in self.texts) and any(
            slot == "content" for slot, _ in self.places
        )
        self.proven = 0

    def fill(self, values: dict[str, str]) -> str:
        """The page with these values."""
        parts = [self.texts[0]]
        for (slot, form), text in zip(self.places, self.texts[1:], strict=True):
            parts += [form(values[slot]), text]
        return "".join(parts)


class Shells:
    """The shells of one build, by what else a page depends on."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._shells: dict[str, Shell | None] = {}

    def render(self, template: jinja2.Template, name: str, context: dict[str, Any]) -> str:
        """What `template.render(context)` gives."""
        page = context.get("page")
        values = None if page is None else _values(page)
        if page is None or values is None or page.url.rpartition("/")[0] in self._taken:
            return template.render(context)
        key = _kind(page, name, context)
        if key not in self._shells:
            shell = Shell(template.render({**context, "page": _marked(page)}))
            self._shells[key] = shell if shell.is_whole else None
        known = self._shells[key]
        if known is None:
            return template.render(context)
        filled = known.fill(values)
        if known.proven < _TRIED:
            html = template.render(context)
            if html != filled:
                self._shells[key] = None
                return html
            known.proven += 1
        return filled


class ShellEnvironment:
    """Stands before a Jinja environment: templates of pages are rendered with shells."""

    def __init__(self, environment: jinja2.Environment, shells: Shells) -> None:
        self._environment = environment
        self._shells = shells

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)

    def get_template(self, name: str) -> _ShellTemplate:
        """The template of a name, which MkDocs asks for nothing but `render`."""
        return _ShellTemplate(self._environment.get_template(name), name, self._shells)


class _ShellTemplate:
    def __init__(self, template: jinja2.Template, name: str, shells: Shells) -> None:
        self._template = template
        self._name = name
        self._shells = shells

    def __getattr__(self, name: str) -> Any:
        return getattr(self._template, name)

    def render(self, context: dict[str, Any]) -> str:
        return self._shells.render(self._template, self._name, context)


def _values(page: Page) -> dict[str, str] | None:
    """What is filled in for a page; None where a page is more than that."""
    title, description = page.meta.get("title"), page.meta.get("description")
    anchors = list(page.toc)
    is_plain = (
        isinstance(title, str)
        and isinstance(description, str)
        and title
        and title == title.strip()  # a theme may take blanks away at the beginning of a line
        and "\n" not in title
        and description
        and len(anchors) == 1
        and anchors[0].level == 1
        and "<h1" in (page.content or "")
        and page.parent is None
        and page.previous_page is None
        and page.next_page is None
        and page.edit_url is None
        and not page.file.inclusion.is_in_nav()
    )
    if not is_plain:
        return None
    return {
        "title": str(title),
        "description": str(description),
        "address": page.canonical_url or "",
        "anchor": anchors[0].id,
        "content": page.content or "",
    }


def _kind(page: Page, template: str, context: dict[str, Any]) -> str:
    """What pages have in common that differ only in their values."""
    meta = {name: value for name, value in page.meta.items() if name not in ("title", "description", "search")}
    folder = page.url.rpartition("/")[0]
    contents = [_outline(anchor) for anchor in next(iter(page.toc)).children]
    scripts = [str(path) for path in (*context["extra_css"], *context["extra_javascript"])]
    return repr(
        (template, folder.rpartition("/")[0], context["base_url"], page.canonical_url is None, meta, contents, scripts)
    )


def _outline(anchor: AnchorLink) -> tuple[Any, ...]:
    return (anchor.id, anchor.title, anchor.level, [_outline(child) for child in anchor.children])


def _marked(page: Page) -> Page:
    """The page with marks in place of its values."""
    marked = copy.copy(page)
    first = next(iter(page.toc))
    anchor = AnchorLink(_mark("title"), _mark("anchor"), 1)
    anchor.children = first.children
    marked.toc = TableOfContents([anchor])
    marked.meta = {**page.meta, "title": _mark("title"), "description": _mark("description")}
    marked.content = _mark("content")
    marked.canonical_url = page.canonical_url and _mark("address")
    return marked
