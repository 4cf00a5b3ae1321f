"""The recording application's known run shapes, rebuilt from formulas."""

from __future__ import annotations

from pathlib import Path

from support.expect import CLEAN, NO_METRICS, PRESENT, Scenario, missed, reached, rows, session, speed
from support.rows import (
    Clock,
    add_run,
    climb,
    foreign_rows,
    phantom_rows,
    stats_rows,
    store,
    table_rows,
)
from support.schema import database

RUN = "run-aaaa0001"
PARENT = "run-aaaa0002"
LEG_2 = "run-aaaa0003"

# ---------------------------------------------------------------- one leg, from start to end

MARKS_OF_810_000 = reached(
    at_10=(77_824, 1.1875),  # iteration 19; 20 would be 81,920 > 81,000
    at_25=(200_704, 3.0625),  # 49
    at_50=(401_408, 6.125),  # 98
    at_75=(606_208, 9.25),  # 148
    at_100=(811_008, 12.375),  # 198, the last row, beyond the target
)


def head_single(path: Path) -> None:
    """198 table rows, 14 progress lines, every fifth table row written twice: ids have holes."""
    with database(path) as con:
        add_run(con, RUN, status="running", current_timestep=811_008, best_reward=12.375)
        table = table_rows(RUN, range(1, 199))
        again = [r for r in table if r.values["episode_count"] % 5 == 0]
        store(con, table, again, stats_rows(RUN, range(50_000, 750_000, 50_000)))


HEAD_SINGLE = Scenario(
    "head-single",
    head_single,
    {
        RUN: {
            **CLEAN,
            **MARKS_OF_810_000,
            **rows(212, 198),
            **speed(450.0, 450.0, 450.0),
            **session(0, 0, 4096, 811_008),
            "state": "finished",
            "quality.rollout_size": 4096,
            "quality.sessions.len": 1,
            "summary.run_id": RUN,
            "summary.status": PRESENT,
            "summary.current_timestep": 811_008,
            "summary.total_timesteps": 810_000,
            "summary.progress_pct": 100.0 * 811_008 / 810_000,
            "summary.best_reward": 12.375,
            "summary.final_reward": 12.375,
            "summary.duration_h": 1782 / 3600,  # 198 rollouts of 9 s
            "summary.gpu_avg": 23.0,
            "summary.gpu_max": 23.0,
            "summary.vram_avg": 2181.0,
            "summary.mem_avg": 2100.0,
            "summary.mem_max": 2100.0,
            "summary.n_envs": 16,
            "summary.n_steps": 256,
            "summary.batch_size": 512,
            "summary.learning_rate": 0.00025,
            "summary.gamma": 0.99,
            "summary.seed": 42,
            "summary.frame_stack": 4,
            "summary.leg_number": 1,
            "summary.base_run_id": RUN,
            "summary.reward_delta": None,
            "lineage.root": RUN,
            "lineage.parent": None,
            "lineage.children": [],
            "lineage.leg": 1,
        }
    },
    ("9.2", "9.6", "7.4b", "7.4g", "11.head-single"),
)

# ---------------------------------------------------------------- a second leg, some steps counted twice

PHANTOM_STEPS = [1_622_016 + 140_000 * k - 20_000 for k in range(1, 12)]  # true ones; 120,000 … 1,520,000 in


def head_leg2_doubled(path: Path) -> None:
    """Two legs of 1,620,000 steps; the second one's progress lines are stored start + absolute 11 times."""
    with database(path) as con:
        target = {"total_timesteps": 1_620_000}
        add_run(con, PARENT, target, current_timestep=1_622_016, end_time="2025-12-22T11:00:00")
        store(con, table_rows(PARENT, range(1, 397), target=1_620_000))
        add_run(
            con,
            LEG_2,
            target,
            start_time="2025-12-22T12:00:00",
            end_time="2025-12-22T13:00:00",
            leg_number=2,
            base_run_id=PARENT,
            parent_run_id=PARENT,
            leg_start_timestep=1_622_016,
            start_timestep=1_622_016,
            target_timestep=3_242_016,
            current_timestep=3_244_032,
        )
        leg = {"clock": Clock(Clock().start.replace(hour=12)), "target": 1_620_000}
        store(
            con,
            table_rows(LEG_2, range(1, 397), offset=1_622_016, **leg),
            stats_rows(LEG_2, [1_650_000, 2_000_000, 2_600_000], start=1_622_016, **leg),
            phantom_rows(LEG_2, PHANTOM_STEPS, leg_start=1_622_016, **leg),
        )


HEAD_LEG2_DOUBLED = Scenario(
    "head-leg2-doubled",
    head_leg2_doubled,
    {
        PARENT: {
            **CLEAN,
            **rows(396, 396),
            "summary.current_timestep": 1_622_016,
            "summary.final_reward": 24.75,
            "lineage.children": [LEG_2],
            "lineage.root": PARENT,
        },
        LEG_2: {
            **reached(
                at_10=(1_781_760, 27.1875),
                at_25=(2_023_424, 30.875),
                at_50=(2_428_928, 37.0625),
                at_75=(2_834_432, 43.25),
                at_100=(3_244_032, 49.5),
            ),
            **rows(396 + 3 + 11, 396, phantom_rows=11, contaminated_rows=0, superseded_rows=0),
            **session(0, 1_622_016, 1_626_112, 3_244_032),
            **speed(450.0, 450.0, 450.0),
            "state": "completed",
            "quality.sessions.len": 1,
            "quality.restarts": 0,
            "quality.artefact_jumps": 11,
            "quality.genuine_jumps": 0,
            "quality.gaps.len": 0,
            "summary.backward_jump_count": 0,
            "summary.current_timestep": 3_244_032,
            "summary.total_timesteps": 1_620_000,
            "summary.progress_pct": 100.0 * 1_622_016 / 1_620_000,
            "summary.leg_number": 2,
            "summary.base_run_id": PARENT,
            "summary.reward_delta": 24.75,  # 49.5 - 24.75
            "summary.fps_delta": 0.0,
            "config_delta": [],
            "lineage.root": PARENT,
            "lineage.parent": PARENT,
            "lineage.children": [],
            "lineage.leg": 2,
        },
    },
    ("9.5", "7.4f", "7.5", "11.head-leg2-doubled"),
)

# ---------------------------------------------------------------- a run that stored another run's rows


def head_contaminated(path: Path) -> None:
    """A got to iteration 40, was stopped, then took down B's iterations 25 to 99 over its own."""
    other = "run-aaaa0004"
    with database(path) as con:
        add_run(
            con,
            RUN,
            status="stopped",
            end_time=Clock().iso(400),
            current_timestep=405_504,
            best_reward=45.0,
        )
        start_b = Clock().iso(200)
        add_run(con, other, start_time=start_b, end_time=Clock().iso(200 + 9 * 198), current_timestep=811_008)
        b = table_rows(other, range(1, 199), began=200.0, reward=lambda step: 20.0 + step / 16_384)
        tail_of_b = [r for r in b if 25 <= r.values["episode_count"] <= 99]
        store(con, table_rows(RUN, range(1, 41)), b, foreign_rows(RUN, tail_of_b))


HEAD_CONTAMINATED = Scenario(
    "head-contaminated",
    head_contaminated,
    {
        RUN: {
            **reached(at_10=(77_824, 1.1875)),
            **missed(25, 50, 75, 100),
            **rows(99, 24, phantom_rows=0, contaminated_rows=75, superseded_rows=0),
            **speed(450.0, 450.0, 450.0),
            "state": "stopped",
            "quality.restarts": 0,
            "quality.genuine_jumps": 0,
            "quality.artefact_jumps": 0,
            "quality.gaps.len": 0,
            "summary.backward_jump_count": 0,
            "summary.current_timestep": 98_304,
            "summary.progress_pct": 100.0 * 98_304 / 810_000,
            "summary.best_reward": 1.5,
            "summary.final_reward": 1.5,
        },
        "run-aaaa0004": {
            **CLEAN,
            **rows(198, 198),
            "state": "completed",
            "summary.best_reward": 69.5,  # 20 + 811,008 / 16,384
            "summary.current_timestep": 811_008,
        },
    },
    ("9.4", "11.head-contaminated"),
)

# ---------------------------------------------------------------- the era of the 4,000,000 default

FALSE_BEFORE_DECEMBER = {"learning_rate": 0.0003, "batch_size": 256, "n_steps": 128}


def _with_default_target(series: list, real: int, every: int) -> list:
    """Each row that is not an `every`th one gets the recorder's default target instead of the real one."""
    for number, row in enumerate(series):
        total = real if number % every == 0 and row.values["timestep"] < real else 4_000_000
        row.values["total_timesteps"] = total
        row.values["progress_pct"] = 100.0 * row.values["timestep"] / total
    return series


def era_b_16m(path: Path) -> None:
    """16.2 million steps, every fourth iteration stored, most rows against a target of 4 million."""
    with database(path, "2025-11-26") as con:
        config = FALSE_BEFORE_DECEMBER | {"total_timesteps": 16_200_000}
        add_run(con, RUN, config, end_time=Clock().iso(9 * 3956 + 4))
        store(con, _with_default_target(table_rows(RUN, range(4, 3957, 4)), 16_200_000, 5))


ERA_B_16M = Scenario(
    "era-b-16m",
    era_b_16m,
    {
        RUN: {
            **CLEAN,
            **rows(989, 989),
            **reached(
                at_10=(1_605_632, 24.5),
                at_25=(4_046_848, 61.75),
                at_50=(8_093_696, 123.5),
                at_75=(12_140_544, 185.25),
                at_100=(16_203_776, 247.25),
            ),
            **session(0, 0, 16_384, 16_203_776),
            "state": "completed",
            "quality.rollout_size": 4096,  # the recorded 16 x 128 is not what was trained
            "summary.progress_pct": 100.0 * 16_203_776 / 16_200_000,
            "summary.total_timesteps": 16_200_000,
            "summary.n_steps": 128,
            "summary.base_run_id": RUN,
            "summary.leg_number": 1,
            "summary.duration_h": 9.89,  # 3956 x 9 s
        }
    },
    ("9.7", "9.8", "7.4b", "11.eraB-16M"),
)


def era_b_short(path: Path) -> None:
    """500,000 steps against a target of 4 million: the stored progress ends at 12.6 %."""
    with database(path, "2025-11-26") as con:
        add_run(con, RUN, FALSE_BEFORE_DECEMBER | {"total_timesteps": 500_000}, status="running")
        store(con, _with_default_target(table_rows(RUN, range(1, 124)), 500_000, 6))


ERA_B_SHORT = Scenario(
    "era-b-short",
    era_b_short,
    {
        RUN: {
            **CLEAN,
            **rows(123, 123),
            **reached(
                at_10=(49_152, 0.75),
                at_25=(122_880, 1.875),
                at_50=(249_856, 3.8125),
                at_75=(372_736, 5.6875),
                at_100=(503_808, 7.6875),
            ),
            "state": "finished",
            "quality.rollout_size": 4096,
            "summary.progress_pct": 100.7616,
            "summary.current_timestep": 503_808,
            "summary.total_timesteps": 500_000,
        }
    },
    ("9.2", "9.7", "9.8", "7.4e", "11.eraB-short"),
)

# ---------------------------------------------------------------- no metrics, no iterations


def zero_metrics(path: Path) -> None:
    """An environment that cannot pass the image pipeline: the process died before the first table."""
    with database(path) as con:
        add_run(
            con,
            RUN,
            {"env_id": "CartPole-v1"},
            status="failed",
            experiment_name="ppo-CartPole",
            end_time=Clock().iso(6),
        )


ZERO_METRICS = Scenario(
    "zero-metrics",
    zero_metrics,
    {RUN: {**NO_METRICS, "state": "failed"}},
    ("9.10", "11.zero-metrics"),
)


def dqn(path: Path) -> None:
    """80 tables without iterations and losses, and a progress line after every eighth."""
    with database(path) as con:
        add_run(con, RUN, {"algorithm": "dqn", "total_timesteps": 1_000_000}, status="stopped")
        table = table_rows(RUN, range(1, 81), rollout=6250, target=1_000_000, reward=lambda s: s / 6250 - 40)
        for row in table:
            row.values.update(episode_count=0, policy_loss=None, value_loss=None, entropy_loss=None)
            row.values.update(explained_variance=None, learning_rate=None)
        table[0].values["episode_reward_mean"] = -39.0
        progress = stats_rows(RUN, range(52_000, 500_000, 50_000), rollout=6250, target=1_000_000)
        store(con, table, progress)


DQN = Scenario(
    "dqn",
    dqn,
    {
        RUN: {
            **CLEAN,
            **rows(89, 80),
            **reached(at_10=(100_000, -24.0), at_25=(250_000, 0.0), at_50=(500_000, 40.0)),
            **missed(75, 100),
            **speed(450.0, 450.0, 450.0),
            "state": "stopped",
            "quality.rollout_size": None,
            "summary.policy_loss_trend": None,
            "summary.value_loss_trend": None,
            "summary.entropy_loss_trend": None,
            "summary.current_timestep": 500_000,
            "summary.progress_pct": 50.0,
            "summary.best_reward": 40.0,
            "summary.final_reward": 40.0,
        }
    },
    ("11.dqn",),
    forbidden=("not measurable", "configured 4,096"),  # it has no rollouts
)

SCENARIOS = (
    HEAD_SINGLE,
    HEAD_LEG2_DOUBLED,
    HEAD_CONTAMINATED,
    ERA_B_16M,
    ERA_B_SHORT,
    ZERO_METRICS,
    DQN,
)

assert climb(811_008) == 12.375
