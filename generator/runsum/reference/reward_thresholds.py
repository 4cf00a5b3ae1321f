"""Gymnasium's `reward_threshold` of every environment that has one, by the exact id.

Written by tests/reference/make_reward_thresholds.py from the registries themselves: do not edit. An id belongs to the
newest version that registers it; older versions of an environment are in older registries only.
"""

from __future__ import annotations

REWARD_THRESHOLDS: dict[str, tuple[float, int | None, dict[str, bool | str], str]] = {
    "Acrobot-v1": (-100.0, 500, {}, "1.4.0"),
    "Ant-v2": (6000.0, 1000, {}, "0.29.1"),
    "Ant-v3": (6000.0, 1000, {}, "0.29.1"),
    "Ant-v4": (6000.0, 1000, {}, "1.4.0"),
    "Ant-v5": (6000.0, 1000, {}, "1.4.0"),
    "BipedalWalker-v3": (300.0, 1600, {}, "1.4.0"),
    "BipedalWalkerHardcore-v3": (300.0, 2000, {"hardcore": True}, "1.4.0"),
    "CarRacing-v2": (900.0, 1000, {}, "0.29.1"),
    "CarRacing-v3": (900.0, 1000, {}, "1.4.0"),
    "CartPole-v0": (195.0, 200, {}, "1.4.0"),
    "CartPole-v1": (475.0, 500, {}, "1.4.0"),
    "FrozenLake-v1": (0.7, 100, {"map_name": "4x4"}, "1.4.0"),
    "FrozenLake8x8-v1": (0.85, 200, {"map_name": "8x8"}, "1.4.0"),
    "HalfCheetah-v2": (4800.0, 1000, {}, "0.29.1"),
    "HalfCheetah-v3": (4800.0, 1000, {}, "0.29.1"),
    "HalfCheetah-v4": (4800.0, 1000, {}, "1.4.0"),
    "HalfCheetah-v5": (4800.0, 1000, {}, "1.4.0"),
    "Hopper-v2": (3800.0, 1000, {}, "0.29.1"),
    "Hopper-v3": (3800.0, 1000, {}, "0.29.1"),
    "Hopper-v4": (3800.0, 1000, {}, "1.4.0"),
    "Hopper-v5": (3800.0, 1000, {}, "1.4.0"),
    "InvertedDoublePendulum-v2": (9100.0, 1000, {}, "0.29.1"),
    "InvertedDoublePendulum-v4": (9100.0, 1000, {}, "1.4.0"),
    "InvertedDoublePendulum-v5": (9100.0, 1000, {}, "1.4.0"),
    "InvertedPendulum-v2": (950.0, 1000, {}, "0.29.1"),
    "InvertedPendulum-v4": (950.0, 1000, {}, "1.4.0"),
    "InvertedPendulum-v5": (950.0, 1000, {}, "1.4.0"),
    "LunarLander-v2": (200.0, 1000, {}, "0.29.1"),
    "LunarLander-v3": (200.0, 1000, {}, "1.4.0"),
    "LunarLanderContinuous-v2": (200.0, 1000, {"continuous": True}, "0.29.1"),
    "LunarLanderContinuous-v3": (200.0, 1000, {"continuous": True}, "1.4.0"),
    "MountainCar-v0": (-110.0, 200, {}, "1.4.0"),
    "MountainCarContinuous-v0": (90.0, 999, {}, "1.4.0"),
    "Pusher-v2": (0.0, 100, {}, "0.29.1"),
    "Pusher-v4": (0.0, 100, {}, "1.4.0"),
    "Pusher-v5": (0.0, 100, {}, "1.4.0"),
    "Reacher-v2": (-3.75, 50, {}, "0.29.1"),
    "Reacher-v4": (-3.75, 50, {}, "1.4.0"),
    "Reacher-v5": (-3.75, 50, {}, "1.4.0"),
    "Swimmer-v2": (360.0, 1000, {}, "0.29.1"),
    "Swimmer-v3": (360.0, 1000, {}, "0.29.1"),
    "Swimmer-v4": (360.0, 1000, {}, "1.4.0"),
    "Swimmer-v5": (360.0, 1000, {}, "1.4.0"),
    "Taxi-v3": (8.0, 200, {}, "0.29.1"),
    "Taxi-v4": (8.0, 200, {}, "1.4.0"),
    "phys2d/CartPole-v0": (195.0, 200, {}, "1.4.0"),
    "phys2d/CartPole-v1": (475.0, 500, {}, "1.4.0"),
}
"""(threshold, steps after which an episode is cut off, arguments, version of Gymnasium) by environment id."""
