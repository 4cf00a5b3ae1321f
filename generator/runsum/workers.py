"""A process of its own for work that needs not wait for the rest of a build: the specs of the charts."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from platformdirs import user_cache_path

from runsum.fingerprints import installed
from runsum.placing import put_whole

_CHARTS = ("-P", "-m", "runsum.charts")  # -P: a file of the user's folder is never imported
_COMPILERS = ("altair-", "vl_convert_python-")


class ChartsWorker:
    """Compiles the chart specs in a process of its own, so that a second core does it while the runs are read.

    They are the same for all archives, so they are kept for the next build, in the user's folder for such things.
    """

    def __enter__(self) -> ChartsWorker:
        self._kept = KeptCharts()
        self._script = self._kept.read()
        self._process = None if self._script else _compiler()
        return self

    def result(self) -> bytes:
        """The script of chart specs; waits for it.

        Raises:
            RuntimeError: the worker failed; its last line says why.
        """
        if self._process is None:
            assert self._script is not None
            return self._script
        script, errors = self._process.communicate()
        if self._process.returncode != 0:
            lines = errors.decode("utf-8", "replace").strip().splitlines() or ["it was killed"]
            raise RuntimeError(f"the chart specs could not be compiled: {lines[-1]}")
        self._kept.write(script)
        return script

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


def _compiler() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *_CHARTS], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class KeptCharts:
    """The compiled specs of an earlier build; what was compiled from other code or is damaged is not believed."""

    def __init__(self) -> None:
        made_of = Path(__file__).with_name("charts.py").read_bytes()
        versions = " ".join(name for name in installed() if name.startswith(_COMPILERS))
        self._key = hashlib.sha256(made_of + versions.encode()).hexdigest()
        self._file = user_cache_path("runsum") / "charts.js"

    def read(self) -> bytes | None:
        """The script; None when there is none that fits."""
        try:
            key, digest, script = self._file.read_bytes().split(b"\n", 2)
        except (OSError, ValueError):
            return None
        return script if (key, digest) == (self._key.encode(), _digest(script)) else None

    def write(self, script: bytes) -> None:
        """Keep a script; where nothing can be written, the next build compiles it again."""
        put_whole(self._file, b"\n".join((self._key.encode(), _digest(script), script)))


def _digest(script: bytes) -> bytes:
    return hashlib.sha256(script).hexdigest().encode()
