"""Proper SQLite files in which tables or columns are missing, unknown, or of another shape."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from faults.model import (
    EITHER,
    HEALTHY,
    REFUSED,
    SHOWN,
    Documents,
    Fault,
    Tally,
    command,
    documents,
    healthy_database,
    judge_healthy,
    judge_refusal,
)
from support.schema import columns_of

TABLES = ("training_metrics", "gpu_metrics", "experiments", "video_artifacts", "training_videos", "chart_annotations")
Change = Callable[[sqlite3.Connection], object]


def changed(path: Path, change: Change, run_ids: Sequence[str] = HEALTHY) -> Path:
    """A healthy database with its schema changed."""
    healthy_database(path, run_ids)
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA legacy_alter_table = ON")
        change(con)
        con.commit()
    return path


def built(work: Path, changes: dict[str, Change], judge: Callable[[Documents, Sequence[str]], list[str]]) -> Tally:
    """A database for each change, all of them in one build."""
    tally, words, expected = Tally(), [], {}
    for number, (name, change) in enumerate(changes.items()):
        expected[name] = (f"run-5a0{number:04x}1", f"run-5a0{number:04x}2")
        words += ["--db", changed(work / f"runs-{number}.db", change, expected[name])]
    done = command(work, *words)
    found = documents(work) if done.returncode == 0 else {}
    for name, run_ids in expected.items():
        tally.check(name, judge(found, run_ids) if found else [f"exit code {done.returncode}: {done.stderr[-300:]}"])
    return tally


def sql(statement: str) -> Change:
    return lambda con: con.executescript(statement)


def there(found: Documents, run_ids: Sequence[str]) -> list[str]:
    return [f"{run_id} is missing" for run_id in run_ids if run_id not in found]


def missing_tables(work: Path) -> Tally:
    drops = {f"no {table}": sql(f"DROP TABLE {table}") for table in TABLES}
    drops["none but experiment_runs"] = sql("".join(f"DROP TABLE {table};" for table in TABLES))
    return built(work, drops, there)


def bare_tables(work: Path) -> Tally:
    """Tables that have nothing but their key."""
    changes = {
        f"{table} has {key} alone": sql(
            f"CREATE TABLE bare AS SELECT {key} FROM {table}; DROP TABLE {table}; ALTER TABLE bare RENAME TO {table}"
        )
        for table, key in {"experiment_runs": "run_id", "training_metrics": "run_id", "gpu_metrics": "run_id"}.items()
    }
    return built(work, changes, there)


def other_shapes(work: Path) -> Tally:
    """Columns in another order, more columns, other tables, triggers, no index: read as they are."""

    def turned(con: sqlite3.Connection) -> None:
        for table in ("experiment_runs", "training_metrics"):
            columns = ", ".join(f'"{name}"' for name in reversed(columns_of(con, table)))
            con.execute(f"CREATE TABLE turned AS SELECT {columns} FROM {table}")
            con.execute(f"DROP TABLE {table}")
            con.execute(f"ALTER TABLE turned RENAME TO {table}")

    index = "".join(
        f"DROP INDEX IF EXISTS idx_{table}_{number};"
        for table in ("training_metrics", "gpu_metrics")
        for number in range(6)
    )
    tally = built(
        work,
        {
            "columns reversed, no key, no index": turned,
            "no index": sql(index),
            "200 more columns": sql(
                "".join(f"ALTER TABLE experiment_runs ADD COLUMN more{n} TEXT;" for n in range(200))
            ),
            "200 more tables": sql("".join(f'CREATE TABLE "more {n}" (x);' for n in range(200))),
            "triggers": sql("CREATE TRIGGER t AFTER INSERT ON experiment_runs BEGIN DELETE FROM experiment_runs; END"),
            "a run twice": sql(
                "CREATE TABLE twice AS SELECT * FROM experiment_runs; DROP TABLE experiment_runs;"
                "ALTER TABLE twice RENAME TO experiment_runs;"
                "INSERT INTO experiment_runs SELECT * FROM experiment_runs"
            ),
            "runs without an id": sql(
                "CREATE TABLE free AS SELECT * FROM experiment_runs; DROP TABLE experiment_runs;"
                "ALTER TABLE free RENAME TO experiment_runs;"
                "INSERT INTO experiment_runs (run_id) VALUES (NULL), (''), (' '), (X'00ff')"
            ),
        },
        judge_healthy,
    )
    told = (work / "docs" / "problems" / "index.md").read_text(encoding="utf-8")
    expected = ("4 rows of experiment_runs without a run id", "2 rows of experiment_runs with the id of another row")
    tally.wrong += [f"the page of problems does not say {words!r}" for words in expected if words not in told]
    return tally


def views(work: Path) -> Tally:
    """A view where a table is needed: refused, or read."""
    tally = Tally()
    for table in ("experiment_runs", "training_metrics"):
        place = work / table
        place.mkdir()
        statement = f"ALTER TABLE {table} RENAME TO inner_table; CREATE VIEW {table} AS SELECT * FROM inner_table"
        done = command(place, "--db", changed(place / "runs.db", sql(statement)))
        tally.check(table, there(documents(place), HEALTHY) if done.returncode == 0 else judge_refusal(done, "runs.db"))
    return tally


def other_programs(work: Path) -> Tally:
    """Tables of another program, and experiment_runs without a run id."""
    tally = Tally()
    for name, statement in {
        "tables of another program": "CREATE TABLE containers (id TEXT); INSERT INTO containers VALUES ('c')",
        "experiment_runs of another program": "CREATE TABLE experiment_runs (id TEXT, image TEXT)",
        "no tables": "CREATE TABLE t (x); DROP TABLE t",
    }.items():
        file = work / "other.db"
        file.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as con:
            con.executescript(statement)
        tally.check(name, judge_refusal(command(work, "--db", file), "other.db"))
    return tally


FAULTS = (
    Fault("tables that are missing", SHOWN, missing_tables),
    Fault("tables with nothing but their key", SHOWN, bare_tables),
    Fault(
        "columns in another order, 200 more columns or tables, no index, runs twice or without an id",
        SHOWN,
        other_shapes,
    ),
    Fault("a view in the place of a table", EITHER, views),
    Fault("databases of other programs, or with no tables", REFUSED, other_programs),
)
