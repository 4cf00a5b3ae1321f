"""How often a site says that something was redacted: `‹redacted:RULE›`, in whatever way its files write that."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path

from runsum.check.files import open_text

_ENDINGS = (".html", ".htm", ".json", ".js", ".csv", ".xml")
_MARK = re.compile(
    r"(?:‹|&#0*8249;|&#[xX]0*2039;|&lsaquo;|\\u2039)"
    r"redacted"
    r"(?::|&#0*58;|&#[xX]0*3[aA];|&colon;|\\u003[aA])"
    r"([^‹›<>\s\"]{1,200}?)"
    r"(?:›|&#0*8250;|&#[xX]0*203[aA];|&rsaquo;|\\u203[aA])"
)
_LONGEST = 512
_CHUNK = 1 << 20
_CODE = re.compile(r"\\u([0-9a-fA-F]{4})")


def may_have_marks(path: str) -> bool:
    """Whether a file is a page or data, by its name."""
    return path.lower().removesuffix(".gz").endswith(_ENDINGS)


def count_marks(text: str) -> Counter[str]:
    """Marks of redaction by rule."""
    if "redacted" not in text:
        return Counter()
    return Counter(_rule(match[1]) for match in _MARK.finditer(text))


def count_marks_in(file: Path) -> Counter[str]:
    """Marks of redaction by rule in a file of any size, also a compressed one.

    Raises:
        OSError, EOFError, zlib.error: cannot be read or unpacked.
    """
    with open_text(file) as stream:
        found: Counter[str] = Counter()
        text = ""
        while chunk := stream.read(_CHUNK):
            text += chunk
            counted = 0
            if "redacted" in text:
                for match in _MARK.finditer(text):
                    found[_rule(match[1])] += 1
                    counted = match.end()
            text = text[max(counted, len(text) - _LONGEST) :]  # a mark may lie on the seam
        return found


def _rule(written: str) -> str:
    return html.unescape(_CODE.sub(lambda match: chr(int(match[1], 16)), written))
