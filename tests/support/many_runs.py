"""A large archive for measurements: as many runs of as many rows as wanted, in the newest shape, always the same.

    PYTHONPATH=tests python -m support.many_runs --runs 1000 --rows 200 many.db

Groups of equal configuration with different seeds, continued legs, forks, every state, runs without any metric, launch
records with tags and notes. The same numbers give the same rows, on any machine.
"""

from __future__ import annotations

import argparse
import json
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from support.rows import CONFIG, add_annotation, add_experiment, add_run, insert
from support.schema import database

GAMES = (  # name, first and last mean reward of a run that learns
    ("Breakout", 1.4, 24.0),
    ("Pong", -20.8, 18.0),
    ("SpaceInvaders", 150.0, 1100.0),
    ("Qbert", 120.0, 4200.0),
    ("Seaquest", 60.0, 900.0),
    ("BeamRider", 340.0, 2600.0),
    ("MsPacman", 220.0, 1700.0),
    ("Enduro", 0.0, 310.0),
    ("Freeway", 0.0, 31.0),
    ("Asteroids", 700.0, 1250.0),
    ("RoadRunner", 8.0, 640.0),
    ("Boxing", -2.0, 88.0),
)
ALGORITHMS = ("ppo", "ppo", "ppo", "a2c", "dqn")
PRESETS = ("quick", "short", "medium", "long")
STATES = ("completed",) * 39 + ("stopped",) * 6 + ("failed",) * 3 + ("running",) * 2  # of fifty runs
ERRORS = (
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "ValueError: Expected parameter logits to satisfy the constraint Real(), but found invalid values",
    "Process ended with exit code 1",
)
NOTES = (
    "tunnel found early",
    "entropy collapses after the first level",
    "compare with the larger batch",
    "keeps still",
)
TAGS = ("baseline", "sweep", "reward-clip", "long-horizon", "to-repeat")
BEGIN = datetime(2026, 1, 5, 8, 0, 0, 250_000)
EVERY = timedelta(minutes=25)  # a new run
LIVE = 5  # the newest runs that still train

METRICS = (
    "run_id, timestep, timestamp, created_at, episode_count, total_timesteps, progress_pct, episode_reward_mean, "
    "policy_loss, value_loss, entropy_loss, explained_variance, learning_rate, fps, steps_per_second, cpu_percent, "
    "memory_mb, gpu_percent, gpu_memory_mb"
)
INSERT = f"INSERT INTO training_metrics ({METRICS}) VALUES ({', '.join('?' * (METRICS.count(',') + 1))})"


@dataclass(frozen=True)
class Study:
    """Runs of one configuration that differ in their seed only."""

    game: str
    low: float
    high: float
    algorithm: str
    rollout: int
    fps: float
    preset: str
    name: str | None
    config: dict[str, Any]


@dataclass
class Leg:
    """A run that is written: what a later run continues."""

    run_id: str
    study: Study
    base: str
    number: int
    last_step: int
    children: dict[int, int] = field(default_factory=dict)
    """How many runs continue the lineage at a leg number; shared by all of its legs."""


@dataclass(frozen=True)
class Plan:
    """One run before it is written."""

    run_id: str
    study: Study
    parent: Leg | None
    state: str
    begin: datetime
    rows: int
    target: int
    """Steps this run is to add."""


def write_many(path: Path | str, runs: int, rows: int, seed: int = 1) -> str:
    """Write the database.

    Returns:
        The moment it was left at, for `--as-of`: the last runs still train then.
    """
    rng = Random(seed)
    end = BEGIN + EVERY * runs + timedelta(days=1)
    legs: list[Leg] = []
    study, left = make_study(rng, 0, rows), 0
    with database(path) as con:
        con.execute("PRAGMA synchronous=OFF")
        con.execute("PRAGMA cache_size=-200000")
        for number in range(runs):
            run_id = f"run-{(number * 2_654_435_761 + seed * 40_503) % 2**32:08x}"
            parent = rng.choice(legs[-100:]) if legs and rng.random() < 0.2 else None
            if parent is None and left == 0:
                study, left = make_study(rng, number, rows), rng.randint(1, 6)
            left -= parent is None
            plan = make_plan(rng, run_id, parent.study if parent else study, parent, number, runs, rows, end)
            leg = write_run(con, rng, plan, seed=left)
            if plan.state in ("completed", "stopped") and plan.rows:
                legs.append(leg)
    return end.isoformat()


def make_study(rng: Random, number: int, rows: int) -> Study:
    """A configuration that several runs share; the rows of a run fill its steps."""
    game, low, high = rng.choice(GAMES)
    algorithm = rng.choice(ALGORITHMS)
    n_envs, n_steps = rng.choice((8, 16)), rng.choice((128, 256))
    config = CONFIG | {
        "algorithm": algorithm,
        "policy_type": "CnnPolicy",
        "env_id": f"ALE/{game}-v5",
        "n_envs": n_envs,
        "n_steps": n_steps,
        "learning_rate": rng.choice((0.0001, 0.00025, 0.0003, 0.0005)),
        "batch_size": rng.choice((256, 512, 1024)),
        "gamma": rng.choice((0.99, 0.99, 0.995)),
        "ent_coef": rng.choice((0.01, 0.01, 0.0, 0.02)),
        "clip_range": rng.choice((0.1, 0.1, 0.2)),
        "total_timesteps": rows * n_envs * n_steps,
    }
    return Study(
        game=game,
        low=low,
        high=low + (high - low) * rng.uniform(0.3, 1.1),
        algorithm=algorithm,
        rollout=n_envs * n_steps,
        fps=float(rng.randint(330, 900)),
        preset=rng.choice(PRESETS),
        name=f"{game} study {number}" if rng.random() < 0.3 else None,
        config=config,
    )


def make_plan(
    rng: Random, run_id: str, study: Study, parent: Leg | None, number: int, runs: int, rows: int, end: datetime
) -> Plan:
    """Decide how a run goes: its state, how many rows it has, when it began."""
    live = number >= runs - LIVE
    state = "running" if live else rng.choice(STATES)
    done = 1.0 if state == "completed" else rng.uniform(0.05, 0.95)
    begin = BEGIN + EVERY * number + timedelta(seconds=rng.randint(0, 900))
    kept = max(1, round(rows * done))
    if not live and rng.random() < 0.01:
        kept = 0  # it ended before its first row
    if live:
        begin = end - timedelta(seconds=120 + kept * study.rollout / study.fps)
    return Plan(run_id, study, parent, state, begin, kept, rows * study.rollout)


def write_run(con: sqlite3.Connection, rng: Random, plan: Plan, seed: int) -> Leg:
    """Write one run with its rows and what people and the launcher left about it."""
    study, parent = plan.study, plan.parent
    start = parent.last_step if parent else 0
    number = parent.number + 1 if parent else 1
    children = parent.children if parent else {}
    variant = children[number] = children.get(number, 0) + 1
    took = timedelta(seconds=plan.rows * study.rollout / study.fps)
    leg = Leg(plan.run_id, study, parent.base if parent else plan.run_id, number, start, children)
    leg.last_step = start + plan.rows * study.rollout
    con.executemany(INSERT, metric_rows(rng, plan, start))
    root = study.name or f"{study.algorithm}-{study.game}"
    add_run(
        con,
        plan.run_id,
        study.config | {"seed": seed},
        experiment_name=f"{root} - leg {number}",
        custom_name=study.name,
        display_name=f"{root}-{number}A-v{variant}",
        root_name=root,
        description=f"Training {study.algorithm} on ALE/{study.game}-v5",
        status=plan.state,
        status_note=rng.choice(ERRORS) if plan.state == "failed" else None,
        start_time=plan.begin.isoformat(),
        end_time=None if plan.state == "running" else (plan.begin + took).isoformat(),
        updated_at=(plan.begin + took).isoformat(),
        process_paused=int(plan.state == "running" and rng.random() < 0.3),
        tags_json=json.dumps(
            [study.algorithm, f"{study.game}-v5", "auto-generated", *rng.sample(TAGS, rng.randint(0, 2))]
        ),
        base_run_id=leg.base,
        leg_number=number,
        variant_index=variant,
        parent_run_id=parent.run_id if parent else None,
        parent_checkpoint_path=f"models\\checkpoints\\{parent.run_id}\\latest.zip" if parent else None,
        current_timestep=leg.last_step,
        leg_start_timestep=start,
        start_timestep=start,
        target_timestep=start + plan.target,
        best_reward=best_reward(con, plan.run_id),
    )
    write_papers(con, rng, plan, leg, took)
    return leg


def best_reward(con: sqlite3.Connection, run_id: str) -> float | None:
    """The highest mean reward among a run's rows."""
    query = "SELECT max(episode_reward_mean) FROM training_metrics WHERE run_id = ?"
    best: float | None = con.execute(query, (run_id,)).fetchone()[0]
    return best


def metric_rows(rng: Random, plan: Plan, start: int) -> Iterator[tuple[object, ...]]:
    """Rows of a curve that climbs and levels off; the first has no episode and no loss yet."""
    study, run_id, target = plan.study, plan.run_id, plan.target
    pace = study.rollout / study.fps
    swing, rate = (study.high - study.low) * 0.04, study.config["learning_rate"]
    for k in range(1, plan.rows + 1):
        share = k * study.rollout / plan.target
        written = plan.begin + timedelta(seconds=k * pace)
        noise = rng.random() - 0.5
        blank = k == 1 and not start
        reward = study.low + (study.high - study.low) * (1 - math.exp(-4 * share)) + swing * noise
        step = start + k * study.rollout
        speed = round(study.fps * (1 + noise / 10), 1)
        yield (
            run_id,
            step,
            written.isoformat(),
            (written + timedelta(hours=6)).strftime("%Y-%m-%d %H:%M:%S"),
            k,
            target,
            100.0 * k * study.rollout / target,
            None if blank else round(reward, 3),
            None if blank else round(-0.0125 + noise / 50, 6),
            None if blank else round(0.5 - share / 4 + noise / 10, 5),
            None if blank else round(-1.35 + share / 2, 5),
            None if blank else round(0.2 + share / 2 + noise / 10, 4),
            None if blank else rate,
            speed,
            speed,
            0.0,
            2100.0 + k % 40,
            float(k * 7 % 100),
            2181.0,
        )


def write_papers(con: sqlite3.Connection, rng: Random, plan: Plan, leg: Leg, took: timedelta) -> None:
    """Launch records of half the runs, notes on the chart of a few, a video of some that completed."""
    begin = plan.begin.isoformat()
    if rng.random() < 0.5:
        add_experiment(
            con,
            f"launch-{plan.run_id[4:]}",
            plan.run_id,
            name=f"ALE/{plan.study.game}-v5 - {plan.study.algorithm}",
            game=f"ALE/{plan.study.game}-v5",
            algorithm=plan.study.algorithm,
            preset=plan.study.preset,
            status="paused" if plan.state == "stopped" else plan.state,
            created=begin,
            started=begin,
            updated_at=begin,
        )
    if plan.rows and rng.random() < 0.05:
        add_annotation(con, plan.run_id, rng.choice(NOTES), x=float(leg.last_step), y=plan.study.high, created_at=begin)
    if plan.state == "completed" and rng.random() < 0.1:
        insert(
            con,
            "video_artifacts",
            video_id=f"video_{plan.run_id}_{(plan.begin - datetime(1970, 1, 1)).days}",
            experiment_id=plan.run_id,
            path=f"videos\\{plan.run_id}\\training.mp4",
            type="hour",
            duration=3600.0,
            size_mb=412.5,
            created=(plan.begin + took).isoformat(),
            tags_json="[]",
            created_at=begin,
            updated_at=begin,
        )


def main() -> None:
    """Write the database the command line asks for and print its moment."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    options.out.unlink(missing_ok=True)
    print(write_many(options.out, options.runs, options.rows))


if __name__ == "__main__":
    main()
