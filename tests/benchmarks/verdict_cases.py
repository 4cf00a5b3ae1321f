"""How often the checks of a run's health are right, on runs whose truth is known.

python tests/benchmarks/verdict_cases.py [--seeds N] [--mistakes]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.verdict_cases import CASES, SEEDS, Score, judge_all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="draws of each case")
    parser.add_argument("--mistakes", action="store_true", help="name every draw that was judged wrongly")
    options = parser.parse_args()
    began = time.perf_counter()
    outcome = judge_all(options.seeds)
    took = time.perf_counter() - began
    healthy = sum(case.is_healthy for case in CASES)
    print(f"{len(CASES)} cases ({healthy} healthy), {options.seeds} draws each, {took:.1f} s\n")
    show("check", outcome.checks)
    show("what is said of the reward", outcome.shapes)
    share = outcome.alarmed / outcome.healthy * 100
    print(f"false alarms on healthy runs: {outcome.alarmed} of {outcome.healthy} ({share:.1f} %)")
    if options.mistakes:
        print("\n".join(["", *outcome.mistakes]))


def show(title: str, scores: Mapping[str, Score]) -> None:
    """A table of precision and recall."""
    print(f"{title:28} {'hits':>5} {'false':>6} {'missed':>7} {'precision':>10} {'recall':>7}")
    for name, score in sorted(scores.items()):
        precision, recall = (
            "–" if one is None else f"{one:.2f}" for one in (score.precision, score.recall)
        )  # fmt: skip
        print(f"{name:28} {score.hits:5} {score.false:6} {score.missed:7} {precision:>10} {recall:>7}")
    print()


if __name__ == "__main__":
    main()
