"""One build at a time in a docs folder: a lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import sys
from pathlib import Path

from filelock import FileLock, Timeout

from runsum.errors import BusyError, OutputError

_LOCKS = Path("/proc/locks")


class FolderLock:
    """The lock of one docs folder; its empty file stays, for who deletes it may let two builds in.

    Args:
        file: the file to lock.
        folder: the docs folder, as complaints name it.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self._file, self._folder = file, folder
        # Windows: there, filelock would delete it after each build, which `mkdocs serve` takes for a change.
        self._lock = FileLock(file, timeout=0, preserve_lock_file=sys.platform == "win32")

    def acquire(self) -> None:
        """Take the lock, at once or not at all.

        Raises:
            BusyError: another process has it.
            OutputError: the file cannot be written or locked.
        """
        try:
            self._lock.acquire()
        except Timeout as error:
            holder = _holder(self._file)
            who = "" if holder is None else f" (process {holder})"
            raise BusyError(
                f"{self._folder} is being written by another runsum{who}",
                "Wait until it is done, or stop it: only one can write a docs folder at a time",
            ) from error
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or "its file system knows no locks"
            raise OutputError(
                f"{self._folder} cannot be written: {reason} ({self._file})",
                "Check docs_dir in mkdocs.yml and its permissions",
            ) from error

    def release(self) -> None:
        """Give the lock back; again is harmless."""
        self._lock.release()

    def remove(self) -> None:
        """Delete the file, in a folder that was not there before."""
        try:
            self._file.unlink(missing_ok=True)
        except PermissionError:  # Windows keeps what is open: this lock, and one that another build has taken meanwhile
            self.release()
            self._file.unlink(missing_ok=True)


def _holder(file: Path) -> int | None:
    """The process that has a file locked, where the system tells (Linux)."""
    try:
        inode = str(file.stat().st_ino)
        lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for words in map(str.split, lines):  # "1: FLOCK ADVISORY WRITE 4242 fe:00:2835011 0 EOF"
        if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode and words[4].isdigit():
            return int(words[4]) or None  # 0: a process of another container
    return None
