"""One training of the demo archive, in a process of its own: `python -m tests.recording.train NAME`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ale_py
import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_atari_env, make_vec_env
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecNormalize
from tests.recording.plans import PLANS, Plan
from tests.recording.video import film

from runsum.record import RunRecorder

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"PPO": PPO, "A2C": A2C, "DQN": DQN}
DATABASE = "ml_experiments.db"


class StopAtReward(BaseCallback):
    """Ends the training when the mean of the last 100 episodes is high enough."""

    def __init__(self, reward: float, recorder: RunRecorder) -> None:
        super().__init__()
        self.reward, self.recorder = reward, recorder

    def _on_step(self) -> bool:
        episodes = self.model.ep_info_buffer or ()
        if len(episodes) < 100 or np.mean([episode["r"] for episode in episodes]) < self.reward:
            return True
        self.recorder.annotate(f"mean of 100 episodes reached {self.reward:g}: enough")
        return False


def make_env(plan: Plan) -> VecEnv:
    """The environments of a plan, wrapped as its algorithm likes them."""
    if plan.atari:
        return VecFrameStack(
            make_atari_env(plan.env_id, plan.n_envs, plan.seed, env_kwargs=dict(plan.env_kwargs)), n_stack=4
        )
    env: VecEnv = make_vec_env(plan.env_id, plan.n_envs, plan.seed, env_kwargs=dict(plan.env_kwargs))
    return VecNormalize(env, norm_reward=False) if plan.normalise else env


def make_model(plan: Plan, env: VecEnv) -> BaseAlgorithm:
    """A new model, or the one that the plan before left."""
    settings: dict[str, Any] = dict(plan.settings)
    for key in plan.linear:
        settings[key] = LinearSchedule(settings.get(key, 7e-4), 0.0, 1.0)
    kind = ALGORITHMS[plan.algorithm]
    if plan.after is None:
        return kind(plan.policy, env, seed=plan.seed, device="cpu", **settings)
    parent = json.loads(Path(f"{plan.after}.json").read_text())
    return kind.load(Path("models", parent["run_id"], "latest.zip"), env, device="cpu", **settings)


def train(plan: Plan) -> None:
    """Train, record, and leave the run's id where the next leg finds it."""
    torch.set_num_threads(1)
    gym.register_envs(ale_py)
    model = make_model(plan, make_env(plan))
    recorder = RunRecorder(DATABASE, name=plan.title, tags=plan.tags, checkpoints="models")
    callbacks: list[BaseCallback] = [recorder]
    if plan.end == "solved":
        callbacks.append(StopAtReward(plan.end_at, recorder))
    extra = {} if plan.log_interval is None else {"log_interval": plan.log_interval}
    with recorder:
        model.learn(plan.steps, callbacks, reset_num_timesteps=plan.after is None, **extra)
    if plan.video:
        path = Path("videos", f"{recorder.run_id}_step_{model.num_timesteps}.mp4")
        recorder.add_video(path, seconds=film(model, plan, path))
    Path(f"{plan.name}.json").write_text(json.dumps({"run_id": recorder.run_id}))


if __name__ == "__main__":
    train(PLANS[sys.argv[1]])
