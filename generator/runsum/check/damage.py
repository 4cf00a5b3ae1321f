"""Data files that are not what their name says: empty ones, and those that were cut off."""

from __future__ import annotations

import json
from pathlib import Path

_NEVER_EMPTY = (".csv", ".gif", ".gz", ".json", ".mp4", ".webm")
_OURS = ("assets/runsum/", "lineages/", "runs/", "seeds/")  # a theme may have an empty script
_SCRIPTS = ("/data.js", "/facts.js")
_DATA_BEGINS, _DATA_ENDS = b"(window.runsumData=", b";\n"


def find_damage(file: Path, path: str, size: int) -> str:
    """What is wrong with the content of a data file; empty when nothing is known to be.

    Args:
        file: the file.
        path: its path in the site.
        size: its bytes.
    """
    name = path.lower()
    if size == 0:
        return "empty" if name.endswith(_NEVER_EMPTY) or (name.endswith(".js") and path.startswith(_OURS)) else ""
    try:
        if name.endswith(".json"):
            json.loads(file.read_bytes())
        elif path.startswith(("runs/", "lineages/", "seeds/")) and name.endswith(_SCRIPTS):
            content = file.read_bytes()
            if not (content.startswith(_DATA_BEGINS) and content.endswith(_DATA_ENDS)):
                return "not data of runsum, or cut off"
    except ValueError as error:
        return f"not JSON: {error}"
    except OSError as error:
        return error.strerror or "cannot be read"
    return ""
