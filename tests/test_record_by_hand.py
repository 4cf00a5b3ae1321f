"""What a person tells the recorder: pauses, notes in charts, videos; and the company it can be in."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import metric_rows, need_sb3, other_rows, the_run

need_sb3()

import re
import threading
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CallbackList,
    CheckpointCallback,
    ConvertCallback,
)
from stable_baselines3.common.env_util import make_vec_env

from runsum.record import RunRecorder


def small_ppo() -> PPO:
    return PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, seed=1, device="cpu")


def at(step: int, *actions: Callable[[], object]) -> BaseCallback:
    """Does something at a step."""

    def look(known: dict[str, PPO], _: object) -> bool:
        if known["self"].num_timesteps == step:
            for action in actions:
                action()
        return True

    return ConvertCallback(look)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def test_pauses_are_marked(database: Path) -> None:
    """A flag while it lasts, and a line for each change; saying it twice is no second pause."""
    recorder, flags = RunRecorder(database), []

    def look() -> None:
        flags.append(the_run(database)["process_paused"])

    actions = (look, recorder.pause, look, recorder.pause, look, recorder.resume, look, recorder.resume, look)
    small_ppo().learn(192, [recorder, at(100, *actions), at(150, recorder.pause, recorder.resume)])
    assert flags == [0, 1, 1, 0, 0]
    pause, resume = r"pause: training paused at 20\S+", r"resume: training resumed at 20\S+"
    assert re.fullmatch("\n".join([pause, resume] * 2), the_run(database)["status_note"])
    assert the_run(database)["status"] == "completed"


def test_a_pause_from_another_thread(database: Path) -> None:
    """A button: it may be pressed while a row is being written."""
    recorder, pressed = RunRecorder(database), threading.Event()

    def press() -> None:
        while not pressed.is_set():
            recorder.pause()
            recorder.resume()

    button = threading.Thread(target=press)
    small_ppo().learn(1280, [recorder, at(10, button.start), at(1200, pressed.set, button.join)])
    assert [row["timestep"] for row in metric_rows(database)] == list(range(64, 1281, 64))
    lines = the_run(database)["status_note"].splitlines()
    assert len(lines) > 2
    assert all(line.startswith(("pause", "resume")[n % 2]) for n, line in enumerate(lines))


def test_a_pause_that_nobody_ended_is_over_with_the_run(database: Path) -> None:
    """The next run of the same recorder can be paused again."""
    recorder = RunRecorder(database)
    recorder.pause()  # of nothing
    small_ppo().learn(64, [recorder, at(10, recorder.pause)])
    recorder.resume()  # too late
    assert the_run(database)["status_note"].count("\n") == 0
    model = small_ppo()
    model.learn(64, [recorder, at(10, recorder.pause)])
    model.learn(64, [recorder, at(100, recorder.pause)], reset_num_timesteps=False)
    notes = [run["status_note"] for run in other_rows(database, "experiment_runs")]
    assert [note.count("paused at") for note in notes] == [1, 2]


def test_notes_in_charts(database: Path) -> None:
    """At the step and the reward of the moment, during the training and after it."""
    recorder = RunRecorder(database)
    with pytest.raises(ValueError, match=r"annotate\(\) needs a run: call it during or after learn\(\)"):
        recorder.annotate("too early")
    small_ppo().learn(192, [recorder, at(10, lambda: recorder.annotate("no reward yet")),
                            at(100, lambda: recorder.annotate("„better“", chart="loss"))])  # fmt: skip
    recorder.annotate("the end")
    rows = metric_rows(database)
    assert [(n["axes_name"], n["x"], n["y"], n["text"]) for n in other_rows(database, "chart_annotations")] == [
        ("reward", 10, 0.0, "no reward yet"),
        ("loss", 100, rows[0]["episode_reward_mean"], "„better“"),
        ("reward", 192, rows[-1]["episode_reward_mean"], "the end"),
    ]
    ids = [note["annotation_id"] for note in other_rows(database, "chart_annotations")]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"ann_\d{8}_\d{6}_\d{6}_[0-9a-f]{4}", name) for name in ids)


def test_videos(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """During the training and after it, at the step of the moment or a named one; the newest is the run's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    for name in ("early.mp4", "late.mp4"):
        (tmp_path / "videos" / name).write_bytes(bytes(250_000))
    recorder = RunRecorder(database)
    with pytest.raises(ValueError, match=r"add_video\(\) needs a run: call it during or after learn\(\)"):
        recorder.add_video("videos/early.mp4")
    small_ppo().learn(128, [recorder, at(100, lambda: recorder.add_video("videos/early.mp4"))])
    recorder.add_video(tmp_path / "videos" / "late.mp4", timestep=np.int64(90), seconds=np.float32(8))  # type: ignore[arg-type]
    columns = ("segment_number", "file_path", "file_size_mb", "duration_seconds", "start_timestep", "end_timestep")
    assert [tuple(video[name] for name in columns) for video in other_rows(database, "training_videos")] == [
        (1, "videos/early.mp4", 0.25, None, 100, 100),
        (2, "videos/late.mp4", 0.25, 8.0, 90, 90),
    ]
    assert {video["status"] for video in other_rows(database, "training_videos")} == {"completed"}
    assert the_run(database)["video_path"] == "videos/late.mp4"
    with pytest.raises(FileNotFoundError):
        recorder.add_video("videos/none.mp4")


def test_in_a_list_of_callbacks(database: Path, tmp_path: Path) -> None:
    """Wherever it stands in it, also within another list."""
    recorder = RunRecorder(database)
    others: list[BaseCallback] = [CheckpointCallback(64, str(tmp_path / "saved")), at(10, lambda: None)]
    small_ppo().learn(128, CallbackList([*others, CallbackList([recorder])]))
    assert [row["timestep"] for row in metric_rows(database)] == [64, 128]
    assert (the_run(database)["status"], the_run(database)["end_timestep"]) == ("completed", 128)
    assert len(list((tmp_path / "saved").iterdir())) == 2


def test_an_environment_without_a_monitor_has_no_rewards(database: Path) -> None:
    """SB3 knows of no episodes then; none is made up."""
    env = make_vec_env(lambda: gym.make("CartPole-v1"), 1)
    env.envs[0] = env.envs[0].env  # the one that make_vec_env has put around it
    PPO("MlpPolicy", env, n_steps=64, n_epochs=1, device="cpu").learn(128, RunRecorder(database))
    assert {row["episode_reward_mean"] for row in metric_rows(database)} == {None}
    assert (the_run(database)["best_reward"], the_run(database)["final_reward"]) == (None, None)
