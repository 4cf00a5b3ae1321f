"""Styles, scripts and vendored libraries of the site, copied below `assets/runsum/` of the docs folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ASSET_HOME = "assets/runsum"
_NOT_PUBLISHED = (".py", ".pyc")


def read_assets(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(path in the docs folder, content) of every asset, in the order of their names."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in _NOT_PUBLISHED and "__pycache__" not in file.parts:
            yield f"{ASSET_HOME}/{file.relative_to(folder).as_posix()}", file.read_bytes()
