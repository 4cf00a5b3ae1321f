"""The only room that writes: a docs folder of which runsum owns what it wrote, and nothing else.

`.runsum/manifest.json` lists the files with their digests. A file is written only when its content changed. A build
is written aside and moved into place at its end, as a whole (`runsum.site.moving`): after one that failed, was
interrupted or was killed, the folder holds the site of the last build that ended. Only one build writes at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from runsum.errors import OutputError
from runsum.looks import Look, look_of
from runsum.site.lock import FolderLock
from runsum.site.moving import Move, Mover
from runsum.site.paths import digest_of, is_inside, is_portable, read_file

_HOME = ".runsum"
_MANIFEST = f"{_HOME}/manifest.json"
_LOCK = "lock"
_FORMAT = 1


@dataclass(slots=True)
class WriteReport:
    """What a build did to the docs folder; paths relative to it.

    Attributes:
        kept: files that somebody changed by hand, of which the build has another version.
        left: such files that belong to nothing any more, of a run that is gone for example.
    """

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class SiteWriter:
    """Writes one build into a docs folder; used with `with`, it leaves the folder as it was unless `finish` is reached.

    Args:
        folder: the docs folder; made when missing.
        known: how the files of the last build looked when it ended, by path (see `looks`): a file that still looks so
            is not read again.

    Raises:
        BusyError: another build is writing the folder.
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, known: Mapping[str, Look] | None = None) -> None:
        self.folder = folder
        self._here = f"{folder}/"
        self._known = known or {}
        self.report = WriteReport()
        self._home = folder / _HOME
        self._made = [place for place in (self._home, *self._home.parents) if not place.exists()]
        self._lock = FolderLock(self._home / _LOCK, folder)
        self._mover = Mover(folder, self._home)
        self._staged: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._looks: dict[str, Look] = {}  # of files that were there as they are to be
        self._names: dict[str, str] = {}
        self._folders: dict[str, bool] = {}  # whether they are there
        self._open()
        try:
            self._repair()
            self._owned = self._read_owned()
        except BaseException:
            self.abandon()
            raise

    def __enter__(self) -> SiteWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def write(self, path: str, content: bytes) -> None:
        """Take a file into the build, unless it is there already; each path once per build."""
        if not is_inside(path):
            raise AssertionError(f"{path} leaves the docs folder")
        if not is_portable(path):
            raise AssertionError(f"{path} is no file name on Windows")
        name = path.casefold()  # one file where upper and lower case are the same
        if name in self._names:
            raise AssertionError(f"two pages want to be {path} (the other: {self._names[name]})")
        self._names[name] = path
        digest = digest_of(content)
        self._seen[path] = digest
        there = self._digest_there(path)
        if there == digest:
            self.report.unchanged += 1
        elif there not in (None, self._owned.get(path)) and self._is_persons(path, self._read(path)):
            self.report.kept.append(path)
        else:
            self._mover.stage(path, content)
            self._staged[path] = digest

    def keep(self, files: Mapping[str, str]) -> bool:
        """Take files of the last build into this one as they are, if all are there and nobody has changed one.

        Args:
            files: paths with the SHA-256 that their contents must have.
        """
        for path, digest in files.items():
            owned = self._owned.get(path)
            if digest != owned or self._digest_there(path) != digest:
                return False
        for path in files:
            self._names[path.casefold()] = path
            self._seen[path] = self._owned[path]
        self.report.unchanged += len(files)
        return True

    def digests(self, paths: Iterable[str]) -> dict[str, str]:
        """The SHA-256 of files that this build has taken."""
        return {path: self._seen[path] for path in paths}

    def looks(self) -> dict[str, Look]:
        """How the files of this build look now that it has ended, by path.

        One that was there already is told as it was found: if it has changed since, the next build reads it again.
        """
        looks = {}
        kept = set(self.report.kept)
        for path in self._seen:
            if path in kept:
                continue  # what a person wrote is read each time
            found = None if path in self._staged else self._looks.get(path)
            look = found or look_of(self._here + path)
            if look is not None:
                looks[path] = look
        return looks

    def finish(self) -> WriteReport:
        """Move the build into place, remove files of earlier builds that it has not, and record what is owned now.

        Raises:
            OutputError: it cannot be moved; the folder is as it was.
        """
        self._folders.clear()  # somebody may have made one meanwhile
        old = [path for path in sorted(self._owned) if path not in self._seen and not self._is_renamed(path)]
        gone = [move for path in old for move in self._plan_removal(path)]
        moves = [*gone, *(move for path, digest in self._staged.items() for move in self._plan(path, digest))]
        owned = self._owned_now()
        text = json.dumps({"format": _FORMAT, "files": dict(sorted(owned.items()))}, indent=0, ensure_ascii=False)
        manifest = f"{text}\n".encode()
        there = self._read(_MANIFEST)
        if there != manifest:
            self._mover.stage(_MANIFEST, manifest)
            moves.append(Move(_MANIFEST, digest_of(manifest), new=there is None))
        if moves:
            self._mover.commit(moves)
        self._made.clear()  # the folder is the site's now
        self.report.written += [move.path for move in moves if move.digest and move.path != _MANIFEST]
        self.report.removed += [move.path for move in gone]
        self.abandon()
        return self.report

    def _owned_now(self) -> dict[str, str]:
        """The files of this build; of one changed by hand what it was, so that it is told of as long as it is there."""
        persons = {*self.report.kept, *self.report.left}
        known = {path: self._owned[path] for path in persons if path in self._owned}
        return {path: digest for path, digest in self._seen.items() if path not in persons} | known

    def abandon(self) -> None:
        """Forget what was not finished, and let other builds in; again is harmless."""
        with contextlib.suppress(OSError):  # the next build clears it
            self._mover.clear()
        if self._home in self._made:
            with contextlib.suppress(OSError):
                self._lock.remove()
        self._unmake()
        self._lock.release()

    def _open(self) -> None:
        """Make the folder and lock it."""
        if self.folder.is_symlink() and not os.path.exists(self.folder):  # noqa: PTH110 - False where it leads to itself
            raise OutputError(f"{self.folder} is a link that leads nowhere", "Make the folder it names, or delete it")
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            self._unmake()
            raise OutputError(
                f"{self.folder} cannot be written: {error.strerror}", "Check docs_dir in mkdocs.yml and its permissions"
            ) from error
        except OutputError:
            self._unmake()
            raise

    def _unmake(self) -> None:
        """Remove the folders that were made for a build that did not come to its end."""
        for place in self._made:
            with contextlib.suppress(OSError):
                place.rmdir()
        self._made.clear()

    def _repair(self) -> None:
        """Take back what a build that was killed had moved, and clear what it left."""
        try:
            self._mover.undo()
            self._mover.clear()
        except OSError as error:
            raise OutputError(
                f"{error.filename or self._home} is of a build that was interrupted and cannot be put back: "
                f"{error.strerror}",
                "Check permissions and free space",
            ) from error

    def _read_owned(self) -> dict[str, str]:
        """The digest of every file of the last build, by path."""
        try:
            data = json.loads(self._read(_MANIFEST) or b"{}")
            files = data["files"] if data.get("format") == _FORMAT else {}
            return {str(path): str(digest) for path, digest in files.items() if is_inside(str(path))}
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return {}  # a damaged manifest owns nothing: files that differ are kept and named

    def _digest_there(self, path: str) -> str | None:
        """The SHA-256 of what is there; that of a file which looks as it did is known."""
        known, owned = self._known.get(path), self._owned.get(path)
        if known is not None and owned is not None:
            look = look_of(self._here + path)
            if look == tuple(known):
                self._looks[path] = look
                return owned
        there = self._read(path) if self._has_folder(path) else None
        return None if there is None else digest_of(there)

    def _has_folder(self, path: str) -> bool:
        """Whether the folder of a file is there; where it is not, the file need not be looked for."""
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self._folders[folder] = os.path.isdir(self._here + folder)  # noqa: PTH112
        return self._folders[folder]

    def _is_persons(self, path: str, there: bytes | None) -> bool:
        """Whether it is not ours: not even as Git gives it to Windows, with other ends of lines."""
        owned = self._owned.get(path)
        return there is not None and owned not in (digest_of(there), digest_of(there.replace(b"\r\n", b"\n")))

    def _plan(self, path: str, digest: str) -> list[Move]:
        """The move of a file that waits, unless somebody changed its place while the build went on."""
        there = self._read(path) if self._has_folder(path) else None
        if self._is_persons(path, there):
            self.report.kept.append(path)
            return []
        return [Move(path, digest, new=there is None)]

    def _is_renamed(self, path: str) -> bool:
        """Whether a file of this build is the same one: to Windows and macOS, upper and lower case are one name."""
        name = self._names.get(path.casefold())
        try:
            return name is not None and os.path.samefile(self._here + path, self._here + name)  # noqa: PTH121
        except OSError:
            return False

    def _plan_removal(self, path: str) -> list[Move]:
        there = self._read(path)
        if there is None:
            return []
        if self._is_persons(path, there):
            self.report.left.append(path)
            return []
        return [Move(path, None)]

    def _read(self, path: str) -> bytes | None:
        target = self._here + path
        try:
            return read_file(target)
        except OSError as error:
            raise OutputError(
                f"{target} cannot be read: {error.strerror}", "Check its permissions, or move it away"
            ) from error
