"""Score matrices that the aggregates are checked on, (runs, tasks) each; where they are from: compare_rliable.py."""

from __future__ import annotations

import numpy as np


def _made(runs: int, tasks: int, spread: float, level: float) -> np.ndarray:
    """Skewed scores: a few games far above 1, most below, runs of one game close together; the same in every NumPy."""
    game = (np.arange(tasks) * 0.6180339887 + 0.1) % 1.0
    run = (np.arange(runs * tasks).reshape(runs, tasks) * 0.7548776662 + 0.3) % 1.0
    return np.round(np.exp(level + 3.4 * (game - 0.5)) * np.exp(3.4 * spread * (run - 0.5)), 6)


_LIBRARY = np.arange(80, dtype=float).reshape(5, 16)
MATRICES: dict[str, np.ndarray] = {
    "metrics x": np.array([[1, 2], [2, 2], [1, 1], [2, 1]], dtype=float),
    "metrics y": np.array([[1, 1], [2, 2], [3, 3]], dtype=float),
    "library x": _LIBRARY,
    "library y": np.flip(_LIBRARY, axis=0),
    "atari": _made(5, 55, 0.3, 0.0),
    "procgen x": _made(10, 16, 0.2, -0.6),
    "procgen y": _made(10, 16, 0.2, -0.6) * np.linspace(0.8, 1.1, 160).reshape(10, 16),
}
PAIRS = (("metrics x", "metrics y"), ("library x", "library y"), ("procgen x", "procgen y"))
PROFILE_AT: dict[str, tuple[float, ...]] = {
    "metrics x": (0.0, 1.0, 1.5, 2.0),
    "metrics y": (0.0, 1.0, 1.5, 2.0),
    "library x": (0.0, 0.25, 20.0, 60.0),
    "library y": (0.0, 0.25, 20.0, 60.0),
    "atari": (0.1, 0.5, 1.0, 2.0, 8.0),
    "procgen x": (0.1, 0.5, 1.0, 2.0),
    "procgen y": (0.1, 0.5, 1.0, 2.0),
}
