"""The checks of a run's health on runs of known truth; `tests/benchmarks/verdict_cases.py` prints the whole table."""

from __future__ import annotations

import pytest

from runsum.analysis.findings import CHECKS, is_outside
from runsum.model import Level
from runsum.render import Renderer
from runsum.resources import template_folder
from support.verdict_cases import CASES, Case, Outcome, find_all, judge_all

ON_POLICY_ONLY = {"kl", "clip_fraction", "kl_against_clip", "explained_variance", "entropy", "value_loss"}
OFF_POLICY_ONLY = {"td_loss", "q_value", "exploration", "replay"}


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return judge_all(seeds=2)


def test_there_is_a_case_for_every_check() -> None:
    """Each check has a run that it must find something in, and there are healthy runs of every algorithm."""
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    assert set().union(*(case.wrong for case in CASES)) == {check.name for check in CHECKS}
    assert {case.algorithm for case in CASES if case.is_healthy} == {"ppo", "a2c", "dqn", "sac", "td3"}


def test_healthy_runs_are_left_alone(outcome: Outcome) -> None:
    """False alarms on at most 5 % of them."""
    assert outcome.healthy >= 80
    assert outcome.alarmed <= 0.05 * outcome.healthy


def test_every_check_is_mostly_right(outcome: Outcome) -> None:
    """It finds what is wrong, and hardly anything else."""
    weak = {
        name: (score.precision, score.recall)
        for name, score in outcome.checks.items()
        if (score.precision or 0.0) < 0.9 or (score.recall or 0.0) < 0.9
    }
    assert not weak


@pytest.mark.parametrize("said", ["reward_level", "reward_rising", "reward_flat", "reward_collapsed", "reward_falling"])
def test_the_reward_is_described_as_it_was_made(said: str, outcome: Outcome) -> None:
    """Each shape is found where it was drawn, and not elsewhere."""
    score = outcome.shapes[said]
    assert (score.recall or 0.0) >= 0.85
    assert (score.precision or 0.0) >= 0.85


@pytest.mark.parametrize("algorithm", ["dqn", "sac", "ppo"])
def test_checks_keep_to_their_algorithms(algorithm: str) -> None:
    """Nothing of PPO is judged on DQN and SAC, whatever their columns hold, and nothing of theirs on PPO."""
    case: Case = next(case for case in CASES if case.algorithm == algorithm)
    rules = set(find_all(case, 0))
    assert not rules & (OFF_POLICY_ONLY if algorithm == "ppo" else ON_POLICY_ONLY)


def test_what_is_good_and_outside_says_why() -> None:
    """No number stands outside of its usual range with the word good beside it and no reason for that."""
    renderer = Renderer(template_folder())
    said = {
        (found.rule, found.reason.key): str(renderer.words(found.reason))
        for case in CASES
        for found in find_all(case, 0).values()
        if found.level is Level.GOOD and is_outside(found.value, found.band)
    }
    assert {rule for rule, _ in said} >= {"entropy", "value_loss"}
    assert [words for words in said.values() if "the usual range" not in words] == []
