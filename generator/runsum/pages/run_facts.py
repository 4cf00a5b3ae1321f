"""facts.js: what the comparison shows of a run besides its curves, as a small script beside its page.

Every number comes with the text that the pages print, so that a value reads the same wherever it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from runsum.analysis.setting_texts import TEXT_LENGTH
from runsum.archive.archive import Archive, ArchivedRun
from runsum.chartdata import data_script
from runsum.formatting import FILTERS, cut
from runsum.frozen import frozen
from runsum.model import Fact, Phrase, known, phrase
from runsum.pages.contract import Words
from runsum.traits import rewarded_by, traits_of

ANCESTORS = 50
"""Ancestors a run names at most: those nearest to it; a lineage can be long."""


@frozen
class Outcome:
    """A row of the table of outcomes.

    Attributes:
        name: what facts.js calls it.
        words: the row's header.
        format: name of the filter that prints its numbers.
        better: which value is the best: "" none, "high" the largest, "reward" the largest among runs of one
            environment that were rewarded alike, "milestone" the same where their targets are equal, too.
        fact: the value for a run.
    """

    name: str
    words: Phrase
    format: str
    better: str
    fact: Callable[[ArchivedRun], Fact]


def _summary(name: str) -> Callable[[ArchivedRun], Fact]:
    return lambda run: run.fact(name)


OUTCOMES: tuple[Outcome, ...] = (
    Outcome("best_reward", phrase("outcome.best_reward"), "reward", "reward", _summary("best_reward")),
    Outcome("best_at", phrase("outcome.best_at"), "steps", "", lambda run: known(run.digest.best_reward_timestep)),
    Outcome("final_reward", phrase("outcome.final_reward"), "reward", "reward", _summary("final_reward")),
    Outcome("rew_10", phrase("outcome.rew_10"), "reward", "milestone", _summary("rew_10")),
    Outcome("rew_25", phrase("outcome.rew_25"), "reward", "milestone", _summary("rew_25")),
    Outcome("rew_50", phrase("outcome.rew_50"), "reward", "milestone", _summary("rew_50")),
    Outcome("rew_75", phrase("outcome.rew_75"), "reward", "milestone", _summary("rew_75")),
    Outcome("rew_100", phrase("outcome.rew_100"), "reward", "milestone", _summary("rew_100")),
    Outcome("level_since", phrase("outcome.level_since"), "steps", "", _summary("convergence_timestep")),
    Outcome("steps", phrase("outcome.steps"), "steps", "", _summary("current_timestep")),
    Outcome("target", phrase("outcome.target"), "steps", "", _summary("total_timesteps")),
    Outcome("progress", phrase("outcome.progress"), "percent", "", _summary("progress_pct")),
    Outcome("trained_h", phrase("outcome.trained_h"), "hours", "", lambda run: known(run.digest.trained_h)),
    Outcome("speed", phrase("outcome.speed"), "speed", "high", lambda run: known(run.digest.speed)),
    Outcome(
        "explained_variance", phrase("outcome.explained_variance"), "number", "reward",
        lambda run: known(run.digest.signals.get("explained_variance")),
    ),
    Outcome("gpu_avg", phrase("outcome.gpu_avg"), "whole_percent", "", _summary("gpu_avg")),
    Outcome("vram_avg", phrase("outcome.vram_avg"), "mib", "", _summary("vram_avg")),
    Outcome("cpu_avg", phrase("outcome.cpu_avg"), "whole_percent", "", _summary("cpu_avg")),
    Outcome("mem_avg", phrase("outcome.mem_avg"), "mib", "", _summary("mem_avg")),
    Outcome("energy_kwh", phrase("outcome.energy_kwh"), "number", "", lambda run: known(run.digest.energy_kwh)),
    Outcome("leg", phrase("outcome.leg"), "exact", "", lambda run: known(run.kin.leg)),
    Outcome("problems", phrase("outcome.problems"), "exact", "", lambda run: known(len(run.problems))),
)  # fmt: skip
"""The rows of the table of outcomes, in their order."""


def facts_key(slug: str) -> str:
    """The name of a run's facts among the data that pages load."""
    return f"facts/{slug}"


def run_facts(run: ArchivedRun, archive: Archive, short: Words) -> bytes:
    """Write the script with what the comparison shows of a run.

    Args:
        run: the run.
        archive: where its ancestors are looked up.
        short: the few words shown in place of a missing value.
    """
    digest = run.digest
    started = digest.started_at
    facts: dict[str, Any] = {
        "slug": digest.slug,
        "run_id": digest.run_id,
        "label": _text(digest.label),
        "game": digest.game,
        "env_id": _text(digest.env_id),
        "algorithm": _text(digest.algorithm),
        "preset": _text(digest.preset),
        "state": str(digest.state),
        "source": digest.source,
        "started_at": None if started is None else [_text(started), FILTERS["when"](started)],
        "verdict": run.advice.gate,
        "start_timestep": digest.start_timestep,
        "outcomes": {row.name: _entry(row.fact(run), row.format, short) for row in OUTCOMES},
        "lost_rewards": digest.lost_rewards,
        "config": dict(traits_of(digest).settings),
        "kin": {
            "parent": run.kin.parent,
            "parent_run_id": _text(run.kin.parent_run_id),
            "ancestors": ancestors_of(run, archive),
            "root": _text(run.kin.root),
            "leg": run.kin.leg,
            "lineage": run.lineage_page,
        },
    }
    rewarded = rewarded_by(digest)
    if rewarded:  # most runs say nothing of it
        facts["rewarded"] = _text(FILTERS["pairs"](list(rewarded)))
    if digest.signals.get("best_early"):
        facts["best_early"] = True
    return data_script(facts_key(digest.slug), facts)


def ancestors_of(run: ArchivedRun, archive: Archive) -> list[str]:
    """Slugs of the run's ancestors in the archive, its parent first, at most `ANCESTORS` of them."""
    found: list[str] = []
    above = run.kin.parent
    while above is not None and len(found) < ANCESTORS:
        found.append(above)
        above = archive.find(above).kin.parent
    return found


def _entry(fact: Fact, how: str, short: Words) -> list[Any] | None:
    """The value and its text; of a missing one the words that say more than "not recorded", if there are any."""
    if isinstance(fact.value, int | float):
        return [_short(fact.value), FILTERS[how](fact.value)]
    words = short(fact.reason) if fact.reason is not None else ""
    return [None, words] if words and words != short(phrase("reason.not_recorded")) else None


def _short(value: int | float) -> int | float:
    """A measured number with ten digits: as many as decide which of two is larger."""
    return value if isinstance(value, int) or not math.isfinite(value) else float(f"{value:.10g}")


def _text(value: str | None) -> str | None:
    return None if value is None else cut(value, TEXT_LENGTH)
