"""A short film of a trained policy."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import imageio_ffmpeg
import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from tests.recording.plans import Plan

_SECONDS = 8
_FPS = 25
_LARGEST = 200_000


def film(model: BaseAlgorithm, plan: Plan, path: Path) -> float:
    """Film a few seconds of the greedy policy as H.264; more roughly where it would be larger than 200 kB.

    Returns:
        How long the film plays, in seconds.
    """
    path.parent.mkdir(exist_ok=True)
    frames = _play(model, plan)
    for quality in ("28", "34", "40", "46"):
        height, width = frames[0].shape[0] // 4 * 2, frames[0].shape[1] // 4 * 2
        writer = imageio_ffmpeg.write_frames(
            str(path), (frames[0].shape[1], frames[0].shape[0]), fps=_FPS, codec="libx264", macro_block_size=2,
            output_params=["-crf", quality, "-vf", f"scale={width}:{height}", "-movflags", "+faststart",
                           "-preset", "veryslow"],
        )  # fmt: skip
        writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
        writer.close()
        if path.stat().st_size <= _LARGEST:
            break
    return len(frames) / _FPS


def _play(model: BaseAlgorithm, plan: Plan) -> list[np.ndarray]:
    env = gym.make(plan.env_id, render_mode="rgb_array", **plan.env_kwargs)
    observation, _ = env.reset(seed=100)
    frames, step = [], 0
    every = max(1, round(env.metadata.get("render_fps", _FPS) / _FPS))
    while len(frames) < _SECONDS * _FPS:
        if step % every == 0:
            frames.append(env.render())
        action, _ = model.predict(observation, deterministic=True)
        observation, _, terminated, truncated, _ = env.step(action)
        step += 1
        if terminated or truncated:
            observation, _ = env.reset()
    env.close()
    return frames
