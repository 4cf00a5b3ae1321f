"""What a run reached and what it cost, from its analysed rows: solved, human-normalised, hours, energy, the limit."""

from __future__ import annotations

from collections.abc import Mapping

from runsum.analysis import cost, solved
from runsum.analysis.resources import ResourceFacts
from runsum.analysis.shape import UNJUDGED, RewardShape
from runsum.cleaning.series import Series
from runsum.frozen import frozen
from runsum.measures import Cost, HumanScore, Solved
from runsum.model import Fact
from runsum.source.records import GpuTable
from runsum.thresholds import Thresholds


@frozen
class Results:
    """What a run reached and what it cost.

    Attributes:
        fact: the placeholder `solved_flag`.
        extras: facts beyond the placeholders, by name.
    """

    solved: Solved | None
    human: HumanScore | None
    cost: Cost
    fact: Fact
    extras: Mapping[str, Fact]


def find_results(
    series: Series,
    shape: RewardShape,
    gpu: GpuTable,
    machine: ResourceFacts,
    hours: tuple[float | None, float | None],
    game: tuple[str | None, str | None],
    measure: solved.Measure,
    declared: Mapping[str, float],
    lost: bool,
    limits: Thresholds,
) -> Results:
    """Judge and add up.

    Args:
        series: canonical rows.
        shape: of their reward.
        gpu: GPU samples.
        machine: what the machine did.
        hours: trained without gaps, and lost in them.
        game: environment id and name of the game.
        measure: how rewards were measured.
        declared: thresholds of runsum.yml.
        lost: see `loses_large_rewards`.
        limits: thresholds in force.
    """
    env_id, name = game
    rewards = series.values("episode_reward_mean")
    reached = solved.find_solved(series, env_id, name, declared, measure, lost)
    human = solved.find_human_score(env_id, shape.end, rewards.most if len(rewards) else None, measure, lost)
    few = shape.kind in UNJUDGED or lost
    spent = cost.find_cost(
        *hours, gpu, machine.gpu_avg, machine.energy_kwh, (None, None) if few else (shape.start, shape.end),
        machine.facts["resource_bottleneck_note"], limits,
    )  # fmt: skip
    extras = {"cost": cost.cost_fact(spent), "gained_per_gpu_hour": cost.yield_fact(spent)}
    if human is not None and env_id is not None:
        extras = {"human_normalised": solved.human_fact(human, env_id, measure), **extras}
    return Results(reached, human, spent, solved.solved_fact(reached, measure), extras)
