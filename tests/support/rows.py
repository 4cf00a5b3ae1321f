"""Rows as the recording application leaves them, made from closed formulas instead of chance."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from support.schema import columns_of

START = datetime(2025, 12, 22, 10, 0, 0)
ROLLOUT = 4096  # 16 environments x 256 steps
PACE = 9.0  # seconds per rollout, 4096 / 450 rounded down

CONFIG = {
    "algorithm": "ppo",
    "policy_type": "CnnPolicy",
    "env_id": "ALE/Breakout-v5",
    "n_envs": 16,
    "learning_rate": 0.00025,
    "batch_size": 512,
    "n_steps": 256,
    "gamma": 0.99,
    "frame_stack": 4,
    "action_repeat": 1,
    "total_timesteps": 810_000,
    "eval_freq": 10_000,
    "save_freq": 100_000,
    "gae_lambda": 0.95,
    "clip_range": 0.1,
    "ent_coef": 0.01,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "max_episode_steps": None,
    "net_arch": None,
    "activation_fn": "tanh",
    "device": "auto",
    "seed": 42,
    "custom_params": None,
}


@dataclass(frozen=True)
class Clock:
    """A wall clock: local start, hours to UTC, and optionally a change of that offset while it runs."""

    start: datetime = START
    utc_offset: float = -6.0
    change_after: float | None = None
    changed_offset: float = -6.0

    def utc(self, elapsed: float) -> datetime:
        return self.start - timedelta(hours=self.utc_offset) + timedelta(seconds=elapsed)

    def local(self, elapsed: float) -> datetime:
        changed = self.change_after is not None and elapsed >= self.change_after
        offset = self.changed_offset if changed else self.utc_offset
        return self.utc(elapsed) + timedelta(hours=offset)

    def iso(self, elapsed: float) -> str:
        """Naive local time, the form of `timestamp`, `start_time`, `end_time`."""
        return self.local(elapsed).isoformat()

    def sqlite(self, elapsed: float) -> str:
        """UTC with a space and whole seconds, the form of `created_at`."""
        return self.utc(elapsed).strftime("%Y-%m-%d %H:%M:%S")


class Row(NamedTuple):
    """One metrics row and the moment it was written; write order decides the ids."""

    written: datetime
    values: dict[str, Any]


Reward = Callable[[int], float | None]


def climb(step: int) -> float:
    """A reward that is exact in binary: 1/16 for every rollout of 4096 steps."""
    return step / 65_536


def insert(con: sqlite3.Connection, table: str, **values: Any) -> None:
    """Insert the values whose columns this file has (other eras, other columns)."""
    there = set(columns_of(con, table))
    kept = {k: v for k, v in values.items() if k in there}
    marks = ", ".join("?" * len(kept))
    con.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", tuple(kept.values()))


def add_run(con: sqlite3.Connection, run_id: str, config: dict[str, Any] | str | None = None, **columns: Any) -> None:
    """A run as the desktop UI inserts it; `config` changes keys of config_json (a str replaces it)."""
    values: dict[str, Any] = {
        "experiment_name": "ppo-Breakout-v5",
        "status": "completed",
        "start_time": START.isoformat(),
        "created_at": columns.get("start_time", START.isoformat()),
        "leg_number": 1,
        "leg_start_timestep": 0,
        "base_run_id": run_id,
        "branch_token": "A",
        "branch_id": "main",
        "variant_index": 1,
        "process_pid": 4242,
        "tags_json": '["ppo", "Breakout-v5", "auto-generated"]',
        "config_json": config if isinstance(config, str) else json.dumps(CONFIG | (config or {})),
    }
    insert(con, "experiment_runs", run_id=run_id, **(values | columns))


def table_rows(
    run_id: str,
    iterations: Iterable[int],
    *,
    clock: Clock | None = None,
    began: float = 0.0,
    pace: float = PACE,
    offset: int = 0,
    rollout: int = ROLLOUT,
    fps: float = 450.0,
    first_fps: float | None = 818.0,
    reward: Reward = climb,
    target: int = 810_000,
    **values: Any,
) -> list[Row]:
    """Rows read from the trainer's tables: step = offset + iteration x rollout; learn() began at `began`."""
    clock = clock or Clock()
    rows = []
    for e in iterations:
        step, elapsed = offset + e * rollout, began + pace * e
        blank = e == 1 and offset == 0  # no episode has ended and nothing was trained yet
        speed = first_fps if e == 1 and first_fps is not None else fps
        row = {
            "run_id": run_id,
            "timestep": step,
            "timestamp": clock.iso(elapsed),
            "created_at": clock.sqlite(elapsed),
            "episode_count": e,
            "total_timesteps": target,
            "progress_pct": 100.0 * step / target,
            "episode_reward_mean": None if blank else reward(step),
            "policy_loss": None if blank or e % 3 == 0 else -0.0125,
            "value_loss": None if blank else 0.125,
            "entropy_loss": None if blank else -1.25,
            "explained_variance": None if blank else 0.5,
            "learning_rate": None if blank else 0.00025,
            "fps": speed,
            "steps_per_second": speed,
            "cpu_percent": 0.0,
            "memory_mb": 2100.0,
            "gpu_percent": 23.0,
            "gpu_memory_mb": 2181.0,
        }
        rows.append(Row(clock.utc(elapsed), row | values))
    return rows


def stats_rows(
    run_id: str,
    steps: Iterable[int],
    *,
    clock: Clock | None = None,
    began: float = 0.0,
    start: int = 0,
    rollout: int = ROLLOUT,
    pace: float = PACE,
    target: int = 810_000,
    fps: float = 440.0,
    **values: Any,
) -> list[Row]:
    """Rows read from progress lines: no iteration, no reward, no losses."""
    clock = clock or Clock()
    rows = []
    for step in steps:
        elapsed = began + pace * (step - start) / rollout
        row = {
            "run_id": run_id,
            "timestep": step,
            "timestamp": clock.iso(elapsed),
            "created_at": clock.sqlite(elapsed),
            "episode_count": 0,
            "total_timesteps": target,
            "progress_pct": 100.0 * step / target,
            "fps": fps,
            "steps_per_second": fps,
            "cpu_percent": 0.0,
            "memory_mb": 2100.0,
            "gpu_percent": 23.0,
            "gpu_memory_mb": 2181.0,
        }
        rows.append(Row(clock.utc(elapsed), row | values))
    return rows


def phantom_rows(run_id: str, steps: Iterable[int], *, leg_start: int, **options: Any) -> list[Row]:
    """Progress lines of a continued leg whose true `steps` were counted from the leg's start once more."""
    rows = stats_rows(run_id, steps, **({"start": leg_start, "fps": 28.1} | options))
    for row in rows:
        row.values["timestep"] += leg_start
        row.values["progress_pct"] = 100.0 * row.values["timestep"] / row.values["total_timesteps"]
    return rows


def foreign_rows(run_id: str, other: list[Row]) -> list[Row]:
    """Rows of another run stored under this one's id after its process was gone."""
    gone = dict.fromkeys(("cpu_percent", "memory_mb", "gpu_percent", "gpu_memory_mb"))
    return [Row(r.written, r.values | gone | {"run_id": run_id}) for r in other]


def store(con: sqlite3.Connection, *series: list[Row]) -> None:
    """Write rows of several series in the order of their moments, replacing equal steps of a run."""
    for _, values in sorted((r for s in series for r in s), key=lambda r: r.written):
        marks = ", ".join("?" * len(values))
        con.execute(
            f"INSERT OR REPLACE INTO training_metrics ({', '.join(values)}) VALUES ({marks})",
            tuple(values.values()),
        )


def add_gpu_samples(
    con: sqlite3.Connection, run_id: str, seconds: Iterable[float], clock: Clock | None = None, **values: Any
) -> None:
    """Background samples of the graphics card; util 20 and 40 %, memory 2000 and 2400 MiB in turn."""
    clock = clock or Clock()
    for number, elapsed in enumerate(seconds):
        sample = {
            "gpu_util_pct": 40.0 if number % 2 else 20.0,
            "vram_used_mb": 2400.0 if number % 2 else 2000.0,
            "vram_total_mb": 8188.0,
            "temp_c": 55.0,
            "power_w": 60.0,
            "pid": 4242,
        }
        insert(con, "gpu_metrics", run_id=run_id, ts=clock.iso(elapsed), **(sample | values))


def add_experiment(con: sqlite3.Connection, experiment_id: str, run_id: str, **values: Any) -> None:
    """A launch record; only its free text names the run."""
    record = {
        "name": "ALE/Breakout-v5 - ppo",
        "game": "ALE/Breakout-v5",
        "algorithm": "ppo",
        "preset": "medium",
        "config_json": json.dumps({"n_envs": 8, "n_steps": 128, "learning_rate": 0.0003}),
        "lineage_json": '{"parent_experiment_id": null, "checkpoint_source": null, "generation": 1}',
        "status": "running",
        "created": START.isoformat(),
        "notes": f"Training run {run_id}",
        "latest_metrics_json": "{}",
        "final_metrics_json": "{}",
        "created_at": "2025-12-22 16:00:00",
    }
    insert(con, "experiments", experiment_id=experiment_id, **(record | values))


def add_video(con: sqlite3.Connection, video_id: str, path: str, **values: Any) -> None:
    """A finished video; the run id is part of `video_id`."""
    record = {"experiment_id": "run-ffff0000", "type": "hour", "duration": 36_000.0, "size_mb": 1234.5}
    record |= {"created": START.isoformat(), "tags_json": "[]"}
    insert(con, "video_artifacts", video_id=video_id, path=path, **(record | values))


def add_video_job(con: sqlite3.Connection, video_id: str, run_id: str, status: str, **values: Any) -> None:
    """A video asked for by hand and how far it came."""
    record = {"video_name": video_id, "total_frames": 2700, "started_at": START.isoformat()}
    record |= {"created_at": START.isoformat(), "updated_at": START.isoformat()}
    insert(con, "video_generation_progress", video_id=video_id, run_id=run_id, status=status, **(record | values))


def add_annotation(con: sqlite3.Connection, run_id: str, text: str, **values: Any) -> None:
    """A note a person pinned to a chart."""
    record = {"annotation_id": f"ann_{run_id}_{len(text)}", "axes_name": "reward", "x": 81_920.0, "y": 1.25}
    record |= {"created_at": START.isoformat()}
    insert(con, "chart_annotations", run_id=run_id, text=text, **(record | values))
