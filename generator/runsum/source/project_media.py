"""Files below a project root, read safely, and the videos among them.

A `Tree` is the only door to the disk: whatever leaves the root is refused, a folder is listed once, a
document has a size limit, and what cannot be read becomes a `Problem`.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from runsum.model import Problem, Video, problem

MAX_ENTRIES = 2_000  # of one folder
MAX_DOCUMENT_BYTES = 1_000_000
MAX_DEPTH = 50  # libyaml's C loader crashes on deep nesting instead of raising
MAX_VALUES = 50_000  # YAML aliases can unfold a small file into billions of values
MAX_TEXT = 2_000
MIB = 1024 * 1024

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Ill-typed tags leak plain Python errors: "!!int ''" is an IndexError, "!!timestamp x" an AttributeError.
_PARSE_ERRORS = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)

_NUMBERS = re.compile(r"(\d+)")
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path for people and the real one."""

    path: str
    file: Path
    size_bytes: int
    modified_at: str | None


class _UnreadableError(Exception):
    """Why a document cannot be used: a word for the wording and the line, where there is one."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Tree:
    """Everything that is looked up below one project root for one run."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.problems: list[Problem] = []
        self.looked_in: dict[str, None] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._documents: dict[Path, dict[str, object]] = {}

    def report(self, kind: str, **values: object) -> None:
        """Keep a problem, once."""
        found = problem(kind, **values)
        if found not in self.problems:
            self.problems.append(found)

    def find(self, path: str) -> Entry | None:
        """Return the regular file at `path`, or None."""
        file = self._resolve(path)
        if file is None:
            return None
        try:
            facts = file.stat()
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(facts.st_mode):
            return None
        return Entry(printable(path), file, facts.st_size, _utc(facts.st_mtime))

    def files(self, folder: str, keep: Callable[[str], bool] = lambda name: True) -> tuple[Entry, ...]:
        """List the regular files of a folder whose name is wanted, in natural order."""
        found = (self.find(f"{folder}/{name}") for name in self._wanted(folder, keep))
        return tuple(entry for entry in found if entry is not None)

    def folders(self, folder: str, keep: Callable[[str], bool] = lambda name: True) -> tuple[str, ...]:
        """List the folders of a folder, in natural order."""
        paths = (f"{folder}/{name}" for name in self._wanted(folder, keep))
        return tuple(path for path in paths if (place := self._resolve(path)) is not None and place.is_dir())

    def document(self, entry: Entry, kind: str, formats: Sequence[str]) -> dict[str, object]:
        """Read a mapping of plain values; {} and a problem of `kind` when that is not what the file holds.

        Args:
            entry: the file.
            kind: of the problem; its values are `path`, `reason` ("unreadable" | "too_big" | "syntax" |
                "too_deep" | "not_a_mapping") and `line`.
            formats: "json", "yaml", tried in this order.
        """
        if entry.file not in self._documents:
            try:
                self._documents[entry.file] = _mapping_of(_read_text(entry), formats)
            except _UnreadableError as error:
                self._documents[entry.file] = {}
                self.report(kind, path=entry.path, reason=error.reason, line=error.line)
        return self._documents[entry.file]

    def _wanted(self, folder: str, keep: Callable[[str], bool]) -> tuple[str, ...]:
        names = sorted((name for name in self._listed(folder) if keep(name)), key=natural)
        if len(names) > MAX_ENTRIES:
            # The names count up (steps, times, segments): the last ones are the newest.
            self.report("folder_too_big", path=folder, entries=len(names), read=MAX_ENTRIES)
        return tuple(names[-MAX_ENTRIES:])

    def _listed(self, folder: str) -> tuple[str, ...]:
        if folder not in self._names:
            self.looked_in.setdefault(folder)
            self._names[folder] = self._list(folder)
        return self._names[folder]

    def _list(self, folder: str) -> tuple[str, ...]:
        place = self._resolve(folder)
        if place is None:
            return ()
        try:
            return tuple(found.name for found in place.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except (OSError, ValueError):
            self.report("folder_unreadable", path=folder)
            return ()

    def _resolve(self, path: str) -> Path | None:
        """The real file behind a path below the root; None, and a problem, where a link leads out."""
        try:
            file = Path(os.path.realpath(self.root / path))
        except (OSError, ValueError):
            return None
        if file.is_relative_to(self.root):
            return file
        self._report_link(path)
        return None

    def _report_link(self, path: str) -> None:
        """Name the link that leads out, not every file behind it."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            start = "/".join(parts[:end])
            if not Path(os.path.realpath(self.root / start)).is_relative_to(self.root):
                self.report("outside_root", path=printable(start))
                return


def natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Sort key that puts episode-9 before episode-10."""
    parts = _NUMBERS.split(name)
    return [(part.isdecimal(), int(part[:400]) if part.isdecimal() else 0, part) for part in parts], name


def printable(text: str) -> str:
    """Replace what cannot be written as UTF-8 (a file name in an older encoding)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def named_step(name: str) -> int | None:
    """Return the timestep in a file name: checkpoint_step_00081920_pct_10, ckpt-step-81920-1a2b3c4d."""
    match = _STEP.search(name) or _STEPS.search(name)
    return int(match[1]) if match else None


def names_run(name: str, run_id: str, known_runs: frozenset[str]) -> bool:
    """Whether a file name starts with this run's id and not with the longer id of another run."""
    if not name.startswith(run_id):
        return False
    ends = [i for i in range(len(run_id), len(name) + 1) if i == len(name) or not name[i].isalnum()]
    return ends[:1] == [len(run_id)] and not any(name[:end] in known_runs for end in ends[1:])


def _utc(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None


def _read_text(entry: Entry) -> str:
    try:
        with entry.file.open("rb") as stream:
            data = stream.read(MAX_DOCUMENT_BYTES + 1)
    except OSError:
        raise _UnreadableError("unreadable") from None
    if len(data) > MAX_DOCUMENT_BYTES:
        raise _UnreadableError("too_big")
    return data.decode("utf-8-sig", errors="replace")


def _mapping_of(text: str, formats: Sequence[str]) -> dict[str, object]:
    value: object = None
    for number, name in enumerate(formats, 1):
        try:
            value = _json(text) if name == "json" else _yaml(text)
            break
        except _UnreadableError:
            if number == len(formats):
                raise
    if not isinstance(value, dict):
        raise _UnreadableError("not_a_mapping")
    return value


def _json(text: str) -> object:
    try:
        return _plain(json.loads(text), [MAX_VALUES])
    except json.JSONDecodeError as error:
        raise _UnreadableError("syntax", error.lineno) from None
    except RecursionError:
        raise _UnreadableError("too_deep") from None
    except ValueError:
        raise _UnreadableError("syntax") from None


def _yaml(text: str) -> object:
    try:
        _check_nesting(text)
        return _plain(yaml.load(text, Loader=_LOADER), [MAX_VALUES])  # _LOADER is a safe one
    except _PARSE_ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        raise _UnreadableError("syntax", mark.line + 1 if mark else None) from None


def _check_nesting(text: str) -> None:
    """Refuse what would crash the C loader or unfold without end; events are read without recursion."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        # A merge of merges grows while it is loaded; the recorder never writes one.
        if depth > MAX_DEPTH or (isinstance(event, yaml.ScalarEvent) and event.value == "<<"):
            raise _UnreadableError("too_deep")


def _plain(value: object, left: list[int], depth: int = 0) -> object:
    """Copy a parsed document into str, int, float, bool, None, list and dict with str keys."""
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise _UnreadableError("too_deep")
    if isinstance(value, dict):
        return {printable(str(key))[:MAX_TEXT]: _plain(item, left, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, left, depth + 1) for item in value]
    if isinstance(value, str):
        return printable(value)[:MAX_TEXT]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):  # also a bool
        return value if abs(value) < 2**63 else str(value)[:MAX_TEXT]
    return None


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
    tree: Tree, run_id: str, recorded: Sequence[tuple[str, Entry]], known_runs: frozenset[str]
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


def _entries_on_disk(tree: Tree, run_id: str, known_runs: frozenset[str]) -> Iterator[Entry]:
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


def _video(tree: Tree, entry: Entry, path: str, run_id: str, known_runs: frozenset[str]) -> Video:
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
        size_mb=round(entry.size_bytes / MIB, 3),
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


def _other_run(text: str, run_id: str, known_runs: frozenset[str]) -> str | None:
    """The first run id in the text that is not ours."""
    mentioned = [*_RUN_ID.findall(text), *(token for token in _TOKEN.split(text) if token in known_runs)]
    return next((found for found in mentioned if found != run_id and found not in run_id), None)
