"""Styles, scripts, vendored libraries and the theme's own part, as they lie in the docs folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ASSET_HOME = "assets/runsum"
THEME_HOME = ".runsum/theme"
"""Where `theme.custom_dir` of the starter looks; builders do not publish folders that begin with a dot."""
_NOT_PUBLISHED = (".py", ".pyc")


def read_assets(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(path in the docs folder, content) of everything in site_template that is no page, in the order of the names.

    Args:
        folder: site_template, with the folders `assets` (published as it is) and `theme` (read by the builder).
    """
    for part, home in (("assets", ASSET_HOME), ("theme", THEME_HOME)):
        for file in sorted((folder / part).rglob("*")):
            if file.is_file() and file.suffix not in _NOT_PUBLISHED and "__pycache__" not in file.parts:
                yield f"{home}/{file.relative_to(folder / part).as_posix()}", file.read_bytes()
