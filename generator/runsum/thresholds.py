"""Every rule of thumb in one place: default, unit, why, and where it comes from.

The Methods page walks this dataclass, so none can hide; `thresholds:` in runsum.yml overrides any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import Any

from runsum.errors import ConfigError
from runsum.frozen import frozen

_OWN = "runsum's own choice"


def _rule(default: float, unit: str, why: str, source: str = _OWN, least: float = 0.0) -> Any:
    return field(default=default, metadata={"unit": unit, "why": why, "source": source, "least": least})


@frozen
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
    fps_windows: float = _rule(8, "windows", "with fewer of these nothing is said of how the throughput went")
    fps_drop: float = _rule(
        0.30,
        "share",
        "throughput of the last fifth below the first fifth by more is called a slowdown",
        "common practice; no published limit",
    )
    fps_drop_bad: float = _rule(
        0.60, "share", "and by more than this a grave one", "common practice; no published limit"
    )
    downtime_watch: float = _rule(0.10, "share of the duration", "time lost in gaps above this is worth a look")
    memory_growth: float = _rule(
        1.5, "× first third", "process memory that ends above this multiple, and rose throughout, may be a leak"
    )
    min_rows_trend: float = _rule(12, "rows", "with fewer canonical rows nothing is said about trends")
    trend_mean_share: float = _rule(
        0.67,
        "share of the run",
        "where the mean of the last 100 episodes is made of more of the run, nothing is said about trends: it lags far "
        "behind what the policy can do",
    )
    plateau_band: float = _rule(
        0.05, "share of the reward range", "rewards that stay this close to the final level count as level"
    )
    plateau_band_noisy: float = _rule(
        0.25, "share of the reward range", "noise may widen that band up to this, and no further"
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
    changepoint_penalty: float = _rule(
        3.0,
        "× noise variance × log(bins)",
        "price of a change in the course of the reward: a line has two numbers and a place where it begins",
        "Bayesian information criterion; Killick, Fearnhead, Eckley 2012",
    )
    noisy_share: float = _rule(
        0.5, "share of the reward's course", "noise above this hides what the reward does at the end"
    )
    sustained_share: float = _rule(
        0.10, "share of the run", "a value is outside for long when it stays there this long without a break"
    )
    annealed_share: float = _rule(
        0.3,
        "× largest",
        "rows with a learning rate below this are not judged by KL and clip fraction, which a schedule takes to 0",
        "a reference PPO run: KL 0.0087 to 0.0004, clip fraction 14.5 % to 0",
    )
    early_share: float = _rule(
        0.2,
        "share of the run",
        "the first part, in which critic and policy are not judged yet",
        "common PPO practice; Stable-Baselines3 issue 2240",
    )
    lost_watch: float = _rule(
        0.25, "share of the gain", "an end that gave back more of what was learned is worth a look"
    )
    loss_change: float = _rule(
        0.25, "share", "a loss whose median moved by less from the first to the last tenth is little changed"
    )
    explained_variance_poor: float = _rule(
        -0.05,
        "",
        "explained variance below this: the value function predicts worse than a constant; nearer to 0 it is 0",
        "Stable-Baselines3 logger documentation (below 0); the tolerance is runsum's own",
        least=-math.inf,
    )
    explained_variance_none: float = _rule(
        0.05,
        "share of the variance",
        "a critic that explains less in the last third explains nothing",
        least=-math.inf,
    )
    explained_variance_good: float = _rule(
        0.5,
        "",
        "median of the last third at or above: the value function tracks returns",
        "common PPO practice",
        least=-math.inf,
    )
    kl_high: float = _rule(
        0.05,
        "nats",
        "approximate KL above this, sustained, means update steps too large",
        "OpenAI Spinning Up (target_kl 0.01 to 0.05); Schulman's notes",
    )
    kl_watch: float = _rule(
        0.02,
        "nats",
        "approximate KL above this is large for an update",
        "RSL-RL and TorchRL lower the learning rate above 2 × 0.01; TF-Agents stops at 2 × 0.01",
    )
    kl_spike: float = _rule(
        10, "× median", "a single approximate KL above this multiple, and above kl_high, is a jump of the policy"
    )
    kl_low: float = _rule(
        0.001,
        "nats",
        "approximate KL below this: the policy hardly moves",
        "TF-Agents and RSL-RL target 0.01",
    )
    clip_watch: float = _rule(
        0.3, "share", "clip fraction above this, for long: updates are often cut", "common PPO practice: 0.1 to 0.3"
    )
    clip_high: float = _rule(
        0.4,
        "share",
        "clip fraction above this, for long: the policy's steps are too large",
        "Hands-on Modern RL, appendix A.1: above 0.4 lower the learning rate or the epochs",
    )
    value_loss_rise: float = _rule(
        3.0,
        "× median between 20 % and 50 %",
        "a value or TD loss that ends above this multiple while the reward does not rise is growing",
    )
    value_loss_blowup: float = _rule(
        10.0,
        "× median between 20 % and 50 %",
        "above this multiple the value or TD loss has blown up",
        "TRL logging documentation",
    )
    gradient_rise: float = _rule(
        5.0,
        "× median",
        "95th percentile of the gradient norm above this multiple: updates are uneven",
        "Hands-on Modern RL, appendix A.1",
    )
    gradient_blowup: float = _rule(10.0, "× first half", "a gradient norm that ends above this multiple has blown up")
    q_factor: float = _rule(
        3.0,
        "× largest return",
        "a mean Q value above this multiple of any mean episode reward is too optimistic",
        "van Hasselt et al. 2016 and Fujimoto et al. 2018 on overestimation; the factor is runsum's own",
    )
    entropy_after: float = _rule(
        0.3, "share of the run", "from there on a policy is expected to be no longer random", "Andy Jones, Debugging RL"
    )
    kl_clip_factor: float = _rule(
        2.0,
        "×",
        "KL that grew by more while the clip fraction fell by more: few samples move far",
        "openai/baselines issue 456",
    )
    beside_factor: float = _rule(
        2.0, "×", "a quantity that changed by more where the reward fell is named beside the fall"
    )
    entropy_growth: float = _rule(
        1.0, "nats", "entropy of continuous actions that grew by more: the policy gets less certain"
    )
    entropy_collapsed: float = _rule(
        0.05,
        "× log of the actions",
        "entropy below this share of its largest value: the policy hardly explores any more",
        "Andy Jones, Debugging RL (relative entropy near 0)",
    )
    entropy_dead: float = _rule(
        0.001,
        "share",
        "entropy below this share from the first half of the run to its end, before the reward was level: the policy "
        "does one thing in each state and finds nothing new",
        "Andy Jones, Debugging RL (relative entropy near 0)",
    )
    entropy_untouched: float = _rule(
        0.95,
        "× log of the actions",
        "entropy above this share of its largest value late in training: the policy is still nearly random",
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
    setting_factor: float = _rule(
        3.0, "×", "a setting without a precedent in the archive is recommended to be changed by this factor"
    )
    entropy_bonus: float = _rule(
        0.01,
        "coefficient",
        "an entropy coefficient of 0 is recommended to be raised to this",
        "common for PPO on Atari games",
    )
    parent_drop: float = _rule(
        0.10,
        "share",
        "a level below the parent's by more of the reward range, and beyond the noise, counts as worse",
    )
    reward_digits_lost: float = _rule(
        900,
        "reward",
        "rewards missing beside values above this: the recorder cannot store 1000 and more",
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


@frozen
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
        ConfigError: an unknown name, or a value that is not a number or below what makes sense.
    """
    least = {f.name: float(f.metadata["least"]) for f in fields(Thresholds)}
    changed: dict[str, float] = {}
    for name, value in overrides.items():
        if name not in least:
            raise ConfigError(f"there is no threshold {name!r}", "The Methods page lists all names", place=where)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"threshold {name} must be a number, not {value!r}", "Write for example 30", place=where)
        if value < least[name]:
            raise ConfigError(
                f"threshold {name} must not be below {least[name]:g}, but is {value!r}",
                "Write for example 30",
                place=where,
            )
        changed[name] = float(value)
    return replace(Thresholds(), **changed)
