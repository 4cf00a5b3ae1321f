"""One run, from its rows to everything its page will say; a pure function of rows, files, settings and "now"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from runsum import facts
from runsum.analysis import dynamics, media, resources, reward, settings, standing, throughput
from runsum.cleaning.series import RunFrame, Series, clean_series
from runsum.downloads import metrics_csv
from runsum.drawing import draw_run
from runsum.model import Fact, RunDigest, known, phrase
from runsum.source.columns import integer, seconds, text
from runsum.source.project import ProjectFiles
from runsum.source.records import RunRecord
from runsum.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class DigestSettings:
    """What a digest depends on besides the rows."""

    thresholds: Thresholds
    now: standing.AsOf
    solved: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DigestedRun:
    """A digest and the files that hold the run's numbers, by file name inside its page bundle."""

    digest: RunDigest
    files: Mapping[str, bytes]


def digest_run(record: RunRecord, slug: str, files: ProjectFiles | None, use: DigestSettings,
               twins: Mapping[str, int] | None = None) -> DigestedRun:  # fmt: skip
    """Digest one run.

    Args:
        record: its rows.
        slug: name of its page folder.
        files: what lies on disk; None without a project root.
        use: thresholds, now, solved thresholds.
        twins: runs that hold the same rows as its contaminated ones, with counts.
    """
    limits, row = use.thresholds, record.row
    on_disk = files or ProjectFiles()
    config, problems = settings.read_config(row, on_disk.effective_config, on_disk.metadata)
    told = settings.described(row)
    experiment = record.experiments[-1] if record.experiments else {}
    env_id = text(settings.setting(config, "env_id")) or text(experiment.get("game")) or text(told.get("env_id"))
    algorithm = text(settings.setting(config, "algorithm")) or text(experiment.get("algorithm")) or text(told.get("algorithm"))
    target = integer(settings.setting(config, "total_timesteps")) or integer(told.get("total_timesteps"))
    frame = RunFrame(
        status=(text(row.get("status")) or "").lower(), algorithm=algorithm, leg_start=_leg_start(record), target=target,
        config_rollout_size=settings.rollout_size_of(config),
        start_local_s=seconds(row.get("start_time")), end_local_s=seconds(row.get("end_time")),
    )  # fmt: skip
    series, quality = clean_series(record.metrics, record.gpu, frame, limits)
    if twins:
        quality = replace(quality, foreign_runs=dict(twins))
    stand = standing.judge_standing(row, record.metrics, record.gpu, series, quality, target, use.now, limits)
    shape = reward.describe_shape(series.timestep, series.reward, limits)
    milestones = reward.find_milestones(
        series.timestep, series.reward, series.start_timestep, target, series.last_step_any_row, limits)  # fmt: skip
    rate = throughput.measure_rate(series, quality, limits)
    machine = resources.describe_resources(series, record.gpu, limits)
    learning, signals = dynamics.describe_dynamics(series, algorithm, limits)
    videos, video_problems = media.collect_videos(record, use.now.local_s(quality.utc_offset_min), limits)
    videos = facts.merge_videos(videos, on_disk.videos)
    annotations = facts.annotations(record)
    notes = tuple((text(row.get("status_note")) or "").splitlines())
    problems += settings.check_config(config, row, series, quality)
    problems += facts.row_problems(series, quality, shape, stand, row, limits)
    problems += [*video_problems, *on_disk.problems]
    drawing = draw_run(record.run_id, series, record.gpu, rate, quality, milestones, target, annotations, videos)
    summary: dict[str, Fact] = {
        **facts.identity_facts(record, config, experiment, on_disk, env_id, algorithm),
        **facts.progress_facts(row, series, stand, target, quality, limits),
        **facts.reward_facts(series, shape, milestones, stand, quality, row, env_id, use.solved, limits),
        **throughput.fps_facts(series),
        "sps_trend_note": throughput.trend_fact(rate, limits),
        "eta_note": throughput.eta_fact(
            stand.state, _last_step(series), None if target is None else series.start_timestep + target, rate, limits),
        **throughput.downtime_facts(quality, notes, limits),
        "metric_gap_note": throughput.gap_fact(quality),
        **machine.facts,
        **learning,
        "backward_jump_count": known(quality.genuine_jumps if quality.rows else None,
                                     phrase("jumps.artefacts", count=quality.artefact_jumps), reason="reason.no_rows"),
        "error_summary_if_failed": facts.error_fact(stand.state, row, notes, on_disk, experiment),
        **settings.config_facts(config, row, quality, series),
        "custom_params_note": settings.custom_params_fact(config, algorithm),
        **facts.path_facts(record, files),
        **media.video_facts(videos, files is not None),
    }  # fmt: skip
    final, final_step = _final(series)
    best, best_step = _best(series)
    digest = RunDigest(
        source=record.source, run_id=record.run_id, slug=slug, label=facts.label_of(record), env_id=env_id,
        game=facts.game_name(env_id) if env_id else None, algorithm=algorithm.upper() if algorithm else None,
        preset=None if summary["preset"].value is None else str(summary["preset"].value),
        state=stand.state, state_notes=stand.notes, status=text(row.get("status")) or "",
        started_at=text(row.get("start_time")), ended_at=stand.effective_end, last_activity_at=stand.last_activity,
        started_s=frame.start_local_s, duration_h=_number(summary["duration_h"]),
        start_timestep=series.start_timestep, current_timestep=_last_step(series), target_timesteps=target,
        progress_pct=stand.progress_pct, best_reward=best, best_reward_timestep=best_step, final_reward=final,
        final_reward_timestep=final_step, avg_fps=_number(summary["avg_fps"]), summary=summary, milestones=milestones,
        quality=quality, config=config,
        signals=signals | {
            "shape": shape.kind, "level": shape.end, "start_level": shape.start, "noise": shape.noise, "scale": shape.scale,
            "recent_change": shape.recent_change, "cliffs": float(shape.cliffs), "gpu_avg": machine.gpu_avg,
            "vram_share": machine.vram_share, "level_since": None if shape.level_since is None else float(shape.level_since),
        },
        curve=reward.thin_curve(series.timestep, facts.active_hours(series, quality, limits), series.reward),
        charts=drawing.charts, absent_charts=drawing.absent, annotations=annotations, videos=tuple(videos), status_notes=notes,
        description=text(row.get("description")), tags=facts.tags_of(row), recorded=facts.recorded_columns(row, experiment),
        lineage=facts.lineage_hints(record), problems=tuple(problems), files=facts.disk_facts(files), energy_kwh=machine.energy_kwh,
    )  # fmt: skip
    return DigestedRun(digest, {"data.js": drawing.script, "metrics.csv.gz": metrics_csv(series)})


def _number(fact: Fact) -> float | None:
    return fact.value if isinstance(fact.value, float) else None


def _leg_start(record: RunRecord) -> int:
    row = record.row
    return integer(row.get("leg_start_timestep")) or integer(row.get("start_timestep")) or 0


def _last_step(series: Series) -> int | None:
    return int(series.timestep.max()) if len(series) else None


def _final(series: Series) -> tuple[float | None, int | None]:
    rewards = [i for i in range(len(series) - 1, -1, -1) if math.isfinite(series.reward[i])][:1]
    return (float(series.reward[rewards[0]]), int(series.timestep[rewards[0]])) if rewards else (None, None)


def _best(series: Series) -> tuple[float | None, int | None]:
    seen = [i for i in range(len(series)) if math.isfinite(series.reward[i])]
    if not seen:
        return None, None
    best = max(seen, key=lambda i: series.reward[i])
    return float(series.reward[best]), int(series.timestep[best])
