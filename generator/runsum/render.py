"""The only room that knows Jinja2: page templates and the wording of facts.

Every value that a template prints is escaped for Markdown and HTML at once (`finalize`), unless it is `Markup`
made here or an SVG of our own. Undefined names are errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from html import unescape
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup
from platformdirs import user_cache_path

from runsum.analysis.settings import plain
from runsum.compiled import CompiledTemplates
from runsum.formatting import FILTERS, cut, escape_markdown, shortened
from runsum.model import Phrase, problem_words
from runsum.sentences import Say, sentence

_ABOUT = 200
_WORDS = "wording/"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST = 2000  # characters of one text of the database on a page; run.json holds it whole


class Renderer:
    """Renders pages and phrases from one template folder."""

    def __init__(self, folder: Path) -> None:
        words = yaml.load((folder / "wording.yml").read_text(encoding="utf-8"), Loader=_LOADER)
        self._wording: dict[str, str] = {
            key: text for section in words["phrases"].values() for key, text in section.items()
        }
        self._short: dict[str, str] = words["short"]
        self._filters = FILTERS | self._own_filters(words)
        self._page = self._environment(folder / "pages", "page", self._finalize_page)
        self._text = self._environment(folder / "pages", "text", self._finalize_text)
        self._compiled: dict[tuple[bool, str], Say] = {}
        self._fixed: dict[tuple[bool, str], str] = {}  # words without a number in them are always the same

    def _environment(self, folder: Path, kind: str, finalize: Any) -> jinja2.Environment:
        wording = {f"{_WORDS}{key}": text for key, text in self._wording.items()}
        environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.DictLoader(wording), jinja2.FileSystemLoader(folder)]),
            bytecode_cache=CompiledTemplates(user_cache_path("runsum") / "templates" / kind),
            undefined=jinja2.StrictUndefined,
            finalize=finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        environment.filters |= self._filters
        return environment

    def _own_filters(self, words: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
        """The filters besides those of :mod:`runsum.formatting`, by name."""
        return {
            "by": _by,
            "label": words["labels"].__getitem__,
            "short": self.short,
            "chart_title": words["charts"].__getitem__,
            "plain": plain,
            "problem_words": problem_words,
            "css_percent": _css_percent,
            "rule_name": _rule_name,
            "rule_when": words["rules"].__getitem__,
            "check_title": lambda name: words["checks"][name][0],
            "check_caveat": lambda name: words["checks"][name][1],
            "kept_back": lambda rule: words["kept_back"].get(rule, "a rule of runsum.yml"),
            "gate_class": _gate_class,
            "about": _about,
            "whole": _whole,
        }

    def page(self, template: str, context: Any) -> str:
        """Render `pages/<template>` with the fields of a context dataclass."""
        return self._page.get_template(template).render({f.name: getattr(context, f.name) for f in fields(context)})

    def words(self, phrase: Phrase) -> str:
        """A phrase as plain text, for JSON, the terminal and attributes."""
        return self._render(phrase, page=False)

    def short(self, phrase: Phrase) -> str:
        """The few words shown in place of a missing value."""
        return self._short.get(phrase.key, "not recorded")

    def _render(self, phrase: Phrase, *, page: bool) -> str:
        said = self._fixed.get((page, phrase.key)) if not phrase.values else None
        if said is not None:
            return said
        say = self._compiled.get((page, phrase.key))
        if say is None:
            say = self._compiled[page, phrase.key] = self._compile(phrase.key, page=page)
        said = say(phrase.values)
        if not phrase.values:
            self._fixed[page, phrase.key] = said
        return said

    def _compile(self, key: str, *, page: bool) -> Say:
        if key not in self._wording:
            raise LookupError(f"wording.yml has no words for {key!r}")
        environment = self._page if page else self._text
        plain = sentence(self._wording[key], environment.filters, self._finalize_page if page else self._finalize_text)
        return plain or _Wording(environment.get_template(f"{_WORDS}{key}")).say

    def _finalize_page(self, value: object) -> object:
        if type(value) is str:  # nine of ten: a page has a thousand values
            return escape_markdown(value if len(value) <= _LONGEST else _bounded(value))
        if isinstance(value, Markup):
            return value
        if isinstance(value, Phrase):
            return self._render(value, page=True)
        if isinstance(value, list):
            return Markup(" ").join(Markup(self._finalize_page(item)) for item in value)
        if value is None:
            raise ValueError("a template printed a missing value")
        return escape_markdown(_bounded(str(value)))

    def _finalize_text(self, value: object) -> object:
        if isinstance(value, Phrase):
            return self._render(value, page=False)
        if isinstance(value, list):
            return " ".join(str(self._finalize_text(item)) for item in value)
        if value is None:
            raise ValueError("a wording printed a missing value")
        return value


class _Wording:
    """A wording with conditions, said over and over: a context for each time would cost more than the words.

    As `Template.render` does, but without Jinja's globals, which no wording uses.
    """

    def __init__(self, template: jinja2.Template) -> None:
        self._render = template.root_render_func
        self._context = template.new_context({}, shared=True)

    def say(self, values: Mapping[str, object]) -> str:
        """The words with their values."""
        before, self._context.parent = self._context.parent, dict(values)  # a phrase may hold another of its kind
        try:
            return "".join(self._render(self._context))
        finally:
            self._context.parent = before


def _by(value: object, name: str) -> str:
    """Format a value with the filter of a name; texts stay texts whatever was expected."""
    if isinstance(value, str) and name not in ("when", "day", "cut"):
        return FILTERS["text"](value)
    return FILTERS[name](value)


def _css_percent(value: float) -> str:
    return f"{value:.1f}%"


def _gate_class(gate: str) -> str:
    return gate.split()[0]


def _about(words: str) -> str:
    """What a template has written, as a description for the head of a page: one line that search engines show whole."""
    return cut(" ".join(unescape(words).split()), _ABOUT)


def _bounded(words: str) -> str:
    return shortened(words, _LONGEST)


def _whole(words: str, length: int) -> Markup:
    """The attribute `title` with the whole text, where `cut` of the same length leaves some of it out."""
    return (
        Markup("")
        if cut(words, length) == words
        else Markup(' title="{}"').format(Markup(escape_markdown(_bounded(words))))
    )


def _rule_name(name: str) -> str:
    return name.replace("_", " ")
