"""Whether a build would change anything at all: seen without reading a row, in a tenth of a second for 1,000 runs.

At the end of a build is written down how everything looked that it depends on, and how its files look. As long as all
of it looks the same, the next build is over before it begins.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runsum.clock import Asked, AsOf, still_holds
from runsum.config import DatabasePath, MkdocsFacts, Settings
from runsum.fingerprints import settings_print
from runsum.frozen import frozen
from runsum.looks import Look, Signature, look_of, signature
from runsum.placing import put_whole
from runsum.report import BuildReport
from runsum.source.changes import state_of


@frozen
class Depends:
    """What a build has found out about what it depends on besides its inputs.

    Attributes:
        asked: what was asked of the clock.
        files: files and folders below the project root, and how they looked.
        is_whole: whether every run could be read.
    """

    asked: tuple[Asked, ...]
    files: Mapping[str, Signature]
    is_whole: bool = True


class Freshness:
    """Remembers the last build of a docs folder.

    Args:
        file: where it is written down.
        databases, settings, site: the inputs of the build.
    """

    def __init__(self, file: Path, databases: Sequence[DatabasePath], settings: Settings, site: MkdocsFacts) -> None:
        self._file = file
        self._docs = site.docs_dir
        self._inputs = _inputs(databases, settings, site)

    def last(self, now: AsOf) -> dict[str, Any] | None:
        """The report of the last build, if another one would change nothing."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            checksum, text = self._file.read_text(encoding="utf-8").split("\n", 1)
            if checksum != hashlib.sha256(text.encode()).hexdigest():
                return None
            data = json.loads(text)
            if data["inputs"] == self._inputs and self._holds(data, now):
                report: dict[str, Any] = data["report"]
                return report
        return None

    def remember(self, report: BuildReport, depends: Depends, looks: Mapping[str, Look]) -> None:
        """Write down a build; where nothing can be written, the next one looks for itself.

        Args:
            report: what it did.
            depends: what it depends on.
            looks: how its files look, by path below the docs folder.
        """
        self.forget()
        if report.kept or report.left or not depends.is_whole:
            return  # the hint to files changed by hand is worth a build, and so is a run that could not be read
        data = {
            "inputs": self._inputs,
            "asked": depends.asked,
            "files": depends.files,
            "docs": looks,
            "report": asdict(report),
        }
        text = json.dumps(data, separators=(",", ":"))
        put_whole(self._file, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}".encode())

    def forget(self) -> None:
        """Believe in nothing until the next build has ended."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _holds(self, data: dict[str, Any], now: AsOf) -> bool:
        home = self._docs / ".runsum"
        return (
            not (home / "journal").exists()
            and still_holds(tuple(Asked(*one) for one in data["asked"]), now)
            and all(_same(signature(path), look) for path, look in data["files"].items())
            and all(_same(look_of(self._docs / path), look) for path, look in data["docs"].items())
        )


def _inputs(databases: Sequence[DatabasePath], settings: Settings, site: MkdocsFacts) -> str:
    """A fingerprint of everything that a build is told and of how its inputs look."""
    told = [
        settings_print(settings),
        [(os.path.realpath(entry.path), entry.name, state_of(entry.path)) for entry in databases],
        [str(site.docs_dir), site.site_url, site.site_name, os.path.realpath(settings.notes_dir)],
        [settings.names_notes, settings.notes_dir.is_dir(), *_notes(settings.notes_dir)],
        str(settings.project_root),
    ]
    return hashlib.sha256(json.dumps(told, default=str).encode("utf-8", "surrogatepass")).hexdigest()


def _notes(folder: Path) -> Iterable[tuple[str, Signature]]:
    with contextlib.suppress(OSError):
        for entry in sorted(folder.iterdir()):
            yield entry.name, signature(str(entry))


def _same(now: tuple[int, ...] | None, then: Sequence[int] | None) -> bool:
    return (None if now is None else list(now)) == then
