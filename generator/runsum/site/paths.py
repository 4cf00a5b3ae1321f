"""Paths and contents of a docs folder: what may be written, on every file system, and what is there."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from pathlib import Path, PureWindowsPath

# Devices of Windows, whatever stands behind the first dot, and what its file names cannot hold.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL)
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"|?*\\]|[. ]\Z')


def is_inside(path: str) -> bool:
    """Whether a path stays in the docs folder; a manifest may come from anybody's hands."""
    return bool(path) and not path.startswith("/") and ".." not in path.split("/") and not _has_drive(path)


def _has_drive(path: str) -> bool:
    return (":" in path or path.startswith("\\")) and bool(PureWindowsPath(path).drive)


def is_portable(path: str) -> bool:
    """Whether every file system can hold the path under this name."""
    return not any(_RESERVED.fullmatch(part) or _FORBIDDEN.search(part) for part in path.split("/"))


def digest_of(content: bytes) -> str:
    """The SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def read_file(file: str | Path) -> bytes | None:
    """The content of a file; None when there is none.

    Raises:
        OSError: it cannot be read, or is a pipe or a device, which would be waited for.
    """
    try:
        mode = os.stat(file).st_mode  # noqa: PTH116
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # to open a folder fails by itself
            raise OSError(errno.EINVAL, "it is a pipe or a device", str(file))
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 - read for every file of an archive
            return opened.read()
    except (FileNotFoundError, NotADirectoryError):
        return None  # what stands in the way is named when it is written to
