"""How files look from outside: what tells, without reading them, whether they may have changed."""

from __future__ import annotations

import os
from pathlib import Path

Look = tuple[int, int]
"""Size in bytes and time of the last change in ns."""
Signature = tuple[int, int, int] | None
"""The same and the number of the file or folder in its file system; None where there is neither."""


def look_of(file: str | Path) -> Look | None:
    """How a file looks; None when there is none."""
    try:
        facts = os.stat(file)  # noqa: PTH116 - asked for every file of an archive
    except OSError:
        return None
    return (facts.st_size, facts.st_mtime_ns)


def signature(path: str) -> Signature:
    """What changes when a file or the list of a folder changes."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - asked ten thousand times
    except (OSError, ValueError):
        return None
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino)
