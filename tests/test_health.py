"""The checks of a run's health at their edges: what `runsum.health` makes of settings, and how a policy learns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from runsum.analysis.actions import count_actions, has_continuous_actions
from runsum.analysis.dynamics import describe_dynamics
from runsum.analysis.findings import (
    Subject,
)
from runsum.analysis.off_policy import check_off_policy
from runsum.analysis.on_policy import check_on_policy
from runsum.health import describe_subject, flat_settings
from runsum.model import ConfigValue, Finding, Level, phrase
from support.analysis import LIMITS, series
from support.checks import FLAT, LEVEL, STEPS, key, subject


def on_policy(whom: Subject | None = None, **columns: Any) -> dict[str, Finding]:
    given = {name: [value] * 200 if isinstance(value, float) else value for name, value in columns.items()}
    return {found.rule: found for found in check_on_policy(series(STEPS, **given), whom or subject(), LIMITS)}


def off_policy(whom: Subject, **columns: Any) -> dict[str, Finding]:
    given = {name: [value] * 200 if isinstance(value, float) else value for name, value in columns.items()}
    return {found.rule: found for found in check_off_policy(series(STEPS, **given), whom, LIMITS)}


# ---------------------------------------------------------------- actions and settings


@pytest.mark.parametrize(
    ("env_id", "count"),
    [
        ("ALE/Breakout-v5", 4), ("BreakoutNoFrameskip-v4", 4), ("Breakout-ramNoFrameskip-v4", 4),
        ("PongDeterministic-v4", 6), ("ALE/Seaquest-v5", 18), ("CartPole-v1", 2), ("LunarLander-v3", 4),
        ("LunarLanderContinuous-v2", None), ("sumo/single-intersection", None), ("MyBreakout-v0", None), (None, None),
    ],
)  # fmt: skip
def test_the_number_of_actions_is_that_of_the_environment(env_id: str | None, count: int | None) -> None:
    """By the name in the id; an id that only looks like a known one is not known."""
    assert count_actions(env_id) == count


def test_the_full_action_space_has_eighteen() -> None:
    """Where an Atari game was told to offer all of them, and nowhere else."""
    assert (count_actions("ALE/Pong-v5", True), count_actions("CartPole-v1", True)) == (18, 2)


def test_continuous_environments_are_known() -> None:
    """So that the level of their entropy is never judged."""
    assert has_continuous_actions("HalfCheetah-v5")
    assert not has_continuous_actions("CartPole-v1")


def config(**values: Any) -> dict[str, ConfigValue]:
    return {name: ConfigValue(value, "config_json") for name, value in values.items()}


def test_settings_of_other_recorders_fill_empty_places_only() -> None:
    """What stands in the usual place counts; text that is a number is one."""
    found = flat_settings(config(batch_size=64, gamma=None, custom_params={"zoo": {"gamma": "0.98", "batch_size": 32}}))
    assert (found["batch_size"], found["gamma"]) == (64, 0.98)


@pytest.mark.parametrize(
    ("settings", "annealed"),
    [
        ({"learning_rate": 2.5e-4}, False),
        ({"learning_rate": 2.5e-4, "learning_rate_at_the_end": 0.0}, True),
        ({"learning_rate": "lin_2.5e-4"}, True),
        ({"learning_rate": 2.5e-4, "custom_params": {"zoo_config": {"learning_rate": "lin_2.5e-4"}}}, True),
        ({"custom_params": {"tune_params": {"lr_schedule": [[0, 0.0007], [20_000_000, 0]]}}}, True),
    ],
)
def test_annealing_is_read_from_the_settings(settings: dict[str, Any], annealed: bool) -> None:
    """In the forms of this recorder, of the zoo and of Ray."""
    found = describe_subject("PPO", "ALE/Pong-v5", config(**settings), 1000, True, False, LEVEL)
    assert (found.is_annealed, found.actions, found.algorithm) == (annealed, 6, "ppo")


# ---------------------------------------------------------------- on-policy


def test_what_is_not_recorded_is_not_assessed() -> None:
    """Each check says so, and none calls it good."""
    found = on_policy()
    assert {key(one) for one in found.values()} == {"no_column"}
    assert {one.level for one in found.values()} == {Level.NOT_ASSESSED}


def test_few_values_are_not_assessed() -> None:
    """Eleven values are too few for any of them."""
    few = [0.5] * 11 + [math.nan] * 189
    found = on_policy(kl_divergence=few, clip_fraction=few, explained_variance=few, value_loss=few, entropy_loss=few)
    assert {key(one) for one in found.values()} == {"few_values"}


def test_negative_divergences_are_not_flagged() -> None:
    """They mean another estimator, whatever their size."""
    assert key(on_policy(kl_divergence=[0.5, -0.3] * 100)["kl"]) == "kl_signed"


def test_rounding_below_nought_is_no_estimator() -> None:
    """Tiny negative values are what is left of nought."""
    assert key(on_policy(kl_divergence=[0.01, -1e-9] * 100)["kl"]) != "kl_signed"


def test_zeros_of_an_annealed_rate_are_left_out() -> None:
    """The last rows have no KL to speak of; it is judged by the others."""
    rate = np.linspace(3e-4, 0.0, 200)
    kl = np.where(rate > 6e-5, 0.01, 0.0)
    assert on_policy(kl_divergence=kl, learning_rate=rate)["kl"].value == pytest.approx(0.01)


def test_a_high_divergence_is_located() -> None:
    """The longest stretch, from its first to its last row."""
    kl = np.where((np.arange(200) >= 80) & (np.arange(200) < 140), 0.2, 0.01)
    found = on_policy(subject(shape=FLAT), kl_divergence=kl)["kl"]
    assert (found.level, key(found), found.confidence) == (Level.BAD, "kl_high", "high")
    assert found.from_timestep is not None
    assert found.to_timestep is not None
    assert 7_900 <= found.from_timestep <= 8_400
    assert 13_600 <= found.to_timestep <= 14_200


def test_what_a_policy_learned_with_is_worth_a_look_only() -> None:
    """The same values are bad where the reward does not rise."""
    levels = [on_policy(subject(shape=s), kl_divergence=0.2, clip_fraction=0.6) for s in (LEVEL, FLAT)]
    assert [(found["kl"].level, found["clip_fraction"].level) for found in levels] == [
        (Level.WATCH, Level.WATCH),
        (Level.BAD, Level.BAD),
    ]


def test_a_short_excess_is_none() -> None:
    """Less than a tenth of the run, and no jump of ten times the median."""
    kl = np.where(np.arange(200) < 10, 0.06, 0.01)
    assert on_policy(kl_divergence=kl)["kl"].level is Level.GOOD


def test_algorithms_without_clipping_have_no_clip_fraction() -> None:
    """A2C and TRPO do not clip; A2C does not limit the divergence either."""
    found = on_policy(subject("a2c"), kl_divergence=0.5, clip_fraction=0.9)
    assert {key(found[rule]) for rule in ("kl", "clip_fraction")} == {"not_of_algorithm"}
    assert key(on_policy(subject("trpo"), kl_divergence=0.5)["kl"]) == "kl_high"


def test_a_sum_of_entropies_is_not_compared() -> None:
    """More than four actions allow: whatever it is, it is not the mean entropy of this policy."""
    assert key(on_policy(entropy_loss=-650.0)["entropy"]) == "entropy_sum"


def test_entropy_is_a_share_of_the_largest() -> None:
    """Half of the logarithm of four is a half."""
    found = on_policy(entropy_loss=-math.log(4) / 2)["entropy"]
    assert (key(found), found.value) == ("entropy_usual", pytest.approx(0.5))


def test_entropy_ends_where_the_section_on_learning_says() -> None:
    """At the median of the last tenth of its values, however many rows lack one; so does its change."""
    falling = -np.linspace(1.3, 0.4, 200)
    falling[::3] = np.nan
    rows = series(STEPS, entropy_loss=falling)
    said = describe_dynamics(rows, "ppo", True, rows.timestep, LIMITS)[0]["entropy_loss_trend"].words
    found = on_policy(entropy_loss=falling)["entropy"]
    assert said is not None
    assert found.value == pytest.approx(-float(str(said.values["end"])) / math.log(4))
    change = on_policy(subject(actions=None, is_continuous=True), entropy_loss=falling)["entropy"].value
    assert change == pytest.approx(float(str(said.values["start"])) - float(str(said.values["end"])))


def test_entropy_without_a_number_of_actions_is_not_assessed() -> None:
    """There is nothing to compare it with."""
    assert key(on_policy(subject(actions=None), entropy_loss=-1.0)["entropy"]) == "entropy_actions"


def test_a_certain_policy_after_the_plateau_is_good() -> None:
    """It knows what it does, and before the plateau it is worth a look."""
    late = -math.log(4) * np.where(np.arange(200) < 120, 0.5, 0.01)
    early = -math.log(4) * np.where(np.arange(200) < 20, 0.5, 0.01)
    assert on_policy(entropy_loss=late)["entropy"].level is Level.GOOD
    found = on_policy(entropy_loss=early)["entropy"]
    assert (found.level, key(found)) == (Level.WATCH, "entropy_before_plateau")


def test_a_policy_that_stopped_exploring_before_the_plateau_is_bad_however_few_values_say_so() -> None:
    """A nought is no matter of statistics; one that is certain late, or of a solved game, is."""

    def entropy(dead_from: int, solved: bool = False) -> Finding:
        values = np.where(np.arange(200) < dead_from, 0.5, 1e-7)
        return on_policy(
            subject(is_solved=solved), entropy_loss=-math.log(4) * np.where(np.arange(200) % 10, np.nan, values)
        )["entropy"]

    dead = entropy(20)
    assert (dead.level, dead.confidence, key(dead)) == (Level.BAD, "high", "entropy_dead")
    assert key(entropy(120)) == "entropy_low_after_plateau"
    assert key(entropy(20, solved=True)) == "entropy_low_after_plateau"


def test_a_critic_that_was_bad_once_is_said_so() -> None:
    """Good in the last third, worse than a constant for a quarter of the run before."""
    variance = np.where((np.arange(200) >= 60) & (np.arange(200) < 110), -0.5, 0.9)
    found = on_policy(explained_variance=variance)["explained_variance"]
    assert (found.level, key(found)) == (Level.WATCH, "ev_dipped")


def test_a_critic_near_nought_is_not_worse_than_a_constant() -> None:
    """A hundredth below 0 is 0 for any number of samples; its stretch is told in steps of the whole run."""
    dipped = (np.arange(200) >= 60) & (np.arange(200) < 110)
    found = on_policy(explained_variance=np.where(dipped, -0.01, 0.9))["explained_variance"]
    assert (found.level, key(found)) == (Level.GOOD, "ev_good")
    assert key(on_policy(subject(shape=FLAT), explained_variance=-0.01)["explained_variance"]) == "ev_none"
    found = on_policy(explained_variance=np.where(dipped, -0.5, 0.9))["explained_variance"]
    begin, end = found.from_timestep, found.to_timestep
    assert begin is not None
    assert end is not None
    assert found.reason.values["share"] == pytest.approx((end - begin) / (STEPS[-1] - STEPS[0]) * 100)


def test_the_first_fifth_of_the_critic_is_not_judged() -> None:
    """It has seen little."""
    variance = np.where(np.arange(200) < 40, -2.0, 0.9)
    assert on_policy(explained_variance=variance)["explained_variance"].level is Level.GOOD


def test_an_unknown_algorithm_is_judged_with_little_confidence() -> None:
    """A KL column is looked at, and the finding counts for less."""
    found = on_policy(subject("", FLAT), kl_divergence=0.5)["kl"]
    assert (found.level, found.confidence) == (Level.BAD, "low")


def test_what_is_outside_and_good_names_its_reason() -> None:
    """A reward that rose, values that are not outside for long, a run that began trained."""
    assert key(on_policy(explained_variance=0.3)["explained_variance"]) == "ev_fair_but_learned"
    assert key(on_policy(subject(shape=FLAT), explained_variance=0.3)["explained_variance"]) == "ev_fair"
    entropy = -math.log(4) * np.where((np.arange(200) >= 80) & (np.arange(200) < 120), 0.5, 0.99)
    assert key(on_policy(entropy_loss=entropy)["entropy"]) == "entropy_high_now"
    assert key(on_policy(subject(is_first=False), entropy_loss=-math.log(4))["entropy"]) == "entropy_high_again"
    swings = ([0.4] * 15 + [0.01] * 5) * 10  # three bins of four are outside, and no four in a row
    found = on_policy(kl_divergence=swings, clip_fraction=swings)
    both = [found["kl"], found["clip_fraction"]]
    assert [(one.level, key(one), one.reason.values["outside"]) for one in both] == [
        (Level.GOOD, "kl_usual", True), (Level.GOOD, "clip_usual", True),
    ]  # fmt: skip


# ---------------------------------------------------------------- off-policy


def test_off_policy_runs_have_their_own_checks() -> None:
    """And on-policy runs none of them."""
    assert set(off_policy(subject("dqn"))) == {"td_loss", "q_value", "exploration", "replay"}
    assert check_off_policy(series(STEPS), subject("ppo"), LIMITS) == []
    assert check_on_policy(series(STEPS), subject("dqn"), LIMITS) == []


@pytest.mark.parametrize(
    ("algorithm", "settings", "said"),
    [
        ("ddpg", {"noise_type": "normal", "noise_std": 0.1}, ("noise_setting", "normal", 0.1)),
        ("td3", {"noise_std": 0.1}, ("noise_setting", None, 0.1)),
        ("td3", {"ent_coef": 0.1}, ("noise_no_column", None, None)),
        ("sac", {"noise_std": 0.1}, ("alpha_no_column", None, None)),
        ("her", {}, ("exploration_no_column", None, None)),
        ("her", {"ent_coef": "auto"}, ("alpha_setting", None, None)),
        ("her", {"noise_std": 0.2}, ("noise_setting", None, 0.2)),
    ],
)  # fmt: skip
def test_exploration_is_what_the_algorithm_has(algorithm: str, settings: dict[str, Any], said: Any) -> None:
    """A temperature where the policy is drawn from, noise on the actions where it is deterministic."""
    found = off_policy(subject(algorithm, settings=settings))["exploration"]
    values = found.reason.values
    assert (key(found), values.get("kind"), values.get("size")) == said


def test_exploration_is_read_from_the_settings() -> None:
    """Until half of 100,000 steps; the run has come to 20,000."""
    whom = subject("dqn", settings={"exploration_fraction": 0.5, "exploration_final_eps": 0.05}, target=100_000)
    found = off_policy(whom)["exploration"]
    assert (found.level, found.reason.values["until"]) == (Level.WATCH, 50_000)
    assert off_policy(subject("dqn"))["exploration"].level is Level.NOT_ASSESSED
    aimless = subject("dqn", settings={"exploration_fraction": 0.33}, target=None)
    assert off_policy(aimless)["exploration"].reason == phrase("finding.epsilon_no_target", share=0.33)


def test_the_replay_ratio_is_samples_for_each_step() -> None:
    """One update of 32 samples every four steps of one environment: eight."""
    settings = {"gradient_steps": 1, "batch_size": 32, "train_freq": 4, "buffer_size": 100_000}
    assert off_policy(subject("dqn", settings=settings))["replay"].value == 8.0


def test_q_values_are_compared_with_the_largest_reward() -> None:
    """TD3's actor loss is minus the mean Q value; SAC's only nearly, so less is made of it."""
    rewards, loss = [10.0] * 200, [-100.0] * 200
    confidence = {}
    for algorithm in ("td3", "sac"):
        found = off_policy(subject(algorithm), policy_loss=loss, episode_reward_mean=rewards)["q_value"]
        assert (found.level, found.value, found.band) == (Level.WATCH, 100.0, (None, 30.0))
        confidence[algorithm] = found.confidence
    assert confidence == {"td3": "medium", "sac": "low"}
