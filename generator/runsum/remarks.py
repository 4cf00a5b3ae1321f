"""What a person may want to correct: names in runsum.yml that nobody finds, which no page would show, and notes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from runsum.config import Settings
from runsum.model import RunDigest
from runsum.redact.redactor import Redactor
from runsum.report import Remark
from runsum.source.project_tree import printable

_ALIKE = 0.75  # of 1: ALE/Brekout-v5 and ALE/Breakout-v5 have 0.97, Pong-v5 and Pong-v4 0.86


def find_remarks(
    settings: Settings, digests: Sequence[RunDigest], garbled: Iterable[Path], keep: Redactor
) -> list[Remark]:
    """A notes folder that is none, solved games that nobody played, models of no run, notes that are no text.

    Args:
        settings: what runsum.yml says.
        digests: all runs of the archive.
        garbled: notes that could not be read as they are.
        keep: takes out what must not be published.
    """
    games = {name for run in digests for name in (run.env_id, run.game) if name}
    runs = {run.run_id for run in digests}
    found = [*_notes(settings), *_solved(settings, games), *_models(settings, runs)]
    found += [Remark("encoding", printable(str(file))) for file in garbled]
    return [Remark(one.kind, keep.text(one.name), keep.text(one.close)) for one in found]


def _notes(settings: Settings) -> Iterator[Remark]:
    if settings.names_notes and not settings.notes_dir.is_dir():
        yield Remark("notes", str(settings.notes_dir))


def _solved(settings: Settings, games: set[str]) -> Iterator[Remark]:
    for name in settings.solved:
        if name not in games:
            yield Remark("solved", name, _close(name, games))


def _models(settings: Settings, runs: set[str]) -> Iterator[Remark]:
    for path in settings.publish_models:
        folders = path.split("/")
        if runs.isdisjoint(folders):
            yield Remark("publish_models", path, next(filter(None, (_close(one, runs) for one in folders)), ""))
        elif settings.project_root is None:
            yield Remark("no_root", path)


def _close(name: str, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, sorted(names), 1, _ALIKE)), "")
