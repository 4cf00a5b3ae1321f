"""Facts of a run that need no analysis of their own: names, times, rewards, paths, errors."""

import re
from collections.abc import Mapping, Sequence

from runsum import oddities
from runsum.analysis import settings, standing
from runsum.analysis.reward import MILESTONE_PERCENTS, milestone_trend_fact
from runsum.analysis.shape import RewardShape
from runsum.analysis.shape_facts import cliff_fact, convergence_fact, trend_fact
from runsum.cleaning.series import Series
from runsum.model import (
    ConfigValue,
    DataQuality,
    Fact,
    Milestone,
    Phrase,
    State,
    known,
    missing,
    note,
    phrase,
)
from runsum.source.columns import integer, iso, json_object, number, text
from runsum.source.project import ProjectFiles
from runsum.source.records import Row, RunRecord
from runsum.thresholds import Thresholds

_VERSION = re.compile(r"-v\d+$")
_SUFFIX = re.compile(r"(NoFrameskip|Deterministic|-ram)+$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PRESET_HOURS = ((8.0, "long"), (4.0, "medium"), (1.0, "short"), (0.0, "quick"))
_NO_ROWS = frozenset({
    "reason.no_rows", "fps.no_rows", "resource.no_gpu", "resource.no_vram", "resource.no_mem", "resource.no_cpu",
    "bottleneck.no_gpu",
})  # fmt: skip
_STALE_GUARD = "Auto-failed by stale-run-guard"


def game_name(env_id: str) -> str:
    """The game as people say it: `ALE/SpaceInvaders-v5` and `SpaceInvadersNoFrameskip-v4` are "Space Invaders"."""
    name = _VERSION.sub("", env_id.rsplit("/", 1)[-1])
    name = _SUFFIX.sub("", name) or env_id
    return _WORDS.sub(" ", name).replace("_", " ").strip() or env_id


def identity_facts(
    record: RunRecord,
    config: Mapping[str, ConfigValue],
    experiment: Row,
    files: ProjectFiles,
    env_id: str | None,
    algorithm: str | None,
) -> dict[str, Fact]:
    """Who the run is."""
    row = record.row
    leg = integer(row.get("leg_number")) or 1
    name = text(row.get("display_name")) or text(row.get("custom_name"))
    from_config = settings.setting(config, "env_id") is not None
    return {
        "run_id": known(record.run_id),
        "experiment_name": known(text(row.get("experiment_name"))),
        "custom_name_or_leg": known(name or f"leg {leg}"),
        "game": known(
            env_id,
            *(() if from_config or env_id is None else (phrase("game.from_elsewhere"),)),
            reason="game.unknown",
        ),
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


def progress_facts(
    row: Row, series: Series, stand: standing.Standing, target: int | None, quality: DataQuality, limits: Thresholds
) -> dict[str, Fact]:
    """Times and steps."""
    duration, small = stand.span_h, []
    if duration is not None and stand.wall_h is not None:
        if abs(stand.wall_h - duration) > limits.duration_disagreement * max(stand.wall_h, duration):
            small.append(phrase("duration.wall", wall=stand.wall_h * 3600))
    elif duration is None and stand.wall_h is not None and not stand.state.is_open:
        duration, small = stand.wall_h, [phrase("duration.no_canonical" if quality.rows else "duration.no_rows")]
    before, after = series.clock.offsets[0], series.clock.offsets[-1]
    if before != after:
        small.append(phrase("duration.clock", before=int(before // 60), after=int(after // 60)))
    current = int(series.timestep.max()) if len(series) else None
    recorded = integer(row.get("current_timestep"))
    steps_small = (
        [phrase("steps.recorded", recorded=recorded)]
        if recorded is not None and current is not None and recorded != current
        else []
    )
    if quality.superseded_rows and quality.sessions[-1].last_timestep != current:
        steps_small.append(phrase("steps.superseded", last=quality.sessions[-1].last_timestep))
    if series.start_timestep:
        steps_small.append(
            phrase(
                "steps.own",
                start=series.start_timestep,
                own=(current or series.start_timestep) - series.start_timestep,
            )
        )
    over = stand.progress_pct is not None and target is not None and stand.progress_pct > 100
    progress_small = [phrase("progress.exceeded")] if over and _beyond_a_rollout(series, target, quality) else []
    if series.start_timestep:
        progress_small.append(phrase("progress.own_leg", start=series.start_timestep))
    return {
        "end_time_or_in_progress": _end(row, stand),
        "duration_h": known(duration, *small, reason="duration.unknown"),
        "current_timestep": known(
            current, *steps_small, reason="reason.no_rows" if quality.rows == 0 else "reason.no_canonical"
        ),
        "total_timesteps": known(
            target,
            *([phrase("target.leg", goal=series.start_timestep + target)] if target and series.start_timestep else []),
            reason="target.unknown",
        ),
        "progress_pct": known(
            stand.progress_pct,
            *progress_small,
            reason="target.unknown" if target is None else "reason.no_canonical" if quality.rows else "reason.no_rows",
        ),
    }


def _end(row: Row, stand: standing.Standing) -> Fact:
    recorded = text(row.get("end_time"))
    if stand.state is State.RUNNING:
        return known("in progress", phrase("end.last_activity", at=stand.last_activity))
    if recorded is None:
        return missing(f"end.{stand.state}" if stand.state.is_open else "end.unknown", at=stand.last_activity)
    if stand.false_end:
        why = f"end.{stand.false_end}"
        if stand.effective_end is None:
            return missing(why, at=recorded)
        return known(stand.effective_end, phrase(why, at=recorded))
    if stand.state.is_open:
        return known(recorded, phrase("end.still_open"))
    if stand.went_on:
        return known(stand.effective_end, phrase("end.recorded", at=recorded))
    active = standing.guard_activity(row)
    return known(recorded, *(() if active is None else (phrase("end.guard", at=iso(active)),)))


def _beyond_a_rollout(series: Series, target: int | None, quality: DataQuality) -> bool:
    return target is not None and bool(
        series.timestep.max() - series.start_timestep > target + (quality.rollout_size or 0.02 * target)
    )


def reward_facts(
    row: Row, series: Series, quality: DataQuality, shape: RewardShape, is_early: bool, lost: bool
) -> dict[str, Fact]:
    """Best and last reward, and the shape between; see `best_is_early` and `loses_large_rewards`."""
    rewards = series.values("episode_reward_mean")
    why = "reason.no_rows" if quality.rows == 0 else "reward.none"
    small = [phrase("reward.digits_lost")] if lost else []
    best = rewards.most if len(rewards) else None
    final = float(rewards.seen[-1]) if len(rewards) else None
    early = [phrase("reward.early")] if is_early else []
    _, evaluated = last_evaluation(row)
    beside = _recorded_as("final_reward", row, final)
    if evaluated is not None:  # other recorders write it into the column of the last reward, too
        beside = _recorded_as("final_reward", row, evaluated) and beside
        beside = [phrase("reward.evaluated", mean=evaluated, trained=final is not None), *beside]
    return {
        "best_reward": known(best, *early, *small, *_recorded_as("best_reward", row, best), reason=why),
        "final_reward": known(final, *(small if _ends_unseen(series) else ()), *beside, reason=why),
        "convergence_timestep": missing("reward.lost") if lost else convergence_fact(shape),
        "reward_trend_note": missing("reward.lost") if lost else trend_fact(shape),
        "reward_cliff_note": missing("reward.lost") if lost and shape.cliff is None else cliff_fact(shape),
    }


def _ends_unseen(series: Series) -> bool:
    rewards = series.values("episode_reward_mean")
    return not len(rewards) or int(rewards.rows[-1]) < len(series) - 1


def last_evaluation(row: Row) -> tuple[int, float | None]:
    """How many evaluations the row of a run summarises, and the mean of the last of them."""
    block = (json_object(row.get("metadata_json")) or {}).get("eval")
    if not isinstance(block, dict):
        return 0, None
    mean = number(block.get("last_mean"))
    return integer(block.get("evaluations")) or int(mean is not None), mean


def milestone_facts(
    milestones: Sequence[Milestone], quality: DataQuality, stand: standing.Standing, shape: RewardShape, lost: bool
) -> dict[str, Fact]:
    """Rewards at shares of the target, and what they say together; nothing where the large ones were lost."""
    by_percent = {m.percent: m for m in milestones}
    facts = {"milestone_trend_note": missing("reward.lost") if lost else milestone_trend_fact(tuple(milestones), shape)}
    for percent in MILESTONE_PERCENTS:
        mark = by_percent.get(percent)
        if mark is None:
            fact = missing("reason.no_rows" if quality.rows == 0 else "milestone.no_target")
        elif stand.progress_pct is None:
            fact = missing("reason.no_canonical")
        elif not mark.reached:
            key = "milestone.not_yet" if stand.state is State.RUNNING else "milestone.not_reached"
            fact = missing(key, progress=stand.progress_pct)
        elif mark.far and lost:
            fact = missing("reward.lost")
        elif mark.reward is None:
            fact = missing("milestone.no_reward_yet")
        else:
            fact = known(mark.reward, phrase("milestone.far" if mark.far else "milestone.at", timestep=mark.timestep))
        facts[f"rew_{percent}"] = fact
    return facts


def _recorded_as(column: str, row: Row, value: float | None) -> list[Phrase]:
    recorded = number(row.get(column))
    if recorded is None or (value is not None and abs(recorded - value) <= 1e-6 * max(1.0, abs(value))):
        return []
    return [phrase(f"reward.{column}_column", recorded=recorded)]


def error_fact(state: State, row: Row, notes: Sequence[str], files: ProjectFiles) -> Fact:
    """Why the run failed, as far as anybody wrote it down."""
    finding = oddities.log_failure(files)
    if finding is not None and state is not State.COMPLETED:
        return note("error.log", kind=finding.kind.replace("_", " "), line=finding.line)
    if state is not State.FAILED:
        return note("error.open" if state.is_open or state is State.UNKNOWN else "error.none")
    lines = [*notes, *(text(row.get("description")) or "").splitlines()]
    guard = next((line for line in lines if _STALE_GUARD in line), None)
    if guard is not None:
        return note("error.stale_guard", line=guard)
    if notes:
        return note("error.recorded" if settings.recorded_by_runsum(row) else "error.note", line=notes[-1])
    return missing("error.not_kept")


def without_rows(facts: Mapping[str, Fact], quality: DataQuality) -> dict[str, Fact]:
    """Facts that say why there is nothing: no row at all, or none that counts, and neither is a matter of drivers."""
    if quality.canonical_rows:
        return dict(facts)
    why = "reason.no_canonical" if quality.rows else "reason.no_rows"
    return {
        name: missing(why) if fact.reason is not None and fact.reason.key in _NO_ROWS else fact
        for name, fact in facts.items()
    }


def _recorded_path(path: str, files: ProjectFiles | None) -> Fact:
    there = None if files is None else files.recorded.get(path)
    return known(
        path, phrase("path.recorded" if there is None else f"path.recorded_{'present' if there else 'absent'}")
    )


def path_facts(record: RunRecord, files: ProjectFiles | None, by_application: bool) -> dict[str, Fact]:
    """Where the model, the log and the TensorBoard files are, or should be."""
    row, run_id = record.row, record.run_id
    facts = {}
    for name, guess in (
        ("model_path", f"models/checkpoints/{run_id}/latest.zip"),
        ("tensorboard_path", f"logs/tb/{run_id}"),
    ):
        recorded = text(row.get(name))
        if recorded:
            facts[name] = _recorded_path(recorded, files)
        else:
            facts[name] = (
                known(guess, phrase("path.derived"), estimated=True) if by_application else missing("path.none")
            )
    log = text(row.get("log_path"))
    facts["log_path"] = _recorded_path(log, files) if log else missing("path.no_log" if by_application else "path.none")
    if files is None:
        return facts
    model = files.final_model or files.model
    if model is not None:
        facts["model_path"] = known(model.path, phrase("path.present" if model.present else "path.absent"))
    elif by_application and not text(row.get("model_path")):
        facts["model_path"] = known(facts["model_path"].value, phrase("path.absent"), estimated=True)
    if files.tensorboard:
        facts["tensorboard_path"] = known("; ".join(files.tensorboard), phrase("path.present"))
    elif by_application and not text(row.get("tensorboard_path")):
        facts["tensorboard_path"] = known(facts["tensorboard_path"].value, phrase("path.absent"), estimated=True)
    if files.log is not None:
        facts["log_path"] = known(files.log.path, phrase("path.present"))
    return facts
