"""What a run saved below the project root: models, checkpoints and TensorBoard files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from support.project_files import CHECKPOINTS, RUN, put, read, values

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
