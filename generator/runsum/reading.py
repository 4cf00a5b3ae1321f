"""Read and digest the runs of one database, one after the other; a run that cannot be read hides no other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from runsum.cleaning.rows import find_contaminated
from runsum.config import Settings
from runsum.digest import DigestedRun, DigestSettings, digest_run
from runsum.model import Video, problem
from runsum.source.columns import float_column, seconds, text, time_column
from runsum.source.project import ProjectFiles, read_project_files
from runsum.source.records import GPU_COLUMNS, METRICS, GpuTable, MetricTable, RunReader, RunRecord

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def read_runs(
    reader: RunReader, named: Sequence[tuple[str, str]], use: DigestSettings, settings: Settings
) -> Iterator[DigestedRun]:
    """Digest runs in the order given.

    Args:
        reader: an open database.
        named: (run id, slug) of each run.
        use: what digests depend on.
        settings: project root, video settings.
    """
    known = frozenset(run_id for run_id, _ in named)
    root = settings.project_root if settings.project_root is not None and settings.project_root.is_dir() else None
    for run_id, slug in named:
        record = reader.read(run_id)
        twins = _find_twins(reader, record)
        try:
            files = _look_below(root, record, known) if root is not None else None
            done = digest_run(record, slug, files, use, twins)
        except Exception as error:  # one run's surprise must not take the archive down; it is shown on its page
            done = _digest_without_rows(record, slug, use, error)
        yield _publish_videos(done, settings)


def _look_below(root: Path, record: RunRecord, known: frozenset[str]) -> ProjectFiles:
    paths = [path for name in ("model_path", "log_path", "tensorboard_path") if (path := text(record.row.get(name)))]
    return read_project_files(root, record.run_id, _recorded_videos(record), known, paths)


def _recorded_videos(record: RunRecord) -> list[str]:
    rows = [*record.artifacts, *record.generated, *record.segments]
    paths = (text(row.get(name)) for row in rows for name in ("path", "video_path", "file_path"))
    return [path for path in paths if path]


def _find_twins(reader: RunReader, record: RunRecord) -> Mapping[str, int]:
    status = (text(record.row.get("status")) or "").lower()
    foreign = np.flatnonzero(find_contaminated(record.metrics, status, seconds(record.row.get("end_time"))))
    return reader.find_twins(record, foreign.astype(np.float64)) if len(foreign) else {}


def _digest_without_rows(record: RunRecord, slug: str, use: DigestSettings, error: Exception) -> DigestedRun:
    empty = float_column(())[0]
    names = ("id", "timestep", "episode_count", "total_timesteps", "progress_pct", *METRICS)
    bare = replace(
        record,
        metrics=MetricTable(dict.fromkeys(names, empty), time_column(()), time_column(())),
        gpu=GpuTable(time_column(()), dict.fromkeys(GPU_COLUMNS, empty)),
        artifacts=(),
        generated=(),
        segments=(),
        annotations=(),
    )
    try:
        done = digest_run(bare, slug, None, use)
    except Exception:  # the run row itself is the trouble: keep its name, so that nothing is lost silently
        row = {name: text(record.row.get(name)) for name in ("run_id", "experiment_name", "status", "start_time")}
        done = digest_run(replace(bare, row=row, experiments=()), slug, None, use)
    failed = problem("digest_failed", rows=len(record.metrics), error=f"{type(error).__name__}: {error}")
    quality = replace(done.digest.quality, rows=len(record.metrics))
    return replace(done, digest=replace(done.digest, quality=quality, problems=(failed,)))


def _publish_videos(done: DigestedRun, settings: Settings) -> DigestedRun:
    """Add the videos that may be copied to the files of the page; the rest are named with the reason."""
    if not any(video.source_path for video in done.digest.videos):
        return done
    files, videos, problems = dict(done.files), [], list(done.digest.problems)
    limit = settings.thresholds.max_video_mb
    for number, video in enumerate(done.digest.videos, start=1):
        size = _size_mb(video)
        if video.source_path is None or not settings.copy_videos:
            videos.append(video)
        elif size is None:
            problems.append(problem("video_unreadable", path=video.name))
            videos.append(replace(video, state="present"))
        elif size > limit:
            problems.append(problem("video_too_large", name=video.name, size=size, limit=limit))
            videos.append(video)
        else:
            name = _media_name(video, number)
            files[name] = Path(video.source_path).read_bytes()
            videos.append(replace(video, media=name))
    return DigestedRun(replace(done.digest, videos=tuple(videos), problems=tuple(problems)), files)


def _size_mb(video: Video) -> float | None:
    try:
        return Path(video.source_path).stat().st_size / 1e6 if video.source_path else None
    except OSError:
        return None


def _media_name(video: Video, number: int) -> str:
    stem, dot, suffix = video.name.rpartition(".")
    return f"video-{number}-{_UNSAFE.sub('-', stem)[:60].strip('.-') or 'clip'}{dot}{suffix.lower()}"
