"""How a training can end, and what its run says then."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import log_to_csv, metric_rows, need_sb3, run_rows, the_run

need_sb3()

import gc
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, ConvertCallback

from runsum.record import RunRecorder

LEFT = "learn() was left by an exception that the program caught"


class Breaks(gym.Wrapper[Any, Any, Any, Any]):
    """Fails at a step, once."""

    def __init__(self, at: int, error: BaseException) -> None:
        super().__init__(gym.make("CartPole-v1"))
        self.at, self.error, self.steps = at, error, 0

    def step(self, action: Any) -> Any:
        self.steps += 1
        if self.steps == self.at:
            raise type(self.error)(*self.error.args)  # a new one: it holds everything alive that it came through
        return self.env.step(action)


def small_ppo(env: gym.Env[Any, Any] | str = "CartPole-v1", **settings: Any) -> PPO:
    return PPO("MlpPolicy", env, **{"n_steps": 64, "n_epochs": 1, "seed": 1, "device": "cpu"} | settings)


def broken_ppo(at: int = 150, error: BaseException | None = None) -> PPO:
    return small_ppo(Breaks(at, error or ValueError("the emulator is gone")))


def state(database: Path) -> tuple[Any, ...]:
    row = the_run(database)
    return row["status"], row["end_timestep"], row["current_timestep"], row["end_time"] is not None


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


# ---------------------------------------------------------------- in the program


def test_an_end_that_a_callback_chose(database: Path) -> None:
    """It is completed: what was wanted is reached; where, and of how much, stands in a note."""
    recorder, enough = RunRecorder(database), ConvertCallback(lambda known, _: known["self"].num_timesteps < 200)
    small_ppo().learn(1000, callback=[recorder, enough])
    assert state(database) == ("completed", 200, 200, True)
    assert the_run(database)["status_note"] == "ended by a callback at step 200 of 1,000"
    assert [row["timestep"] for row in metric_rows(database)] == [64, 128, 192, 200]
    assert [row["episode_count"] for row in metric_rows(database)] == [1, 2, 3, 4], "the fourth was cut short"


def test_an_exception_is_told_in_the_run(database: Path) -> None:
    """Kind, text and place; the rows until then stay, the last step is one of them, and the exception goes on."""
    model = broken_ppo()
    with pytest.raises(ValueError, match="the emulator is gone"), RunRecorder(database) as recorder:
        model.learn(1000, callback=recorder)
    assert state(database) == ("failed", 149, 149, True)
    note = the_run(database)["status_note"]
    assert re.fullmatch(r"ValueError: the emulator is gone \(test_record_endings\.py, line \d+\)", note)
    assert [row["timestep"] for row in metric_rows(database)] == [64, 128, 149]
    rewards = [episode["r"] for episode in model.ep_info_buffer or ()]
    assert the_run(database)["final_reward"] == pytest.approx(sum(rewards) / len(rewards))
    assert len(model.logger.output_formats) == 0, "the recorder's place in the logger is free again"


@pytest.mark.parametrize(("error", "note"), [
    (KeyboardInterrupt(), r"stopped by hand at 20\S+"),
    (SystemExit(3), r"the program ended at 20\S+ without finishing the training"),
])  # fmt: skip
def test_a_stop_is_no_failure(error: BaseException, note: str, tmp_path: Path) -> None:
    """Ctrl+C and sys.exit(); the model is saved as far as it came."""
    model = broken_ppo(error=error)
    recorder = RunRecorder(tmp_path / "runs.db", checkpoints=tmp_path / "models")
    with pytest.raises(type(error)), recorder:
        model.learn(1000, callback=recorder)
    assert state(tmp_path / "runs.db") == ("stopped", 149, 149, True)
    assert re.fullmatch(note, the_run(tmp_path / "runs.db")["status_note"])
    assert PPO.load(tmp_path / "models" / str(recorder.run_id) / "latest.zip").num_timesteps == 149


def test_a_failed_training_saves_no_model(tmp_path: Path) -> None:
    """Nobody knows what is left of it."""
    recorder = RunRecorder(tmp_path / "runs.db", checkpoints=tmp_path / "models")
    with suppress(ValueError), recorder:
        broken_ppo().learn(1000, callback=recorder)
    assert (the_run(tmp_path / "runs.db")["model_path"], (tmp_path / "models").exists()) == (None, False)


def test_a_model_that_cannot_be_saved_is_no_failure(tmp_path: Path) -> None:
    """The run is complete all the same."""
    (tmp_path / "models").write_text("a file where a folder is wanted")
    recorder = RunRecorder(tmp_path / "runs.db", checkpoints=tmp_path / "models")
    with pytest.warns(UserWarning, match=r"latest\.zip could not be saved: \w+Error: "):
        small_ppo().learn(64, callback=recorder)
    assert state(tmp_path / "runs.db") == ("completed", 64, 64, True)
    assert the_run(tmp_path / "runs.db")["model_path"] is None


def test_an_exception_that_is_caught_within_the_with(database: Path) -> None:
    """Its text is gone, that it left the training is not."""
    with RunRecorder(database) as recorder:
        with suppress(ValueError):
            broken_ppo().learn(1000, callback=recorder)
        assert the_run(database)["status"] == "running"
    assert state(database) == ("stopped", 149, 149, True)
    assert the_run(database)["status_note"] == LEFT


def test_an_exception_after_the_training_is_none_of_it(database: Path) -> None:
    """What fails in the `with` when learn() has come to its end."""
    with suppress(ZeroDivisionError), RunRecorder(database) as recorder:
        small_ppo().learn(64, callback=recorder)
        _ = 1 / 0
    assert (*state(database), the_run(database)["status_note"]) == ("completed", 64, 64, True, None)


def test_a_sweep_that_catches_what_its_trials_raise(database: Path) -> None:
    """Nobody keeps the recorder: the run is closed when it goes, and does not stay open until the sweep ends."""

    def trial(at: int) -> None:
        with suppress(ValueError):
            broken_ppo(at).learn(128, callback=RunRecorder(database))

    for at in (70, 1000):
        trial(at)
    gc.collect()
    first, second = run_rows(database)
    assert (first["status"], first["end_timestep"], first["status_note"]) == ("stopped", 69, LEFT)
    assert (second["status"], second["end_timestep"], second["status_note"]) == ("completed", 128, None)


def test_a_recorder_that_is_used_again_after_an_exception(database: Path) -> None:
    """With a new model: the first run keeps its own numbers, the second is a run of its own."""
    recorder, broken = RunRecorder(database), broken_ppo()
    with suppress(ValueError):
        broken.learn(1000, callback=recorder)
    small_ppo(n_steps=32, batch_size=32).learn(96, callback=recorder)
    first, second = run_rows(database)
    assert (first["status"], first["end_timestep"], first["status_note"]) == ("stopped", 149, LEFT)
    rewards = [episode["r"] for episode in broken.ep_info_buffer or ()]
    assert first["final_reward"] == pytest.approx(sum(rewards) / len(rewards))
    assert (second["status"], second["end_timestep"], second["leg_number"]) == ("completed", 96, 1)
    assert [row["timestep"] for row in metric_rows(database, second["run_id"])] == [32, 64, 96]


def test_a_training_that_goes_on_after_an_exception(database: Path) -> None:
    """With the same model and recorder it is the same run."""
    recorder, model = RunRecorder(database), broken_ppo()
    with suppress(ValueError):
        model.learn(1000, callback=recorder)
    model.learn(128, callback=recorder, reset_num_timesteps=False)
    row = the_run(database)
    assert (row["status"], row["target_timestep"], row["end_timestep"]) == ("completed", 149 + 128, 149 + 128)
    assert re.fullmatch(re.escape(LEFT) + r"\nresume: learn\(\) was called again at 20\S+", row["status_note"])
    assert [row["timestep"] for row in metric_rows(database)] == [64, 128, 213, 277]


def test_a_logger_of_ones_own_forgets_the_recorder_before(tmp_path: Path) -> None:
    """SB3 keeps it for the next learn(): the rows of the second run are not rows of the first, too."""
    model = broken_ppo()
    log_to_csv(model, tmp_path)
    first, second = RunRecorder(tmp_path / "runs.db"), RunRecorder(tmp_path / "runs.db")
    with suppress(ValueError):
        model.learn(1000, callback=first)
    model.learn(128, callback=second)
    model.logger.close()
    left, done = run_rows(tmp_path / "runs.db")
    assert (left["run_id"], left["status"], left["end_timestep"]) == (first.run_id, "stopped", 149)
    assert (done["run_id"], done["status"], done["end_timestep"]) == (second.run_id, "completed", 128)
    assert [row["timestep"] for row in metric_rows(tmp_path / "runs.db", first.run_id)] == [64, 128]
    assert [row["timestep"] for row in metric_rows(tmp_path / "runs.db", second.run_id)] == [64, 128]


def test_a_database_that_refuses_stops_before_the_training(tmp_path: Path) -> None:
    """The one error that a person can still do something about; the recorder is as new afterwards."""
    from runsum.errors import DatabaseError

    (tmp_path / "runs.db").write_text("no database" * 100)
    recorder, model = RunRecorder(tmp_path / "runs.db"), small_ppo()
    with pytest.raises(DatabaseError, match="cannot be used to record runs"), recorder:
        model.learn(64, callback=recorder)
    assert model.num_timesteps == 0
    (tmp_path / "runs.db").unlink()
    model.learn(64, callback=recorder)
    assert state(tmp_path / "runs.db") == ("completed", 64, 64, True)


class Waits(BaseCallback):
    """Holds its training until something has happened."""

    def __init__(self, happened: Callable[[], bool]) -> None:
        super().__init__()
        self.happened = happened

    def _on_step(self) -> bool:
        while not self.happened():
            time.sleep(0.01)
        return True


def test_trainings_side_by_side(database: Path) -> None:
    """Two threads, one of which fails: the other is none the worse for it."""
    threads: list[threading.Thread] = []
    good, bad = RunRecorder(database, name="good"), RunRecorder(database, name="bad")

    def begin(model: BaseAlgorithm, *callbacks: BaseCallback) -> None:
        threads.append(threading.Thread(target=model.learn, args=(128, list(callbacks))))
        threads[-1].start()

    quiet, threading.excepthook = threading.excepthook, lambda _: None
    try:
        begin(broken_ppo(70), bad)
        begin(small_ppo(), good, Waits(lambda: bool(bad.run_id) and not threads[0].is_alive()))
        for thread in threads:
            thread.join()
    finally:
        threading.excepthook = quiet
    with_notes = {row["custom_name"]: (row["status"], row["status_note"]) for row in run_rows(database)}
    assert with_notes["good"] == ("completed", None)
    gc.collect()
