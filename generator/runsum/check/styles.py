"""What CSS loads: `url()`, `@import`, `image-set()`."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAMESPACE = re.compile(r"@namespace[^;]*;", re.IGNORECASE)  # a name that looks like an address
_TEXT = r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'"
_LOADED = re.compile(
    rf"url\(\s*(?:{_TEXT}|([^)\"'\s]*))\s*\)|@import\s+(?:{_TEXT})|image-set\(\s*(?:{_TEXT})",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)


def css_addresses(text: str) -> list[str]:
    """Every address that a style sheet, a `<style>` or a style attribute loads, in order, each once.

    A part of the same document (`url(#clip)`) is not loaded.
    """
    if "(" not in text and "@" not in text:
        return []
    plain = _NAMESPACE.sub("", _COMMENT.sub("", text))
    found = (next(filter(None, match.groups()), "") for match in _LOADED.finditer(plain))
    addresses = (_ESCAPE.sub(_unescape, address) for address in found)
    return [address for address in dict.fromkeys(addresses) if address and not address.startswith("#")]


def _unescape(match: re.Match[str]) -> str:
    number, letter = match.groups()
    if not number:
        return letter if letter != "\n" else ""
    code = int(number, 16)
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "\ufffd"
