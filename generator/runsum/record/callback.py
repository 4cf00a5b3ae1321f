"""`RunRecorder`: a callback of Stable-Baselines3 that writes a training into a run database."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from stable_baselines3.common.callbacks import BaseCallback

from runsum.record.beginnings import Run, Wishes, begin_run, continue_run, read_mark, shown
from runsum.record.database import RunLog, now
from runsum.record.recording import LEFT, Recording

_ROWS_EVERY_S = 1.0


class RunRecorder(BaseCallback):
    """Records a training: what was set, every row that SB3 logs, what the machine did, and how it ended.

    ::

        with RunRecorder("ml_experiments.db") as recorder:
            model.learn(100_000, callback=recorder)

    A row is written whenever SB3's logger writes one (`log_interval` of `learn()`), with the same numbers. Without the
    `with`, an exception is recorded too, as long as nobody catches it before Python ends. Of a program that is killed,
    the rows of the last second may be missing.

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
        self._wishes = Wishes(
            name, tuple(tags), description, None if parent_checkpoint is None else Path(parent_checkpoint)
        )
        self._checkpoints = None if checkpoints is None else Path(checkpoints)
        self._use_gpu = gpu
        self._run: Run | None = None
        self._recording: Recording | None = None
        self._on_loss: weakref.finalize[[str, str], RunRecorder] | None = None

    # ---- what SB3 calls

    def _on_training_start(self) -> None:
        self._close(LEFT)  # of a training before, if it ended without a word
        log = RunLog(self._database, rows_every_s=_ROWS_EVERY_S)
        try:
            self._run = self._begin(log)
            self.run_id = self._run.run_id
            self._recording = Recording(
                log, self._run, self.model, checkpoints=self._checkpoints, gpu=self._use_gpu
            )  # fmt: skip
        except BaseException:
            log.close()
            raise
        # a program that catches the exception of a training and drops the recorder goes on without it
        self._on_loss = weakref.finalize(self, self._recording.finish, "stopped", LEFT)
        self._on_loss.atexit = False

    def _on_step(self) -> bool:
        if self._recording is not None:
            self._recording.step = self.num_timesteps
        return True

    def _on_rollout_end(self) -> None:
        if self._recording is not None:
            self._recording.end_rollout()

    def _on_training_end(self) -> None:
        if self._recording is not None:
            self._recording.end_well()
        if self._on_loss is not None:
            self._on_loss.detach()  # it holds the model

    # ---- what a person calls

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if error is None:
            self._close(LEFT)
        elif self._recording is not None:
            self._recording.end_with(error)
        return False

    def pause(self) -> None:
        """Note that the training is paused; it is for the caller to hold it. Outside of `learn()` nothing is noted."""
        if self._recording is not None and self._recording.is_open:
            self._recording.flag_pause(True, f"pause: training paused at {now()}")

    def resume(self) -> None:
        """Note that the training goes on after `pause()`."""
        if self._recording is not None and self._recording.is_open:
            self._recording.flag_pause(False, f"resume: training resumed at {now()}")

    def annotate(self, text: str, *, chart: Literal["reward", "loss", "learning", "system"] = "reward") -> None:
        """Write a note at the present timestep into a chart of the run's page; also after the training.

        Raises:
            ValueError: there is no run yet.
        """
        with self._writing("annotate") as (log, run):
            log.add_annotation(run.run_id, chart, self.num_timesteps, run.last_reward or 0.0, text)

    def add_video(self, path: str | Path, *, timestep: int | None = None, seconds: float | None = None) -> None:
        """Name a video of the policy; it may be called after the training, too.

        Args:
            path: the video file.
            timestep: when the policy was as good as it shows; default: now.
            seconds: how long it plays.

        Raises:
            ValueError: there is no run yet.
        """
        path = Path(path)
        step = self.num_timesteps if timestep is None else int(timestep)
        with self._writing("add_video") as (log, run):
            log.add_video(
                run.run_id,
                {
                    "file_path": shown(path), "file_size_mb": path.stat().st_size / 1e6,
                    "duration_seconds": None if seconds is None else float(seconds),
                    "start_timestep": step, "end_timestep": step, "start_time": now(), "end_time": now(),
                    "status": "completed",
                },
            )  # fmt: skip
            log.update(run.run_id, {"video_path": shown(path)})

    # ---- between the two

    def _begin(self, log: RunLog) -> Run:
        mark = read_mark(self.model)
        if self._run is not None and mark and mark["run_id"] == self._run.run_id and self.num_timesteps > 0:
            continue_run(log, self.model, self._run)
            return self._run
        return begin_run(log, self.model, self._wishes)

    def _close(self, line: str) -> None:
        """Whatever is still open was left without a word."""
        if self._on_loss is not None:
            self._on_loss.detach()
        if self._recording is not None:
            self._recording.finish("stopped", line)
        self._recording = None

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[tuple[RunLog, Run]]:
        """The database, as it is open for the training or for this once."""
        if self._run is None:
            raise ValueError(f"{what}() needs a run: call it during or after learn()")
        if self._recording is not None and self._recording.is_open:
            yield self._recording.log, self._run
            return
        log = RunLog(self._database)
        try:
            yield log, self._run
        finally:
            log.close()
