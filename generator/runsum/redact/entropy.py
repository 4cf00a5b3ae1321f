"""Texts that look random: warned of, for most of them are hashes; taken out in strict mode only."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

_TOKEN = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{28,}={0,2}(?![\w+/=-])")
_HASH = re.compile(r"[0-9a-f]+|[0-9A-F]+|[0-9a-fA-F-]{36}")
_PARTS = re.compile(r"[-_/+]+")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}")
_SHORT = re.compile(r"[0-9a-f]+|.{1,3}")  # numbers, hashes, pieces like `v4`
_WORDS = 0.7
"""Share of a piece between separators that stands in words, from which it is made of words: `SeaquestNoFrameskip`."""
_UNKNOWN = 12
"""Characters in other pieces, from which a text counts as random."""
_BITS = 4.0
"""Bits per character (Shannon) from which a text counts as random; English words in snake case stay below."""
_FEW_BITS = 3.5
"""The same beside the name of a secret, where shorter texts count too: 16 letters have 4 bits at most."""
_CHANGES = 0.4
"""Share of neighbours of different kinds (capital, small letter, digit): 0.6 in random texts, 0.2 in names."""


def find_random(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of letters and digits too mixed to be words; hexadecimal digits and UUIDs are none."""
    for match in _TOKEN.finditer(text):
        if is_random(match.group(), _BITS):
            yield match.span()


def is_random(token: str, bits: float = _FEW_BITS) -> bool:
    """Whether a text without blanks is too mixed to be words, from so many bits per character."""
    return (
        token.count("/") < 3
        and not _HASH.fullmatch(token)
        and _bits(token) >= bits
        and _changes(token) >= _CHANGES
        and _unknown(token) >= _UNKNOWN
    )


def _unknown(token: str) -> int:
    return sum(len(part) for part in _PARTS.split(token) if not (_SHORT.fullmatch(part) or _is_named(part)))


def _is_named(part: str) -> bool:
    return sum(map(len, _WORD.findall(part))) >= _WORDS * len(part)


def _changes(token: str) -> float:
    kinds = ["A" if char.isupper() else "a" if char.islower() else "1" if char.isdigit() else "-" for char in token]
    return sum(left != right for left, right in pairwise(kinds)) / len(token)


def _bits(token: str) -> float:
    counts = Counter(token).values()
    return -sum(n / len(token) * math.log2(n / len(token)) for n in counts)
