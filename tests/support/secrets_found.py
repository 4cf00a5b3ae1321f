"""Look for planted secrets in everything that was published, however it is written there."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from support.secrets import PIECE, Planted

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'\\/bfnrt]))")
_SIGNS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TAG = re.compile(r"<[^<>]{1,300}>")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f]|\x1b\\[[0-9;]*m")
_SPLIT = re.compile(r"[\s<>\"'`]+")


def views(text: str) -> Iterator[str]:
    """A text as it stands, and with every spelling undone: entities, JSON, JSON in JSON, percent signs, tags."""
    yield text
    plain = html.unescape(text)
    if plain != text:
        yield plain
    once = _ESCAPE.sub(_unescaped, plain)
    if once != plain:
        yield once
        twice = _ESCAPE.sub(_unescaped, once)
        yield from (twice, _ESCAPE.sub(_unescaped, twice))
    bare = _INVISIBLE.sub("", _TAG.sub("", once))
    if bare != once:
        yield bare
    if "%" in bare:
        yield unquote(bare)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _SIGNS.get(match[3], match[3])


class Searched:
    """Everything that was published, in pieces without blanks, and where each piece was first seen."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._read: set[bytes] = set()

    def add(self, where: str, text: str) -> None:
        """Search a text as well."""
        for view in views(text):
            for chunk in _SPLIT.split(view.lower()):
                if len(chunk) > 4:
                    self._seen.setdefault(chunk, where)

    def add_folder(self, folder: Path) -> None:
        """Search all files of a folder, also their names, and what is packed."""
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            self.add(f"the name of {name}", name)
            if file.is_file():
                data = file.read_bytes()
                digest = hashlib.sha256(data).digest()
                if digest in self._read:
                    continue  # the site holds most files of the docs folder once more
                self._read.add(digest)
                if data[:2] == b"\x1f\x8b":
                    self.add(f"{folder.name}/{name}", gzip.decompress(data).decode("utf-8", "replace"))
                self.add(f"{folder.name}/{name}", data.decode("utf-8", "replace"))

    def leaks(self, items: Sequence[Planted]) -> Mapping[str, list[str]]:
        """What was found, by kind: the piece and where it was first seen."""
        found: dict[str, list[str]] = {}
        everything = "\n".join(self._seen)
        for item in items:
            for needle in item.whole:
                at = everything.find(needle.lower())
                if at >= 0:
                    chunk = everything[everything.rfind("\n", 0, at) + 1 :].partition("\n")[0]
                    found.setdefault(item.kind, []).append(f"{needle} in {self._seen[chunk]}: {chunk[:200]}")
        for kind, piece, chunk in self._pieces(items):
            found.setdefault(kind, []).append(f"…{piece}… in {self._seen[chunk]}: {chunk[:200]}")
        return found

    def _pieces(self, items: Sequence[Planted]) -> Iterable[tuple[str, str, str]]:
        pieces = {piece: item.kind for item in items for piece in item.pieces()}
        half = PIECE // 2
        halves = {piece[at : at + half] for piece in pieces for at in range(half + 1)}
        told: set[tuple[str, str]] = set()
        for chunk, where in self._seen.items():
            # 12 characters of a secret cover six whole ones at a multiple of six
            if not any(chunk[at : at + half] in halves for at in range(0, len(chunk) - half + 1, half)):
                continue
            for at in range(len(chunk) - PIECE + 1):
                kind = pieces.get(chunk[at : at + PIECE])
                if kind is not None and (kind, where) not in told:
                    told.add((kind, where))
                    yield kind, chunk[at : at + PIECE], chunk
