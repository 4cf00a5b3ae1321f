"""The one door between what was recorded and everything that is published."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from urllib.parse import unquote

from runsum.frozen import frozen
from runsum.redact.entropy import find_random
from runsum.redact.found import RANDOM, Found
from runsum.redact.identity import IDENTITY, OWNER_NAMES, Change, is_private_address
from runsum.redact.keys import secrecy
from runsum.redact.policy import Mode, Policy
from runsum.redact.tokens import TOKENS
from runsum.redact.values import MARK, assigned, in_addresses, in_commands, in_headers, is_secret

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ENCODED = re.compile(r"(?:[\w.~-]|%[0-9A-Fa-f]{2}){12,}")
_KEY = re.compile(r"[^\W\d][\w .:/+()\[\]-]{0,79}")
_HOST_NAMES = re.compile(r"host|\bip\b|addr|server|node|machine|url|endpoint|broker|gateway", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(?<![\w.:/\\-])(?:/[\w.@+-]+){2,}|(?<!\w)[A-Za-z]:[\\/](?:[\w.@+ -]+[\\/])+[\w.@+-]+")
_PUBLIC_IP = re.compile(r"(?<![\d.\w-])(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_LONG = re.compile(r"[\w:/+=.-]{12}|-----")  # no token is shorter
_PLAIN = re.compile(
    r"[A-Za-z0-9]{1,11}|(?:run|test)-[0-9a-f]{8}|\d{4}-\d\d-\d\d[T ][\d:.]*(?:[+-][\d:]+|Z)?|[\d.,]{1,6}|[\w ]{1,15}"
)
_DEPTH = 30
_PASSES = 9
_REMEMBERED = 3_000  # characters; longer texts are seldom met twice


@frozen
class _Result:
    text: str
    rules: tuple[str, ...] = ()


class Redactor:
    """Takes secrets and identities out of texts and counts what it took, never keeping it.

    Args:
        policy: what the settings say.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._remember = lru_cache(maxsize=8_192)(self._apply)

    def scope(self) -> Redactor:
        """A redactor of the same policy with an account of its own."""
        twin = Redactor.__new__(Redactor)
        twin.policy, twin._counts, twin._remember = self.policy, Counter(), self._remember
        return twin

    def found(self) -> tuple[Found, ...]:
        """What was taken out so far, by rule, table and column."""
        return tuple(Found(*place, count) for place, count in sorted(self._counts.items()))

    def count(self, rule: str, table: str, column: str) -> None:
        """Note that something was left out."""
        self._counts[rule, table, column] += 1

    def text(self, text: str, table: str = "", column: str = "") -> str:
        """The text as it may be published.

        Args:
            text: as it was recorded.
            table: where it stands, for the report.
            column: the same.
        """
        if self.policy.mode is Mode.OFF or (_PLAIN.fullmatch(text) and not self.policy.patterns):
            return text
        result = self._remember(text) if len(text) <= _REMEMBERED else self._apply(text)
        for rule in result.rules:
            self._counts[rule, table, column] += 1
        return result.text

    def find(self, text: str, *, only_tokens: bool = False) -> Iterator[tuple[str, slice]]:
        """Where a text holds what the rules take out: the rule's name and the stretch.

        Args:
            text: any text, also one that was redacted.
            only_tokens: leave out what is known by its place alone, as in the source of a program.
        """
        if self.policy.mode is Mode.OFF:
            return
        finders = (self._tokens,) if only_tokens else (self._secrets, self._places)
        for change in _without_overlap(chain.from_iterable(find(text) for find in finders)):
            if change.rule != RANDOM:
                yield change.rule, slice(change.start, change.end)

    def row(self, table: str, row: Mapping[str, object], documents: frozenset[str]) -> dict[str, object]:
        """A row as it may be published; blobs are left out.

        Args:
            table: its name.
            row: values by column.
            documents: the columns that hold JSON.
        """
        published: dict[str, object] = {}
        for column, value in row.items():
            if isinstance(value, str):
                read = self.document if column in documents else self._cell
                published[column] = read(value, table, column)
            elif isinstance(value, bytes):
                self.count("blob", table, column)
                published[column] = None
            else:
                published[column] = value
        return published

    def document(self, text: str, table: str, column: str) -> str:
        """A JSON document with the values of secret names taken out; other text as text."""
        if self.policy.mode is Mode.OFF:
            return text
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            clean = self.text(text, table, column)  # without control characters it may be a document after all
            return clean if clean == text else self.document(clean, table, column)
        if not isinstance(value, dict | list):
            return self.text(text, table, column)
        return json.dumps(self.value(value, table, column), ensure_ascii=False)

    def value(self, value: object, table: str, column: str, name: str = "", depth: int = 0) -> object:
        """A value of a parsed document; mappings and lists with all that is in them.

        Args:
            value: text, number, flag, None, list or mapping.
            table: where it stands, for the report.
            column: the same.
            name: the key it stands under.
            depth: how deep it lies; what lies too deep is left out.
        """
        if self.policy.mode is Mode.OFF:
            return value
        if depth > _DEPTH:
            self.count("too-deep", table, column)
            return None
        how = "" if name.lower() in self.policy.allow_keys else secrecy(name) if name else ""
        if isinstance(value, dict):
            return self._mapping(value, table, column, name if how else "", depth)
        if isinstance(value, list):
            return self._list(value, table, column, name, depth)
        if how and _is_kept_back(value, how) and value not in self.policy.allow_values:
            self.count("key-name", table, column)
            return f"{MARK}key-name›"
        if not isinstance(value, str):
            return value
        if OWNER_NAMES.fullmatch(name) and value and not value.startswith((MARK, "localhost", "127.")):
            self.count("user-and-host", table, column)
            return f"{MARK}user-and-host›"
        if _HOST_NAMES.search(name) and is_private_address(value) and value not in self.policy.allow_values:
            self.count("private-host", table, column)
            return f"{MARK}private-host›"
        return self._packed(value, table, column, depth) if value[:1] in ("{", "[") else self.text(value, table, column)

    def _packed(self, text: str, table: str, column: str, depth: int) -> str:
        """A text in a document that is a document itself, where escapes may hide what a text says."""
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text, table, column)
        clean = self.value(inner, table, column, "", depth + 1)
        return self.text(text if clean == inner else json.dumps(clean, ensure_ascii=False), table, column)

    def _mapping(
        self, value: dict[object, object], table: str, column: str, secret: str, depth: int
    ) -> dict[str, object]:
        """A mapping; below a secret name every value is as secret as if it had that name."""
        published: dict[str, object] = {}
        for key, inner in value.items():
            name = self.text(str(key), table, column)
            if not _KEY.fullmatch(name) and MARK not in name:
                self.count("unknown-key-shape", table, column)
                continue
            below = secret if secret and not secrecy(str(key)) else str(key)
            if key == "value" and isinstance(named := value.get("key", value.get("name")), str) and secrecy(named):
                below = named
            if key == "key" and "username" in value:  # as in kaggle.json
                below = "api_key"
            published[name] = self.value(inner, table, column, below, depth + 1)
        return published

    def _list(self, value: list[object], table: str, column: str, name: str, depth: int) -> list[object]:
        """A list; what follows an option like --hub-token in the arguments of a program is named by it."""
        names = [
            name,
            *(item.lstrip("-") if isinstance(item, str) and item.startswith("--") else name for item in value),
        ]
        return [self.value(item, table, column, by, depth + 1) for by, item in zip(names, value, strict=False)]

    def _cell(self, text: str, table: str, column: str) -> str:
        if is_private_address(text) and text not in self.policy.allow_values and self.policy.mode is not Mode.OFF:
            self.count("private-host", table, column)
            return f"{MARK}private-host›"
        return self.text(text, table, column)

    def _apply(self, text: str) -> _Result:
        changed = readable(text)
        rules: list[str] = []
        for _ in range(_PASSES):  # what stands beside a mark may be found only now
            before = len(rules)
            for find in (self._secrets, self._places):
                changes = _without_overlap(find(changed))
                rules += [change.rule for change in changes]
                changed = _replaced(changed, changes)
            if len(rules) == before:
                break
        warned = [] if self.policy.mode is Mode.STRICT else [RANDOM for _ in find_random(changed)]
        if not rules:
            return _Result(text, tuple(warned))
        return _Result(changed, (*rules, *warned))

    def _secrets(self, text: str) -> Iterator[Change]:
        for change in self._all_secrets(text):
            if text[change.start : change.end] not in self.policy.allow_values:
                yield change

    def _tokens(self, text: str) -> Iterator[Change]:
        for rule in TOKENS if _LONG.search(text) else ():
            if any(needle in text for needle in rule.needles):
                for match in rule.pattern.finditer(text):
                    yield Change(rule.name, match.start(), match.end(), None)

    def _all_secrets(self, text: str) -> Iterator[Change]:
        yield from self._tokens(text)
        for match in _ENCODED.finditer(text) if _PERCENT.search(text) else ():
            for change in self._tokens(unquote(match.group())):
                yield Change(change.rule, match.start(), match.end(), None)
        for find in (in_headers, in_addresses, in_commands):
            for name, start, end in find(text):
                yield Change(name, start, end, None)
        for name, start, end in assigned(text, self.policy.allow_keys):
            yield Change(name, start, end, None)
        for name, pattern in self.policy.patterns:
            for match in pattern.finditer(text):
                if match.end() > match.start():
                    yield Change(name, match.start(), match.end(), None)

    def _places(self, text: str) -> Iterator[Change]:
        for find in IDENTITY:
            for change in find(text):
                if text[change.start : change.end] not in self.policy.allow_values:
                    yield change
        if self.policy.mode is Mode.STRICT:
            for match in _ABSOLUTE.finditer(text):
                last = max(match.group().rfind("/"), match.group().rfind("\\"))
                yield Change("path", match.start(), match.start() + last, "…")
            for match in _PUBLIC_IP.finditer(text):
                yield Change("address", match.start(), match.end(), None)
            for start, end in find_random(text):
                yield Change(RANDOM, start, end, None)


def readable(text: str) -> str:
    """Text without what pages leave out, so that it cannot split a secret here and be gone there."""
    return _UNSEEN.sub("", _ANSI.sub("", text))


def _is_kept_back(value: object, how: str) -> bool:
    """Whether a value of a document is kept back for the sake of its name."""
    if value is None or isinstance(value, bool) or value == "":
        return False
    if isinstance(value, int | float):
        return how == "strong"
    text = str(value)
    return not text.startswith(MARK) and is_secret(text, how, quoted=True, spaced=False)


def _without_overlap(changes: Iterable[Change]) -> list[Change]:
    """Changes from left to right; of two that overlap the one that begins first, then the longer."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda change: (change.start, -change.end)):
        if not kept or change.start >= kept[-1].end:
            kept.append(change)
        elif change.end > kept[-1].end:  # the rest of the later one must not stay
            kept[-1] = kept[-1]._replace(end=change.end)
    return kept


def _replaced(text: str, changes: list[Change]) -> str:
    parts, position = [], 0
    for change in changes:
        parts += [text[position : change.start], f"{MARK}{change.rule}›" if change.becomes is None else change.becomes]
        position = change.end
    return "".join((*parts, text[position:]))
