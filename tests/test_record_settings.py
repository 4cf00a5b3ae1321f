"""What a run says of itself at its beginning: settings, environment, code, versions, paths."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import log_to_csv, need_sb3, run, the_run

need_sb3()

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC, TD3
from stable_baselines3.common.atari_wrappers import MaxAndSkipEnv
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import ConvertCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import TensorBoardOutputFormat
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecFrameStack, VecNormalize

from runsum import __version__
from runsum.record import RunRecorder


class Pictures(gym.Env[np.ndarray, int]):
    """Random pictures, ten to an episode; registered nowhere."""

    observation_space = gym.spaces.Box(0, 255, (36, 36, 1), np.uint8)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.left = 10
        return self.observation_space.sample(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        return self.observation_space.sample(), 1.0, self.left == 0, False, {}


def recorded(model: BaseAlgorithm, folder: Path, steps: int = 64, **wishes: Any) -> dict[str, Any]:
    """The run of a short training."""
    with RunRecorder(folder / "runs.db", **wishes) as recorder:
        model.learn(steps, callback=recorder)
    if model.get_env() is not None:
        model.get_env().close()
    model.logger.close()
    return the_run(folder / "runs.db")


def config_of(model: BaseAlgorithm, folder: Path, steps: int = 64) -> dict[str, Any]:
    return dict(json.loads(recorded(model, folder, steps)["config_json"]))


# ---------------------------------------------------------------- settings


def test_settings_of_ppo(tmp_path: Path) -> None:
    """Everything its constructor takes, as it is in force: schedules by their values, NumPy's numbers as numbers."""
    model = PPO(
        "MlpPolicy", make_vec_env("CartPole-v1", 2), learning_rate=lambda left: 1e-3 * left, clip_range=lambda _: 0.1,
        n_steps=np.int64(32), batch_size=np.int64(16), n_epochs=3, gamma=np.float32(0.5), gae_lambda=0.9,
        ent_coef=0.01, vf_coef=0.25, max_grad_norm=0.75, target_kl=0.03, seed=7, stats_window_size=20,
        policy_kwargs={"net_arch": [16, 8], "activation_fn": torch.nn.ReLU},
    )  # fmt: skip
    config = config_of(model, tmp_path)
    wanted = {
        "algorithm": "ppo", "policy_type": "MlpPolicy", "env_id": "CartPole-v1", "n_envs": 2, "total_timesteps": 64,
        "learning_rate": 1e-3, "learning_rate_at_the_end": 0.0, "clip_range": 0.1, "n_steps": 32, "batch_size": 16,
        "n_epochs": 3, "gamma": 0.5, "gae_lambda": 0.9, "ent_coef": 0.01, "vf_coef": 0.25, "max_grad_norm": 0.75,
        "target_kl": 0.03, "seed": 7, "device": "cpu", "net_arch": [16, 8], "activation_fn": "ReLU",
        "max_episode_steps": 500, "frame_stack": None, "action_repeat": None, "normalize_advantage": True,
        "stats_window_size": 20,
        "custom_params": {"policy_kwargs": {"net_arch": [16, 8], "activation_fn": "ReLU"}},
    }  # fmt: skip
    assert {key: config.get(key) for key in wanted} == wanted
    assert "clip_range_at_the_end" not in config
    assert not [key for key in config if "sde" in key], "state-dependent exploration is off"


def test_settings_of_off_policy_algorithms(tmp_path: Path) -> None:
    """When they train is a text; `n_steps`, the length of a rollout in the database, is not their n-step return."""
    (tmp_path / "dqn").mkdir()
    model = DQN("MlpPolicy", "CartPole-v1", buffer_size=1000, train_freq=(2, "episode"), n_steps=3, learning_starts=9)
    config = config_of(model, tmp_path / "dqn")
    wanted = {"algorithm": "dqn", "train_freq": "2 episode", "n_step_return": 3, "learning_starts": 9,
              "buffer_size": 1000, "exploration_fraction": 0.1, "target_update_interval": 10_000}  # fmt: skip
    assert {key: config.get(key) for key in wanted} == wanted
    assert "n_steps" not in config
    assert "stats_window_size" not in config, "100, as everywhere"
    noise = NormalActionNoise(np.zeros(1), np.ones(1))
    config = config_of(TD3("MlpPolicy", "Pendulum-v1", action_noise=noise, train_freq=4), tmp_path)
    assert (config["train_freq"], config["action_noise"]) == ("4 step", "NormalActionNoise")


def test_settings_of_state_dependent_exploration(tmp_path: Path) -> None:
    """They are settings where it is on; a coefficient that is learnt is its word."""
    config = config_of(SAC("MlpPolicy", "Pendulum-v1", use_sde=True, sde_sample_freq=8), tmp_path)
    assert (config["use_sde"], config["sde_sample_freq"], config["ent_coef"]) == (True, 8, "auto")


class OwnPPO(PPO):
    """Hands on whatever it is given, like most subclasses that people write."""

    def __init__(self, *args: Any, curiosity: float = 0.5, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.curiosity = curiosity


def test_settings_of_an_algorithm_of_ones_own(tmp_path: Path) -> None:
    """Its own arguments and those of the class it is made of."""
    config = config_of(
        OwnPPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=2, curiosity=0.25), tmp_path
    )
    assert (config["algorithm"], config["curiosity"], config["n_epochs"], config["n_steps"]) == ("ownppo", 0.25, 2, 32)


# ---------------------------------------------------------------- environments


def test_wrappers_frames_and_repeats(tmp_path: Path) -> None:
    """From the outside in; SB3's own wrappers say how many frames are stacked and how often an action is repeated."""
    env = VecFrameStack(DummyVecEnv([lambda: gym.wrappers.TimeLimit(MaxAndSkipEnv(Pictures(), skip=3), 7)]), n_stack=4)
    config = config_of(PPO("CnnPolicy", env, n_steps=16, batch_size=16), tmp_path, 16)
    assert config["wrappers"] == ["VecTransposeImage", "VecFrameStack", "TimeLimit", "MaxAndSkipEnv"]
    assert (config["frame_stack"], config["action_repeat"], config["env_id"]) == (4, 3, "Pictures")
    run = the_run(tmp_path / "runs.db")
    assert run["wrappers_hash"] == hashlib.sha256(json.dumps(config["wrappers"]).encode()).hexdigest()
    assert json.loads(run["metadata_json"])["observation_space"] == "Box(4, 36, 36) uint8"


def test_what_the_environment_was_made_with(tmp_path: Path) -> None:
    """Its arguments, but not how it is rendered; its package and version; where it is cut off."""
    env = gym.make("Pendulum-v1", g=9.0, max_episode_steps=50, render_mode="rgb_array")
    config = config_of(PPO("MlpPolicy", env, n_steps=32, batch_size=32), tmp_path, 32)
    assert config["custom_params"] == {"env g": 9.0}
    assert config["max_episode_steps"] == 50
    assert the_run(tmp_path / "runs.db")["env_version"] == f"gymnasium {importlib.metadata.version('gymnasium')}"


def test_an_atari_game(tmp_path: Path) -> None:
    """As SB3 wraps it; the emulator repeats actions where no wrapper does."""
    pytest.importorskip("ale_py", reason="ale_py is not installed; type: pip install ale-py")
    script = """
        import ale_py, gymnasium
        from stable_baselines3 import A2C
        from stable_baselines3.common.env_util import make_atari_env
        from runsum.record import RunRecorder
        gymnasium.register_envs(ale_py)
        for env in (make_atari_env("ALE/Pong-v5", env_kwargs={"frameskip": 1}), "ALE/Pong-v5"):
            A2C("CnnPolicy", env, n_steps=2, device="cpu").learn(2, RunRecorder(f"{type(env).__name__}.db"))
    """
    run(script, tmp_path)
    wrapped = json.loads(the_run(tmp_path / "DummyVecEnv.db")["config_json"])
    assert wrapped["wrappers"][:3] == ["VecTransposeImage", "AtariWrapper", "ClipRewardEnv"]
    assert (wrapped["action_repeat"], wrapped["custom_params"]["env frameskip"]) == (4, 1)
    assert json.loads(the_run(tmp_path / "str.db")["config_json"])["action_repeat"] == 4
    assert the_run(tmp_path / "str.db")["env_version"] == f"ale_py {importlib.metadata.version('ale-py')}"


def make_unpicklable() -> gym.Env[Any, Any]:
    """An environment whose registration and arguments no process can send to another."""
    from gymnasium.envs.classic_control import CartPoleEnv

    gym.register("Odd-v3", entry_point=lambda callback: CartPoleEnv(), max_episode_steps=80)
    env = gym.make("Odd-v3", callback=lambda: None)
    return MaxAndSkipEnv(env, skip=2)


def test_environments_in_other_processes_are_not_disturbed(tmp_path: Path) -> None:
    """A worker that must send what cannot be pickled dies, and the training with it: only words are asked for."""
    env = VecNormalize(SubprocVecEnv([make_unpicklable, make_unpicklable], start_method="spawn"))
    config = config_of(PPO("MlpPolicy", env, n_steps=32, n_epochs=1), tmp_path)
    assert the_run(tmp_path / "runs.db")["status"] == "completed"
    assert (config["env_id"], config["n_envs"], config["max_episode_steps"]) == ("Odd-v3", 2, 80)
    assert config["wrappers"] == ["VecNormalize", "MaxAndSkipEnv", "TimeLimit", "OrderEnforcing", "PassiveEnvChecker"]
    assert config["action_repeat"] == 2


def test_registered_environments_in_other_processes_are_known(tmp_path: Path) -> None:
    """Their package is that of the registration here."""
    env = make_vec_env("CartPole-v1", 2, vec_env_cls=SubprocVecEnv)
    run = recorded(PPO("MlpPolicy", env, n_steps=32), tmp_path)
    assert run["env_version"] == f"gymnasium {importlib.metadata.version('gymnasium')}"
    assert run["root_name"] == "PPO CartPole-v1"


# ---------------------------------------------------------------- the run


def test_a_run_is_described(tmp_path: Path) -> None:
    """Names, words to find it by, versions, the machine, and hashes that can be computed again."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, seed=4)
    run = recorded(model, tmp_path, name="First try ✓", tags=["idea"], description="Does it learn?")
    assert run["run_id"].startswith("run-")
    wanted = {
        "custom_name": "First try ✓", "root_name": "First try ✓", "display_name": "First try ✓",
        "experiment_name": "First try ✓ - leg 1", "base_run_id": run["run_id"], "leg_number": 1, "variant_index": 1,
        "parent_run_id": None, "parent_checkpoint_path": None, "description": "PPO on CartPole-v1, 64 timesteps. "
        "Does it learn?", "tags_json": '["idea", "ppo", "leg-1"]', "mode": "train", "status": "completed",
        "status_note": None, "start_timestep": 0, "leg_start_timestep": 0, "target_timestep": 64, "end_timestep": 64,
        "python_version": platform.python_version(), "process_pid": os.getpid(), "process_paused": 0,
        "config_hash": hashlib.sha256(run["config_json"].encode()).hexdigest(),
    }  # fmt: skip
    assert {key: run[key] for key in wanted} == wanted
    versions = {name: importlib.metadata.version(name) for name in ("stable_baselines3", "torch", "gymnasium", "numpy")}
    assert versions.items() <= json.loads(run["dependencies_json"]).items()
    metadata = json.loads(run["metadata_json"])
    assert metadata["recorder"] == f"runsum {__version__}"
    assert metadata["parameters"] == sum(p.numel() for p in model.policy.parameters())
    assert metadata["machine"] == f"{platform.system()} {platform.machine()}"
    assert metadata["action_space"] == "Discrete(2)"


class Scalars(TensorBoardOutputFormat):
    """SB3's own needs TensorBoard to be installed; the recorder only asks whether there is one."""

    def __init__(self) -> None:
        pass

    def write(self, *_: Any, **__: Any) -> None:
        pass

    def close(self) -> None:
        pass


def test_paths_are_below_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SB3 logs, and where the model is saved; without the folder where the project happens to lie."""
    monkeypatch.chdir(tmp_path)
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64)
    log_to_csv(model, tmp_path / "logs" / "one")
    model.logger.output_formats.append(Scalars())
    run = recorded(model, tmp_path, checkpoints="models")
    assert run["log_path"] == "logs/one/progress.csv"
    assert run["tensorboard_path"] == "logs/one"
    assert run["model_path"] == f"models/{run['run_id']}/latest.zip"
    assert (tmp_path / run["model_path"]).is_file()


def test_a_folder_elsewhere_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved outside of the working folder can only be found like that."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run = recorded(PPO("MlpPolicy", "CartPole-v1", n_steps=64), tmp_path, checkpoints="../models")
    assert run["model_path"] == (tmp_path / "models" / run["run_id"] / "latest.zip").as_posix()


TRAIN = """
    from stable_baselines3 import PPO
    from runsum.record import RunRecorder
    PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, device="cpu").learn(32, RunRecorder("runs.db"))
"""


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_of_the_program(tmp_path: Path) -> None:
    """Of the folder that it is in, marked when its files have changed; none outside of git."""
    run(TRAIN, tmp_path)
    assert the_run(tmp_path / "runs.db")["git_commit"] is None
    (tmp_path / "runs.db").unlink()
    git(tmp_path, "init")
    git(tmp_path, "add", "train.py")
    git(tmp_path, "commit", "-m", "first", "--no-gpg-sign")
    git(tmp_path, "tag", "v1")
    commit = git(tmp_path, "rev-parse", "--short=12", "HEAD")
    run(TRAIN, tmp_path)
    assert the_run(tmp_path / "runs.db")["git_commit"] == commit
    (tmp_path / "runs.db").unlink()
    run(f"{TRAIN}    # another", tmp_path)
    assert the_run(tmp_path / "runs.db")["git_commit"] == f"{commit}-dirty"


def test_training_without_an_end(tmp_path: Path) -> None:
    """People who stop by hand ask SB3 for infinitely many steps."""
    enough = ConvertCallback(lambda variables, _: variables["self"].num_timesteps < 100)
    with RunRecorder(tmp_path / "runs.db") as recorder:
        model = PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32)
        model.learn(float("inf"), callback=[recorder, enough])  # type: ignore[arg-type]
    run = the_run(tmp_path / "runs.db")
    assert (run["status"], run["end_timestep"]) == ("completed", 100)
    assert run["target_timestep"] == 2**53
