"""The videos of a run below the project root, with what their names and sidecars say."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from runsum.model import Video
from runsum.source.project_tree import Entry, Tree, printable

MB = 1_000_000
_STEP = re.compile(r"(?:^|[_-])step[_-](\d{1,18})(?!\d)", re.IGNORECASE)
_STEPS = re.compile(r"(?:^|_)(\d{1,18})_steps(?![a-z])", re.IGNORECASE)
_NAME_TIME = re.compile(r"__ts-(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)([+-]\d\d)-(\d\d)(?!\d)")
_BASE_RUN = re.compile(r"__base-.+?(?=__|$)")  # the root of the lineage stands in the name by right
_RUN_ID = re.compile(r"(?<![A-Za-z0-9])(?:run|test)-[0-9a-f]{8}(?![A-Za-z0-9])")
_TOKEN = re.compile(r"[/_.]+")

_DURATION_KEYS = ("duration_sec", "duration_seconds", "duration_s", "duration", "clip_seconds")
_STEP_KEYS = ("checkpoint_step", "checkpoint_timestep", "ckpt_step", "timestep", "step", "num_timesteps")
_TIME_KEYS = ("created_at", "generated_at", "created")
_RUN_KEYS = ("run_id", "checkpoint_path", "checkpoint", "model_path")


def named_step(name: str) -> int | None:
    """Return the timestep in a file name: checkpoint_step_00081920_pct_10, ckpt-step-81920-1a2b3c4d."""
    match = _STEP.search(name) or _STEPS.search(name)
    return int(match[1]) if match else None


def names_run(name: str, run_id: str, known_runs: Container[str]) -> bool:
    """Whether a file name starts with this run's id and not with the longer id of another run."""
    if not name.startswith(run_id):
        return False
    ends = [i for i in range(len(run_id), len(name) + 1) if i == len(name) or not name[i].isalnum()]
    return ends[:1] == [len(run_id)] and not any(name[:end] in known_runs for end in ends[1:])


def file_type(head: bytes) -> str | None:
    """Return the suffix that the first 16 bytes of a video stand for."""
    if head[4:8] == b"ftyp":
        return ".mp4"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return ".gif"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".webm"
    return None


def read_videos(
    tree: Tree, run_id: str, recorded: Sequence[tuple[str, Entry]], known_runs: Container[str]
) -> tuple[Video, ...]:
    """Find the videos of a run: training segments, then the others, then recorded ones kept elsewhere.

    Args:
        tree: the project root.
        run_id: safe to be a folder name.
        recorded: path as recorded and the file it means; such a video keeps its recorded path.
        known_runs: every run id of the archive.
    """
    words: dict[Path, list[str]] = {}
    for text, entry in recorded:
        words.setdefault(entry.file, []).append(text)
    videos: list[Video] = []
    seen: set[Path] = set()
    for entry in (*_entries_on_disk(tree, run_id, known_runs), *(entry for _, entry in recorded)):
        if entry.file in seen or not is_video_name(entry.path):
            continue
        seen.add(entry.file)
        shown = words.get(entry.file) or [entry.path]
        videos += (_video(tree, entry, path, run_id, known_runs) for path in dict.fromkeys(shown))
    return tuple(videos)


def is_video_name(name: str) -> bool:
    """Whether a file is called like a video that a browser can show."""
    return name.lower().endswith((".mp4", ".gif", ".webm"))


def _entries_on_disk(tree: Tree, run_id: str, known_runs: Container[str]) -> Iterator[Entry]:
    yield from tree.files(f"video/training/{run_id}", is_video_name)
    yield from _walk(tree, f"outputs/{run_id}", 2)
    yield from _walk(tree, f"video/output/{run_id}", 2)
    yield from tree.files("video/output", lambda name: is_video_name(name) and names_run(name, run_id, known_runs))


def _walk(tree: Tree, folder: str, levels: int) -> Iterator[Entry]:
    """Videos in a folder and its folders (milestones, eval, parts); comparisons show several runs."""
    yield from tree.files(folder, lambda name: is_video_name(name) and not name.startswith("comparison_"))
    if levels:
        for inner in tree.folders(folder, lambda name: "." not in name and name != "comparisons"):
            yield from _walk(tree, inner, levels - 1)


def _video(tree: Tree, entry: Entry, path: str, run_id: str, known_runs: Container[str]) -> Video:
    folder, _, name = entry.path.rpartition("/")
    facts = _sidecar_facts(tree, folder, name)
    playable = _is_playable(entry)
    if not playable:
        tree.report("video_unreadable", path=entry.path, size_bytes=entry.size_bytes)
    named = _BASE_RUN.sub("", entry.path) + "".join(f"/{facts.get(key)}" for key in _RUN_KEYS)
    step = named_step(name)
    return Video(
        kind="segment" if f"/{entry.path}".startswith("/video/training/") else "on disk",
        name=name,
        path=printable(path),
        state="playable" if playable else "present",
        duration_s=_positive(facts, _DURATION_KEYS),
        size_mb=round(entry.size_bytes / MB, 3),
        timestep=step if step is not None else _whole(facts, _STEP_KEYS),
        created_at=_text(facts, _TIME_KEYS) or _time_in_name(name) or entry.modified_at,
        other_run=_other_run(named.replace("\\", "/"), run_id, known_runs),
        source_path=str(entry.file) if playable else None,
    )


def _is_playable(entry: Entry) -> bool:
    try:
        with entry.file.open("rb") as stream:
            return entry.path.lower().endswith(file_type(stream.read(16)) or "\0")
    except OSError:
        return False


def _sidecar_facts(tree: Tree, folder: str, name: str) -> dict[str, object]:
    """What the folder's manifest.json and the files beside a video say of it; the nearer one wins."""
    facts: dict[str, object] = {}
    if (manifest := tree.find(f"{folder}/manifest.json")) is not None:
        segments = tree.document(manifest, "sidecar_unreadable", ("json", "yaml")).get("segments")
        for segment in segments if isinstance(segments, list) else ():
            if isinstance(segment, dict) and str(segment.get("path")).replace("\\", "/").split("/")[-1] == name:
                facts |= segment
    for suffix in (".manifest.json", ".json"):  # the first holds YAML, whatever it is called
        if (sidecar := tree.find(f"{folder}/{name}{suffix}")) is None:
            continue
        content = dict(tree.document(sidecar, "sidecar_unreadable", ("json", "yaml")))
        created = content.get("created_at")
        if suffix == ".json" and isinstance(created, str) and re.fullmatch(r"[\d-]+T[\d:.]+", created):
            content["created_at"] = f"{created}+00:00"  # written with utcnow()
        facts |= _with_nested(content)
    return facts


def _with_nested(content: Mapping[str, object]) -> dict[str, object]:
    """The mapping with the values of its sections beside its own."""
    flat: dict[str, object] = {}
    for value in content.values():
        if isinstance(value, dict):
            flat |= value
    return {**flat, **content}


def _positive(facts: Mapping[str, object], keys: Sequence[str]) -> float | None:
    values = (facts.get(key) for key in keys)
    return next((float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v > 0), None)


def _whole(facts: Mapping[str, object], keys: Sequence[str]) -> int | None:
    values = (facts.get(key) for key in keys)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v >= 0), None)


def _text(facts: Mapping[str, object], keys: Sequence[str]) -> str | None:
    values = (facts.get(key) for key in keys)
    return next((v for v in values if isinstance(v, str) and v), None)


def _time_in_name(name: str) -> str | None:
    match = _NAME_TIME.search(name)
    return "{}:{}:{}{}:{}".format(*match.groups()) if match else None


def _other_run(text: str, run_id: str, known_runs: Container[str]) -> str | None:
    """The first run id in the text that is not ours."""
    mentioned = [*_RUN_ID.findall(text), *(token for token in _TOKEN.split(text) if token in known_runs)]
    return next((found for found in mentioned if found != run_id and found not in run_id), None)
