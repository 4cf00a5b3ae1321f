"""Samples of the GPU while a run trains, from NVIDIA's own `nvidia-smi`."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import IO

from runsum.record.database import Value, now

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # of a program without a console, Windows would open one
_INTERVAL_S = 2
_PATIENCE_S = 5
_COLUMNS = {
    "utilization.gpu": "gpu_util_pct",
    "memory.used": "vram_used_mb",
    "memory.total": "vram_total_mb",
    "temperature.gpu": "temp_c",
    "power.draw": "power_w",
}


class GpuSampler:
    """Reads one GPU every two seconds in the background; `nvidia-smi` runs once and repeats itself.

    Args:
        gpu: which one: its number or its UUID.
        tell: gets every sample, a value by column of `gpu_metrics`, from another thread.

    Raises:
        OSError: the command cannot be started.
    """

    def __init__(self, gpu: str, tell: Callable[[dict[str, Value]], None]) -> None:
        self._tell = tell
        self._last: dict[str, Value] = {}
        self._process = subprocess.Popen(
            ["nvidia-smi", f"--id={gpu}", f"--query-gpu={','.join(_COLUMNS)}",
             "--format=csv,noheader,nounits", f"--loop={_INTERVAL_S}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            text=True, encoding="utf-8", errors="replace", creationflags=NO_WINDOW,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._thread = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._thread.start()

    @staticmethod
    def is_possible() -> bool:
        """Whether this machine has the command."""
        return shutil.which("nvidia-smi") is not None

    @property
    def last(self) -> dict[str, Value]:
        """The newest sample; empty before the first, and when the command has ended before the training."""
        return self._last if self._thread.is_alive() else {}

    def stop(self) -> None:
        """End the command and wait for the last sample."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # a driver that hangs lets nobody go
                self._process.wait(_PATIENCE_S)
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE_S)

    def _listen(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                sample = {"ts": now(), **parse_sample(line)}
                if len(sample) > 1:
                    self._last = sample
                    self._tell(sample)


def parse_sample(line: str) -> dict[str, Value]:
    """The values of one line; what the driver does not know ("[N/A]") is left out."""
    sample: dict[str, Value] = {}
    for column, text in zip(_COLUMNS.values(), line.split(","), strict=False):
        try:
            sample[column] = float(text)
        except ValueError:
            continue
    return sample
