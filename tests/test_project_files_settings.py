"""What the files below the project root say about a run: run_metadata.json and config_effective.yaml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runsum.source.project import ProjectFiles
from support.project_files import CHECKPOINTS, OTHER, RUN, kinds, put, read, values

# --- run_metadata.json

BASE_CONFIG = """\
seed: 42
game: {env_id: ALE/Breakout-v5, frame_stack: 4, max_skip: 4}
train:
  algo: PPO
  policy: CnnPolicy
  run_id: %s
  total_timesteps: 6480000
  target_total_timesteps: 12960000
  vec_envs: 16
  force_single_env: false
  learning_rate: 2.5e-4
  batch_size: 512
  n_steps: 256
  gamma: 0.99
  gae_lambda: 0.95
  clip_range: 0.1
  ent_coef: 1e-2
  vf_coef: 0.5
  max_grad_norm: 0.5
  custom_name: My Run
render: {target_hours: 4.0}
"""


def test_first_metadata(tmp_path: Path) -> None:
    """The keys of the oldest form come out under their later names (a real sample)."""
    sample = {
        "run_id": RUN,
        "game": "ALE/Breakout-v5",
        "algorithm": "ppo",
        "total_timesteps": 83333,
        "target_hours": 0.08333333333333333,
        "created": "2025-11-10T17:25:26.832871",
        "custom_output_path": "D:\\ML_Videos",
    }
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", json.dumps(sample))
    metadata = read(tmp_path).metadata
    assert metadata["created_at"] == "2025-11-10T17:25:26.832871"
    assert metadata["total_timesteps_leg"] == 83333
    assert not {"created", "total_timesteps"} & set(metadata)
    assert metadata["custom_output_path"] == "D:\\ML_Videos"


def test_metadata_with_both_names(tmp_path: Path) -> None:
    """Where a key stands under its old and its new name, the new one counts."""
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", '{"created_at": "new", "created": "old"}')
    assert read(tmp_path).metadata == {"created_at": "new"}


def test_latest_metadata(tmp_path: Path) -> None:
    """The latest form is kept as it is, nested parts too."""
    sample = {
        "run_id": RUN,
        "leg_index": 1,
        "created_at": "2025-12-22T17:11:27+00:00",
        "total_timesteps_leg": 810_000,
        "hyperparam_diff": {},
        "parent_lineage": {"parent_run_id": None},
        "root_name": "ppo-🎯 Breakout",
    }
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", json.dumps(sample))
    files = read(tmp_path)
    assert files.metadata == sample
    assert files.problems == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"run_id": "run-1a2b', "syntax"),
        ("", "syntax"),
        ("[1, 2]", "not_a_mapping"),
        ("null", "not_a_mapping"),
        ("[" * 100_000, "too_deep"),
        ('{"a": ' * 60 + "1" + "}" * 60, "too_deep"),
        ('{"a": ' + "1" * 5_000 + "}", "syntax"),
        (b"\xff\xfe\x00\x01", "syntax"),
        ('{"a": "' + "x" * 1_000_001 + '"}', "too_big"),
    ],
)
def test_unreadable_metadata(tmp_path: Path, content: str | bytes, reason: str) -> None:
    """Malformed metadata is a problem with its reason, and the rest of the run is still read."""
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", content)
    put(tmp_path, f"{CHECKPOINTS}/latest.zip")
    files = read(tmp_path)
    assert files.metadata == {}
    assert values(files, "metadata_unreadable")["reason"] == reason
    assert files.model is not None


def test_values_that_break_pages(tmp_path: Path) -> None:
    """NaN, infinity, huge whole numbers and halves of characters do not get through."""
    text = '{"a": NaN, "b": Infinity, "c": 1' + "0" * 400 + ', "d": "\\ud83c x", "e": [-Infinity]}'
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", text)
    metadata = read(tmp_path).metadata
    assert (metadata["a"], metadata["b"], metadata["e"]) == (None, None, [None])
    assert metadata["c"] == "1" + "0" * 400
    assert metadata["d"] == "? x"


def test_metadata_of_another_run(tmp_path: Path) -> None:
    """Metadata that names another run is reported."""
    put(tmp_path, f"{CHECKPOINTS}/run_metadata.json", json.dumps({"run_id": OTHER}))
    assert values(read(tmp_path), "metadata_of_other_run")["recorded_run_id"] == OTHER


# --- config_effective.yaml


def config(root: Path, text: str) -> ProjectFiles:
    put(root, f"{CHECKPOINTS}/config_effective.yaml", text)
    return read(root)


def test_effective_config(tmp_path: Path) -> None:
    """The settings come out flat, under the keys of config_json, numbers as numbers."""
    files = config(tmp_path, BASE_CONFIG % RUN)
    assert files.effective_config == {
        "algorithm": "ppo", "policy_type": "CnnPolicy", "env_id": "ALE/Breakout-v5", "n_envs": 16,
        "learning_rate": 0.00025, "batch_size": 512, "n_steps": 256, "gamma": 0.99, "gae_lambda": 0.95,
        "clip_range": 0.1, "ent_coef": 0.01, "vf_coef": 0.5, "max_grad_norm": 0.5,
        "total_timesteps": 6_480_000, "frame_stack": 4, "frame_skip": 4, "seed": 42,
        "custom_name": "My Run", "target_hours": 4.0,
    }  # fmt: skip
    assert files.problems == ()


def test_forced_single_environment(tmp_path: Path) -> None:
    """With force_single_env the run had one environment, whatever vec_envs says."""
    text = (BASE_CONFIG % RUN).replace("force_single_env: false", "force_single_env: true")
    assert config(tmp_path, text).effective_config["n_envs"] == 1


def test_shared_parts(tmp_path: Path) -> None:
    """Anchors and aliases, as a dumper writes them for shared parts, are read."""
    files = config(tmp_path, "train: &id001 {algo: dqn, gamma: 0.9}\nshowcase: *id001\n")
    assert files.effective_config == {"algorithm": "dqn", "gamma": 0.9}


def test_illegal_escape(tmp_path: Path) -> None:
    r"""A Windows path in double quotes ("games\space_invaders", a real file) is a problem with its line."""
    files = config(tmp_path, 'train:\n  algo: ppo\npaths:\n  models: "games\\space_invaders\\models"\n')
    assert files.effective_config == {}
    assert values(files, "effective_config_unreadable") == {
        "path": f"{CHECKPOINTS}/config_effective.yaml", "reason": "syntax", "line": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "- " * 200_000,
        "{a: " * 900,
        "a: &a [*a]",
        "!!python/object/apply:os.system ['true']",
        "train: !!int ''",
        "train: !!timestamp x",
        "train: 2025-13-45",
        "a: &a {x: 1}\nb: {<<: *a}",
        "a: &a ["
        + "1, " * 50
        + "]\nb: &b ["
        + "*a, " * 50
        + "]\nc: &c ["
        + "*b, " * 50
        + "]\nd: ["
        + "*c, " * 50
        + "]",
        "\x00",
        "just text",
        "",
        "# " + "x" * 1_000_000,
    ],
)
def test_hostile_config(tmp_path: Path, text: str) -> None:
    """Nesting that would crash the C loader, endless unfolding, tags and plain rubbish are problems."""
    files = config(tmp_path, text)
    assert files.effective_config == {}
    assert kinds(files) == ["effective_config_unreadable"]


def test_config_of_other_shape(tmp_path: Path) -> None:
    """Sections of the wrong type are as good as absent."""
    files = config(tmp_path, "train: [1, 2]\ngame: Breakout\nrender: null\nseed: [7]\n")
    assert files.effective_config == {}
    assert files.problems == ()


def test_leaked_config(tmp_path: Path) -> None:
    """A config that names another run may hold that run's optional settings: they are listed."""
    files = config(tmp_path, BASE_CONFIG % OTHER)
    leak = values(files, "config_may_leak")
    assert leak["recorded_run_id"] == OTHER
    keys = leak["keys"]
    assert isinstance(keys, tuple)
    assert {"custom_name", "seed", "target_hours", "learning_rate"} <= set(keys)
    assert files.effective_config["target_hours"] == 4.0


def test_leak_shown_by_metadata(tmp_path: Path) -> None:
    """Where config and metadata of the same run differ in an optional setting, this setting is listed."""
    put(
        tmp_path,
        f"{CHECKPOINTS}/run_metadata.json",
        json.dumps({"run_id": RUN, "target_hours": 10.0, "seed": None}),
    )
    files = config(tmp_path, BASE_CONFIG % RUN)
    assert values(files, "config_may_leak")["keys"] == ("target_hours",)
