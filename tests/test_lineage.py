"""Who continues whom: edges, guesses, cycles and differences between legs, on literal digests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runsum.archive.archive import Archive, ArchivedRun, make_archive
from runsum.archive.lineage import Kinship, find_kinship
from runsum.archive.slugs import SlugMaker
from runsum.curve import Curve
from runsum.measures import Cost
from runsum.model import (
    ConfigValue,
    DataQuality,
    Fact,
    LineageHints,
    RunDigest,
    State,
    known,
    missing,
    note,
    phrase,
    problem,
)
from runsum.pages import lineage as lineage_pages
from runsum.pages.contract import Page
from runsum.pages.lineage_facts import effect_of
from runsum.thresholds import Thresholds


def run(
    run_id: str,
    parent: str | None = None,
    *,
    base: str | None = None,
    leg: int | None = None,
    start: int = 0,
    source: str = "one",
    slug: str | None = None,
    final: float | None = None,
    fps: float | None = None,
    **config: Any,
) -> RunDigest:
    """A finished run; `start` is its place in time."""
    summary = {
        "pause_time_h": known(0.0),
        "model_path": missing("path.none"),
        "end_time_or_in_progress": missing("end.unknown"),
        "sps_trend_note": note("sps.steady"),
        "solved_flag": missing("solved.no_target"),
    }
    return RunDigest(
        source=source, run_id=run_id, slug=slug or run_id, label=run_id, env_id="ALE/Pong-v5", game="Pong",
        algorithm="PPO", preset=None, state=State.COMPLETED, state_notes=(), status="completed",
        started_at=f"2025-12-22T10:{start // 60:02d}:{start % 60:02d}", last_activity_at=None,
        started_s=float(start), duration_h=1.0, trained_h=1.0, start_timestep=0,
        current_timestep=1000, target_timesteps=1000, progress_pct=100.0, best_reward=final,
        best_reward_timestep=1000, final_reward=final, final_reward_timestep=1000,
        avg_fps=fps, summary=summary, milestones=(),
        quality=DataQuality(rows=100, reward_rows=100),
        config={key: ConfigValue(value, "config_json") for key, value in config.items()},
        signals={"shape": "level", "scale": 10.0, "level": final, "noise": 0.1}, curve=Curve(), videos=(),
        status_notes=(), description=None, recorded={}, lineage=LineageHints(base, parent, leg), energy_kwh=None,
    )  # fmt: skip


def kinship(*runs: RunDigest) -> Kinship:
    return find_kinship(runs)


def parents(found: Kinship) -> dict[str, str | None]:
    return {slug: kin.parent for slug, kin in found.kin.items()}


def kinds(found: Kinship) -> dict[str, list[str]]:
    return {slug: [p.kind for p in problems] for slug, problems in found.problems.items()}


def archive(*runs: RunDigest) -> Archive:
    return make_archive(runs, (), SlugMaker(), Thresholds(), {})


def archived(*runs: RunDigest) -> ArchivedRun:
    """The last of the runs, among all of them."""
    return archive(*runs).find(runs[-1].slug)


def said(fact: Fact) -> tuple[str, dict[str, Any]]:
    words = fact.words or fact.reason
    assert words is not None
    return words.key, dict(words.values)


# ---------------------------------------------------------------- edges


def test_a_recorded_parent_is_the_parent() -> None:
    """One edge, known from both ends, and a tree of two."""
    found = kinship(run("a"), run("b", "a", leg=2, start=1))
    assert (found.kin["b"].parent, found.kin["a"].children, found.kin["b"].inferred) == ("a", ("b",), False)
    assert [tree.members for tree in found.trees] == [("a", "b")]


def test_a_run_of_its_own_is_no_tree() -> None:
    """Without kin there is no lineage page."""
    found = kinship(run("a"), run("b"))
    assert (found.trees, found.problems, parents(found)) == ((), {}, {"a": None, "b": None})


def test_two_runs_with_one_parent_are_a_fork() -> None:
    """Both are children, in the order of their starts; a branch is followed to its end before the next."""
    found = kinship(run("a"), run("c", "a", start=3), run("b", "a", start=1), run("b2", "b", start=5))
    assert found.kin["a"].children == ("b", "c")
    assert found.trees[0].members == ("a", "b", "b2", "c")
    assert found.trees[0].depth == {"a": 0, "b": 1, "b2": 2, "c": 1}


def test_a_deleted_parent_is_named() -> None:
    """The parent is not in the archive: no edge, its id kept, and a problem."""
    found = kinship(run("b", "gone", leg=2))
    assert (found.kin["b"].parent, found.kin["b"].parent_run_id) == (None, "gone")
    assert kinds(found) == {"b": ["parent_missing"]}


def test_children_of_one_deleted_root_are_one_lineage() -> None:
    """Legs that name the same deleted base belong together, under its name."""
    found = kinship(run("b", "gone", base="gone", leg=2), run("c", "gone", base="gone", leg=2, start=1))
    assert [(tree.root, tree.root_in_archive, tree.members) for tree in found.trees] == [("gone", False, ("b", "c"))]


def test_a_deleted_leg_in_between_splits_no_lineage() -> None:
    """Leg 2 is gone, legs 1, 3 and 4 are there: one lineage whose first run is in the archive."""
    legs = (run("a", base="a", leg=1), run("c", "b", base="a", leg=3, start=2), run("d", "c", base="a", leg=4, start=3))
    assert [(tree.root_in_archive, tree.members) for tree in kinship(*legs).trees] == [(True, ("a", "c", "d"))]


# ---------------------------------------------------------------- inference


def test_a_parent_is_inferred_from_base_and_leg() -> None:
    """Files of mid December know no parent: leg 3 of a base continues its leg 2."""
    found = kinship(run("a"), run("b", base="a", leg=2, start=1), run("c", base="a", leg=3, start=2))
    assert parents(found) == {"a": None, "b": "a", "c": "b"}
    assert (found.kin["a"].inferred, found.kin["c"].inferred) == (False, True)


def test_the_latest_leg_before_is_inferred() -> None:
    """Of two second legs the one started last before the third is its parent."""
    runs = (run("a"), run("b1", base="a", leg=2, start=1), run("b2", base="a", leg=2, start=2))
    assert kinship(*runs, run("c", base="a", leg=3, start=3)).kin["c"].parent == "b2"


def test_a_later_leg_is_no_parent() -> None:
    """A leg started after the child cannot be continued by it."""
    runs = (run("a"), run("b1", base="a", leg=2, start=1), run("b2", base="a", leg=2, start=9))
    assert kinship(*runs, run("c", base="a", leg=3, start=3)).kin["c"].parent == "b1"


def test_a_missing_leg_in_between_is_a_missing_parent() -> None:
    """Leg 3 without any leg 2 has no parent here, but stays in the lineage of its base."""
    found = kinship(run("a"), run("c", base="a", leg=3, start=2))
    assert (found.kin["c"].parent, found.kin["c"].root, kinds(found)) == (None, "a", {"c": ["leg_missing"]})


def test_a_first_leg_infers_nothing() -> None:
    """Leg 1 of a base that is itself has no parent."""
    assert parents(kinship(run("a", base="a", leg=1), run("b", base="b", leg=1, start=1)))["b"] is None


def test_a_recorded_parent_beats_the_inferred_one() -> None:
    """A fork from leg 1 says so, though a leg 2 exists."""
    runs = (run("a", base="a", leg=1), run("b", "a", base="a", leg=2, start=1))
    found = kinship(*runs, run("c", "a", base="a", leg=3, start=2))
    assert (found.kin["c"].parent, found.kin["c"].inferred, found.kin["c"].leg) == ("a", False, 3)


def test_legs_are_at_least_their_depth() -> None:
    """Files upgraded in place call every old run leg 1; two edges down it is the third."""
    found = kinship(run("a"), run("b", "a", leg=1, start=1), run("c", "b", leg=1, start=2))
    assert [found.kin[name].leg for name in "abc"] == [1, 2, 3]


# ---------------------------------------------------------------- cycles


def test_a_run_that_is_its_own_parent_has_none() -> None:
    """The smallest circle is cut and reported, and no parent is printed."""
    found = kinship(run("a", "a"))
    assert (found.kin["a"].parent, found.kin["a"].parent_run_id) == (None, None)
    assert kinds(found) == {"a": ["lineage_cycle"]}


@pytest.mark.parametrize("names", ["ab", "abc", "cab"])
def test_a_circle_is_cut_above_its_earliest_run(names: str) -> None:
    """Two or three runs that name each other: the earliest becomes the root, whatever the order given."""
    edges = {name: "abc"[: len(names)]["abc".index(name) - 1] for name in names}
    found = kinship(*(run(name, edges[name], start="abc".index(name)) for name in names))
    assert parents(found)["a"] is None
    assert found.trees[0].members == tuple("abc"[: len(names)])
    assert kinds(found) == {"a": ["lineage_cycle"]}


def test_a_run_below_a_circle_is_kept() -> None:
    """What hangs on a circle belongs to its tree, and is not called a part of the circle."""
    found = kinship(run("a", "b"), run("b", "a", start=1), run("d", "b", start=2))
    assert (found.trees[0].members, kinds(found)) == (("a", "b", "d"), {"a": ["lineage_cycle"]})


def test_two_circles_are_two_lineages() -> None:
    """Each is cut once."""
    found = kinship(run("a", "b"), run("b", "a", start=1), run("c", "d", start=2), run("d", "c", start=3))
    assert [tree.members for tree in found.trees] == [("a", "b"), ("c", "d")]


# ---------------------------------------------------------------- several databases


def test_equal_ids_stay_in_their_databases() -> None:
    """Each leg continues the run of its own file, though the other file has the same id."""
    found = kinship(
        run("a", slug="a-1"), run("a", source="two", slug="a-2"),
        run("b", "a", slug="b-1", start=1), run("b", "a", source="two", slug="b-2", start=1),
    )  # fmt: skip
    assert parents(found) == {"a-1": None, "a-2": None, "b-1": "a-1", "b-2": "a-2"}
    assert [tree.members for tree in found.trees] == [("a-1", "b-1"), ("a-2", "b-2")]


def test_a_parent_in_another_database_is_found() -> None:
    """A leg that was moved to another file continues the only run of that id."""
    assert kinship(run("a"), run("b", "a", source="two", start=1)).kin["b"].parent == "a"


def test_an_ambiguous_parent_elsewhere_is_not_guessed() -> None:
    """Two other files hold the parent's id: none is taken."""
    found = kinship(run("a", slug="a-1"), run("a", source="two", slug="a-2"), run("b", "a", source="three", start=1))
    assert (found.kin["b"].parent, kinds(found)) == (None, {"b": ["parent_missing"]})


def test_lineages_of_equal_roots_have_pages_of_their_own() -> None:
    """Two trees with the same root id get two folders."""
    made = archive(
        run("a", slug="a-1"), run("a", source="two", slug="a-2"),
        run("b", "a", slug="b-1", start=1), run("b", "a", source="two", slug="b-2", start=1),
    )  # fmt: skip
    assert len({lineage.slug for lineage in made.lineages}) == 2


def test_the_steps_of_a_leg_without_a_row_are_not_nought() -> None:
    """Its own are not recorded, and the sum says whose it is not."""
    made = archive(run("a"), replace(run("b", "a", start=1), current_timestep=None, trained_h=None))
    (part,) = lineage_pages.make_parts(made)
    page = next(page for page in part.make() if isinstance(page, Page))
    assert isinstance(page.context, lineage_pages.LineagePage)
    assert [leg.own_steps for leg in page.context.legs] == [1000, None]
    assert [said.key for said in page.context.headline][:2] == ["lineage.headline", "lineage.headline_part"]
    assert page.context.headline[0].values["steps"] == 1000


def test_the_best_leg_is_one_of_those_that_were_rewarded_alike() -> None:
    """A leg that went on with another reward function is measured in other units, however large its rewards are."""
    legs = [run("a", final=5.0), run("b", "a", start=1, final=7.0),
            run("c", "b", start=2, final=900.0, reward_fn="raw")]  # fmt: skip
    legs = [
        replace(leg, cost=Cost(hours=1.0, gpu_hours=1.0), current_timestep=k) for k, leg in enumerate(legs, start=1)
    ]
    (part,) = lineage_pages.make_parts(archive(*legs))
    page = next(page for page in part.make() if isinstance(page, Page))
    assert isinstance(page.context, lineage_pages.LineagePage)
    said = {words.key: words.values for words in page.context.headline}
    assert said["lineage.headline_reward"] == {"best": 7.0, "run": "b"}
    assert "lineage.headline_tasks" in said
    costs = {row.label: row.fact.reason for row in page.context.costs}
    assert costs["Reward per GPU-hour"] == phrase("costs.mixed_line")
    (index,) = lineage_pages.make_pages(archive(*legs))
    assert isinstance(index.context, lineage_pages.LineageIndexPage)
    entries = [entry for fold in index.context.entries for entry in fold.rows]
    assert [entry.best is not None and entry.best.run.digest.run_id for entry in entries] == ["b"]


def test_a_lineage_says_that_its_best_is_only_the_best_captured() -> None:
    """The best leg may be another one, of which larger rewards were lost."""
    lost = replace(run("b", "a", start=1, final=7.0), problems=(problem("large_rewards_lost", count=3),))
    (part,) = lineage_pages.make_parts(archive(run("a", final=9.0), lost))
    page = next(page for page in part.make() if isinstance(page, Page))
    assert isinstance(page.context, lineage_pages.LineagePage)
    assert "lineage.headline_lost" in [words.key for words in page.context.headline]


def headline(*runs: RunDigest) -> dict[str, Any]:
    (part,) = lineage_pages.make_parts(archive(*runs))
    page = next(page for page in part.make() if isinstance(page, Page))
    assert isinstance(page.context, lineage_pages.LineagePage)
    return {words.key: words.values for words in page.context.headline}


def test_a_lineage_stands_still_between_its_legs() -> None:
    """Not by the difference of two clocks: a leg of another machine began a minute after its parent had ended."""
    parent, leg = run("a"), replace(run("b", "a"), started_s=8 * 3600.0)
    assert headline(parent, leg)["lineage.headline_idle"] == {"idle": 7 * 3600.0}
    clocks = (6 * 3600.0, 7 * 3600.0 + 60)  # UTC-6 and UTC+1
    timed = [
        replace(one, signals={**one.signals, "began_utc_s": began})
        for one, began in zip((parent, leg), clocks, strict=True)
    ]
    assert "lineage.headline_idle" not in headline(*timed)
    assert "lineage.headline_idle" in headline(timed[0], leg)  # of one of them nobody knows the clock


# ---------------------------------------------------------------- length


def test_two_hundred_legs_are_one_lineage() -> None:
    """A long chain is no recursion; the order and the depth are those of the legs."""
    chain = [run(f"r{k:03d}", f"r{k - 1:03d}" if k else None, start=k) for k in range(200)]
    found = find_kinship(tuple(reversed(chain)))
    assert found.trees[0].members == tuple(f"r{k:03d}" for k in range(200))
    assert (found.kin["r199"].leg, found.kin["r199"].root) == (200, "r000")


def test_three_thousand_legs_end_without_recursion() -> None:
    """Far beyond the recursion limit of Python, a circle at its top included."""
    chain = [run(f"r{k:04d}", f"r{k - 1:04d}" if k else "r2999", start=k) for k in range(3000)]
    found = find_kinship(chain)
    assert len(found.trees[0].members) == 3000
    assert found.problems["r0000"][0].values["runs"] == 3000


# ---------------------------------------------------------------- differences to the parent


def test_differences_to_the_parent() -> None:
    """Reward and speed are compared with the parent's last values."""
    leg = archived(run("a", final=10.0, fps=400.0), run("b", "a", leg=2, start=1, final=12.5, fps=390.0))
    assert (leg.summary["reward_delta"].value, leg.summary["fps_delta"].value) == (2.5, -10.0)


def test_an_unchanged_leg_says_so() -> None:
    """Equal settings are told as equal, with nothing in the list."""
    leg = archived(run("a", gamma=0.99), run("b", "a", start=1, gamma=0.99))
    assert said(leg.summary["lineage_diff_note"])[0] == "lineage.same_settings"
    assert said(leg.summary["config_delta_list"])[0] == "lineage.no_delta"


def test_changed_settings_are_listed() -> None:
    """Each with its value before and after."""
    leg = archived(run("a", gamma=0.99, n_envs=8), run("b", "a", start=1, gamma=0.9, n_envs=8))
    assert said(leg.summary["lineage_diff_note"])[1]["keys"] == "gamma"
    assert said(leg.summary["config_delta_list"])[1]["items"] == [("gamma", 0.99, 0.9)]


def test_another_target_is_no_changed_setting() -> None:
    """A longer leg has the same settings; the target is said in small print."""
    fact = archived(run("a", total_timesteps=10), run("b", "a", start=1, total_timesteps=20)).summary
    words = fact["lineage_diff_note"]
    assert (said(words)[0], [p.key for p in words.small]) == ("lineage.same_settings", ["lineage.target_changed"])


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ((run("a"),), "lineage.first_leg"),
        ((run("b", "gone", leg=2),), "lineage.parent_missing"),
        ((run("b", base="gone", leg=2),), "lineage.parent_missing"),
        ((run("b", base="gone", leg=3),), "lineage.leg_missing"),  # whose parent is not the base, which may be there
    ],
)
def test_without_a_parent_there_is_nothing_to_compare(runs: tuple[RunDigest, ...], reason: str) -> None:
    """A first leg and a leg whose parent is gone say why."""
    summary = archived(*runs).summary
    names = ("lineage_diff_note", "reward_delta", "fps_delta", "config_delta_list")
    assert {said(summary[name])[0] for name in names} == {reason}


def test_a_circle_has_no_missing_parent() -> None:
    """A run that names itself is the first leg of its lineage."""
    assert said(archived(run("a", "a")).summary["reward_delta"])[0] == "lineage.first_leg"


def test_the_cut_of_a_circle_is_no_missing_parent() -> None:
    """The run where a circle was cut must not say that its parent, which is there, is not in the archive."""
    summary = archive(run("a", "b"), run("b", "a", start=1)).find("a").summary
    assert said(summary["reward_delta"])[0] != "lineage.parent_missing"


def test_a_leg_without_reward_has_no_difference() -> None:
    """Nothing is compared with nothing."""
    leg = archived(run("a", final=10.0), run("b", "a", start=1))
    assert said(leg.summary["reward_delta"]) == ("lineage.no_reward", {"parent": "a"})


def test_rewards_of_another_function_have_no_difference() -> None:
    """What is another unit is not subtracted, on the page of the run as on that of the lineage."""
    leg = archived(run("a", final=5.0), run("b", "a", start=1, final=900.0, reward_fn="raw"))
    assert leg.summary["reward_delta"].reason == phrase("lineage.other_reward", parent="a")


def test_a_worse_leg_is_held_against_its_line() -> None:
    """More than a tenth of the scale below the parent closes the gate."""
    leg = archived(run("a", final=10.0), run("b", "a", start=1, final=5.0, gamma=0.9))
    assert (leg.advice.gate, leg.advice.reason.key) == ("no-go", "gate.worse_than_parent")


def test_a_leg_within_the_noise_of_its_parent_is_not_worse() -> None:
    """The verdict and the lineage page hold the same levels against the same noise: 5 below, at a noise of 4 each."""
    runs = [run("a", final=10.0), run("b", "a", start=1, final=5.0, gamma=0.9)]
    noisy = [replace(one, signals={**one.signals, "noise": 4.0}) for one in runs]
    found = archive(*noisy)
    effect = effect_of(found.find("b"), found)
    assert effect is not None
    assert (effect.verdict, found.find("b").advice.gate) == ("noise", "go")


def test_a_worse_leg_is_not_sent_back_to_another_seed() -> None:
    """Only settings that change what is learned are something to return to."""
    changed: tuple[tuple[dict[str, Any], str], ...] = (({}, ""), ({"gamma": 0.9}, "gamma"))
    for config, keys in changed:
        leg = archived(run("a", final=10.0, seed=1), run("b", "a", start=1, final=5.0, seed=2, **config))
        (advice,) = (one for one in leg.advice.recommendations if one.rule == "worse_than_parent")
        assert advice.words.values["keys"] == keys


def test_an_inferred_parent_says_so() -> None:
    """The leg number carries the guess in small print."""
    fact = archived(run("a"), run("b", base="a", leg=2, start=1)).summary["leg_number"]
    assert (fact.value, [p.key for p in fact.small]) == (2, ["lineage.inferred"])


def test_neighbours_are_those_of_the_game() -> None:
    """Previous and next run by start time."""
    middle = archive(run("a"), run("b", start=1), run("c", start=2)).find("b")
    assert (middle.before, middle.after) == ("a", "c")
