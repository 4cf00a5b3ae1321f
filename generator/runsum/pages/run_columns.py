"""The columns of the run finder: what they are called, how they are printed, and their values for a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import NoneType

from markupsafe import Markup

from runsum.analysis.settings import plain
from runsum.archive.archive import Archive, ArchivedRun
from runsum.formatting import clean_text, cut, setting
from runsum.frozen import frozen
from runsum.model import Scalar
from runsum.pages.contract import Words
from runsum.traits import traits_of

CONFIG_COLUMNS = 150
"""Settings that become columns, the most frequent ones; an archive of many projects can hold thousands."""
_NOTE_LENGTH = 2000
_TEXT_LENGTH = 200
_MEASURED_DIGITS, _PUBLISHED_DIGITS = 6, 12  # the latter in run.json: what lies beyond is the noise of an addition


@frozen
class Column:
    """A column of the finder.

    Attributes:
        name: what the query line and the address call it.
        title: what its header says.
        kind: "text" (searched by its words), "category" (few values), "tags" (several values a run), "number", "time".
        format: name of the filter of :mod:`runsum.formatting` that prints it.
        group: "run" or "configuration".
        is_facet: whether its values stand beside the table with their counts.
        is_shown: whether it is shown before anybody chose.
        values: one per run; None where nothing is recorded, a tuple of words for tags.
    """

    name: str
    title: str
    kind: str
    format: str
    group: str
    is_facet: bool
    is_shown: bool
    values: Sequence[Scalar | tuple[str, ...]]


Value = Callable[[ArchivedRun], Scalar | tuple[str, ...]]

_FIXED: tuple[tuple[str, str, str, str, bool, bool, Value], ...] = (
    # name, title, kind, format, facet, shown, value
    ("run", "Run", "text", "", False, True, lambda run: _words(run.digest.run_id)),
    ("name", "Name", "text", "", False, False, lambda run: _words(run.digest.label)),
    ("curve", "Reward curve", "text", "spark", False, True, lambda run: traits_of(run.digest).spark_code),
    ("game", "Game", "category", "", True, True, lambda run: _name(run.digest.game)),
    ("env_id", "Environment", "category", "", False, False, lambda run: _name(run.digest.env_id)),
    ("algorithm", "Algorithm", "category", "", True, True, lambda run: _name(run.digest.algorithm)),
    ("preset", "Preset", "category", "", True, False, lambda run: _name(run.digest.preset)),
    ("state", "State", "category", "state", True, True, lambda run: str(run.digest.state)),
    ("verdict", "Verdict", "category", "", True, False, lambda run: run.advice.gate),
    ("health", "Health", "category", "", True, False, lambda run: str(run.health)),
    ("best_reward", "Best", "number", "reward", False, True, lambda run: run.digest.best_reward),
    ("final_reward", "Last", "number", "reward", False, True, lambda run: run.digest.final_reward),
    ("steps", "Steps", "number", "steps", False, True, lambda run: run.digest.current_timestep),
    ("progress", "Progress", "number", "percent", False, True, lambda run: measured(run.digest.progress_pct)),
    ("started", "Started", "time", "when", False, True, lambda run: _name(run.digest.started_at)),
    ("active", "Last active", "time", "when", False, False, lambda run: _name(run.digest.last_activity_at)),
    ("trained_h", "Trained", "number", "hours", False, False, lambda run: measured(run.digest.trained_h)),
    ("target", "Target steps", "number", "steps", False, False, lambda run: run.digest.target_timesteps),
    ("best_at", "Best at", "number", "steps", False, False, lambda run: run.digest.best_reward_timestep),
    ("speed", "Speed", "number", "speed", False, False, lambda run: measured(run.digest.speed)),
    ("gpu", "GPU", "number", "whole_percent", False, False, lambda run: _number(run, "gpu_avg")),
    ("energy_kwh", "GPU energy", "number", "kwh", False, False, lambda run: measured(run.digest.energy_kwh)),
    ("tag", "Tags", "tags", "", True, False, lambda run: tuple(map(_words, run.digest.tags))),
    ("lineage", "Lineage", "category", "lineage", True, False, lambda run: run.lineage_page),
    ("leg", "Leg", "number", "exact", False, False, lambda run: run.kin.leg),
    ("problems", "Oddities", "number", "exact", False, False, lambda run: len(run.problems)),
    ("source", "Source", "category", "", True, False, lambda run: _words(run.digest.source)),
    ("error", "Failure", "text", "", False, False, lambda run: _failure(run)),
)  # fmt: skip


def find_columns(archive: Archive, notes: Mapping[str, Markup], words: Words) -> list[Column]:
    """All columns that at least one run fills, the run's own ones first.

    Args:
        archive: the runs, in the order of the rows.
        notes: the persons' notes by run id, as safe HTML.
        words: says a phrase.
    """
    runs = archive.runs
    several = len(archive.sources) > 1
    columns = [
        Column(
            name, title, kind, how, "run", is_facet, is_shown or (name == "source" and several),
            tuple(value(run) for run in runs),
        )
        for name, title, kind, how, is_facet, is_shown, value in _FIXED
    ]  # fmt: skip
    about = [None if (known := run.best_of) is None else words(known) for run in runs]
    columns.append(Column("best_of", "About the best", "category", "", "run", False, False, about))
    columns.append(Column("note", "Notes", "text", "", "run", False, False, [_notes(run, notes) for run in runs]))
    taken = {column.name for column in columns}
    columns = [c for c in columns if c.is_shown or any(value is not None and value != () for value in c.values)]
    return columns + _settings(runs, taken)


def _settings(runs: Sequence[ArchivedRun], taken: set[str]) -> list[Column]:
    """A column for each setting; one that every run lacks is none."""
    configs = [run.digest.config for run in runs]
    counts = Counter(name for config in configs for name, value in config.items() if value.value is not None)
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[:CONFIG_COLUMNS]
    columns = []
    for name in sorted(frequent):
        values = [None if (found := config.get(name)) is None else _setting(found.value) for config in configs]
        is_number = set(map(type, values)) <= {int, float, NoneType}
        kind = "number" if is_number else "category"
        shown = values if is_number else [None if value is None else _setting_words(value) for value in values]
        label = _label(name, taken)
        taken.add(label)
        columns.append(Column(label, label, kind, "setting", "configuration", False, False, shown))
    return columns


def _label(name: str, taken: set[str]) -> str:
    """What a setting is called in the table: no other column is called so, whatever the names of settings are."""
    words = _words(name).strip() or "?"
    label = unique = words if words not in taken else f"config.{words}"
    number = 2
    while unique in taken:
        unique, number = f"{label} ({number})", number + 1
    return unique


def _setting(value: object) -> Scalar:
    return _scalar(value) if isinstance(value, str | int | float) else plain(value)


@lru_cache(maxsize=4_096, typed=True)  # a large archive has a million, most of them shared; True is not 1
def _scalar(value: str | int | float) -> Scalar:
    found = plain(value)
    if isinstance(found, bool):
        return setting(found)
    return found if not isinstance(found, float) or math.isfinite(found) else str(found)


@lru_cache(maxsize=4_096, typed=True)
def _setting_words(value: Scalar) -> str:
    return _words(setting(value))


def measured(value: float | None) -> float | None:
    """A measured number with six significant digits, or as many as it takes not to read as one of fewer.

    The table shows three. A limit that somebody writes has five at most, and the number stays on its side of it:
    100.0011 is above 100.

    Args:
        value: in any unit; None where nothing is known.

    Returns:
        The number for the data file; None where it is missing or not finite.
    """
    if value is None or not math.isfinite(value):
        return None
    shorter = float(f"{value:.{_MEASURED_DIGITS - 1}g}")
    rounded = (float(f"{value:.{digits}g}") for digits in range(_MEASURED_DIGITS, _PUBLISHED_DIGITS + 1))
    return next((number for number in rounded if number != shorter), shorter)


def _number(run: ArchivedRun, name: str) -> float | None:
    value = run.fact(name).value
    return measured(float(value)) if isinstance(value, int | float) else None


def _words(text: str, length: int = _TEXT_LENGTH) -> str:
    return cut(text, length)


def _name(text: str | None) -> str | None:
    return None if text is None else _words(text)


def _failure(run: ArchivedRun) -> str | None:
    words = run.fact("error_summary_if_failed").words
    line = None if words is None else words.values.get("line")
    return None if line is None else _words(str(line), _NOTE_LENGTH)


def _notes(run: ArchivedRun, notes: Mapping[str, Markup]) -> str | None:
    """Everything that a person wrote about a run."""
    digest = run.digest
    said = [
        str(notes.get(digest.run_id, Markup("")).striptags()),
        *(note.text for note in digest.annotations),
        digest.description or "",
        *digest.status_notes,
    ]
    text = " · ".join(words for words in (clean_text(part).strip() for part in said) if words)
    return cut(text, _NOTE_LENGTH) or None
