"""One page of HTML: its anchors, and every address in it."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser

from runsum.check.references import Reference, Use
from runsum.check.styles import css_addresses
from runsum.frozen import frozen

_LOADING_RELS = {
    "apple-touch-icon", "apple-touch-icon-precomposed", "icon", "manifest", "mask-icon", "modulepreload", "prefetch",
    "preload", "prerender", "stylesheet",
}  # fmt: skip
_CONNECTING_RELS = {"dns-prefetch", "preconnect"}
_USES = {
    "action": Use.LINK,
    "background": Use.ASSET,
    "data-src": Use.ASSET,  # a figure's data, which its script loads
    "formaction": Use.LINK,
    "poster": Use.ASSET,
    "src": Use.ASSET,
}
_SETS = ("srcset", "imagesrcset", "data-srcset")
_HREFS = ("href", "xlink:href")
_SETTINGS = "__config"  # the id under which Material and Zensical tell their scripts what to load
_CANDIDATE = re.compile(r"[\s,]*(\S*[^\s,])(?:,+|[^,]*)")
_REFRESH = re.compile(r"url\s*=\s*[\"']?([^\"'>]+)", re.IGNORECASE)
_STARTS_ANEW = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|[/\\]")


@frozen
class PageFacts:
    """What one page says.

    Attributes:
        anchors: every id, and the name of every `<a>`.
        references: every address, in order, each once per use.
        canonical: the address the page gives itself; empty when it gives none.
        searches: the page loads a search.
        keeps_state: its fragment says what is shown (`data-fragment="state"`), besides naming places.
    """

    anchors: frozenset[str]
    references: tuple[Reference, ...]
    canonical: str
    searches: bool
    keeps_state: bool


def read_page(html: str) -> PageFacts:
    """Find the anchors and addresses of a page.

    Raises:
        ValueError: a declaration that is no HTML.
    """
    parser = _PageParser()
    feed(parser, html)
    return PageFacts(
        anchors=frozenset(parser.anchors),
        references=tuple(
            Reference(_from_base(address, parser.base) if parser.base else address, use)
            for address, use in parser.found
        ),
        canonical=parser.canonical,
        searches=parser.searches,
        keeps_state=parser.keeps_state,
    )


def feed(parser: HTMLParser, html: str) -> None:
    """Give a parser a whole page.

    Raises:
        ValueError: a declaration that is no HTML.
    """
    try:
        parser.feed(html)
        parser.close()
    except AssertionError as error:  # how the parser of older versions of Python gives up
        raise ValueError(str(error)) from error


def srcset_addresses(text: str) -> list[str]:
    """The addresses of a `srcset`, without widths and densities."""
    return _CANDIDATE.findall(text)


def _from_base(address: str, base: str) -> str:
    """An address as it would be without `<base href>`; `#here` alone is a place in the base, too."""
    if _STARTS_ANEW.match(address.lstrip()):
        return address
    plain = re.split(r"[?#]", base, maxsplit=1)[0]
    return plain + address if address[:1] in ("", "#", "?") else plain[: plain.rfind("/") + 1] + address


class _PageParser(HTMLParser):
    """Collects what `PageFacts` says; `found` is a set that keeps its order."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.found: dict[tuple[str, Use], None] = {}
        self.base = ""
        self.canonical = ""
        self.searches = False
        self.keeps_state = False
        self._within = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.anchors.add(sys.intern(value or ""))
            elif name in _USES:
                self.found[value or "", _USES[name]] = None
            elif name in _HREFS:
                self._href(tag, value or "", attrs)
            elif name == "style":
                self._load(css_addresses(value or ""))
            elif name in _SETS:
                self._load(srcset_addresses(value or ""))
            elif name == "name" and tag == "a":
                self.anchors.add(sys.intern(value or ""))
            elif name == "data" and tag == "object":
                self.found[value or "", Use.ASSET] = None
            elif name == "data-fragment" and value == "state":
                self.keeps_state = True
            elif name == "content" and tag == "meta":
                self._meta(value or "", attrs)
        if tag == "style" or (tag == "script" and ("id", _SETTINGS) in attrs):
            self._within = tag

    def handle_data(self, data: str) -> None:
        if self._within:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag != self._within:
            return
        text = "".join(self._text)
        self._within, self._text = "", []
        if tag == "style":
            self._load(css_addresses(text))
        else:
            self._settings(text)

    def _load(self, addresses: list[str]) -> None:
        for address in addresses:
            self.found[address, Use.ASSET] = None

    def _href(self, tag: str, address: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "base":
            self.base = self.base or address
        elif tag in ("a", "area"):
            self.found[address, Use.LINK] = None
        elif tag != "link":
            self.found[address, Use.ASSET] = None  # image, use and their like in SVG
        else:
            rels = {rel for name, value in attrs if name == "rel" for rel in (value or "").lower().split()}
            if rels & _CONNECTING_RELS:
                self.found[address, Use.HINT] = None
            if rels & _LOADING_RELS:
                self.found[address, Use.ASSET] = None
            elif not rels & _CONNECTING_RELS:
                self.found[address, Use.LINK] = None
            if "canonical" in rels:
                self.canonical = self.canonical or address

    def _meta(self, content: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name == "http-equiv" and (value or "").lower() == "refresh" for name, value in attrs):
            match = _REFRESH.search(content)
            if match:
                self.found[match[1].strip(), Use.LINK] = None

    def _settings(self, text: str) -> None:
        try:
            settings = json.loads(text)
        except ValueError:
            return  # not those of a theme we know
        worker = settings.get("search") if isinstance(settings, dict) else None
        if isinstance(worker, str) and worker:
            self.searches = True
            self.found[worker, Use.ASSET] = None
