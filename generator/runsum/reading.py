"""Read and digest the runs of one database, one after the other; a run that cannot be read hides no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from runsum.cleaning.rows import find_contaminated
from runsum.config import Settings
from runsum.digest import DigestedRun, DigestSettings, digest_run
from runsum.model import problem
from runsum.publishing import publish_files
from runsum.source.columns import float_column, seconds, text, time_column
from runsum.source.project import ProjectFiles, read_project_files
from runsum.source.records import GPU_COLUMNS, METRICS, GpuTable, MetricTable, RunReader, RunRecord


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
        yield publish_files(done, settings, root)


def _look_below(root: Path, record: RunRecord, known: frozenset[str]) -> ProjectFiles:
    paths = [path for name in ("model_path", "log_path", "tensorboard_path") if (path := text(record.row.get(name)))]
    return read_project_files(root, record.run_id, _recorded_videos(record), known, paths, record.redactor)


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
    what = record.redactor.text(f"{type(error).__name__}: {error}", "build", "error")
    failed = problem("digest_failed", rows=len(record.metrics), error=what)
    quality = replace(done.digest.quality, rows=len(record.metrics))
    return replace(done, digest=replace(done.digest, quality=quality, problems=(failed,)))
