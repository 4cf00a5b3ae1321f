"""The files that the recording application leaves below its project root."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from runsum.model import Video
from runsum.source.project import ProjectFiles, locate, read_project_files
from runsum.source.project_log import find_failures
from runsum.source.project_tree import Tree

RUN = "run-1a2b3c4d"
OTHER = "run-5e6f7a8b"
CHECKPOINTS = f"models/checkpoints/{RUN}"
OUTPUTS = f"outputs/{RUN}"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2"
NOON = 1_766_404_800  # 2025-12-22T12:00:00Z
BASE_CONFIG = """\
seed: 42
game: {env_id: ALE/Breakout-v5, frame_stack: 4, max_skip: 4}
train:
  algo: PPO
  policy: CnnPolicy
  run_id: %s
  total_timesteps: 6480000
  target_total_timesteps: 12960000
  vec_envs: 16
  force_single_env: false
  learning_rate: 2.5e-4
  batch_size: 512
  n_steps: 256
  gamma: 0.99
  gae_lambda: 0.95
  clip_range: 0.1
  ent_coef: 1e-2
  vf_coef: 0.5
  max_grad_norm: 0.5
  custom_name: My Run
render: {target_hours: 4.0}
"""
BANNER = """\
CUDA available: True
CUDA version: 12.1, device count: 1
Using GPU: NVIDIA GeForce RTX 3070 Ti, kernel driver 551.23
Device: cuda
[Memory] allocation policy: default, 0 errors
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "training/train.py", line 610, in <module>
    main()
RuntimeError: mat1 and mat2 shapes cannot be multiplied
"""


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


# --- saved models


def test_model(tmp_path: Path) -> None:
    """latest.zip is the model, with its size and its time in UTC."""
    put(tmp_path, f"{CHECKPOINTS}/latest.zip", b"12345")
    model = read(tmp_path).model
    assert model is not None
    assert dataclasses.astuple(model) == (f"{CHECKPOINTS}/latest.zip", True, 5, "2025-12-22T12:00:00+00:00")


def test_final_model(tmp_path: Path) -> None:
    """milestones/final_model.zip is found and is neither a milestone nor a checkpoint."""
    put(tmp_path, f"{CHECKPOINTS}/milestones/final_model.zip")
    files = read(tmp_path)
    assert files.final_model is not None
    assert files.final_model.path == f"{CHECKPOINTS}/milestones/final_model.zip"
    assert (files.checkpoints, files.milestones) == ((), ())


def test_checkpoints(tmp_path: Path) -> None:
    """Timed checkpoints are listed; half-written tmp files and the latest model are not among them."""
    for name in (
        "checkpoint_20251222_101500_000007.zip",
        "checkpoint_20251222_101400_000006.zip",
        "tmpab12.zip",
    ):
        put(tmp_path, f"{CHECKPOINTS}/{name}")
    put(tmp_path, f"{CHECKPOINTS}/latest.zip")
    found = [found.path.rpartition("/")[2] for found in read(tmp_path).checkpoints]
    assert found == ["checkpoint_20251222_101400_000006.zip", "checkpoint_20251222_101500_000007.zip"]


def test_count_in_a_checkpoint_name_is_no_step(tmp_path: Path) -> None:
    """The last number of a timed checkpoint counts files: it is not taken for a step."""
    put(tmp_path, f"{CHECKPOINTS}/checkpoint_20251222_101500_000007.zip")
    assert read(tmp_path).last_checkpoint_step is None


def test_milestones(tmp_path: Path) -> None:
    """Milestones come by percent, with step and percent from their names, and give the last known step."""
    for name in (
        "checkpoint_step_00819200_pct_100",
        "checkpoint_step_00081920_pct_10",
        "checkpoint_step_00163840_pct_20",
    ):
        put(tmp_path, f"{CHECKPOINTS}/milestones/{name}.zip")
    files = read(tmp_path)
    assert [(m.timestep, m.percent) for m in files.milestones] == [
        (81_920, 10),
        (163_840, 20),
        (819_200, 100),
    ]
    assert files.last_checkpoint_step == 819_200
    assert not files.milestone_trap


def test_leg_trap(tmp_path: Path) -> None:
    """Ten milestones of one step are the trap of an equal-length second leg."""
    for percent in range(10, 101, 10):
        put(tmp_path, f"{CHECKPOINTS}/milestones/checkpoint_step_01626112_pct_{percent}.zip")
    files = read(tmp_path)
    assert files.milestone_trap
    assert values(files, "milestones_share_one_step") == {"timestep": 1_626_112, "files": 10}


# --- run_metadata.json


def test_first_metadata(tmp_path: Path) -> None:
    """The keys of the oldest form come out under their later names (a real sample)."""
    sample = {
        "run_id": RUN,
        "game": "ALE/Breakout-v5",
        "algorithm": "ppo",
        "total_timesteps": 83333,
        "target_hours": 0.08333333333333333,
        "created": "2025-11-10T17:25:26.832871",
        "custom_output_path": "D:\\ML_Videos",
    }
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", json.dumps(sample))
    metadata = read(tmp_path).metadata
    assert metadata["created_at"] == "2025-11-10T17:25:26.832871"
    assert metadata["total_timesteps_leg"] == 83333
    assert not {"created", "total_timesteps"} & set(metadata)
    assert metadata["custom_output_path"] == "D:\\ML_Videos"


def test_metadata_with_both_names(tmp_path: Path) -> None:
    """Where a key stands under its old and its new name, the new one counts."""
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", '{"created_at": "new", "created": "old"}')
    assert read(tmp_path).metadata == {"created_at": "new"}


def test_latest_metadata(tmp_path: Path) -> None:
    """The latest form is kept as it is, nested parts too."""
    sample = {
        "run_id": RUN,
        "leg_index": 1,
        "created_at": "2025-12-22T17:11:27+00:00",
        "total_timesteps_leg": 810_000,
        "hyperparam_diff": {},
        "parent_lineage": {"parent_run_id": None},
        "root_name": "ppo-🎯 Breakout",
    }
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", json.dumps(sample))
    files = read(tmp_path)
    assert files.metadata == sample
    assert files.problems == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"run_id": "run-1a2b', "syntax"),
        ("", "syntax"),
        ("[1, 2]", "not_a_mapping"),
        ("null", "not_a_mapping"),
        ("[" * 100_000, "too_deep"),
        ('{"a": ' * 60 + "1" + "}" * 60, "too_deep"),
        ('{"a": ' + "1" * 5_000 + "}", "syntax"),
        (b"\xff\xfe\x00\x01", "syntax"),
        ('{"a": "' + "x" * 1_000_001 + '"}', "too_big"),
    ],
)
def test_unreadable_metadata(tmp_path: Path, content: str | bytes, reason: str) -> None:
    """Malformed metadata is a problem with its reason, and the rest of the run is still read."""
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", content)
    put(tmp_path, f"{CHECKPOINTS}/latest.zip")
    files = read(tmp_path)
    assert files.metadata == {}
    assert values(files, "metadata_unreadable")["reason"] == reason
    assert files.model is not None


def test_values_that_break_pages(tmp_path: Path) -> None:
    """NaN, infinity, huge whole numbers and halves of characters do not get through."""
    text = '{"a": NaN, "b": Infinity, "c": 1' + "0" * 400 + ', "d": "\\ud83c x", "e": [-Infinity]}'
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", text)
    metadata = read(tmp_path).metadata
    assert (metadata["a"], metadata["b"], metadata["e"]) == (None, None, [None])
    assert metadata["c"] == "1" + "0" * 400
    assert metadata["d"] == "? x"


def test_metadata_of_another_run(tmp_path: Path) -> None:
    """Metadata that names another run is reported."""
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", json.dumps({"run_id": OTHER}))
    assert values(read(tmp_path), "metadata_of_other_run")["recorded_run_id"] == OTHER


# --- config_effective.yaml


def config(root: Path, text: str) -> ProjectFiles:
    put(root, f"{CHECKPOINTS}/config_effective.yaml", text)
    return read(root)


def test_effective_config(tmp_path: Path) -> None:
    """The settings come out flat, under the keys of config_json, numbers as numbers."""
    files = config(tmp_path, BASE_CONFIG % RUN)
    assert files.effective_config == {
        "algorithm": "ppo", "policy_type": "CnnPolicy", "env_id": "ALE/Breakout-v5", "n_envs": 16,
        "learning_rate": 0.00025, "batch_size": 512, "n_steps": 256, "gamma": 0.99, "gae_lambda": 0.95,
        "clip_range": 0.1, "ent_coef": 0.01, "vf_coef": 0.5, "max_grad_norm": 0.5,
        "total_timesteps": 6_480_000, "frame_stack": 4, "frame_skip": 4, "seed": 42,
        "custom_name": "My Run", "target_hours": 4.0,
    }  # fmt: skip
    assert files.problems == ()


def test_forced_single_environment(tmp_path: Path) -> None:
    """With force_single_env the run had one environment, whatever vec_envs says."""
    text = (BASE_CONFIG % RUN).replace("force_single_env: false", "force_single_env: true")
    assert config(tmp_path, text).effective_config["n_envs"] == 1


def test_shared_parts(tmp_path: Path) -> None:
    """Anchors and aliases, as a dumper writes them for shared parts, are read."""
    files = config(tmp_path, "train: &id001 {algo: dqn, gamma: 0.9}\nshowcase: *id001\n")
    assert files.effective_config == {"algorithm": "dqn", "gamma": 0.9}


def test_illegal_escape(tmp_path: Path) -> None:
    r"""A Windows path in double quotes ("games\space_invaders", a real file) is a problem with its line."""
    files = config(tmp_path, 'train:\n  algo: ppo\npaths:\n  models: "games\\space_invaders\\models"\n')
    assert files.effective_config == {}
    assert values(files, "effective_config_unreadable") == {
        "path": f"{CHECKPOINTS}/config_effective.yaml", "reason": "syntax", "line": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "- " * 200_000,
        "{a: " * 900,
        "a: &a [*a]",
        "!!python/object/apply:os.system ['true']",
        "train: !!int ''",
        "train: !!timestamp x",
        "train: 2025-13-45",
        "a: &a {x: 1}\nb: {<<: *a}",
        "a: &a ["
        + "1, " * 50
        + "]\nb: &b ["
        + "*a, " * 50
        + "]\nc: &c ["
        + "*b, " * 50
        + "]\nd: ["
        + "*c, " * 50
        + "]",
        "\x00",
        "just text",
        "",
        "# " + "x" * 1_000_000,
    ],
)
def test_hostile_config(tmp_path: Path, text: str) -> None:
    """Nesting that would crash the C loader, endless unfolding, tags and plain rubbish are problems."""
    files = config(tmp_path, text)
    assert files.effective_config == {}
    assert kinds(files) == ["effective_config_unreadable"]


def test_config_of_other_shape(tmp_path: Path) -> None:
    """Sections of the wrong type are as good as absent."""
    files = config(tmp_path, "train: [1, 2]\ngame: Breakout\nrender: null\nseed: [7]\n")
    assert files.effective_config == {}
    assert files.problems == ()


def test_leaked_config(tmp_path: Path) -> None:
    """A config that names another run may hold that run's optional settings: they are listed."""
    files = config(tmp_path, BASE_CONFIG % OTHER)
    leak = values(files, "config_may_leak")
    assert leak["recorded_run_id"] == OTHER
    keys = leak["keys"]
    assert isinstance(keys, tuple)
    assert {"custom_name", "seed", "target_hours", "learning_rate"} <= set(keys)
    assert files.effective_config["target_hours"] == 4.0


def test_leak_shown_by_metadata(tmp_path: Path) -> None:
    """Where config and metadata of the same run differ in an optional setting, this setting is listed."""
    put(
        tmp_path,
        f"{CHECKPOINTS}/run_metadata.json",
        json.dumps({"run_id": RUN, "target_hours": 10.0, "seed": None}),
    )
    files = config(tmp_path, BASE_CONFIG % RUN)
    assert values(files, "config_may_leak")["keys"] == ("target_hours",)


# --- TensorBoard


def test_tensorboard(tmp_path: Path) -> None:
    """The folders that hold event files are named, those without are not."""
    home = f"logs/tb/{RUN}"
    put(tmp_path, f"{home}/run_20251222_101500/training_1/events.out.tfevents.1766404800.host.1.0")
    put(tmp_path, f"{home}/run_20251223_090000/training_0/events.out.tfevents.1766480400.host.2.0")
    (tmp_path / home / "run_20251224_090000" / "training_0").mkdir(parents=True)
    assert read(tmp_path).tensorboard == (
        f"{home}/run_20251222_101500/training_1",
        f"{home}/run_20251223_090000/training_0",
    )


# --- videos

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


# --- logs


def findings(text: str) -> list[tuple[str, str]]:
    return [(finding.kind, finding.line) for finding in find_failures(text.splitlines())]


def test_banner_is_no_failure() -> None:
    """The start-up banner of a healthy run speaks of CUDA, devices and memory, and nothing is found in it."""
    assert findings(BANNER) == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", "cuda_out_of_memory"),
        ("torch.cuda.OutOfMemoryError: no room", "cuda_out_of_memory"),
        (
            "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cublas",
        ),
        ("RuntimeError: CUDA error: device-side assert triggered", "device_assert"),
        ("RuntimeError: CUDA error: unknown error", "cuda_error"),
        ("CUDA kernel errors might be asynchronously reported at some other API call", "cuda_error"),
        ("Memory allocation failure", "memory_allocation"),
        ("MemoryError", "memory_allocation"),
        (
            "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 26.3 GiB for an array",
            "memory_allocation",
        ),
        ("OSError: [Errno 28] No space left on device", "disk_full"),
        ("Killed", "killed"),
        ("train.sh: line 7: 6878 Killed                  python train.py", "killed"),
        ("Process failed with exit code: -9", "killed"),
        ("Segmentation fault (core dumped)", "crash"),
        ("Process failed with exit code: 1", "exit_code"),
    ],
)
def test_phrases(line: str, kind: str) -> None:
    """The phrases of real failures are told apart."""
    assert findings(BANNER + line) == [(kind, line)]


def test_traceback() -> None:
    """A traceback is one finding with the line of its exception."""
    assert findings(TRACEBACK) == [("traceback", "RuntimeError: mat1 and mat2 shapes cannot be multiplied")]


def test_traceback_with_a_known_reason() -> None:
    """A traceback that ends in a known failure gives both."""
    text = TRACEBACK.replace("mat1 and mat2 shapes cannot be multiplied", "CUDA out of memory")
    assert [kind for kind, _ in findings(text)] == ["traceback", "cuda_out_of_memory"]


def test_interrupt_is_no_failure_of_the_code() -> None:
    """Ctrl+C ends in a traceback too, but is called what it is."""
    assert findings("Traceback (most recent call last):\n  File 'x'\nKeyboardInterrupt\n")[0][0] == "interrupted"


def test_repeated_failure_counts_once() -> None:
    """The same line a thousand times is one finding."""
    assert len(findings("CUDA out of memory\n" * 1_000)) == 1


def test_log_tail(tmp_path: Path) -> None:
    """The last five lines are kept, clean and short."""
    lines = ["one", "two", "", "\x1b[31mred\x1b[0m \x07bell \u202eafter", "50%\r100%", "z" * 500, "   "]
    put(tmp_path, f"{OUTPUTS}/training.log", "\n".join(lines))
    log = read(tmp_path).log
    assert log is not None
    assert log.path == f"{OUTPUTS}/training.log"
    assert log.last_lines == ("two", "red bell after", "50%", "100%", "z" * 200)


def test_undecodable_log(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are replaced, what follows is still read."""
    put(tmp_path, f"{OUTPUTS}/training.log", b"caf\xe9 \xff\xf0\nCUDA out of memory\n")
    log = read(tmp_path).log
    assert log is not None
    assert log.findings[0].kind == "cuda_out_of_memory"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_powershell_log(tmp_path: Path, encoding: str) -> None:
    """A log redirected in PowerShell is UTF-16 and read as such, from its middle too."""
    text = "\ufeff" + "[Stats] Step 5,000\n" * 5_000 + "CUDA out of memory\n"
    put(tmp_path, f"{OUTPUTS}/training.log", text.encode(encoding))
    log = read(tmp_path).log
    assert log is not None
    assert log.last_lines[-1] == "CUDA out of memory"
    assert log.last_lines[0] == "[Stats] Step 5,000"


def test_powershell_log_cut_in_a_character(tmp_path: Path) -> None:
    """A UTF-16 log whose last character is half written is still read."""
    text = "\ufeff" + "[Stats] Step 5,000\n" * 5_000 + "CUDA out of memory\nx"
    put(tmp_path, f"{OUTPUTS}/training.log", text.encode("utf-16-le")[:-1])
    log = read(tmp_path).log
    assert log is not None
    assert [finding.line for finding in log.findings] == ["CUDA out of memory"]


def test_half_a_line_is_no_line(tmp_path: Path) -> None:
    """The line that the 64 kB begin in the middle of is dropped."""
    put(tmp_path, f"{OUTPUTS}/training.log", "CUDA out of memory " * 10_000 + "\nfine\n")
    log = read(tmp_path).log
    assert log is not None
    assert (log.findings, log.last_lines) == ((), ("fine",))


def test_huge_log_is_read_fast(tmp_path: Path) -> None:
    """Of a log of 2 GB only the end is read."""
    file = put(tmp_path, f"{OUTPUTS}/training.log", b"CUDA out of memory\n")
    with file.open("r+b") as stream:
        stream.truncate(2 * 1024**3)
        stream.seek(0, 2)
        stream.write(b"\nthe end\n")
    begin = time.perf_counter()
    log = read(tmp_path).log
    assert time.perf_counter() - begin < 1
    assert log is not None
    assert log.size_bytes == 2 * 1024**3 + 9
    assert (log.findings, log.last_lines) == ((), ("the end",))


@pytest.mark.parametrize(
    "path",
    [
        f"{OUTPUTS}/debug_full_stdout.log",
        f"logs/{RUN}.log",
        f"logs/{RUN}_20251222.log",
        f"{OUTPUTS}/training.log",
        f"{OUTPUTS}/rendering.log",
        f"{CHECKPOINTS}/training.log",
        f"{CHECKPOINTS}/rendering.log",
    ],
)
def test_places_of_logs(tmp_path: Path, path: str) -> None:
    """A log is found in each of its places."""
    put(tmp_path, path, "hello\n")
    log = read(tmp_path).log
    assert log is not None
    assert log.path == path


def test_log_of_a_neighbour(tmp_path: Path) -> None:
    """The log of a run whose id only starts like ours is not ours."""
    put(tmp_path, f"logs/{RUN}5.log", "hello\n")
    put(tmp_path, f"logs/{RUN}-b.log", "hello\n")
    assert read(tmp_path, known=(f"{RUN}-b",)).log is None


def test_log_with_a_failure_wins(tmp_path: Path) -> None:
    """A log that shows a failure is preferred to one that comes first."""
    put(tmp_path, f"{OUTPUTS}/debug_full_stdout.log", BANNER)
    put(tmp_path, f"{OUTPUTS}/rendering.log", "CUDA error: unknown error\n")
    log = read(tmp_path).log
    assert log is not None
    assert log.path == f"{OUTPUTS}/rendering.log"


def test_log_of_many_runs(tmp_path: Path) -> None:
    """Of automated_training.log only the stretch of this run counts."""
    put(tmp_path, "automated_training.log", f"start {RUN}\nall well\nstart {OTHER}\nCUDA out of memory\n")
    log = read(tmp_path).log
    assert log is not None
    assert (log.findings, log.last_lines) == ((), (f"start {RUN}", "all well"))


def test_log_of_other_runs(tmp_path: Path) -> None:
    """Without the run's id, automated_training.log is not its log."""
    put(tmp_path, "automated_training.log", f"start {OTHER}\nCUDA out of memory\n")
    assert read(tmp_path).log is None


def test_empty_log(tmp_path: Path) -> None:
    """An empty log is no log."""
    put(tmp_path, f"{OUTPUTS}/training.log", " \n\n")
    assert read(tmp_path).log is None
