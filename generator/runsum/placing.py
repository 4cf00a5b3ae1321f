"""A file that is put in its place as a whole or not at all, for what can be made again."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def put_whole(file: Path, content: bytes) -> None:
    """Write a file, in a folder that is made when missing; where that cannot be, it stays as it was."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as aside:
                aside.write(content)
            Path(name).replace(file)  # atomic on every system
        finally:
            Path(name).unlink(missing_ok=True)  # the disk is full, for example
