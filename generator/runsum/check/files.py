"""The files of a built site, and which of them an address means."""

from __future__ import annotations

import gzip
import io
import os
import stat
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO

from runsum.errors import RunsumError

HOME = "index.html"
ERROR_PAGE = "404.html"
_PAGE_ENDINGS = (".html", ".htm")
_UNPUBLISHED = (".git",)  # a checkout of the branch that is published


class SiteError(RunsumError):
    """The folder to check is not a built site."""


@dataclass(frozen=True)
class SiteFiles:
    """Every file of a site.

    Attributes:
        sizes: bytes by path; paths are relative to the site, have slashes and are sorted.
        symlinks: those of the files, and the folders, that are symbolic links; such folders are not entered.
        unreadable: (path, reason) of what the operating system does not show, and of what is no file.
    """

    root: Path
    sizes: dict[str, int]
    symlinks: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def pages(self) -> list[str]:
        """Every HTML file."""
        return [path for path in self.sizes if is_page(path)]

    def find(self, path: str, folder: bool = False) -> str | None:
        """The file that a server shows for a path.

        Args:
            path: relative to the site; upper and lower case matter on any operating system.
            folder: the path ended with a slash and cannot be a file.
        """
        if not folder and path in self.sizes:
            return path
        index = f"{path}/{HOME}" if path else HOME
        return index if index in self.sizes else None

    def has_folder(self, path: str) -> bool:
        """Whether files lie below a path."""
        return path in self._folders

    def differs_in_case(self, path: str) -> str | None:
        """The file that only a file system without upper and lower case would find."""
        return self._folded.get(_fold(path)) or self._folded.get(_fold(f"{path}/{HOME}"))

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(str(folder) for path in self.sizes for folder in PurePosixPath(path).parents)

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {_fold(path): path for path in self.sizes}


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def is_page(path: str) -> bool:
    """Whether a file is HTML, by its name."""
    return path.lower().endswith(_PAGE_ENDINGS)


def open_text(file: Path) -> IO[str]:
    """Open a file as text, also a compressed one; what is not UTF-8 is replaced."""
    if file.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.open(file), encoding="utf-8", errors="replace")
    return file.open(encoding="utf-8", errors="replace")


def list_files(root: Path) -> SiteFiles:
    """List the files of a built site.

    Raises:
        SiteError: the folder is not there, or is not a site.
    """
    build = "Type 'mkdocs build' first, or name the folder of a built site: runsum check SITE"
    if not root.is_dir():
        raise SiteError("not a folder" if root.exists() else "no such folder", build, place=root)
    if not (root / HOME).is_file():
        raise SiteError(f"no {HOME} in there, so this is not a built site", build, place=root)
    sizes: dict[str, int] = {}
    symlinks: list[str] = []
    unreadable: list[tuple[str, str]] = []

    def remember(error: OSError) -> None:
        path = Path(str(error.filename)).relative_to(root).as_posix()
        unreadable.append((path, error.strerror or "cannot be read"))

    for where, folders, names in os.walk(root, onerror=remember):
        folder = Path(where)
        folders[:] = sorted(name for name in folders if name not in _UNPUBLISHED)
        for name in (*folders, *names):
            file = folder / name
            if file.is_symlink():
                symlinks.append(file.relative_to(root).as_posix())
        for name in names:
            file = folder / name
            try:
                facts = file.stat()
            except OSError as error:
                remember(error)
                continue
            path = file.relative_to(root).as_posix()
            if stat.S_ISREG(facts.st_mode):
                sizes[path] = facts.st_size
            else:
                unreadable.append((path, "a pipe or a device, not a file"))  # it would be waited for
    return SiteFiles(root, dict(sorted(sizes.items())), tuple(sorted(symlinks)), tuple(sorted(unreadable)))
