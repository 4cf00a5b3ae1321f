"""Record trainings of Stable-Baselines3 into a run database: `from runsum.record import RunRecorder`.

Needs the extra `runsum[sb3]`.
"""

try:
    from runsum.record.callback import RunRecorder
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("stable_baselines3", "torch", "gymnasium", "psutil"):
        raise
    raise ModuleNotFoundError(
        f"runsum.record needs {error.name}. Type: pip install 'runsum[sb3]'", name=error.name
    ) from error

__all__ = ["RunRecorder"]
