"""What changed and what came of it: pairs of groups, legs against parents and siblings."""

from __future__ import annotations

import pytest

from runsum.archive.effects import COMPARED, Effect, Effects, against_parent, find_effects, leg_effect
from runsum.model import RunDigest
from support.digests import LIMITS, grouped, learned


def seeds(name: str, lasts: tuple[float, ...], **config: object) -> list[RunDigest]:
    begun = ord(name) - ord("a")
    return [
        learned(f"{name}-{k}", (0.0, last), seed=k, at=10 * begun + k, **config)  # type: ignore[arg-type]
        for k, last in enumerate(lasts)
    ]


def effects(*runs: RunDigest) -> tuple[Effect, ...]:
    found = find_effects(grouped(*runs), {run.slug: run for run in runs}, LIMITS)
    return found.get("Pong", Effects()).made


def told(effect: Effect) -> list[tuple[str, object, object]]:
    return [(change.key, change.before, change.after) for change in effect.changes]


def test_one_setting_that_raises_the_score() -> None:
    """Five runs at 10 against five at 20: ten percent off at the end of the range, and the interval leaves out 0."""
    base = seeds("a", (9.0, 10.0, 10.0, 10.0, 11.0))
    (found,) = effects(*base, *seeds("b", (19.0, 20.0, 20.0, 20.0, 21.0), gamma=0.9))
    assert told(found) == [("gamma", None, "0.9")]
    assert found.delta == pytest.approx(9.5)
    assert found.low is not None
    assert 8.0 < found.low <= 9.5
    assert (found.verdict, found.probability, found.reliable) == ("higher", 1.0, True)


def test_the_same_the_other_way_round() -> None:
    """Compared with the group that has more runs, whichever it is."""
    (found,) = effects(*seeds("a", (20.0, 20.0, 21.0, 22.0)), *seeds("b", (10.0, 10.0, 11.0), gamma=0.9))
    assert (len(found.before.samples), found.verdict, found.reliable) == (4, "lower", False)


def test_no_clear_difference() -> None:
    """Groups that lie over each other."""
    (found,) = effects(*seeds("a", (5.0, 10.0, 15.0)), *seeds("b", (6.0, 10.0, 14.0), gamma=0.9))
    assert found.verdict == "unclear"


def test_one_run_each_has_no_interval() -> None:
    """Beyond the noise of its curves it is a difference of two runs, within it not even that."""
    one = learned("a", (0.0, 10.0), noise=0.3)
    (found,) = effects(one, learned("b", (0.0, 20.0), noise=0.4, at=1, gamma=0.9))
    assert (found.low, found.high, found.probability) == (None, None, None)
    assert (found.noise, found.verdict) == (pytest.approx(1.0), "single")  # 2 x the root of 0.3^2 + 0.4^2
    (close,) = effects(one, learned("b", (0.0, 10.5), noise=0.4, at=1, gamma=0.9))
    assert close.verdict == "noise"


def test_few_settings_only_where_there_is_no_closer_neighbour() -> None:
    """Within three; a fourth makes it another study."""
    one = learned("a")
    (found,) = effects(one, learned("b", at=1, gamma=0.9, n_envs=8, n_steps=5))
    assert [key for key, _, _ in told(found)] == ["gamma", "n_envs", "n_steps"]
    assert effects(one, learned("b", at=1, gamma=0.9, n_envs=8, n_steps=5, ent_coef=0.1)) == ()


def test_three_values_are_two_comparisons() -> None:
    """Each with the group that has most runs, not each with each."""
    runs = [*seeds("a", (1.0, 2.0, 3.0)), *seeds("b", (1.0, 2.0), gamma=0.9), *seeds("c", (1.0, 2.0), gamma=0.8)]
    assert [told(found) for found in effects(*runs)] == [[("gamma", None, "0.8")], [("gamma", None, "0.9")]]


def test_the_clearest_come_first_and_the_work_is_bounded() -> None:
    """However many settings were tried."""
    runs = [learned(f"r{k}", (0.0, float(k)), at=k % 60, ent_coef=k / 1000) for k in range(200)]
    found = effects(*runs)
    assert len(found) == COMPARED
    assert [abs(one.delta) for one in found] == sorted((abs(one.delta) for one in found), reverse=True)


def test_other_environments_are_not_compared() -> None:
    """A reward means nothing outside of its own environment."""
    assert effects(learned("a"), learned("b", at=1, game="Breakout", gamma=0.9)) == ()


def test_other_rewards_are_not_compared() -> None:
    """A reward function, at any depth of the settings, changes the unit; one that is off, or a goal, does not."""
    one = learned("a", reward_fn="delay")
    (found,) = effects(one, learned("b", (0.0, 9.0), at=1, reward_fn="queue"))
    assert (found.verdict, found.delta, found.refused) == ("refused", None, ("reward_fn",))
    (deep,) = effects(learned("a"), learned("b", at=1, custom_params={"env": {"waiting_reward": 2}}))
    assert deep.refused == ("waiting_reward",)
    for harmless in ({"reward_scale": 1.0}, {"reward_threshold": 475.0}, {"clip_rewards": True}, {"norm_reward": True}):
        (compared,) = effects(learned("a"), learned("b", (0.0, 9.0), at=1, **harmless))
        assert compared.delta == pytest.approx(7.6), harmless


# ---------------------------------------------------------------- legs


def test_a_leg_against_its_parent() -> None:
    """Levels at both ends; the parent was still rising, and that is kept beside it."""
    parent = learned("a", (0.0, 10.0), noise=0.3, shape="rising")
    leg = learned("b", (10.0, 12.0), noise=0.4, start=1_000_000, parent="a", gamma=0.9)
    found = leg_effect(leg, parent, (), LIMITS)
    assert (found.levels.delta, found.levels.noise, found.verdict) == (2.0, pytest.approx(1.0), "higher")
    assert (found.rising, found.steps, found.sibling) == (True, 1_000_000, None)


def test_a_leg_against_the_sibling_that_kept_the_settings() -> None:
    """At equal timesteps, over the last tenth."""
    parent = learned("a", (0.0, 10.0))
    leg = learned("b", (10.0, 10.5), start=1_000_000, parent="a", gamma=0.9)
    sibling = learned("c", (10.0, 20.0), start=1_000_000, parent="a")
    found = leg_effect(leg, parent, (sibling,), LIMITS)
    assert found.sibling == "c"
    assert found.against_sibling == pytest.approx(10.475 - 19.5)


def test_a_leg_that_was_rewarded_for_something_else_is_not_compared() -> None:
    """Neither on the lineage page nor by the verdict, which both ask here."""
    leg, parent = learned("b", (10.0, 1.0), parent="a", reward_fn="queue"), learned("a", reward_fn="delay")
    assert leg_effect(leg, parent, (), LIMITS).verdict == "refused"
    assert against_parent(leg, parent, LIMITS) is None


def test_a_leg_that_ends_before_its_parent_is_compared_at_equal_timesteps() -> None:
    """From an older checkpoint it went faster, and not as far: it is not below its parent, which was trained longer."""
    parent = learned("a", (0.0, 10.0))
    leg = learned("b", (5.0, 9.0), steps=(500_000, 800_000), start=500_000, parent="a", gamma=0.9)
    found = leg_effect(leg, parent, (), LIMITS)
    assert (found.verdict, found.levels.delta) == ("behind", None)
    assert found.at_equal_steps == pytest.approx(8.8 - 7.85)
    assert against_parent(leg, parent, LIMITS) is None
    further = learned("b", (5.0, 9.0), steps=(500_000, 1_200_000), start=500_000, parent="a", gamma=0.9)
    assert leg_effect(further, parent, (), LIMITS).verdict == "lower"
    counted_anew = learned("b", (5.0, 9.0), steps=(0, 300_000), parent="a", gamma=0.9)
    assert leg_effect(counted_anew, parent, (), LIMITS).verdict == "lower"


def test_a_leg_within_the_noise_or_without_rewards() -> None:
    """Neither is a difference."""
    parent = learned("a", (0.0, 10.0), noise=3.0)
    assert leg_effect(learned("b", (10.0, 12.0), parent="a"), parent, (), LIMITS).verdict == "noise"
    silent = learned("b", (10.0, 12.0), parent="a")
    silent.signals["level"] = None  # type: ignore[index]
    assert leg_effect(silent, parent, (), LIMITS).verdict == "unknown"
