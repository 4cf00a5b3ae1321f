"""One page of HTML: what it runs and styles without a file, and where its policy belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import accumulate

from runsum.check.pages import feed

_SCRIPT_TYPES = re.compile(
    r"(?:(?:text|application)/(?:x-)?(?:java|ecma)script|text/(?:javascript1\.[0-5]|jscript|livescript)"
    r"|module|importmap|speculationrules)?"
)
"""What a browser runs or obeys; any other type is data."""
_HANDLER = re.compile(r"on[a-z]+")
_ADDRESSES = ("action", "data", "formaction", "href", "src", "xlink:href")
_SCRIPT_ADDRESS = re.compile(r"[\x00-\x20]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:", re.IGNORECASE)
_NOTHING = re.compile(r"javascript:(void\(0\))?;?")  # themes make buttons of links; blocked, they do as little
_BEFORE_ALL = ("html", "head", "meta", "title")  # tags that load nothing: a policy may stand behind them


@dataclass
class PageCode:
    """The code in a page.

    Attributes:
        scripts: the text of every inline script that a browser would run.
        styles: the text of every `<style>`.
        attributes: every `style="…"`.
        unhashable: what no hash can allow: `on…` attributes and `javascript:` addresses.
        place: offset behind `<meta charset>`, else behind `<head>` or what there is of it. A policy holds for what
            follows it, so it stands there.
    """

    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    unhashable: list[str] = field(default_factory=list)
    place: int = 0


def read_code(html: str) -> PageCode:
    """Find the code of a page.

    Raises:
        ValueError: a declaration that is no HTML.
    """
    parser = _CodeParser(html)
    feed(parser, html)
    return parser.code


class _CodeParser(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.code = PageCode(place=len(html) - len(html.removeprefix("\ufeff")))
        self._lines = [0, *accumulate(len(line) + 1 for line in html.split("\n"))]
        self._placed = False
        self._text: list[str] | None = None
        self._texts: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self._put(len(decl) + len("<!>"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # of two alike, the first counts
        if tag in ("html", "head") or (tag == "meta" and "charset" in given):
            self._put(len(self.get_starttag_text() or ""))
        self._placed = self._placed or tag not in _BEFORE_ALL or "charset" in given
        self._read_attributes(tag, given)
        if tag == "style":
            self._text, self._texts = [], self.code.styles
        elif tag == "script" and "src" not in given and _SCRIPT_TYPES.fullmatch(given.get("type", "").strip().lower()):
            self._text, self._texts = [], self.code.scripts

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._text is not None:
            self._texts.append(_as_read("".join(self._text)))
            self._text = None

    def close(self) -> None:
        super().close()
        self.handle_endtag("script")  # one that never ends runs to the end of the page in some browsers

    def _read_attributes(self, tag: str, given: dict[str, str]) -> None:
        for name, value in given.items():
            if name == "style" and value.strip():
                self.code.attributes.append(_as_read(value))
            elif _HANDLER.fullmatch(name) or (name in _ADDRESSES and _is_script(value)):
                self.code.unhashable.append(f'<{tag} {name}="{value}">')

    def _put(self, length: int) -> None:
        if not self._placed:
            line, column = self.getpos()
            self.code.place = self._lines[line - 1] + column + length


def _is_script(address: str) -> bool:
    return bool(_SCRIPT_ADDRESS.match(address)) and not _NOTHING.fullmatch(address.strip())


def _as_read(text: str) -> str:
    """A text as a browser hashes it: every line break is one character."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
