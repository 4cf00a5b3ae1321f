"""The only room that writes: a docs folder of which runsum owns what it wrote, and nothing else.

`.runsum/manifest.json` lists the files with their digests. A file is written only when its content changed, each
atomically. While a build runs, every write is announced in a journal first, so that a build that was killed leaves
nothing that the next one would mistake for a person's file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from runsum.errors import OutputError

_HOME = ".runsum"
_MANIFEST = "manifest.json"
_JOURNAL = "journal"
_FORMAT = 1


@dataclass(slots=True)
class WriteReport:
    """What a build did to the docs folder; paths relative to it."""

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class SiteWriter:
    """Writes one build into a docs folder.

    Args:
        folder: the docs folder; made when missing.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = WriteReport()
        self._home = folder / _HOME
        try:
            self._home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder} cannot be written: {error.strerror}",
                "Check docs_dir in mkdocs.yml and its permissions",
            ) from error
        self._owned = self._read_owned()
        self._seen: dict[str, str] = {}

    def write(self, path: str, content: bytes) -> None:
        """Write a file unless it is there already; each path once per build."""
        if path in self._seen:
            raise AssertionError(f"two pages want to be {path}")
        if not _is_inside(path):
            raise AssertionError(f"{path} leaves the docs folder")
        digest = _digest(content)
        self._seen[path] = digest
        target = self.folder / path
        there = self._read(target)
        if there == content:
            self.report.unchanged += 1
            return
        if there is not None and _digest(there) not in self._owned.get(path, ()):
            self.report.kept.append(path)
            return
        self._announce(path, digest)
        self._replace(target, content)
        self.report.written.append(path)

    def finish(self) -> WriteReport:
        """Remove files of earlier builds that this one did not write, and record what is owned now."""
        for path in sorted(self._owned):
            if path not in self._seen:
                self._remove(path)
        owned = {path: digest for path, digest in self._seen.items() if path not in self.report.kept}
        manifest = {"format": _FORMAT, "files": dict(sorted(owned.items()))}
        text = json.dumps(manifest, indent=0, ensure_ascii=False) + "\n"
        target = self._home / _MANIFEST
        if self._read(target) != text.encode():
            self._replace(target, text.encode())
        (self._home / _JOURNAL).unlink(missing_ok=True)
        return self.report

    def _read_owned(self) -> dict[str, tuple[str, ...]]:
        """Digests that are ours, by path: of the last finished build and of one that was interrupted."""
        owned: dict[str, tuple[str, ...]] = {}
        try:
            data = json.loads((self._home / _MANIFEST).read_text(encoding="utf-8"))
            files = data["files"] if data.get("format") == _FORMAT else {}
            owned = {str(path): (str(digest),) for path, digest in files.items() if _is_inside(str(path))}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            pass  # a damaged manifest owns nothing: files that differ are kept and named
        for path, digest in self._journal():
            owned[path] = (*owned.get(path, ()), digest)
        return owned

    def _journal(self) -> Iterator[tuple[str, str]]:
        try:
            lines = (self._home / _JOURNAL).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        for line in lines:
            digest, _, path = line.partition(" ")
            if len(digest) == 64 and _is_inside(path):
                yield path, digest

    def _announce(self, path: str, digest: str) -> None:
        try:
            with (self._home / _JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(f"{digest} {path}\n")
        except OSError as error:
            raise OutputError(
                f"{self._home} cannot be written: {error.strerror}", "Check its permissions and free space"
            ) from error

    def _replace(self, target: Path, content: bytes) -> None:
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            os.replace(temporary, target)  # noqa: PTH105 atomic on every system
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise OutputError(
                f"{target} cannot be written: {error.strerror}", "Check permissions and free space"
            ) from error

    def _read(self, target: Path) -> bytes | None:
        try:
            return target.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None  # what stands in the way is named when it is written to
        except OSError as error:
            raise OutputError(f"{target} cannot be read: {error.strerror}", "Check its permissions") from error

    def _remove(self, path: str) -> None:
        target = self.folder / path
        there = self._read(target)
        if there is None:
            return
        if _digest(there) not in self._owned[path]:
            self.report.kept.append(path)
            return
        try:
            target.unlink()
        except OSError as error:
            raise OutputError(f"{target} cannot be removed: {error.strerror}", "Check its permissions") from error
        self.report.removed.append(path)
        for parent in target.relative_to(self.folder).parents:
            folder = self.folder / parent
            if folder == self.folder or any(folder.iterdir()):
                break
            folder.rmdir()


def _is_inside(path: str) -> bool:
    """Whether a path stays in the docs folder; a manifest may come from anybody's hands."""
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and not PureWindowsPath(path).drive


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
