"""What a scenario says about its runs, and how a statement is looked up in a `run.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AS_OF = "2025-12-23T12:00:00"  # local time of the machine that recorded, like the times in the file

Expectation = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A small database and what must be known about each of its runs.

    `covers` names the defects it shows ("9.4" = row 4 of the dirty-data catalogue, "7.4c" a query defect);
    `forbidden` are texts that must not stand in any page, neither in its Markdown nor in the HTML made of it.
    """

    name: str
    build: Callable[[Path], None]
    expect: dict[str, Expectation]
    covers: tuple[str, ...] = ()
    as_of: str = AS_OF
    forbidden: tuple[str, ...] = ()


class Present:
    """Stands for any value that says something."""

    def __eq__(self, other: object) -> bool:
        return other is not None and other != "" and other != [] and other != {}

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<anything but nothing>"


@dataclass(frozen=True)
class Mentions:
    """Stands for any value that contains a text somewhere."""

    text: str

    def __eq__(self, other: object) -> bool:
        return self.text in json.dumps(other, ensure_ascii=False)

    __hash__ = None  # type: ignore[assignment]


PRESENT = Present()

# No file of any era holds these, so every run of every scenario must say so.
NEVER_RECORDED: Expectation = {
    "schema": 1,
    "summary.cpu_avg": None,
    "summary.cpu_max": None,
    "summary.kl_note": None,
    "summary.log_path": None,
    "not_recorded.cpu_avg": PRESENT,
    "not_recorded.cpu_max": PRESENT,
    "not_recorded.kl_note": PRESENT,
    "not_recorded.log_path": PRESENT,
}

NO_METRICS: Expectation = {
    "quality.rows": 0,
    "quality.canonical_rows": 0,
    "quality.phantom_rows": 0,
    "quality.contaminated_rows": 0,
    "quality.rollout_size": None,
    "quality.genuine_jumps": 0,
    "quality.gaps.len": 0,
    "summary.best_reward": None,
    "summary.final_reward": None,
    "summary.avg_fps": None,
    "summary.min_fps": None,
    "summary.max_fps": None,
    "summary.mem_avg": None,
    "summary.reward_delta": None,
    **{f"summary.rew_{percent}": None for percent in (10, 25, 50, 75, 100)},
    **{f"not_recorded.rew_{percent}": PRESENT for percent in (10, 25, 50, 75, 100)},
}

CLEAN: Expectation = {
    "quality.phantom_rows": 0,
    "quality.contaminated_rows": 0,
    "quality.superseded_rows": 0,
    "quality.restarts": 0,
    "quality.artefact_jumps": 0,
    "quality.genuine_jumps": 0,
    "quality.gaps.len": 0,
    "summary.backward_jump_count": 0,
}


def reached(**marks: tuple[int, float | None]) -> Expectation:
    """`at_10=(77_824, 1.1875)`: the milestone is reached, with this step and this reward."""
    found: Expectation = {}
    for name, (step, reward) in marks.items():
        percent = int(name.removeprefix("at_"))
        found[f"milestones.@{percent}.reached"] = True
        found[f"milestones.@{percent}.timestep"] = step
        found[f"milestones.@{percent}.reward"] = reward
        found[f"summary.rew_{percent}"] = reward
    return found


def missed(*percents: int) -> Expectation:
    """These milestones were never reached: no value, and a reason for that."""
    found: Expectation = {}
    for percent in percents:
        found[f"milestones.@{percent}.reached"] = False
        found[f"summary.rew_{percent}"] = None
        found[f"not_recorded.rew_{percent}"] = PRESENT
    return found


def session(number: int, start: int, first: int, last: int) -> Expectation:
    """One learn() call: where it began and its first and last table row."""
    path = f"quality.sessions.{number}"
    return {f"{path}.start_timestep": start, f"{path}.first_timestep": first, f"{path}.last_timestep": last}


def speed(avg: float, low: float, high: float) -> Expectation:
    """The three numbers of steps per second."""
    return {"summary.avg_fps": avg, "summary.min_fps": low, "summary.max_fps": high}


def rows(total: int, canonical: int, **others: int) -> Expectation:
    """How many rows are stored and how many of them count."""
    counts = {"rows": total, "canonical_rows": canonical, **others}
    return {f"quality.{name}": count for name, count in counts.items()}


def look_up(document: Any, path: str) -> Any:
    """Follow a dotted path; `@25` picks the list item with percent 25, `len` counts, a number indexes."""
    value = document
    for part in path.split("."):
        if isinstance(value, list) and part == "len":
            value = len(value)
        elif isinstance(value, list) and part.startswith("@"):
            value = next(item for item in value if item["percent"] == int(part[1:]))
        elif isinstance(value, list):
            value = value[int(part)]
        else:
            value = value[part]
    return value


def differences(document: Any, expected: Expectation) -> list[str]:
    """Every path whose value is not the expected one, in words."""
    found = []
    for path, wanted in expected.items():
        try:
            value = look_up(document, path)
        except (KeyError, IndexError, StopIteration, TypeError):
            found.append(f"{path}: not there, wanted {wanted!r}")
            continue
        if not _same(value, wanted):
            found.append(f"{path}: {value!r}, wanted {wanted!r}")
    return found


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
        return wanted == value if isinstance(wanted, Present | Mentions) else value is wanted
    if isinstance(wanted, int | float) and isinstance(value, int | float):
        return math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-12)
    return wanted == value
