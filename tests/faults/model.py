"""What a fault is, and how a build that met one is judged."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from support.expect import AS_OF
from support.rows import Clock, add_run, store, table_rows
from support.schema import database

BUILT = "built; every other run is there; its page says what is wrong"
SHOWN = "built; every other run is there; its page shows what can be read"
REFUSED = "one clear line, exit code 2; the docs folder as before"
EITHER = "built with every run that can be read, or refused in one line"
UNHARMED = "not built, one clear line or a kill; the docs folder as before, the next build complete"

HEALTHY = ("run-900d0001", "run-900d0002")
LARGEST_PAGE = 600_000  # bytes of Markdown; a page of a healthy run has about 30,000
Build = subprocess.CompletedProcess[str]
Documents = dict[str, tuple[dict[str, Any], str]]  # run.json and page, by run id


stride = 1  # every how many of a fault's variants are tried: the tests are content with fewer
_Variant = TypeVar("_Variant")


def some(variants: Iterable[_Variant]) -> list[_Variant]:
    """The variants that are tried."""
    return list(variants)[::stride]


@dataclass
class Tally:
    """How many variants of a fault were tried, and those that did not end as promised."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""

    def check(self, variant: str, complaints: Iterable[str]) -> None:
        self.tried += 1
        self.wrong += [f"{variant}: {complaint}" for complaint in complaints]


@dataclass(frozen=True)
class Fault:
    """A fault tried by itself; `attempt` gets an empty folder to work in."""

    name: str
    promise: str
    attempt: Callable[[Path], Tally]
    slow: bool = False


Variant = tuple[str, Callable[[sqlite3.Connection, str], None]]


@dataclass(frozen=True)
class RunFault:
    """A fault of single runs, many of which are built together.

    Attributes:
        variants: (name, what makes a run of that id in a database).
        says: what the page of each variant must say, as a regular expression.
        promise: what is said of it in the table.
    """

    name: str
    variants: tuple[Variant, ...]
    says: str
    promise: str = BUILT


def healthy_run(con: sqlite3.Connection, run_id: str, count: int = 12, **columns: Any) -> None:
    """A short run that nothing can be said against."""
    target = 4096 * count
    add_run(con, run_id, {"total_timesteps": target}, **({"end_time": Clock().iso(9.0 * count)} | columns))
    store(con, table_rows(run_id, range(1, count + 1), target=target))


def healthy_database(path: Path, run_ids: Sequence[str] = HEALTHY) -> Path:
    """A small database of healthy runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with database(path) as con:
        for run_id in run_ids:
            healthy_run(con, run_id)
    return path


def command(
    work: Path, *words: str | Path, before: Sequence[str] = (), program: Sequence[str] = ("-m", "runsum"), **how: Any
) -> Build:
    """`runsum build` in a folder, as its users type it; `before` are words of a program that starts it."""
    work.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [*before, sys.executable, *program, "build", "--as-of", AS_OF, "--json", *map(str, words)],
        cwd=work,
        env=os.environ | {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
        **how,
    )


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder with its content; folders have none."""
    return {
        file.relative_to(folder).as_posix(): None if file.is_dir() else file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_dir() or file.is_file()
    }


def judge_refusal(done: Build, names: str = "") -> list[str]:
    """What is wrong with a build that had to be refused."""
    lines = done.stderr.strip().splitlines()
    wrong = []
    if done.returncode != 2:
        wrong.append(f"exit code {done.returncode}, {lines[-1:]}")
    if len(lines) != 1 or not lines[0].startswith("runsum: "):
        wrong.append(f"{len(lines)} lines: {lines[-1:]}")
    if names not in done.stderr:
        wrong.append(f"does not name {names}: {lines[-1:]}")
    return wrong


def judge_same(before: dict[str, bytes | None], folder: Path) -> list[str]:
    """Whether a folder is as it was, byte for byte."""
    after = snapshot(folder)
    return [f"{path} changed" for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]


def documents(work: Path) -> Documents:
    """The run.json and the page of every run, by run id."""
    found = {}
    for file in sorted((work / "docs" / "runs").glob("*/run.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        found[document["run_id"]] = (document, (file.parent / "index.md").read_text(encoding="utf-8"))
    return found


def judge_healthy(found: Documents, run_ids: Sequence[str] = HEALTHY) -> list[str]:
    """Whether the healthy runs of a build are there and as healthy as they are."""
    wrong = []
    for run_id in run_ids:
        document = found.get(run_id, ({}, ""))[0]
        if not document:
            wrong.append(f"{run_id} is missing")
        elif document["problems"] or document["summary"]["best_reward"] != 0.75 or document["quality"]["rows"] != 12:
            wrong.append(f"{run_id} is not what it is: {document['problems']}")
    return wrong


def judge_page(found: Documents, run_id: str, says: str) -> list[str]:
    """Whether a run has a page of a sane size that says what is wrong."""
    if run_id not in found:
        return ["it has no page"]
    document, page = found[run_id]
    wrong = []
    if len(page.encode()) > LARGEST_PAGE:
        wrong.append(f"its page has {len(page.encode()):,} bytes")
    told = "\n".join(problem["text"] for problem in document["problems"])
    if not re.search(says, f"{page}\n{told}"):
        wrong.append(f"its page does not say {says!r}, its problems: {told[:300]!r}")
    return wrong
