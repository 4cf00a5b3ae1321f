"""Our aggregates beside those of google-research/rliable, on matrices of its own tests and like those of its examples.

    pip install rliable "pandas<3"    # an environment of its own
    PYTHONPATH=generator python tests/benchmarks/compare_rliable.py --repetitions 50000

Prints each estimate of both with their difference, and in Python the numbers that tests/test_analysis_aggregate.py
keeps. rliable's example scores lie in a bucket that not everybody can reach; the matrices here need no download:

* `metrics x`, `metrics y`: tests/rliable/metrics_test.py of its repository, 4 and 3 runs on 2 tasks
* `library x`, `library y`: tests/library_test.py, 5 runs on 16 tasks (y is x upside down)
* `atari`, `procgen x`, `procgen y`: made here, of the shape and spread of its Atari-200M (5 runs on 55 games) and
  Procgen (10 runs on 16 games) examples
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from runsum.analysis import aggregate
from support.score_matrices import MATRICES, PAIRS, PROFILE_AT


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repetitions", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=1, help="estimates of the Monte-Carlo error of a bound")
    chosen = parser.parse_args()
    from rliable import library, metrics  # of an environment of its own

    reps = chosen.repetitions

    def interval(scores: Any, function: Callable[..., Any]) -> np.ndarray:
        _, found = library.get_interval_estimates({"": scores}, function, reps=reps)
        return np.array(found[""])

    for name, scores in MATRICES.items():
        theirs = float(metrics.aggregate_iqm(scores))
        ours = float(aggregate.interquartile_mean(scores))
        show(name, "IQM", ours, theirs)
        bounds = [
            interval(scores, lambda x: np.array([metrics.aggregate_iqm(x)])).ravel() for _ in range(chosen.repeats)
        ]
        low, high = aggregate.bootstrap_interval(scores, aggregate.interquartile_mean, reps)
        spread = np.std(bounds, axis=0) if chosen.repeats > 1 else (math.nan, math.nan)
        for what, own, theirs_, error in zip(
            ("lower", "upper"), (low, high), np.mean(bounds, axis=0), spread, strict=True
        ):
            show(name, f"IQM {what}", float(own), float(theirs_), float(error))
        show(name, "gap", float(aggregate.optimality_gap(scores)), float(metrics.aggregate_optimality_gap(scores)))
        at = np.array(PROFILE_AT[name])
        profile, bands = library.create_performance_profile({"": scores}, at, reps=2000)
        low, high = aggregate.bootstrap_interval(scores, partial(aggregate.performance_profile, thresholds=at), 2000)
        for place, (own, theirs_) in enumerate(
            zip(aggregate.performance_profile(scores, at), profile[""], strict=True)
        ):
            show(name, f"profile {at[place]:g}", float(own), float(theirs_))
            show(name, f"profile {at[place]:g} lower", float(low[place]), float(bands[""][0][place]))
            show(name, f"profile {at[place]:g} upper", float(high[place]), float(bands[""][1][place]))
    for first, second in PAIRS:
        x, y = MATRICES[first], MATRICES[second]
        show(f"{first} > {second}", "P", aggregate.probability_of_improvement(x, y),
             float(metrics.probability_of_improvement(x, y)))  # fmt: skip
        few = min(reps, 2000)  # rliable tests each pair of draws by itself
        _, found = library.get_interval_estimates(
            {"": [x, y]}, lambda a, b: np.array([metrics.probability_of_improvement(a, b)]), reps=few
        )
        own = aggregate.bootstrap_improvement(x, y, reps)
        for what, ours, theirs in zip(("lower", "upper"), own, np.ravel(found[""]), strict=True):
            show(f"{first} > {second}", f"P {what}", ours, float(theirs))


def show(matrix: str, what: str, ours: float, theirs: float, error: float = math.nan) -> None:
    """One line: ours, rliable's, difference, Monte-Carlo error of rliable's where it was measured."""
    print(f"{matrix:22} {what:22} {ours:12.6f} {theirs:12.6f} {ours - theirs:+11.6f} {error:10.6f}")


if __name__ == "__main__":
    main()
