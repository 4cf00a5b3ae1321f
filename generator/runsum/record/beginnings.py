"""What a run says of itself when it begins: its settings, its origins, and where its files are."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import CSVOutputFormat, TensorBoardOutputFormat

from runsum import __version__
from runsum.record.database import RunLog, Value, as_json, new_run_id, now
from runsum.record.describe import (
    dependencies,
    describe_config,
    describe_space,
    git_commit,
    hash_file,
    hash_text,
    machine,
)
from runsum.record.environment import EnvironmentFacts
from runsum.record.measure import trained_parameters

_MARK = "runsum_run"  # on the model, so that a checkpoint knows which run it is of
_MARKED = ("run_id", "base_run_id", "leg_number", "root_name")
_ENDLESS = 2**53  # "train until I stop it" is written as a number that no database and no JSON can hold


@dataclass(frozen=True)
class Wishes:
    """What a person says of a run; see `RunRecorder`."""

    name: str | None = None
    tags: Sequence[str] = ()
    description: str | None = None
    parent_checkpoint: Path | None = None


@dataclass
class Run:
    """A run of the database, over all the `learn()` calls that belong to it.

    Attributes:
        start: the step at which it began.
        best: highest mean reward so far.
        last_reward: mean reward of the newest row.
    """

    run_id: str
    start: int
    best: float | None = None
    last_reward: float | None = None


def begin_run(log: RunLog, model: BaseAlgorithm, wishes: Wishes) -> Run:
    """Write a new run, and mark the model with it.

    A model that carries the mark of another run continues that run: the new one is its next leg.

    Raises:
        DatabaseError: the run cannot be written.
    """
    env, mark, start = EnvironmentFacts(model.get_env()), read_mark(model), int(model.num_timesteps)
    run_id, moment, target = new_run_id(), now(), target_of(model)
    config = as_json(describe_config(model, env, target - start))
    root = wishes.name or f"{type(model).__name__} {env.env_id or ''}".strip()
    values: dict[str, Value] = {
        "run_id": run_id,
        "start_time": moment, "created_at": moment, "updated_at": moment, "heartbeat_at": moment,
        "status": "running", "process_pid": os.getpid(), "process_paused": 0, "current_timestep": start,
        "leg_start_timestep": start, "start_timestep": start, "target_timestep": target,
        "config_json": config, "config_hash": hash_text(config), "wrappers_hash": hash_text(as_json(env.wrappers)),
        "env_version": env.version, "mode": "train", "git_commit": git_commit(),
        "python_version": platform.python_version(), "dependencies_json": as_json(dependencies()),
        "description": f"{type(model).__name__} on {env.env_id or 'an environment'}, {target - start:,} timesteps"
                       f"{f'. {wishes.description}' if wishes.description else ''}",
        "metadata_json": as_json({
            "recorder": f"runsum {__version__}", "machine": machine(),
            "observation_space": describe_space(model.observation_space),
            "action_space": describe_space(model.action_space),
            "parameters": sum(weight.numel() for weight in trained_parameters(model.policy)),
        }),
        **_paths(model),
    }  # fmt: skip
    with log.beginning():
        values |= _first_leg(run_id, root, wishes) if mark is None else _next_leg(log, mark, start, wishes)
        values["tags_json"] = as_json([*wishes.tags, type(model).__name__.lower(), f"leg-{values['leg_number']}"])
        log.begin(values)
    setattr(model, _MARK, {key: values[key] for key in _MARKED})
    return Run(run_id, start)


def continue_run(log: RunLog, model: BaseAlgorithm, run: Run) -> None:
    """The same run once more: `learn(reset_num_timesteps=False)` with the same model and recorder."""
    target = target_of(model)
    config = as_json(describe_config(model, EnvironmentFacts(model.get_env()), target - run.start))
    log.update(
        run.run_id,
        {
            "status": "running", "end_time": None, "end_timestep": None, "target_timestep": target,
            "config_json": config, "config_hash": hash_text(config), "process_paused": 0, "updated_at": now(),
        },
    )  # fmt: skip
    log.set_target(run.run_id, run.start, target - run.start)
    log.add_note(run.run_id, f"resume: learn() was called again at {now()}")


def read_mark(model: BaseAlgorithm) -> Mapping[str, Any] | None:
    """Which run the model was last trained in, as far as it was recorded."""
    mark = getattr(model, _MARK, None)
    return mark if isinstance(mark, dict) and set(_MARKED) <= set(mark) else None


def target_of(model: BaseAlgorithm) -> int:
    """The step at which the present `learn()` call ends."""
    return int(min(model._total_timesteps, _ENDLESS))


def shown(path: Path) -> str:
    """A path as it is recorded: below the working folder without it, with forward slashes."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 a link stays a link
    here = Path.cwd()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.as_posix()


def _first_leg(run_id: str, root: str, wishes: Wishes) -> dict[str, Value]:
    return {
        "base_run_id": run_id, "leg_number": 1, "root_name": root, "custom_name": wishes.name,
        "experiment_name": f"{root} - leg 1", "display_name": root, "branch_token": "A", "branch_id": "main",
        "variant_index": 1,
    }  # fmt: skip


def _next_leg(log: RunLog, mark: Mapping[str, Any], start: int, wishes: Wishes) -> dict[str, Value]:
    base, leg, root = str(mark["base_run_id"]), int(mark["leg_number"]) + 1, str(mark["root_name"])
    variant = log.next_variant(base, leg)
    fork = f", fork {variant}" if variant > 1 else ""
    again = "learn() began to count its steps at 0 again" if start == 0 else None
    return {
        "base_run_id": base, "leg_number": leg, "root_name": root, "custom_name": wishes.name, "status_note": again,
        "experiment_name": f"{root} - leg {leg}", "display_name": wishes.name or f"{root}, leg {leg}{fork}",
        "branch_token": "A", "branch_id": "main", "variant_index": variant, "parent_run_id": str(mark["run_id"]),
        **_origin(log.find(str(mark["run_id"])), start, wishes.parent_checkpoint),
    }  # fmt: skip


def _origin(parent: Mapping[str, Value], start: int, named: Path | None) -> dict[str, Value]:
    """The checkpoint: the one that was named, else the parent's last one, if that is where this run goes on."""
    last = parent.get("model_path")
    path = named or (Path(str(last)) if last and parent.get("end_timestep") == start else None)
    if path is None:
        return {}
    return {"parent_checkpoint_path": shown(path), "parent_checkpoint_hash": hash_file(path)}


def _paths(model: BaseAlgorithm) -> dict[str, Value]:
    folder, formats = model.logger.dir, model.logger.output_formats
    paths: dict[str, Value] = {}
    if folder is not None and any(isinstance(f, TensorBoardOutputFormat) for f in formats):
        paths["tensorboard_path"] = shown(Path(folder))
    if folder is not None and any(isinstance(f, CSVOutputFormat) for f in formats):
        paths["log_path"] = shown(Path(folder) / "progress.csv")
    return paths
