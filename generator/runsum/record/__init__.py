"""Record trainings of Stable-Baselines3 into a run database: `from runsum.record import RunRecorder`.

Needs the extra `runsum[sb3]`, which is looked for only when `RunRecorder` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runsum.record.callback import RunRecorder

__all__ = ["RunRecorder"]


def __getattr__(name: str) -> object:
    if name != "RunRecorder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from runsum.record.callback import RunRecorder
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in ("stable_baselines3", "torch", "gymnasium", "psutil"):
            raise
        # not an AttributeError: "from runsum.record import RunRecorder" must say this line
        raise ModuleNotFoundError(
            f"runsum.record needs {package}. Type: pip install 'runsum[sb3]'", name=error.name
        ) from None
    return RunRecorder
