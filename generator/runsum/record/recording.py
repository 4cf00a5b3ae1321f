"""One `learn()` call on its way into the database: its rows, and its end."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import KVWriter
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from runsum.record import endings
from runsum.record.beginnings import Run, shown, target_of
from runsum.record.database import RunLog, Value, now
from runsum.record.gpu import GpuSampler
from runsum.record.measure import GradientProbe, Meter, gpu_id, trained_parameters, weight_norm
from runsum.record.rows import finite, is_table, read_episodes, read_logged, read_spread

LEFT = "learn() was left by an exception that the program caught"
_NORMS_EVERY_S = 1.0
_HEARTBEAT_EVERY_S = 60.0


class Recording:
    """Writes what SB3 logs from now on as rows of a run, until it is told that the training has ended.

    Args:
        log: the database; closed at the end.
        run: the run in it.
        model: what is trained.
        checkpoints: folder below which it is saved at the end; None saves nothing.
        gpu: whether to sample the GPU; None: when the model uses one.

    Attributes:
        is_open: whether the training goes on, as far as is known.
        step: how many timesteps the model has trained.
    """

    def __init__(
        self, log: RunLog, run: Run, model: BaseAlgorithm, *, checkpoints: Path | None, gpu: bool | None
    ) -> None:
        self.log, self.run, self.is_open, self.step = log, run, True, int(model.num_timesteps)
        self._model, self._checkpoints, self._target = model, checkpoints, target_of(model)
        self._pid, self._call = os.getpid(), model.start_time
        self._paused = self._warned = False
        self._call_start = self._row_step = self.step
        self._row: dict[str, Value] = {}
        self._row_s = self._told_s = time.perf_counter()  # on Windows, time.monotonic() may stand still for 16 ms
        self._norms_s = float("-inf")
        self._elsewhere: dict[str, Any] = {}
        self._meter, self._gradient = Meter(), GradientProbe()
        self._gpu, self._gpu_log = _start_gpu(log, run.run_id, model, gpu)
        self._formats = model.logger.output_formats
        for other in [writer.recording for writer in self._formats if isinstance(writer, _Writer)]:
            if other.is_left():  # only a logger of one's own keeps what an earlier learn() call hung into it
                other.finish("stopped", LEFT)
        self._writer = _Writer(self)
        self._formats.append(self._writer)
        endings.watch(self)

    # ---- on its way

    def end_rollout(self) -> None:
        """An update is about to begin: measure the gradient in it, once a second at most, and show that it lives."""
        moment = time.perf_counter()
        if moment - self._norms_s < _NORMS_EVERY_S:
            return
        self._norms_s = moment
        self._gradient.arm(trained_parameters(self._model.policy))
        self.log.write_waiting()
        if moment - self._told_s >= _HEARTBEAT_EVERY_S:
            self._told_s, stamp = moment, now()
            alive: dict[str, Value] = {"current_timestep": self.step, "updated_at": stamp, "heartbeat_at": stamp}
            self.log.update(self.run.run_id, alive)

    def add_logged(self, logged: Mapping[str, Any], step: int) -> None:
        """Write the row that SB3 logs.

        A callback that logs something of its own in between (EvalCallback does) takes along what the update has left
        for SB3's next table; its numbers are put back there.
        """
        if not is_table(logged):
            self._elsewhere |= logged
            return
        spread = read_spread(self._model.ep_info_buffer or ())
        values = {"episode_reward_std": spread, **read_logged({**self._elsewhere, **logged})}
        self._elsewhere = {}
        self._add_row(values, step)

    def flag_pause(self, paused: bool, line: str) -> None:
        """Note that the training is paused, or goes on."""
        if paused != self._paused:
            self._paused = paused
            self.log.update(
                self.run.run_id, {"process_paused": int(paused), "updated_at": now(), "heartbeat_at": now()}
            )
            self.log.add_note(self.run.run_id, line)

    def warn_once(self, error: Exception) -> None:
        """A fault of the recorder is no reason to end a training."""
        if not self._warned:
            self._warned = True
            warnings.warn(f"runsum could not record a row: {type(error).__name__}: {error}", stacklevel=3)

    def _add_row(self, values: dict[str, Value], step: int) -> None:
        moment, clock, run = now(), time.perf_counter(), self.run
        leg = max(1, self._target - run.start)
        row: dict[str, Value] = {
            "run_id": run.run_id, "timestep": step, "timestamp": moment, "total_timesteps": leg,
            "progress_pct": (step - run.start) / leg * 100, **values,
        }  # fmt: skip
        if self._row and step == self._row_step:  # two episodes of an off-policy algorithm ended in one step
            row = self._row | {column: value for column, value in row.items() if value is not None}
        else:
            row |= self._measure((step - self._row_step) / max(clock - self._row_s, 1e-9))
            self._row_s = self._told_s = clock
        run.last_reward = finite(row.get("episode_reward_mean"))
        if run.last_reward is not None:
            run.best = run.last_reward if run.best is None else max(run.best, run.last_reward)
        self._row, self._row_step, self.step = row, step, max(self.step, step)
        told = {"current_timestep": step, "best_reward": run.best, "updated_at": moment, "heartbeat_at": moment}
        self.log.add_row(run.run_id, row, told)

    def _measure(self, speed: float) -> dict[str, Value]:
        cpu, memory = self._meter.read()
        measured: dict[str, Value] = {"steps_per_second": speed, "cpu_percent": cpu, "memory_mb": memory}
        if self._gpu is not None:
            sample = self._gpu.last
            measured |= {"gpu_percent": sample.get("gpu_util_pct"), "gpu_memory_mb": sample.get("vram_used_mb")}
        gradient = self._gradient.read()
        if gradient is not None:
            weights = trained_parameters(self._model.policy)
            measured |= {"gradient_norm": gradient, "weight_norm": weight_norm(weights)}
        return measured

    # ---- at its end

    def is_left(self) -> bool:
        """Whether `learn()` was called anew on the model, without this call having ended."""
        return self.is_open and bool(self._model.start_time != self._call)

    def is_ended_by(self, error: BaseException) -> bool:
        """Whether an exception came out of this `learn()` call."""
        return endings.came_through(error, self._model)

    def end_with(self, error: BaseException | None) -> None:
        """Close the record of a training that `learn()` has not ended: with an exception, or with the program."""
        if isinstance(error, KeyboardInterrupt):
            self.finish("stopped", f"stopped by hand at {now()}")
        elif error is not None and not isinstance(error, SystemExit | GeneratorExit):
            self.finish("failed", endings.describe_error(error))
        elif self._paused:
            self.finish("running", f"the program ended at {now()} while the training was paused")
        else:
            self.finish("stopped", f"the program ended at {now()} without finishing the training")

    def end_well(self) -> None:
        """`learn()` has come to its end."""
        short = self.step < self._target
        line = f"ended by a callback at step {self.step:,} of {self._target:,}" if short else None
        self.finish("completed", line)

    def finish(self, status: str, line: str | None) -> None:
        """Write how the training ended; once, and only in the process that trained."""
        if not self.is_open or os.getpid() != self._pid:
            return
        left = self.is_left()
        self.is_open = False
        endings.forget(self)
        self._gradient.disarm()
        if self._writer in self._formats:
            self._formats.remove(self._writer)
        if self._gpu is not None and self._gpu_log is not None:
            self._gpu.stop()
            self._gpu_log.close()
        if status != "running" and not left and self.step > self._row_step:
            self._add_row(self._last_values(), self.step)
        ended: dict[str, Value] = {
            "status": status, "updated_at": now(), "current_timestep": self.step,
            "epsilon": getattr(self._model, "exploration_rate", None),
        }  # fmt: skip
        if status != "running":
            reward = None if left else read_episodes(self._model.ep_info_buffer or ())["episode_reward_mean"]
            ended |= {"end_time": now(), "end_timestep": self.step,
                      "final_reward": self.run.last_reward if reward is None else reward}  # fmt: skip
        if status != "failed" and self._checkpoints is not None and not left:
            ended["model_path"] = self._save(self._checkpoints)
        if line is not None:
            self.log.add_note(self.run.run_id, line)
        self.log.update(self.run.run_id, ended)
        self.log.close()

    def _last_values(self) -> dict[str, Value]:
        """What is known at the end beyond the last row: SB3 logs nothing there when `log_interval` is larger than 1."""
        if isinstance(self._model, OnPolicyAlgorithm):
            # a rollout that a callback cut short counts: row 0 would say that this is no full row
            count = math.ceil((self.step - self._call_start) / (self._model.n_envs * self._model.n_steps))
        else:
            count = int(self._model._episode_num)
        return {**read_episodes(self._model.ep_info_buffer or ()), "episode_count": count}

    def _save(self, folder: Path) -> str | None:
        path = folder / self.run.run_id / "latest.zip"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._model.save(path)
        except Exception as error:  # a full disk, a setting that cannot be pickled: the run has ended all the same
            warnings.warn(f"{path} could not be saved: {type(error).__name__}: {error}", stacklevel=4)
            return None
        return shown(path)


class _Writer(KVWriter):
    """Stands among the logger's output formats and hands over what they print."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        try:
            self.recording.add_logged(key_values, step)
        except Exception as error:
            self.recording.warn_once(error)

    def close(self) -> None:
        pass


def _start_gpu(
    log: RunLog, run_id: str, model: BaseAlgorithm, wanted: bool | None
) -> tuple[GpuSampler | None, RunLog | None]:
    if wanted is None:
        wanted = model.device.type == "cuda"
    if not wanted or not GpuSampler.is_possible():
        return None, None
    own, pid = RunLog(log.path), os.getpid()  # samples come from another thread, while a row is being written
    try:
        return GpuSampler(gpu_id(model.device), lambda s: own.add_gpu_sample({"run_id": run_id, "pid": pid, **s})), own
    except OSError as error:
        own.close()
        warnings.warn(f"nvidia-smi cannot be started ({error}); the GPU is not recorded", stacklevel=5)
        return None, None
