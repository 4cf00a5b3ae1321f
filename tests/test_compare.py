"""What the build gives to the comparison: facts of each run, names of data, links on run pages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from runsum.analysis.setting_texts import setting_text, settings_of
from runsum.analysis.settings import same_setting
from runsum.formatting import FILTERS
from runsum.model import ConfigValue
from runsum.pages.compare import MOST_RUNS, Offers
from runsum.pages.run_facts import ANCESTORS, OUTCOMES, ancestors_of, run_facts
from runsum.pages.run_layout import FORMATS
from support.compared import CHILD, EMPTY, GRANDCHILD, MANY, PONG, REPEATED, ROOT, SIBLING, TWIN, Compared
from support.contracts import Rendered
from support.packed import read_script

SUMMARY = {
    "best_reward": "best_reward", "final_reward": "final_reward", "level_since": "convergence_timestep",
    "steps": "current_timestep", "target": "total_timesteps", "progress": "progress_pct",
    "gpu_avg": "gpu_avg", "vram_avg": "vram_avg", "cpu_avg": "cpu_avg", "mem_avg": "mem_avg", "leg": "leg_number",
    "rew_10": "rew_10", "rew_25": "rew_25", "rew_50": "rew_50", "rew_75": "rew_75", "rew_100": "rew_100",
}  # fmt: skip
"""The placeholders of run.json behind the outcomes; the others are not among the placeholders."""


def facts_of(rendered: Rendered) -> dict[str, dict[str, Any]]:
    """What facts.js says, by slug."""
    found = {}
    for run in rendered.archive.runs:
        script = run_facts(run, rendered.archive, rendered.renderer.short).decode()
        found[run.digest.slug] = json.loads(script.partition("]=")[2].removesuffix(";\n"))
    return found


def configured(values: Mapping[str, object]) -> dict[str, ConfigValue]:
    return {name: ConfigValue(value, "config_json") for name, value in values.items()}


# ---------------------------------------------------------------- facts.js


def test_the_outcomes_are_those_of_run_json(rendered: Rendered) -> None:
    """Of every run: the value of the twin for programs, printed by the filter of the run's own page."""
    seen = 0
    for slug, facts in facts_of(rendered).items():
        summary = rendered.documents[slug]["summary"]
        for name, placeholder in SUMMARY.items():
            entry = facts["outcomes"][name]
            if summary[placeholder] is None:
                assert entry is None or entry[0] is None, f"{slug}: {name}"
                continue
            value, text = entry
            assert value == pytest.approx(summary[placeholder], rel=1e-9), f"{slug}: {name}"
            assert text == FILTERS[FORMATS[placeholder]](summary[placeholder]), f"{slug}: {name}"
            seen += 1
    assert seen > 1000


def test_runs_are_compared_by_the_clock(rendered: Rendered) -> None:
    """Steps of a run's own rows by its time without gaps; the trainer's meter where the time is not known."""
    seen = 0
    for slug, facts in facts_of(rendered).items():
        document = rendered.documents[slug]
        told, own = document["summary"], document["quality"]["sessions"]
        speed = (facts["outcomes"]["speed"] or [None])[0]
        if not told["duration_h"] or told["current_timestep"] is None:
            assert speed == told["avg_fps"]
            continue
        hours = told["duration_h"] - (told["pause_time_h"] or 0.0)
        assert speed == pytest.approx((told["current_timestep"] - own[0]["start_timestep"]) / hours / 3600, rel=1e-6)
        seen += 1
    assert seen > 10


def test_every_outcome_is_in_the_facts_in_order(rendered: Rendered) -> None:
    """The table of the page and the facts of a run have the same rows, and some run fills each of them."""
    every = facts_of(rendered).values()
    names = [row.name for row in OUTCOMES]
    assert all(list(facts["outcomes"]) == names for facts in every)
    known = {name for facts in every for name, entry in facts["outcomes"].items() if entry and entry[0] is not None}
    # No scenario has a CPU reading (Retro ML Desktop never records it) or is long enough to have levelled off for good.
    assert known == set(names) - {"cpu_avg", "level_since"}
    page = rendered.markdown["compare/index.md"]
    assert re.findall(r'data-row="(\w+)"', page) == names
    assert all(row.format in FILTERS and row.better in ("", "high", "reward", "milestone") for row in OUTCOMES)


def test_a_missing_value_has_the_words_of_the_page(rendered: Rendered) -> None:
    """Not reached is not the same as not recorded."""
    for slug, facts in facts_of(rendered).items():
        for entry in facts["outcomes"].values():
            assert entry is None or entry[1], slug
            assert entry is None or entry[0] is not None or entry[1] != "not recorded", slug
    words = {entry[1] for facts in facts_of(rendered).values() for entry in facts["outcomes"].values() if entry}
    assert "not reached" in words


def test_the_facts_say_for_what_a_run_was_rewarded(rendered: Rendered) -> None:
    """The comparison marks no best of two reward functions; of most runs nothing says it, and nothing is written."""
    assert not any("rewarded" in facts for facts in facts_of(rendered).values())
    run = rendered.archive.runs[0]
    lucky = replace(run, digest=replace(run.digest, signals={**run.digest.signals, "best_early": 1.0}))
    assert read_script(run_facts(lucky, rendered.archive, rendered.renderer.short).decode())["best_early"] is True
    queue = replace(run.digest, config={**run.digest.config, **configured({"reward_fn": "queue"})}, traits=None)
    told = run_facts(replace(run, digest=queue), rendered.archive, rendered.renderer.short).decode()
    assert read_script(told)["rewarded"] == "reward_fn = queue"


def test_the_facts_are_small(rendered: Rendered) -> None:
    """A comparison of twenty loads twenty of them."""
    sizes = [len(run_facts(run, rendered.archive, rendered.renderer.short)) for run in rendered.archive.runs]
    assert max(sizes) < 6000
    assert sorted(sizes)[len(sizes) // 2] < 2500


@pytest.mark.parametrize(
    ("one", "other"),
    [(2.5e-4, "2.5e-4"), (0.00025, "0.00025"), (1, 1.0), ("1e6", 1_000_000), (True, "true"), ({"a": 1.0}, {"a": 1})],
)
def test_equal_settings_have_equal_texts(one: object, other: object) -> None:
    """However they are written; the differences of lineages agree."""
    assert settings_of(configured({"key": one})) == settings_of(configured({"key": other}))


@pytest.mark.parametrize(
    ("one", "other"),
    [(2.5e-4, 3e-4), ("lin_2.5e-4", 2.5e-4), (2**63, 2**63 + 1), ("a" * 400 + "b", "a" * 400 + "c"), (False, 0)],
)
def test_different_settings_have_different_texts(one: object, other: object) -> None:
    """A seed of nineteen digits and the end of a long text count, too."""
    assert setting_text(one) != setting_text(other)


def test_texts_and_the_rule_of_lineages_agree(rendered: Rendered) -> None:
    """Two settings have one text exactly when the lineage pages call them the same."""
    values = {
        json.dumps(value.value, default=str): value.value
        for run in rendered.archive.runs
        for value in run.digest.config.values()
        if value.value is not None and not isinstance(value.value, dict)
    }
    assert len(values) > 20
    odd = [
        (one, other)
        for one in values.values()
        for other in values.values()
        if (setting_text(one) == setting_text(other)) != same_setting(one, other)
    ]
    assert not odd


def test_sections_become_part_of_the_name() -> None:
    """What is set inside a section can be compared by itself; what is not set is not there."""
    found = settings_of(configured({"custom_params": {"zoo": {"gamma": 0.9, "n": None}}, "seed": None, "run_id": "x"}))
    assert found == {"custom_params.zoo.gamma": "0.9"}


def test_ancestors_are_named_from_the_parent_on(compared: Compared) -> None:
    """As far as they are in the archive."""
    assert compared.facts(GRANDCHILD)["kin"]["ancestors"] == [CHILD, ROOT]
    assert compared.facts(ROOT)["kin"]["ancestors"] == []
    assert compared.facts(CHILD)["kin"]["lineage"] == compared.facts(SIBLING)["kin"]["lineage"] is not None
    assert compared.facts(PONG)["kin"]["lineage"] is None


def test_a_long_lineage_does_not_make_long_facts(rendered: Rendered) -> None:
    """No run names more than the nearest ancestors."""
    assert all(len(ancestors_of(run, rendered.archive)) <= ANCESTORS for run in rendered.archive.runs)


def test_runs_of_one_id_have_data_of_their_own(compared: Compared) -> None:
    """Two databases hold the same run id: the slug names the data, so a page can load both."""
    slugs = sorted(path.name for path in (compared.docs / "runs").glob(f"{TWIN}*"))
    assert len(slugs) == 2
    assert {compared.facts(slug)["source"] for slug in slugs} == {"one", "two"}
    assert {compared.facts(slug)["run_id"] for slug in slugs} == {TWIN}
    assert {compared.curves(slug)["charts"]["reward"]["v"][-1] for slug in slugs} == {1, 2}
    for slug in slugs:
        assert f'data-key="{slug}"' in (compared.online / "runs" / slug / "index.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------- links on the pages of runs


def offered(compared: Compared, slug: str) -> dict[str, list[str]]:
    """The words of each link below "Compare with", and the other runs it leads to."""
    page = (compared.online / "runs" / slug / "index.html").read_text(encoding="utf-8")
    line = re.search(r'<p class="rs-links rs-comparisons".*?</p>', page)
    if line is None:
        return {}
    found = re.findall(r'href="../../compare/index.html#runs=([a-z0-9,-]+)"[^>]*>([^<]+)<', line[0])
    assert all(slugs.split(",")[0] == slug for slugs, _ in found)
    assert len({slugs for slugs, _ in found}) == len(found)
    return {words: slugs.split(",")[1:] for slugs, words in found}


def test_a_leg_offers_its_parent_and_its_sibling(compared: Compared) -> None:
    """One click each."""
    links = offered(compared, CHILD)
    assert links["its parent"] == [ROOT]
    assert links["its sibling"] == [SIBLING]
    assert links["the best of Breakout"] == [GRANDCHILD]


def test_a_repetition_with_another_seed_is_offered(compared: Compared) -> None:
    """Both ways, though one file writes 0.00025 and the other "2.5e-4"; a later leg is no repetition."""
    assert offered(compared, ROOT)["the same settings, another seed"] == [REPEATED]
    assert set(offered(compared, REPEATED)["the same settings, 2 other seeds"]) == {ROOT, GRANDCHILD}
    assert not any("seed" in words for words in offered(compared, CHILD))


def test_the_run_before_it_is_offered(compared: Compared) -> None:
    """The first of a game has none, the best does not offer itself, and a run alone offers nothing."""
    assert offered(compared, MANY[5])["the Qbert run before it"] == [MANY[4]]
    assert not any("before it" in words for words in offered(compared, MANY[0]))
    assert not any("best of" in words for words in offered(compared, MANY[-1]))
    assert offered(compared, PONG) == offered(compared, EMPTY) == {}


def test_no_offer_is_larger_than_a_comparison(rendered: Rendered) -> None:
    """Every one names runs of the archive, this one first, two at least and twenty at most."""
    offers, seen = Offers(rendered.archive), 0
    for run in rendered.archive.runs:
        for link in offers.links(run):
            slugs = link.href.partition("#runs=")[2].split(",")
            assert slugs[0] == run.digest.slug
            assert 2 <= len(slugs) == len(set(slugs)) <= MOST_RUNS
            assert all(slug in rendered.archive.by_slug for slug in slugs)
            seen += 1
    assert seen > 100
