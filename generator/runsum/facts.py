"""Facts of a run that need no analysis of their own: names, times, paths, errors, and what is odd about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import numpy as np

from runsum.analysis import settings, standing
from runsum.analysis.reward import RewardShape, cliff_fact, convergence_fact, milestone_trend_fact, trend_fact
from runsum.analysis.stats import finite
from runsum.cleaning.series import Series
from runsum.model import (
    Annotation, ConfigValue, DataQuality, Fact, LineageHints, Milestone, Phrase, Problem, Scalar, State, Video, known, missing,
    note, phrase, problem,
)  # fmt: skip
from runsum.source.columns import Floats, integer, json_object, number, text
from runsum.source.project import ProjectFiles
from runsum.source.records import Row, RunRecord, leg_number
from runsum.thresholds import Thresholds

_VERSION = re.compile(r"-v\d+$")
_SUFFIX = re.compile(r"(NoFrameskip|Deterministic|-ram)+$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PRESET_HOURS = ((8.0, "long"), (4.0, "medium"), (1.0, "short"), (0.0, "quick"))
_STALE_GUARD = "Auto-failed by stale-run-guard"
_SHORT_COLLECTOR_UNTIL = "2025-11-02"


def game_name(env_id: str) -> str:
    """The game as people say it: `ALE/SpaceInvaders-v5` and `SpaceInvadersNoFrameskip-v4` are "Space Invaders"."""
    name = _VERSION.sub("", env_id.rsplit("/", 1)[-1])
    name = _SUFFIX.sub("", name) or env_id
    return _WORDS.sub(" ", name).replace("_", " ").strip() or env_id


def label_of(record: RunRecord) -> str:
    """The name people know the run by; the application falls back in the same order."""
    row = record.row
    return text(row.get("display_name")) or text(row.get("custom_name")) or text(row.get("experiment_name")) or record.run_id


def identity_facts(record: RunRecord, config: Mapping[str, ConfigValue], experiment: Row, files: ProjectFiles, env_id: str | None,
                   algorithm: str | None) -> dict[str, Fact]:  # fmt: skip
    """Who the run is."""
    row = record.row
    leg = leg_number(row) or 1
    name = text(row.get("display_name")) or text(row.get("custom_name"))
    from_config = settings.setting(config, "env_id") is not None
    return {
        "run_id": known(record.run_id),
        "experiment_name": known(text(row.get("experiment_name"))),
        "custom_name_or_leg": known(name or f"leg {leg}"),
        "game": known(env_id, *(() if from_config or env_id is None else (phrase("game.from_elsewhere"),)), reason="game.unknown"),
        "algorithm": known(algorithm.upper() if algorithm else None, reason="algorithm.unknown"),
        "preset": _preset(experiment, files),
        "status": known(text(row.get("status"))),
        "start_time": known(text(row.get("start_time"))),
    }


def _preset(experiment: Row, files: ProjectFiles) -> Fact:
    recorded = text(experiment.get("preset"))
    if recorded:
        return known(recorded)
    hours = number(files.metadata.get("target_hours")) or number(files.effective_config.get("target_hours"))
    if hours is None:
        return missing("preset.none")
    name = next(name for least, name in _PRESET_HOURS if hours >= least)
    return known(name, phrase("preset.from_hours", hours=hours), estimated=True)


def progress_facts(row: Row, series: Series, stand: standing.Standing, target: int | None, quality: DataQuality,
                   limits: Thresholds) -> dict[str, Fact]:  # fmt: skip
    """Times and steps."""
    duration, small = stand.span_h, []
    if duration is not None and stand.wall_h is not None:
        if abs(stand.wall_h - duration) > limits.duration_disagreement * max(stand.wall_h, duration):
            small.append(phrase("duration.wall", wall=stand.wall_h * 3600))
    elif duration is None and stand.wall_h is not None and not stand.state.is_open:
        duration, small = stand.wall_h, [phrase("duration.no_rows")]
    current = int(series.timestep.max()) if len(series) else None
    recorded = integer(row.get("current_timestep"))
    steps_small = [phrase("steps.recorded", recorded=recorded)] if recorded is not None and current is not None and recorded != current else []
    if series.start_timestep:
        steps_small.append(phrase("steps.own", start=series.start_timestep, own=(current or series.start_timestep) - series.start_timestep))
    over = stand.progress_pct is not None and target is not None and stand.progress_pct > 100
    progress_small = [phrase("progress.exceeded")] if over and _beyond_a_rollout(series, target, quality) else []
    if series.start_timestep:
        progress_small.append(phrase("progress.own_leg", start=series.start_timestep))
    return {
        "end_time_or_in_progress": _end(row, stand),
        "duration_h": known(duration, *small, reason="duration.unknown"),
        "current_timestep": known(current, *steps_small, reason="reason.no_rows" if quality.rows == 0 else "reason.no_canonical"),
        "total_timesteps": known(target, *([phrase("target.leg", goal=series.start_timestep + target)] if target and series.start_timestep else []),
                                 reason="target.unknown"),
        "progress_pct": known(stand.progress_pct, *progress_small, reason="target.unknown" if target is None else "reason.no_rows"),
    }  # fmt: skip


def _end(row: Row, stand: standing.Standing) -> Fact:
    recorded = text(row.get("end_time"))
    if stand.state is State.RUNNING:
        return known("in progress", phrase("end.last_activity", at=stand.last_activity))
    if recorded is None:
        return missing(f"end.{stand.state}" if stand.state.is_open else "end.unknown", at=stand.last_activity)
    if stand.effective_end is not None and stand.effective_end[:16] != recorded[:16]:
        return known(stand.effective_end, phrase("end.recorded", at=recorded))
    return known(recorded)


def _beyond_a_rollout(series: Series, target: int | None, quality: DataQuality) -> bool:
    return target is not None and bool(series.timestep.max() - series.start_timestep > target + (quality.rollout_size or 0.02 * target))


def reward_facts(series: Series, shape: RewardShape, milestones: Sequence[Milestone], stand: standing.Standing, quality: DataQuality,
                 row: Row, env_id: str | None, solved: Mapping[str, float], limits: Thresholds) -> dict[str, Fact]:  # fmt: skip
    """Rewards: best, last, at milestones, solved."""
    seen = finite(series.reward)
    why = "reason.no_rows" if quality.rows == 0 else "reward.none"
    lost = loses_large_rewards(series, limits)
    small = [phrase("reward.digits_lost")] if lost else []
    best = float(seen.max()) if len(seen) else None
    final = float(seen[-1]) if len(seen) else None
    facts = {
        "best_reward": known(best, *small, *_recorded_as("best_reward", row, best), reason=why),
        "final_reward": known(final, *small, *_recorded_as("final_reward", row, final), reason=why),
        "convergence_timestep": convergence_fact(shape),
    }
    by_percent = {m.percent: m for m in milestones}
    for percent in (10, 25, 50, 75, 100):
        mark = by_percent.get(percent)
        if mark is None:
            facts[f"rew_{percent}"] = missing("reason.no_rows" if quality.rows == 0 else "milestone.no_target")
        elif not mark.reached:
            facts[f"rew_{percent}"] = missing("milestone.not_reached", progress=stand.progress_pct or 0.0)
        elif mark.reward is None:
            facts[f"rew_{percent}"] = missing("milestone.no_reward_yet")
        else:
            facts[f"rew_{percent}"] = known(mark.reward, phrase("milestone.far" if mark.far else "milestone.at", timestep=mark.timestep))
    facts["milestone_trend_note"] = milestone_trend_fact(tuple(milestones), shape.noise)
    facts["solved_flag"] = _solved(series, env_id, solved)
    facts["reward_trend_note"] = trend_fact(shape)
    facts["reward_cliff_note"] = cliff_fact(shape)
    return facts


def _recorded_as(column: str, row: Row, value: float | None) -> list[Phrase]:
    recorded = number(row.get(column))
    if recorded is None or (value is not None and abs(recorded - value) <= 1e-6 * max(1.0, abs(value))):
        return []
    return [phrase(f"reward.{column}_column", recorded=recorded)]


def loses_large_rewards(series: Series, limits: Thresholds) -> bool:
    """Whether rewards end although rows go on, after values near 1000, which the recorder cannot store."""
    seen = np.flatnonzero(np.isfinite(series.reward))
    return bool(len(seen)) and seen[-1] < len(series) - 1 and bool(series.reward[seen].max() >= limits.reward_digits_lost)


def _solved(series: Series, env_id: str | None, solved: Mapping[str, float]) -> Fact:
    names = [env_id, game_name(env_id)] if env_id else []
    level = next((solved[name] for name in names if name in solved), None)
    if level is None:
        return missing("solved.no_target")
    hits = np.flatnonzero(series.reward >= level)
    if not len(hits):
        return note("solved.no", level=level)
    return note("solved.yes", level=level, timestep=int(series.timestep[hits[0]]))


def error_fact(state: State, row: Row, notes: Sequence[str], files: ProjectFiles, experiment: Row) -> Fact:
    """Why the run failed, as far as anybody wrote it down."""
    if state is not State.FAILED:
        return note("error.none")
    if files.log is not None and files.log.findings:
        finding = files.log.findings[-1]
        return note("error.log", kind=finding.kind.replace("_", " "), line=finding.line)
    lines = [*notes, *(text(row.get("description")) or "").splitlines()]
    guard = next((line for line in lines if _STALE_GUARD in line), None)
    if guard is not None:
        return note("error.stale_guard", line=guard)
    if notes:
        return note("error.note", line=notes[-1])
    return missing("error.not_kept")


def path_facts(record: RunRecord, files: ProjectFiles | None) -> dict[str, Fact]:
    """Where the model, the log and the TensorBoard files are, or should be."""
    row, run_id = record.row, record.run_id
    facts = {}
    for name, guess in (("model_path", f"models/checkpoints/{run_id}/latest.zip"), ("tensorboard_path", f"logs/tb/{run_id}")):
        recorded = text(row.get(name))
        facts[name] = known(recorded, phrase("path.recorded")) if recorded else known(guess, phrase("path.derived"), estimated=True)
    log = text(row.get("log_path"))
    facts["log_path"] = known(log, phrase("path.recorded")) if log else missing("path.no_log")
    if files is None:
        return facts
    model = files.final_model or files.model
    if model is not None:
        facts["model_path"] = known(model.path, phrase("path.present" if model.present else "path.absent"))
    elif not text(row.get("model_path")):
        facts["model_path"] = known(facts["model_path"].value, phrase("path.absent"), estimated=True)
    if files.tensorboard:
        facts["tensorboard_path"] = known("; ".join(files.tensorboard), phrase("path.present"))
    elif not text(row.get("tensorboard_path")):
        facts["tensorboard_path"] = known(facts["tensorboard_path"].value, phrase("path.absent"), estimated=True)
    if files.log is not None:
        facts["log_path"] = known(files.log.path, phrase("path.present"))
    return facts


def row_problems(series: Series, quality: DataQuality, shape: RewardShape, stand: standing.Standing, row: Row,
                 limits: Thresholds) -> list[Problem]:  # fmt: skip
    """What is wrong with the rows or the status of a run."""
    found = []
    if quality.rows == 0:
        found.append(problem("no_rows"))
    elif _short_collector(row, quality):
        found.append(problem("short_collector", rows=quality.rows))
    elif quality.canonical_rows == 0:
        found.append(problem("no_canonical_rows", rows=quality.rows))
    for kind, count in (
        ("phantom_rows", quality.phantom_rows), ("superseded_rows", quality.superseded_rows),
        ("out_of_range_rows", quality.out_of_range_rows), ("unreadable_values", quality.unreadable_values),
        ("wrong_denominators", quality.wrong_denominator_rows),
    ):  # fmt: skip
        if count:
            found.append(problem(kind, count=count, rows=quality.rows))
    if quality.contaminated_rows:
        others = ", ".join(quality.foreign_runs)
        found.append(problem("contaminated_rows" if not others else "contaminated_rows_from", count=quality.contaminated_rows, others=others,
                             last=int(series.timestep.max()) if len(series) else None))  # fmt: skip
    if loses_large_rewards(series, limits):
        found.append(problem("large_rewards_lost", count=quality.null_rewards_after_first))
    if stand.state is State.STALE:
        found.append(problem("stale", at=stand.last_activity))
    elif stand.state is State.FINISHED:
        found.append(problem("never_marked_finished"))
    elif stand.state is State.UNKNOWN:
        found.append(problem("unknown_status", status=text(row.get("status")) or "(empty)"))
    found += [problem(note.key.replace(".", "_"), **note.values) for note in stand.notes if note.key.endswith("_but_went_on")]
    return found


def _short_collector(row: Row, quality: DataQuality) -> bool:
    """Before 2025-11-02 the collector stopped after its first minute."""
    return (text(row.get("start_time")) or "9")[:10] < _SHORT_COLLECTOR_UNTIL and quality.rows <= 2 and not quality.reward_rows


def active_hours(series: Series, quality: DataQuality, limits: Thresholds) -> Floats:
    """Hours of training with downtime cut out, starting at 0."""
    if not len(series):
        return series.hours
    width = np.diff(series.utc_s, prepend=series.utc_s[0])
    width = np.where((width < 0) | (width >= limits.downtime_s), 0.0, width) if quality.gap_threshold_s else np.maximum(width, 0)
    begin = max(0.0, min(float(series.hours[0]), limits.downtime_s / 3600)) if np.isfinite(series.hours[0]) else 0.0
    return np.asarray(np.nancumsum(width) / 3600 + begin, dtype=np.float64)


def annotations(record: RunRecord) -> tuple[Annotation, ...]:
    """The person's notes in the charts, oldest first."""
    rows = sorted(record.annotations, key=lambda row: (str(row.get("created_at") or ""), str(row.get("annotation_id") or "")))
    return tuple(
        Annotation(text(row.get("axes_name")) or "", number(row.get("x")), number(row.get("y")), text(row.get("text")) or "",
                   text(row.get("created_at")))
        for row in rows
    )  # fmt: skip


def merge_videos(named: Sequence[Video], found: Sequence[Video]) -> list[Video]:
    """Videos of the tables and of the disk; one that both know is the disk's, with the table's words."""
    from dataclasses import replace

    on_disk = {video.path: video for video in found}
    merged = []
    for video in named:
        twin = on_disk.pop(video.path, None)
        merged.append(video if twin is None else replace(
            video, state=twin.state, source_path=twin.source_path, size_mb=twin.size_mb or video.size_mb, timestep=video.timestep or twin.timestep))
    if found:
        gone = ("recorded",)
        merged = [replace(v, state="missing") if v.state in gone and v.path else v for v in merged]
    return [*merged, *(v for v in found if v.path in on_disk)]


def tags_of(row: Row) -> tuple[str, ...]:
    """The tags of a run; malformed JSON has none."""
    try:
        tags = json.loads(row.get("tags_json") or "[]")
    except (TypeError, ValueError):
        return ()
    return tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()


_PROVENANCE = (
    "git_commit", "python_version", "env_version", "config_hash", "parent_checkpoint_path", "parent_checkpoint_hash", "mode",
    "heartbeat_at", "process_pid", "target_timestep", "convergence_timestep", "video_path",
)  # fmt: skip


def recorded_columns(row: Row, experiment: Row) -> dict[str, Scalar]:
    """Recorded columns without a placeholder of their own, and the evaluation summary where one was kept."""
    kept: dict[str, Scalar] = {}
    for name in _PROVENANCE:
        value = row.get(name)
        if value is not None and not isinstance(value, bytes) and str(value).strip():
            kept[name] = value if isinstance(value, int | float) else str(value)
    metadata = json_object(row.get("metadata_json")) or {}
    for name in sorted(metadata):
        value = metadata[name]
        if isinstance(value, dict):
            kept |= {f"{name} {key}": inner for key, inner in sorted(value.items()) if isinstance(inner, str | int | float)}
        elif isinstance(value, str | int | float):
            kept[name] = value
    if text(experiment.get("experiment_id")):
        kept["experiment_id"] = str(experiment["experiment_id"])
    return kept


def lineage_hints(record: RunRecord) -> LineageHints:
    """What the run says of its ancestry."""
    row = record.row
    return LineageHints(text(row.get("base_run_id")), text(row.get("parent_run_id")), leg_number(row),
                        integer(row.get("variant_index")), integer(row.get("leg_start_timestep")))  # fmt: skip


def disk_facts(files: ProjectFiles | None) -> dict[str, object]:
    """What was found below the project root, for the page; empty without a root."""
    if files is None:
        return {}
    return {
        "checkpoints": len(files.checkpoints),
        "milestones": [(m.percent, m.timestep) for m in files.milestones],
        "final_model": files.final_model is not None,
        "last_checkpoint_step": files.last_checkpoint_step,
        "log_lines": list(files.log.last_lines) if files.log else [],
    }
