"""What the commands that look at a built site have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from runsum.config import MKDOCS_NAME, read_mkdocs

_DEFAULT_SITE = "site"


def built_site(here: Path) -> Path:
    """The site of a folder: what mkdocs.yml says, else `site`."""
    mkdocs = here / MKDOCS_NAME
    return read_mkdocs(mkdocs, here).site_dir if mkdocs.exists() else here / _DEFAULT_SITE


def printable_on(stream: TextIO | None, text: str) -> str:
    """Text that a terminal can show: a page may hold anything, and a file's name may be no text at all.

    Args:
        stream: where it is going to be printed; None where that is closed.
        text: what is to be said.
    """
    encoding = (stream and stream.encoding) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
