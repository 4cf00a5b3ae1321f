"""Values of the wrong type or size in every column of every table that is read."""

from __future__ import annotations

import sqlite3
from functools import partial

from faults.model import SHOWN, RunFault, Variant, healthy_run
from support.rows import add_annotation, add_experiment, add_gpu_samples, add_video, add_video_job, insert
from support.schema import HISTORY

INVALID_UTF8 = "CAST(X'72fffe00c3' AS TEXT)"
ODD = {  # as SQL, so that also what Python cannot bind gets in
    "text": "'not a number'",
    "blob": "X'00ff10'",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "NaN in words": "'NaN'",
    "the largest integer": str(2**63 - 1),
    "the smallest integer": f"-{2**63 - 1} - 1",
    "more than 64 bits": str(2**70),
    "no UTF-8": INVALID_UTF8,
    "10 kB of text": "replace(hex(zeroblob(5000)), '00', 'ab')",
}
NO_NUMBER = ("text", "blob", "1e400", "-1e400", "NaN in words", "no UTF-8", "10 kB of text")
METRICS = tuple(
    name
    for change in HISTORY
    if change.table == "training_metrics"
    for name in (column.split()[0] for column in change.columns.split(";"))
    if name not in ("id", "run_id", "timestamp", "created_at")
)


def columns_of(table: str, but: tuple[str, ...]) -> list[str]:
    """The columns of a table in all its versions."""
    changes = [change.columns for change in HISTORY if change.table == table]
    names = [column.split()[0] for columns in changes for column in columns.split(";")]
    return [name for name in names if name not in but]


def in_run(con: sqlite3.Connection, run_id: str, column: str, sql: str) -> None:
    """A healthy run with one value of its own row replaced."""
    healthy_run(con, run_id)
    con.execute(f"UPDATE experiment_runs SET {column} = {sql} WHERE run_id = ?", (run_id,))


def in_metrics(con: sqlite3.Connection, run_id: str, column: str, sql: str) -> None:
    """A healthy run with one value of its sixth row replaced."""
    healthy_run(con, run_id)
    con.execute(f"UPDATE training_metrics SET {column} = {sql} WHERE run_id = ? AND timestep = 24576", (run_id,))


def in_samples(con: sqlite3.Connection, run_id: str, column: str, sql: str) -> None:
    """A healthy run with one value of its GPU samples replaced."""
    healthy_run(con, run_id)
    add_gpu_samples(con, run_id, range(0, 100, 20))
    con.execute(
        f"UPDATE gpu_metrics SET {column} = {sql} WHERE id = (SELECT max(id) FROM gpu_metrics WHERE run_id = ?)",
        (run_id,),
    )


def in_others(con: sqlite3.Connection, run_id: str, sql: str) -> None:
    """A run with a launch record, a video, a job, a segment and a note, each once for every column with it replaced."""
    healthy_run(con, run_id)
    for number, column in enumerate(columns_of("chart_annotations", ("annotation_id", "run_id"))):
        key = f"{run_id}-a{number}"
        add_annotation(con, run_id, "seen here", annotation_id=key)
        con.execute(f"UPDATE chart_annotations SET {column} = {sql} WHERE annotation_id = ?", (key,))
    for number, column in enumerate(columns_of("experiments", ("experiment_id", "notes"))):
        key = f"{run_id}-e{number}"
        add_experiment(con, key, run_id)
        con.execute(f"UPDATE experiments SET {column} = {sql} WHERE experiment_id = ?", (key,))
    for number, column in enumerate(columns_of("video_artifacts", ("video_id",))):
        key = f"video_{run_id}_{number}"
        add_video(con, key, f"{key}.mp4")
        con.execute(f"UPDATE video_artifacts SET {column} = {sql} WHERE video_id = ?", (key,))
    for number, column in enumerate(columns_of("video_generation_progress", ("video_id", "run_id"))):
        key = f"{run_id}-j{number}"
        add_video_job(con, key, run_id, "completed")
        con.execute(f"UPDATE video_generation_progress SET {column} = {sql} WHERE video_id = ?", (key,))
    for number, column in enumerate(columns_of("training_videos", ("id", "run_id", "segment_number"))):
        values = {"file_path": f"{number}.mp4", "start_time": "2025-12-22T10:00:00", "status": "completed"}
        insert(con, "training_videos", run_id=run_id, segment_number=number, **values)
        con.execute(
            f"UPDATE training_videos SET {column} = {sql} WHERE run_id = ? AND segment_number = ?", (run_id, number)
        )


def variants_of(make: object, columns: tuple[str, ...] | list[str], kinds: tuple[str, ...]) -> tuple[Variant, ...]:
    """Every kind of value in every column."""
    return tuple(
        (f"{column} = {kind}", partial(make, column=column, sql=ODD[kind])) for column in columns for kind in kinds
    )


NUMBERS = tuple(kind for kind in ODD if kind not in NO_NUMBER)
SAMPLES = columns_of("gpu_metrics", ("id", "run_id", "ts", "pid"))

COUNTERS = ("timestep", "episode_count", "total_timesteps")
OF_RUNS = columns_of("experiment_runs", ("run_id",))
TIMES = tuple(name for name in OF_RUNS if name.endswith(("_time", "_at")))
COUNTS = ("current_timestep", "best_reward", "final_reward", "convergence_timestep", "leg_number", "variant_index")
COUNTS += ("leg_start_timestep", "start_timestep", "target_timestep", "end_timestep", "process_pid", "process_paused")
WORDS = tuple(name for name in OF_RUNS if name not in (*TIMES, *COUNTS))
DOES_NOT_FIT = r"do(es)? not fit (its|their) column"

FAULTS = (
    RunFault(
        "text, blobs, 1e400, NaN in a number column of training_metrics",
        variants_of(in_metrics, METRICS, NO_NUMBER),
        DOES_NOT_FIT,
    ),
    RunFault(
        "steps, iterations and targets of 64 bits and more",
        variants_of(in_metrics, COUNTERS, NUMBERS),
        DOES_NOT_FIT,
    ),
    RunFault(
        "values of 64 bits and more in the other columns of training_metrics",
        variants_of(in_metrics, [name for name in METRICS if name not in COUNTERS], NUMBERS),
        "Metric rows</dt> <dd>12 ",
        SHOWN,
    ),
    RunFault(
        "text, blobs, 1e400, NaN in a column of gpu_metrics", variants_of(in_samples, SAMPLES, NO_NUMBER), DOES_NOT_FIT
    ),
    RunFault(
        "values of 64 bits and more in a column of gpu_metrics",
        variants_of(in_samples, SAMPLES, NUMBERS),
        "GPU samples</dt> <dd>5<",
        SHOWN,
    ),
    RunFault(
        "text, blobs, 1e400, NaN in a number column of experiment_runs",
        variants_of(in_run, COUNTS, NO_NUMBER),
        "no readable value",
    ),
    RunFault(
        "text, blobs, numbers in a time column of experiment_runs",
        variants_of(in_run, TIMES, tuple(ODD)),
        "no readable value",
    ),
    RunFault("blobs in a text column of experiment_runs", variants_of(in_run, WORDS, ("blob",)), "no readable value"),
    RunFault(
        "numbers, no UTF-8, 10 kB in a text column of experiment_runs, 64 bits in a number column",
        (
            *variants_of(in_run, WORDS, tuple(kind for kind in ODD if kind != "blob")),
            *variants_of(in_run, COUNTS, NUMBERS),
        ),
        r"0\.75",
        SHOWN,
    ),
    RunFault(
        "the same in every column of launch records, videos, jobs, segments and notes",
        tuple((kind, partial(in_others, sql=sql)) for kind, sql in ODD.items()),
        "seen here",
        SHOWN,
    ),
)
