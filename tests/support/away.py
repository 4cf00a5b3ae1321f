"""Folders that a benchmark wants gone."""

from __future__ import annotations

from pathlib import Path


def put_away(made: Path, away: Path) -> None:
    """Have a file or folder gone without deleting it.

    ext4 does not use again what was deleted some seconds ago, and to look for other places makes new files five times
    as slow; who builds an archive for the first time has deleted nothing.

    Args:
        made: what is to be gone; it may not be there.
        away: a folder on the same disk that holds what was put away.
    """
    away.mkdir(exist_ok=True)
    if made.exists():
        made.rename(away / f"{made.name}{len(list(away.iterdir()))}")
