"""Whole databases with anything in them, as hypothesis draws them.

A `Contents` starts as a database that the recording application could have left: runs, rows, lineages, videos. Then
come `Edit`s, which put any SQLite value into any cell or into a whole column. So the pipeline gets far, and what it
meets there may be anything. `Contents.write` makes the file; the rest is data that hypothesis can shrink and print.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from support.arbitrary_values import DECLARED, RawText, Value, configs, run_id_of, values
from support.rows import (
    CONFIG,
    START,
    Clock,
    Reward,
    Row,
    climb,
    foreign_rows,
    phantom_rows,
    stats_rows,
    table_rows,
)
from support.schema import ERAS, LATEST, columns_of, statements

RULES = ("as made", "loose", "untyped")
"""How strict a file is: the application's own tables, tables without constraints, columns without a type."""


@dataclass(frozen=True)
class Edit:
    """A value that is put into a cell; into the whole column where `row` is None."""

    table: str
    column: str
    row: int | None
    value: Value


@dataclass(frozen=True)
class PlannedRun:
    """A run as the application leaves it; `parent` and `base` are places in the list of runs, cycles included."""

    status: str = "completed"
    rows: int = 0
    form: str = "table"
    reward: str = "climb"
    rollout: int = 4096
    pace: float = 9.0
    offset: int = 0
    day: int = 0
    parent: int | None = None
    base: int | None = None
    leg: int = 1
    gpu: int = 0
    config: str = json.dumps(CONFIG)
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Contents:
    """A database: its era, how strict it is, what it lacks, its runs, and what was done to them."""

    runs: tuple[PlannedRun, ...]
    edits: tuple[Edit, ...] = ()
    era: str = LATEST
    born: str = LATEST
    rules: str = "loose"
    lacking: frozenset[tuple[str, str]] = frozenset()  # ("table", "") for a whole table
    more: tuple[str, ...] = ()  # names of tables that nobody knows

    def write(self, path: Path) -> None:
        """Make the file."""
        with closing(sqlite3.connect(path)) as con, con:
            for statement in self._statements():
                con.execute(statement)
            for name in self.more:
                con.execute(f"CREATE TABLE {_quoted(name)} (x)")
            for number, run in enumerate(self.runs):
                for table, rows in _rows_of(number, run, len(self.runs)).items():
                    _fill(con, table, rows)
            for edit in self.edits:
                _apply(con, edit)

    def _statements(self) -> list[str]:
        if self.rules == "as made":
            return [s for s in statements(self.era, self.born) if not any(_speaks_of(s, t) for t in self._without())]
        made = []
        for table, columns in DECLARED.items():
            kept = [name for name in columns if (table, name) not in self.lacking]
            if kept and table not in self._without():
                types = {name: columns[name] if self.rules == "loose" else "" for name in kept}
                made.append(f"CREATE TABLE {table} ({', '.join(f'{name} {types[name]}' for name in kept)})")
        return made

    def _without(self) -> set[str]:
        return {table for table, column in self.lacking if not column}


def _speaks_of(statement: str, table: str) -> bool:
    return any(f"{word} {table} " in statement for word in ("TABLE", "ON"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fill(con: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows as far as the file has their columns; what a constraint refuses is left out."""
    there = columns_of(con, table)
    for row in rows:
        kept = {name: value for name, value in row.items() if name in there}
        if kept:
            marks = ", ".join("?" * len(kept))
            con.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(kept)}) VALUES ({marks})", tuple(kept.values()))


def _apply(con: sqlite3.Connection, edit: Edit) -> None:
    if edit.column not in columns_of(con, edit.table):
        return
    mark, value = "?", edit.value
    if isinstance(value, RawText):
        mark, value = "CAST(? AS TEXT)", value.data
    where, more = "", ()
    if edit.row is not None:
        count = con.execute(f"SELECT COUNT(*) FROM {edit.table}").fetchone()[0]
        where = f"WHERE rowid = (SELECT rowid FROM {edit.table} ORDER BY rowid LIMIT 1 OFFSET ?)"
        more = (edit.row % count if count else 0,)
    with suppress(sqlite3.IntegrityError):  # an INTEGER PRIMARY KEY takes nothing but a whole number
        con.execute(f"UPDATE OR IGNORE {edit.table} SET {edit.column} = {mark} {where}", (value, *more))


# ---------------------------------------------------------------- rows of a planned run

REWARDS: dict[str, Reward] = {
    "climb": climb,
    "flat": lambda step: 3.0,
    "fall": lambda step: -step / 4096,
    "wild": lambda step: 1e308 if step % 3 else -1e308,
    "tiny": lambda step: 5e-324 * (step % 7),
    "large": lambda step: 100_000.0 + step % 11,
    "none": lambda step: None,
}
FORMS = ("table", "stats", "both", "phantom", "foreign", "resumed")
EXTRAS = ("experiment", "annotation", "artifact", "video job", "segment", "state")


def _rows_of(number: int, run: PlannedRun, count: int) -> dict[str, list[dict[str, Any]]]:
    """Every row of a run, by table; each is a whole plausible record."""
    run_id, clock = run_id_of(number), Clock(START - timedelta(days=run.day))
    related = {
        "parent_run_id": None if run.parent is None else run_id_of(run.parent % count),
        "base_run_id": run_id if run.base is None else run_id_of(run.base % count),
    }
    made = {
        "experiment_runs": [
            {
                "run_id": run_id, "experiment_name": "ppo-Breakout-v5", "status": run.status,
                "start_time": clock.iso(0),
                "end_time": None if run.status == "running" else clock.iso(run.pace * run.rows + 1),
                "current_timestep": run.rows * run.rollout, "config_json": run.config, "process_paused": number % 2,
                "leg_number": run.leg, "leg_start_timestep": run.offset, "start_timestep": run.offset,
                "status_note": "paused\nresumed", "heartbeat_at": clock.iso(run.pace * run.rows), "best_reward": 1.5,
                "tags_json": '["ppo", "auto-generated"]', "created_at": clock.sqlite(0), "description": "a word",
                "metadata_json": '{"recorder": "runsum 0.1.0"}', "dependencies_json": '{"numpy": "2.1"}',
                "custom_name": f"name {number}", "display_name": f"shown {number}", "model_path": "models/a.zip",
                **related,
            }
        ],
        "training_metrics": [row.values for row in _metrics(run_id, run, clock)],
        "gpu_metrics": [
            {
                "run_id": run_id, "ts": clock.iso(10.0 * k), "gpu_util_pct": 20.0 + k % 60, "vram_used_mb": 2000.0 + k,
                "vram_total_mb": 8188.0, "temp_c": 55.0, "power_w": 60.0, "pid": 4242, "run_gpu_util_est_pct": 20.0,
            }
            for k in range(run.gpu)
        ],
    }  # fmt: skip
    return made | {table: [row] for extra in run.extras for table, row in [_extra(extra, run_id, number, clock)]}


def _metrics(run_id: str, run: PlannedRun, clock: Clock) -> list[Row]:
    options: dict[str, Any] = {"clock": clock, "pace": run.pace, "rollout": run.rollout}
    steps = [run.offset + run.rollout * k + run.rollout // 2 for k in range(1, run.rows // 2 + 1)]
    whole = table_rows(run_id, range(1, run.rows + 1), offset=run.offset, reward=REWARDS[run.reward], **options)
    half = whole[: (run.rows + 1) // 2]
    if run.form == "stats":
        return stats_rows(run_id, steps, start=run.offset, **options)
    if run.form == "both":
        return half + stats_rows(run_id, steps, start=run.offset, **options)
    if run.form == "phantom":
        return half + phantom_rows(run_id, steps, leg_start=run.offset, **options)
    if run.form == "foreign":
        late = table_rows(run_id, range(1, run.rows // 2 + 1), began=86_400.0, **options)
        return half + foreign_rows(run_id, late)
    if run.form == "resumed":
        return half + table_rows(run_id, range(1, run.rows // 2 + 1), began=86_400.0, offset=run.offset, **options)
    return whole


def _extra(extra: str, run_id: str, number: int, clock: Clock) -> tuple[str, dict[str, Any]]:
    """One row of a small table that speaks of the run."""
    at, later = clock.iso(60), clock.iso(120)
    return {
        "experiment": ("experiments", {
            "experiment_id": f"exp-{number}", "name": "ALE/Breakout-v5 - ppo", "game": "ALE/Breakout-v5",
            "algorithm": "ppo", "preset": "medium", "config_json": "{}", "lineage_json": "{}", "status": "running",
            "created": at, "tags_json": "[]", "notes": f"Training run {run_id}", "final_metrics_json": "{}",
        }),
        "annotation": ("chart_annotations", {
            "annotation_id": f"ann-{number}", "run_id": run_id, "axes_name": "reward", "x": 8192.0, "y": 1.25,
            "text": "a note", "created_at": at,
        }),
        "artifact": ("video_artifacts", {
            "video_id": f"video_{run_id}_1", "experiment_id": f"exp-{number}", "path": f"outputs/{run_id}/a.mp4",
            "type": "hour", "duration": 36.0, "size_mb": 12.5, "created": at, "tags_json": "[]", "metadata_json": "{}",
        }),
        "video job": ("video_generation_progress", {
            "video_id": f"job-{number}", "run_id": run_id, "video_name": "clip", "video_path": "video/output/clip.mp4",
            "status": "running", "progress_percentage": 40.0, "total_frames": 2700, "processed_frames": 30,
            "started_at": at, "created_at": at, "updated_at": later,
        }),
        "segment": ("training_videos", {
            "run_id": run_id, "segment_number": 1, "file_path": "video/training/a/b.mp4", "file_size_mb": 2.0,
            "duration_seconds": 12.0, "frame_count": 360, "start_timestep": 0, "end_timestep": 8192, "start_time": at,
            "end_time": later, "status": "completed",
        }),
        "state": ("chart_states", {
            "state_id": f"state-{number}", "name": "view", "created_at": at, "state_data": "{}",
        }),
    }[extra]  # fmt: skip


# ---------------------------------------------------------------- strategies

_CELLS = [(table, column) for table, columns in DECLARED.items() for column in columns]
# Three tables decide what the pages say; they are drawn more often than their columns are many.
_FREQUENT = [cell for cell in _CELLS if cell[0] in ("experiment_runs", "training_metrics", "gpu_metrics")]


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """A value for a cell or for a whole column."""
    table, column = draw(st.sampled_from(_FREQUENT) | st.sampled_from(_CELLS))
    row = draw(st.none() | st.integers(0, 120) | st.integers(0, 5))
    return Edit(table, column, row, draw(values(table, column)))


def planned_runs() -> st.SearchStrategy[PlannedRun]:
    """A run that is plausible in itself."""
    place = st.none() | st.integers(0, 4)
    return st.builds(
        PlannedRun,
        status=st.sampled_from(["completed", "running", "stopped", "failed", "", "RUNNING", "zz7"]),
        rows=st.sampled_from([0, 1, 2, 3, 60]) | st.integers(0, 60),
        form=st.sampled_from(FORMS),
        reward=st.sampled_from(sorted(REWARDS)),
        rollout=st.sampled_from([4096, 4096, 1, 128, 10**6, 10**15]),
        pace=st.sampled_from([9.0, 9.0, 0.001, 400.0, 86_400.0, 0.0]),
        offset=st.sampled_from([0, 0, 81_920, 10**12]),
        day=st.integers(0, 40),
        parent=place,
        base=place,
        leg=st.integers(-1, 4),
        gpu=st.sampled_from([0, 1, 30]),
        config=st.just(json.dumps(CONFIG)) | configs(),
        extras=st.frozensets(st.sampled_from(EXTRAS)),
    )


@st.composite
def contents(draw: st.DrawFn, *, least: int = 0, most: int = 4) -> Contents:
    """A whole database of any era.

    Args:
        draw: given by hypothesis.
        least: number of runs at least.
        most: number of runs at most.
    """
    era = draw(st.sampled_from([LATEST, *ERAS]))
    whole = st.tuples(st.sampled_from(sorted(DECLARED)), st.just(""))
    lacking = st.sampled_from(_CELLS) | whole
    keyless = ("experiment_runs", ""), ("experiment_runs", "run_id")
    return Contents(
        runs=tuple(draw(st.lists(planned_runs(), min_size=least, max_size=most))),
        edits=tuple(draw(st.lists(edits(), max_size=14))),
        era=era,
        born=draw(st.sampled_from(ERAS[: ERAS.index(era) + 1])),
        rules=draw(st.sampled_from(RULES)),
        lacking=draw(st.frozensets(lacking.filter(lambda cell: cell not in keyless), max_size=4)),
        more=tuple(draw(st.sampled_from([(), (), ("zz7",), ("<zz7 onx=1>", "x y"), ("t\"able'\n",)]))),
    )
