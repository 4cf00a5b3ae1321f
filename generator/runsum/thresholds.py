"""Every rule of thumb in one place: default, unit, why, and where it comes from.

The Methods page walks this dataclass, so none can hide; `thresholds:` in runsum.yml overrides any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from runsum.errors import ConfigError

_OWN = "runsum's own choice"


def _rule(default: float, unit: str, why: str, source: str = _OWN) -> Any:
    return field(default=default, metadata={"unit": unit, "why": why, "source": source})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Numbers that decide what a page says."""

    stale_after_min: float = _rule(
        30,
        "min",
        "a 'running' run without any activity for longer is shown as stale",
        "Retro ML Desktop's stale-run guard uses 30 minutes",
    )
    session_min_rows: float = _rule(
        3, "rows", "a start offset seen less often is a mixed row, not a learn() call of its own"
    )
    rollout_majority: float = _rule(
        0.5, "share", "share of neighbouring rows that must agree before a rollout size is believed"
    )
    rollout_coverage: float = _rule(
        0.7,
        "share",
        "share of rows that the learn() calls found must explain, or the counter is not one of rollouts",
    )
    gap_floor_s: float = _rule(60, "s", "shorter silences are never called a gap")
    gap_factor: float = _rule(6, "× median interval", "a silence counts as a gap above this multiple")
    downtime_s: float = _rule(
        300,
        "s",
        "gaps of at least this length count as lost time",
        "Retro ML Desktop's own monitor calls 5 minutes without metrics stalled",
    )
    duration_disagreement: float = _rule(0.10, "share", "training span and wall time that differ more are both shown")
    milestone_far: float = _rule(0.02, "share of target", "a milestone read further away from its mark says so")
    fps_window_s: float = _rule(
        60,
        "s",
        "throughput is measured between rows at least this far apart, so that polling jitter averages out",
    )
    fps_drop: float = _rule(
        0.30,
        "share",
        "throughput of the last fifth below the first fifth by more is called a slowdown",
        "common practice; no published limit",
    )
    min_rows_trend: float = _rule(12, "rows", "with fewer canonical rows nothing is said about trends")
    plateau_band: float = _rule(
        0.05, "share of the reward range", "rewards that stay this close to the final level count as level"
    )
    plateau_min_share: float = _rule(
        0.10, "share of the run", "a level stretch must cover at least this much to be called a plateau"
    )
    plateau_recommend_pct: float = _rule(
        25, "% of the run", "a level stretch of at least this length brings the advice to change a setting"
    )
    late_rows: float = _rule(3, "rows", "so many rows of a live process after end_time prove that training went on")
    late_s: float = _rule(120, "s", "and they must reach this far beyond it")
    trend_noise_factor: float = _rule(
        2.0, "× noise", "a change between two stretches is a trend only above this multiple of the noise"
    )
    trend_late_share: float = _rule(
        0.2,
        "share of the change",
        "a trend at the end must have gone on in the later half of the recent rows this much",
    )
    cliff_noise_factor: float = _rule(6.0, "× noise", "a drop within a short window above this multiple is a cliff")
    cliff_range_share: float = _rule(
        0.25, "share of the reward range", "a cliff must also lose this much of what was learned"
    )
    lost_gain: float = _rule(
        0.5, "share of the gain", "a last reward that gave back more of what was learned counts as collapsed"
    )
    loss_change: float = _rule(0.25, "share", "a loss whose median moved by less from start to end is level")
    explained_variance_poor: float = _rule(
        0.0,
        "",
        "median of the last tenth at or below: the value function predicts no better than a constant",
        "Stable-Baselines3 logger documentation; Schulman, nuts and bolts of deep RL",
    )
    explained_variance_good: float = _rule(
        0.5, "", "median of the last tenth above: the value function tracks returns", "common PPO practice"
    )
    kl_high: float = _rule(
        0.05,
        "nats",
        "approximate KL above this, sustained, means update steps too large",
        "OpenAI Spinning Up (target_kl 0.01 to 0.05); Schulman's notes",
    )
    kl_low: float = _rule(
        0.001,
        "nats",
        "approximate KL below this: the policy hardly moves",
        "TF-Agents and RSL-RL target 0.01",
    )
    entropy_collapsed: float = _rule(
        0.05,
        "× start",
        "entropy below this share of its start: the policy hardly explores any more",
        "Andy Jones, Debugging RL (relative entropy near 0)",
    )
    entropy_untouched: float = _rule(
        0.95,
        "× start",
        "entropy above this share of its start late in training: the policy is still nearly random",
        "Andy Jones, Debugging RL (relative entropy near 1)",
    )
    gpu_idle_pct: float = _rule(
        40,
        "%",
        "average GPU use below this points to the environment or the CPU as the limit",
        "the application's author measured 23 % on a healthy Atari run",
    )
    gpu_busy_pct: float = _rule(90, "%", "average GPU use above this points to the GPU as the limit")
    cpu_busy_pct: float = _rule(
        90, "% of one core", "a training process that keeps a core this busy sets the pace itself"
    )
    gpu_coverage: float = _rule(
        0.5, "share of the training", "GPU-hours are given only where GPU samples cover at least this much"
    )
    vram_tight: float = _rule(
        0.90,
        "share of total",
        "VRAM peaks above this leave no room",
        "usual monitoring practice (80 to 90 %)",
    )
    recent_share: float = _rule(0.25, "share of the run", "'recent' means the last part of this size")
    completed_early_pct: float = _rule(
        99, "%", "a run marked completed below this share of its target is called completed early"
    )
    gate_min_progress_pct: float = _rule(
        25, "%", "below this share of the target the gate says 'insufficient data', unless the run failed"
    )
    parent_drop: float = _rule(
        0.10, "share", "a final reward below the parent's by more of the reward scale counts as worse"
    )
    reward_digits_lost: float = _rule(
        900,
        "reward",
        "rewards missing at the end after values above this: the recorder cannot store 1000 and more",
        "the recorder's number pattern rejects scientific notation",
    )
    policy_loss_null: float = _rule(
        0.05, "share", "missing policy losses above this share make the stored ones a biased sample"
    )
    seeds_min_runs: float = _rule(
        3,
        "runs",
        "fewer runs with equal settings have no page and no comparison with an interval",
        "Agarwal et al. 2021 (arXiv:2108.13264): three to ten runs are usual",
    )
    seeds_min_length: float = _rule(
        0.5, "share of the median length", "a run of a group of seeds that ended earlier does not count, and is named"
    )
    seeds_score_share: float = _rule(
        0.1,
        "share of the common timesteps",
        "the score of a run is its mean reward over the last part of this size",
        "rl-zoo and most papers report a mean over the end of training",
    )
    seeds_interval_runs: float = _rule(
        5,
        "runs",
        "with fewer runs a group shows its least and largest score, not an interval",
        "Agarwal et al. 2021 (arXiv:2108.13264): intervals of three runs are unreliable",
    )
    bootstrap_repetitions: float = _rule(
        50_000,
        "draws",
        "how often the runs of a group are drawn for the interval of its score",
        "rliable's default; less where a group has hundreds of runs",
    )
    bootstrap_curve_repetitions: float = _rule(
        1_000,
        "draws",
        "how often they are drawn for the band of a curve and for a difference between two groups",
        "rliable takes 2,000 for profiles",
    )
    change_settings: float = _rule(
        3, "settings", "two configurations that differ in more are not compared with each other"
    )
    change_noise: float = _rule(
        2.0, "× noise", "a difference between two single runs below this multiple of their curves' noise says nothing"
    )
    max_video_mb: float = _rule(25, "MB", "larger videos are named but not copied into the site")
    max_model_mb: float = _rule(100, "MB", "larger models are not copied; GitHub takes no larger file")
    interrupted_after_h: float = _rule(6, "h", "a video job 'in progress' without an update for longer was interrupted")


@dataclass(frozen=True, slots=True)
class Rule:
    """One threshold as the Methods page prints it."""

    name: str
    value: float
    default: float
    unit: str
    why: str
    source: str


def rules_in_force(thresholds: Thresholds) -> tuple[Rule, ...]:
    """All thresholds with their reasons, in the order of the dataclass."""
    return tuple(
        Rule(
            f.name,
            getattr(thresholds, f.name),
            float(str(f.default)),
            f.metadata["unit"],
            f.metadata["why"],
            f.metadata["source"],
        )
        for f in fields(thresholds)
    )


def with_overrides(overrides: Mapping[str, object], where: str) -> Thresholds:
    """Thresholds with the values of runsum.yml.

    Raises:
        ConfigError: an unknown name, or a value that is not a number.
    """
    names = {f.name for f in fields(Thresholds)}
    changed: dict[str, float] = {}
    for name, value in overrides.items():
        if name not in names:
            raise ConfigError(f"{where}: there is no threshold {name!r}", "The Methods page lists all names")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{where}: threshold {name} must be a number, not {value!r}", "Write for example 30")
        changed[name] = float(value)
    return replace(Thresholds(), **changed)
