"""Very much of everything."""

from __future__ import annotations

import json
import sqlite3
from functools import partial

from faults.model import SHOWN, RunFault, healthy_run
from support.rows import add_annotation, add_gpu_samples, add_run, add_video, add_video_job, store, table_rows


def notes(con: sqlite3.Connection, run_id: str, count: int, length: int) -> None:
    """Many notes of a person, or one that is a book."""
    healthy_run(con, run_id)
    for number in range(count):
        words = f"note {number} " + "word " * (length // 5)
        add_annotation(con, run_id, words, annotation_id=f"{run_id}-{number}", x=4096.0 * (number % 12))


def long_text(con: sqlite3.Connection, run_id: str, column: str, text: str) -> None:
    healthy_run(con, run_id, **{column: text})


def many_videos(con: sqlite3.Connection, run_id: str) -> None:
    healthy_run(con, run_id)
    for number in range(1_000):
        add_video(con, f"video_{run_id}_{number}", f"outputs/{run_id}/clip-{number}.mp4", size_mb=1.0)
        add_video_job(con, f"{run_id}-job-{number}", run_id, "recording")


def many_samples(con: sqlite3.Connection, run_id: str) -> None:
    healthy_run(con, run_id)
    add_gpu_samples(con, run_id, (number / 100 for number in range(20_000)))


def many_restarts(con: sqlite3.Connection, run_id: str) -> None:
    """Every fourth row begins again."""
    add_run(con, run_id, {"total_timesteps": 49_152})
    legs = [
        table_rows(run_id, [1], began=9.0 * 4 * leg + 9.0 * row, offset=4096 * row + leg, target=49_152)
        for leg in range(2_000)
        for row in range(4)
    ]
    store(con, *legs)


def many_gaps(con: sqlite3.Connection, run_id: str) -> None:
    """Hours between every fourth row and the next."""
    add_run(con, run_id, {"total_timesteps": 40_960_000})
    store(
        con,
        *(
            table_rows(run_id, [number], began=36_000.0 * (number // 4), target=40_960_000)
            for number in range(1, 10_000)
        ),
    )


WORDS = "word " * 200_000
LINES = "line\n" * 100_000

FAULTS = (
    RunFault(
        "10,000 notes in the charts, or one of 1 MB",
        (
            ("10,000 notes", partial(notes, count=10_000, length=20)),
            ("1,000 notes of 1 kB", partial(notes, count=1_000, length=1_000)),
            ("one note of 1 MB", partial(notes, count=1, length=1_000_000)),
        ),
        r"note 0 ",
        SHOWN,
    ),
    RunFault(
        "1 MB of text, or 100,000 lines, in a column of experiment_runs",
        tuple(
            (f"{column}: {kind}", partial(long_text, column=column, text=text))
            for column in ("description", "status_note", "custom_name", "experiment_name", "git_commit", "log_path")
            for kind, text in (("1 MB", WORDS), ("100,000 lines", LINES), ("1 MB in one word", "x" * 1_000_000))
        ),
        r"(word|line|xxx)",
        SHOWN,
    ),
    RunFault(
        "10,000 tags, 1,000 dependencies, 1,000 entries of metadata",
        (
            ("tags", partial(long_text, column="tags_json", text=json.dumps([f"tag{n}" for n in range(10_000)]))),
            (
                "dependencies",
                partial(long_text, column="dependencies_json", text=json.dumps({f"p{n}": "1" for n in range(1_000)})),
            ),
            (
                "metadata",
                partial(long_text, column="metadata_json", text=json.dumps({f"m{n}": n for n in range(1_000)})),
            ),
        ),
        r"(tag0|p0|m0)",
        SHOWN,
    ),
    RunFault("1,000 videos and 1,000 jobs that never ended", (("videos", many_videos),), "a video job never ended"),
    RunFault(
        "2,000 restarts, 2,500 gaps",
        (("restarts", many_restarts), ("gaps", many_gaps)),
        "1,999 restarts|gaps? longer than",
        SHOWN,
    ),
    RunFault(
        "20,000 GPU samples in three minutes", (("samples", many_samples),), "GPU samples</dt> <dd>20,000<", SHOWN
    ),
)
