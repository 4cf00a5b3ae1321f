"""Milestones where the stored percentages mislead: one scenario per defect of a naive query."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from support.expect import CLEAN, Scenario, missed, reached, rows, session
from support.rows import Clock, add_run, stats_rows, store, table_rows
from support.schema import database

RUN = "run-cccc0001"
PARENT = "run-cccc0002"
NOON = Clock(datetime(2025, 12, 22, 12))


def exact_percentages(path: Path) -> None:
    """Progress lines sit on exactly 10, 25, 50 and 75 %, and they have no reward."""
    with database(path) as con:
        add_run(con, RUN, {"total_timesteps": 800_000}, end_time=Clock().iso(1770))
        lines = stats_rows(RUN, [80_000, 200_000, 400_000, 600_000], target=800_000)
        store(con, table_rows(RUN, range(1, 197), target=800_000), lines)


EXACT_PERCENTAGES = Scenario(
    "exact-percentages-without-reward",
    exact_percentages,
    {
        RUN: {
            **CLEAN,
            **rows(200, 196),
            **reached(
                at_10=(77_824, 1.1875),
                at_25=(196_608, 3.0),
                at_50=(397_312, 6.0625),
                at_75=(598_016, 9.125),
                at_100=(802_816, 12.25),
            ),
            "summary.progress_pct": 100.352,
        }
    },
    ("7.4a",),
)


def null_reward_at_the_mark(path: Path) -> None:
    """The table rows right before 25 % and 75 % have no reward; the ones before them do."""
    with database(path) as con:
        add_run(con, RUN, end_time=Clock().iso(1790))
        table = table_rows(RUN, range(1, 199))
        for row in table:
            if row.values["episode_count"] in (48, 49, 148):
                row.values["episode_reward_mean"] = None
        store(con, table)


NULL_REWARD_AT_THE_MARK = Scenario(
    "null-reward-at-the-mark",
    null_reward_at_the_mark,
    {
        RUN: {
            **CLEAN,
            **rows(198, 198),
            **reached(
                at_10=(77_824, 1.1875),
                at_25=(192_512, 2.9375),  # iteration 47
                at_50=(401_408, 6.125),
                at_75=(602_112, 9.1875),  # iteration 147
                at_100=(811_008, 12.375),
            ),
        }
    },
    ("7.4b",),
)


def stopped_half_way(path: Path) -> None:
    """Stopped after 100 of 198 rollouts: 75 and 100 % have no value, not the last one."""
    with database(path) as con:
        add_run(con, RUN, status="stopped", end_time=Clock().iso(904))
        store(con, table_rows(RUN, range(1, 101)))


STOPPED_HALF_WAY = Scenario(
    "stopped-half-way",
    stopped_half_way,
    {
        RUN: {
            **CLEAN,
            **rows(100, 100),
            **reached(at_10=(77_824, 1.1875), at_25=(200_704, 3.0625), at_50=(401_408, 6.125)),
            **missed(75, 100),
            "state": "stopped",
            "summary.current_timestep": 409_600,
            "summary.final_reward": 6.25,
            "summary.progress_pct": 100.0 * 409_600 / 810_000,
        }
    },
    ("7.4c",),
)


def one_row_for_three_marks(path: Path) -> None:
    """Nothing was stored between 12,288 and 409,600 steps: three milestones share one row."""
    with database(path) as con:
        add_run(con, RUN, status="stopped", end_time=Clock().iso(1000))
        store(con, table_rows(RUN, [2, 3, 100, 101, 102, 103]))


ONE_ROW_FOR_THREE_MARKS = Scenario(
    "one-row-for-three-milestones",
    one_row_for_three_marks,
    {
        RUN: {
            **reached(at_10=(12_288, 0.1875), at_25=(12_288, 0.1875), at_50=(12_288, 0.1875)),
            **missed(75, 100),
            "quality.rollout_size": 4096,
            "quality.restarts": 0,
            "quality.gaps.len": 1,
            "quality.gaps.0.seconds": 97 * 9,
            "summary.current_timestep": 103 * 4096,
        }
    },
    ("7.4d",),
)


def equal_leg(path: Path) -> None:
    """A second leg as long as the first: stored progress runs from 100 to 200 %."""
    with database(path) as con:
        add_run(con, PARENT, current_timestep=811_008, end_time="2025-12-22T10:30:00")
        store(con, table_rows(PARENT, range(1, 199)))
        add_run(
            con,
            RUN,
            start_time="2025-12-22T12:00:00",
            end_time="2025-12-22T12:30:00",
            leg_number=2,
            base_run_id=PARENT,
            parent_run_id=PARENT,
            leg_start_timestep=811_008,
            start_timestep=811_008,
            target_timestep=1_621_008,
        )
        store(con, table_rows(RUN, range(1, 199), clock=NOON, offset=811_008))


EQUAL_LEG = Scenario(
    "leg-of-equal-length",
    equal_leg,
    {
        PARENT: {**CLEAN, "summary.progress_pct": 100.0 * 811_008 / 810_000},
        RUN: {
            **CLEAN,
            **rows(198, 198),
            **reached(
                at_10=(888_832, 13.5625),
                at_25=(1_011_712, 15.4375),
                at_50=(1_212_416, 18.5),
                at_75=(1_417_216, 21.625),
                at_100=(1_622_016, 24.75),
            ),
            **session(0, 811_008, 815_104, 1_622_016),
            "state": "completed",
            "summary.progress_pct": 100.0 * 811_008 / 810_000,
            "summary.reward_delta": 12.375,
        },
    },
    ("9.6", "7.4f"),
)


def wrong_leg_start(path: Path) -> None:
    """The third leg's recorded start was counted twice; the rows themselves say 1,622,016."""
    with database(path) as con:
        add_run(
            con,
            RUN,
            leg_number=3,
            base_run_id="run-cccc0009",
            leg_start_timestep=2_433_024,
            start_timestep=2_433_024,
            target_timestep=3_243_024,
            end_time=Clock().iso(1790),
        )
        store(con, table_rows(RUN, range(1, 199), offset=1_622_016))


WRONG_LEG_START = Scenario(
    "recorded-leg-start-counted-twice",
    wrong_leg_start,
    {
        RUN: {
            **CLEAN,
            **rows(198, 198),
            **session(0, 1_622_016, 1_626_112, 2_433_024),
            **reached(
                at_10=(1_699_840, 25.9375),
                at_50=(2_023_424, 30.875),
                at_100=(2_433_024, 37.125),
            ),
            "summary.current_timestep": 2_433_024,
            "summary.progress_pct": 100.0 * 811_008 / 810_000,
            "summary.leg_number": 3,
        }
    },
    ("9.5", "9.6"),
)


def older_checkpoint(path: Path) -> None:
    """The second leg was loaded from a checkpoint 61,440 steps before the last metric of the first."""
    with database(path) as con:
        add_run(
            con,
            RUN,
            leg_number=2,
            base_run_id="run-cccc0009",
            leg_start_timestep=811_008,
            start_timestep=811_008,
            target_timestep=1_621_008,
            end_time=Clock().iso(1790),
        )
        store(con, table_rows(RUN, range(1, 199), offset=749_568))


OLDER_CHECKPOINT = Scenario(
    "leg-from-an-older-checkpoint",
    older_checkpoint,
    {
        RUN: {
            **CLEAN,
            **rows(198, 198),
            **session(0, 749_568, 753_664, 1_560_576),
            **reached(at_10=(827_392, 12.625), at_100=(1_560_576, 23.8125)),
            "summary.progress_pct": 100.0 * 811_008 / 810_000,
        }
    },
    ("9.6",),
)


def phantom_edges(path: Path) -> None:
    """A second leg whose first and last stored rows are both double-counted."""
    with database(path) as con:
        add_run(
            con,
            RUN,
            leg_number=2,
            base_run_id="run-cccc0009",
            leg_start_timestep=811_008,
            start_timestep=811_008,
            target_timestep=1_621_008,
            current_timestep=2_074_016,
            status="stopped",
            end_time=Clock().iso(1000),
        )
        table = table_rows(RUN, range(1, 111), offset=811_008)
        line = {"start": 811_008, "fps": 28.1}
        first = stats_rows(RUN, [813_008], **line)
        last = stats_rows(RUN, [811_008 + 452_000], **line)
        for row in (*first, *last):
            row.values["timestep"] += 811_008
        store(con, first, table, last)


PHANTOM_EDGES = Scenario(
    "phantom-rows-first-and-last",
    phantom_edges,
    {
        RUN: {
            **rows(112, 110, phantom_rows=2, contaminated_rows=0, superseded_rows=0),
            **reached(at_10=(888_832, 13.5625), at_25=(1_011_712, 15.4375), at_50=(1_212_416, 18.5)),
            **missed(75, 100),
            "quality.artefact_jumps": 1,
            "quality.genuine_jumps": 0,
            "quality.restarts": 0,
            "summary.current_timestep": 811_008 + 110 * 4096,
            "summary.progress_pct": 100.0 * 110 * 4096 / 810_000,
            "summary.min_fps": 450.0,
        }
    },
    ("9.5", "7.5"),
)

SCENARIOS = (
    EXACT_PERCENTAGES,
    NULL_REWARD_AT_THE_MARK,
    STOPPED_HALF_WAY,
    ONE_ROW_FOR_THREE_MARKS,
    EQUAL_LEG,
    WRONG_LEG_START,
    OLDER_CHECKPOINT,
    PHANTOM_EDGES,
)
