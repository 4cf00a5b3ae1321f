"""What runsum.yml names and nobody finds: mostly typing errors, which no page would show."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from runsum.config import Settings
from runsum.model import RunDigest
from runsum.redact.redactor import Redactor
from runsum.report import Unmatched

_ALIKE = 0.75  # of 1: ALE/Brekout-v5 and ALE/Breakout-v5 have 0.97, Pong-v5 and Pong-v4 0.86


def find_unmatched(settings: Settings, digests: Sequence[RunDigest], keep: Redactor) -> list[Unmatched]:
    """A notes folder that is none, solved games that nobody played, models of no run.

    Args:
        settings: what runsum.yml says.
        digests: all runs of the archive.
        keep: takes out what must not be published.
    """
    games = {name for run in digests for name in (run.env_id, run.game) if name}
    runs = {run.run_id for run in digests}
    found = [*_notes(settings), *_solved(settings, games), *_models(settings, runs)]
    return [Unmatched(one.kind, keep.text(one.name), keep.text(one.close)) for one in found]


def _notes(settings: Settings) -> Iterator[Unmatched]:
    if settings.names_notes and not settings.notes_dir.is_dir():
        yield Unmatched("notes", str(settings.notes_dir))


def _solved(settings: Settings, games: set[str]) -> Iterator[Unmatched]:
    for name in settings.solved:
        if name not in games:
            yield Unmatched("solved", name, _close(name, games))


def _models(settings: Settings, runs: set[str]) -> Iterator[Unmatched]:
    for path in settings.publish_models:
        folders = path.split("/")
        if runs.isdisjoint(folders):
            yield Unmatched("publish_models", path, next(filter(None, (_close(one, runs) for one in folders)), ""))
        elif settings.project_root is None:
            yield Unmatched("no_root", path)


def _close(name: str, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, sorted(names), 1, _ALIKE)), "")
