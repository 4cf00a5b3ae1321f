"""Restarts, concurrency, pauses and clocks: what order and distance of rows say."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from support.expect import CLEAN, Scenario, missed, reached, rows, session, speed
from support.rows import Clock, add_gpu_samples, add_run, foreign_rows, phantom_rows, store, table_rows
from support.schema import database

RUN = "run-bbbb0001"
OTHER = "run-bbbb0002"
THIRD = "run-bbbb0003"


def interleaved(path: Path) -> None:
    """A falls back from 122,880 to 81,936, off its old grid, while B writes between its rows."""
    with database(path) as con:
        add_run(con, RUN, {"total_timesteps": 400_000}, end_time=Clock().iso(1100))
        add_run(con, OTHER, {"total_timesteps": 400_000}, end_time=Clock().iso(1100))
        a_before = table_rows(RUN, range(1, 31), target=400_000)
        a_after = table_rows(RUN, range(1, 79), began=280.0, offset=81_936, target=400_000)
        b = table_rows(OTHER, range(1, 99), began=4.0, target=400_000)
        store(con, a_before, a_after, b)


INTERLEAVED = Scenario(
    "interleaved-with-a-genuine-restart",
    interleaved,
    {
        RUN: {
            # 81,936 + 4096 k is nearest below each mark, except the first, which lies before the restart
            **reached(
                at_10=(36_864, 0.5625),
                at_25=(98_320, 98_320 / 65_536),
                at_50=(196_624, 196_624 / 65_536),
                at_75=(299_024, 299_024 / 65_536),
                at_100=(401_424, 401_424 / 65_536),
            ),
            **session(0, 0, 4096, 122_880),
            **session(1, 81_936, 86_032, 401_424),
            **speed(450.0, 450.0, 450.0),
            "quality.rows": 108,
            "quality.phantom_rows": 0,
            "quality.contaminated_rows": 0,
            "quality.superseded_rows": 10,  # 86,016 … 122,880 of the first session
            "quality.rollout_size": 4096,
            "quality.sessions.len": 2,
            "quality.restarts": 1,
            "quality.genuine_jumps": 1,
            "quality.artefact_jumps": 0,
            "quality.gaps.len": 0,
            "summary.backward_jump_count": 1,
            "summary.current_timestep": 401_424,
        },
        OTHER: {**CLEAN, **rows(98, 98), "summary.current_timestep": 401_408},
    },
    ("7.5", "11.interleaved"),
)


def same_grid_restart(path: Path) -> None:
    """Iterations 21-30 were done twice on the same steps: the first time was overwritten, no jump is left."""
    with database(path) as con:
        add_run(con, RUN, {"total_timesteps": 400_000}, end_time=Clock().iso(2000))
        first = table_rows(RUN, range(1, 31), target=400_000)
        second = table_rows(RUN, range(1, 79), began=870.0, offset=81_920, target=400_000)
        store(con, first, second)


SAME_GRID = Scenario(
    "restart-on-the-same-grid",
    same_grid_restart,
    {
        RUN: {
            **rows(98, 98, phantom_rows=0, superseded_rows=0),
            **session(0, 0, 4096, 81_920),
            **session(1, 81_920, 86_016, 401_408),
            "quality.sessions.len": 2,
            "quality.restarts": 1,
            "quality.genuine_jumps": 0,
            "quality.artefact_jumps": 0,
            "quality.gaps.len": 1,
            "quality.gaps.0.seconds": 699,  # iteration 20 at 180 s, the next kept row at 879 s
            "summary.pause_count": 1,
            "summary.pause_time_h": 699 / 3600,
            "summary.backward_jump_count": 0,
            "summary.current_timestep": 401_408,
            "summary.progress_pct": 100.352,
        }
    },
    ("7.5", "7.6", "11.same-grid"),
)


def resumed_in_place(path: Path) -> None:
    """Before December a continuation replaced the run's own row: metrics older than its start remain."""
    with database(path, "2025-11-26") as con:
        morning, evening = Clock(datetime(2025, 11, 28, 9)), Clock(datetime(2025, 11, 28, 20))
        add_run(
            con,
            RUN,
            {"total_timesteps": 400_000},
            start_time=evening.iso(0),
            end_time=evening.iso(500),
            current_timestep=286_720,
            best_reward=4.375,
        )
        first = table_rows(RUN, range(1, 21), clock=morning, target=400_000)
        second = table_rows(RUN, range(1, 51), clock=evening, offset=81_920, target=400_000)
        store(con, first, second)


RESUMED_IN_PLACE = Scenario(
    "resumed-in-place",
    resumed_in_place,
    {
        RUN: {
            **rows(70, 70, phantom_rows=0, superseded_rows=0),
            **session(0, 0, 4096, 81_920),
            **session(1, 81_920, 86_016, 286_720),
            **speed(450.0, 450.0, 450.0),
            "state": "completed",
            "quality.sessions.len": 2,
            "quality.restarts": 1,
            "quality.genuine_jumps": 0,
            "quality.gaps.len": 1,
            "quality.gaps.0.seconds": 11 * 3600 - 180 + 9,
            "summary.current_timestep": 286_720,
            "summary.best_reward": 4.375,
            "summary.final_reward": 4.375,
        }
    },
    ("9.21", "11.resumed-in-place"),
)


def artefact_and_restart(path: Path) -> None:
    """A second leg with two double-counted rows and one real fall back from 532,480 to 491,536."""
    with database(path) as con:
        add_run(
            con,
            RUN,
            {"total_timesteps": 400_000},
            leg_number=2,
            base_run_id="run-bbbb0000",
            leg_start_timestep=409_600,
            start_timestep=409_600,
            target_timestep=809_600,
            end_time=Clock().iso(1200),
        )
        before = table_rows(RUN, range(1, 31), offset=409_600, target=400_000)
        after = table_rows(RUN, range(1, 79), began=280.0, offset=491_536, target=400_000)
        early = phantom_rows(RUN, [460_000], leg_start=409_600, target=400_000)
        late = phantom_rows(RUN, [700_000], leg_start=409_600, start=491_536, began=280.0, target=400_000)
        store(con, before, early, after, late)


ARTEFACT_AND_RESTART = Scenario(
    "leg-with-artefacts-and-a-restart",
    artefact_and_restart,
    {
        RUN: {
            **session(0, 409_600, 413_696, 532_480),
            **session(1, 491_536, 495_632, 811_024),
            "quality.rows": 110,
            "quality.phantom_rows": 2,
            "quality.superseded_rows": 10,
            "quality.restarts": 1,
            "quality.genuine_jumps": 1,
            "quality.artefact_jumps": 2,
            "summary.backward_jump_count": 1,
            "summary.current_timestep": 811_024,
            "summary.progress_pct": 100.0 * (811_024 - 409_600) / 400_000,
        }
    },
    ("9.5", "7.5"),
)


def gaps(path: Path) -> None:
    """One silence of 309 s at 9 s a row counts; 59 s does not; 110 s does not where a row comes each 20 s."""
    with database(path) as con:
        for run_id in (RUN, OTHER, "run-bbbb0003", "run-bbbb0004"):
            add_run(con, run_id, end_time=Clock().iso(2600), status="stopped")
        store(con, table_rows(RUN, range(1, 51)), table_rows(RUN, range(51, 101), began=300.0))
        add_gpu_samples(con, RUN, range(0, 1200, 60))
        store(con, table_rows(OTHER, range(1, 51)), table_rows(OTHER, range(51, 101), began=50.0))
        slow = {"pace": 20.0}
        third, fourth = "run-bbbb0003", "run-bbbb0004"
        store(
            con,
            table_rows(third, range(1, 51), **slow),
            table_rows(third, range(51, 101), began=90.0, **slow),
        )
        store(con, table_rows(fourth, range(1, 51), **slow))
        store(con, table_rows(fourth, range(51, 101), began=110.0, **slow))


GAPS = Scenario(
    "gaps-above-and-below-the-threshold",
    gaps,
    {
        RUN: {
            **(CLEAN | {"quality.gaps.len": 1}),
            **missed(75, 100),
            "quality.gaps.0.seconds": 309,
            "summary.pause_time_h": 309 / 3600,
            "summary.gpu_avg": 30.0,
            "summary.gpu_max": 40.0,
            "summary.vram_avg": 2200.0,
            "summary.vram_max": 2400.0,
        },
        OTHER: CLEAN,
        "run-bbbb0003": CLEAN,  # threshold 6 x 20 s = 120 s, the longest distance is 110 s
        "run-bbbb0004": {**(CLEAN | {"quality.gaps.len": 1}), "quality.gaps.0.seconds": 130},
    },
    ("7.6",),
)


# ---------------------------------------------------------------- clocks

FALL_BACK = Clock(datetime(2025, 11, 2, 0, 0, 0), -5.0, change_after=7200.0, changed_offset=-6.0)


def dst_fall_back(path: Path) -> None:
    """The clock goes from 02:00 back to 01:00 in the middle: three hours of work, two on the wall."""
    with database(path, "2025-11-12") as con:
        add_run(
            con,
            RUN,
            {"total_timesteps": 4_915_200},
            start_time=FALL_BACK.iso(0),
            end_time=FALL_BACK.iso(10_803),
        )
        store(con, table_rows(RUN, range(1, 1201), clock=FALL_BACK, target=4_915_200))


DST_FALL_BACK = Scenario(
    "dst-fall-back",
    dst_fall_back,
    {
        RUN: {
            **CLEAN,
            **rows(1200, 1200),
            **reached(at_25=(1_228_800, 18.75), at_50=(2_457_600, 37.5), at_100=(4_915_200, 75.0)),
            "state": "completed",
            "quality.sessions.len": 1,
            "summary.duration_h": 3.0,
            "summary.current_timestep": 4_915_200,
        }
    },
    ("9.27", "7.6", "11.dst"),
)


def dst_beside_start_and_end(path: Path) -> None:
    """Set back soon after a start and soon before an end, and set forward: 2 h 12 min of rows each, 40 s apart."""
    starts = {
        RUN: Clock(datetime(2025, 11, 2, 1, 30), -5.0, change_after=1800.0, changed_offset=-6.0),
        OTHER: Clock(datetime(2025, 11, 1, 23, 50), -5.0, change_after=7800.0, changed_offset=-6.0),
        THIRD: Clock(datetime(2026, 3, 8, 1, 30), -6.0, change_after=1800.0, changed_offset=-5.0),
    }
    with database(path) as con:
        for run, clock in starts.items():
            add_run(con, run, start_time=clock.iso(0), end_time=clock.iso(7925))
            store(con, table_rows(run, range(1, 199), clock=clock, pace=40.0, fps=102.0))
            add_gpu_samples(con, run, range(0, 7920, 30), clock)


DST_BESIDE_START_AND_END = Scenario(
    "dst-beside-start-and-end",
    dst_beside_start_and_end,
    {
        run: {
            **CLEAN,
            **rows(198, 198),
            "state": "completed",
            "problems.len": 0,
            "summary.duration_h": 2.2,
            "cost.hours": 2.2,
        }
        for run in (RUN, OTHER, THIRD)
    },
    ("9.27",),
    as_of="2026-03-20T12:00:00",
    forbidden=("resumed in place", "70 steps/s", "from start time to end time"),
)


def rows_that_waited(path: Path) -> None:
    """For 35 minutes nobody could write to the file; then all the rows of that time were written at once."""
    clock, free = Clock(), 3600.0
    with database(path) as con:
        add_run(con, RUN, start_time=clock.iso(0), end_time=clock.iso(7925))
        rows_of_run = table_rows(RUN, range(1, 199), clock=clock, pace=40.0, fps=102.0)
        for row in rows_of_run:
            if clock.utc(free - 2100) < row.written < clock.utc(free):
                row.values["created_at"] = clock.sqlite(free)
        store(con, rows_of_run)


ROWS_THAT_WAITED = Scenario(
    "rows-that-waited",
    rows_that_waited,
    {
        RUN: {
            **CLEAN,
            **rows(198, 198),
            **speed(102.0, 102.0, 102.0),
            "problems.len": 0,
            "summary.duration_h": 2.2,
            "quality.gaps.len": 0,
            "quality.utc_offset_min": -360,
        }
    },
    ("9.27",),
    forbidden=("the clock was set",),
)


def slow_rows_behind_dst(path: Path) -> None:
    """Set back before the last row, of which there is one in ten minutes."""
    clock = Clock(datetime(2025, 11, 2, 0, 5), -5.0, change_after=6900.0, changed_offset=-6.0)
    with database(path) as con:
        add_run(con, RUN, start_time=clock.iso(0), end_time=clock.iso(7205))
        store(con, table_rows(RUN, range(1, 13), clock=clock, pace=600.0, fps=6.8))


SLOW_ROWS_BEHIND_DST = Scenario(
    "slow-rows-behind-dst",
    slow_rows_behind_dst,
    {
        RUN: {
            **rows(12, 12),
            "problems": [],
            "summary.duration_h": 2.0,
            "summary.end_time_or_in_progress": "2025-11-02T01:05:05",
            "quality.utc_offset_min": -360,
        }
    },
    ("9.27",),
    forbidden=("but training went on", "resumed in place"),
)


def contaminated_across_dst(path: Path) -> None:
    """Stopped at 01:30 in summer time; the other run's rows go on to 01:59 and again from 01:00."""
    clock = Clock(datetime(2026, 11, 1, 1, 0, 0), -5.0, change_after=3600.0, changed_offset=-6.0)
    with database(path) as con:
        add_run(con, RUN, start_time=clock.iso(0), end_time=clock.iso(1800), status="stopped")
        longer = {"total_timesteps": 1_700_000}
        add_run(con, OTHER, longer, start_time=clock.iso(900), end_time=clock.iso(4510), status="stopped")
        own = table_rows(RUN, range(1, 191), clock=clock)  # the last at 1710 s
        other = table_rows(OTHER, range(1, 401), clock=clock, began=900.0, reward=lambda s: 50.0)
        store(con, own, other, foreign_rows(RUN, [r for r in other if r.values["episode_count"] >= 151]))


CONTAMINATED_ACROSS_DST = Scenario(
    "contaminated-across-a-clock-change",
    contaminated_across_dst,
    {
        RUN: {
            # the other run's iterations 151-400 came at 2259-4500 s; its 151-190 replaced own ones
            **rows(400, 150, contaminated_rows=250, phantom_rows=0),
            "state": "stopped",
            "quality.genuine_jumps": 0,
            "summary.current_timestep": 614_400,
            "summary.best_reward": 9.375,
            "summary.final_reward": 9.375,
        },
        # its own rows before 02:00 are "later" on the clock than its end at 01:15, and they are its own
        OTHER: {**CLEAN, **rows(400, 400), "state": "stopped", "summary.current_timestep": 1_638_400},
    },
    ("9.4", "9.27"),
    as_of="2026-11-02T12:00:00",
)


def one_stamp_for_all(path: Path) -> None:
    """After a restore every row has the same created_at; with times in UTC no distance can be measured."""
    with database(path) as con:
        add_run(con, RUN, end_time=Clock().iso(1790))
        restored = {"created_at": "2026-01-05 08:00:00"}
        store(con, table_rows(RUN, range(1, 199), **restored))


ONE_STAMP_FOR_ALL = Scenario(
    "one-created-at-for-all-rows",
    one_stamp_for_all,
    {
        RUN: {
            **CLEAN,
            **rows(198, 198),
            "state": "completed",
            "summary.duration_h": 0.495,
            "summary.current_timestep": 811_008,
            "summary.pause_count": 0,
        }
    },
    ("9.32",),
    as_of="2026-01-06T12:00:00",
)

SCENARIOS = (
    INTERLEAVED,
    SAME_GRID,
    RESUMED_IN_PLACE,
    ARTEFACT_AND_RESTART,
    GAPS,
    DST_FALL_BACK,
    DST_BESIDE_START_AND_END,
    ROWS_THAT_WAITED,
    SLOW_ROWS_BEHIND_DST,
    CONTAMINATED_ACROSS_DST,
    ONE_STAMP_FOR_ALL,
)
