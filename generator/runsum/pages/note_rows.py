"""Rows of facts in words, for what has no placeholder in the summary template."""

from __future__ import annotations

from collections.abc import Iterator

from runsum.archive.archive import ArchivedRun
from runsum.archive.costs import Costs, Sum
from runsum.frozen import frozen
from runsum.model import Fact, Phrase, missing, note, phrase

_RUN_ROWS = (
    ("2", "Human-normalised score", "human_normalised"),
    ("3", "Cost", "cost"),
    ("3", "Reward per GPU-hour", "gained_per_gpu_hour"),
)


@frozen
class NoteRow:
    """A row: its label and what is known, or why it is not."""

    label: str
    fact: Fact

    @property
    def small(self) -> tuple[Phrase, ...]:
        """Small print: that it is inferred comes first."""
        inferred = (phrase("small.estimated"),) if self.fact.estimated and not self.fact.missing else ()
        return (*inferred, *self.fact.small)


def section_notes(run: ArchivedRun, title: str) -> tuple[NoteRow, ...]:
    """What a section of a run page says beyond its placeholders; `title` begins with the section's number."""
    extras = run.digest.extras
    return tuple(
        NoteRow(label, extras[name])
        for section, label, name in _RUN_ROWS
        if title.startswith(section) and name in extras
    )


def cost_rows(costs: Costs) -> Iterator[NoteRow]:
    """What runs cost together, for a page that is about all of them."""
    yield NoteRow("Training time", _sum_fact(costs.hours, costs.runs, "costs.hours"))
    yield NoteRow("GPU-hours", _sum_fact(costs.gpu_hours, costs.runs, "costs.gpu_hours"))
    yield NoteRow("GPU energy", _sum_fact(costs.energy_kwh, costs.runs, "costs.kwh"))
    yield NoteRow("Time lost in gaps", _sum_fact(costs.lost_h, costs.runs, "costs.lost"))
    yield NoteRow("What set the pace", note("costs.limits", items=limit_phrases(costs)))


def limit_phrases(costs: Costs) -> list[Phrase]:
    """What set the pace of how many runs."""
    return [phrase(f"limit.{name or 'unknown'}", count=count) for name, count in costs.limits]


def _sum_fact(total: Sum, runs: int, key: str) -> Fact:
    if total.value is None:
        return missing("costs.unknown")
    small = (phrase("costs.of", count=total.count, runs=runs),) if total.count < runs else ()
    return note(key, *small, value=total.value)
