"""Thresholds and human-normalised scores: where they apply, where they are refused, what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runsum.analysis.solved import (
    Measure,
    find_human_score,
    find_measure,
    find_solved,
    human_fact,
    is_most,
    normalise,
    solved_fact,
)
from runsum.model import ConfigValue
from runsum.reference.atari_scores import ATARI_SCORES
from runsum.reference.reward_thresholds import REWARD_THRESHOLDS
from support.analysis import NAN, key_of, keys, series

HUNDRED = Measure(window=100, known=True)
RISING = series([1000, 2000, 3000, 4000], episode_reward_mean=[100, 300, 480, 490])


def measure(**settings: Any) -> Measure:
    config = {key: ConfigValue(value, "config_json") for key, value in settings.items()}
    return find_measure(config, str(settings.get("env_id", "CartPole-v1")), by_application=False, by_runsum=False)


def test_the_registry_is_kept_by_exact_id() -> None:
    """Each version of an environment has its own entry; Atari has none."""
    assert REWARD_THRESHOLDS["CartPole-v1"] == (475.0, 500, {}, "1.4.0")
    assert REWARD_THRESHOLDS["LunarLander-v2"] == (200.0, 1000, {}, "0.29.1")
    assert REWARD_THRESHOLDS["LunarLander-v3"] == (200.0, 1000, {}, "1.4.0")
    assert "CartPole-v2" not in REWARD_THRESHOLDS
    assert not any("Breakout" in name for name in REWARD_THRESHOLDS)


def test_the_registry_is_the_installed_one() -> None:
    """Where the newest version that was read is installed, every entry is the registry's own."""
    gymnasium = pytest.importorskip("gymnasium")
    entries = {name: entry for name, entry in REWARD_THRESHOLDS.items() if entry[3] == gymnasium.__version__}
    if not entries:
        pytest.skip(f"the table was not read from Gymnasium {gymnasium.__version__}")
    found = {name: spec for name, spec in gymnasium.registry.items() if spec.reward_threshold is not None}
    read = {name: (spec.reward_threshold, spec.max_episode_steps, spec.kwargs) for name, spec in found.items()}
    assert read == {name: entry[:3] for name, entry in entries.items()}


def test_reached_with_a_known_window() -> None:
    """The first mean at or above the threshold, and that every later one holds."""
    found = find_solved(RISING, "CartPole-v1", "Cart Pole", {}, HUNDRED, lost=False)
    assert found is not None
    assert (found.level, found.origin, found.reached_at, found.held) == (475.0, "Gymnasium 1.4.0", 3000, True)
    fact = solved_fact(found, HUNDRED)
    assert key_of(fact) == "solved.registry"
    assert keys(fact.small) == ["solved.held", "solved.source", "solved.training_episodes"]


@pytest.mark.parametrize("window", [None, 20])
def test_a_mean_of_unknown_or_few_episodes_only_crosses(window: int | None) -> None:
    """Gymnasium means 100 episodes: anything else is no more than a crossing."""
    known = Measure(window=window)
    found = find_solved(RISING, "CartPole-v1", None, {}, known, lost=False)
    assert key_of(solved_fact(found, known)) == "solved.crossed"


def test_falling_below_again_is_said() -> None:
    """One crossing is not a level."""
    rows = series([1, 2, 3], episode_reward_mean=[480, 300, 490])
    fact = solved_fact(find_solved(rows, "CartPole-v1", None, {}, HUNDRED, lost=False), HUNDRED)
    assert keys(fact.small)[0] == "solved.fell_below"


def test_a_crossing_by_the_last_mean_says_that_nothing_is_known_of_later_ones() -> None:
    """No later mean is not every later mean; one that is missing is none."""
    rows = series([1, 2, 3], episode_reward_mean=[300, 480, NAN])
    found = find_solved(rows, "CartPole-v1", None, {}, HUNDRED, lost=False)
    assert found is not None
    assert (found.reached_at, found.held) == (2, None)
    assert keys(solved_fact(found, HUNDRED).small)[0] == "solved.at_the_end"


@pytest.mark.parametrize("known", [HUNDRED, Measure()], ids=["window of 100", "unknown window"])
def test_early_means_of_few_episodes_do_not_count(known: Measure) -> None:
    """100 episodes of 200 steps take 20,000 steps: what was recorded before is a mean of fewer."""
    rows = series([1000, 19_000, 21_000], episode_reward_mean=[-90, -100, -105], episode_length_mean=[200, 200, 200])
    found = find_solved(rows, "MountainCar-v0", None, {}, known, lost=False)
    assert found is not None
    assert found.reached_at == 21_000


@pytest.mark.parametrize("known", [HUNDRED, Measure()], ids=["window of 100", "unknown window"])
def test_what_only_means_of_few_episodes_reached_is_not_below(known: Measure) -> None:
    """Forty thousand steps are 80 episodes of 500: the best, 500, is above the 475 that it does not count for."""
    rows = series([20_000, 40_000], episode_reward_mean=[480, 500], episode_length_mean=[500, 500])
    fact = solved_fact(find_solved(rows, "CartPole-v1", None, {}, known, lost=False), known)
    assert (key_of(fact), fact.words and fact.words.values["count"]) == ("solved.early", 100)


def test_a_leg_goes_on_with_the_episodes_of_its_parent() -> None:
    """Its first mean is of a hundred, most of them the parent's."""
    rows = replace(series([1_000_480], episode_reward_mean=[480], episode_length_mean=[480]), start_timestep=1_000_000)
    found = find_solved(rows, "CartPole-v1", None, {}, HUNDRED, lost=False)
    assert found is not None
    assert found.reached_at == 1_000_480


@pytest.mark.parametrize(("env_id", "reached"), [("ALE/Breakout-v5", 26_000), ("CartPole-v1", None)])
def test_lengths_of_atari_may_be_in_frames(env_id: str, reached: int | None) -> None:
    """Four to a step: 26,000 steps are 104,000 frames, which are a hundred episodes of a thousand."""
    rows = series([24_000, 26_000], episode_reward_mean=[500, 500], episode_length_mean=[1000, 1000])
    found = find_solved(rows, env_id, None, {env_id: 30.0}, HUNDRED, lost=False)
    assert found is not None
    assert found.reached_at == reached


def test_a_declared_threshold_comes_first() -> None:
    """By id or by game; it is the user's own, and refused for nothing but missing rewards."""
    odd = Measure(changed="normalize")
    found = find_solved(RISING, "CartPole-v1", "Cart Pole", {"Cart Pole": 300.0}, odd, lost=False)
    assert found is not None
    assert (found.level, found.origin, found.reached_at) == (300.0, "runsum.yml", 2000)
    assert key_of(solved_fact(found, odd)) == "solved.yes"


def test_not_reached_and_not_judged() -> None:
    """Below, without rewards, with lost rewards, without a threshold."""

    def said(rows: Any, env_id: str = "CartPole-v1", lost: bool = False) -> str:
        return key_of(solved_fact(find_solved(rows, env_id, None, {}, HUNDRED, lost), HUNDRED))

    low = series([1, 2], episode_reward_mean=[10, 20])
    assert said(low) == "solved.below"
    assert said(series([1], episode_reward_mean=[NAN])) == "reward.none"
    assert said(low, lost=True) == "reward.lost"
    assert said(RISING, "ALE/Breakout-v5") == "solved.no_target"


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"wrappers": ["VecNormalize", "Monitor", "TimeLimit"]}, ""),  # outside of the monitor: it saw plain rewards
        ({"wrappers": ["VecMonitor", "VecNormalize", "TimeLimit"]}, "VecNormalize"),
        ({"wrappers": ["Monitor", "ClipRewardEnv", "NoopResetEnv"]}, "ClipRewardEnv"),
        ({"wrappers": ["ClipRewardEnv", "EpisodicLifeEnv", "Monitor", "TimeLimit"]}, ""),
        ({"custom_params": {"clip_rewards": True}}, "clip_rewards"),
        ({"custom_params": {"clip_rewards": False}}, ""),
        ({"normalize": True}, "normalize"),
        ({"normalize": "{'norm_obs': True, 'norm_reward': False}"}, ""),
        ({"custom_params": {"env": {"reward_scale": 0.1}}}, "reward_scale"),
        ({"reward_scale": 1.0}, ""),
        ({"env_wrapper": ["stable_baselines3.common.atari_wrappers.AtariWrapper"]}, "env_wrapper"),
        ({"custom_params": {"zoo_config": {"normalize": True}}}, ""),  # RL Zoo measures at the bare environment
    ],
)
def test_what_changes_rewards_before_they_are_measured(settings: dict[str, Any], changed: str) -> None:
    """By the place of the monitor where it is known, else by the settings."""
    assert measure(**settings).changed == changed


def test_changed_rewards_are_refused() -> None:
    """The reason names the setting."""
    odd = measure(normalize=True)
    fact = solved_fact(find_solved(RISING, "CartPole-v1", None, {}, odd, lost=False), odd)
    assert key_of(fact) == "solved.changed"
    assert fact.reason is not None
    assert fact.reason.values["what"] == "normalize"


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        ({"max_episode_steps": 500}, ""),
        ({"max_episode_steps": 1000}, "max_episode_steps 1000"),
        ({"custom_params": {"env is_slippery": False}}, "is_slippery"),
        ({"env_id": "FrozenLake-v1", "custom_params": {"env map_name": "4x4"}}, ""),  # as it is registered
        ({"env_id": "FrozenLake-v1", "custom_params": {"env map_name": "8x8"}}, "map_name"),
    ],
)
def test_another_task_is_refused(settings: dict[str, Any], other: str) -> None:
    """A longer episode or an argument makes the threshold one of something else."""
    odd = measure(**settings)
    assert odd.other_task == other
    env_id = settings.get("env_id", "CartPole-v1")
    said = key_of(solved_fact(find_solved(RISING, env_id, None, {}, odd, lost=False), odd))
    assert said == ("solved.other_task" if other else "solved.crossed")


def test_the_window_is_the_recorders() -> None:
    """100 for the application and for Stable-Baselines3 unless it was told otherwise; else unknown."""
    config = {"stats_window_size": ConfigValue(20, "config_json")}
    assert find_measure({}, "CartPole-v1", by_application=True, by_runsum=False).window == 100
    assert find_measure(config, "CartPole-v1", by_application=False, by_runsum=True).window == 20
    assert measure().window is None


# ---------------------------------------------------------------- human-normalised


def test_the_score_of_breakout() -> None:
    """(16.1 - 1.7) / (30.5 - 1.7) is a half."""
    assert normalise(16.1, 1.7, 30.5) == pytest.approx(0.5)
    assert len(ATARI_SCORES) == 57
    found = find_human_score("ALE/Breakout-v5", 16.1, 30.5, HUNDRED, lost=False)
    assert found is not None
    assert (found.final, found.best) == (pytest.approx(0.5), pytest.approx(1.0))
    fact = human_fact(found, "ALE/Breakout-v5", HUNDRED)
    assert keys(fact.small) == ["human.scale", "human.protocol", "human.sticky"]
    assert not fact.estimated


@pytest.mark.parametrize(
    ("env_id", "settings", "said"),
    [
        ("ALE/Breakout-v5", {"custom_params": {"env repeat_action_probability": 0.0}}, False),
        ("ALE/Breakout-v5", {"env_kwargs": {"repeat_action_probability": "0"}}, False),
        ("ALE/Breakout-v5", {"custom_params": {"zoo_config": {"env_kwargs": {"repeat_action_probability": 0}}}}, False),
        ("ALE/Breakout-v5", {"custom_params": {"env repeat_action_probability": 0.25}}, True),
        ("ALE/Breakout-v5", {}, True),
        ("BreakoutNoFrameskip-v4", {"env_kwargs": {"repeat_action_probability": 0.25}}, True),
        ("BreakoutNoFrameskip-v4", {}, False),
    ],
)  # fmt: skip
def test_whether_actions_are_repeated_at_random_is_what_the_record_says(
    env_id: str, settings: dict[str, Any], said: bool
) -> None:
    """The version of the environment tells it only where no argument was recorded."""
    found = find_human_score(env_id, 16.1, 30.5, HUNDRED, lost=False)
    assert found is not None
    fact = human_fact(found, env_id, measure(env_id=env_id, **settings))
    assert ("human.sticky" in keys(fact.small)) is said


def test_an_unknown_protocol_is_said() -> None:
    """Without wrappers on record nobody knows whether these are game scores: the number is an estimate."""
    found = find_human_score("BreakoutNoFrameskip-v4", 16.1, 30.5, Measure(window=100), lost=False)
    assert found is not None
    fact = human_fact(found, "BreakoutNoFrameskip-v4", Measure(window=100))
    assert fact.estimated
    assert keys(fact.small) == ["human.scale", "human.protocol", "human.unknown"]


@pytest.mark.parametrize(
    ("env_id", "atari"),
    [
        ("ALE/SpaceInvaders-v5", True), ("SpaceInvadersNoFrameskip-v4", True), ("PongDeterministic-v0", True),
        ("Pong-ram-v4", True), ("Breakout-v4", True), ("ALE/Tetris-v5", False), ("MinAtar/Breakout-v1", False),
        ("CartPole-v1", False), ("", False),
    ],
)  # fmt: skip
def test_which_ids_are_atari_games(env_id: str, atari: bool) -> None:
    """The forms in which they are recorded, and only games of the table."""
    found = find_human_score(env_id, 1.0, 2.0, Measure(window=100), lost=False)
    assert (found is not None) is atari


@pytest.mark.parametrize(
    ("odd", "lost", "why"),
    [
        (Measure(changed="ClipRewardEnv"), False, "human.changed"),
        (Measure(lives=True), False, "human.lives"),
        (Measure(), True, "human.lost"),
    ],
)
def test_no_score_of_what_is_no_game_score(odd: Measure, lost: bool, why: str) -> None:
    """Clipped rewards, single lives, lost rewards."""
    found = find_human_score("ALE/Breakout-v5", 20.0, 20.0, odd, lost)
    assert found is not None
    assert found.final is None
    assert key_of(human_fact(found, "ALE/Breakout-v5", odd)) == why


def test_single_lives_are_those_inside_of_the_monitor() -> None:
    """EpisodicLifeEnv around the monitor changes nothing of what it sees."""
    assert measure(wrappers=["Monitor", "EpisodicLifeEnv"]).lives
    assert not measure(wrappers=["EpisodicLifeEnv", "Monitor"]).lives


@pytest.mark.parametrize(
    ("env_id", "level", "most"),
    [
        ("PongNoFrameskip-v4", 20.9, True), ("ALE/Pong-v5", 20.5, False), ("CartPole-v1", 498.0, True),
        ("CartPole-v1", 480.0, False), ("ALE/Breakout-v5", 864.0, False), (None, 500.0, False),
    ],
)  # fmt: skip
def test_the_most_that_a_game_can_give(env_id: str | None, level: float, most: bool) -> None:
    """Known of games that end at a score."""
    assert is_most(env_id, level) is most
