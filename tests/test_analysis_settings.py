"""What a run was set to, and what contradicts it: `runsum.analysis.settings`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from runsum.analysis.settings import (
    check_config,
    config_facts,
    custom_params_fact,
    described,
    diff_config,
    find_target,
    read_config,
    same_setting,
)
from runsum.model import ConfigValue, DataQuality, Problem, problem
from support.analysis import NAN, key_of, keys, series


def config_of(
    recorded: Mapping[str, Any] | str | None, effective: Mapping[str, Any] | None = None, **metadata: Any
) -> tuple[dict[str, ConfigValue], list[Problem]]:
    text = json.dumps(recorded) if isinstance(recorded, dict) else recorded
    return read_config({"config_json": text}, effective or {}, metadata)


def test_the_effective_file_beats_config_json() -> None:
    """What training really used wins, and the contradiction is a problem."""
    config, problems = config_of({"gamma": 0.99}, {"gamma": 0.95})
    assert (config["gamma"].value, config["gamma"].origin) == (0.95, "effective")
    assert problems == [problem("config_contradiction", key="gamma", recorded=0.99, found=0.95, origin="effective")]


def test_the_effective_file_beats_the_metadata() -> None:
    """Of two files the one training read last wins."""
    config, _ = config_of({}, {"gamma": 0.95}, hyperparameters={"gamma": 0.9, "seed": 7})
    assert (config["gamma"].value, config["seed"].value) == (0.95, 7)


def test_equal_settings_do_not_contradict() -> None:
    """0.00025 and "2.5e-4" are the same number; nothing recorded is no contradiction."""
    assert config_of({"learning_rate": 0.00025, "seed": None}, {"learning_rate": "2.5e-4", "seed": 3})[1] == []


def test_an_unset_value_of_a_file_changes_nothing() -> None:
    """None in the effective file is no setting."""
    assert config_of({"gamma": 0.99}, {"gamma": None})[0]["gamma"].origin == "config_json"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "config_missing"),
        ("", "config_missing"),
        ("{not json", "config_unreadable"),
        ("[1]", "config_unreadable"),
    ],
)
def test_an_unreadable_configuration_is_a_problem(text: str | None, kind: str) -> None:
    """NULL, empty, broken and of another type."""
    assert [p.kind for p in config_of(text)[1]] == [kind]


def test_settings_in_a_section_are_found() -> None:
    """Older readers met them under `train:`; the top level wins."""
    config, _ = config_of({"train": {"gamma": 0.9, "seed": 1}, "seed": 2})
    assert (config["gamma"].value, config["seed"].value) == (0.9, 2)


def test_nan_is_no_setting() -> None:
    """JSON files have NaN all the same."""
    assert config_of('{"gamma": NaN, "n_envs": Infinity}')[0]["gamma"].value is None


def contradictions(config: Mapping[str, Any], rates: Sequence[float] = (), size: int | None = None) -> list[str]:
    settings, _ = config_of(dict(config))
    rows = series(range(1, len(rates) + 1), learning_rate=list(rates))
    quality = DataQuality(rollout_size=size, config_rollout_size=2048)
    return [p.kind for p in check_config(settings, rows, quality)]


@pytest.mark.parametrize(
    ("size", "found"), [(2048, []), (None, []), (4096, ["rollout_contradiction"]), (2047, ["rollout_contradiction"])]
)
def test_measured_rollouts_contradict_the_configuration(size: int | None, found: list[str]) -> None:
    """n_envs × n_steps is a claim that the rows can refute."""
    assert contradictions({"n_envs": 16, "n_steps": 128}, size=size) == found


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        ([0.0003] * 5, []),
        ([0.000301] * 5, []),  # three printed digits
        ([0.00025] * 5, ["learning_rate_contradiction"]),
        ([0.00025] * 2, []),  # too few
        ([0.0003, 0.0002, 0.0001], []),  # annealed
        ([NAN] * 5, []),
    ],
)
def test_recorded_rates_contradict_the_configuration(rates: list[float], found: list[str]) -> None:
    """A constant rate in the rows refutes another one in the configuration."""
    assert contradictions({"learning_rate": 0.0003}, rates) == found


TRIPLE = {"learning_rate": 0.0003, "batch_size": 256, "n_steps": 128}


def invented(config: Mapping[str, Any], started: str, effective: Mapping[str, Any] | None = None) -> list[str]:
    settings, _ = config_of(dict(config), effective)
    facts = config_facts(settings, {"start_time": started}, DataQuality(), series([]))
    return [name for name, fact in facts.items() if "config.invented" in keys(fact.small)]


def test_three_constants_before_12_december_were_invented() -> None:
    """Versions before stored them whatever was trained."""
    assert invented(TRIPLE | {"gamma": 0.99}, "2025-12-11T23:59:59") == ["learning_rate", "batch_size", "n_steps"]


@pytest.mark.parametrize(
    ("config", "started", "effective"),
    [
        (TRIPLE, "2025-12-12T00:00:00", None),
        (TRIPLE | {"n_steps": 256}, "2025-12-01T00:00:00", None),
        (TRIPLE, "2025-12-01T00:00:00", {"n_steps": 128}),  # a file of the run says so too
    ],
)
def test_true_settings_are_not_called_invented(
    config: dict[str, Any], started: str, effective: dict[str, Any] | None
) -> None:
    """Later versions, other values, and values that a file confirms are as recorded."""
    assert invented(config, started, effective) == []


def test_measured_steps_stand_beside_recorded_ones() -> None:
    """A rollout of 4096 with 16 environments is 256 steps each."""
    settings, _ = config_of({"n_envs": 16, "n_steps": 128})
    quality = DataQuality(rollout_size=4096, config_rollout_size=2048)
    fact = config_facts(settings, {}, quality, series([]))["n_steps"]
    assert (fact.value, fact.small[0].values["n_steps"]) == (128, 256)


@pytest.mark.parametrize(("config", "key"), [(None, "config.none"), ({"gamma": 0.9}, "config.not_set")])
def test_a_setting_nobody_wrote_says_why(config: dict[str, Any] | None, key: str) -> None:
    """No configuration at all, or one that does not name it."""
    facts = config_facts(config_of(config)[0], {}, DataQuality(), series([]))
    assert key_of(facts["seed"]) == key


def test_other_settings_are_listed_once() -> None:
    """What has no placeholder of its own, custom parameters on one level, settings of PPO not for DQN."""
    config, _ = config_of({"gamma": 0.9, "vf_coef": 0.5, "custom_params": {"tau": 1, "deep": {"er": 2}}})
    ppo, dqn = custom_params_fact(config, "ppo").words, custom_params_fact(config, "dqn").words
    assert ppo is not None
    assert dqn is not None
    assert ppo.values["items"] == [("er", 2), ("tau", 1), ("vf_coef", 0.5)]
    assert dqn.values["items"] == [("er", 2), ("tau", 1)]


@pytest.mark.parametrize("said", [None, 0, -5, "many", "810,000", True])
@pytest.mark.parametrize(
    ("row", "target"),
    [
        ({}, None),
        (
            {"description": "Training ppo on ALE/Breakout-v5 for 810,000 timesteps (Leg 2)", "target_timestep": 9},
            810_000,
        ),
        ({"target_timestep": 1_621_008, "start_timestep": 811_008}, 810_000),
        ({"target_timestep": 1_621_008, "leg_start_timestep": 811_008}, 810_000),
        ({"target_timestep": 810_000}, 810_000),
        ({"target_timestep": 811_008, "start_timestep": 811_008}, None),
    ],
)
def test_where_the_configuration_has_no_usable_target_the_row_may(said: Any, row: dict[str, Any], target: Any) -> None:
    """The sentence that describes the run, or the goal of the leg without its start."""
    assert find_target(config_of({"total_timesteps": said})[0], row) == target
    assert find_target(config_of({"total_timesteps": 5000})[0], row) == 5000


def test_of_two_settings_with_one_name_both_are_listed() -> None:
    """Blocks of custom parameters may repeat a name; an equal value says nothing new."""
    blocks = {"actor": {"lr": 1, "units": 64}, "critic": {"lr": 2, "units": 64}, "vf_coef": 0.7}
    words = custom_params_fact(config_of({"vf_coef": 0.5, "custom_params": blocks})[0], "ppo").words
    assert words is not None
    assert words.values["items"] == [
        ("critic.lr", 2), ("custom_params.vf_coef", 0.7), ("lr", 1), ("units", 64), ("vf_coef", 0.5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True), (0.00025, "2.5e-4", True), ("CnnPolicy", "CnnPolicy", True), ([64, 64], [64, 64], True),
        (None, None, True), (0.1, 0.2, False), ("auto", "cuda", False), (None, 0, False), ([64], [64, 64], False),
    ],
)  # fmt: skip
def test_which_settings_are_the_same(a: object, b: object, same: bool) -> None:
    """Numbers by value, however they are written; everything else as it is."""
    assert same_setting(a, b) is same


def test_the_difference_of_two_configurations() -> None:
    """Changed, added and removed settings in the order of their names; ids are none."""
    before, _ = config_of({"gamma": 0.99, "seed": 1, "n_envs": 8, "run_id": "a"})
    after, _ = config_of({"gamma": 0.9, "n_envs": 8.0, "device": "cuda", "run_id": "b"})
    changes = [(c.key, c.before, c.after) for c in diff_config(before, after)]
    assert changes == [("device", None, "cuda"), ("gamma", 0.99, 0.9), ("seed", 1, None)]


def test_the_description_names_what_was_trained() -> None:
    """The application's own sentence is read, any other text is not."""
    said = described({"description": "Training ppo on ALE/Pong-v5 for 10,000,000 timesteps"})
    assert said == {"algorithm": "ppo", "env_id": "ALE/Pong-v5", "total_timesteps": 10_000_000}
    assert described({"description": "my best run"}) == described({}) == {}


@pytest.mark.parametrize(
    ("inner", "rates", "said"),
    [
        ("lin_7e-4", [], ["config.learning_rate_line"]),
        ("cosine_7e-4", [], ["config.learning_rate_schedule"]),
        ("7e-4", [], []),
        (7e-4, [], []),
        ("lin_7e-4", [7e-4, 3.5e-4, 1e-5], ["config.measured_lr_range"]),
    ],
)
def test_a_learning_rate_that_follows_a_schedule(inner: object, rates: list[float], said: list[str]) -> None:
    """RL Zoo's own block says so beside the first value; rows that hold the rates say it better."""
    config = config_of({"learning_rate": 7e-4, "custom_params": {"zoo_config": {"learning_rate": inner}}})[0]
    steps = [float(step) for step in range(len(rates))]
    fact = config_facts(config, {}, DataQuality(), series(steps, learning_rate=rates) if rates else series([]))
    shown = fact["learning_rate"]
    assert (shown.value, [words.key for words in shown.small]) == (7e-4, said)
