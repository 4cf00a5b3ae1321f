"""The folder of the site, of which MkDocs would delete everything before each build.

What lies there is set aside while MkDocs cleans up, in a folder whose name begins with a dot, which MkDocs leaves
alone. Then what is still right is brought back, and the rest deleted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from runsum.patience import patiently

_ASIDE = ".runsum-aside"


class SiteFolder:
    """The folder of one site.

    Args:
        root: the folder; it need not be there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._aside = root / _ASIDE

    def set_aside(self) -> None:
        """Hide what MkDocs would delete, if nobody holds it; what a build that was killed had hidden is deleted."""
        if not self.root.is_dir():
            return
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(exist_ok=True)
        for entry in list(os.scandir(self.root)):
            if not entry.name.startswith("."):
                with contextlib.suppress(PermissionError):  # on Windows, while a file in it is open: it is made anew
                    os.rename(entry.path, self._aside / entry.name)  # noqa: PTH104 Path would be made for each

    def bring_back(self, is_right: Callable[[str, os.stat_result], bool]) -> None:
        """Show again the files that are right, and delete the others.

        Args:
            is_right: told the path of a file within the site, with slashes, and what the system says of it.
        """
        if not self._aside.is_dir():
            return
        _sift(str(self._aside), "", is_right)
        for entry in list(os.scandir(self._aside)):
            patiently(os.rename, entry.path, self.root / entry.name)
        self._aside.rmdir()

    def drop(self) -> None:
        """Delete what is still hidden: the build has failed."""
        shutil.rmtree(self._aside, ignore_errors=True)


def _sift(folder: str, place: str, is_right: Callable[[str, os.stat_result], bool]) -> None:
    """Delete what is not right, and the folders that are empty then."""
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        path = f"{place}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            _sift(entry.path, f"{path}/", is_right)
        elif entry.is_symlink() or not is_right(path, os.stat(entry.path)):  # noqa: PTH116
            patiently(os.unlink, entry.path)
    if place:
        with contextlib.suppress(OSError):  # not empty
            os.rmdir(folder)  # noqa: PTH106
