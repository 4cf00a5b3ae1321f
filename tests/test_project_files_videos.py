"""The videos below the project root, with their manifests and sidecars."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.project_files import MP4, OTHER, OUTPUTS, RUN, kinds, only_video, put, read, values

SEGMENT = (
    "ALE_Breakout-v5__ppo__ppo-_Breakout-2A-v1__base-run-5e6f7a8b__leg-2__branch-A__variant-1"
    "__ckpt-step-81920-1a2b3c4d__mode-eval__seed-42__ts-2025-12-22T17-11-27+00-00.mp4"
)


def test_training_segments(tmp_path: Path) -> None:
    """Recordings of the training are segments, in the order of their numbers."""
    home = f"video/training/{RUN}"
    for name in (
        "env_0-episode-10.mp4",
        "env_0-episode-9.mp4",
        "env_0_seg0000_20251222_101500-episode-0.mp4",
    ):
        put(tmp_path, f"{home}/{name}", MP4)
    videos = read(tmp_path).videos
    assert [video.name for video in videos] == [
        "env_0-episode-9.mp4", "env_0-episode-10.mp4", "env_0_seg0000_20251222_101500-episode-0.mp4",
    ]  # fmt: skip
    assert {video.kind for video in videos} == {"segment"}


def test_segment_manifest(tmp_path: Path) -> None:
    """The folder's manifest.json gives a segment its duration and its time."""
    home = f"video/training/{RUN}"
    put(tmp_path, f"{home}/env_0-episode-0.mp4", MP4)
    put(tmp_path, f"{home}/env_0-episode-1.mp4", MP4)
    segment = {
        "path": "env_0-episode-0.mp4",
        "index": 0,
        "duration_sec": 12.5,
        "created_at": "2025-12-22T10:15:00",
    }
    put(
        tmp_path,
        f"{home}/manifest.json",
        json.dumps({"run_id": RUN, "segments": [segment, 7, {"path": None}]}),
    )
    first, second = read(tmp_path).videos
    assert (first.duration_s, first.created_at) == (12.5, "2025-12-22T10:15:00")
    assert (second.duration_s, second.created_at) == (None, "2025-12-22T12:00:00+00:00")


def test_post_training_video(tmp_path: Path) -> None:
    """A milestone video has its step and its time from its long name; the base run in it is no other run."""
    file = put(tmp_path, f"{OUTPUTS}/milestones/{SEGMENT}", MP4 + b"\0" * (1_000_000 - len(MP4)))
    video = only_video(read(tmp_path))
    assert (video.kind, video.state, video.timestep) == ("on disk", "playable", 81_920)
    assert video.created_at == "2025-12-22T17:11:27+00:00"
    assert video.other_run is None
    assert video.path == f"{OUTPUTS}/milestones/{SEGMENT}"
    assert video.source_path == str(file.resolve())
    assert video.size_mb == 1.0


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step_00006000_pct_10_analytics.mp4", 6_000),
        ("step_0008_pct_10.mp4", 8),
        ("step_post_training_pct_10_analytics.mp4", None),
        ("breakout_10.0h_training.mp4", None),
        ("breakoutnoframeskip_0min_training.mp4", None),
        ("footstep_12.mp4", None),
    ],
)
def test_step_in_a_name(tmp_path: Path, name: str, step: int | None) -> None:
    """The step is read from the names that hold one."""
    put(tmp_path, f"{OUTPUTS}/{name}", MP4)
    assert only_video(read(tmp_path)).timestep == step


def test_derived_videos(tmp_path: Path) -> None:
    """Derived videos are found by folder and by name; comparisons and neighbours are left out."""
    wanted = [
        f"video/output/{RUN}/{RUN}_training_10.0x.mp4",
        f"video/output/{RUN}_progression.mp4",
        f"video/output/{RUN}_timelapse_10x.mp4",
    ]
    others = [
        "video/output/comparisons/comparison_20251222_101500.mp4",
        "video/output/comparison_20251222_101500.mp4",
        f"video/output/{RUN}/comparison_1.mp4",
        f"video/output/{RUN}/comparisons/all.mp4",
        f"video/output/{OTHER}_timelapse_10x.mp4",
        f"video/output/{RUN}5_timelapse_10x.mp4",
        f"video/output/{RUN}-b_timelapse_10x.mp4",
    ]
    for path in (*wanted, *others):
        put(tmp_path, path, MP4)
    assert [video.path for video in read(tmp_path, known=(OTHER, f"{RUN}-b")).videos] == wanted


def test_yaml_in_a_json_sidecar(tmp_path: Path) -> None:
    """The sidecar of a segment is YAML in a file called .json; its facts are used."""
    put(tmp_path, f"{OUTPUTS}/clip.mp4", MP4)
    sidecar = "created_at: 2025-12-22T17:11:27+00:00\nduration_sec: 90\ncheckpoint:\n  step: 81920\n"
    put(tmp_path, f"{OUTPUTS}/clip.mp4.manifest.json", sidecar)
    files = read(tmp_path)
    video = only_video(files)
    assert (video.duration_s, video.timestep, video.created_at) == (90.0, 81_920, "2025-12-22T17:11:27+00:00")
    assert files.problems == ()


def test_json_sidecar(tmp_path: Path) -> None:
    """The sidecar of a derived video is JSON, its naive time is UTC."""
    put(tmp_path, f"video/output/{RUN}/a.mp4", MP4)
    put(
        tmp_path,
        f"video/output/{RUN}/a.mp4.json",
        '{"created_at": "2025-12-22T17:11:27.5", "duration": "long"}',
    )
    video = only_video(read(tmp_path))
    assert video.created_at == "2025-12-22T17:11:27.5+00:00"
    assert video.duration_s is None


def test_unreadable_sidecar(tmp_path: Path) -> None:
    """A sidecar that is neither JSON nor YAML is a problem; the video stays."""
    put(tmp_path, f"{OUTPUTS}/a.mp4", MP4)
    put(tmp_path, f"{OUTPUTS}/a.mp4.manifest.json", '{"a": [')
    files = read(tmp_path)
    assert only_video(files).state == "playable"
    assert values(files, "sidecar_unreadable")["path"] == f"{OUTPUTS}/a.mp4.manifest.json"


def test_sidecar_without_video(tmp_path: Path) -> None:
    """The sidecars that deleted segments leave behind are no videos and no problem."""
    put(tmp_path, f"{OUTPUTS}/gone.mp4.manifest.json", '{"a": [')
    files = read(tmp_path)
    assert (files.videos, files.problems) == ((), ())


@pytest.mark.parametrize(
    ("name", "head", "state"),
    [
        ("a.mp4", MP4, "playable"),
        ("a.MP4", MP4, "playable"),
        ("a.gif", b"GIF89a\x01\x00\x01\x00", "playable"),
        ("a.webm", b"\x1a\x45\xdf\xa3\x01\x00\x00\x00", "playable"),
        ("a.mp4", b"", "present"),
        ("a.mp4", b"<html><script>alert(1)</script>", "present"),
        ("a.gif", MP4, "present"),
    ],
)
def test_type_of_a_video(tmp_path: Path, name: str, head: bytes, state: str) -> None:
    """Suffix and first bytes have to agree; otherwise the file is present, reported and never copied."""
    put(tmp_path, f"{OUTPUTS}/{name}", head)
    files = read(tmp_path)
    video = only_video(files)
    assert video.state == state
    assert (video.source_path is None) == (state == "present")
    assert kinds(files) == ([] if state == "playable" else ["video_unreadable"])


def test_other_files_are_no_videos(tmp_path: Path) -> None:
    """Only .mp4, .gif and .webm count."""
    for name in ("a.avi", "a.png", "manifest.json", "mp4", "a.mp4.tmp"):
        put(tmp_path, f"{OUTPUTS}/{name}", MP4)
    assert read(tmp_path).videos == ()


def test_recorded_video_keeps_its_path(tmp_path: Path) -> None:
    """A file that a recorded path means carries this path, once for each path, so that both can be joined."""
    put(tmp_path, f"{OUTPUTS}/breakout_10.0h_training.mp4", MP4)
    put(tmp_path, f"{OUTPUTS}/b.mp4", MP4)
    windows = f"D:\\Python projects\\ML project\\Atari ML project\\outputs\\{RUN}\\breakout_10.0h_training.mp4"
    relative = f"outputs/{RUN}/breakout_10.0h_training.mp4"
    videos = read(tmp_path, windows, relative, "D:\\gone\\c.mp4").videos
    assert [video.path for video in videos] == [f"{OUTPUTS}/b.mp4", windows, relative]
    assert videos[1].source_path == videos[2].source_path


def test_video_in_the_folder_of_another_run(tmp_path: Path) -> None:
    """A recorded video that lies in another run's folder is found there and says so."""
    put(tmp_path, f"outputs/{OTHER}/breakout_10.0h_training.mp4", MP4)
    put(tmp_path, f"{OUTPUTS}/breakout_10.0h_training.mp4", MP4)
    recorded = f"D:\\ML_Videos\\{OTHER}\\breakout_10.0h_training.mp4"
    mine, foreign = read(tmp_path, recorded).videos
    assert (mine.path, mine.other_run) == (f"{OUTPUTS}/breakout_10.0h_training.mp4", None)
    assert (foreign.path, foreign.other_run) == (recorded, OTHER)


def test_sidecar_that_names_another_run(tmp_path: Path) -> None:
    """A video whose sidecar names another run says so."""
    put(tmp_path, f"{OUTPUTS}/a.mp4", MP4)
    put(
        tmp_path,
        f"{OUTPUTS}/a.mp4.manifest.json",
        f"checkpoint_path: models\\checkpoints\\{OTHER}\\latest.zip\n",
    )
    assert only_video(read(tmp_path)).other_run == OTHER


def test_anonymous_names_are_no_other_run(tmp_path: Path) -> None:
    """Automatic videos carry the bare word "run": that names nobody."""
    put(tmp_path, f"{OUTPUTS}/a.mp4", MP4)
    put(
        tmp_path,
        f"{OUTPUTS}/a.mp4.manifest.json",
        "video: ALE_Breakout-v5__ppo__run__base-run__leg-0.mp4\nrun_id: run\n",
    )
    assert only_video(read(tmp_path)).other_run is None
