"""Secrets to plant: made anew from a seed at run time, so that none of them stands whole in the source.

A secret has a kind, the text in which it is planted, and what of it must be found nowhere afterwards. Credentials
stand in `support.secrets_tokens` and `support.secrets_keys`, people and machines in `support.secrets_people`.
"""

from __future__ import annotations

import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SEED = 20251222
PIECE = 12  # characters of a token that give away more than its kind

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = UPPER + LOWER + DIGITS
BASE64 = ALNUM + "+/"
URL64 = ALNUM + "_-"
HEX = "0123456789abcdef"


@dataclass(frozen=True)
class Planted:
    """A secret and how it stands in a record.

    Attributes:
        kind: what it is.
        text: as somebody would have written it, with what stands around it.
        whole: texts that must be found nowhere; compared without regard to case.
        parts: long random texts of which no 12 characters may be found.
        pairs: the same as settings, by name; empty where `text` says all.
    """

    kind: str
    text: str
    whole: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    pairs: Mapping[str, object] = field(default_factory=dict)

    def pieces(self) -> set[str]:
        """Every 12 characters of the long parts, in lower case."""
        return {
            part[at : at + PIECE].lower()
            for part in self.parts
            for at in range(len(part) - PIECE + 1)
            if _is_random(part[at : at + PIECE])
        }


def _is_random(piece: str) -> bool:
    """Whether a piece is no filling such as AAAAAAAA."""
    return len(set(piece)) > 4


class Maker:
    """A stream of random texts that is the same in every run; names are never given twice."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._given: set[str] = set()

    def of(self, alphabet: str, length: int) -> str:
        """So many characters of an alphabet; no three equal ones follow each other."""
        made = ""
        while len(made) < length:
            char = self._random.choice(alphabet)
            if made[-2:] != char * 2:
                made += char
        return made

    def name(self) -> str:
        """A word of nobody's language, as a person or a machine might be called."""
        while True:
            pairs = (self._random.choice("bdfgklmnprstvz") + self._random.choice("aeiou") for _ in range(4))
            made = "".join(pairs) + self._random.choice("xqkz")
            if made not in self._given:
                self._given.add(made)
                return made

    def password(self) -> str:
        """A password of 14 characters with all kinds of them."""
        letters = [self._random.choice(LOWER) for _ in range(5)] + [self._random.choice(UPPER) for _ in range(4)]
        letters += [self._random.choice(DIGITS) for _ in range(4)]
        self._random.shuffle(letters)
        return "".join(letters) + self._random.choice("!$%*")

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(low, high)


def token(kind: str, prefix: str, body: str, around: str = "{}", pairs: Sequence[str] = ()) -> Planted:
    """A token that gives itself away by its form, in a text that holds it once."""
    whole = prefix + body
    return Planted(kind, around.format(whole), (whole,), (body,), dict.fromkeys(pairs, whole))


def named(kind: str, key: str, value: str, around: str = "{}={}") -> Planted:
    """A value that only its name gives away."""
    whole, parts = ((), (value,)) if len(value) >= 2 * PIECE else ((value,), ())
    return Planted(kind, around.format(key, value), whole, parts, {key: value})


def all_secrets() -> tuple[Planted, ...]:
    """Every secret, in a fixed order."""
    from support import secrets_keys, secrets_people, secrets_tokens

    make = Maker(SEED)
    return (*secrets_tokens.tokens(make), *secrets_keys.credentials(make), *secrets_people.people(make))
