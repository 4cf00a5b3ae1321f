"""What came of each leg of a lineage that went on with other settings, and what the whole lineage cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.costs import add_costs
from runsum.archive.effects import LegEffect, leg_effect
from runsum.archive.ranking import task_of
from runsum.archive.seeds import key_of
from runsum.model import Fact, Phrase, missing, note, phrase
from runsum.pages.note_rows import NoteRow, cost_rows


def effect_of(run: ArchivedRun, archive: Archive) -> LegEffect | None:
    """What came of a leg; None for a run without a parent in the archive, and where no setting changed."""
    if run.kin.parent is None or not run.config_delta:
        return None
    parent = archive.find(run.kin.parent)
    kept = key_of(parent.digest)
    legs = (archive.find(slug).digest for slug in parent.kin.children if slug != run.digest.slug)
    siblings = [leg for leg in legs if kept is not None and key_of(leg) == kept != key_of(run.digest)]
    return leg_effect(run.digest, parent.digest, siblings, archive.thresholds)


def effect_words(effect: LegEffect, archive: Archive) -> Iterator[Phrase]:
    """The difference to the parent against the noise, and what else could have made it."""
    key = "leg.behind_unknown" if effect.behind and effect.at_equal_steps is None else f"leg.{effect.verdict}"
    yield phrase(key, noise=effect.levels.noise, delta=effect.at_equal_steps)
    if effect.levels.delta is not None and effect.rising and effect.steps:
        yield phrase("leg.parent_rising", steps=effect.steps)
    if effect.sibling is not None:
        sibling = archive.find(effect.sibling).digest.run_id
        yield phrase("leg.sibling", delta=effect.against_sibling, sibling=sibling)


def lineage_costs(runs: Sequence[ArchivedRun], archive: Archive) -> tuple[NoteRow, ...]:
    """What all legs cost, and what the line that came furthest gained for its GPU-hours."""
    rows = cost_rows(add_costs([run.digest for run in runs]))
    return (*rows, NoteRow("Reward per GPU-hour", _gain(runs, archive)))


def _gain(runs: Sequence[ArchivedRun], archive: Archive) -> Fact:
    last = max(runs, key=lambda run: run.digest.current_timestep or 0)
    line = [last]
    while (parent := line[-1].kin.parent) is not None:
        line.append(archive.find(parent))
    hours = [run.digest.cost.gpu_hours for run in line]
    start, end = line[-1].digest.signals.get("start_level"), last.digest.signals.get("level")
    known = [hour for hour in hours if hour is not None]
    if len(known) < len(hours) or not sum(known):
        return missing("costs.no_line_hours")
    if len({task_of(run.digest) for run in line}) > 1:
        return missing("costs.mixed_line")
    unseen = any(run.digest.lost_rewards for run in line)
    if unseen or not isinstance(start, float) or not isinstance(end, float):
        return missing("cost.no_gain")
    return note("costs.line_gain", gain=(end - start) / sum(known), legs=len(line), gained=end - start)
