"""The two documents that the recording application leaves beside a run's models: its metadata and its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runsum.source.project_tree import Tree

_HYPERPARAMETERS = (
    "learning_rate", "batch_size", "n_steps", "gamma", "gae_lambda", "clip_range", "ent_coef", "vf_coef",
    "max_grad_norm",
)  # fmt: skip
_CONFIG_PLACES: Mapping[str, tuple[str, ...]] = {
    # key of config_json: where config_effective.yaml holds it; the first place with a value wins
    "algorithm": ("train.algo",),
    "policy_type": ("train.policy",),
    "env_id": ("game.env_id",),
    "n_envs": ("train.vec_envs",),
    **{key: (f"train.{key}", f"train.hyperparameters.{key}") for key in _HYPERPARAMETERS},
    "n_epochs": ("train.n_epochs",),
    "total_timesteps": ("train.total_timesteps",),
    "save_freq": ("train.save_freq",),
    "frame_stack": ("game.frame_stack",),
    "frame_skip": ("game.max_skip",),  # config_json calls its constant 1 "action_repeat"
    "device": ("train.device", "device"),
    "seed": ("seed", "train.seed"),  # training seeds its environments with the outer one
    "epsilon": ("train.epsilon", "epsilon"),
    "custom_name": ("train.custom_name", "custom_name"),
    "target_hours": ("render.target_hours",),
}
_LEAK_PRONE = ("custom_name", "seed", "epsilon", "target_hours", *_HYPERPARAMETERS)
_COMPARED = ("custom_name", "seed", "epsilon", "target_hours")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def read_metadata(tree: Tree, home: str, run_id: str) -> Mapping[str, object]:
    """run_metadata.json of any of its three forms, under the key names of the latest.

    Args:
        tree: the project root; what is odd is reported there.
        home: the folder of the run's models below it.
        run_id: a document that names another run is reported.

    Returns:
        What it says, as it may be published; empty where there is none.
    """
    entry = tree.find(f"{home}/run_metadata.json")
    if entry is None:
        return {}
    data = tree.document(entry, "metadata_unreadable", ("json",))
    renamed = {"created": "created_at", "total_timesteps": "total_timesteps_leg"}
    metadata: dict[str, object] = {}
    for key, value in data.items():
        new = renamed.get(key, key)
        if new == key or new not in data:
            metadata[new] = value
    inside = metadata.get("run_id")
    if isinstance(inside, str) and inside != run_id:
        tree.report("metadata_of_other_run", path=entry.path, recorded_run_id=inside)
    return metadata


def read_effective_config(tree: Tree, home: str, run_id: str, metadata: Mapping[str, object]) -> Mapping[str, object]:
    """config_effective.yaml under the key names of config_json.

    Args:
        tree: the project root; settings that may be another run's are reported there.
        home: the folder of the run's models below it.
        run_id: whose settings these should be.
        metadata: what :func:`read_metadata` found.

    Returns:
        Settings by name, as they may be published; empty where there are none.
    """
    entry = tree.find(f"{home}/config_effective.yaml")
    if entry is None:
        return {}
    data = tree.document(entry, "effective_config_unreadable", ("yaml",))
    config: dict[str, object] = {}
    for key, places in _CONFIG_PLACES.items():
        values = (_setting(_at(data, place)) for place in places)
        if (value := next((value for value in values if value is not None), None)) is not None:
            config[key] = value
    if _at(data, "train.force_single_env") is True:
        config["n_envs"] = 1  # the recorder then ignores vec_envs
    if isinstance(algorithm := config.get("algorithm"), str):
        config["algorithm"] = algorithm.lower()
    _report_leak(tree, entry.path, run_id, _at(data, "train.run_id"), config, metadata)
    return config


def _report_leak(
    tree: Tree,
    path: str,
    run_id: str,
    inside: object,
    config: Mapping[str, object],
    metadata: Mapping[str, object],
) -> None:
    """Name the optional settings that may come from the run before: the recorder reuses its template."""
    if isinstance(inside, str) and inside != run_id:
        keys = [key for key in _LEAK_PRONE if key in config]
    else:
        inside = run_id
        keys = [key for key in _COMPARED if _differ(config.get(key), metadata.get(key))]
    if keys or inside != run_id:
        tree.report("config_may_leak", path=path, recorded_run_id=inside, keys=tuple(keys))


def _differ(left: object, right: object) -> bool:
    return left is not None and right is not None and left != right


def _at(data: Mapping[str, object], place: str) -> object:
    """The value at a dotted place; None where a step is missing."""
    value: object = data
    for key in place.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _setting(value: object) -> object:
    """A single value, with numbers as numbers: YAML 1.1 reads 1e-4 as text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value)
        return int(number) if number.is_integer() and value.strip().lstrip("+-").isdecimal() else number
    return value if isinstance(value, str | int | float) else None
