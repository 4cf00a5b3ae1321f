"""The nine sections of the summary template: their titles, the order of the placeholders, how each is printed."""

from __future__ import annotations

from collections.abc import Mapping

from runsum.frozen import frozen
from runsum.model import Fact, Phrase, phrase


@frozen
class Section:
    """A section: title of the template, rows of (label, placeholders), ids of the charts below it.

    Section 9 has no rows: the page sets the gate and the recommendations as they deserve.
    """

    title: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    charts: tuple[str, ...] = ()


HEALTH_SECTION = "5) Learning Dynamics & Stability"
SECTIONS: tuple[Section, ...] = (
    Section("1) Intro / Snapshot", (
        ("Run", ("run_id",)),
        ("Experiment", ("experiment_name",)),
        ("Name or leg", ("custom_name_or_leg",)),
        ("Game", ("game",)),
        ("Algorithm", ("algorithm",)),
        ("Preset", ("preset",)),
        ("Recorded status", ("status",)),
        ("Started", ("start_time",)),
        ("Ended", ("end_time_or_in_progress",)),
        ("Duration", ("duration_h",)),
        ("Timesteps", ("current_timestep", "total_timesteps")),
        ("Progress", ("progress_pct",)),
        ("Best mean reward", ("best_reward",)),
        ("Final mean reward", ("final_reward",)),
        ("Converged at", ("convergence_timestep",)),
    ), ("progress",)),
    Section("2) Outcomes", (
        ("At 10, 25, 50, 75, 100 %", ("rew_10", "rew_25", "rew_50", "rew_75", "rew_100")),
        ("Trend over milestones", ("milestone_trend_note",)),
        ("Solved", ("solved_flag",)),
    ), ("episode-length",)),
    Section("3) Training Efficiency", (
        ("Speed: mean, least, most", ("avg_fps", "min_fps", "max_fps")),
        ("Speed trend", ("sps_trend_note",)),
        ("Time left", ("eta_note",)),
        ("Pauses and restarts", ("pause_count",)),
        ("Time lost", ("pause_time_h",)),
    ), ("throughput",)),
    Section("4) Resource Profile", (
        ("GPU: mean, peak", ("gpu_avg", "gpu_max")),
        ("VRAM: mean, peak", ("vram_avg", "vram_max")),
        ("CPU: mean, peak", ("cpu_avg", "cpu_max")),
        ("Memory: mean, peak", ("mem_avg", "mem_max")),
        ("Bottleneck", ("resource_bottleneck_note",)),
    ), ("gpu", "vram", "memory", "cpu", "temperature", "power")),
    Section(HEALTH_SECTION, (
        ("Policy loss", ("policy_loss_trend",)),
        ("Value loss", ("value_loss_trend",)),
        ("Entropy loss", ("entropy_loss_trend",)),
        ("KL divergence", ("kl_note",)),
        ("Explained variance", ("explained_variance_note",)),
        ("Reward shape", ("reward_trend_note",)),
        ("Backward timestep jumps", ("backward_jump_count",)),
        ("Gaps in the record", ("metric_gap_note",)),
        ("Reward cliffs", ("reward_cliff_note",)),
        ("Failure", ("error_summary_if_failed",)),
    ), ("policy-loss", "value-loss", "entropy-loss", "total-loss", "kl", "clip-fraction", "explained-variance",
        "learning-rate", "gradient-norm")),
    Section("6) Config Highlights", (
        ("Target timesteps", ("total_timesteps",)),
        ("Evaluation, save frequency", ("eval_freq", "save_freq")),
        ("Environments", ("n_envs",)),
        ("Frame stack, action repeat", ("frame_stack", "action_repeat")),
        ("Learning rate", ("learning_rate",)),
        ("Batch size", ("batch_size",)),
        ("n_steps", ("n_steps",)),
        ("Gamma", ("gamma",)),
        ("Device, seed", ("device", "seed")),
        ("Other settings", ("custom_params_note",)),
    )),
    Section("7) Artifacts", (
        ("Model", ("model_path",)),
        ("Log", ("log_path",)),
        ("TensorBoard", ("tensorboard_path",)),
        ("Post-training videos", ("video_artifacts_paths",)),
        ("Training segments", ("training_videos_summary",)),
        ("Video generation", ("video_generation_status",)),
    )),
    Section("8) Lineage / Comparison", (
        ("Base run", ("base_run_id",)),
        ("Leg", ("leg_number",)),
        ("Changes against the parent", ("lineage_diff_note",)),
        ("Last reward against the parent's", ("reward_delta",)),
        ("Speed against the parent", ("fps_delta",)),
        ("Settings changed", ("config_delta_list",)),
    )),
    Section("9) Next Actions", ()),
)  # fmt: skip

FORMATS: Mapping[str, str] = {
    "start_time": "when", "end_time_or_in_progress": "when", "duration_h": "hours", "current_timestep": "steps",
    "total_timesteps": "steps", "progress_pct": "percent", "best_reward": "reward", "final_reward": "reward",
    "convergence_timestep": "steps", "rew_10": "reward", "rew_25": "reward", "rew_50": "reward", "rew_75": "reward",
    "rew_100": "reward", "avg_fps": "speed", "min_fps": "speed", "max_fps": "speed", "pause_count": "exact",
    "pause_time_h": "hours", "gpu_avg": "whole_percent", "gpu_max": "whole_percent", "vram_avg": "mib",
    "vram_max": "mib", "cpu_avg": "whole_percent", "cpu_max": "whole_percent", "mem_avg": "mib", "mem_max": "mib",
    "backward_jump_count": "exact", "leg_number": "exact", "reward_delta": "delta", "fps_delta": "signed_speed",
}  # fmt: skip
"""The filter of each placeholder; every other one is a setting or a text."""

AGAINST_PARENT = ("lineage_diff_note", "reward_delta", "fps_delta", "config_delta_list")
"""What a run without a parent in the archive cannot say: one row then."""

_STEPS = frozenset({"current_timestep", "total_timesteps", "convergence_timestep"})


@frozen
class Part:
    """A placeholder inside a row: its fact, its filter, and whether the exact number goes into the tooltip."""

    name: str
    fact: Fact
    filter: str
    exact: bool


@frozen
class FactRow:
    """A row of a fact table.

    Attributes:
        fields: the placeholders of the row, separated by blanks.
        unknown: no part is known, all for the same reason: it is then said once.
        single: the row has one part.
        small: small print of all parts, reasons of missing ones included.
    """

    label: str
    fields: str
    parts: tuple[Part, ...]
    unknown: bool
    single: bool
    small: tuple[Phrase, ...]

    @property
    def first(self) -> Part:
        """The part that speaks for all when all are unknown, and the only one of a single row."""
        return self.parts[0]


def section_rows(section: Section, summary: Mapping[str, Fact]) -> tuple[FactRow, ...]:
    """The rows of a section; what cannot be compared with a parent is said once."""
    rows = section.rows
    if any(names[0] in AGAINST_PARENT for _, names in rows) and all(summary[name].missing for name in AGAINST_PARENT):
        rows = (*(row for row in rows if row[1][0] not in AGAINST_PARENT), ("Against the parent", AGAINST_PARENT))
    return tuple(fact_row(label, names, summary) for label, names in rows)


def fact_row(label: str, names: tuple[str, ...], summary: Mapping[str, Fact]) -> FactRow:
    """A row from the summary of a run."""
    parts = tuple(Part(name, summary[name], FORMATS.get(name, "setting"), name in _STEPS) for name in names)
    reasons = {part.fact.reason.key if part.fact.reason else "" for part in parts}
    unknown = all(part.fact.missing for part in parts) and len(reasons) == 1
    small: list[Phrase] = []
    for part in parts:
        for words in (*_because(part.fact), *part.fact.small):
            if words not in small:
                small.append(words)
    return FactRow(label, " ".join(names), parts, unknown, len(parts) == 1, tuple(small))


def _because(fact: Fact) -> tuple[Phrase, ...]:
    if fact.missing and fact.reason is not None:
        return (fact.reason,)
    return (phrase("small.estimated"),) if fact.estimated else ()
