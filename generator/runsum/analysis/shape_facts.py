"""The shape of a reward curve in sentences."""

from __future__ import annotations

from runsum import formatting
from runsum.analysis.shape import UNJUDGED, RewardShape
from runsum.model import Fact, missing, note, phrase


def convergence_fact(shape: RewardShape) -> Fact:
    """The estimated timestep of convergence."""
    if shape.kind in UNJUDGED:
        return missing(f"convergence.{shape.kind}", rows=shape.rows, share=shape.covered)
    if shape.kind == "flat":
        return missing("convergence.flat", level=shape.end)
    if shape.level_since is None:
        return missing(
            f"convergence.{'moving' if shape.kind in ('rising', 'falling') else 'late'}", direction=shape.kind
        )
    low, high = shape.level_between or (shape.level_since, shape.level_since)
    key = "convergence.between" if look_apart(low, high) else "convergence.around"
    return Fact(shape.level_since, small=(phrase(key, low=low, high=high),), estimated=True)


def look_apart(low: int, high: int) -> bool:
    """Whether two timesteps are two numbers in the digits that a page prints; late in a long line they may not be."""
    return formatting.steps(low) != formatting.steps(high)


def trend_fact(shape: RewardShape) -> Fact:
    """The shape of the reward as a sentence."""
    if shape.kind in UNJUDGED:
        return missing(f"trend.{shape.kind}", rows=shape.rows, share=shape.covered)
    return note(
        f"shape.{shape.kind}{'_since' if shape.kind == 'level' and shape.level_since is not None else ''}",
        start=shape.start,
        end=shape.end,
        change=abs(shape.recent_change),
        since=shape.level_since,
        share=shape.recent_share * 100,
        estimated=True,
    )


def cliff_fact(shape: RewardShape) -> Fact:
    """Sudden drops as a sentence."""
    if shape.kind in UNJUDGED:
        return missing(f"trend.{shape.kind}", rows=shape.rows, share=shape.covered)
    if shape.cliff is None:
        return note("cliff.none")
    found = shape.cliff
    return note("cliff.found", count=shape.cliffs, timestep=found.to_timestep, before=found.before, after=found.after)
