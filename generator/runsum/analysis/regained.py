"""A run that fell from its best and rises again at the end: what is said of its end must not forget the fall."""

from __future__ import annotations

from collections.abc import Mapping

from runsum.analysis.shape import RewardShape
from runsum.model import Fact, RunDigest, missing, note
from runsum.thresholds import Thresholds


def has_fallen(lost_share: object, limits: Thresholds) -> bool:
    """Whether the course of the reward gave back more than `lost_gain` of what it had gained: the verdict's no-go.

    Args:
        lost_share: the signal of that name, a share of the gain; None or a word where nothing is known.
        limits: thresholds in force.
    """
    return isinstance(lost_share, float) and lost_share > limits.lost_gain


def rises_again(run: RunDigest, limits: Thresholds) -> bool:
    """Whether a reward that rises at its end is below where it had been, beyond the noise and before it began to rise.

    Args:
        run: the run.
        limits: thresholds in force.
    """
    lost, best, last = run.signals.get("lost_share"), run.signals.get("best_level_at"), run.current_timestep
    if run.signals.get("shape") != "rising" or not isinstance(lost, float) or lost <= 0 or last is None:
        return False
    since = last - limits.recent_share * (last - run.start_timestep)
    return lost > limits.lost_gain or (isinstance(best, float) and best < since)


def regained_facts(shape: RewardShape, limits: Thresholds) -> Mapping[str, Fact]:
    """Convergence and trend of a reward that fell far and rises again; nothing for any other."""
    if shape.kind != "rising" or not has_fallen(shape.lost_share, limits):
        return {}
    return {
        "convergence_timestep": missing("convergence.regaining"),
        "reward_trend_note": note(
            "shape.regaining", start=shape.start, best=shape.best_level, end=shape.end, change=abs(shape.recent_change),
            share=shape.recent_share * 100, estimated=True,
        ),
    }  # fmt: skip
