"""What a run was rewarded for, as far as its settings say: rewards of different reward functions are different units.

They are neither ranked against each other nor compared, however alike the runs are otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Measure = tuple[tuple[str, str], ...]
"""Names and values of the settings that say what is rewarded, by name; empty where nothing says it."""

_CHANGES = re.compile(r"reward_\w+|\w+_reward")
_ABOUT_RESULTS = re.compile(r"(best|last|final|mean|target)_reward|reward_(mean|std|threshold\w*)")
_FOR_THE_LEARNER = re.compile(r"(norm|normalize|clip)_reward")
"""Changes what the algorithm sees of a reward; recorders tell the reward of the episode, which stays the same."""
_OFF = frozenset({"", "none", "null", "false", "no", "0", "0.0", "1", "1.0"})
"""Values that leave the rewards as they are, whether a recorder writes them down or not."""


def reward_settings(settings: Mapping[str, str]) -> Measure:
    """Those of its settings that say what a run was rewarded for: reward_fn, reward_* and *_reward.

    Args:
        settings: all of them, as the texts by which they are compared; sections are part of a name, before a dot.
    """
    return tuple(
        sorted(
            (short_name(name), value)
            for name, value in settings.items()
            if _changes_reward(name) and value.strip().lower() not in _OFF
        )
    )


def differing(one: Measure, other: Measure) -> tuple[str, ...]:
    """Names of the settings in which two measures differ."""
    return tuple(sorted({name for name, _ in set(one) ^ set(other)}))


def short_name(name: str) -> str:
    """A setting without the sections that it stands in."""
    return name.rsplit(".", 1)[-1]


@lru_cache(maxsize=4_096)  # runs share the names of their settings
def _changes_reward(name: str) -> bool:
    last = short_name(name).lower()
    others = (_ABOUT_RESULTS, _FOR_THE_LEARNER)
    return _CHANGES.fullmatch(last) is not None and not any(other.fullmatch(last) for other in others)
