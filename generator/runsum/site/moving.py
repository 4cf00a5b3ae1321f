"""Many files moved into place as one: all of them, or none, whatever happens on the way.

New files wait in memory, and in `next/` where that is too little: `mkdocs serve` takes every file that appears below
the docs folder for a change, and would build the site once for those that wait and once more for the moves. A journal
of all moves is written before the first of them; every file that a move replaces or takes away is kept in `before/`.
Deleting the journal makes the moves final; as long as it is there, `undo` takes them back, in the same process or in
the next one after a kill.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

from runsum.errors import OutputError
from runsum.frozen import frozen
from runsum.patience import patiently
from runsum.site.paths import digest_of, is_inside, read_file

_AT_HAND = 4_000_000  # bytes of new files that wait in memory; from there on, they are written while others are made
_NEXT = "next"
_BEFORE = "before"
_JOURNAL = "journal"


@frozen
class Move:
    """One change of a folder.

    Attributes:
        path: the file, relative to the folder.
        digest: of its new content; None when the file goes.
        new: whether there was no such file before.
    """

    path: str
    digest: str | None
    new: bool = False


class Mover:
    """Moves files into a folder.

    Args:
        folder: where they are to stand.
        home: a folder for what is on its way, of the same file system.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._next, self._before, self._journal = home / _NEXT, home / _BEFORE, home / _JOURNAL
        self._here = f"{folder}/"  # paths of thousands of files are put together faster as texts
        self._coming, self._going = f"{self._next}/", f"{self._before}/"
        self._waiting: dict[str, bytes] = {}
        self._size = 0
        self._made: set[str] = set()  # folders that are there, so that none is asked for a file at a time
        self._checked: set[str] = set()
        self._tops: dict[str, str | None] = {}
        self._missing: set[str] = set()  # folders to be made, in which nothing can stand in the way

    def stage(self, path: str, content: bytes) -> None:
        """Take a file, to be moved later.

        Raises:
            OutputError: it cannot be written, or one that was taken before.
        """
        self._waiting[path] = content
        self._size += len(content)
        if self._size > _AT_HAND:
            self._put_aside()

    def commit(self, moves: Sequence[Move]) -> None:
        """Make all moves, in their order, or none.

        Raises:
            OutputError: one cannot be made; the folder is as it was.
        """
        self._tops.clear()
        for move in moves:
            self._require_place(move.path)
        self._put_aside()
        current = str(self._journal)
        try:
            self._announce(moves)
            whole = self._move_folders(moves)
            for move in moves:
                current = self._here + move.path
                if move.path not in whole:
                    self._make(move)
            current = str(self._journal)
            patiently(self._journal.unlink)
        except BaseException as error:
            with contextlib.suppress(OSError):  # what cannot be taken back now is by the next build
                self.undo()
            if isinstance(error, OSError):
                raise OutputError(
                    f"{current} cannot be written: {error.strerror}", "Check permissions and free space"
                ) from error
            raise
        for move in moves:
            if move.digest is None:  # not before: on a full disk, no folder could be made again to undo it
                self._prune(self._folder / move.path)

    def undo(self) -> None:
        """Take back what an unfinished commit has done; a person's changes since then stay.

        Raises:
            OSError: a file cannot be put back; the journal stays for the next attempt.
        """
        for move in reversed(list(self._announced())):
            target, old = self._folder / move.path, self._before / move.path
            if target.is_dir():
                continue  # a person's
            there = read_file(target)
            ours = there is None or digest_of(there) == move.digest
            if os.path.lexists(old) and ours:
                target.parent.mkdir(parents=True, exist_ok=True)
                _put(str(old), str(target))
            elif move.new and ours:
                if there is not None:
                    patiently(target.unlink)
                self._prune(target)
        patiently(self._journal.unlink, missing_ok=True)

    def clear(self) -> None:
        """Delete what waited or was kept.

        Raises:
            OSError: it cannot be deleted.
        """
        self._waiting.clear()
        self._size = 0
        for folder in (self._next, self._before):
            if folder.exists() and not (folder == self._before and self._journal.exists()):
                patiently(shutil.rmtree, folder)

    def _put_aside(self) -> None:
        """Write what waits in memory."""
        for path, content in self._waiting.items():
            staged = self._coming + path
            try:
                self._make_folder(staged)
                with open(staged, "wb", buffering=0) as file:  # noqa: PTH123
                    _write_whole(file, content)
            except OSError as error:
                raise OutputError(
                    f"{self._folder / path} cannot be written: {error.strerror}", "Check permissions and free space"
                ) from error
        self._waiting.clear()

    def _announce(self, moves: Sequence[Move]) -> None:
        staged = self._next / _JOURNAL  # a journal is there as a whole or not at all
        staged.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps([move.path, move.digest, move.new]) + "\n" for move in moves)
        patiently(os.replace, staged, self._journal)  # atomic on every system

    def _announced(self) -> Iterator[Move]:
        for line in (read_file(self._journal) or b"").decode("utf-8", "replace").splitlines():
            try:
                path, digest, new = json.loads(line)
            except (ValueError, TypeError):
                continue  # not a line of ours
            if isinstance(path, str) and is_inside(path):
                yield Move(path, None if digest is None else str(digest), bool(new))

    def _move_folders(self, moves: Sequence[Move]) -> set[str]:
        """Move folders that are new as a whole, instead of each file in them; the files that were moved."""
        within: dict[str, list[Move]] = {}
        for move in moves:
            if (top := self._new_folder(move.path)) is not None:
                within.setdefault(top, []).append(move)
        whole: set[str] = set()
        for top, some in within.items():
            if all(move.new and move.digest is not None for move in some):
                try:
                    os.rename(self._coming + top, self._here + top)  # noqa: PTH104
                except OSError:
                    continue  # somebody has made it, or another disk begins there: file by file
                whole.update(move.path for move in some)
        return whole

    def _new_folder(self, path: str) -> str | None:
        """The uppermost folder of a path that is not there; None where all are."""
        folder = path.rpartition("/")[0]
        if folder not in self._tops:
            above = self._new_folder(folder) if folder else None
            is_new = above is None and bool(folder) and not os.path.lexists(self._here + folder)
            self._tops[folder] = folder if is_new else above
        return self._tops[folder]

    def _make(self, move: Move) -> None:
        target, old = self._here + move.path, self._going + move.path
        if not move.new:
            self._make_folder(old)
            _keep(target, old, leave=move.digest is not None)
        if move.digest is not None:
            self._make_folder(target)
            _put(self._coming + move.path, target)

    def _make_folder(self, file: str) -> None:
        """Make the folder of a file."""
        folder = file.rpartition("/")[0]
        if folder not in self._made:
            try:
                os.mkdir(folder)  # noqa: PTH102 a thousand of them, in a folder that is there
            except OSError:
                Path(folder).mkdir(parents=True, exist_ok=True)
            self._made.add(folder)

    def _prune(self, target: Path) -> None:
        """Remove the folders that a file left empty."""
        for parent in target.relative_to(self._folder).parents:
            if parent == parent.parent:
                break
            try:
                (self._folder / parent).rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                break  # something else is in it

    def _require_place(self, path: str) -> None:
        """Complain before anything is moved where something stands in the way."""
        folder = path.rpartition("/")[0]
        if folder in self._missing:
            return
        target = self._folder / path
        if target.is_dir():
            raise OutputError(f"{target} cannot be written: Is a directory", "Move it away and build again")
        if folder in self._checked:
            return
        (self._checked if target.parent.exists() else self._missing).add(folder)
        parent = next(folder for folder in target.parents if folder.exists() or folder == self._folder)
        if not parent.is_dir():
            raise OutputError(f"{parent} is a file where a folder is needed", "Move it away and build again")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(f"{parent} cannot be written: {os.strerror(errno.EACCES)}", "Check its permissions")


def _write_whole(file: FileIO, content: bytes) -> None:
    """Write everything; the system may take less at once."""
    done = file.write(content)
    while done < len(content):
        done += file.write(memoryview(content)[done:])


def _keep(target: str, old: str, leave: bool) -> None:
    """Keep a file; with `leave`, it also stays where it is until another takes its place."""
    if leave and not os.path.islink(target):  # noqa: PTH114
        try:
            os.link(target, old)  # who reads the site meanwhile never finds the file missing
            return
        except OSError:
            pass  # a file system without links
    _put(target, old)


def _put(source: str, target: str) -> None:
    """Move a file over another, atomically, also where a folder of the site lies on another disk."""
    try:
        patiently(os.replace, source, target)  # atomic on every system
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        folder, _, name = target.rpartition("/")
        temporary = f"{folder}/.{name}.tmp"
        shutil.copyfile(source, temporary)
        patiently(os.replace, temporary, target)
        Path(source).unlink()
