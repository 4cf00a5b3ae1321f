"""The same run in every shape the file ever had, fresh and upgraded in place."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from support.expect import CLEAN, Expectation, Scenario, reached, rows, session, speed
from support.rows import Clock, add_run, stats_rows, store, table_rows
from support.schema import ERAS, LATEST, database

RUN = "run-0abc0001"
SECOND = "run-0abc0002"

SAME_IN_EVERY_ERA: Expectation = {
    **CLEAN,
    **rows(203, 198),
    **reached(
        at_10=(77_824, 1.1875),
        at_25=(200_704, 3.0625),
        at_50=(401_408, 6.125),
        at_75=(606_208, 9.25),
        at_100=(811_008, 12.375),
    ),
    **session(0, 0, 4096, 811_008),
    **speed(450.0, 450.0, 450.0),
    "state": "completed",
    "quality.rollout_size": 4096,
    "summary.current_timestep": 811_008,
    "summary.progress_pct": 100.0 * 811_008 / 810_000,
    "summary.duration_h": 0.495,
    "summary.base_run_id": RUN,
    "summary.leg_number": 1,
    "summary.gpu_avg": 23.0,
    "summary.mem_max": 2100.0,
    "summary.experiment_name": "ppo-Breakout-v5",
    "lineage.parent": None,
    "lineage.root": RUN,
}


def in_era(path: Path, era: str, born: str | None = None, wal: bool = False) -> None:
    """One finished run; in upgraded files it is a row from before, with defaults in the later columns."""
    with database(path, era, born, wal) as con:
        before = {} if born is None else {"base_run_id": None, "branch_token": None, "variant_index": None}
        add_run(con, RUN, end_time=Clock().iso(1786), **before)
        store(con, table_rows(RUN, range(1, 199)), stats_rows(RUN, range(90_000, 590_000, 100_000)))
        add_run(con, SECOND, status="failed", end_time=Clock().iso(3))


def _scenario(era: str, born: str | None = None, wal: bool = False) -> Scenario:
    name = f"era-{era}" + (f"-born-{born}" if born else "") + ("-wal" if wal else "")
    expect = {RUN: SAME_IN_EVERY_ERA, SECOND: {"quality.rows": 0, "state": "failed"}}
    return Scenario(name, partial(in_era, era=era, born=born, wal=wal), expect, ("11.48-and-21-columns",))


SCENARIOS = (
    *(_scenario(era) for era in ERAS),
    *(_scenario(LATEST, born) for born in ERAS[:-1]),
    _scenario("2025-12-12", "2025-10-28"),
    _scenario("2025-11-26", "2025-10-28-early"),
    _scenario(LATEST, wal=True),
)
