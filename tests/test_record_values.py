"""The rows that the recorder writes: SB3's own numbers, and those it measures itself."""
# ruff: noqa: E402 (what is imported must be looked for first)

from __future__ import annotations

from support.training import log_to_csv, metric_rows, need_sb3, read_csv, the_run

need_sb3()

import copy
import csv
import json
import math
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import psutil
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, ConvertCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

from runsum.record import RunRecorder
from runsum.record.measure import trained_parameters, weight_norm

LOGGED = {
    "timestep": ("time/total_timesteps",),
    "episode_reward_mean": ("rollout/ep_rew_mean",),
    "episode_length_mean": ("rollout/ep_len_mean",),
    "policy_loss": ("train/policy_gradient_loss", "train/policy_loss", "train/actor_loss"),
    "value_loss": ("train/value_loss", "train/critic_loss"),
    "entropy_loss": ("train/entropy_loss",),
    "total_loss": ("train/loss",),
    "learning_rate": ("train/learning_rate",),
    "kl_divergence": ("train/approx_kl",),
    "clip_fraction": ("train/clip_fraction",),
    "explained_variance": ("train/explained_variance",),
    "fps": ("time/fps",),
    "episode_count": ("time/iterations", "time/episodes"),
}
"""Column: the names under which the algorithms log it, written down again: a wrong name must not agree with itself."""


def make_ppo() -> BaseAlgorithm:
    return PPO("MlpPolicy", make_vec_env("CartPole-v1", 2, seed=3), n_steps=64, batch_size=32, n_epochs=2, seed=3)


MODELS: dict[str, tuple[Any, int, dict[str, int], set[str]]] = {
    "ppo": (make_ppo, 640, {}, {"policy_loss", "value_loss", "entropy_loss", "total_loss", "kl_divergence",
                                "clip_fraction", "explained_variance", "learning_rate"}),
    "a2c": (lambda: A2C("MlpPolicy", "CartPole-v1", seed=3), 300, {"log_interval": 7},
            {"policy_loss", "value_loss", "entropy_loss", "explained_variance", "learning_rate"}),
    "dqn": (lambda: DQN("MlpPolicy", "CartPole-v1", learning_starts=100, seed=3), 600, {},
            {"total_loss", "learning_rate"}),
    "sac": (lambda: SAC("MlpPolicy", "Pendulum-v1", learning_starts=50, train_freq=8, seed=3), 820,
            {"log_interval": 1}, {"policy_loss", "value_loss", "learning_rate"}),
    "td3": (lambda: TD3("MlpPolicy", "Pendulum-v1", learning_starts=50, train_freq=8, seed=3), 820,
            {"log_interval": 1}, {"policy_loss", "value_loss", "learning_rate"}),
}  # fmt: skip
"""By algorithm: a model, its steps, how often it logs, and the losses that it must log."""


def learn(model: BaseAlgorithm, steps: int, folder: Path, *others: BaseCallback, **settings: Any) -> Path:
    """The database of a recorded training."""
    with RunRecorder(folder / "runs.db") as recorder:
        model.learn(steps, callback=[recorder, *others], **settings)
    model.logger.close()  # SB3 leaves its files open
    return folder / "runs.db"


def differences(rows: list[dict[str, Any]], logged: list[dict[str, float]]) -> list[str]:
    """Every value that is not, to the last bit, what SB3 wrote."""
    found = [] if len(rows) == len(logged) else [f"{len(rows)} rows, {len(logged)} logged"]
    for row, line in zip(rows, logged, strict=False):
        for column, names in LOGGED.items():
            wanted = next((line[name] for name in names if name in line), None)
            wanted = None if wanted is None or math.isnan(wanted) else wanted
            if row[column] != wanted and (wanted is None or row[column] != np.float32(wanted)):  # KL is one of those
                found.append(f"step {row['timestep']}, {column}: {row[column]!r}, logged {wanted!r}")
    return found


@pytest.mark.parametrize("algorithm", MODELS)
def test_every_row_is_what_sb3_logs(algorithm: str, tmp_path: Path) -> None:
    """Row by row, at full precision, next to the CSV that SB3's own logger writes."""
    make, steps, settings, losses = MODELS[algorithm]
    model = make()
    log_to_csv(model, tmp_path)
    database = learn(model, steps, tmp_path, **settings)
    rows, logged = metric_rows(database), read_csv(tmp_path)
    assert len(logged) >= 3
    assert differences(rows[: len(logged)], logged) == []
    assert len(rows) - len(logged) <= 1, "one more row at most: the end, which SB3 does not log"
    for column in (*losses, "episode_reward_mean", "episode_reward_std", "episode_length_mean", "gradient_norm"):
        assert any(row[column] is not None for row in rows), column
    run = the_run(database)
    assert (run["status"], run["end_timestep"]) == ("completed", model.num_timesteps)
    assert run["current_timestep"] == rows[-1]["timestep"] == model.num_timesteps


def test_episodes_are_averaged_as_they_ended(tmp_path: Path) -> None:
    """Mean, spread and length of the last 100 episodes, computed again from the file that SB3's Monitor writes."""
    env = Monitor(gym.make("CartPole-v1"), str(tmp_path / "episodes"))
    database = learn(PPO("MlpPolicy", env, n_steps=256, n_epochs=1, seed=5), 3072, tmp_path)
    env.close()
    with (tmp_path / "episodes.monitor.csv").open() as file:
        file.readline()  # what the file is about
        episodes = [(float(line["r"]), int(line["l"])) for line in csv.DictReader(file)]
    rows = metric_rows(database)
    assert len(episodes) > 100, "the window must have moved on"
    for row in rows:
        ended = np.cumsum([length for _, length in episodes]) <= row["timestep"]
        last = np.array(episodes)[ended][-100:]
        assert row["episode_reward_mean"] == pytest.approx(last[:, 0].mean(), rel=1e-9)
        assert row["episode_reward_std"] == pytest.approx(last[:, 0].std(), rel=1e-9)
        assert row["episode_length_mean"] == pytest.approx(last[:, 1].mean(), rel=1e-9)
    run = the_run(database)
    assert run["final_reward"] == rows[-1]["episode_reward_mean"]
    assert run["best_reward"] == max(row["episode_reward_mean"] for row in rows)


class ByHand(BaseCallback):
    """Computes, before every update of A2C, the gradient of its loss; and the norm of all weights."""

    def __init__(self) -> None:
        super().__init__()
        self.gradients: list[float] = []
        self.weights: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        model: Any = self.model
        data = next(copy.deepcopy(model.rollout_buffer).get(batch_size=None))
        values, log_prob, entropy = model.policy.evaluate_actions(data.observations, data.actions.long().flatten())
        loss = (
            -(data.advantages * log_prob).mean()
            - model.ent_coef * entropy.mean()
            + model.vf_coef * torch.nn.functional.mse_loss(data.returns, values.flatten())
        )
        parameters = list(model.policy.parameters())
        found = [g.numpy().astype(np.float64) for g in torch.autograd.grad(loss, parameters)]
        self.gradients.append(np.sqrt(sum(np.square(g).sum() for g in found)))
        self.weights.append(norm_of(parameters))


def norm_of(parameters: Iterable[torch.Tensor]) -> float:
    return float(np.sqrt(sum(np.square(p.detach().numpy().astype(np.float64)).sum() for p in parameters)))


def test_norms_are_those_of_the_whole_network_before_clipping(tmp_path: Path) -> None:
    """The gradient of the first update, computed by hand, and the weights as they were when its row was written."""
    model, by_hand = A2C("MlpPolicy", "CartPole-v1", max_grad_norm=1e-3, ent_coef=0.01, seed=1), ByHand()
    database = learn(model, 60, tmp_path, by_hand, log_interval=1)
    first, second = metric_rows(database)[:2]
    assert (first["gradient_norm"], first["weight_norm"]) == (None, None), "no update yet"
    assert second["gradient_norm"] == pytest.approx(by_hand.gradients[0], rel=1e-4)
    assert second["gradient_norm"] > 10 * model.max_grad_norm
    assert second["weight_norm"] == pytest.approx(by_hand.weights[1], rel=1e-6)


@pytest.mark.parametrize("algorithm", ["dqn", "sac", "td3"])
def test_target_networks_are_no_weights_of_their_own(algorithm: str, tmp_path: Path) -> None:
    """They copy what is trained: counted, they would make the norm larger by a constant factor."""
    make, steps, settings, _ = MODELS[algorithm]
    model = make()
    networks = {"dqn": lambda: [model.q_net], "sac": lambda: [model.actor, model.critic],
                "td3": lambda: [model.actor, model.critic]}[algorithm]()  # fmt: skip
    trained = [p for network in networks for p in network.parameters()]
    assert {id(p) for p in trained_parameters(model.policy)} == {id(p) for p in trained}
    assert weight_norm(trained_parameters(model.policy)) == pytest.approx(norm_of(trained), rel=1e-6)
    database = learn(model, steps, tmp_path, **settings)
    assert json.loads(the_run(database)["metadata_json"])["parameters"] == sum(p.numel() for p in trained)
    assert not [p for p in model.policy.parameters() if p._post_accumulate_grad_hooks], "a hook was left behind"


class Busy(BaseCallback):
    """Keeps the processor busy in the first rollout and lets it rest in the second, however busy others keep it."""

    took = 0.0

    def _on_rollout_start(self) -> None:
        began, until = time.monotonic(), time.process_time() + 0.5
        if self.num_timesteps:
            time.sleep(2 * self.took)
            return
        while time.process_time() < until:
            pass
        self.took = time.monotonic() - began

    def _on_step(self) -> bool:
        return True


def test_the_process_is_measured(tmp_path: Path) -> None:
    """CPU and speed since the row before, and memory as psutil sees it from outside."""
    rows = metric_rows(learn(make_ppo(), 256, tmp_path, Busy()))
    assert 1 < rows[1]["cpu_percent"] < 0.7 * rows[0]["cpu_percent"] <= 101
    resident = psutil.Process().memory_info().rss / 2**20
    assert all(0.5 * resident < row["memory_mb"] < 2 * resident for row in rows)
    for before, row in pairwise(rows):
        taken = datetime.fromisoformat(row["timestamp"]) - datetime.fromisoformat(before["timestamp"])
        assert row["steps_per_second"] == pytest.approx(128 / taken.total_seconds(), rel=0.05)
    assert [row["progress_pct"] for row in rows] == [50, 100]
    assert {row["total_timesteps"] for row in rows} == {256}


class Dumps(BaseCallback):
    """Logs something of its own every 50 steps, under a step of its own, as people do."""

    def _on_step(self) -> bool:
        if self.n_calls % 50 == 0:
            self.logger.record("mine/calls", self.n_calls)
            self.logger.dump(self.n_calls)
        return True


@pytest.mark.parametrize("other", [
    lambda: EvalCallback(make_vec_env("CartPole-v1"), n_eval_episodes=1, eval_freq=100, verbose=0), Dumps])  # fmt: skip
def test_callbacks_that_log_in_between_cost_no_value(other: Callable[[], BaseCallback], tmp_path: Path) -> None:
    """What they take out of SB3's table is put back into it, and their own lines are no rows."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=128, n_epochs=1, seed=2)
    log_to_csv(model, tmp_path)
    callback = other()
    rows, logged = metric_rows(learn(model, 640, tmp_path, callback)), read_csv(tmp_path)
    if isinstance(callback, EvalCallback):
        callback.eval_env.close()
    assert [row["timestep"] for row in rows] == [128, 256, 384, 512, 640]
    assert len(logged) > len(rows)
    losses = [line["train/value_loss"] for line in logged if "train/value_loss" in line]
    assert [row["value_loss"] for row in rows] == [None, *losses]
    assert [row["episode_count"] for row in rows] == [1, 2, 3, 4, 5]
    assert all(row["fps"] for row in rows)


def test_episodes_that_end_in_one_step_make_one_row(tmp_path: Path) -> None:
    """SB3 then logs twice at a step, the losses only the first time."""
    env = make_vec_env("Pendulum-v1", 2, seed=1, env_kwargs={"max_episode_steps": 25})
    model = SAC("MlpPolicy", env, learning_starts=20, train_freq=5, seed=1)
    log_to_csv(model, tmp_path)
    rows, logged = metric_rows(learn(model, 200, tmp_path, log_interval=1)), read_csv(tmp_path)
    assert [line["time/total_timesteps"] for line in logged] == [50, 50, 100, 100, 150, 150, 200, 200]
    assert [row["timestep"] for row in rows] == [50, 100, 150, 200]
    assert [row["value_loss"] for row in rows] == [line["train/critic_loss"] for line in logged[::2]]
    assert [row["episode_count"] for row in rows] == [2, 4, 6, 8]
    assert all(row["cpu_percent"] > 0 and row["steps_per_second"] > 0 for row in rows)


@pytest.mark.parametrize(("interval", "steps", "counts"), [(2, [128, 256, 320], [2, 4, 5]), (None, [320], [5])])
def test_the_end_is_a_row_where_sb3_logs_none(
    interval: int | None, steps: list[int], counts: list[int], tmp_path: Path
) -> None:
    """With a long log interval the last rollouts would be missing."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, seed=2)
    rows = metric_rows(learn(model, 320, tmp_path, log_interval=interval))
    assert [row["timestep"] for row in rows] == steps
    assert [row["episode_count"] for row in rows] == counts
    assert rows[-1]["episode_reward_mean"] == np.mean([episode["r"] for episode in model.ep_info_buffer or ()])


def test_the_end_of_dqn_counts_episodes(tmp_path: Path) -> None:
    """It has `n_steps`, too, since SB3 2.7: its n-step return, no rollout."""
    model = DQN("MlpPolicy", "CartPole-v1", seed=2)
    rows = metric_rows(learn(model, 150, tmp_path, log_interval=1000))
    assert [(row["timestep"], row["episode_count"]) for row in rows] == [(model.num_timesteps, model._episode_num)]


@pytest.mark.parametrize("vec_env", [None, SubprocVecEnv])
def test_rewards_are_the_environments_own(vec_env: type[SubprocVecEnv] | None, tmp_path: Path) -> None:
    """Also where VecNormalize scales what the model sees, and where environments live in other processes."""
    env = VecNormalize(make_vec_env("CartPole-v1", 2, seed=1, vec_env_cls=vec_env), norm_reward=True)
    rows = metric_rows(learn(PPO("MlpPolicy", env, n_steps=64, n_epochs=1, seed=1), 256, tmp_path))
    env.close()
    assert all(row["episode_reward_mean"] == row["episode_length_mean"] > 5 for row in rows), "CartPole: 1 per step"


def test_a_training_that_logs_rarely_shows_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heartbeat and its step go on between the rows: without them a page would call it stale."""
    monkeypatch.setattr("runsum.record.recording._HEARTBEAT_EVERY_S", 0.5)
    seen = []

    def look(known: dict[str, Any], _: Any) -> bool:
        if known["self"].num_timesteps % 64 == 1:
            seen.append(the_run(tmp_path / "runs.db"))
            time.sleep(0.6)
        return True

    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1)
    rows = metric_rows(learn(model, 256, tmp_path, ConvertCallback(look), log_interval=1000))
    assert [row["timestep"] for row in rows] == [256]
    assert [run["current_timestep"] for run in seen] == sorted(run["current_timestep"] for run in seen)
    assert seen[-1]["current_timestep"] >= 64
    assert seen[-1]["heartbeat_at"] == seen[-1]["updated_at"] > seen[0]["heartbeat_at"]


class Unreadable(BaseCallback):
    """Logs a text where a number belongs."""

    def _on_step(self) -> bool:
        self.logger.record("train/learning_rate", "fast")
        return True


def test_a_row_that_cannot_be_read_ends_no_training(tmp_path: Path) -> None:
    """One warning, and the training comes to its end."""
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1)
    with pytest.warns(UserWarning, match=r"runsum could not record a row: ValueError") as warned:
        database = learn(model, 192, tmp_path, Unreadable())
    assert len(warned) == 1
    assert the_run(database)["status"] == "completed"
