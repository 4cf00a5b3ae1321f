"""The gate and the recommendations: every clause and rule of `runsum.analysis.next_actions`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from runsum.analysis.evidence import Evidence, Precedent
from runsum.analysis.gate import judge_gate
from runsum.analysis.levels import LevelDifference
from runsum.analysis.next_actions import RULES, advise
from runsum.model import DataQuality, Finding, Level, State, phrase, problem
from runsum.render import Renderer
from runsum.resources import template_folder
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


def below(drop: float, noise: float = 0.4) -> LevelDifference:
    """A level so far below that of the parent."""
    return LevelDifference(20.0 - drop, 20.0, -drop, noise)


def found(rule: str, key: str, level: Level = Level.BAD, value: float = 0.5, **values: Any) -> dict[str, Finding]:
    """A finding of high confidence, by the name of its check."""
    words = phrase(f"finding.{key}", **values)
    return {rule: Finding(rule, level, words, value, (None, 0.1), "high")}


FLAT = {"numbers": {"shape": "flat", "noise": 0.1, "level": 1.0}, "findings": found("reward_shape", "reward_flat")}
FALLING = found("reward_shape", "reward_falling", Level.WATCH, end=15.0, change=2.0, share=25.0)
KL_LARGE = found("kl", "kl_large", Level.WATCH)
NO_GAIN = found("reward_shape", "reward_no_gain", Level.WATCH, start=4.0, end=5.0)
BELOW_BEST = found("reward_shape", "reward_below_best", Level.WATCH, best=9.0, end=7.0)
FROM_START = found("reward_shape", "reward_fell_from_start", Level.WATCH, before=9.0, after=2.0)
DEAD = found("entropy", "entropy_dead", value=3e-7, at=500)
EARLY = found("reward_shape", "reward_early", Level.NOT_ASSESSED, share=1.0)
CAME_BACK = found(
    "reward_shape", "reward_came_back", Level.WATCH, at=400, before=308.0, after=68.0, lost=69.0, end=245.0
)
NOISY = found("reward_shape", "reward_noisy", Level.WATCH)


GATES = [
    ("gate.failed", "no-go", evidence(state=State.FAILED)),
    ("gate.few_rows", "insufficient data", evidence(quality=DataQuality(reward_rows=11))),
    ("gate.lost_rewards", "insufficient data", evidence(lost_rewards=True)),
    (
        "gate.contaminated",
        "insufficient data",
        evidence(quality=DataQuality(reward_rows=99, contaminated_rows=2)),
    ),
    ("gate.too_early", "insufficient data", evidence(progress_pct=24.9)),
    ("gate.flat", "no-go", evidence(**FLAT)),
    ("gate.falling", "no-go", evidence({"lost_share": 0.6}, final=10.0)),
    ("gate.worse_than_parent", "no-go", evidence(against_parent=below(2.1), parent_label="run-1")),
    ("gate.no_gain", "undecided", evidence(findings=NO_GAIN)),
    ("gate.below_best", "undecided", evidence(findings=BELOW_BEST)),
    ("gate.from_start", "undecided", evidence(findings=FROM_START)),
    ("gate.slipping", "undecided", evidence({"shape": "falling"}, findings=FALLING, final=15.0)),
    ("gate.noisy", "undecided", evidence(findings=NOISY)),
    ("gate.early_mean", "insufficient data", evidence({"shape": "early"}, findings=EARLY)),
    ("gate.rising", "go", evidence({"shape": "rising"})),
    ("gate.level", "go", evidence({"level_since": 500.0})),
    ("gate.open", "go", evidence()),
    ("gate.held", "go", evidence({"shape": "flat"})),
    ("gate.dead", "no-go", evidence(findings=DEAD)),
]


@pytest.mark.parametrize(("key", "gate", "seen"), GATES, ids=[key for key, _, _ in GATES])
def test_each_clause_of_the_gate_decides(key: str, gate: str, seen: Evidence) -> None:
    """Every clause has a run that it decides, and the reason is the clause."""
    assert (judge_gate(seen, LIMITS)[0], judge_gate(seen, LIMITS)[1].key) == (gate, key)


def test_the_first_clause_that_applies_decides() -> None:
    """A run with everything wrong failed; without each reason in turn the next one decides."""
    ill = evidence(
        {"shape": "flat", "lost_share": 0.9}, findings=FLAT["findings"], state=State.FAILED,
        quality=DataQuality(reward_rows=5, contaminated_rows=9),
        lost_rewards=True, progress_pct=1.0, final=0.0, against_parent=below(9.0), parent_label="run-1",
    )  # fmt: skip
    cures: list[dict[str, Any]] = [
        {"state": State.STOPPED},
        {"quality": DataQuality(reward_rows=50, contaminated_rows=9)},
        {"lost_rewards": False},
        {"quality": DataQuality(reward_rows=50)},
        {"progress_pct": 50.0},
        {"numbers": evidence({"shape": "falling", "lost_share": 0.9}).numbers, "findings": NO_GAIN},
        {"numbers": evidence({"shape": "falling"}).numbers},
        {"against_parent": None},
        {"findings": BELOW_BEST},
    ]
    seen = [judge_gate(ill, LIMITS)[1].key]
    for cure in cures:
        ill = replace(ill, **cure)
        seen.append(judge_gate(ill, LIMITS)[1].key)
    assert seen == [key for key, _, _ in GATES[:10]]


@pytest.mark.parametrize(
    "seen",
    [
        evidence(progress_pct=25.0),
        evidence(progress_pct=None),
        evidence({"lost_share": 0.5}, final=10.5),
        evidence(against_parent=below(2.0), parent_label="run-1"),  # a tenth of the scale
        evidence(against_parent=below(2.1, noise=2.5), parent_label="run-1"),  # within the noise of the curves
    ],
)
def test_the_gate_stays_open_at_its_limits(seen: Evidence) -> None:
    """Exactly at a threshold, and within the noise, nothing is held against a run."""
    assert judge_gate(seen, LIMITS)[0] == "go"


FIRES = {
    "no_rows": evidence(quality=DataQuality(rows=3, reward_rows=2)),
    "failed": evidence(state=State.FAILED),
    "collapsed": evidence({"lost_share": 0.8}, final=5.0),
    "stale": evidence(problems={"stale": problem("stale", at="2025-12-22T10:00:00")}),
    "not_begun": evidence(findings=found("replay", "replay_not_begun", starts=5000, trained=900)),
    "updates_too_large": evidence(findings=found("clip_fraction", "clip_high")),
    "never_learned": evidence(findings=found("never_learned", "never_learned")),
    "policy_dead": evidence(findings=DEAD),
    "slipped": evidence(findings=BELOW_BEST),
    "flat": evidence(**FLAT),
    "few_episodes": evidence({"shape": "early"}, findings=EARLY),
    "rising": evidence({"shape": "rising", "recent_change": 2.0}),
    "worse_than_parent": evidence(against_parent=below(5.0), parent_label="run-1", changed=("gamma",)),
    "plateau": evidence({"level_since": 500.0}),
    "came_back": evidence(findings=CAME_BACK),
    "lost_rewards": evidence(lost_rewards=True),
    "kl_against_clip": evidence(findings=found("kl_against_clip", "kl_against_clip")),
    "kl_high": evidence(findings=KL_LARGE),
    "clip_high": evidence(findings=found("clip_fraction", "clip_high", Level.WATCH)),
    "entropy_collapsed": evidence(findings=found("entropy", "entropy_collapsed")),
    "entropy_untouched": evidence(findings=found("entropy", "entropy_untouched", Level.WATCH)),
    "loss_rising": evidence(findings=found("td_loss", "td_loss_rising")),
    "q_high": evidence(findings=found("q_value", "q_high", Level.WATCH)),
    "gradient": evidence(findings=found("gradient_norm", "gradient_blowup")),
    "contradiction": evidence(
        problems={"rollout_contradiction": problem("rollout_contradiction", measured=4096, recorded=2048)}
    ),
    "critic_poor": evidence(findings=found("explained_variance", "ev_negative")),
    "still_exploring": evidence(findings=found("exploration", "epsilon_unfinished", Level.WATCH, until=9, trained=5)),
    "memory_grows": evidence(findings=found("resources", "memory_grows", Level.WATCH)),
    "finished": evidence(state=State.FINISHED),
    "idle_gpu": evidence({"gpu_avg": 23.0}),
    "slower": evidence(slowdown={"change": 40.0, "before": 450.0, "after": 270.0}),
    "downtime": evidence(downtime_h=1.5),
    "other_seed": evidence(),
    "set_target": evidence(),
    "evaluate": evidence(),
}
UNKNOWN = evidence(state=State.FAILED, progress_pct=None, current=None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_fires(rule: Any) -> None:
    """Each rule of the table has a run it applies to."""
    assert rule.applies(FIRES[rule.name], LIMITS) is not None


@pytest.mark.parametrize("rule", RULES[:-3], ids=lambda rule: rule.name)
def test_no_rule_fires_on_a_healthy_run(rule: Any) -> None:
    """A completed run that rose and held has only the two standing recommendations."""
    assert rule.applies(evidence(), LIMITS) is None


def test_one_row_of_another_run_hides_no_end() -> None:
    """The last row of a run that had ended before, or the own last one, read when the process was gone."""
    one = evidence(quality=DataQuality(reward_rows=99, contaminated_rows=1))
    assert judge_gate(one, LIMITS) == judge_gate(evidence(), LIMITS)


@pytest.mark.parametrize(
    ("rows", "rewards", "fires"), [(0, 0, False), (9, 8, False), (11, 0, False), (12, 0, True), (99, 1, False)]
)
def test_a_run_that_has_just_begun_is_no_failure_of_the_recorder(rows: int, rewards: int, fires: bool) -> None:
    """Rows come with the first rollout, rewards with the first episode; a dozen rows without any are odd."""
    begun = evidence(state=State.RUNNING, quality=DataQuality(rows=rows, reward_rows=rewards))
    assert (advise(begun, LIMITS).recommendations[0].rule == "no_rows") is fires
    over = replace(begun, state=State.COMPLETED)
    assert advise(over, LIMITS).recommendations[0].rule == "no_rows"


def told(seen: Evidence) -> list[str]:
    return [Renderer(template_folder()).words(one.words) for one in advise(seen, LIMITS).recommendations]


def test_without_a_reward_nothing_is_said_of_seeds_and_levels() -> None:
    """Another seed of a run that brought nothing brings nothing; of one that has just begun nobody knows yet."""
    nothing = evidence(quality=DataQuality())
    assert told(nothing) == ["Check that the recorder sees the training: no row arrived."]
    assert told(replace(nothing, quality=DataQuality(rows=3))) == [
        "Check what the recorder sees: 3 rows arrived, none with a reward."
    ]
    failed = replace(nothing, state=State.FAILED)
    assert [one.rule for one in advise(failed, LIMITS).recommendations] == ["failed"]
    running = replace(nothing, state=State.RUNNING)
    assert [one.rule for one in advise(running, LIMITS).recommendations] == ["other_seed", "set_target"]


def test_few_rewards_are_no_failure_of_the_recorder() -> None:
    """It saw the training, and wrote a row too rarely for a trend."""
    assert told(evidence(quality=DataQuality(rows=9, reward_rows=9)))[0] == (
        "Record more often, or train longer: only 9 rows with a reward, too few to judge by."
    )


def test_seeds_that_are_there_are_not_asked_for_again() -> None:
    """Whoever has three seeds of these settings is sent to their page."""
    assert told(evidence(seeds=3))[0] == (
        "Look at all 3 seeds of these settings before drawing conclusions: one run is one sample."
    )


def test_the_step_of_trpo_is_not_its_learning_rate() -> None:
    """That one is of the critic alone; how far the policy goes is limited by its divergence."""
    plateau = evidence({"level_since": 500.0}, settings={"learning_rate": 0.001, "target_kl": 0.03}, algorithm="TRPO")
    assert told(plateau)[0].startswith("Change a setting rather than only train on, for example target_kl from 0.03")
    other = told(replace(plateau, algorithm="PPO"))[0]
    assert other.startswith("Change a setting rather than only train on, for example learning_rate from 0.001")


def test_a_reward_that_slipped_is_not_only_repeated() -> None:
    """Half of what was learned was lost, and all that was advised was another seed."""
    lr = {"learning_rate": 0.0007}
    assert told(evidence(findings=BELOW_BEST, settings=lr))[0] == (
        "Keep the best policy while it trains, and try learning_rate from 0.0007 to 0.00023: the course of the "
        "reward had come to 9, and ended at 7."
    )
    words = {"end": 5.0, "change": 2.0, "share": 25.0}
    falling = found("reward_shape", "reward_falling", Level.WATCH, **words)
    assert told(evidence(findings=falling, settings=lr))[0].endswith(
        "the reward was falling at the end, by about 2 over the last 25 % of the run."
    )
    noise = found("reward_shape", "reward_below_best", Level.WATCH, best=9.0, end=7.0, is_noise=True)
    for unsure in (evidence(findings=noise), evidence(findings=BELOW_BEST, at_the_top=True)):
        assert [one.rule for one in advise(unsure, LIMITS).recommendations] == ["other_seed", "set_target"]


def test_a_failed_run_is_continued_where_there_is_something_to_continue() -> None:
    """Not where no row arrived, and not once more where a later leg did."""
    failed = evidence(state=State.FAILED, has_checkpoints=True, current=1000)
    saved = [
        advise(one, LIMITS).recommendations[0].words.values["saved"]
        for one in (failed, replace(failed, current=None), replace(failed, continued=True))
    ]
    assert saved == [True, False, False]


@pytest.mark.parametrize("done", [{"at_the_top": True}, {"solved_at": 20.0}])
def test_where_nothing_is_left_to_gain_no_setting_is_changed(done: dict[str, Any]) -> None:
    """A level at the most that a game gives, or above its threshold, is no plateau to get off; nor is a sure policy."""
    level = evidence({"level_since": 500.0})
    assert advise(level, LIMITS).recommendations[0].rule == "plateau"
    for ill in (
        level,
        *(replace(level, findings=told) for told in (DEAD, CAME_BACK)),
        evidence({"shape": "early"}, findings=EARLY),
    ):
        assert not {"plateau", "policy_dead", "few_episodes", "came_back"} & {
            one.rule for one in advise(replace(ill, **done), LIMITS).recommendations
        }
    assert judge_gate(replace(level, findings=DEAD, **done), LIMITS)[1].key == "gate.level"


def test_a_policy_that_stopped_exploring_is_begun_anew_and_not_tuned() -> None:
    """To call its level a plateau and lower the bonus for entropy would be the opposite of what it needs."""
    rules = [one.rule for one in advise(evidence({"level_since": 500.0}, findings=DEAD), LIMITS).recommendations]
    assert rules == ["policy_dead", "other_seed"]


def test_the_two_best_supported_rules_win() -> None:
    """Of four that apply, the two with most support are given, the strongest first."""
    seen = evidence(
        {"gpu_avg": 23.0},
        findings=KL_LARGE | found("explained_variance", "ev_negative"),
        slowdown={"change": 40.0, "before": 450.0, "after": 270.0},
    )
    assert [one.rule for one in advise(seen, LIMITS).recommendations] == ["kl_high", "critic_poor"]


def test_a_healthy_run_gets_two_recommendations_too() -> None:
    """There is always something to do next."""
    assert [one.rule for one in advise(evidence(), LIMITS).recommendations] == ["other_seed", "set_target"]


def test_the_table_of_rules_is_sorted_and_unique() -> None:
    """Supports fall from top to bottom, and no two rules tie."""
    supports = [rule.support for rule in RULES]
    assert supports == sorted(set(supports), reverse=True)


def test_a_collapsed_run_is_not_told_to_go_on() -> None:
    """A late rise after a deep fall is no reason to continue from the end."""
    seen = evidence({"shape": "rising", "lost_share": 0.8}, final=5.0)
    assert [one.rule for one in advise(seen, LIMITS).recommendations] == ["collapsed", "other_seed"]


def test_a_declared_target_is_not_asked_for_again() -> None:
    """Where a solved threshold is declared, nobody is told to declare one."""
    assert [one.rule for one in advise(evidence(has_target=True), LIMITS).recommendations] == ["other_seed", "evaluate"]


def test_evaluations_that_are_recorded_are_not_asked_for_again() -> None:
    """One recommendation is left: nothing is made up in place of the other."""
    seen = evidence({"evaluations": 100.0}, has_target=True)
    assert [one.rule for one in advise(seen, LIMITS).recommendations] == ["other_seed"]
    none = evidence({"evaluations": 0.0}, has_target=True)
    assert [one.rule for one in advise(none, LIMITS).recommendations] == ["other_seed", "evaluate"]


@pytest.mark.parametrize(
    ("seen", "gate", "advice"),
    [
        (UNKNOWN, "the run failed", "Find out why it failed."),
        (replace(UNKNOWN, current=512), "the run failed", "Find out why it failed at 512 steps."),
        (
            replace(UNKNOWN, current=512, progress_pct=5.0), "the run failed at 5.0 % of its target",
            "Find out why it failed at 512 steps (5.0 %).",
        ),
    ],
)  # fmt: skip
def test_of_a_failure_nothing_is_said_that_nobody_knows(seen: Evidence, gate: str, advice: str) -> None:
    """How far it got is named where rows and a target tell it, and never as 0."""
    found = advise(seen, LIMITS)
    said = [Renderer(template_folder()).words(one) for one in (found.reason, found.recommendations[0].words)]
    assert said == [gate, advice]


def test_a_continued_run_is_not_told_to_go_on() -> None:
    """A later run of the archive went on from it already."""
    rising = {"shape": "rising", "recent_change": 2.0}
    names = [one.rule for one in advise(evidence(rising, continued=True), LIMITS).recommendations]
    assert "rising" not in names


def test_a_failure_in_the_log_closes_the_gate() -> None:
    """Whatever the status says, a log that ends with a failure is no reason to go on."""
    found = {"log_failure": problem("log_failure", what="cuda out of memory", line="...")}
    assert advise(evidence(state=State.STALE, problems=found), LIMITS).gate == "no-go"


def test_the_recipe_of_the_application_is_a_run_of_its_own() -> None:
    """The literal configuration of the builder is what these tests think it is."""
    assert (CONFIG["n_envs"], CONFIG["n_steps"], START.hour) == (16, 256, 10)


@pytest.mark.parametrize("shape", ["rising", "level", "falling"])
def test_nothing_is_advised_from_an_end_out_of_sight(shape: str) -> None:
    """Where rewards of 1000 and more were lost, no rule reads the shape of what is left."""
    seen = evidence(
        {"shape": shape, "recent_change": 9.0, "level_since": 100.0, "lost_share": 0.8}, lost_rewards=True, final=5.0
    )
    names = [rule.name for rule in RULES if rule.applies(seen, LIMITS) is not None]
    assert not {"rising", "plateau", "collapsed"} & set(names)


# ---------------------------------------------------------------- settings to change, and who had them


class Archive:
    """Other runs as the rules see them; it keeps what it was asked."""

    def __init__(self, answer: Precedent | None) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []

    def with_setting(self, setting: str, up: bool, rule: str) -> Precedent | None:
        self.asked.append((setting, up, rule))
        return self.answer

    def better(self, by: float) -> Precedent | None:
        self.asked.append((by,))
        return self.answer


def test_a_setting_is_changed_to_what_a_better_run_had() -> None:
    """The learning rate of the run that passed the check, which is named and linked."""
    peers = Archive(Precedent("run-b", "slug-b", 31.0, (("learning_rate", 0.001, 0.0001),)))
    seen = evidence(findings=KL_LARGE, settings={"learning_rate": 0.001}, peers=peers)
    first = advise(seen, LIMITS).recommendations[0]
    assert (first.rule, first.peer, peers.asked) == ("kl_high", "slug-b", [("learning_rate", False, "kl")])
    change, peer = first.words.values["change"], first.words.values["peer"]
    assert dict(change.values) == {"setting": "learning_rate", "before": 0.001, "after": 0.0001}
    assert (peer.key, peer.values["run"]) == ("peer.without", "run-b")
    assert peer.values["came"] == phrase("peer.ended", final=31.0)


def test_a_precedent_that_trained_longer_says_what_it_had_come_to_by_then() -> None:
    """Else more steps would count as a better setting; one that was worse by then supports nothing."""
    for then, named in ((25.0, True), (15.0, False)):
        peers = Archive(Precedent("run-b", "b", 31.0, (("learning_rate", 0.001, 0.0001),), "", 9000, then))
        peer = advise(evidence(findings=KL_LARGE, settings={"learning_rate": 0.001}, peers=peers), LIMITS
                      ).recommendations[0].words.values["peer"]  # fmt: skip
        assert (peer is not None) is named
        if named:
            assert peer.values["came"] == phrase("peer.then", then=25.0, final=31.0, steps=9000)


def test_without_a_precedent_a_setting_changes_by_the_factor() -> None:
    """A third of the learning rate, three times the entropy coefficient or the usual one, twice the steps."""
    for rule, key, name, before, after in (
        ("kl", "kl_large", "learning_rate", 0.00025, 0.000083),
        ("entropy", "entropy_collapsed", "ent_coef", 0.01, 0.03),
        ("entropy", "entropy_collapsed", "ent_coef", 0, 0.01),
        ("explained_variance", "ev_none", "n_steps", 128, 256),
    ):
        seen = evidence(findings=found(rule, key, Level.WATCH), settings={name: before})
        change = advise(seen, LIMITS).recommendations[0].words.values["change"]
        assert dict(change.values) == {"setting": name, "before": before, "after": after}


def test_a_setting_that_is_not_recorded_has_no_number() -> None:
    """It is named with its direction only."""
    change = advise(evidence(findings=KL_LARGE), LIMITS).recommendations[0].words.values["change"]
    assert (change.key, change.values) == ("change.down", {"setting": "learning_rate"})


def test_a_guess_is_no_ground_for_advice() -> None:
    """A finding of low confidence stands in the table of checks, and recommends nothing."""
    doubtful = {"kl": replace(KL_LARGE["kl"], confidence="low")}
    assert advise(evidence(findings=doubtful), LIMITS).recommendations[0].rule == "other_seed"


@pytest.mark.parametrize("name", ["failed", "collapsed", "rising"])
def test_checkpoints_are_named_only_where_they_are_recorded(name: str) -> None:
    """Nobody is told to continue from a file that nothing speaks of."""
    rule = next(rule for rule in RULES if rule.name == name)
    for saved in (True, False):
        values = rule.applies(replace(FIRES[name], has_checkpoints=saved), LIMITS)
        assert values is not None
        assert values["saved"] is saved


def test_a_level_run_that_reached_its_target_is_left_alone() -> None:
    """A plateau at the declared reward is no reason to change a setting."""
    seen = evidence({"level_since": 500.0}, solved_at=20.0, has_target=True)
    assert [one.rule for one in advise(seen, LIMITS).recommendations] == ["other_seed", "evaluate"]


@pytest.mark.parametrize(
    ("findings", "values"),
    [
        (BELOW_BEST, {"best": 9.0, "final": 7.0}),
        (FROM_START, {"best": 9.0, "final": 2.0}),
        (NO_GAIN, {"final": 5.0}),
    ],
)
def test_the_gate_names_the_levels_that_the_check_of_the_reward_names(
    findings: dict[str, Finding], values: dict[str, float]
) -> None:
    """Not the best and the last row, so that home and the digest say one end of a run."""
    assert judge_gate(evidence(findings=findings, best=99.0, final=-99.0), LIMITS)[1].values == values
