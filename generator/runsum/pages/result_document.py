"""What run.json says of results: solved, human-normalised score, cost, the group of its seeds.

`solved`: `level` and its `origin` ("runsum.yml" or the version of Gymnasium), `window` (episodes of each mean, null
where unknown), `reached_at` (first timestep, null where it was not reached), `held` (whether every later mean is at or
above it, null where there is none), `best`, `refused` (why it is not judged, else null); null without a threshold.

`human_normalised`: `final` and `best`, `random` and `human` (the scores of 0 and 1), `certain` (whether the record says
how rewards were measured), `refused`; null for what is no Atari game.

`cost`: `hours`, `gpu_hours`, `gpu_coverage` (share of the training that GPU samples cover), `energy_kwh`, `lost_h`,
`reward_gained`, `gained_per_gpu_hour`, `limit` ("gpu", "cpu", "environment", "memory", "none" for no clear limit, null
where it was not assessed).

`seeds`: `page` (null with fewer than three runs), `counts` (whether this run is one of the samples), `why_not`, `n`
(lineages that count), `iqm`, `low`, `high`, `interval` (whether these two are a 95 % interval, else
they are the least and the largest score), `first_timestep`, `last_timestep`; null for what belongs to no group.
"""

from __future__ import annotations

from typing import Any

from runsum.archive.archive import Archive, ArchivedRun
from runsum.measures import Cost, HumanScore, Solved


def result_document(run: ArchivedRun, archive: Archive) -> dict[str, Any]:
    """The part of run.json about results."""
    digest = run.digest
    return {
        "solved": _solved(digest.solved),
        "human_normalised": _human(digest.human),
        "cost": _cost(digest.cost),
        "seeds": seed_document(run, archive),
    }


def _solved(found: Solved | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "level": found.level,
        "origin": found.origin,
        "window": found.window,
        "reached_at": found.reached_at,
        "held": found.held,
        "best": found.best,
        "refused": found.refused or None,
    }


def _human(found: HumanScore | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "final": found.final,
        "best": found.best,
        "random": found.random,
        "human": found.human,
        "certain": found.certain,
        "refused": found.refused or None,
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "hours": cost.hours,
        "gpu_hours": cost.gpu_hours,
        "gpu_coverage": cost.gpu_coverage,
        "energy_kwh": cost.energy_kwh,
        "lost_h": cost.lost_h,
        "reward_gained": cost.reward_gained,
        "gained_per_gpu_hour": cost.gained_per_gpu_hour,
        "limit": cost.limit or None,
    }


def seed_document(run: ArchivedRun, archive: Archive) -> dict[str, Any] | None:
    """What it says of the run's group of seeds, the only part that other runs can change."""
    group = archive.seeds.of_run.get(run.digest.slug)
    if group is None:
        return None
    found = group.together
    why = next((out.why for out in group.left_out if out.slug == run.digest.slug), None)
    return {
        "page": None if group.slug is None else f"seeds/{group.slug}/index.html",
        "counts": why is None,
        "why_not": why,
        "n": len(group.samples),
        "iqm": None if found is None else found.iqm,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "interval": None if found is None else found.interval,
        "first_timestep": None if found is None else found.first,
        "last_timestep": None if found is None else found.last,
    }
