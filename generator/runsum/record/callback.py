"""`RunRecorder`: a callback of Stable-Baselines3 that writes a training into a run database."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import CSVOutputFormat, KVWriter, TensorBoardOutputFormat

from runsum import __version__
from runsum.record import endings
from runsum.record.database import RunLog, Value, as_json, new_run_id, now
from runsum.record.describe import (
    dependencies,
    describe_config,
    describe_space,
    env_id,
    env_version,
    git_commit,
    hash_file,
    hash_text,
    machine,
    wrappers,
)
from runsum.record.gpu import GpuSampler
from runsum.record.measure import GradientProbe, Meter, weight_norm
from runsum.record.rows import finite, read_episodes, read_logged

_MARK = "runsum_run"  # on the model, so that a checkpoint knows which run it is of
_NORMS_EVERY_S = 1.0


class RunRecorder(BaseCallback):
    """Records a training: what was set, every row that SB3 logs, what the machine did, and how it ended.

    ::

        with RunRecorder("ml_experiments.db") as recorder:
            model.learn(100_000, callback=recorder)

    A row is written whenever SB3's logger writes one (`log_interval` of `learn()`), with the same numbers. Without the
    `with`, an exception is recorded too, as long as nobody catches it before Python ends.

    A model that was loaded from a checkpoint knows the run it comes from: the new run becomes its next leg.
    Calling `learn(reset_num_timesteps=False)` again with the same recorder goes on with the same run.

    Args:
        database: the file to record into; made when missing. Several trainings may share one.
        name: what to call the run; default: algorithm and environment.
        tags: words to find the run by.
        description: what the run is for.
        checkpoints: folder below which the model is saved when the training ends or is stopped, as
            `<run_id>/latest.zip`; None saves nothing.
        parent_checkpoint: the file this training continues from, for the record.
        gpu: whether to sample the GPU; None: when the model uses one and `nvidia-smi` is there.

    Attributes:
        run_id: the id of the run, once it has begun.

    Raises:
        DatabaseError: the database cannot be written when the training begins. Later troubles only warn.
    """

    def __init__(
        self,
        database: str | Path = "ml_experiments.db",
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        description: str | None = None,
        checkpoints: str | Path | None = None,
        parent_checkpoint: str | Path | None = None,
        gpu: bool | None = None,
    ) -> None:
        super().__init__()
        self.run_id: str | None = None
        self._database = Path(database).absolute()
        self._name, self._tags, self._description = name, list(tags), description
        self._checkpoints = None if checkpoints is None else Path(checkpoints)
        self._parent_checkpoint = None if parent_checkpoint is None else Path(parent_checkpoint)
        self._use_gpu = gpu
        self._log: RunLog | None = None
        self._gpu: GpuSampler | None = None
        self._paused = False

    # ---- what SB3 calls

    def _on_training_start(self) -> None:
        if self._log is not None:  # learn() was left without a word, by an exception that somebody caught
            self._finish("stopped", "learn() was left by an exception that the program caught")
        self._log = RunLog(self._database)
        self._pid = os.getpid()
        self._meter = Meter()
        self._target = int(self.model._total_timesteps)
        mark = getattr(self.model, _MARK, None)
        if self.run_id is not None and mark and mark["run_id"] == self.run_id and self.num_timesteps > 0:
            self._go_on()
        else:
            self._begin(mark if isinstance(mark, dict) else None)
        self._call_start = self._last_step = self.num_timesteps
        self._last_row_s = time.monotonic()
        self._last_norms_s = float("-inf")
        self._gradient = GradientProbe()
        self._writer = _Writer(self._record)
        self.model.logger.output_formats.append(self._writer)
        self._start_gpu()
        endings.watch(self)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if time.monotonic() - self._last_norms_s >= _NORMS_EVERY_S:
            self._gradient.arm(self.model.policy.parameters())
            self._last_norms_s = time.monotonic()

    def _on_training_end(self) -> None:
        early = self.num_timesteps < self._target
        self._finish(
            "completed",
            f"ended by a callback at step {self.num_timesteps:,} of {self._target:,}" if early else None,
        )

    # ---- what a person calls

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self.end_with(error)
        return False

    def pause(self) -> None:
        """Note that the training is paused; it is for the caller to hold it."""
        self._flag_pause(True, f"pause: training paused at {now()}")

    def resume(self) -> None:
        """Note that the training goes on after `pause()`."""
        self._flag_pause(False, f"resume: training resumed at {now()}")

    def annotate(self, text: str, *, chart: Literal["reward", "loss", "learning", "system"] = "reward") -> None:
        """Write a note at the present timestep into a chart of the run's page."""
        if self._log is not None and self.run_id is not None:
            self._log.add_annotation(self.run_id, chart, self.num_timesteps, self._last_reward or 0.0, text)

    def add_video(self, path: str | Path, *, timestep: int | None = None, seconds: float | None = None) -> None:
        """Name a video of the policy; it may be called after the training, too.

        Args:
            path: the video file.
            timestep: when the policy was as good as it shows; default: now.
            seconds: how long it plays.
        """
        if self.run_id is None:
            raise ValueError("add_video() needs a run: call it during or after learn()")
        path = Path(path)
        size = path.stat().st_size / 1e6
        log = self._log or RunLog(self._database)
        step = self.num_timesteps if timestep is None else timestep
        log.add_video(
            self.run_id,
            {
                "file_path": _shown(path), "file_size_mb": size, "duration_seconds": seconds, "start_timestep": step,
                "end_timestep": step, "start_time": now(), "end_time": now(), "status": "completed",
            },
        )  # fmt: skip
        log.update(self.run_id, {"video_path": _shown(path)})
        if self._log is None:
            log.close()

    def end_with(self, error: BaseException | None) -> None:
        """Close the record of a training that `learn()` has not ended: with an exception, or with the program."""
        if self._log is None or os.getpid() != self._pid:
            return
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            self._finish("stopped", f"stopped by hand at {now()}")
        elif error is not None:
            self._finish("failed", endings.describe_error(error))
        elif self._paused:
            self._finish("running", f"the program ended at {now()} while the training was paused")
        else:
            self._finish("stopped", f"the program ended at {now()} without finishing the training")

    # ---- a run begins

    def _begin(self, mark: Mapping[str, Any] | None) -> None:
        assert self._log is not None
        model, env, start = self.model, self.model.get_env(), self.num_timesteps
        self.run_id = new_run_id()
        self._start = start
        self._best: float | None = None
        self._last_reward: float | None = None
        config = as_json(describe_config(model, self._target - start))
        moment = now()
        values: dict[str, Value] = {
            "run_id": self.run_id,
            **self._kinship(mark),
            "start_time": moment, "created_at": moment, "updated_at": moment, "heartbeat_at": moment,
            "status": "running", "process_pid": self._pid, "process_paused": 0,
            "current_timestep": start, "leg_start_timestep": start, "start_timestep": start,
            "target_timestep": self._target,
            "config_json": config, "config_hash": hash_text(config),
            "wrappers_hash": hash_text(as_json(wrappers(env))), "env_version": env_version(env), "mode": "train",
            "git_commit": git_commit(), "python_version": platform.python_version(),
            "dependencies_json": as_json(dependencies()), "description": self._describe(),
            "metadata_json": as_json({
                "recorder": f"runsum {__version__}", "machine": machine(),
                "observation_space": describe_space(model.observation_space),
                "action_space": describe_space(model.action_space),
                "parameters": sum(p.numel() for p in model.policy.parameters()),
            }),
            **self._paths(),
        }  # fmt: skip
        self._log.begin(values)
        setattr(model, _MARK, {key: values[key] for key in ("run_id", "base_run_id", "leg_number", "root_name")})

    def _kinship(self, mark: Mapping[str, Any] | None) -> dict[str, Value]:
        """Names and ancestry: a model that carries the mark of another run continues that run."""
        assert self._log is not None
        root = self._name or f"{type(self.model).__name__} {env_id(self.model.get_env()) or ''}".strip()
        algorithm = type(self.model).__name__.lower()
        first: dict[str, Value] = {
            "base_run_id": self.run_id, "leg_number": 1, "root_name": root, "custom_name": self._name,
            "experiment_name": f"{root} - leg 1", "display_name": root, "branch_token": "A", "branch_id": "main",
            "variant_index": 1, "tags_json": as_json([*self._tags, algorithm, "leg-1"]),
        }  # fmt: skip
        if mark is None:
            return first
        base, leg = str(mark["base_run_id"]), int(mark["leg_number"]) + 1
        variant = self._log.next_variant(base, leg)
        root = str(mark["root_name"])
        fork = f", fork {variant}" if variant > 1 else ""
        parent = self._log.find(str(mark["run_id"]))
        checkpoint = self._parent_checkpoint
        return first | {
            "base_run_id": base, "leg_number": leg, "root_name": root, "variant_index": variant,
            "experiment_name": f"{root} - leg {leg}", "display_name": self._name or f"{root}, leg {leg}{fork}",
            "tags_json": as_json([*self._tags, algorithm, f"leg-{leg}"]), "parent_run_id": str(mark["run_id"]),
            "parent_checkpoint_path": _shown(checkpoint) if checkpoint else parent.get("model_path"),
            "parent_checkpoint_hash": hash_file(checkpoint) if checkpoint else None,
        }  # fmt: skip

    def _describe(self) -> str:
        what = f"{type(self.model).__name__} on {env_id(self.model.get_env()) or 'an environment'}"
        return f"{what}, {self._target - self._start:,} timesteps" + (
            f". {self._description}" if self._description else ""
        )

    def _paths(self) -> dict[str, Value]:
        folder, formats = self.model.logger.dir, self.model.logger.output_formats
        paths: dict[str, Value] = {}
        if folder is not None and any(isinstance(f, TensorBoardOutputFormat) for f in formats):
            paths["tensorboard_path"] = _shown(Path(folder))
        if folder is not None and any(isinstance(f, CSVOutputFormat) for f in formats):
            paths["log_path"] = _shown(Path(folder) / "progress.csv")
        return paths

    def _go_on(self) -> None:
        """The same run once more: `learn(reset_num_timesteps=False)` with the same model and recorder."""
        assert self._log is not None and self.run_id is not None
        target = self._target - self._start
        config = as_json(describe_config(self.model, target))
        self._log.update(
            self.run_id,
            {
                "status": "running", "end_time": None, "end_timestep": None, "target_timestep": self._target,
                "config_json": config, "config_hash": hash_text(config), "process_paused": 0, "updated_at": now(),
            },
        )  # fmt: skip
        self._log.set_target(self.run_id, self._start, target)
        self._log.add_note(self.run_id, f"resume: learn() was called again at {now()}")

    def _start_gpu(self) -> None:
        device = self.model.device
        wanted = device.type == "cuda" if self._use_gpu is None else self._use_gpu
        if wanted and GpuSampler.is_possible():
            log, run_id = RunLog(self._database), self.run_id
            self._gpu_log = log  # a connection of its own: samples come from another thread
            self._gpu = GpuSampler(
                device.index or 0, lambda sample: log.add_gpu_sample({"run_id": run_id, "pid": self._pid, **sample})
            )

    # ---- a run goes on

    def _record(self, logged: Mapping[str, Any], step: int) -> None:
        """Write the row that SB3 logs."""
        self._add_row({**read_episodes(self.model.ep_info_buffer or ()), **read_logged(logged)}, step)

    def _add_row(self, values: dict[str, Value], step: int) -> None:
        assert self._log is not None and self.run_id is not None
        moment, clock = now(), time.monotonic()
        leg = max(1, self._target - self._start)
        cpu, memory = self._meter.read()
        row: dict[str, Value] = {
            "run_id": self.run_id, "timestep": step, "timestamp": moment, "total_timesteps": leg,
            "progress_pct": (step - self._start) / leg * 100, **values,
            "steps_per_second": (step - self._last_step) / max(clock - self._last_row_s, 1e-9),
            "cpu_percent": cpu, "memory_mb": memory,
        }  # fmt: skip
        if self._gpu is not None and self._gpu.last:
            row |= {"gpu_percent": self._gpu.last.get("gpu_util_pct"),
                    "gpu_memory_mb": self._gpu.last.get("vram_used_mb")}  # fmt: skip
        gradient = self._gradient.read()
        if gradient is not None:
            row |= {"gradient_norm": gradient, "weight_norm": weight_norm(self.model.policy.parameters())}
        self._last_reward = finite(row.get("episode_reward_mean"))
        if self._last_reward is not None:
            self._best = self._last_reward if self._best is None else max(self._best, self._last_reward)
        run = {"current_timestep": step, "best_reward": self._best, "updated_at": moment, "heartbeat_at": moment}
        self._log.add_row(self.run_id, row, run)
        self._last_step, self._last_row_s = step, clock

    def _flag_pause(self, paused: bool, line: str) -> None:
        if self._log is None or self.run_id is None or paused == self._paused:
            return
        self._paused = paused
        self._log.update(self.run_id, {"process_paused": int(paused), "updated_at": now(), "heartbeat_at": now()})
        self._log.add_note(self.run_id, line)

    # ---- a run ends

    def _finish(self, status: str, line: str | None) -> None:
        log, self._log = self._log, None
        assert log is not None and self.run_id is not None
        endings.forget(self)
        self._gradient.disarm()
        if self._writer in self.model.logger.output_formats:
            self.model.logger.output_formats.remove(self._writer)
        if self._gpu is not None:
            self._gpu.stop()
            self._gpu_log.close()
            self._gpu = None
        if status == "completed" and self.num_timesteps > self._last_step:
            self._log = log
            self._add_row(self._last_values(), self.num_timesteps)
            self._log = None
        ended: dict[str, Value] = {
            "status": status, "end_time": None if status == "running" else now(), "updated_at": now(),
            "end_timestep": self.num_timesteps, "current_timestep": self.num_timesteps,
            "final_reward": read_episodes(self.model.ep_info_buffer or ())["episode_reward_mean"],
            "epsilon": getattr(self.model, "exploration_rate", None),
        }  # fmt: skip
        if status != "failed" and self._checkpoints is not None:
            ended["model_path"] = self._save()
        if line is not None:
            log.add_note(self.run_id, line)
        log.update(self.run_id, ended)
        log.close()

    def _last_values(self) -> dict[str, Value]:
        """What is known at the end beyond the last row: SB3 logs nothing there when `log_interval` is larger than 1."""
        rollout = self.model.n_envs * int(getattr(self.model, "n_steps", 0) or 0)
        steps = self.num_timesteps - self._call_start
        iteration = steps // rollout if rollout and steps % rollout == 0 else 0
        episodes = 0 if rollout else int(self.model._episode_num)
        return {**read_episodes(self.model.ep_info_buffer or ()), "episode_count": iteration or episodes}

    def _save(self) -> str:
        assert self._checkpoints is not None
        path = self._checkpoints / str(self.run_id) / "latest.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.model.save(path)
        return _shown(path)


class _Writer(KVWriter):
    """Stands among the logger's output formats and hands over what they print."""

    def __init__(self, tell: Callable[[Mapping[str, Any], int], None]) -> None:
        self._tell = tell

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        self._tell(key_values, step)

    def close(self) -> None:
        pass


def _shown(path: Path) -> str:
    """A path as it is recorded: below the working folder without it, with forward slashes."""
    whole = Path(os.path.abspath(path))  # noqa: PTH100 a link stays a link
    here = Path.cwd()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.as_posix()
