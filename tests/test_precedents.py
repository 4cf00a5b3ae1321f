"""Which runs of an archive support a recommendation: `runsum.archive.precedents`."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from runsum.analysis.findings import judged
from runsum.archive.precedents import Precedents
from runsum.curve import Curve
from runsum.model import ConfigValue, Finding, Level, RunDigest
from support.months import archive, run

GOOD = judged("reward_shape", Level.GOOD, "reward_level")
KL_GOOD = judged("kl", Level.GOOD, "kl_usual")
KL_BAD = judged("kl", Level.BAD, "kl_high", share=50.0, limit=0.05, value=0.2, band=(0.001, 0.02))


def trained(name: str, final: float, rate: float | None, *findings: Finding, **changes: object) -> RunDigest:
    digest = run(name, "2025-10-02T00:00:00", best=final)
    config = {} if rate is None else {"learning_rate": ConfigValue(rate, "config_json")}
    return replace(digest, config=config, findings=findings or (GOOD, KL_GOOD), **changes)


def lower(runs: list[RunDigest], own: RunDigest) -> str | None:
    found = Precedents.of([*runs, own]).with_setting(own, "learning_rate", False, "kl")
    return found and found.run_id


OWN = trained("own", 5.0, 1e-3, GOOD, KL_BAD)


def test_the_best_of_those_with_a_smaller_value_is_named() -> None:
    """Not the nearest, not the smallest, not one with a larger value."""
    runs = [trained("a", 9.0, 3e-4), trained("b", 20.0, 1e-4), trained("c", 8.0, 1e-5), trained("d", 30.0, 1e-2)]
    assert lower(runs, OWN) == "b"


@pytest.mark.parametrize(
    "other",
    [
        trained("same value", 20.0, 1e-3),
        trained("failed the check", 20.0, 1e-4, GOOD, KL_BAD),
        trained("check not made", 20.0, 1e-4, GOOD),
        trained("did not learn", 20.0, 1e-4, judged("reward_shape", Level.BAD, "reward_flat"), KL_GOOD),
        trained("other game", 20.0, 1e-4, env_id="y"),
        trained("other algorithm", 20.0, 1e-4, algorithm="DQN"),
        trained("not recorded", 20.0, None),
    ],
    ids=lambda other: other.run_id,
)
def test_what_cannot_be_compared_is_no_precedent(other: RunDigest) -> None:
    """Same environment, same algorithm, another value, and it passed."""
    assert lower([other], OWN) is None


def test_the_better_run_comes_with_what_it_had_else() -> None:
    """Of the same algorithm with the settings that differ; of another algorithm with its name."""
    better = Precedents.of([OWN, trained("a", 20.0, 1e-4)]).better(OWN, 1.0)
    assert better is not None
    assert (better.run_id, better.changes, better.algorithm) == ("a", (("learning_rate", 1e-3, 1e-4),), "")
    other = Precedents.of([OWN, trained("b", 20.0, 1e-4, algorithm="DQN")]).better(OWN, 1.0)
    assert other is not None
    assert (other.run_id, other.changes, other.algorithm) == ("b", (), "DQN")
    assert Precedents.of([OWN, trained("a", 5.5, 1e-4)]).better(OWN, 1.0) is None


def test_more_steps_are_no_better_setting() -> None:
    """A run that trained longer is judged by what it had come to after as many steps."""
    curve = Curve.of((500, 1_000, 4_000), (0.1, 0.2, 0.8), (3.0, 9.0, 20.0))
    longer = trained("a", 20.0, 1e-4, current_timestep=4_000, curve=curve)
    better = Precedents.of([OWN, longer]).better(OWN, 1.0)
    assert better is not None
    assert (better.final, better.then, better.reached, better.steps) == (20.0, 9.0, 9.0, 4_000)
    assert Precedents.of([OWN, longer]).better(OWN, 4.0) is None
    little = Precedents.of([OWN, replace(longer, current_timestep=1_100)]).better(OWN, 4.0)
    assert little is not None
    assert (little.then, little.reached) == (None, 20.0)


def test_an_archive_gives_its_advice_with_the_run_that_supports_it() -> None:
    """The recommendation of the page names it, from what to what."""
    found = archive(OWN, trained("a", 20.0, 1e-4)).find("own")
    advice = found.advice.recommendations[0]
    assert (advice.rule, advice.peer) == ("updates_too_large", "a")
    assert advice.words.values["change"].values == {"setting": "learning_rate", "before": 1e-3, "after": 1e-4}


def test_ten_thousand_runs_of_a_game_are_no_trouble() -> None:
    """Every one of them may ask: the index is sorted once, and a question is a search in it."""
    runs = [trained(f"run-{k}", float(k % 97), 1e-5 * (1 + k % 500)) for k in range(10_000)]
    began = time.process_time()
    index = Precedents.of(runs)
    found = [index.with_setting(one, "learning_rate", False, "kl") for one in runs]
    assert time.process_time() - began < 5.0
    assert sum(one is not None for one in found) > 9_000
