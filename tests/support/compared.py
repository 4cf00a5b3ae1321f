"""A small archive for the tests of the comparison: a lineage, a repetition, another game, and two runs of one id."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.expect import AS_OF
from support.packed import read_script
from support.rows import START, Clock, Reward, add_run, climb, store, table_rows
from support.schema import database

ROOT, CHILD, SIBLING = "run-c0000001", "run-c0000002", "run-c0000003"
GRANDCHILD, REPEATED, PONG, EMPTY = "run-c0000004", "run-c0000005", "run-c0000006", "run-c0000007"
TWIN = "run-c0000008"  # in both databases
MANY = tuple(f"run-d00000{number:02d}" for number in range(20))
FORK = 198 * 4096


@dataclass(frozen=True)
class Compared:
    """The archive: its first database, the docs folder and the sites made of it."""

    database: Path
    docs: Path
    online: Path
    offline: Path

    def facts(self, slug: str) -> dict[str, Any]:
        """What facts.js says of a run."""
        return self._data(slug, "facts.js", f"facts/{slug}")

    def curves(self, slug: str) -> dict[str, Any]:
        """What data.js says of a run."""
        return self._data(slug, "data.js", slug)

    def document(self, slug: str) -> dict[str, Any]:
        """The run.json of a run."""
        found: dict[str, Any] = json.loads((self.docs / "runs" / slug / "run.json").read_text(encoding="utf-8"))
        return found

    def rewards(self, run_id: str) -> list[float]:
        """Every reward of a run, straight from the database."""
        with closing(sqlite3.connect(self.database)) as con:
            rows = con.execute(
                "SELECT episode_reward_mean FROM training_metrics WHERE run_id = ? AND episode_reward_mean IS NOT NULL"
                " ORDER BY timestep",
                (run_id,),
            )
            return [row[0] for row in rows]

    def _data(self, slug: str, file: str, key: str) -> dict[str, Any]:
        script = (self.docs / "runs" / slug / file).read_text(encoding="utf-8")
        found: dict[str, Any] = read_script(script)
        return found


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Build the archive, and a site of it for a server and one for a folder."""
    work = tmp_path_factory.mktemp("compared")
    _write(work / "one.db")
    with database(work / "two.db") as con:
        _add(con, TWIN, 50, lambda step: 1.0, 9, {"gamma": 0.98})
    arguments = ["--as-of", AS_OF, "--db", str(work / "one.db"), "--db", str(work / "two.db")]
    _run(work, "false", "runsum", "build", *arguments)
    _run(work, "false", "mkdocs", "build", "--strict", "-q", "-d", "online")
    _run(work, "true", "mkdocs", "build", "--strict", "-q", "-d", "offline")
    for site in ("online", "offline"):
        _run(work, "false", "runsum", "csp", "--write", site)
    return Compared(work / "one.db", work / "docs", work / "online", work / "offline")


def _run(work: Path, offline: str, *arguments: str) -> None:
    environment = os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1", "OFFLINE": offline}
    subprocess.run([sys.executable, "-m", *arguments], cwd=work, env=environment, check=True, timeout=300)


def _write(path: Path) -> None:
    with database(path) as con:
        _add(con, ROOT, 198, climb, 0, {"seed": 1}, custom_name="the first")
        below: dict[str, Any] = {"base_run_id": ROOT, "leg_number": 2, "parent_run_id": ROOT}
        _add(con, CHILD, 150, lambda s: 14.0, 1, {"seed": 1, "learning_rate": 0.0001}, FORK, **below)
        _add(con, SIBLING, 100, lambda s: 10.0, 2, {"seed": 1, "ent_coef": 0.02}, FORK, **below)
        third = {"base_run_id": ROOT, "leg_number": 3, "parent_run_id": CHILD}
        _add(con, GRANDCHILD, 60, lambda s: 16.0, 3, {"seed": 1}, FORK + 150 * 4096, **third)
        _add(con, REPEATED, 198, lambda s: climb(s) / 2, 4, {"seed": 7, "learning_rate": "2.5e-4"})
        pong = {"env_id": "ALE/Pong-v5", "algorithm": "dqn", "custom_params": {"zoo": {"buffer_size": 5000}}}
        _add(con, PONG, 120, lambda s: -21.0 + s / 65_536, 5, pong, values={"explained_variance": None})
        add_run(con, EMPTY, {"env_id": "ALE/Tennis-v5"}, start_time=Clock().iso(86_400.0 * 6))
        _add(con, TWIN, 50, lambda s: 2.0, 7, {"gamma": 0.98})
        for number, run_id in enumerate(MANY):
            game = {"env_id": "ALE/Qbert-v5", "learning_rate": (number + 1) / 10_000}
            _add(con, run_id, 12, lambda s, n=number: n + s / 65_536, 0.1 * number, game)


def _add(
    con: sqlite3.Connection,
    run_id: str,
    iterations: int,
    reward: Reward,
    day: float,
    config: dict[str, Any] | None = None,
    offset: int = 0,
    values: dict[str, Any] | None = None,
    **columns: Any,
) -> None:
    """A run with its rows; `day` is its place in time."""
    clock = Clock(START.replace(day=1 + int(day), hour=1 + round(day * 10) % 10))
    leg = {"leg_start_timestep": offset, "start_timestep": offset}
    add_run(con, run_id, config, start_time=clock.iso(0), end_time=clock.iso(9.0 * iterations), **(leg | columns))
    rows = table_rows(run_id, range(1, iterations + 1), clock=clock, offset=offset, reward=reward, **(values or {}))
    store(con, rows)
