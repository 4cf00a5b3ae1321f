"""The gate and the recommendations: every clause and rule of `runsum.analysis.next_actions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from runsum.analysis.next_actions import RULES, Evidence, advise, judge_gate
from runsum.model import DataQuality, State, problem
from support.analysis import LIMITS
from support.rows import CONFIG, START


def evidence(numbers: Mapping[str, Any] | None = None, **changes: Any) -> Evidence:
    """A healthy run that rose to 20 and held it; `numbers` and `changes` make it ill."""
    signals = {"shape": "level", "scale": 20.0, "noise": 0.1, "start_level": 1.0, "level": 20.0, "recent_change": 0.0}
    healthy = Evidence(
        state=State.COMPLETED, progress_pct=100.0, numbers=signals | dict(numbers or {}),
        quality=DataQuality(rows=100, reward_rows=100), problems={}, best=20.0, final=20.0, current=1000, start=0,
        downtime_h=0.0, slowdown=None,
    )  # fmt: skip
    return replace(healthy, **changes)


GATES = [
    ("gate.failed", "no-go", evidence(state=State.FAILED)),
    ("gate.few_rows", "insufficient data", evidence(quality=DataQuality(reward_rows=11))),
    ("gate.lost_rewards", "insufficient data", evidence(lost_rewards=True)),
    (
        "gate.contaminated",
        "insufficient data",
        evidence(quality=DataQuality(reward_rows=99, contaminated_rows=1)),
    ),
    ("gate.too_early", "insufficient data", evidence(progress_pct=24.9)),
    ("gate.flat", "no-go", evidence({"shape": "flat"})),
    ("gate.falling", "no-go", evidence(final=10.0)),
    ("gate.worse_than_parent", "no-go", evidence(parent_delta=-2.1, parent_label="run-1")),
    ("gate.slipping", "insufficient data", evidence({"shape": "falling"}, final=15.0)),
    ("gate.rising", "go", evidence({"shape": "rising"})),
    ("gate.level", "go", evidence()),
]


@pytest.mark.parametrize(("key", "gate", "seen"), GATES, ids=[key for key, _, _ in GATES])
def test_each_clause_of_the_gate_decides(key: str, gate: str, seen: Evidence) -> None:
    """Every clause has a run that it decides, and the reason is the clause."""
    assert (judge_gate(seen, LIMITS)[0], judge_gate(seen, LIMITS)[1].key) == (gate, key)


def test_the_first_clause_that_applies_decides() -> None:
    """A run with everything wrong failed; without each reason in turn the next one decides."""
    ill = evidence(
        {"shape": "flat"}, state=State.FAILED, quality=DataQuality(reward_rows=5, contaminated_rows=9),
        lost_rewards=True, progress_pct=1.0, final=0.0, parent_delta=-9.0, parent_label="run-1",
    )  # fmt: skip
    cures: list[dict[str, Any]] = [
        {"state": State.STOPPED},
        {"quality": DataQuality(reward_rows=50, contaminated_rows=9)},
        {"lost_rewards": False},
        {"quality": DataQuality(reward_rows=50)},
        {"progress_pct": 50.0},
        {"numbers": evidence({"shape": "falling"}).numbers},
        {"final": 15.0},
        {"parent_delta": None},
    ]
    seen = [judge_gate(ill, LIMITS)[1].key]
    for cure in cures:
        ill = replace(ill, **cure)
        seen.append(judge_gate(ill, LIMITS)[1].key)
    assert seen == [key for key, _, _ in GATES[:9]]


@pytest.mark.parametrize(
    "seen",
    [
        evidence(progress_pct=25.0),
        evidence(progress_pct=None),
        evidence(final=10.6),  # less than half of the gain of 19
        evidence(parent_delta=-2.0, parent_label="run-1"),  # a tenth of the scale
        evidence({"noise": 3.0}, final=9.0),  # within four times the noise
    ],
)
def test_the_gate_stays_open_at_its_limits(seen: Evidence) -> None:
    """Exactly at a threshold, and within the noise, nothing is held against a run."""
    assert judge_gate(seen, LIMITS)[0] == "go"


FIRES = {
    "no_rows": evidence(quality=DataQuality(rows=3, reward_rows=2)),
    "failed": evidence(state=State.FAILED),
    "collapsed": evidence(final=5.0),
    "stale": evidence(problems={"stale": problem("stale", at="2025-12-22T10:00:00")}),
    "flat": evidence({"shape": "flat"}),
    "rising": evidence({"shape": "rising", "recent_change": 2.0}),
    "worse_than_parent": evidence(parent_delta=-5.0, parent_label="run-1", changed=("gamma",)),
    "plateau": evidence({"level_since": 500.0}),
    "lost_rewards": evidence(lost_rewards=True),
    "kl_high": evidence({"kl_median": 0.06}),
    "entropy_collapsed": evidence({"entropy_ratio": 0.01}),
    "entropy_untouched": evidence({"entropy_ratio": 0.99}),
    "contradiction": evidence(
        problems={"rollout_contradiction": problem("rollout_contradiction", measured=4096, recorded=2048)}
    ),
    "critic_poor": evidence({"explained_variance": -0.1}),
    "finished": evidence(state=State.FINISHED),
    "idle_gpu": evidence({"gpu_avg": 23.0}),
    "slower": evidence(slowdown={"change": 40.0, "before": 450.0, "after": 270.0}),
    "downtime": evidence(downtime_h=1.5),
    "other_seed": evidence(),
    "set_target": evidence(),
    "evaluate": evidence(),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_fires(rule: Any) -> None:
    """Each rule of the table has a run it applies to."""
    assert rule.applies(FIRES[rule.name], LIMITS) is not None


@pytest.mark.parametrize("rule", RULES[:-3], ids=lambda rule: rule.name)
def test_no_rule_fires_on_a_healthy_run(rule: Any) -> None:
    """A completed run that rose and held has only the two standing recommendations."""
    assert rule.applies(evidence(), LIMITS) is None


def test_the_two_best_supported_rules_win() -> None:
    """Of four that apply, the two with most support are given, the strongest first."""
    seen = evidence(
        {"gpu_avg": 23.0, "kl_median": 0.2, "explained_variance": -1.0},
        slowdown={"change": 40.0, "before": 450.0, "after": 270.0},
    )
    assert [name for name, _ in advise(seen, LIMITS).recommendations] == ["kl_high", "critic_poor"]


def test_a_healthy_run_gets_two_recommendations_too() -> None:
    """There is always something to do next."""
    assert [name for name, _ in advise(evidence(), LIMITS).recommendations] == ["other_seed", "set_target"]


def test_the_table_of_rules_is_sorted_and_unique() -> None:
    """Supports fall from top to bottom, and no two rules tie."""
    supports = [rule.support for rule in RULES]
    assert supports == sorted(set(supports), reverse=True)


def test_a_collapsed_run_is_not_told_to_go_on() -> None:
    """A late rise after a deep fall is no reason to continue from the end."""
    seen = evidence({"shape": "rising"}, final=5.0)
    assert [name for name, _ in advise(seen, LIMITS).recommendations] == ["collapsed", "other_seed"]


def test_a_declared_target_is_not_asked_for_again() -> None:
    """Where a solved threshold is declared, nobody is told to declare one."""
    assert [name for name, _ in advise(evidence(has_target=True), LIMITS).recommendations] == ["other_seed", "evaluate"]


def test_a_continued_run_is_not_told_to_go_on() -> None:
    """A later run of the archive went on from it already."""
    rising = {"shape": "rising", "recent_change": 2.0}
    names = [name for name, _ in advise(evidence(rising, continued=True), LIMITS).recommendations]
    assert "rising" not in names


def test_a_failure_in_the_log_closes_the_gate() -> None:
    """Whatever the status says, a log that ends with a failure is no reason to go on."""
    found = {"log_failure": problem("log_failure", what="cuda out of memory", line="...")}
    assert advise(evidence(state=State.STALE, problems=found), LIMITS).gate == "no-go"


def test_a_continued_leg_is_not_called_random() -> None:
    """Entropy as at the start of a leg is that of a trained policy, not of a random one."""
    names = [name for name, _ in advise(evidence({"entropy_ratio": 0.99}, start=500), LIMITS).recommendations]
    assert "entropy_untouched" not in names


def test_the_recipe_of_the_application_is_a_run_of_its_own() -> None:
    """The literal configuration of the builder is what these tests think it is."""
    assert (CONFIG["n_envs"], CONFIG["n_steps"], START.hour) == (16, 256, 10)


@pytest.mark.parametrize("shape", ["rising", "level", "falling"])
def test_nothing_is_advised_from_an_end_out_of_sight(shape: str) -> None:
    """Where rewards of 1000 and more were lost, no rule reads the shape of what is left."""
    seen = evidence({"shape": shape, "recent_change": 9.0, "level_since": 100.0}, lost_rewards=True, final=5.0)
    names = [rule.name for rule in RULES if rule.applies(seen, LIMITS) is not None]
    assert not {"rising", "plateau", "collapsed"} & set(names)
