"""The policy itself: which sources a page may load from, run and style with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

HEADER = "Content-Security-Policy"
_HEADER_ONLY = "frame-ancestors 'self'"  # browsers ignore it in a meta tag


@dataclass
class Allowed:
    """What may run and style without a file of its own.

    Attributes:
        scripts: texts of inline scripts.
        styles: texts of `<style>` elements, those that scripts make too.
        attributes: values of `style` attributes.
    """

    scripts: set[str] = field(default_factory=set)
    styles: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def add(self, other: Allowed) -> None:
        """Allow what another page has, too."""
        self.scripts |= other.scripts
        self.styles |= other.styles
        self.attributes |= other.attributes


def meta_policy(allowed: Allowed) -> str:
    """The policy of one page, as its meta tag says it.

    Everything comes from the site itself. Scripts and styles in a page count by their hash alone, so neither eval nor
    an inline script of anybody else runs. Pictures may stand in a style sheet (`data:`), where the theme has its icons.
    """
    directives = [
        "default-src 'none'",
        _sources("script-src 'self'", allowed.scripts),
        _sources("style-src 'self'", allowed.styles),
        *([_sources("style-src-attr 'unsafe-hashes'", allowed.attributes)] if allowed.attributes else []),
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "frame-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
    return "; ".join(directives)


def header_policy(allowed: Allowed) -> str:
    """The policy of a whole site, as its server says it."""
    return f"{meta_policy(allowed)}; {_HEADER_ONLY}"


def _sources(begin: str, texts: Iterable[str]) -> str:
    return " ".join([begin, *sorted(map(_source, texts))])


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
