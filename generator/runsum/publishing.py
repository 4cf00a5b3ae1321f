"""Which files of a person's disk are copied into the archive: small videos, and models that were asked for by name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from runsum.config import Settings
from runsum.digest import DigestedRun
from runsum.model import Problem, Video, problem
from runsum.source.project_tree import Entry, Tree, Witness

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ZIP = b"PK\x03\x04"


def publish_files(done: DigestedRun, settings: Settings, root: Path | None, witness: Witness) -> DigestedRun:
    """The run with the files that may be copied beside its page; the others are named with the reason.

    Args:
        done: what is known of the run.
        settings: what may be copied.
        root: the folder of the recording application, where there is one.
        witness: remembers what was looked at.
    """
    done = _publish_videos(done, settings)
    wanted = [path for path in settings.publish_models if done.digest.run_id in path.split("/")]
    if root is None or not wanted:
        return done
    return _publish_models(done, wanted, Tree(root, witness=witness), settings.thresholds.max_model_mb)


def _publish_videos(done: DigestedRun, settings: Settings) -> DigestedRun:
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
            source = Path(video.source_path)  # has the suffix, which redaction may have taken from the name
            name = f"video-{number}-{_safe(f'{video.name.removesuffix(source.suffix)}{source.suffix}', 'clip')}"
            files[name] = source.read_bytes()
            videos.append(replace(video, media=name))
    return replace(done, digest=replace(done.digest, videos=tuple(videos), problems=tuple(problems)), files=files)


def _publish_models(done: DigestedRun, wanted: list[str], tree: Tree, limit: float) -> DigestedRun:
    """Copies of the models; a model is a zip by its first bytes, whatever it is called."""
    files, problems, models = dict(done.files), list(done.digest.problems), []
    for number, path in enumerate(wanted, start=1):
        entry = tree.find(path)
        if odd := _refused(path, entry, limit):
            problems.append(odd)
        elif entry is not None:
            name = f"model-{number}-{_safe(path.rpartition('/')[2], 'model')}"
            files[name] = entry.file.read_bytes()
            models.append({"file": name, "path": path, "size_mb": round(entry.size_bytes / 1e6, 3)})
    digest = replace(done.digest, problems=tuple(problems), files={**done.digest.files, "models": models})
    return replace(done, digest=digest, files=files)


def _refused(path: str, entry: Entry | None, limit: float) -> Problem | None:
    if entry is None:
        return problem("model_not_there", path=path)
    if entry.size_bytes > limit * 1e6:
        return problem("model_too_large", path=path, size=entry.size_bytes / 1e6, limit=limit)
    try:
        with entry.file.open("rb") as stream:
            is_model = stream.read(4) == _ZIP
    except OSError:
        is_model = False
    return None if is_model else problem("model_no_zip", path=path)


def _size_mb(video: Video) -> float | None:
    try:
        return Path(video.source_path).stat().st_size / 1e6 if video.source_path else None
    except OSError:
        return None


def _safe(name: str, otherwise: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{_UNSAFE.sub('-', stem)[:60].strip('.-') or otherwise}{dot}{_UNSAFE.sub('-', suffix.lower())[:10]}"
