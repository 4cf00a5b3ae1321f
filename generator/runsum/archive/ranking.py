"""Which run of a game is the best: runs of one task are ranked against each other, and against no others.

Environments of one game can skip other frames, and rewards of other functions are other units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from runsum.analysis.rewarded import Measure
from runsum.model import RunDigest
from runsum.traits import rewarded_by

Task = tuple[str, Measure]
"""Environment, "" where it is not recorded, and what is rewarded in it."""


def task_of(run: RunDigest) -> Task:
    """What a run was trained on."""
    return run.env_id or "", rewarded_by(run)


def best_first(runs: Sequence[RunDigest]) -> list[RunDigest]:
    """Runs of one game by their best mean, task by task.

    The environment of most runs comes first, of equals the first by name, and one that is not recorded last; the
    rewards of an environment in the same order. Runs without a reward stand at the end of their task.
    """
    tasks = {run.slug: task_of(run) for run in runs}
    of_tasks = Counter(tasks.values())
    of_environments = Counter(env_id for env_id, _ in tasks.values())
    order = sorted(
        of_tasks, key=lambda task: (not task[0], -of_environments[task[0]], task[0], -of_tasks[task], task[1])
    )
    places = {task: place for place, task in enumerate(order)}
    return sorted(
        runs,
        key=lambda run: (
            places[tasks[run.slug]],
            run.best_reward is None,
            -(run.best_reward or 0.0),
            run.started_at or "",
            run.slug,
        ),
    )
