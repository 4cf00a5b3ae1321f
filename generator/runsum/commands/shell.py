"""Lines for a person to type."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

_ON_WINDOWS = sys.platform == "win32"
_PLAIN = re.compile(r"[\w.:\\/~+-]+")


def as_typed(word: str | Path) -> str:
    """A word as a shell takes it: that of Linux and macOS, or PowerShell and cmd, which share the double quotes."""
    text = str(word)
    if not _ON_WINDOWS:
        return shlex.quote(text)
    return text if _PLAIN.fullmatch(text) else f'"{text}"'
