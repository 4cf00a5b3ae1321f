"""Where the files of a run are looked for below the project root, and how recorded paths are found there."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from runsum.source.project import ProjectFiles, locate, read_project_files
from runsum.source.project_tree import Tree
from support.project_files import CHECKPOINTS, MP4, OTHER, OUTPUTS, RUN, kinds, only_video, put, read, values

# --- where to look


def test_nothing_on_disk(tmp_path: Path) -> None:
    """Without a file of the run: empty facts, no problem, and where was looked."""
    files = read(tmp_path)
    assert dataclasses.replace(files, looked_in=()) == ProjectFiles()
    assert {CHECKPOINTS, OUTPUTS, f"video/training/{RUN}", f"logs/tb/{RUN}", "logs"} <= set(files.looked_in)


def test_missing_root(tmp_path: Path) -> None:
    """A project root that is not there is a problem, not an exception."""
    assert kinds(read(tmp_path / "gone")) == ["project_root_missing"]


@pytest.mark.parametrize("run_id", ["", " ", ".", "..", "../run", "a/b", "a\\b", "C:", "run\0", "run\n", "r" * 300])
def test_unsafe_run_id(tmp_path: Path, run_id: str) -> None:
    """A run id that cannot be a folder name is never looked up."""
    put(tmp_path, "models/checkpoints/latest.zip")
    files = read(tmp_path, run_id=run_id)
    assert kinds(files) == ["run_id_not_a_folder_name"]
    assert files.looked_in == ()


def test_deterministic(tmp_path: Path) -> None:
    """Two readings of one folder are equal."""
    for number in (10, 9, 2):
        put(tmp_path, f"video/training/{RUN}/env_0-episode-{number}.mp4", MP4)
        put(tmp_path, f"{OUTPUTS}/step_0000{number}_pct_10_analytics.mp4", b"no")
    assert read(tmp_path) == read(tmp_path)


def test_link_out_of_the_root(tmp_path: Path) -> None:
    """A link that leaves the root is refused and reported, to a folder and to a file."""
    root = tmp_path / "project"
    secret = put(tmp_path, "elsewhere/latest.zip")
    put(root, f"{CHECKPOINTS}/run_metadata.json", "{}")
    (root / CHECKPOINTS / "latest.zip").symlink_to(secret)
    (root / "outputs").symlink_to(secret.parent)
    files = read(root)
    assert files.model is None
    paths = [problem.values["path"] for problem in files.problems if problem.kind == "outside_root"]
    assert f"{CHECKPOINTS}/latest.zip" in paths
    assert "outputs" in paths


def test_link_within_the_root(tmp_path: Path) -> None:
    """A link to a file that is itself below the root is followed."""
    real = put(tmp_path, "store/model.zip", b"weights")
    (tmp_path / CHECKPOINTS).mkdir(parents=True)
    (tmp_path / CHECKPOINTS / "latest.zip").symlink_to(real)
    model = read(tmp_path).model
    assert model is not None
    assert model.size_bytes == 7


def test_link_loop(tmp_path: Path) -> None:
    """A link to itself and a folder that contains itself end."""
    (tmp_path / OUTPUTS).mkdir(parents=True)
    (tmp_path / OUTPUTS / "a.mp4").symlink_to(tmp_path / OUTPUTS / "a.mp4")
    (tmp_path / OUTPUTS / "again").symlink_to(tmp_path / OUTPUTS)
    put(tmp_path, f"{OUTPUTS}/b.mp4", MP4)
    assert only_video(read(tmp_path)).name == "b.mp4"


def test_pipe_is_never_opened(tmp_path: Path) -> None:
    """A named pipe called like a video, a log or a document is no file; opening it would hang."""
    for path in (
        f"{OUTPUTS}/a.mp4",
        f"{OUTPUTS}/training.log",
        f"{CHECKPOINTS}/run_metadata.json",
        f"{CHECKPOINTS}/config_effective.yaml",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(tmp_path / path)
    files = read(tmp_path)
    assert (files.videos, files.log, files.problems) == ((), None, ())


def test_big_folder(tmp_path: Path) -> None:
    """Of too many files the last ones are read, which is reported; latest.zip is never cut."""
    folder = tmp_path / CHECKPOINTS
    folder.mkdir(parents=True)
    for number in range(2_100):
        (folder / f"checkpoint_step_{number}_pct_10.zip").touch()
    put(tmp_path, f"{CHECKPOINTS}/latest.zip")
    files = read(tmp_path)
    assert values(files, "folder_too_big") == {"path": CHECKPOINTS, "entries": 2_100, "read": 2_000}
    assert files.last_checkpoint_step == 2_099
    assert files.model is not None


def test_file_name_of_an_older_encoding(tmp_path: Path) -> None:
    """A name that is not UTF-8 comes out printable."""
    folder = tmp_path / OUTPUTS
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/br\xe9akout.mp4")).write_bytes(MP4)
    video = only_video(read(tmp_path))
    assert video.path == f"{OUTPUTS}/br?akout.mp4"
    assert video.name == "br?akout.mp4"


# --- recorded paths


@pytest.mark.parametrize(
    ("recorded", "below"),
    [
        (f"models\\checkpoints\\{RUN}\\latest.zip", f"{CHECKPOINTS}/latest.zip"),
        (
            f"D:\\Python projects\\Atari ML project\\models\\checkpoints\\{RUN}\\latest.zip",
            f"{CHECKPOINTS}/latest.zip",
        ),
        (f"D:/Python projects/Atari ML project/outputs/{RUN}/my clip.mp4", f"{OUTPUTS}/my clip.mp4"),
        (f"D:\\ML_Videos\\{RUN}\\my clip.mp4", f"{OUTPUTS}/my clip.mp4"),
        (f"\\\\server\\share\\{RUN}\\my clip.mp4", f"{OUTPUTS}/my clip.mp4"),
        (f"./outputs//{RUN}/my clip.mp4", f"{OUTPUTS}/my clip.mp4"),
        (f' "outputs\\{RUN}\\my clip.mp4" ', f"{OUTPUTS}/my clip.mp4"),
        ("my clip.mp4", f"{OUTPUTS}/my clip.mp4"),
        (f"/srv/x/{RUN}_timelapse_10x.mp4", f"video/output/{RUN}_timelapse_10x.mp4"),
    ],
)
def test_locate(tmp_path: Path, recorded: str, below: str) -> None:
    """A path of another machine leads to the file below the root that it means."""
    file = put(tmp_path, below)
    found = locate(Tree(tmp_path), RUN, recorded)
    assert found is not None
    assert found.file == file.resolve()


@pytest.mark.parametrize(
    "recorded",
    [
        "",
        ".",
        "..",
        "D:\\",
        "/etc/hostname",
        "../secret.mp4",
        "outputs/../../secret.mp4",
        "D:\\x\\outputs\\..\\latest.zip",
        f"D:\\x\\{OTHER}\\my clip.mp4",
        "D:\\somewhere\\my clip.mp4",
        "D:\\somewhere\\latest.zip",
        "outputs",
        "a\0b.mp4",
        "x/" * 5_000 + "my clip.mp4",
        "y" * 5_000,
    ],
)
def test_locate_nothing(tmp_path: Path, recorded: str) -> None:
    """Nothing outside the root, no folder, no file that merely has the same name is taken for it."""
    root = tmp_path / "project"
    put(tmp_path, "secret.mp4")
    put(root, f"{OUTPUTS}/my clip.mp4")
    put(root, f"{CHECKPOINTS}/latest.zip")
    put(root, "latest.zip")
    assert locate(Tree(root), RUN, recorded) is None


def test_locate_does_not_follow_links_out(tmp_path: Path) -> None:
    """A link below the root that leads out of it is not located."""
    secret = put(tmp_path, "secret.mp4")
    root = tmp_path / "project"
    (root / OUTPUTS).mkdir(parents=True)
    (root / OUTPUTS / "a.mp4").symlink_to(secret)
    assert locate(Tree(root), RUN, f"outputs/{RUN}/a.mp4") is None


def test_one_link_is_one_problem(tmp_path: Path) -> None:
    """An outputs folder linked to another disk is reported once, however many paths lead into it."""
    root = tmp_path / "project"
    put(tmp_path, f"disk/{RUN}/a.mp4", MP4)
    root.mkdir()
    (root / "outputs").symlink_to(tmp_path / "disk")
    files = read(root, f"D:\\x\\outputs\\{RUN}\\a.mp4", f"outputs/{RUN}/a.mp4")
    assert [problem.values for problem in files.problems] == [{"path": "outputs"}]
    assert files.videos == ()


def test_recorded_files_are_there_or_missing(tmp_path: Path) -> None:
    """A recorded path of another machine is told as present or missing."""
    put(tmp_path, f"models/checkpoints/{RUN}/latest.zip", b"PK")
    there, gone = f"C:\\app\\models\\checkpoints\\{RUN}\\latest.zip", "C:\\app\\gone.zip"
    assert read_project_files(tmp_path, RUN, recorded_files=[there, gone]).recorded == {there: True, gone: False}
