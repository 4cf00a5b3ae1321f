"""What a run page takes over as it was recorded: names, tags, notes, videos, provenance, ancestry."""

from collections.abc import Sequence
from dataclasses import replace

from runsum.formatting import clean_text
from runsum.model import (
    Annotation,
    LineageHints,
    Scalar,
    Video,
)
from runsum.source.columns import integer, json_list, json_object, number, text
from runsum.source.project import ProjectFiles
from runsum.source.records import Row, RunRecord


def label_of(record: RunRecord) -> str:
    """The name people know the run by; the application falls back in the same order."""
    row = record.row
    return (
        text(row.get("display_name"))
        or text(row.get("custom_name"))
        or text(row.get("experiment_name"))
        or record.run_id
    )


def annotations(record: RunRecord) -> tuple[Annotation, ...]:
    """The person's notes in the charts, oldest first."""
    rows = sorted(
        record.annotations,
        key=lambda row: (str(row.get("created_at") or ""), str(row.get("annotation_id") or "")),
    )
    return tuple(
        Annotation(
            text(row.get("axes_name")) or "",
            number(row.get("x")),
            number(row.get("y")),
            text(row.get("text")) or "",
            text(row.get("created_at")),
        )
        for row in rows
    )


def merge_videos(named: Sequence[Video], found: Sequence[Video], looked: bool) -> list[Video]:
    """Videos of the tables and of the disk; one that both know is the disk's, with the table's words.

    Args:
        named: what the tables say.
        found: what lies below the project root; its `path` is the recorded one where one means it.
        looked: whether there was a project root to look into.
    """
    on_disk = {video.path: video for video in found}
    merged = []
    for video in named:
        twin = on_disk.get(video.path)
        if twin is not None:
            size = twin.size_mb or video.size_mb
            step = video.timestep if video.timestep is not None else twin.timestep
            video = replace(video, state=twin.state, source_path=twin.source_path, size_mb=size, timestep=step)
        elif looked and video.state == "recorded" and video.path:
            video = replace(video, state="missing")
        merged.append(video)
    told = {video.path for video in named}
    return [*merged, *(video for video in found if video.path not in told)]


_PROVENANCE = (
    "git_commit",
    "python_version",
    "env_version",
    "config_hash",
    "parent_checkpoint_path",
    "parent_checkpoint_hash",
    "mode",
    "heartbeat_at",
    "process_pid",
    "target_timestep",
    "convergence_timestep",
    "video_path",
)


def recorded_columns(row: Row, experiment: Row) -> dict[str, Scalar]:
    """Recorded columns without a placeholder of their own, and the evaluation summary where one was kept."""
    kept: dict[str, Scalar] = {}
    for name in _PROVENANCE:
        value = row.get(name)
        if value is not None and not isinstance(value, bytes) and str(value).strip():
            kept[name] = value if isinstance(value, int | float) else str(value)
    versions = json_object(row.get("dependencies_json")) or {}
    if versions:
        kept["dependencies"] = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
    metadata = json_object(row.get("metadata_json")) or {}
    for name in sorted(metadata):
        value = metadata[name]
        if isinstance(value, dict):
            kept |= {
                f"{name} {key}": inner for key, inner in sorted(value.items()) if isinstance(inner, str | int | float)
            }
        elif isinstance(value, str | int | float):
            kept[name] = value
    if text(experiment.get("experiment_id")):
        kept["experiment_id"] = str(experiment["experiment_id"])
    return kept


def tags(row: Row, experiment: Row) -> tuple[str, ...]:
    """The words a run was tagged with, each once, in the order in which they were written."""
    found: dict[str, None] = {}
    for column in (row.get("tags_json"), experiment.get("tags_json")):
        words = json_list(column)
        found |= dict.fromkeys(word for word in (clean_text(str(word)).strip() for word in words) if word)
    return tuple(found)


def lineage_hints(record: RunRecord) -> LineageHints:
    """What the run says of its ancestry."""
    row = record.row
    leg = integer(row.get("leg_number"))  # files upgraded in place say 1 for every older run
    return LineageHints(text(row.get("base_run_id")), text(row.get("parent_run_id")), leg)


def disk_facts(files: ProjectFiles | None, by_application: bool) -> dict[str, object]:
    """What was found below the project root; empty without a root, and where another recorder left nothing there."""
    if files is None or not (by_application or files.checkpoints or files.model or files.final_model or files.log):
        return {}
    return {
        "checkpoints": len(files.checkpoints) + (files.model is not None),
        "milestones": [m.percent for m in files.milestones],
        "milestones_share_one_step": files.milestone_trap,
        "final_model": files.final_model is not None,
        "last_checkpoint_step": files.last_checkpoint_step,
        "log_lines": list(files.log.last_lines) if files.log else [],
    }
