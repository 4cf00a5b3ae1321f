"""The trainings of the demo archive: what is trained, and how each of them is meant to end.

The settings follow the tuned ones of RL Baselines3 Zoo (MIT) where it has them, with fewer timesteps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ATARI = {"frameskip": 1, "repeat_action_probability": 0.0}  # SB3's Atari wrapper repeats actions itself
RAM = {"obs_type": "ram", "frameskip": 4, "repeat_action_probability": 0.0}


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes:
        after: name of the plan whose checkpoint this one continues.
        end: how it ends: by itself, or killed, interrupted (Ctrl+C) or stopped at a mean reward.
        end_at: step at which it is killed or interrupted, or the mean reward that ends it.
        linear: settings that fall linearly to zero.
        note: what the person wanted to know, shown on the page of the run.
    """

    name: str
    algorithm: Literal["PPO", "A2C", "DQN"]
    env_id: str
    steps: int
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    n_envs: int = 1
    policy: str = "MlpPolicy"
    title: str | None = None
    tags: tuple[str, ...] = ()
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    atari: bool = False
    normalise: bool = False
    linear: tuple[str, ...] = ()
    log_interval: int | None = None
    after: str | None = None
    end: Literal["itself", "killed", "interrupted", "solved"] = "itself"
    end_at: float = 0.0
    video: bool = False
    note: str | None = None


WIDE = {"net_arch": [256, 256]}
CARTPOLE_PPO = {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20,
                "learning_rate": 1e-3, "clip_range": 0.2}  # fmt: skip
CARTPOLE_DQN = {"learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000,
                "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128,
                "exploration_fraction": 0.16, "exploration_final_eps": 0.04, "policy_kwargs": WIDE}  # fmt: skip
LANDER_PPO = {"n_steps": 256, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999, "n_epochs": 4, "ent_coef": 0.01,
              "learning_rate": 5e-4}  # fmt: skip
LANDER_DQN = {"learning_rate": 6.3e-4, "batch_size": 128, "buffer_size": 50_000, "learning_starts": 1000,
              "target_update_interval": 250, "train_freq": 4, "gradient_steps": -1, "exploration_fraction": 0.12,
              "exploration_final_eps": 0.1, "policy_kwargs": WIDE}  # fmt: skip
BREAKOUT_PPO = {"n_steps": 128, "batch_size": 256, "n_epochs": 4, "learning_rate": 2.5e-4, "clip_range": 0.1,
                "ent_coef": 0.01}  # fmt: skip
RAM_PPO = {"n_steps": 128, "batch_size": 256, "n_epochs": 4, "learning_rate": 5e-4, "ent_coef": 0.01,
           "policy_kwargs": WIDE}  # fmt: skip

ATARI_PLANS = (
    Plan("breakout-ppo", "PPO", "ALE/Breakout-v5", 300_000, 1, BREAKOUT_PPO, 8, "CnnPolicy", atari=True,
         env_kwargs=ATARI, linear=("learning_rate", "clip_range"), tags=("baseline",),
         note="Pixels, four stacked frames, the usual settings. How far do 300,000 steps get without a GPU?"),
    Plan("pong-ram", "PPO", "ALE/Pong-v5", 400_000, 1, RAM_PPO, 8, env_kwargs=RAM, normalise=True,
         title="Pong from RAM", tags=("ram",),
         note="The 128 bytes of the console's memory instead of its pictures: ten times as fast on a CPU."),
    Plan("boxing-ram", "PPO", "ALE/Boxing-v5", 250_000, 1, RAM_PPO, 8, env_kwargs=RAM, normalise=True,
         title="Boxing from RAM", tags=("ram",)),
    Plan("breakout-a2c", "A2C", "ALE/Breakout-v5", 40_000, 1, {"ent_coef": 0.01, "vf_coef": 0.25}, 8, "CnnPolicy",
         atari=True, env_kwargs=ATARI, log_interval=10),
    Plan("breakout-dqn", "DQN", "ALE/Breakout-v5", 200_000, 1,
         {"buffer_size": 20_000, "learning_starts": 5000, "batch_size": 32, "train_freq": 4,
          "target_update_interval": 1000, "exploration_fraction": 0.1, "exploration_final_eps": 0.01,
          "learning_rate": 1e-4},
         1, "CnnPolicy", atari=True, env_kwargs=ATARI, end="interrupted", end_at=30_000,
         note="Stopped by hand: pixels take their time without a GPU, and the pace was all we wanted to know."),
)  # fmt: skip

CONTROL_PLANS = (
    *(Plan(f"cartpole-ppo-{seed}", "PPO", "CartPole-v1", 60_000, seed, CARTPOLE_PPO, 8, tags=("baseline", "seeds"),
           linear=("learning_rate", "clip_range"), video=seed == 1) for seed in (1, 2, 3)),
    *(Plan(f"cartpole-a2c-{seed}", "A2C", "CartPole-v1", 100_000, seed, {"ent_coef": 0.0}, 8, tags=("seeds",),
           linear=("learning_rate",), log_interval=10) for seed in (1, 2, 3)),
    *(Plan(f"cartpole-dqn-{seed}", "DQN", "CartPole-v1", 50_000, seed, CARTPOLE_DQN) for seed in (1, 2)),
    Plan("cartpole-solved", "PPO", "CartPole-v1", 300_000, 7, CARTPOLE_PPO, 8, title="CartPole until solved",
         end="solved", end_at=475, note="Trains until the mean of 100 episodes reaches 475, then stops by itself."),
    Plan("cartpole-dqn-unstable", "DQN", "CartPole-v1", 50_000, 1,
         CARTPOLE_DQN | {"learning_rate": 0.03, "target_update_interval": 1, "max_grad_norm": 1e9},
         title="DQN with a hot learning rate", tags=("what if",),
         note="Learning rate 0.03 and no gradient clipping, to see what the diagnostics say."),
    Plan("acrobot-ppo", "PPO", "Acrobot-v1", 200_000, 1,
         {"n_steps": 256, "gae_lambda": 0.94, "gamma": 0.99, "n_epochs": 4, "ent_coef": 0.0}, 16, normalise=True),
    Plan("acrobot-a2c", "A2C", "Acrobot-v1", 150_000, 1, {"ent_coef": 0.0}, 16, normalise=True, log_interval=10),
    Plan("acrobot-dqn", "DQN", "Acrobot-v1", 60_000, 1,
         CARTPOLE_DQN | {"learning_rate": 6.3e-4, "batch_size": 128, "buffer_size": 50_000, "learning_starts": 0,
                         "target_update_interval": 250, "train_freq": 4, "gradient_steps": 1,
                         "exploration_fraction": 0.12, "exploration_final_eps": 0.1}),
    Plan("mountaincar-ppo", "PPO", "MountainCar-v0", 300_000, 1,
         {"n_steps": 16, "gae_lambda": 0.98, "gamma": 0.99, "n_epochs": 4, "ent_coef": 0.0}, 16, normalise=True,
         log_interval=4),
    Plan("mountaincar-dqn", "DQN", "MountainCar-v0", 120_000, 1,
         {"learning_rate": 4e-3, "batch_size": 128, "buffer_size": 10_000, "learning_starts": 1000, "gamma": 0.98,
          "target_update_interval": 600, "train_freq": 16, "gradient_steps": 8, "exploration_fraction": 0.2,
          "exploration_final_eps": 0.07, "policy_kwargs": WIDE}),
    Plan("mountaincar-a2c", "A2C", "MountainCar-v0", 100_000, 1, {}, 8, log_interval=10,
         note="Raw observations, no normalisation: it never sees the flag."),
    Plan("pendulum-ppo", "PPO", "Pendulum-v1", 100_000, 1,
         {"n_steps": 256, "gae_lambda": 0.95, "gamma": 0.9, "n_epochs": 10, "learning_rate": 1e-3, "use_sde": True,
          "sde_sample_freq": 4}, 4),
    Plan("pendulum-a2c", "A2C", "Pendulum-v1", 150_000, 1,
         {"n_steps": 8, "gae_lambda": 0.9, "gamma": 0.9, "learning_rate": 7e-4, "use_sde": True,
          "max_grad_norm": 0.5}, 8, normalise=True, linear=("learning_rate",), log_interval=10),
    Plan("pendulum-broken", "PPO", "Pendulum-v1", 100_000, 1,
         {"n_steps": 256, "gamma": 0.9, "learning_rate": 1e30}, 4, title="Pendulum, learning rate typed wrong",
         note="1e30 instead of 1e-3. One rollout, one update, not a number."),
    *(Plan(f"lander-ppo-{seed}", "PPO", "LunarLander-v3", 300_000, seed, LANDER_PPO, 16, tags=("baseline", "seeds"),
           video=seed == 1) for seed in (1, 2, 3)),
    Plan("lander-leg-1", "PPO", "LunarLander-v3", 150_000, 11, LANDER_PPO, 16, title="Long lander",
         tags=("lineage",)),
    Plan("lander-leg-2", "PPO", "LunarLander-v3", 150_000, 11, {}, 16, after="lander-leg-1", tags=("lineage",)),
    Plan("lander-leg-2-slow", "PPO", "LunarLander-v3", 150_000, 11, {"learning_rate": 1e-4}, 16,
         after="lander-leg-1", tags=("lineage",), title="Long lander, slower from here",
         note="A fork of the first leg: does a smaller learning rate keep what it has?"),
    Plan("lander-leg-3", "PPO", "LunarLander-v3", 150_000, 11, {"ent_coef": 0.0}, 16, after="lander-leg-2",
         tags=("lineage",), note="Third leg without the entropy bonus."),
    Plan("lander-a2c", "A2C", "LunarLander-v3", 300_000, 1,
         {"n_steps": 5, "gamma": 0.995, "learning_rate": 8.3e-4, "ent_coef": 1e-5}, 8, linear=("learning_rate",),
         log_interval=50),
    Plan("lander-dqn", "DQN", "LunarLander-v3", 100_000, 1, LANDER_DQN),
    Plan("lander-diverged", "PPO", "LunarLander-v3", 120_000, 1, LANDER_PPO | {"learning_rate": 0.03}, 16,
         title="Lander with learning rate 0.03", tags=("what if",),
         note="Sixty times the learning rate of the baseline."),
    Plan("lander-killed", "PPO", "LunarLander-v3", 300_000, 4, LANDER_PPO, 16, end="killed", end_at=100_000),
    Plan("lander-stopped", "DQN", "LunarLander-v3", 100_000, 2, LANDER_DQN | {"learning_rate": 2e-3},
         end="interrupted", end_at=25_000, note="Ctrl+C: worse than the first DQN run, no need to see the end."),
)  # fmt: skip

PLANS = {plan.name: plan for plan in (*ATARI_PLANS, *CONTROL_PLANS)}
