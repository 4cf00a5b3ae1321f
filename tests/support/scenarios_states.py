"""What became of a run: its status column is one witness among several."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from support.expect import CLEAN, NO_METRICS, PRESENT, Scenario, missed, reached, rows
from support.rows import Clock, add_gpu_samples, add_run, foreign_rows, stats_rows, store, table_rows
from support.schema import database

TEN = Clock().iso  # local time so many seconds after 10:00


def ids(first: int, count: int) -> list[str]:
    return [f"run-dddd{first + k:04d}" for k in range(count)]


# ---------------------------------------------------------------- still 'running' in the file

SILENT, METRIC, SAMPLE, TOUCHED, BEATING, DONE, PAUSED = ids(1, 7)


def running(path: Path) -> None:
    """Seven rows say 'running' at 11:00; metrics of most ended at 10:15:09, 44 minutes and 51 s before."""
    with database(path) as con:
        untouched = {"status": "running", "updated_at": TEN(909), "current_timestep": 413_696}
        add_run(con, SILENT, **untouched)
        add_run(con, METRIC, {"total_timesteps": 1_620_000}, status="running", updated_at=TEN(0))
        add_run(con, SAMPLE, **untouched)
        add_run(con, TOUCHED, **(untouched | {"updated_at": TEN(3000)}))
        add_run(con, BEATING, **untouched, heartbeat_at=TEN(3300))
        add_run(con, DONE, {"total_timesteps": 410_000}, **untouched)
        note = f"ui_exit_pause: UI closed at {TEN(912)}, run paused"
        add_run(con, PAUSED, **untouched, process_paused=1, status_note=note)
        for run_id in (SILENT, SAMPLE, TOUCHED, BEATING, DONE, PAUSED):
            store(con, table_rows(run_id, range(1, 102)))
        store(con, table_rows(METRIC, range(1, 202), target=1_620_000))  # up to 10:30:09
        add_gpu_samples(con, SAMPLE, range(0, 3580, 20))


RUNNING = Scenario(
    "running-in-the-file",
    running,
    {
        SILENT: {
            **CLEAN,
            "state": "stale",
            "summary.current_timestep": 413_696,
            "summary.duration_h": 909 / 3600,
            "summary.progress_pct": 100.0 * 413_696 / 810_000,
        },
        METRIC: {**CLEAN, "state": "running", "summary.current_timestep": 823_296},
        SAMPLE: {**CLEAN, "state": "running"},
        TOUCHED: {**CLEAN, "state": "running"},
        BEATING: {**CLEAN, "state": "running"},
        DONE: {**CLEAN, "state": "finished", "summary.progress_pct": 100.0 * 413_696 / 410_000},
        PAUSED: {**CLEAN, "state": "paused", "summary.pause_count": 1},
    },
    ("9.1", "9.2", "9.6"),
    as_of="2025-12-22T11:00:00",
)


def half_an_hour(path: Path) -> None:
    """One run was last seen 29 minutes before, one 31 minutes before."""
    with database(path) as con:
        for run_id, pace in zip(ids(11, 2), (31.0 * 60 / 50, 29.0 * 60 / 50), strict=True):
            add_run(con, run_id, status="running", updated_at=TEN(0))
            store(con, table_rows(run_id, range(1, 51), pace=pace))


HALF_AN_HOUR = Scenario(
    "half-an-hour-of-silence",
    half_an_hour,
    {"run-dddd0011": {"state": "running", **CLEAN}, "run-dddd0012": {"state": "stale", **CLEAN}},
    ("9.1",),
    as_of="2025-12-22T11:00:00",
)


# ---------------------------------------------------------------- an end that was noted too early or too late

EARLY, KILLED_ONLY_IN_THE_FILE, LATE, GUARDED = ids(21, 4)


def wrong_ends(path: Path) -> None:
    """Metrics go on after two ends, and stop hours before two others."""
    with database(path) as con:
        leg = {"leg_number": 2, "base_run_id": "run-dddd0000"}
        start = {"leg_start_timestep": 811_008, "start_timestep": 811_008, "target_timestep": 1_621_008}
        add_run(con, EARLY, status="completed", end_time=TEN(12), **leg, **start)
        store(con, table_rows(EARLY, range(1, 101), offset=811_008))
        add_run(con, KILLED_ONLY_IN_THE_FILE, status="stopped", end_time=TEN(300.5))
        store(con, table_rows(KILLED_ONLY_IN_THE_FILE, range(1, 101)))
        add_run(con, LATE, status="completed", end_time=TEN(1782 + 3 * 3600))
        store(con, table_rows(LATE, range(1, 199)))
        note = "Auto-failed by stale-run-guard: pid_missing, last_activity>30m (2025-12-22T10:15:00) at "
        note += "2025-12-23T09:00:00"
        guard = {"status": "failed", "status_note": note, "description": f"Training ppo\n{note}"}
        add_run(con, GUARDED, end_time="2025-12-23T09:00:00", **guard)
        store(con, table_rows(GUARDED, range(1, 101)))


WRONG_ENDS = Scenario(
    "ends-noted-too-early-and-too-late",
    wrong_ends,
    {
        EARLY: {
            **CLEAN,
            **rows(100, 100),
            "summary.current_timestep": 1_220_608,
            "summary.duration_h": 0.25,
            "summary.progress_pct": 100.0 * 409_600 / 810_000,
        },
        KILLED_ONLY_IN_THE_FILE: {
            **CLEAN,
            **rows(100, 100),
            "state": "stopped",
            "summary.current_timestep": 409_600,
            "summary.duration_h": 0.25,
        },
        LATE: {
            **CLEAN,
            "state": "completed",
            "summary.duration_h": 0.495,
            "summary.progress_pct": 100.0 * 811_008 / 810_000,
        },
        GUARDED: {
            **CLEAN,
            **missed(75, 100),
            "state": "failed",
            "summary.duration_h": 0.25,
            "summary.error_summary_if_failed": PRESENT,
        },
    },
    ("9.3", "9.20", "9.29"),
)

AFTER_EXIT, WITHOUT_CPU, BOGUS, DONOR = ids(31, 4)


def last_rows_after_the_end(path: Path) -> None:
    """A last row after end_time is the run's own, unless the run was stopped and its process was gone."""
    with database(path) as con:
        add_run(con, AFTER_EXIT, status="completed", end_time=TEN(1780))
        store(con, table_rows(AFTER_EXIT, range(1, 199)))
        add_run(con, WITHOUT_CPU, status="completed", end_time=TEN(1780))
        own = table_rows(WITHOUT_CPU, range(1, 199))
        own[-1].values.update(cpu_percent=None, memory_mb=None, gpu_percent=None, gpu_memory_mb=None)
        store(con, own)
        add_run(con, DONOR, start_time=TEN(0), end_time=TEN(1790))
        donor = table_rows(DONOR, range(1, 199), reward=lambda step: 30.0)
        store(con, donor)
        later = Clock(datetime(2025, 12, 22, 11))
        add_run(
            con,
            BOGUS,
            status="stopped",
            start_time=later.iso(0),
            end_time=later.iso(470),
            current_timestep=811_008,
            best_reward=30.0,
        )
        tail = stats_rows(BOGUS, [811_008], clock=later, pace=0.0, began=474.0)
        alien = foreign_rows(BOGUS, tail)
        alien[0].values.update(episode_count=198, episode_reward_mean=30.0)
        store(con, table_rows(BOGUS, range(1, 51), clock=later), alien)


LAST_ROWS_AFTER_THE_END = Scenario(
    "last-rows-after-the-end",
    last_rows_after_the_end,
    {
        AFTER_EXIT: {**CLEAN, **rows(198, 198), "summary.current_timestep": 811_008},
        WITHOUT_CPU: {**CLEAN, **rows(198, 198), "summary.current_timestep": 811_008},
        DONOR: {**CLEAN, **rows(198, 198)},
        BOGUS: {
            **rows(51, 50, contaminated_rows=1, phantom_rows=0),
            **reached(at_10=(77_824, 1.1875), at_25=(200_704, 3.0625)),
            **missed(50, 75, 100),
            "state": "stopped",
            "summary.current_timestep": 204_800,
            "summary.best_reward": 3.125,
            "summary.final_reward": 3.125,
        },
    },
    ("9.4",),
)


# ---------------------------------------------------------------- unannounced words, the first recorder

UNKNOWN, EMPTY_STATUS, FAILED_EARLY = ids(41, 3)


def odd_statuses(path: Path) -> None:
    """A supervisor's own word, an empty one, and a note with text beyond ASCII."""
    with database(path) as con:
        add_run(con, UNKNOWN, status="supervised", status_note="took over 🤖 caf\ufffd", end_time=TEN(90))
        add_run(con, EMPTY_STATUS, status="", end_time=TEN(90))
        add_run(con, FAILED_EARLY, status="failed", end_time=TEN(4))
        store(con, table_rows(UNKNOWN, range(1, 11)))


ODD_STATUSES = Scenario(
    "statuses-nobody-announced",
    odd_statuses,
    {
        UNKNOWN: {"state": "unknown", "summary.current_timestep": 40_960},
        EMPTY_STATUS: {"state": "unknown", "quality.rows": 0},
        FAILED_EARLY: {**NO_METRICS, "state": "failed"},
    },
    ("9.10", "9.30"),
)


def first_recorder(path: Path) -> None:
    """In October the recorder stopped after a minute: completed, two progress lines, no reward, step 0."""
    october = Clock(datetime(2025, 10, 29, 18), utc_offset=-5.0)
    with database(path, "2025-10-28") as con:
        full = {"start_time": october.iso(0), "end_time": october.iso(7200), "current_timestep": 0}
        add_run(con, "run-dddd0051", {"total_timesteps": 1_000_000, "n_envs": 4}, **full)
        store(con, stats_rows("run-dddd0051", [10_000, 20_000], clock=october, target=1_000_000))
        add_run(con, "run-dddd0052", {"total_timesteps": 1_000_000, "n_envs": 4}, **full)


FIRST_RECORDER = Scenario(
    "recorder-that-stopped-after-a-minute",
    first_recorder,
    {
        "run-dddd0051": {
            "state": "completed",
            "quality.rows": 2,
            "quality.phantom_rows": 0,
            "quality.contaminated_rows": 0,
            "quality.rollout_size": None,
            "quality.genuine_jumps": 0,
            "summary.best_reward": None,
            "summary.final_reward": None,
            "summary.rew_10": None,
            "summary.rew_100": None,
        },
        "run-dddd0052": {**NO_METRICS, "state": "completed", "summary.rew_100": None},
    },
    ("9.11", "9.31"),
)


def only_progress_lines(path: Path) -> None:
    """Rows with steps, speed and GPU readings, but no table; and a run that began a minute ago, without a row."""
    with database(path) as con:
        add_run(con, "run-dddd0061", end_time=Clock().iso(1800))
        store(con, stats_rows("run-dddd0061", range(10_000, 810_000, 10_000)))
        add_run(con, "run-dddd0062", status="running", start_time=Clock().iso(3540), updated_at=Clock().iso(3540))


ONLY_PROGRESS_LINES = Scenario(
    "only-progress-lines",
    only_progress_lines,
    {
        "run-dddd0061": {
            **rows(80, 0),
            "summary.current_timestep": None,
            **{
                f"not_recorded.{name}": "none of the recorded rows counts"
                for name in ("current_timestep", "progress_pct", "avg_fps", "gpu_avg", "mem_max", "kl_note", "rew_100")
            },
        },
        "run-dddd0062": {
            **NO_METRICS,
            "state": "running",
            "problems": [],  # its first row is on its way
            "not_recorded.gpu_avg": "no metric rows were recorded",
            "not_recorded.resource_bottleneck_note": "no metric rows were recorded",
        },
    },
    ("9.10",),
    as_of=Clock().iso(3600),
    forbidden=("at 0.0 % of the target", "it crashed at once"),
)

SCENARIOS = (
    RUNNING,
    HALF_AN_HOUR,
    WRONG_ENDS,
    LAST_ROWS_AFTER_THE_END,
    ODD_STATUSES,
    FIRST_RECORDER,
    ONLY_PROGRESS_LINES,
)
