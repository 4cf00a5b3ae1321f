"""Literal runs with a curve and settings, for what compares runs with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runsum.archive.lineage import find_kinship
from runsum.archive.seeds import SeedGroups, find_seed_groups
from runsum.archive.slugs import SlugMaker
from runsum.curve import Curve
from runsum.model import (
    ConfigValue,
    DataQuality,
    LineageHints,
    Problem,
    RunDigest,
    State,
    known,
    missing,
    note,
)
from runsum.thresholds import Thresholds

LIMITS = Thresholds()


def learned(
    run_id: str,
    rewards: Sequence[float] = (0.0, 1.0),
    *,
    seed: object = None,
    steps: Sequence[int] | None = None,
    start: int = 0,
    parent: str | None = None,
    leg: int | None = None,
    source: str = "one",
    slug: str | None = None,
    game: str = "Pong",
    rows: int = 100,
    problems: tuple[Problem, ...] = (),
    noise: float = 0.0,
    shape: str = "level",
    at: int = 0,
    env_version: str | None = None,
    **config: Any,
) -> RunDigest:
    """A run whose reward goes through `rewards` at even steps up to a million; `at` orders runs in time."""
    if steps is None:
        steps = [start + round(1_000_000 * k / (len(rewards) - 1)) for k in range(len(rewards))]
    settings = {"learning_rate": 0.001, "seed": seed} | config
    summary = {
        "pause_time_h": known(0.0),
        "sps_trend_note": note("sps.steady"),
        "solved_flag": missing("solved.no_target"),
        "model_path": missing("path.none"),
        "end_time_or_in_progress": missing("end.unknown"),
    }
    return RunDigest(
        source=source, run_id=run_id, slug=slug or run_id, label=run_id, env_id=f"ALE/{game}-v5", game=game,
        algorithm="PPO", preset=None, state=State.COMPLETED, state_notes=(), status="completed",
        started_at=f"2025-12-22T10:{at:02d}:00", last_activity_at=None, started_s=float(at), duration_h=1.0,
        trained_h=1.0, start_timestep=start, current_timestep=steps[-1], target_timesteps=1_000_000,
        progress_pct=100.0, best_reward=max(rewards), best_reward_timestep=steps[-1], final_reward=rewards[-1],
        final_reward_timestep=steps[-1], avg_fps=None, summary=summary, milestones=(),
        quality=DataQuality(rows=rows, reward_rows=rows),
        config={key: ConfigValue(value, "config_json") for key, value in settings.items()},
        signals={"shape": shape, "scale": 10.0, "noise": noise, "level": rewards[-1], "start_level": rewards[0]},
        curve=Curve.of(steps, [step / 1e6 for step in steps], rewards), videos=(), status_notes=(),
        description=None, recorded={"env_version": env_version} if env_version else {},
        lineage=LineageHints(parent, parent, leg), energy_kwh=None, problems=problems,
    )  # fmt: skip


def grouped(*runs: RunDigest, limits: Thresholds = LIMITS) -> SeedGroups:
    """The groups that runs make, in the order of their times."""
    ordered = sorted(runs, key=lambda run: (run.started_at or "", run.source, run.run_id))
    return find_seed_groups(ordered, find_kinship(ordered).kin, SlugMaker(), limits)
