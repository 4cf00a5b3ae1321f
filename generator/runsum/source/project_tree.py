"""Files below a project root, read safely.

A `Tree` is the only door to the disk: whatever leaves the root is refused, a folder is listed once, a
document has a size limit, and what cannot be read becomes a `Problem`.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Container, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from runsum.formatting import shortened
from runsum.frozen import frozen
from runsum.looks import Signature, signature
from runsum.model import Problem, problem
from runsum.redact.redactor import Redactor

MAX_ENTRIES = 2_000  # of one folder
MAX_DOCUMENT_BYTES = 1_000_000
MAX_DEPTH = 50  # libyaml's C loader crashes on deep nesting instead of raising
MAX_VALUES = 50_000  # YAML aliases can unfold a small file into billions of values
MAX_TEXT = 2_000
_LONGEST = MAX_TEXT + 800  # what is looked at for secrets: one may lie across the cut

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Ill-typed tags leak plain Python errors: "!!int ''" is an IndexError, "!!timestamp x" an AttributeError.
_PARSE_ERRORS = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)

_NUMBERS = re.compile(r"(\d+)")


@frozen
class Entry:
    """A regular file: its path for people and the real one."""

    path: str
    file: Path
    size_bytes: int
    modified_at: str | None


class Witness:
    """What was asked of the disk and of the other runs, so that it can be asked again."""

    def __init__(self) -> None:
        self.files: dict[str, Signature] = {}
        self.names: dict[str, bool] = {}

    def look(self, path: Path) -> None:
        """Remember how a file or folder looks, or that there is none."""
        if (name := str(path)) not in self.files:
            self.files[name] = signature(name)

    def among(self, names: Container[str]) -> Names:
        """The same names; what is asked of them is remembered."""
        return Names(names, self.names)


class Names:
    """A set of names that can only be asked, and remembers it."""

    def __init__(self, names: Container[str], asked: dict[str, bool]) -> None:
        self._names = names
        self._asked = asked

    def __contains__(self, name: object) -> bool:
        return self._asked.setdefault(str(name), name in self._names)


class _UnreadableError(Exception):
    """Why a document cannot be used: a word for the wording and the line, where there is one."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Tree:
    """Everything that is looked up below one project root for one run."""

    def __init__(self, root: Path, keep: Redactor | None = None, witness: Witness | None = None) -> None:
        self.keep = keep or Redactor()
        self._witness = witness or Witness()
        self.root = Path(os.path.realpath(root))
        self.problems: list[Problem] = []
        self.looked_in: dict[str, None] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._documents: dict[Path, dict[str, object]] = {}

    def report(self, kind: str, **values: object) -> None:
        """Keep a problem, once."""
        found = problem(kind, **values)
        if found not in self.problems:
            self.problems.append(found)

    def find(self, path: str) -> Entry | None:
        """Return the regular file at `path`, or None."""
        file = self._resolve(path)
        if file is None:
            return None
        try:
            facts = file.stat()
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(facts.st_mode):
            return None
        return Entry(printable(path), file, facts.st_size, _utc(facts.st_mtime))

    def files(self, folder: str, keep: Callable[[str], bool]) -> tuple[Entry, ...]:
        """List the regular files of a folder whose name is wanted, in natural order."""
        found = (self.find(f"{folder}/{name}") for name in self._wanted(folder, keep))
        return tuple(entry for entry in found if entry is not None)

    def folders(self, folder: str, keep: Callable[[str], bool]) -> tuple[str, ...]:
        """List the folders of a folder whose name is wanted, in natural order."""
        paths = (f"{folder}/{name}" for name in self._wanted(folder, keep))
        return tuple(path for path in paths if (place := self._resolve(path)) is not None and place.is_dir())

    def document(self, entry: Entry, kind: str, formats: Sequence[str]) -> dict[str, object]:
        """Read a mapping of plain values; {} and a problem of `kind` when that is not what the file holds.

        Args:
            entry: the file.
            kind: of the problem; its values are `path`, `reason` ("unreadable" | "too_big" | "syntax" |
                "too_deep" | "not_a_mapping") and `line`.
            formats: "json", "yaml", tried in this order.
        """
        if entry.file not in self._documents:
            try:
                self._documents[entry.file] = self._published(kind, _mapping_of(_read_text(entry), formats))
            except _UnreadableError as error:
                self._documents[entry.file] = {}
                self.report(kind, path=entry.path, reason=error.reason, line=error.line)
        return self._documents[entry.file]

    def _published(self, kind: str, document: dict[str, object]) -> dict[str, object]:
        """A document without what must not be published, and only then cut to length."""
        clean = self.keep.value(document, "files", kind.removesuffix("_unreadable"))
        return {key: _cut(value) for key, value in clean.items()} if isinstance(clean, dict) else {}

    def _wanted(self, folder: str, keep: Callable[[str], bool]) -> tuple[str, ...]:
        names = sorted((name for name in self._listed(folder) if keep(name)), key=natural)
        if len(names) > MAX_ENTRIES:
            # The names count up (steps, times, segments): the last ones are the newest.
            self.report("folder_too_big", path=folder, entries=len(names), read=MAX_ENTRIES)
        return tuple(names[-MAX_ENTRIES:])

    def _listed(self, folder: str) -> tuple[str, ...]:
        if folder not in self._names:
            self.looked_in.setdefault(folder)
            self._names[folder] = self._list(folder)
        return self._names[folder]

    def _list(self, folder: str) -> tuple[str, ...]:
        place = self._resolve(folder)
        if place is None:
            return ()
        try:
            return tuple(found.name for found in place.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except (OSError, ValueError):
            self.report("folder_unreadable", path=folder)
            return ()

    def _resolve(self, path: str) -> Path | None:
        """The real file behind a path below the root; None, and a problem, where a link leads out."""
        try:
            file = Path(os.path.realpath(self.root / path))
        except (OSError, ValueError):
            return None
        self._witness.look(self.root / path)
        if file.is_relative_to(self.root):
            return file
        self._report_link(path)
        return None

    def _report_link(self, path: str) -> None:
        """Name the link that leads out, not every file behind it."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            start = "/".join(parts[:end])
            if not Path(os.path.realpath(self.root / start)).is_relative_to(self.root):
                self.report("outside_root", path=printable(start))
                return


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Sort key that puts episode-9 before episode-10."""
    parts = _NUMBERS.split(name)
    return [(part.isdecimal(), int(part[:400]) if part.isdecimal() else 0, part) for part in parts], name


def printable(text: str) -> str:
    """Replace what cannot be written as UTF-8 (a file name in an older encoding)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _utc(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None


def _read_text(entry: Entry) -> str:
    try:
        with entry.file.open("rb") as stream:
            data = stream.read(MAX_DOCUMENT_BYTES + 1)
    except OSError:
        raise _UnreadableError("unreadable") from None
    if len(data) > MAX_DOCUMENT_BYTES:
        raise _UnreadableError("too_big")
    return data.decode("utf-8-sig", errors="replace")


def _mapping_of(text: str, formats: Sequence[str]) -> dict[str, object]:
    value: object = None
    for number, name in enumerate(formats, 1):
        try:
            value = _json(text) if name == "json" else _yaml(text)
            break
        except _UnreadableError:
            if number == len(formats):
                raise
    if not isinstance(value, dict):
        raise _UnreadableError("not_a_mapping")
    return value


def _json(text: str) -> object:
    try:
        return _plain(json.loads(text), [MAX_VALUES])
    except json.JSONDecodeError as error:
        raise _UnreadableError("syntax", error.lineno) from None
    except RecursionError:
        raise _UnreadableError("too_deep") from None
    except ValueError:
        raise _UnreadableError("syntax") from None


def _yaml(text: str) -> object:
    try:
        _check_nesting(text)
        return _plain(yaml.load(text, Loader=_LOADER), [MAX_VALUES])  # _LOADER is a safe one
    except _PARSE_ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        raise _UnreadableError("syntax", mark.line + 1 if mark else None) from None


def _check_nesting(text: str) -> None:
    """Refuse what would crash the C loader or unfold without end; events are read without recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        # A merge of merges grows while it is loaded; the recorder never writes one.
        if depth > MAX_DEPTH or (isinstance(event, yaml.ScalarEvent) and event.value == "<<"):
            raise _UnreadableError("too_deep")


def _cut(value: object) -> object:
    if isinstance(value, dict):
        return {key[:MAX_TEXT]: _cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return shortened(value, MAX_TEXT) if isinstance(value, str) else value


def _plain(value: object, left: list[int], depth: int = 0) -> object:
    """Copy a parsed document into str, int, float, bool, None, list and dict with str keys."""
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise _UnreadableError("too_deep")
    if isinstance(value, dict):
        return {printable(str(key))[:_LONGEST]: _plain(item, left, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, left, depth + 1) for item in value]
    if isinstance(value, str):
        return printable(value)[:_LONGEST]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):  # also a bool
        return value if abs(value) < 2**63 else str(value)[:MAX_TEXT]
    return None
