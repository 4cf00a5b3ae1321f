"""The only room that starts processes: work that needs not wait for the rest of a build."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

_CHARTS = ("-P", "-m", "runsum.charts")  # -P: a file of the user's folder is never imported


class ChartsWorker:
    """Compiles the chart specs in a process of its own, so that a second core does it while the runs are read."""

    def __enter__(self) -> ChartsWorker:
        self._process = subprocess.Popen([sys.executable, *_CHARTS], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return self

    def result(self) -> bytes:
        """The script of chart specs; waits for it.

        Raises:
            RuntimeError: the worker failed; its last line says why.
        """
        script, errors = self._process.communicate()
        if self._process.returncode != 0:
            lines = errors.decode("utf-8", "replace").strip().splitlines() or ["it was killed"]
            raise RuntimeError(f"the chart specs could not be compiled: {lines[-1]}")
        return script

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
