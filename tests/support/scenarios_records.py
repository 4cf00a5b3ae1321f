"""What stands around the metrics: names, lineages, launch records, videos, notes, orphans."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from support.expect import CLEAN, NO_METRICS, PRESENT, Mentions, Scenario, rows
from support.rows import (
    Clock,
    add_annotation,
    add_experiment,
    add_gpu_samples,
    add_run,
    add_video,
    add_video_job,
    insert,
    store,
    table_rows,
)
from support.schema import database

END = Clock().iso(1790)
WHOLE = range(1, 199)


def ids(first: int, count: int) -> list[str]:
    return [f"run-ffff{first + k:04d}" for k in range(count)]


# ---------------------------------------------------------------- names

SCRIPT, EMOJI, MARKUP, LONG = ids(1, 4)
HOSTILE = "<script>alert('runsum')</script>"


def hostile_names(path: Path) -> None:
    """User text with HTML, Markdown, template braces, control characters, emoji, and a lot of it."""
    with database(path) as con:
        add_run(con, SCRIPT, custom_name=HOSTILE, experiment_name=HOSTILE, root_name=HOSTILE, end_time=END)
        target = "ppo-🎯 Breakout"
        add_run(con, EMOJI, root_name=target, display_name=f"{target}-1A-v1", custom_name="❤️‍🔥", end_time=END)
        braces = "{{ 7 * 7 }} {% raw %} `code` | pipe | [link](javascript:alert(1)) --- \n\n# head\t\x07 ]]>"
        add_run(con, MARKUP, custom_name=braces, description=braces, status_note=braces, end_time=END)
        add_run(con, LONG, custom_name="long name " * 200, tags_json="not json", end_time=END)
        for run_id in (SCRIPT, EMOJI, MARKUP, LONG):
            store(con, table_rows(run_id, WHOLE))
        add_annotation(con, SCRIPT, f"here it learned {HOSTILE} 🚀 caf\ufffd", x=81_920, y=1.25)


HOSTILE_NAMES = Scenario(
    "hostile-names",
    hostile_names,
    {
        SCRIPT: {**CLEAN, "state": "completed", "summary.custom_name_or_leg": PRESENT},
        EMOJI: {**CLEAN, "summary.custom_name_or_leg": Mentions("🎯 Breakout-1A-v1")},
        MARKUP: {**CLEAN, "summary.best_reward": 12.375},
        LONG: {**CLEAN, "summary.best_reward": 12.375},
    },
    ("9.19", "9.30", "11.emoji-names", "11.script-in-custom-name"),
    forbidden=("<script>alert(", '="javascript:'),
)

OLD_STYLE = (
    "run-20240115-143022-abc123",
    "test-breakout",
    "run-ab",
    "RUN-AB",
    "../outside",
    "run with space/é",
)


def odd_run_ids(path: Path) -> None:
    """Ids of older forms, ids that differ only in case, an id that climbs out of a folder."""
    with database(path) as con:
        for number, run_id in enumerate(OLD_STYLE):
            add_run(con, run_id, end_time=END)
            store(con, table_rows(run_id, range(1, 11 + number)))


ODD_RUN_IDS = Scenario(
    "odd-run-ids",
    odd_run_ids,
    {
        run_id: {"quality.rows": 10 + number, "summary.current_timestep": 4096 * (10 + number)}
        for number, run_id in enumerate(OLD_STYLE)
    },
    ("9.19",),
)

FIRST_TWIN, SECOND_TWIN, SAME_START = ids(11, 3)


def twins(path: Path) -> None:
    """Two runs share name, configuration, variant and display name; a third even the start."""
    with database(path) as con:
        same = {"display_name": "ppo-🎯 Breakout-1A-v1", "root_name": "ppo-🎯 Breakout", "variant_index": 1}
        add_run(con, FIRST_TWIN, **same, end_time=END)
        add_run(con, SECOND_TWIN, start_time="2025-12-22T10:04:00", end_time="2025-12-22T10:40:00", **same)
        add_run(con, SAME_START, **same, end_time=END)
        late = Clock(datetime(2025, 12, 22, 10, 4))
        store(con, table_rows(FIRST_TWIN, WHOLE))
        store(con, table_rows(SECOND_TWIN, WHOLE, clock=late, reward=lambda s: s / 32_768))
        store(con, table_rows(SAME_START, WHOLE, reward=lambda s: s / 131_072))


TWINS = Scenario(
    "same-name-same-configuration",
    twins,
    {
        FIRST_TWIN: {**CLEAN, "summary.best_reward": 12.375, "lineage.parent": None},
        SECOND_TWIN: {**CLEAN, "summary.best_reward": 24.75, "lineage.parent": None},
        SAME_START: {**CLEAN, "summary.best_reward": 6.1875, "lineage.parent": None},
    },
    ("9.22", "9.28", "11.duplicated-display-names"),
)


# ---------------------------------------------------------------- lineage

ROOT, CHILD, FORK, GRANDCHILD = ids(21, 4)
ORPHAN, LOOP_A, LOOP_B, OWN_PARENT = ids(31, 4)
OLD_ROOT, OLD_LEG, OLD_LEG_3 = ids(41, 3)


def _leg(con, run_id: str, hour: int, start: int, reward, leg: int, config=None, fps=450.0, **columns) -> None:
    clock = Clock(datetime(2025, 12, 22, hour))
    names = {"leg_number": leg, "leg_start_timestep": start, "start_timestep": start} | columns
    names["target_timestep"] = start + 810_000
    add_run(con, run_id, config, start_time=clock.iso(0), end_time=clock.iso(1790), **names)
    series = table_rows(run_id, WHOLE, clock=clock, offset=start, reward=reward, fps=fps, first_fps=fps + 100)
    store(con, series)


def lineages(path: Path) -> None:
    """A root, two continuations of it, one of those continued; an orphan, circles of two and of one."""
    with database(path) as con:
        child_of_root = {"base_run_id": ROOT, "parent_run_id": ROOT}
        _leg(con, ROOT, 10, 0, lambda s: s / 65_536, 1)
        _leg(con, CHILD, 11, 811_008, lambda s: 15.0, 2, {"learning_rate": 0.0001}, 460.0, **child_of_root)
        _leg(con, FORK, 12, 811_008, lambda s: 11.0, 2, fps=440.0, variant_index=2, **child_of_root)
        below = {"base_run_id": ROOT, "parent_run_id": CHILD}
        _leg(con, GRANDCHILD, 13, 1_622_016, lambda s: 14.5, 3, {"learning_rate": 0.0001}, 460.0, **below)
        gone = {"base_run_id": "run-gone0001", "parent_run_id": "run-gone0001"}
        _leg(con, ORPHAN, 14, 811_008, lambda s: 5.0, 2, **gone)
        _leg(con, LOOP_A, 15, 811_008, lambda s: 6.0, 2, base_run_id=LOOP_B, parent_run_id=LOOP_B)
        _leg(con, LOOP_B, 16, 811_008, lambda s: 7.0, 2, base_run_id=LOOP_A, parent_run_id=LOOP_A)
        _leg(con, OWN_PARENT, 17, 811_008, lambda s: 8.0, 2, base_run_id=OWN_PARENT, parent_run_id=OWN_PARENT)


LINEAGES = Scenario(
    "lineages",
    lineages,
    {
        ROOT: {
            **CLEAN,
            "lineage.root": ROOT,
            "lineage.parent": None,
            "lineage.children": [CHILD, FORK],
            "lineage.leg": 1,
            "summary.reward_delta": None,
            "summary.fps_delta": None,
            "summary.final_reward": 12.375,
        },
        CHILD: {
            **CLEAN,
            "lineage.root": ROOT,
            "lineage.parent": ROOT,
            "lineage.children": [GRANDCHILD],
            "lineage.leg": 2,
            "summary.reward_delta": 2.625,
            "summary.fps_delta": 10.0,
            "config_delta.len": 1,
            "config_delta": Mentions("learning_rate"),
        },
        FORK: {
            "lineage.root": ROOT,
            "lineage.parent": ROOT,
            "lineage.children": [],
            "summary.reward_delta": -1.375,
            "summary.fps_delta": -10.0,
            "config_delta": [],
        },
        GRANDCHILD: {
            "lineage.root": ROOT,
            "lineage.parent": CHILD,
            "lineage.leg": 3,
            "summary.reward_delta": -0.5,
            "summary.fps_delta": 0.0,
            "config_delta": [],
            "summary.leg_number": 3,
            "summary.base_run_id": ROOT,
        },
        ORPHAN: {**CLEAN, "summary.leg_number": 2, "summary.reward_delta": None, "lineage.children": []},
        LOOP_A: {**CLEAN, "state": "completed", "summary.final_reward": 6.0},
        LOOP_B: {**CLEAN, "state": "completed", "summary.final_reward": 7.0},
        OWN_PARENT: {**CLEAN, "summary.final_reward": 8.0, "lineage.parent": None, "lineage.children": []},
    },
    ("9.18", "11.deleted-parent", "11.cyclic-parents"),
)


def inferred_parents(path: Path) -> None:
    """Between 12 and 22 December legs know their root and number, not their parent."""
    with database(path, "2025-12-12") as con:
        _leg(con, OLD_ROOT, 10, 0, lambda s: s / 65_536, 1)
        _leg(con, OLD_LEG, 12, 811_008, lambda s: 15.0, 2, base_run_id=OLD_ROOT)
        _leg(con, OLD_LEG_3, 14, 1_622_016, lambda s: 14.0, 3, base_run_id=OLD_ROOT)


INFERRED_PARENTS = Scenario(
    "parents-inferred-from-leg-numbers",
    inferred_parents,
    {
        OLD_ROOT: {"lineage.parent": None, "lineage.children": [OLD_LEG]},
        OLD_LEG: {"lineage.parent": OLD_ROOT, "lineage.root": OLD_ROOT, "summary.reward_delta": 2.625},
        OLD_LEG_3: {"lineage.parent": OLD_LEG, "lineage.root": OLD_ROOT, "summary.reward_delta": -1.0},
    },
    ("9.18",),
)


# ---------------------------------------------------------------- launch records, videos, orphans

VIDEO, RELAUNCHED, NO_RECORD = ids(51, 3)
WINDOWS = r"D:\Python projects\ML project\outputs" + "\\"


def videos_and_records(path: Path) -> None:
    """Launch records under unrelated ids, Windows paths, a video in another's folder, stuck video jobs."""
    with database(path) as con:
        for run_id in (VIDEO, RELAUNCHED, NO_RECORD):
            checkpoint = rf"models\checkpoints\{run_id}\latest.zip"
            add_run(con, run_id, end_time=END, parent_checkpoint_path=checkpoint)
            store(con, table_rows(run_id, WHOLE))
        add_experiment(con, "run-0000aaaa", VIDEO, preset="long")
        add_experiment(con, "run-0000bbbb", RELAUNCHED, preset="quick", created="2025-12-20T08:00:00")
        add_experiment(con, "run-0000cccc", RELAUNCHED, preset="medium", created="2025-12-22T10:00:00")
        film = "breakout_10.0h_training.mp4"
        add_video(con, f"video_{VIDEO}_1766426400", f"{WINDOWS}{VIDEO}\\{film}", experiment_id="run-0000aaaa")
        add_video(con, f"video_{NO_RECORD}_1766426401", f"{WINDOWS}{VIDEO}\\stray.mp4", size_mb=0)
        add_video_job(con, f"{VIDEO}_pct_50_0a1b2c3d", VIDEO, "in-progress", processed_frames=900)
        error = "Failed to load model"
        add_video_job(con, f"{RELAUNCHED}_pct_10_0a1b2c3d", RELAUNCHED, "failed", error_message=error)
        done = {"completed_at": END, "video_path": f"{WINDOWS}segment_010.mp4", "processed_frames": 2700}
        add_video_job(con, f"{RELAUNCHED}_continuous_pct_20_0a1b2c3d", RELAUNCHED, "completed", **done)


VIDEOS_AND_RECORDS = Scenario(
    "videos-and-launch-records",
    videos_and_records,
    {
        VIDEO: {
            **CLEAN,
            "summary.preset": "long",
            "summary.video_artifacts_paths": Mentions("breakout_10.0h_training.mp4"),
            "summary.video_generation_status": PRESENT,
            "summary.n_envs": 16,  # the launch record's 8 is a preset's constant
        },
        RELAUNCHED: {
            "summary.preset": "medium",
            "summary.video_artifacts_paths": None,
            "summary.video_generation_status": PRESENT,
        },
        NO_RECORD: {"summary.video_artifacts_paths": Mentions("stray.mp4"), "summary.preset": None},
    },
    ("9.14", "9.16", "9.23", "11.backslash-paths"),
)

ALONE, BARE = ids(61, 2)


def orphans(path: Path) -> None:
    """Metrics, samples, videos and launch records of runs that were deleted, beside two that were not."""
    with database(path) as con:
        add_run(con, ALONE, end_time=END)
        store(con, table_rows(ALONE, WHOLE), table_rows("run-gone0002", range(1, 51)))
        add_run(con, BARE, status="running", updated_at="2025-12-22T10:00:05")
        add_gpu_samples(con, "run-gone0002", range(0, 400, 20))
        add_gpu_samples(con, "run-gone0003", range(0, 400, 20), util=None)
        add_video(con, "video_run-gone0002_1766426400", f"{WINDOWS}run-gone0002\\film.mp4")
        add_video_job(con, "run-gone0002_pct_50_0a1b2c3d", "run-gone0002", "in-progress")
        add_annotation(con, "run-gone0002", "a note on a deleted run")
        add_experiment(con, "run-0000dddd", "started by a script", notes=None)
        insert(con, "chart_states", state_id="s1", name="view", created_at=END, state_data="{not json")


ORPHANS = Scenario(
    "orphans",
    orphans,
    {ALONE: {**CLEAN, **rows(198, 198), "summary.preset": None}, BARE: {**NO_METRICS, "state": "stale"}},
    ("9.17",),
)

SCENARIOS = (
    HOSTILE_NAMES,
    ODD_RUN_IDS,
    TWINS,
    LINEAGES,
    INFERRED_PARENTS,
    VIDEOS_AND_RECORDS,
    ORPHANS,
)
