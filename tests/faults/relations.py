"""Runs that name each other, name nobody, or are named by rows of nobody."""

from __future__ import annotations

import sqlite3
from functools import partial

from faults.model import SHOWN, RunFault, healthy_run
from support.rows import Clock, add_annotation, add_gpu_samples, add_run, add_video, stats_rows, store, table_rows

LEG = {"leg_number": 2, "leg_start_timestep": 0}


def circle(con: sqlite3.Connection, run_id: str, size: int, column: str) -> None:
    """A run whose ancestry comes back to it after `size` steps."""
    ids = [run_id, *(f"{run_id}-{number}" for number in range(1, size))]
    for place, name in enumerate(ids):
        healthy_run(con, name, **LEG, **{column: ids[(place + 1) % size]})


def dangling(con: sqlite3.Connection, run_id: str, column: str, parent: str) -> None:
    """A run whose parent is in no archive."""
    healthy_run(con, run_id, **LEG, **{column: parent})


def chain(con: sqlite3.Connection, run_id: str, size: int) -> None:
    """A lineage of very many legs."""
    parent = None
    for number in range(size, 0, -1):
        name = run_id if number == 1 else f"{run_id}-{number}"
        healthy_run(con, name, count=2, leg_number=size - number + 1, parent_run_id=parent)
        parent = name


def star(con: sqlite3.Connection, run_id: str, size: int) -> None:
    """A run with very many children."""
    healthy_run(con, run_id)
    for number in range(size):
        healthy_run(con, f"{run_id}-{number}", count=2, parent_run_id=run_id, leg_number=2)


def without_rows(con: sqlite3.Connection, run_id: str, status: str) -> None:
    add_run(con, run_id, {"total_timesteps": 49_152}, status=status, end_time=Clock().iso(100))


def progress_only(con: sqlite3.Connection, run_id: str) -> None:
    add_run(con, run_id, {"total_timesteps": 49_152}, end_time=Clock().iso(100))
    store(con, stats_rows(run_id, range(4096, 49_153, 4096), target=49_152))


def one_step(con: sqlite3.Connection, run_id: str, step: int) -> None:
    """Rows that all stand at the ends of what a step can be."""
    healthy_run(con, run_id)
    con.execute("UPDATE training_metrics SET timestep = ? WHERE run_id = ? AND timestep = 24576", (step, run_id))


def all_equal(con: sqlite3.Connection, run_id: str) -> None:
    """One moment for all rows, one value for all rewards."""
    add_run(con, run_id, {"total_timesteps": 49_152}, end_time=Clock().iso(0))
    store(con, table_rows(run_id, range(1, 13), target=49_152, pace=0.0, reward=lambda _: 1.0))


def one_row(con: sqlite3.Connection, run_id: str, reward: float) -> None:
    add_run(con, run_id, {"total_timesteps": 49_152}, end_time=Clock().iso(9))
    store(con, table_rows(run_id, [2], target=49_152, reward=lambda _: reward))


def extreme_rewards(con: sqlite3.Connection, run_id: str, low: float, high: float) -> None:
    add_run(con, run_id, {"total_timesteps": 49_152}, end_time=Clock().iso(100))
    store(con, table_rows(run_id, range(1, 13), target=49_152, reward=lambda s: high if s % 8192 else low))


def of_nobody(con: sqlite3.Connection, run_id: str) -> None:
    """Rows, samples, videos and notes of runs that are not there, beside a run that is."""
    healthy_run(con, run_id)
    for number in range(20):
        nobody = f"{run_id}-nobody-{number}"
        store(con, table_rows(nobody, range(1, 3)))
        add_gpu_samples(con, nobody, [0.0, 20.0])
        add_annotation(con, nobody, "of nobody")
        add_video(con, f"video_{nobody}_1", f"{nobody}.mp4")


PARENTS = ("parent_run_id", "base_run_id")

FAULTS = (
    RunFault(
        "parents in a circle",
        tuple((f"{size} runs", partial(circle, size=size, column="parent_run_id")) for size in (1, 2, 3, 50)),
        r"as parent; the circle was cut here",
    ),
    RunFault(
        "bases in a circle",
        tuple((f"{size} runs", partial(circle, size=size, column="base_run_id")) for size in (1, 2, 3, 50)),
        r"0\.75",
        SHOWN,
    ),
    RunFault(
        "a parent that is nowhere",
        tuple(
            (f"{column} = {parent!r}", partial(dangling, column=column, parent=parent))
            for column in PARENTS
            for parent in ("run-deadbeef", "not an id at all", "../../etc/passwd", "x" * 10_000, "<b>")
        ),
        r"is not in this archive",
    ),
    RunFault(
        "a lineage of 300 legs, a run with 300 children",
        (("300 legs", partial(chain, size=300)), ("300 children", partial(star, size=300))),
        "lineages/",
        SHOWN,
    ),
    RunFault(
        "runs without rows",
        tuple((status, partial(without_rows, status=status)) for status in ("completed", "running", "failed", "", "?")),
        "no metric rows",
    ),
    RunFault("runs with progress lines only", (("progress", progress_only),), r"carries a reward"),
    RunFault(
        "steps below zero and beyond all bounds",
        tuple((str(step), partial(one_step, step=step)) for step in (-1, -(2**63), 2**62, 2**63 - 1)),
        r"outside the steps|do(es)? not fit",
    ),
    RunFault(
        "one row, all rows of one moment, rewards of 1e308 and 5e-324",
        (
            ("all equal", all_equal),
            *((f"one row, {reward}", partial(one_row, reward=reward)) for reward in (0.0, -1e308, 1e308, 5e-324)),
            ("from -1e308 to 1e308", partial(extreme_rewards, low=-1e308, high=1e308)),
            ("from 0 to 5e-324", partial(extreme_rewards, low=0.0, high=5e-324)),
        ),
        r"Metric rows",
        SHOWN,
    ),
    RunFault(
        "rows, samples, videos and notes of runs that are not there", (("20 of each", of_nobody),), r"0\.75", SHOWN
    ),
)
