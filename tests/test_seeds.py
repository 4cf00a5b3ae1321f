"""Which runs form a group of seeds, which of them count, and what they say together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runsum.analysis.reward import thin_curve
from runsum.archive.archive import make_archive
from runsum.archive.curves import align, common_range, score, stitch, straight
from runsum.archive.seeds import SeedGroup, key_of
from runsum.archive.slugs import SlugMaker
from runsum.curve import Curve
from runsum.model import problem
from support.digests import LIMITS, grouped, learned


def three(**more: object) -> list[object]:
    return [learned(f"run-{k}", (0.0, 10.0 + k), seed=k, at=k, **more) for k in range(3)]  # type: ignore[arg-type]


def only(*runs: object) -> SeedGroup:
    (group,) = grouped(*runs).groups  # type: ignore[arg-type]
    return group


def counted(group: SeedGroup) -> list[str]:
    return [sample.slug for sample in group.samples]


def left_out(group: SeedGroup) -> dict[str, str]:
    return {out.slug: out.why for out in group.left_out}


# ---------------------------------------------------------------- who belongs together


def test_runs_that_differ_in_their_seed_are_a_group() -> None:
    """Three of them have a page, named after game, algorithm and settings."""
    group = only(*three())
    assert counted(group) == ["run-0", "run-1", "run-2"]
    assert group.slug is not None
    assert group.slug.startswith("pong-ppo-")
    assert grouped(*three()).of_run["run-1"].slug == group.slug  # type: ignore[arg-type]


@pytest.mark.parametrize(("runs", "seeds"), [(3, 3), (2, 0)])
def test_the_recommendations_know_how_many_seeds_there_are(runs: int, seeds: int) -> None:
    """A page that leads to three seeds does not ask for another one."""
    archive = make_archive(three()[:runs], (), SlugMaker(), LIMITS, {})  # type: ignore[arg-type]
    advised = {one.rule: one.words.values for one in archive.find("run-0").advice.recommendations}
    assert advised["other_seed"] == {"seeds": seeds}


def test_two_runs_have_no_page() -> None:
    """They are a group, of which nothing is said together."""
    group = only(*three()[:2])
    assert (group.slug, group.together, len(group.samples)) == (None, None, 2)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("device", "cuda"), ("total_timesteps", 5), ("save_freq", 7), ("log_path", "x"), ("eval_freq", 3), ("verbose", 1)],
)
def test_settings_that_change_nothing_of_what_is_learned(setting: str, value: object) -> None:
    """Where it ran, how long, how often it saved, where it wrote: still a repetition."""
    runs = [*three(), learned("run-3", seed=9, at=9, **{setting: value})]  # type: ignore[arg-type]
    assert len(only(*runs).samples) == 4


@pytest.mark.parametrize(("setting", "value"), [("learning_rate", 0.002), ("n_envs", 8), ("gamma", 0.9)])
def test_settings_that_change_it(setting: str, value: object) -> None:
    """Another learning rate is another group."""
    other = learned("run-3", seed=9, at=9, **{setting: value})  # type: ignore[arg-type]
    assert [len(group.samples) for group in grouped(*three(), other).groups] == [3, 1]  # type: ignore[arg-type]


def test_the_target_matters_where_something_follows_it() -> None:
    """A learning rate that falls to 0 at the target makes the target a setting of learning."""
    one, other = (learned("a", total_timesteps=n, learning_rate_at_the_end=0.0) for n in (1, 2))
    assert key_of(one) != key_of(other)
    assert key_of(learned("a", total_timesteps=1)) == key_of(learned("a", total_timesteps=2))


def test_another_version_of_the_environment_is_another_group() -> None:
    """As far as it is recorded."""
    assert key_of(learned("a", env_version="ale_py 0.10")) != key_of(learned("a", env_version="ale_py 0.11"))


# ---------------------------------------------------------------- who counts


def test_legs_of_a_lineage_are_one_sample() -> None:
    """Two legs that went on with equal settings make one curve of two million steps; the group still has three."""
    leg = learned("leg-2", (10.0, 30.0), seed=0, start=1_000_000, parent="run-0", leg=2, at=5)
    last = learned("leg-3", (30.0, 40.0), seed=0, start=2_000_000, parent="leg-2", leg=3, at=6)
    group = only(*three(), leg, last)
    assert len(group.samples) == 3
    assert group.samples[0].legs == ("run-0", "leg-2", "leg-3")
    assert group.samples[0].last_step == 3_000_000
    assert group.together is not None
    assert group.together.last == 1_000_000  # the others did not go further


def test_a_leg_with_other_settings_is_no_sample() -> None:
    """It began from the weights of another run: neither a seed of its own settings nor of its parent's."""
    leg = learned("leg-2", seed=0, start=1_000_000, parent="run-0", leg=2, at=5, learning_rate=0.5)
    found = grouped(*three(), leg)  # type: ignore[arg-type]
    assert [len(group.samples) for group in found.groups] == [3]
    assert "leg-2" not in found.of_run


def test_a_leg_whose_parent_is_gone_is_no_sample() -> None:
    """It began with weights that nobody knows."""
    orphan = learned("leg-2", seed=8, start=1_000_000, parent="gone", leg=2, at=5)
    assert counted(only(*three(), orphan)) == ["run-0", "run-1", "run-2"]


def test_of_a_fork_the_leg_that_came_furthest_goes_on() -> None:
    """The other one is no second sample."""
    forks = [
        learned(name, seed=0, start=1_000_000, steps=(1_000_000, last), parent="run-0", leg=2, at=5)
        for name, last in (("fork-1", 1_200_000), ("fork-2", 1_900_000))
    ]
    assert only(*three(), *forks).samples[0].legs == ("run-0", "fork-2")


def test_the_same_seed_twice_counts_once() -> None:
    """The longer of both; where nothing is recorded each is taken for a seed of its own."""
    again = learned("again", seed=1, at=9, steps=(0, 1_500_000))
    group = only(*three(), again)
    assert counted(group) == ["run-0", "run-2", "again"]
    assert left_out(group) == {"run-1": "same_seed"}
    unknown = only(*(learned(f"u{k}", at=k) for k in range(4)))
    assert (len(unknown.samples), unknown.unknown_seeds) == (4, 4)


def test_the_constant_of_the_application_is_no_seed() -> None:
    """It writes seed 42 into every run, whatever was trained."""
    constants = {"frame_stack": 4, "action_repeat": 1, "eval_freq": 10000, "save_freq": 100000, "device": "auto"}
    group = only(*(learned(f"a{k}", seed=42, at=k, **constants) for k in range(3)))  # type: ignore[arg-type]
    assert (len(group.samples), group.unknown_seeds) == (3, 3)


def test_a_copy_in_another_database_counts_once() -> None:
    """A run id in two files is one run."""
    copy = learned("run-0", seed=77, source="two", slug="run-0-copy", at=9)
    assert left_out(only(*three(), copy)) == {"run-0-copy": "copy"}


def test_one_training_recorded_twice_counts_once() -> None:
    """Two runs whose first rewards are equal to the last digit are one sample: the longer of them."""
    runs = [learned(f"u{k}", at=k, steps=(0, 1_000_000 + k)) for k in range(4)]
    runs = [replace(run, signals={**run.signals, "opening": mark}) for run, mark in zip(runs, "xyxz", strict=True)]
    group = only(*runs)
    assert (counted(group), left_out(group)) == (["u1", "u2", "u3"], {"u0": "same_rewards"})


def test_groups_reach_over_databases() -> None:
    """Seeds of two files are seeds all the same."""
    assert len(only(*three(), learned("run-9", seed=9, source="two", at=9)).samples) == 4


def test_runs_that_cannot_be_compared_are_named() -> None:
    """Few rewards, lost rewards, far too short."""
    few = learned("few", seed=11, rows=3, at=11)
    lost = learned("lost", seed=12, problems=(problem("large_rewards_lost", count=5),), at=12)
    short = learned("short", seed=13, steps=(0, 300_000), at=13)
    group = only(*three(), few, lost, short)
    assert counted(group) == ["run-0", "run-1", "run-2"]
    assert left_out(group) == {"few": "few", "lost": "lost", "short": "short"}


# ---------------------------------------------------------------- what they say together


def test_three_runs_have_a_range_and_no_interval() -> None:
    """Lines from 0 to 10, 11, 12: their scores are 95 % of it, the IQM of three is their mean."""
    found = only(*three()).together
    assert found is not None
    assert found.scores.ravel() == pytest.approx([9.5, 10.45, 11.4])
    assert (found.iqm, found.low, found.high) == (pytest.approx(10.45), pytest.approx(9.5), pytest.approx(11.4))
    assert (found.interval, found.repetitions) == (False, 0)
    ends = (found.curve_low[-1], found.curve[-1], found.curve_high[-1])  # means of the last hundredth
    assert ends == (pytest.approx(9.95), pytest.approx(10.945), pytest.approx(11.94))


def test_five_runs_have_an_interval() -> None:
    """The IQM of five leaves out the least and the largest; an interval lies inside of both."""
    runs = [learned(f"run-{k}", (0.0, last), seed=k, at=k) for k, last in enumerate((0.0, 10.0, 20.0, 30.0, 1000.0))]
    found = only(*runs).together
    assert found is not None
    assert found.interval
    assert found.iqm == pytest.approx(0.95 * 20)
    assert 0 < found.low < found.iqm < found.high < 950
    assert found.repetitions == 50_000
    assert np.all(found.curve_low <= found.curve)
    assert np.all(found.curve <= found.curve_high)


def test_without_common_timesteps_nothing_is_said() -> None:
    """Three runs that never were at the same step."""
    runs = [learned(f"r{k}", seed=k, at=k, steps=(10 + 10 * k, 11 + 10 * k)) for k in range(3)]
    assert only(*runs).together is None


def test_rewards_that_cannot_be_added_up_say_nothing() -> None:
    """Close to the largest number there is, or without a curve: no number, and no warning."""
    huge = [learned(f"r{k}", (-1.7e308, 1.7e308), seed=k, at=k) for k in range(5)]
    assert only(*huge).together is None
    silent = learned("silent", seed=8, at=9, steps=(5,), rewards=(1.0,))
    assert left_out(only(*three(), silent)) == {"silent": "few"}


# ---------------------------------------------------------------- curves


def test_curves_are_compared_on_what_both_cover() -> None:
    """From the later first to the earlier last step; each reward is the mean of what lies around it, nothing beyond."""
    one = straight(np.array([0.0, 100.0]), np.array([0.0, 10.0]))
    other = straight(np.array([50.0, 60.0, 300.0]), np.array([5.0, 5.0, 5.0]))
    assert common_range([one, other]) == (50.0, 100.0)
    grid, rewards = align([one, other], (50.0, 100.0), 3)
    assert grid.tolist() == [50.0, 75.0, 100.0]
    assert rewards.tolist() == [[5.625, 7.5, 9.375], [5.0, 5.0, 5.0]]
    assert score([one, other], (50.0, 100.0), 0.1).ravel() == pytest.approx([9.75, 5.0])
    assert score([one, other], (50.0, 100.0), 0.0).ravel() == pytest.approx([10.0, 5.0])
    assert common_range([one, straight(np.array([200.0, 300.0]), np.array([1.0, 1.0]))]) is None
    assert common_range([one, straight(np.empty(0), np.empty(0))]) is None
    assert common_range([]) is None


def test_a_score_is_of_all_rows() -> None:
    """The curve of a run is kept in a few points; where single means jump, these say little about those between."""
    rng = np.random.default_rng(5)
    steps = np.cumsum(rng.integers(500, 3_000, 2_000)).astype(np.float64)
    rewards = 100 * (1 - np.exp(-steps / 1e6)) + rng.normal(0, 20, len(steps))
    run = replace(learned("a"), curve=thin_curve(steps, steps / 1e6, rewards))
    curve = stitch([run])
    assert len(curve.steps) < 130
    within = (float(steps[0]), float(steps[-1]))
    for share in (0.1, 0.25, 1.0):
        fine = np.linspace(within[1] - share * (within[1] - within[0]), within[1], 200_001)
        mean = np.interp(fine, steps, rewards).mean()
        assert score([curve], within, share)[0, 0] == pytest.approx(mean, abs=1.0)
        assert abs(np.interp(fine[::20_000], curve.steps, curve.rewards).mean() - mean) > 2.0  # of points alone


@pytest.mark.parametrize("legs", [1, 2])
def test_a_restart_costs_no_other_means(legs: int) -> None:
    """What was trained twice counts once, as the latter; a leg may begin at the very step at which its parent ended."""
    rng = np.random.default_rng(2)
    steps = np.arange(1.0, 3_001.0) * 100
    if legs == 1:
        steps = np.concatenate([steps[:600], steps[540:]])  # restarted sixty rows earlier
    rewards = steps / 3_000 + rng.normal(0, 50, len(steps))
    cut = len(steps) if legs == 1 else 1_000
    curves = [thin_curve(steps[:cut], steps[:cut] / 1e6, rewards[:cut])]
    if legs == 2:
        curves.append(thin_curve(steps[cut - 1 :], steps[cut - 1 :] / 1e6, rewards[cut - 1 :]))
    runs = [
        replace(learned(f"r{k}"), curve=one, start_timestep=int(one.timesteps[0]) * k) for k, one in enumerate(curves)
    ]
    curve = stitch(runs)
    assert (np.diff(curve.steps) > 0).all()
    within = (float(curve.steps[0]), float(curve.steps[-1]))
    last = steps >= within[1] - 0.1 * (within[1] - within[0])
    assert score([curve], within, 0.1)[0, 0] == pytest.approx(rewards[last].mean(), abs=2.5)


def test_a_leg_from_an_older_checkpoint_replaces_what_came_after() -> None:
    """It began at 60, so the parent's points behind 60 belong to another life."""
    parent = learned("a", (1.0, 2.0, 3.0), steps=(0, 50, 100))
    leg = learned("b", (7.0, 8.0), start=60, steps=(60, 120))
    curve = stitch([parent, replace(leg, curve=Curve.of((60, 120), (0.1, 0.2), (7.0, 8.0), means=(7.0, 9.0)))])
    assert curve.steps.tolist() == [0.0, 50.0, 60.0, 120.0]
    assert curve.rewards.tolist() == [1.0, 2.0, 7.0, 8.0]
    assert curve.means.tolist() == [1.0, 1.5, 4.5, 9.0]
