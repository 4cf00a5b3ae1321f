"""What the tests of project files share: files written below a root, and what was read of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runsum.model import Video
from runsum.source.project import ProjectFiles, read_project_files

RUN = "run-1a2b3c4d"
OTHER = "run-5e6f7a8b"
CHECKPOINTS = f"models/checkpoints/{RUN}"
OUTPUTS = f"outputs/{RUN}"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2"
NOON = 1_766_404_800  # 2025-12-22T12:00:00Z


def put(root: Path, path: str, content: str | bytes = b"x", at: float = NOON) -> Path:
    """Write a file below the root, with its folders and a fixed time."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(file, (at, at))
    return file


def read(root: Path, *recorded: str, run_id: str = RUN, known: tuple[str, ...] = (OTHER,)) -> ProjectFiles:
    return read_project_files(root, run_id, recorded, frozenset({run_id, *known}))


def kinds(files: ProjectFiles) -> list[str]:
    return [problem.kind for problem in files.problems]


def values(files: ProjectFiles, kind: str) -> Mapping[str, object]:
    return next(problem.values for problem in files.problems if problem.kind == kind)


def only_video(files: ProjectFiles) -> Video:
    assert len(files.videos) == 1
    return files.videos[0]
