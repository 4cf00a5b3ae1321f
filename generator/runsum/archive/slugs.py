"""Folder names of pages: safe on every file system, stable for ever, never made of a person's words."""

from __future__ import annotations

import hashlib
import re

_SAFE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index|assets)")


class SlugMaker:
    """Makes slugs and remembers them, so that none is given twice in a folder."""

    def __init__(self) -> None:
        self._taken: dict[str, set[str]] = {}

    def make(self, folder: str, text: str, identity: str) -> str:
        """A slug for `text`.

        Args:
            folder: where it must be unique.
            text: run id or name; used as it is when it is safe already.
            identity: what the suffix is made of where `text` alone does not do.
        """
        taken = self._taken.setdefault(folder, set())
        slug = text
        if not _SAFE.fullmatch(text) or _RESERVED.fullmatch(text):
            words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
            plain = bool(words) and folder != "runs" and words not in taken and not _RESERVED.fullmatch(words)
            slug = words if plain else f"{words or 'run'}-{_digest(text)}"
        if slug in taken:
            slug = f"{slug}-{_digest(identity)}"
        while slug in taken:
            slug = f"{slug}-{_digest(slug + identity)}"
        taken.add(slug)
        return slug


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
