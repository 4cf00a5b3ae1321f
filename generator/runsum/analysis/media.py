"""Videos of a run, from three tables and, where given, the disk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from runsum.model import Fact, Problem, Video, missing, note, problem
from runsum.source.columns import integer, number, seconds, text
from runsum.source.records import Row, RunRecord
from runsum.thresholds import Thresholds

_RUN_ID = re.compile(r"run-[0-9a-f]{8}")


def collect_videos(
    record: RunRecord, is_over: Callable[[float], bool], limits: Thresholds
) -> tuple[list[Video], list[Problem]]:
    """Videos that the tables name; nothing on disk is looked at.

    Args:
        record: the run.
        is_over: whether a moment of the recording machine's clock has passed, in local seconds.
        limits: thresholds in force.
    """
    videos = [_artifact(record.run_id, row) for row in record.artifacts]
    videos += [_generated(row, is_over, limits) for row in record.generated]
    videos += [_segment(row) for row in record.segments]
    problems = [problem("video_in_other_folder", path=v.path, other=v.other_run) for v in videos if v.other_run]
    problems += [problem("video_interrupted", name=v.name) for v in videos if v.state == "interrupted"]
    return videos, problems


def _artifact(run_id: str, row: Row) -> Video:
    path = text(row.get("path"))
    others = [r for r in _RUN_ID.findall(path or "") if r != run_id]
    return Video(
        "post-training",
        last_part(path) or text(row.get("video_id")) or "video",
        path,
        "recorded",
        duration_s=number(row.get("duration")),
        size_mb=number(row.get("size_mb")) or None,
        created_at=text(row.get("created")),
        other_run=others[0] if others else None,
    )


def _generated(row: Row, is_over: Callable[[float], bool], limits: Thresholds) -> Video:
    status = text(row.get("status")) or "unknown"
    touched = seconds(row.get("updated_at")) or seconds(row.get("started_at"))
    state = {"completed": "recorded", "failed": "failed"}.get(status, "in progress")
    if state == "in progress" and (touched is None or is_over(touched + limits.interrupted_after_h * 3600)):
        state = "interrupted"
    video_id = text(row.get("video_id")) or ""
    if state == "recorded" and "_continuous_" in video_id:
        state = "deleted"  # the application deletes the segments of a continuous video after it succeeded
    return Video(
        "generated",
        text(row.get("video_name")) or video_id or "video",
        text(row.get("video_path")),
        state,
        status,
        duration_s=_clip_seconds(row),
        created_at=text(row.get("completed_at")) or text(row.get("started_at")),
        error=text(row.get("error_message")),
    )


def _clip_seconds(row: Row) -> float | None:
    frames = number(row.get("total_frames"))
    return frames / 30.0 if frames else None


def _segment(row: Row) -> Video:
    path = text(row.get("file_path"))
    return Video(
        "segment",
        last_part(path) or "segment",
        path,
        "recorded",
        text(row.get("status")),
        duration_s=number(row.get("duration_seconds")),
        size_mb=number(row.get("file_size_mb")),
        timestep=integer(row.get("start_timestep")),
        created_at=text(row.get("start_time")),
    )


def last_part(path: str | None) -> str | None:
    """File name of a path of either system."""
    return re.split(r"[\\/]", path)[-1] or None if path else None


def video_facts(videos: Sequence[Video], looked_on_disk: bool) -> dict[str, Fact]:
    """The three placeholders about videos."""
    post = [v for v in videos if v.kind in ("post-training", "on disk") and v.path]
    segments = [v for v in videos if v.kind == "segment"]
    jobs = Counter(
        v.state if v.state in ("interrupted", "in progress") else v.status or "unknown"
        for v in videos
        if v.kind == "generated"
    )
    return {
        "video_artifacts_paths": note("videos.paths", items=[v.path for v in post]) if post else missing("videos.none"),
        "training_videos_summary": note(
            "videos.segments", count=len(segments), seconds=sum(v.duration_s or 0 for v in segments)
        )
        if segments
        else missing("videos.no_segments_disk" if looked_on_disk else "videos.no_segments"),
        "video_generation_status": note("videos.jobs", items=sorted(jobs.items()))
        if jobs
        else missing("videos.no_jobs"),
    }
