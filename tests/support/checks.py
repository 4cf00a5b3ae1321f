"""Runs as the checks of their health see them."""

from __future__ import annotations

from typing import Any

from runsum.analysis.findings import Subject
from runsum.analysis.shape import RewardShape
from runsum.model import Finding

LEVEL = RewardShape("level", 200, start=1.0, end=20.0, level_since=5000)
FLAT = RewardShape("flat", 200, start=1.0, end=1.0)
STEPS = [100.0 * k for k in range(1, 201)]


def subject(algorithm: str = "ppo", shape: RewardShape = LEVEL, **changes: Any) -> Subject:
    known: dict[str, Any] = {
        "actions": 4, "is_continuous": False, "is_annealed": False, "is_first": True, "is_solved": False,
        "settings": {}, "target": 20_000,
    }  # fmt: skip
    return Subject(algorithm=algorithm, shape=shape, **known | changes)


def key(found: Finding) -> str:
    return found.reason.key.removeprefix("finding.")
