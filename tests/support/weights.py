"""How much the files of an archive weigh, by kind."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

_FOLDERS = ("runs", "lineages", "seeds", "games", "algorithms", "digest")
"""Each holds a page per folder, with its data beside it."""


def weights(root: Path) -> Counter[str]:
    """Bytes of each kind of file below a docs folder or a site: `runs/*/data.js`, `assets`, the name of one."""
    found: Counter[str] = Counter()
    for file in root.rglob("*"):
        if file.is_file():
            first, *rest = file.relative_to(root).parts
            kind = f"{first}/*/{file.name}" if first in _FOLDERS and len(rest) > 1 else first
            found[kind] += file.stat().st_size
    return found


def total(found: Counter[str], without: tuple[str, ...] = ()) -> int:
    """Bytes of all kinds but those."""
    return sum(size for kind, size in found.items() if kind not in without)
