"""One run, from its rows to everything its page will say; a pure function of rows, files, settings and "now"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runsum import facts, health, oddities, recorded, results
from runsum.analysis import dynamics, media, resources, reward, settings, solved, standing, throughput, windows
from runsum.analysis.courses import steady_rows
from runsum.analysis.regained import regained_facts
from runsum.analysis.shape import RewardShape, describe_shape
from runsum.cleaning.series import RunFrame, Series, active_hours, clean_series
from runsum.cleaning.values import finite
from runsum.clock import Asked, AsOf, Clock
from runsum.downloads import metrics_csv
from runsum.drawing import Marks, draw_run
from runsum.frozen import frozen
from runsum.measures import Solved
from runsum.model import (
    ConfigValue,
    DataQuality,
    Fact,
    Finding,
    Milestone,
    Phrase,
    Problem,
    RunDigest,
    Video,
    known,
    missing,
    phrase,
)
from runsum.source.columns import integer, seconds, text
from runsum.source.database import RUNS_TABLE
from runsum.source.project import ProjectFiles
from runsum.source.records import Row, RunRecord
from runsum.thresholds import Thresholds


@frozen
class DigestSettings:
    """What a digest depends on besides the rows."""

    thresholds: Thresholds
    now: AsOf
    solved: Mapping[str, float]


@frozen
class DigestedRun:
    """A digest and the files that hold the run's numbers, by file name inside its page bundle.

    Attributes:
        asked: answers of the clock on which the digest depends.
    """

    digest: RunDigest
    files: Mapping[str, bytes]
    asked: tuple[Asked, ...] = ()


@frozen
class _Known:
    """What a run is, before its rows are looked at."""

    config: dict[str, ConfigValue]
    problems: list[Problem]
    experiment: Row
    env_id: str | None
    algorithm: str | None
    target: int | None
    by_application: bool
    by_runsum: bool
    frame: RunFrame


@frozen
class _Analysis:
    """What the rows say."""

    series: Series
    quality: DataQuality
    stand: standing.Standing
    shape: RewardShape
    best_is_early: bool
    loses_rewards: bool
    milestones: tuple[Milestone, ...]
    rate: throughput.Rate
    machine: resources.ResourceFacts
    learning: dict[str, Fact]
    signals: dynamics.Signals
    videos: list[Video]
    video_problems: list[Problem]
    notes: tuple[str, ...]


def digest_run(
    record: RunRecord,
    slug: str,
    files: ProjectFiles | None,
    use: DigestSettings,
    twins: Mapping[str, int] | None = None,
) -> DigestedRun:
    """Digest one run.

    Args:
        record: its rows.
        slug: name of its page folder.
        files: what lies on disk; None without a project root.
        use: thresholds, now, solved thresholds.
        twins: runs that hold the same rows as its contaminated ones, with counts.
    """
    on_disk = files or ProjectFiles()
    known_facts = _recognise(record, on_disk)
    clock = Clock(use.now)
    found = _analyse(record, known_facts, on_disk, use, clock, twins or {})
    annotations = recorded.annotations(record)
    summary = facts.without_rows(_summarise(record, known_facts, found, files, use), found.quality)
    summary = _beside_the_clock(summary, found)
    reached = _judge(record, known_facts, found, summary, use)
    summary = {**summary, "solved_flag": reached.fact}
    problems = (
        *known_facts.problems,
        *settings.check_config(known_facts.config, found.series, found.quality),
        *oddities.column_problems(record.row, _blobs(record)),
        *oddities.row_problems(found.series, found.quality, found.stand, record.row, found.loses_rewards),
        *found.video_problems,
        *on_disk.problems,
        *oddities.log_problems(on_disk),
    )
    findings = _assess(known_facts, found, summary, problems, reached.solved, use)
    drawing = draw_run(
        slug, found.series, record.gpu, found.rate,
        Marks(found.quality, found.milestones, known_facts.target, annotations, tuple(found.videos), findings),
    )  # fmt: skip
    digest = _assemble(record, slug, known_facts, found, summary, use)
    digest = replace(
        digest, findings=findings, charts=drawing.charts, absent_charts=drawing.absent, annotations=annotations,
        problems=problems,
        files=recorded.disk_facts(files, known_facts.by_application), redactions=record.redactor.found(),
        solved=reached.solved, human=reached.human, cost=reached.cost, extras=reached.extras,
    )  # fmt: skip
    files_of_run = {"data.js": drawing.script, "metrics.csv.gz": metrics_csv(found.series)}
    return DigestedRun(digest, files_of_run, tuple(clock.asked))


def _assess(
    what: _Known,
    found: _Analysis,
    summary: Mapping[str, Fact],
    problems: Sequence[Problem],
    reached: Solved | None,
    use: DigestSettings,
) -> tuple[Finding, ...]:
    """What the checks of the run's health say."""
    words = summary["solved_flag"].words
    is_solved = (words is not None and words.key in solved.REACHED) or (reached is not None and reached.is_kept)
    subject = health.describe_subject(
        what.algorithm, what.env_id, what.config, what.target, found.series.start_timestep == 0,
        is_solved, found.shape,
    )  # fmt: skip
    return health.assess(
        found.series, found.quality, subject, found.rate, found.machine, summary, problems, use.thresholds
    )


def _blobs(record: RunRecord) -> frozenset[str]:
    """Columns of the run's own row that held bytes, which are never published."""
    found = record.redactor.found()
    return frozenset(one.column for one in found if (one.rule, one.table) == ("blob", RUNS_TABLE))


def _recognise(record: RunRecord, files: ProjectFiles) -> _Known:
    row = record.row
    config, problems = settings.read_config(row, files.effective_config, files.metadata)
    told = settings.described(row)
    experiment = record.experiments[-1] if record.experiments else {}
    algorithm = (
        text(settings.setting(config, "algorithm")) or text(experiment.get("algorithm")) or text(told.get("algorithm"))
    )
    target = settings.find_target(config, row)
    return _Known(
        config=config,
        problems=problems,
        experiment=experiment,
        env_id=text(settings.setting(config, "env_id")) or text(experiment.get("game")) or text(told.get("env_id")),
        algorithm=algorithm,
        target=target,
        by_application=settings.recorded_by_application(config, row),
        by_runsum=settings.recorded_by_runsum(row),
        frame=RunFrame(
            status=(text(row.get("status")) or "").lower(),
            algorithm=algorithm,
            leg_start=integer(row.get("leg_start_timestep")) or integer(row.get("start_timestep")) or 0,
            target=target,
            config_rollout_size=settings.rollout_size_of(config),
            start_local_s=seconds(row.get("start_time")),
            end_local_s=seconds(row.get("end_time")),
        ),
    )


def _analyse(
    record: RunRecord,
    what: _Known,
    files: ProjectFiles,
    use: DigestSettings,
    clock: Clock,
    twins: Mapping[str, int],
) -> _Analysis:
    limits = use.thresholds
    series, quality = clean_series(record.metrics, record.gpu, what.frame, limits)
    if twins:
        quality = replace(quality, foreign_runs=dict(twins))
    annealed = health.is_annealed(health.flat_settings(what.config))
    learning, signals = dynamics.describe_dynamics(
        series, what.algorithm, what.by_application, steady_rows(series, annealed, what.target, limits), limits
    )
    stand = standing.judge_standing(record.row, record.gpu, series, quality, what.target, clock, limits)
    videos, video_problems = media.collect_videos(
        record, lambda moment: clock.is_over(moment, quality.utc_offset_min), limits
    )
    return _Analysis(
        series=series,
        quality=quality,
        stand=stand,
        shape=describe_shape(series.timestep, series.reward, limits, windows.episodes_of(series, what.env_id)),
        best_is_early=windows.best_is_early(series, what.env_id),
        loses_rewards=what.by_application and not what.by_runsum and oddities.loses_large_rewards(series, limits),
        milestones=reward.find_milestones(
            series.timestep,
            series.reward,
            series.start_timestep,
            what.target,
            series.last_step_any_row,
            limits,
            is_over=not stand.state.is_open,
        ),
        rate=throughput.measure_rate(series, quality, limits),
        machine=resources.describe_resources(series, record.gpu, what.by_runsum, limits),
        learning=learning,
        signals=signals,
        videos=recorded.merge_videos(videos, files.videos, bool(files.looked_in)),
        video_problems=video_problems,
        notes=tuple((text(record.row.get("status_note")) or "").splitlines()),
    )


def _summarise(
    record: RunRecord, what: _Known, found: _Analysis, files: ProjectFiles | None, use: DigestSettings
) -> dict[str, Fact]:
    """The placeholders that one run can fill without the others."""
    limits, row, on_disk = use.thresholds, record.row, files or ProjectFiles()
    series, quality, stand = found.series, found.quality, found.stand
    goal = None if what.target is None else series.start_timestep + what.target
    return {
        **facts.identity_facts(record, what.config, what.experiment, on_disk, what.env_id, what.algorithm),
        **facts.progress_facts(row, series, stand, what.target, quality, limits),
        **facts.reward_facts(row, series, quality, found.shape, found.best_is_early, found.loses_rewards),
        **regained_facts(found.shape, limits),
        **facts.milestone_facts(found.milestones, quality, stand, found.shape, found.loses_rewards),
        **throughput.fps_facts(series, what.by_runsum),
        "sps_trend_note": throughput.trend_fact(found.rate, limits),
        "eta_note": throughput.eta_fact(
            stand.state, _last_step(series), goal, throughput.recent_speed(series, quality, limits), limits, what.target
        ),
        **throughput.downtime_facts(quality, found.notes, what.by_runsum, limits),
        "metric_gap_note": throughput.gap_fact(quality),
        **found.machine.facts,
        **found.learning,
        "backward_jump_count": known(quality.genuine_jumps, *_artefacts(quality))
        if quality.rows
        else missing("reason.no_rows"),
        "error_summary_if_failed": facts.error_fact(stand.state, row, found.notes, on_disk),
        **settings.config_facts(what.config, row, quality, series),
        "custom_params_note": settings.custom_params_fact(what.config, what.algorithm),
        **facts.path_facts(record, files, what.by_application),
        **media.video_facts(found.videos, files is not None),
    }


def _beside_the_clock(summary: Mapping[str, Fact], found: _Analysis) -> dict[str, Fact]:
    last, hours = _last_step(found.series), _trained_hours(summary, found.quality)
    own = None if last is None else last - found.series.start_timestep
    return {**summary, "avg_fps": throughput.beside_the_clock(summary["avg_fps"], own, hours)}


def _judge(
    record: RunRecord, what: _Known, found: _Analysis, summary: Mapping[str, Fact], use: DigestSettings
) -> results.Results:
    """What it reached and what it cost."""
    measure = solved.find_measure(what.config, what.env_id, what.by_application, what.by_runsum)
    hours = (_trained_hours(summary, found.quality), summary["pause_time_h"].number)
    game = (what.env_id, facts.game_name(what.env_id) if what.env_id else None)
    return results.find_results(
        found.series, found.shape, record.gpu, found.machine, hours, game, measure, use.solved,
        found.loses_rewards, use.thresholds,
    )  # fmt: skip


def _assemble(
    record: RunRecord, slug: str, what: _Known, found: _Analysis, summary: Mapping[str, Fact], use: DigestSettings
) -> RunDigest:
    row, series, stand, shape = record.row, found.series, found.stand, found.shape
    final, final_step = _final(series)
    best, best_step = _best(series)
    preset = summary["preset"].value
    evaluations, last_evaluation = facts.last_evaluation(row)
    return RunDigest(
        source=record.source, run_id=record.run_id, slug=slug, label=recorded.label_of(record), env_id=what.env_id,
        game=facts.game_name(what.env_id) if what.env_id else None,
        algorithm=what.algorithm.upper() if what.algorithm else None, preset=None if preset is None else str(preset),
        state=stand.state, state_notes=stand.notes, status=text(row.get("status")) or "",
        started_at=text(row.get("start_time")), last_activity_at=stand.last_activity,
        started_s=what.frame.start_local_s,
        trained_h=_trained_hours(summary, found.quality), duration_h=summary["duration_h"].number,
        start_timestep=series.start_timestep, current_timestep=_last_step(series), target_timesteps=what.target,
        progress_pct=stand.progress_pct, best_reward=best, best_reward_timestep=best_step, final_reward=final,
        final_reward_timestep=final_step, avg_fps=summary["avg_fps"].number, summary=summary,
        milestones=found.milestones, quality=found.quality, config=what.config,
        signals=found.signals | {
            "shape": shape.kind, "level": shape.end, "start_level": shape.start, "noise": shape.noise,
            "scale": shape.scale, "recent_change": shape.recent_change, "cliffs": float(shape.cliffs),
            "covered": shape.covered,
            "gpu_avg": found.machine.gpu_avg, "vram_share": found.machine.vram_share,
            "lost_share": shape.lost_share, "best_level_at": _maybe(shape.best_level_at),
            "opening": reward.opening_mark(series.timestep, series.reward),
            "best_early": 1.0 if found.best_is_early else None,
            "evaluations": float(evaluations), "last_evaluation": last_evaluation,
            "level_since": _maybe(shape.level_since), "began_utc_s": _began(series, found.quality),
        },
        curve=reward.thin_curve(
            series.timestep, active_hours(series, found.quality, use.thresholds), series.reward),
        videos=tuple(found.videos), status_notes=found.notes, description=text(row.get("description")),
        recorded=recorded.recorded_columns(row, what.experiment),
        lineage=recorded.lineage_hints(record), energy_kwh=found.machine.energy_kwh,
        tags=recorded.tags(row, what.experiment),
    )  # fmt: skip


def _trained_hours(summary: Mapping[str, Fact], quality: DataQuality) -> float | None:
    """Duration without the time that was lost in gaps; nobody knows whether a run without a row has trained at all."""
    if not quality.rows:
        return None
    duration, lost = summary["duration_h"].number, summary["pause_time_h"].number
    return None if duration is None else max(0.0, duration - (lost or 0.0))


def _began(series: Series, quality: DataQuality) -> float | None:
    """When it began, seconds UTC; None where its clock is not known."""
    begins = finite(series.utc_s - series.hours * 3600)
    return float(begins[0]) if len(begins) and quality.utc_offset_min is not None else None


def _artefacts(quality: DataQuality) -> tuple[Phrase, ...]:
    return (phrase("jumps.artefacts", count=quality.artefact_jumps),) if quality.artefact_jumps else ()


def _maybe(timestep: int | None) -> float | None:
    return None if timestep is None else float(timestep)


def _last_step(series: Series) -> int | None:
    return int(series.timestep.max()) if len(series) else None


def _final(series: Series) -> tuple[float | None, int | None]:
    rewards = series.values("episode_reward_mean")
    return _at(series, int(rewards.rows[-1])) if len(rewards) else (None, None)


def _best(series: Series) -> tuple[float | None, int | None]:
    rewards = series.values("episode_reward_mean")
    return _at(series, int(rewards.rows[rewards.seen.argmax()])) if len(rewards) else (None, None)


def _at(series: Series, row: int) -> tuple[float, int]:
    return float(series.reward[row]), int(series.timestep[row])
