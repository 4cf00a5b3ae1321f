"""The second wall: the rules of redaction over what was built, in whatever way a file writes its text."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from runsum.check.files import open_text
from runsum.formatting import setting
from runsum.packing import PACKED
from runsum.redact.policy import Mode
from runsum.redact.redactor import Redactor, readable

_PACKED = (
    ".mp4", ".webm", ".gif", ".png", ".jpg", ".jpeg", ".webp", ".avif", ".ico", ".woff", ".woff2", ".ttf", ".otf",
    ".zip",
)  # fmt: skip
"""Pictures, films, fonts and archives: their bytes spell nothing. All other files are looked into."""
_CODE = ("assets/javascripts/", "assets/stylesheets/", "assets/runsum/")
"""Programs of the theme and of runsum: only tokens are looked for, for names like `token` and `key` are their words."""
_CHUNK = 1 << 20
_SEAM = 4096
_REMEMBERED = 20_000  # lines
_LONG = 4_000  # characters; longer lines are of one page only
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(/)")
# What redaction left, in whatever case, where a page has cut it, and as a part of a file's name.
_MARK = re.compile(r"[\s\"'({\[\\]*(?:[\w:]{0,12}‹|\w{0,6}…|-redacted-)", re.IGNORECASE)
_NOT_SET = setting(None)  # of which "not" is taken for the value
_DATABASE = b"SQLite format 3\0"  # with all that redaction keeps back, in pieces that no rule would know
_TELLS = re.compile(r"\w")


class LeakFinder:
    """Looks for leaks in file after file; a line that was clean in one page is not looked at again in the next.

    Args:
        redactor: with the policy of the archive.
        own_host: where the site itself will lie, which it may say.
    """

    def __init__(self, redactor: Redactor, own_host: str) -> None:
        self._redactor = redactor
        self._own_host = own_host
        self._clean: set[str] = set()

    def find(self, file: Path, path: str) -> Iterator[tuple[str, int]]:
        """What the rules of redaction mean in a file and in its name.

        Args:
            file: the file.
            path: where it lies in the site.

        Yields:
            Rule and line; line 0 is the name of the file.

        Raises:
            OSError, EOFError, zlib.error: the file cannot be read or unpacked.
        """
        name = unquote(path)
        for rule, stretch in self._redactor.find(name):
            if not self._is_harmless(name[stretch]):
                yield rule, 0
        if path.lower().endswith(_PACKED):
            return
        head = _head(file)
        if head.startswith(_DATABASE) and self._redactor.policy.mode is not Mode.OFF:
            yield "database", 1
            return
        only_tokens = path.startswith(_CODE) or _is_binary(head)
        with open_text(file) as stream:
            line, rest = 1, ""
            while chunk := stream.read(_CHUNK):
                raw = rest + chunk
                for rule, place in self._find_in(_plain(raw, path), only_tokens):
                    yield rule, line + place
                rest = raw[-_SEAM:] if len(chunk) == _CHUNK else ""
                line += raw.count("\n") - rest.count("\n")

    def _find_in(self, text: str, only_tokens: bool) -> Iterator[tuple[str, int]]:
        """Rule and line, counted from 0."""
        lines = text.split("\n")
        new = [number for number, line in enumerate(lines) if line not in self._clean]
        looked_at = text if "PRIVATE KEY" in text else "\n".join(lines[number] for number in new)
        dirty = False
        for rule, match in self._redactor.find(looked_at, only_tokens=only_tokens):
            if self._is_harmless(looked_at[match], looked_at[match.stop : match.stop + len(_NOT_SET)]):
                continue
            dirty = True
            number = looked_at.count("\n", 0, match.start)
            yield rule, number if looked_at is text else new[number]
        if not dirty and not only_tokens and len(self._clean) < _REMEMBERED:
            self._clean.update(lines[number] for number in new if len(lines[number]) < _LONG)

    def _is_harmless(self, found: str, after: str = "") -> bool:
        """Whether it is the site's own address, or what redaction has put in place of a secret."""
        if self._own_host and self._own_host in found:
            return True
        if found + after[: len(_NOT_SET) - len(found)] == _NOT_SET:  # of a setting that only one of two runs has
            return True
        if _MARK.match(found) or after[:2].endswith("‹"):  # and what a page wrote behind it
            return not any(self._redactor.find(found, only_tokens=True))
        return len(_TELLS.findall(found)) < 2


def _plain(raw: str, path: str) -> str:
    """The text without the ways in which pages and scripts write it."""
    if path.lower().endswith((".json", ".js")):
        raw = PACKED.sub("[]", raw)  # numbers in letters; by chance they look like anything
        raw = _ESCAPED.sub(lambda match: match[2] or chr(int(match[1], 16)), raw)
    elif path.lower().removesuffix(".gz").endswith(".csv"):
        raw = raw.replace(",", ", ")  # the next cell belongs to no value
    return readable(html.unescape(raw))  # the index of the search holds entities, too


def _head(file: Path) -> bytes:
    if file.suffix.lower() == ".gz":
        return b""
    with file.open("rb") as stream:
        return stream.read(_SEAM)


def _is_binary(head: bytes) -> bool:
    """Whether a file is no text: its bytes may be a name and a value by chance, but no token."""
    return b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
