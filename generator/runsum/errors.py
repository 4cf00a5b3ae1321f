"""What can go wrong in a way that the user has to act on.

::

    RunsumError            caught once, in cli.main; exit code 2
    ├── ConfigError        runsum.yml or mkdocs.yml says something we cannot follow
    ├── DatabaseError      a database file is missing, damaged, foreign or locked
    ├── OutputError        the docs folder cannot be written, or nothing can be done for it
    │   └── BusyError      another build is writing it
    └── SiteError          the folder to check is not a built site (in runsum.check)

Bad data inside a readable database is never an exception: it is a `runsum.model.Problem`.
"""

from __future__ import annotations

import errno
import sys

_PERMISSIONS, _SPACE = "Check its permissions", "Free some space"
_OF_THE_SYSTEM = {
    errno.EACCES: _PERMISSIONS,
    errno.EPERM: _PERMISSIONS,
    errno.EROFS: _PERMISSIONS,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EIO: "Check the disk",
    errno.ELOOP: "Correct the links",
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.EMFILE: "Allow more open files (ulimit -n)",
}
"""What the system refuses for a reason that no program can mend, and what a person can do."""


class RunsumError(Exception):
    """One clear line: what is wrong, with which file, and what to do next.

    Args:
        what: the complaint; names the file, unless `place` does.
        next_step: what the user can type or change.
        place: the file that the complaint is about; stands before it, with a colon.

    Attributes:
        parts: the line in parts, each of which is redacted by itself: a path that ends like the name of a secret
            (`/etc/passwd: not a folder`) makes no secret of the words that follow it.
    """

    def __init__(self, what: str, next_step: str = "", *, place: object = None) -> None:
        said = f"{what}. {next_step}" if next_step else what
        self.parts = (said,) if place is None else (str(place), said)
        super().__init__(": ".join(self.parts))


def refused(error: Exception) -> RunsumError | None:
    """The line for what the system refused; None where that may be a mistake of ours."""
    if isinstance(error, UnicodeEncodeError) and error.encoding == sys.getfilesystemencoding() != "utf-8":
        return RunsumError(
            f"{error.object!r} is no name of a file here, where they are written in {error.encoding}",
            "Set PYTHONUTF8=1, or choose a locale with UTF-8",
        )
    if not isinstance(error, OSError):
        return None
    next_step = _OF_THE_SYSTEM.get(error.errno or 0)
    if next_step is None or (error.filename is None and error.errno != errno.EMFILE):
        return None
    return RunsumError(error.strerror or "cannot be used", next_step, place=error.filename)


class ConfigError(RunsumError):
    """A settings file cannot be read or says something unknown."""


class DatabaseError(RunsumError):
    """A database cannot be opened or is not a run database."""


class OutputError(RunsumError):
    """A file of the site cannot be written."""


class BusyError(OutputError):
    """Another process is writing the docs folder."""
