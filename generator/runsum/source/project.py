"""Read what the recording application leaves on disk below its project root.

Names and sizes of models and videos, two small documents and the end of a log; nothing large is ever opened.
Everything is optional, nothing is trusted: what is malformed becomes a `Problem`, what leads out of the root
is not looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from runsum.frozen import frozen
from runsum.model import Problem, Video, problem
from runsum.redact.redactor import Redactor
from runsum.source.project_documents import read_effective_config, read_metadata
from runsum.source.project_log import LogFinding, LogTail, read_log_tail
from runsum.source.project_media import named_step, names_run, read_videos
from runsum.source.project_tree import Entry, Tree, Witness, printable

__all__ = [
    "FoundPath",
    "LogFinding",
    "LogTail",
    "MilestoneFile",
    "ProjectFiles",
    "locate",
    "read_project_files",
]

_MILESTONE = re.compile(r"step_(\d{1,18})_pct_(\d{1,3})(?!\d)")
_HOMES = ("", "outputs", "video/output", "video/training", "models/checkpoints", "logs", "video")
_PARTS = 16  # of a recorded path are looked at, from its end


@frozen
class FoundPath:
    """A file that the archive speaks of.

    Attributes:
        path: posix, relative to the project root; as recorded where nothing below the root is meant by it.
        modified_at: UTC, ISO, seconds.
    """

    path: str
    present: bool
    size_bytes: int | None = None
    modified_at: str | None = None


@frozen
class MilestoneFile:
    """A model saved at a share of the leg's target; both numbers stand in its name."""

    path: str
    timestep: int
    percent: int


@frozen
class ProjectFiles:
    """What lies on disk of one run; empty where nothing does.

    Attributes:
        model: latest.zip, None without one.
        final_model: final_model.zip, written only by a training that ran to its end; None without one.
        checkpoints: the other saved models, milestones not among them.
        milestones: by percent.
        milestone_trap: whether several milestones share one step: on a leg no longer than its past all of
            them are written at its first step and hold the same weights.
        last_checkpoint_step: highest step in a file name. The number at the end of
            checkpoint_<date>_<time>_NNNNNN.zip counts files and is no step.
        tensorboard: folders with event files, relative to the root.
        metadata: run_metadata.json with the key names of its latest form; {} without one.
        effective_config: config_effective.yaml under the keys of config_json, and target_hours, frame_skip,
            n_epochs, custom_name, epsilon; only what the file holds.
        videos: their `path` is the recorded one where `recorded_videos` means the file, else relative to the
            root.
        log: the first log with a failure in it, else the first log.
        recorded: whether a recorded path means a file that is there.
        looked_in: the folders searched, relative to the root, found or not.
    """

    model: FoundPath | None = None
    final_model: FoundPath | None = None
    checkpoints: tuple[FoundPath, ...] = ()
    milestones: tuple[MilestoneFile, ...] = ()
    milestone_trap: bool = False
    last_checkpoint_step: int | None = None
    tensorboard: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    effective_config: Mapping[str, object] = field(default_factory=dict)
    videos: tuple[Video, ...] = ()
    log: LogTail | None = None
    recorded: Mapping[str, bool] = field(default_factory=dict)
    looked_in: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_project_files(
    root: Path,
    run_id: str,
    recorded_videos: Sequence[str] = (),
    known_runs: Container[str] = frozenset(),
    recorded_files: Sequence[str] = (),
    keep: Redactor | None = None,
    witness: Witness | None = None,
) -> ProjectFiles:
    """Read everything below the project root that belongs to one run; never raises.

    Args:
        root: the folder of the recording application.
        run_id: not looked up when it cannot be a folder name.
        recorded_videos: paths in the database, of whatever machine.
        recorded_files: other paths in the database, to be told as present or missing.
        known_runs: every run id of the archive, to tell this run's files from those of its neighbours.
        keep: takes out of every text what must not be published; None: by the standard rules.
        witness: remembers what was looked at.
    """
    if not _is_folder_name(run_id):
        return ProjectFiles(problems=(problem("run_id_not_a_folder_name", run_id=printable(run_id)),))
    witness = witness or Witness()
    tree, known_runs = Tree(root, keep, witness), witness.among(known_runs)
    if not tree.root.is_dir():
        return ProjectFiles(problems=(problem("project_root_missing"),))
    home = f"models/checkpoints/{run_id}"
    model = tree.find(f"{home}/latest.zip")
    final = tree.find(f"{home}/milestones/final_model.zip") or tree.find(f"{home}/final_model.zip")
    saved = _saved_models(tree, home)
    milestones = _milestones(saved)
    trap = _milestone_trap(tree, milestones)
    metadata = read_metadata(tree, home, run_id)
    config = read_effective_config(tree, home, run_id, metadata)
    recorded = [(text, entry) for text in recorded_videos if (entry := locate(tree, run_id, text)) is not None]
    videos = read_videos(tree, run_id, recorded, known_runs)
    log = _read_log(tree, run_id, known_runs)
    milestone_paths = {milestone.path for milestone in milestones}
    found = ProjectFiles(
        model=_found(model) if model else None,
        final_model=_found(final) if final else None,
        checkpoints=tuple(_found(entry) for entry in saved if entry.path not in milestone_paths),
        milestones=milestones,
        milestone_trap=trap,
        last_checkpoint_step=max((s for entry in saved if (s := _step_of(entry)) is not None), default=None),
        tensorboard=_tensorboard_folders(tree, run_id),
        metadata=metadata,
        effective_config=config,
        videos=videos,
        log=log,
        recorded={path: locate(tree, run_id, path) is not None for path in recorded_files},
        looked_in=tuple(tree.looked_in),
        problems=tuple(tree.problems),
    )
    return _published(found, tree.keep)


def _published(files: ProjectFiles, keep: Redactor) -> ProjectFiles:
    """The same with names of files and folders as they may be published; where a video really lies stays known."""

    def path(text: str) -> str:
        return keep.text(text, "files", "path")

    def found(file: FoundPath | None) -> FoundPath | None:
        return None if file is None else replace(file, path=path(file.path))

    return replace(
        files,
        model=found(files.model),
        final_model=found(files.final_model),
        checkpoints=tuple(replace(file, path=path(file.path)) for file in files.checkpoints),
        milestones=tuple(replace(file, path=path(file.path)) for file in files.milestones),
        tensorboard=tuple(path(folder) for folder in files.tensorboard),
        videos=tuple(
            replace(video, name=path(video.name), path=None if video.path is None else path(video.path))
            for video in files.videos
        ),
        log=None if files.log is None else replace(files.log, path=path(files.log.path)),
        looked_in=tuple(path(folder) for folder in files.looked_in),
        problems=tuple(
            replace(odd, values={k: path(v) if isinstance(v, str) else v for k, v in odd.values.items()})
            for odd in files.problems
        ),
    )


def locate(tree: Tree, run_id: str, recorded: str) -> Entry | None:
    r"""Find the file below the root that a recorded path means.

    The path may come from another machine: ``D:\My project\outputs\run-1a2b3c4d\a.mp4`` is looked for by its
    tails, the longest first, below the root and below the folders where the application keeps its files.

    Returns:
        The file, always below the root, or None.
    """
    candidates = _candidates(recorded, run_id) if _is_folder_name(run_id) else ()
    for path in dict.fromkeys(candidates):
        if (entry := tree.find(path)) is not None:
            real = entry.file.relative_to(tree.root).as_posix()
            return Entry(printable(real), entry.file, entry.size_bytes, entry.modified_at)
    return None


def _candidates(recorded: str, run_id: str) -> Iterator[str]:
    """Relative paths that a recorded one may mean, the most certain first."""
    text = recorded.strip().strip("\"'").replace("\\", "/")
    absolute = text.startswith("/") or re.match(r"[A-Za-z]:", text) is not None
    parts = [part for part in re.sub(r"^[A-Za-z]:", "", text).split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in text:
        return
    if not absolute:
        yield "/".join(parts)
    for begin in range(max(0, len(parts) - _PARTS), len(parts) - 1):  # a bare name alone proves nothing …
        tail = "/".join(parts[begin:])
        yield from (f"{home}/{tail}".lstrip("/") for home in _HOMES)
    name = parts[-1]
    if len(parts) == 1:
        yield from (f"{home}/{run_id}/{name}" for home in _HOMES[1:])
        yield f"outputs/{run_id}/milestones/{name}"
    if names_run(name, run_id, frozenset()):  # … unless it begins with the run id
        yield f"video/output/{name}"


def _is_folder_name(run_id: str) -> bool:
    """Whether a run id can name a folder without leading anywhere else."""
    if not run_id.strip() or len(run_id) > 200 or ".." in run_id or run_id == ".":
        return False
    return not any(char in '/\\:*?"<>|' or not char.isprintable() for char in run_id)


def _found(entry: Entry) -> FoundPath:
    return FoundPath(entry.path, True, entry.size_bytes, entry.modified_at)


def _saved_models(tree: Tree, home: str) -> tuple[Entry, ...]:
    """Every .zip but the latest and final model and the recorder's half-written tmp files."""

    def keep(name: str) -> bool:
        return name.endswith(".zip") and not name.startswith("tmp") and name not in ("latest.zip", "final_model.zip")

    return (*tree.files(home, keep), *tree.files(f"{home}/milestones", keep))


def _step_of(entry: Entry) -> int | None:
    return named_step(entry.path.rpartition("/")[2])


def _milestones(saved: Sequence[Entry]) -> tuple[MilestoneFile, ...]:
    matches = [(entry.path, match) for entry in saved if (match := _MILESTONE.search(entry.path.rpartition("/")[2]))]
    found = [MilestoneFile(path, int(match[1]), int(match[2])) for path, match in matches]
    return tuple(sorted(found, key=lambda milestone: (milestone.percent, milestone.timestep, milestone.path)))


def _milestone_trap(tree: Tree, milestones: Sequence[MilestoneFile]) -> bool:
    """Whether one step has milestones of several percentages."""
    percents = {(milestone.timestep, milestone.percent) for milestone in milestones}
    counts = Counter(timestep for timestep, _ in percents)
    shared = sorted(step for step, files in counts.items() if files > 1)
    for step in shared:
        tree.report("milestones_share_one_step", timestep=step, files=counts[step])
    return bool(shared)


def _tensorboard_folders(tree: Tree, run_id: str) -> tuple[str, ...]:
    """The folders that hold event files: logs/tb/<run>/run_<time>/training_<n>, or a level above."""

    def is_events(name: str) -> bool:
        return name.startswith("events.out.tfevents.")

    def with_events(folder: str, levels: int) -> Iterator[str]:
        if tree.files(folder, is_events):
            yield printable(folder)
        if levels:
            for inner in tree.folders(folder, lambda name: not is_events(name)):
                yield from with_events(inner, levels - 1)

    return tuple(with_events(f"logs/tb/{run_id}", 2))


def _read_log(tree: Tree, run_id: str, known_runs: Container[str]) -> LogTail | None:
    first: LogTail | None = None
    for entry, only_run in _log_files(tree, run_id, known_runs):
        try:
            log = read_log_tail(entry.file, entry.path, lambda text: tree.keep.text(text, "files", "log"), only_run)
        except OSError:
            tree.report("log_unreadable", path=entry.path)
            continue
        if log is not None and log.findings:
            return log
        first = first or log
    return first


def _log_files(tree: Tree, run_id: str, known_runs: Container[str]) -> Iterator[tuple[Entry, str | None]]:
    """Places of logs, the likeliest first; those that hold many runs come with the run id to look for."""
    names = ("debug_full_stdout.log", "training.log", "rendering.log")
    found = {
        name: entry
        for folder in (f"models/checkpoints/{run_id}", f"outputs/{run_id}")
        for name in names
        if (entry := tree.find(f"{folder}/{name}")) is not None
    }
    if "debug_full_stdout.log" in found:
        yield found.pop("debug_full_stdout.log"), None
    for entry in tree.files("logs", lambda name: name.endswith(".log") and names_run(name, run_id, known_runs)):
        yield entry, None
    yield from ((found[name], None) for name in names if name in found)
    for path in ("automated_training.log", "logs/automated_training.log"):
        if (shared := tree.find(path)) is not None:
            yield shared, run_id
