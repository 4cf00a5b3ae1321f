"""Runs that continue other runs: in another process, in another file, more than once, and with the same recorder."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import metric_rows, need_sb3, run, run_rows, the_run

need_sb3()

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from runsum.record import RunRecorder
from support.command import documents, runsum

pytestmark = pytest.mark.slow


def small_ppo() -> PPO:
    return PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, seed=1, device="cpu")


def learn(model: BaseAlgorithm, folder: Path, *, steps: int = 256, reset: bool = True, **wishes: Any) -> dict[str, Any]:
    """The run of a training that saves its model."""
    with RunRecorder(folder / "runs.db", checkpoints=folder / "models", **wishes) as recorder:
        model.learn(steps, callback=recorder, reset_num_timesteps=reset)
    return next(run for run in run_rows(folder / "runs.db") if run["run_id"] == recorder.run_id)


def load(path: str | Path, **settings: Any) -> PPO:
    return PPO.load(path, gym.make("CartPole-v1"), device="cpu", **settings)


def chosen(run: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(run[column] for column in columns)


def built(folder: Path, *databases: str) -> dict[str, Any]:
    """The report of `runsum build`, a minute from now."""
    soon = (datetime.now() + timedelta(minutes=1)).isoformat(timespec="seconds")
    words = [word for path in databases for word in ("--db", path)]
    done = runsum("build", "--as-of", soon, "--json", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


LEG_2 = """
import gymnasium as gym
from stable_baselines3 import PPO
from runsum.record import RunRecorder

model = PPO.load("best.zip", gym.make("CartPole-v1"), device="cpu")
with RunRecorder("runs.db", tags=["longer"]) as recorder:
    model.learn(128, callback=recorder, reset_num_timesteps=False)
"""


def test_a_leg_in_another_program(tmp_path: Path) -> None:
    """Saved by hand, loaded elsewhere: the model itself knows the run it comes from."""
    model = small_ppo()
    first = learn(model, tmp_path, name="Long one")
    model.save(tmp_path / "best")
    run(LEG_2, tmp_path)
    _, second = run_rows(tmp_path / "runs.db")
    assert second["run_id"] != first["run_id"] == second["base_run_id"] == second["parent_run_id"]
    wanted = {
        "leg_number": 2, "variant_index": 1, "root_name": "Long one", "custom_name": None, "leg_start_timestep": 256,
        "display_name": "Long one, leg 2", "experiment_name": "Long one - leg 2", "start_timestep": 256,
        "target_timestep": 384, "end_timestep": 384, "tags_json": '["longer", "ppo", "leg-2"]', "status_note": None,
        "description": "PPO on CartPole-v1, 128 timesteps",
    }  # fmt: skip
    assert {key: second[key] for key in wanted} == wanted
    rows = metric_rows(tmp_path / "runs.db", second["run_id"])
    assert [chosen(row, "timestep", "episode_count", "progress_pct") for row in rows] == [(320, 1, 50), (384, 2, 100)]
    assert json.loads(second["config_json"])["total_timesteps"] == 128


def test_the_checkpoint_is_the_one_that_was_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's last one where the run goes on from there; the one that is named; else it is not known."""
    monkeypatch.chdir(tmp_path)
    model = small_ppo()
    first = learn(model, tmp_path)
    path = f"models/{first['run_id']}/latest.zip"
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    columns = ("parent_checkpoint_path", "parent_checkpoint_hash")
    assert chosen(learn(load(path), tmp_path, reset=False), *columns) == (path, digest)
    halfway = load(path)
    halfway.num_timesteps = 128  # what SB3's CheckpointCallback saves on the way
    halfway.save("halfway.zip")
    assert chosen(learn(load("halfway.zip"), tmp_path, reset=False), *columns) == (None, None)
    named = learn(load("halfway.zip"), tmp_path, reset=False, parent_checkpoint="halfway.zip")
    assert chosen(named, *columns) == ("halfway.zip", hashlib.sha256(Path("halfway.zip").read_bytes()).hexdigest())
    lost = learn(load("halfway.zip"), tmp_path, reset=False, parent_checkpoint="deleted.zip")
    assert chosen(lost, *columns) == ("deleted.zip", None)


def test_a_checkpoint_of_another_file(tmp_path: Path) -> None:
    """The parent is named, though this file does not hold it; built together, the two belong together."""
    (tmp_path / "elsewhere").mkdir()
    first = learn(small_ppo(), tmp_path)
    second = learn(load(tmp_path / "models" / first["run_id"] / "latest.zip"), tmp_path / "elsewhere", reset=False)
    columns = ("parent_run_id", "base_run_id", "leg_number", "variant_index", "parent_checkpoint_path")
    assert chosen(second, *columns) == (first["run_id"], first["run_id"], 2, 1, None)
    assert built(tmp_path, "runs.db", "elsewhere/runs.db")["problems"] == {}
    (tree,) = (tmp_path / "docs" / "lineages").glob("run-*/index.md")
    assert {first["run_id"], second["run_id"]} <= set(re.findall(r"run-\w{8}", tree.read_text()))


def test_a_family_on_its_pages(tmp_path: Path) -> None:
    """Two legs, a third, and a fork of the first with another learning rate: linked, compared, and nothing odd."""
    first = learn(small_ppo(), tmp_path, steps=1280, name="Root")
    latest = tmp_path / "models" / "{}" / "latest.zip"
    second = learn(load(str(latest).format(first["run_id"])), tmp_path, steps=640, reset=False)
    third = learn(load(str(latest).format(second["run_id"])), tmp_path, steps=640, reset=False)
    fork = learn(load(str(latest).format(first["run_id"]), learning_rate=1e-4), tmp_path, steps=640, reset=False)
    columns = ("leg_number", "variant_index", "parent_run_id", "base_run_id", "display_name")
    assert chosen(third, *columns) == (3, 1, second["run_id"], first["run_id"], "Root, leg 3")
    assert chosen(fork, *columns) == (2, 2, first["run_id"], first["run_id"], "Root, leg 2, fork 2")
    report = built(tmp_path, "runs.db")
    assert (report["runs"], report["problems"]) == (4, {})
    page = (tmp_path / "docs" / "lineages" / first["run_id"] / "index.md").read_text()
    for run_id in (row["run_id"] for row in (first, second, third, fork)):
        assert f'<a href="../../runs/{run_id}/index.html">{run_id}</a>' in page
        assert f"lineages/{first['run_id']}/index" in (tmp_path / "docs" / "runs" / run_id / "index.md").read_text()
    assert "1 fork" in page
    assert "learning_rate: 0.0003 → 0.0001" in page
    lineage = documents(tmp_path)[third["run_id"]]["lineage"]
    assert (lineage["parent"], lineage["leg"]) == (second["run_id"], 3)


def test_steps_that_are_counted_from_nought_again(tmp_path: Path) -> None:
    """A loaded model with a new count is a leg all the same: its weights come from there."""
    first = learn(small_ppo(), tmp_path)
    second = learn(load(tmp_path / "models" / first["run_id"] / "latest.zip"), tmp_path, reset=True)
    columns = ("parent_run_id", "leg_number", "start_timestep", "target_timestep", "end_timestep", "status_note")
    note = "learn() began to count its steps at 0 again"
    assert chosen(second, *columns) == (first["run_id"], 2, 0, 256, 256, note)
    assert [row["timestep"] for row in metric_rows(tmp_path / "runs.db", second["run_id"])] == [64, 128, 192, 256]
    assert built(tmp_path, "runs.db")["problems"] == {}


def learn_twice(model: BaseAlgorithm, folder: Path, again: Sequence[bool], steps: int) -> list[dict[str, Any]]:
    recorder = RunRecorder(folder / "runs.db")
    for reset in again:
        model.learn(steps, callback=recorder, reset_num_timesteps=reset)
    return run_rows(folder / "runs.db")


def test_learn_again_is_the_same_run(tmp_path: Path) -> None:
    """With the same recorder and the count going on: the target grows, iterations begin again, a note says so."""
    (row,) = learn_twice(small_ppo(), tmp_path, [True, False, False], 640)
    columns = ("status", "start_timestep", "target_timestep", "end_timestep", "leg_number", "parent_run_id")
    assert chosen(row, *columns) == ("completed", 0, 1920, 1920, 1, None)
    note = r"resume: learn\(\) was called again at 20\S+"
    assert re.fullmatch(f"{note}\n{note}", row["status_note"])
    config = json.loads(row["config_json"])
    assert config["total_timesteps"] == 1920
    assert row["config_hash"] == hashlib.sha256(row["config_json"].encode()).hexdigest()
    rows = metric_rows(tmp_path / "runs.db")
    assert [row["timestep"] for row in rows] == list(range(64, 1921, 64))
    assert [row["episode_count"] for row in rows] == 3 * list(range(1, 11))
    assert {row["total_timesteps"] for row in rows} == {1920}
    assert [row["progress_pct"] for row in rows] == pytest.approx([step / 1920 * 100 for step in range(64, 1921, 64)])
    assert row["best_reward"] == max(row["episode_reward_mean"] for row in rows)
    assert built(tmp_path, "runs.db")["problems"] == {}


def test_learn_again_from_nought_is_a_new_run(tmp_path: Path) -> None:
    """The count begins again, the weights do not: the next leg."""
    first, second = learn_twice(small_ppo(), tmp_path, [True, True], 128)
    assert chosen(second, "parent_run_id", "leg_number", "start_timestep") == (first["run_id"], 2, 0)
    assert chosen(first, "status", "end_timestep") == chosen(second, "status", "end_timestep") == ("completed", 128)


def test_another_recorder_is_another_run(tmp_path: Path) -> None:
    """One recorder per run: the second continues the first, also within a program."""
    model = small_ppo()
    first = learn(model, tmp_path)
    second = learn(model, tmp_path, reset=False)
    assert chosen(second, "parent_run_id", "leg_number", "start_timestep") == (first["run_id"], 2, 256)


def test_new_models_are_no_kin(tmp_path: Path) -> None:
    """Several trainings of one program with one recorder."""
    recorder = RunRecorder(tmp_path / "runs.db")
    for _ in range(2):
        small_ppo().learn(64, callback=recorder)
    first, second = run_rows(tmp_path / "runs.db")
    assert chosen(second, "parent_run_id", "base_run_id", "leg_number") == (None, second["run_id"], 1)
    assert first["run_id"] != second["run_id"] == recorder.run_id


SAVES = """
import gymnasium as gym
from stable_baselines3 import {algorithm}
from stable_baselines3.common.callbacks import CheckpointCallback
from runsum.record import RunRecorder

model = {algorithm}("MlpPolicy", "CartPole-v1", device="cpu", learning_starts=10) if "{algorithm}" == "DQN" else \
    {algorithm}("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, device="cpu")
model.learn(256, [RunRecorder("runs.db"), CheckpointCallback(100, ".", "on_the_way")])
"""
LOADS = """
import sys
sys.modules["runsum"] = None
import gymnasium as gym
from stable_baselines3 import {algorithm}
model = {algorithm}.load("on_the_way_100_steps", gym.make("CartPole-v1"), device="cpu")
model.learn(64)
"""


@pytest.mark.parametrize("algorithm", ["PPO", "DQN"])
def test_a_checkpoint_of_a_recorded_training_needs_no_runsum(algorithm: str, tmp_path: Path) -> None:
    """Saved while the recorder looks on, it holds its mark and nothing of the recorder."""
    run(SAVES.format(algorithm=algorithm), tmp_path)
    script = LOADS.format(algorithm=algorithm)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {"PPO": PPO, "DQN": DQN}[algorithm].load(tmp_path / "on_the_way_100_steps")
    assert loaded.runsum_run["run_id"] == the_run(tmp_path / "runs.db")["run_id"]
