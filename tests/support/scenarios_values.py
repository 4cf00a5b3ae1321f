"""Values that are missing, strange in size, or mean something else than their column says."""

from __future__ import annotations

from pathlib import Path

from support.expect import CLEAN, PRESENT, Scenario, missed, reached, rows, speed
from support.rows import Clock, add_gpu_samples, add_run, store, table_rows
from support.schema import database

RUN = "run-eeee0001"
OTHER = "run-eeee0002"
THIRD = "run-eeee0003"
END = Clock().iso(1790)


def reward_above_999(path: Path) -> None:
    """The mean reward passes 999.5 after iteration 124 and is no longer captured."""
    with database(path) as con:
        add_run(con, RUN, {"env_id": "ALE/SpaceInvaders-v5"}, end_time=END, best_reward=992.0)
        eight = table_rows(RUN, range(1, 199), reward=lambda s: s / 512 if s / 512 < 999.5 else None)
        store(con, eight)


REWARD_ABOVE_999 = Scenario(
    "reward-above-999",
    reward_above_999,
    {
        RUN: {
            **CLEAN,
            **rows(198, 198),
            **reached(at_10=(77_824, 152.0), at_25=(200_704, 392.0), at_50=(401_408, 784.0)),
            "milestones.@75.reached": True,
            "milestones.@100.reached": True,
            "state": "completed",
            "summary.best_reward": 992.0,  # 124 x 8
            "summary.current_timestep": 811_008,
            "summary.progress_pct": 100.0 * 811_008 / 810_000,
        }
    },
    ("9.9", "11.reward-above-999"),
)


def pong(path: Path) -> None:
    """From -21 to +21 in steps of a half: negative rewards are rewards."""
    with database(path) as con:
        config = {"env_id": "ALE/Pong-v5", "total_timesteps": 348_160}
        add_run(con, RUN, config, end_time=END, experiment_name="ppo-Pong-v5")
        rising = table_rows(RUN, range(1, 86), target=348_160, reward=lambda s: s / 8192 - 21.5)
        rising[0].values["episode_reward_mean"] = -21.0
        store(con, rising)
        losing = table_rows(OTHER, range(1, 86), target=348_160, reward=lambda s: -21.0)
        add_run(con, OTHER, config, end_time=END, experiment_name="ppo-Pong-v5")
        store(con, losing)


PONG = Scenario(
    "pong",
    pong,
    {
        RUN: {
            **CLEAN,
            **reached(at_10=(32_768, -17.5), at_25=(86_016, -11.0), at_50=(172_032, -0.5), at_75=(258_048, 10.0)),
            **reached(at_100=(348_160, 21.0)),
            "summary.best_reward": 21.0,
            "summary.final_reward": 21.0,
        },
        OTHER: {
            **CLEAN,
            "summary.best_reward": -21.0,
            "summary.final_reward": -21.0,
            "summary.rew_50": -21.0,
        },
    },
    ("11.pong",),
)


def no_gpu(path: Path) -> None:
    """No nvidia-smi; two cards whose output did not parse; and a background sampler beside zeros."""
    with database(path) as con:
        for run_id, values in ((RUN, None), (OTHER, 0.0), (THIRD, 0.0)):
            add_run(con, run_id, end_time=END)
            store(con, table_rows(run_id, range(1, 199), gpu_percent=values, gpu_memory_mb=values))
        add_gpu_samples(con, THIRD, range(0, 1780, 20))
        add_gpu_samples(con, THIRD, [1780.0], gpu_util_pct=None, vram_used_mb=None)


NO_GPU = Scenario(
    "no-gpu-and-zero-gpu",
    no_gpu,
    {
        RUN: {
            "summary.gpu_avg": None,
            "summary.gpu_max": None,
            "summary.vram_avg": None,
            "summary.vram_max": None,
            "not_recorded.gpu_avg": PRESENT,
            "not_recorded.vram_max": PRESENT,
            "summary.mem_avg": 2100.0,
        },
        OTHER: {
            "summary.gpu_avg": None,
            "summary.gpu_max": None,
            "summary.vram_avg": None,
            "summary.vram_max": None,
            "not_recorded.gpu_avg": PRESENT,
        },
        THIRD: {
            "summary.gpu_avg": (45 * 20.0 + 44 * 40.0) / 89,  # 89 samples, 20 % first
            "summary.gpu_max": 40.0,
            "summary.vram_avg": (45 * 2000.0 + 44 * 2400.0) / 89,
            "summary.vram_max": 2400.0,
        },
    },
    ("9.12", "11.no-gpu", "11.gpu-zero"),
)


def few_rows(path: Path) -> None:
    """One, two and three rows: numbers where there are any, no trends."""
    with database(path) as con:
        for run_id, count in ((RUN, 1), (OTHER, 2), (THIRD, 3)):
            add_run(con, run_id, status="stopped", end_time=Clock().iso(40))
            store(con, table_rows(run_id, range(1, count + 1)))


FEW_ROWS = Scenario(
    "one-two-three-rows",
    few_rows,
    {
        RUN: {
            **rows(1, 1),
            **missed(10, 25, 50, 75, 100),
            "summary.best_reward": None,
            "summary.final_reward": None,
            "summary.current_timestep": 4096,
            "summary.avg_fps": None,
        },
        OTHER: {**rows(2, 2), "summary.best_reward": 0.125, "summary.current_timestep": 8192},
        THIRD: {
            **rows(3, 3),
            "summary.final_reward": 0.1875,
            "summary.current_timestep": 12_288,
            "summary.policy_loss_trend": None,
            "summary.reward_trend_note": None,
            "quality.gaps.len": 0,
        },
    },
    ("9.11",),
)

MALFORMED = {
    "run-eeee0011": "{not json",
    "run-eeee0012": "",
    "run-eeee0013": '["a", "list"]',
    "run-eeee0014": '"a word"',
    "run-eeee0015": "{}",
    "run-eeee0016": '{"total_timesteps": "many", "n_envs": "x", "n_steps": null, "env_id": 7, "seed": [1]}',
    "run-eeee0017": '{"total_timesteps": 0, "n_envs": 0, "n_steps": -1, "learning_rate": NaN}',
}
VALUES_OF_ANOTHER_TYPE = ("run-eeee0016", "run-eeee0017")


def malformed_config(path: Path) -> None:
    """config_json NULL, broken, of another type, empty, or with values of another type."""
    with database(path) as con:
        for run_id, text in MALFORMED.items():
            add_run(con, run_id, text, end_time=END)
            store(con, table_rows(run_id, range(1, 199)))
        add_run(con, "run-eeee0018", config_json=None, end_time=END)
        store(con, table_rows("run-eeee0018", range(1, 199)))


MALFORMED_CONFIG = Scenario(
    "malformed-config",
    malformed_config,
    {
        run_id: {
            **rows(198, 198),
            **speed(450.0, 450.0, 450.0),
            "state": "completed",
            "quality.rollout_size": 4096,
            "quality.genuine_jumps": 0,
            "summary.current_timestep": 811_008,
            "summary.best_reward": 12.375,
            "summary.final_reward": 12.375,
            **({"summary.n_envs": None} if run_id not in VALUES_OF_ANOTHER_TYPE else {}),
        }
        for run_id in (*MALFORMED, "run-eeee0018")
    },
    ("9.13",),
)


def imported(path: Path) -> None:
    """Rows of another recorder: episodes are episodes, and the target was a rough number."""
    with database(path) as con:
        add_run(con, RUN, {"total_timesteps": 1_000_000, "n_steps": 128, "n_envs": 8}, end_time=END)
        series = table_rows(RUN, range(1, 107), rollout=10_000, target=1_000_000, reward=lambda s: s / 16_000)
        for row in series:  # 7, 14, 27, 34, 47 … episodes: neighbours differ by 7 or 13 in turn
            k = row.values["timestep"] // 10_000
            row.values["episode_count"] = 10 * k - (3 if k % 2 else 6)
        store(con, series)


IMPORTED = Scenario(
    "imported-from-another-recorder",
    imported,
    {
        RUN: {
            **rows(106, 106, phantom_rows=0, contaminated_rows=0, superseded_rows=0),
            **reached(at_10=(100_000, 6.25), at_25=(250_000, 15.625), at_50=(500_000, 31.25)),
            **reached(at_75=(750_000, 46.875), at_100=(1_060_000, 66.25)),
            "state": "completed",
            "quality.rollout_size": None,
            "quality.restarts": 0,
            "quality.genuine_jumps": 0,
            "summary.current_timestep": 1_060_000,
            "summary.progress_pct": 106.0,
            "summary.best_reward": 66.25,
        }
    },
    ("9.33", "9.35"),
)


def overshoot(path: Path) -> None:
    """A run that went on for twelve rollouts beyond its target, as if someone had changed it by hand."""
    with database(path) as con:
        add_run(con, RUN, {"total_timesteps": 409_600}, end_time=END)
        store(con, table_rows(RUN, range(1, 113), target=409_600))


OVERSHOOT = Scenario(
    "target-exceeded",
    overshoot,
    {
        RUN: {
            "state": "completed",
            "quality.rows": 112,
            "quality.phantom_rows": 0,
            "quality.contaminated_rows": 0,
            "quality.restarts": 0,
            "summary.current_timestep": 458_752,
            "summary.progress_pct": 112.0,
            "summary.best_reward": 7.0,
            "summary.final_reward": 7.0,
        }
    },
    ("9.35",),
)

SCENARIOS = (REWARD_ABOVE_999, PONG, NO_GPU, FEW_ROWS, MALFORMED_CONFIG, IMPORTED, OVERSHOOT)
