"""What earlier builds of a site have made, kept beside its mkdocs.yml.

`pages/` holds finished pages under the digest of their content, `<fingerprint>.json` what is known of the pages made
under one configuration. Nothing of it is believed: the list carries its own digest, and a page is hashed before it
is used. What does not fit is made again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from runsum.assembly.files import Answer
from runsum.placing import put_whole

_FORMAT = 1
_OUTPUT = re.compile(rb'"output":"([0-9a-f]+)"')
_LISTS = 4
"""So many configurations are remembered: that of `mkdocs build`, of `mkdocs serve`, and two more."""

Stamp = list[int]
"""Size, time of the last change in ns and inode of a file; equal ones are taken for the same content."""


@dataclass(slots=True)
class Remembered:
    """A page as it was made.

    Attributes:
        source: digest of its Markdown file.
        stamp: of that file; None where it was changed so shortly before that its stamp proves nothing.
        output: digest of the finished page.
        entries: what it gave to the search.
        anchors: names in it that a link can lead to.
        links: anchors that it links to, by the source of the page they should be in.
        looked_up: the files it has asked for, with the answers.
    """

    source: str
    stamp: Stamp | None
    output: str
    entries: list[dict[str, Any]]
    anchors: list[str]
    links: dict[str, dict[str, str]]
    looked_up: dict[str, Answer]


_FIELDS = [field.name for field in fields(Remembered)]


def digest_of(content: bytes) -> str:
    """What a content is known by."""
    return blake2b(content, digest_size=16).hexdigest()


def stamp_of(stat: os.stat_result) -> Stamp:
    """What a file is known by as long as nobody touches it."""
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


class Memory:
    """The cache of one site under one configuration.

    Args:
        folder: the cache; made when something is to be kept.
        fingerprint: everything that all pages depend on.

    Attributes:
        is_damaged: there was something that cannot be what was written.
        pages: what is known of pages, by the path of their source.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._list = folder / f"{fingerprint}.json"
        self.pages: dict[str, Remembered] = {}
        known = read_sealed(self._list)
        self.is_damaged = known is None and self._list.exists()
        with contextlib.suppress(TypeError, AttributeError):
            self.pages = {uri: Remembered(**page) for uri, page in (known or {}).items()}

    def place(self, output: str, target: Path) -> bool:
        """Put a finished page where it belongs; False where it is not there, or not what it was."""
        source = self._page(output)
        try:
            if digest_of(source.read_bytes()) != output:
                self.is_damaged = True
                source.unlink()
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)
        except OSError:
            return False
        return True

    def keep(self, output: str, made: Path) -> bool:
        """Keep a finished page that lies in the site; False where that cannot be."""
        target = self._page(output)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                _link(made, target)
        except OSError:
            return False
        return True

    def write(self, pages: dict[str, Remembered]) -> None:
        """Remember these pages, and forget what no list knows any more."""
        if pages != self.pages or not self._list.exists():
            write_sealed(
                self._list, {uri: {name: getattr(page, name) for name in _FIELDS} for uri, page in pages.items()}
            )
            with contextlib.suppress(OSError):
                self._forget()

    def _page(self, output: str) -> Path:
        return self._folder / "pages" / output[:2] / f"{output}.html"

    def _forget(self) -> None:
        lists = sorted(self._folder.glob("*.json"), key=lambda file: -file.stat().st_mtime_ns)
        for old in lists[_LISTS:]:
            old.unlink()
        known = {found for file in lists[:_LISTS] for found in _OUTPUT.findall(file.read_bytes())}
        for page in (self._folder / "pages").glob("*/*.html"):
            if page.stem.encode() not in known:
                page.unlink()


def read_sealed(file: Path) -> Any:
    """What `write_sealed` has written there; None where there is nothing, or something else."""
    try:
        head, _, content = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    if head.decode("ascii", "replace") != f"{_FORMAT} {digest_of(content)}":
        return None
    return json.loads(content)


def write_sealed(file: Path, value: Any) -> None:
    """Write JSON below its own digest, as a whole or not at all; a cache that cannot be written is none."""
    content = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    put_whole(file, f"{_FORMAT} {digest_of(content)}\n".encode() + content)


def _link(source: Path, target: Path) -> None:
    """One file under two names, or a copy where there is no such thing; whatever writes a site replaces its files."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
