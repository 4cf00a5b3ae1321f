"""Of how many episodes a mean is, and what is not said of those of few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runsum.analysis.shape import describe_shape
from runsum.analysis.shape_facts import convergence_fact, trend_fact
from runsum.analysis.windows import Episodes, are_whole, best_is_early, frames_of
from support.analysis import LIMITS, NAN, series


@pytest.mark.parametrize(
    ("steps", "lengths", "start", "env_id", "early"),
    [
        ([737.0, 900.0], [368.5, 300.0], 0, "SuperMarioBros-Nes", True),
        ([2_400.0, 9_000.0], [100.0, 100.0], 0, None, True),
        ([2_600.0, 9_000.0], [100.0, 100.0], 0, "ALE/Pong-v5", False),  # in frames, a hundred can be as short
        ([2_600.0, 9_000.0], [100.0, 100.0], 0, "Pendulum-v1", True),  # nobody skips frames there
        ([10_000.0, 11_000.0], [100.0, 100.0], 0, "Pendulum-v1", False),
        ([50_737.0, 60_000.0], [368.5, 300.0], 50_000, None, False),  # a leg goes on with the episodes of its parent
        ([737.0, 900.0], [NAN, 300.0], 0, None, False),
        ([737.0, 900.0], [0.0, 300.0], 0, None, False),
    ],
)
def test_a_best_mean_that_surely_is_of_few_episodes(
    steps: list[float], lengths: list[float], start: int, env_id: str | None, early: bool
) -> None:
    """No hundred of that length fit into the steps that were trained until then."""
    found = series(steps, episode_reward_mean=[97.0, 86.0], episode_length_mean=lengths)
    assert best_is_early(replace(found, start_timestep=start), env_id) is early


def test_a_best_mean_that_was_reached_again_is_not_of_few_episodes() -> None:
    """A run that never got anything has 0 first and last; to call the best of these early would contradict itself."""
    found = series([500.0, 90_000.0], episode_reward_mean=[0.0, 0.0], episode_length_mean=[100.0, 100.0])
    assert not best_is_early(found, "Pendulum-v1")


def test_a_run_without_rewards_has_no_early_best() -> None:
    """There is none at all."""
    assert not best_is_early(series([1.0, 2.0], episode_reward_mean=[NAN, NAN], episode_length_mean=[9.0, 9.0]), None)


def test_rows_of_a_whole_window() -> None:
    """By the lengths; where they are missing nothing is ruled out, and a leg began with those of its parent."""
    found = series([500.0, 1_000.0, 2_000.0], episode_length_mean=[10.0, 10.0, NAN])
    assert are_whole(found, "CartPole-v1", 100).tolist() == [False, True, True]
    assert are_whole(found, "Alien", 100).tolist() == [True, True, True]
    assert are_whole(replace(found, start_timestep=400), "CartPole-v1", 100).all()


@pytest.mark.parametrize(
    ("env_id", "frames"),
    [("CartPole-v1", 1), ("HalfCheetah-v4", 1), ("ALE/Pong-v5", 4), ("CartPoleHard-v1", 4), (None, 4)],
)
def test_frames_of_a_step(env_id: str | None, frames: int) -> None:
    """Known of Gymnasium's own small environments only."""
    assert frames_of(env_id) == frames


def test_a_drop_of_the_first_few_episodes_is_no_cliff() -> None:
    """One of them was good. The same drop later, or where nobody knows of how many a mean is, is one."""
    steps = np.arange(1.0, 201) * 200
    values = np.concatenate([np.full(40, 5.0), np.full(160, 1.0)]) + np.tile([0.0, 0.01], 100)
    found = {
        length: describe_shape(steps, values, LIMITS, Episodes(None if length is None else np.full(200, length))).cliffs
        for length in (150.0, 20.0, None)
    }
    assert found == {150.0: 0, 20.0: 1, None: 1}
    leg = Episodes(np.full(200, 150.0), start=100)
    assert describe_shape(steps, values, LIMITS, leg).cliffs == 1


def _since_the_start(rewards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps and running means of episodes of 200 steps, as a trainer records them: the last hundred at most."""
    means = [rewards[max(0, place - 99) : place + 1].mean() for place in range(len(rewards))]
    return np.arange(1.0, len(rewards) + 1) * 200, np.array(means)


def test_a_mean_that_goes_back_to_the_start_is_not_judged() -> None:
    """The policy was level at -150 since the 30th of 100 episodes; the mean still rises. With 200 it can be told."""
    learned = np.concatenate([np.linspace(-1_400.0, -150.0, 30), np.full(170, -150.0)])
    for count, kind in ((90, "early"), (149, "early"), (200, "level")):
        steps, means = _since_the_start(learned[:count])
        shape = describe_shape(steps, means, LIMITS, Episodes(np.full(count, 200.0)))
        assert shape.kind == kind
        assert shape.covered == (min(1.0, 100 / count) if kind == "early" else None)
        assert (trend_fact(shape).missing, convergence_fact(shape).missing) == ((kind == "early",) * 2)
    assert shape.level_since is not None
    unknown = describe_shape(*_since_the_start(learned[:100]), LIMITS)
    assert unknown.kind == "rising"
