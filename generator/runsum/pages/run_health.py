"""The health of a run as its page shows it: the checks that were made, and what kept the others from being made."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from runsum.analysis.findings import is_outside, source_of
from runsum.archive.archive import ArchivedRun
from runsum.frozen import frozen
from runsum.model import Finding, Level, Phrase, phrase


@frozen
class CheckRow:
    """A check as a row of the table.

    Attributes:
        rule: name of the check.
        level: its word.
        value: the number that was judged with its unit, None where there is none.
        band: the usual range, None without one.
        where: timesteps between which it happens, None where it is not about a stretch.
        href: to the chart that shows it, empty where there is none.
        source: address of a publication, empty where the limits are runsum's own.
    """

    rule: str
    level: str
    words: Phrase
    value: Phrase | None
    band: Phrase | None
    confidence: str
    where: Phrase | None
    href: Markup
    source: Markup


@frozen
class Health:
    """All checks of a run: those that were made, worst first, and those that could not be made."""

    rows: tuple[CheckRow, ...]
    without: tuple[CheckRow, ...]


_UNITS = {
    "finding.reward_level": "steps", "finding.replay_not_begun": "steps", "finding.replay_size": "steps",
    "finding.memory_steady": "mib", "finding.gpu_idle": "percent", "finding.gpu_used": "percent",
    "finding.data_few": "rows", "finding.data_contaminated": "rows", "finding.data_good": "rows",
    "finding.entropy_change": "nats", "finding.entropy_grew": "nats",
}  # fmt: skip
"""What the values of some findings are in; those of the others are shares, ratios or in the unit of their column."""

_WORST_FIRST = (Level.BAD, Level.WATCH, Level.GOOD, Level.NOT_ASSESSED)


def describe_health(run: ArchivedRun) -> Health:
    """The findings of a run as rows."""
    charts = frozenset(chart.id for chart in run.digest.charts)
    ordered = sorted(run.digest.findings, key=lambda found: _WORST_FIRST.index(found.level))
    rows = [(found, _row(found, charts)) for found in ordered]
    return Health(
        tuple(row for found, row in rows if found.level is not Level.NOT_ASSESSED),
        tuple(row for found, row in rows if found.level is Level.NOT_ASSESSED),
    )


def _unit(found: Finding) -> str:
    return _UNITS.get(found.reason.key, "number")


def _row(found: Finding, charts: frozenset[str]) -> CheckRow:
    low, high = found.band
    where = None
    if found.from_timestep is not None and found.to_timestep is not None:
        key = "health.moment" if found.from_timestep == found.to_timestep else "health.range"
        where = phrase(key, begin=found.from_timestep, end=found.to_timestep)
    return CheckRow(
        found.rule,
        str(found.level),
        found.reason,
        None if found.value is None else phrase(f"health.value_{_unit(found)}", value=found.value),
        None if low is None and high is None else phrase("health.band", low=low, high=high),
        found.confidence,
        where,
        Markup(f"#chart-{found.chart}") if found.chart in charts else Markup(""),
        Markup(source_of(found.rule)),
    )


def health_words(health: Level, findings: Iterable[Finding]) -> Phrase:
    """The health in one word, and in how many checks something was found.

    A good check can be outside of its usual range, for a reason that it names, and a concern of low confidence does not
    count: both are said.

    Args:
        health: of the run.
        findings: its checks.
    """
    made = [found for found in findings if found.level is not Level.NOT_ASSESSED]
    concerns = sum(found.level in (Level.BAD, Level.WATCH) for found in made)
    if health is Level.NOT_ASSESSED:
        return phrase("health.not_assessed")
    if concerns:
        key = "health.faint" if health is Level.GOOD else "health.concerns"
        return phrase(key, level=str(health), count=concerns, of=len(made))
    return phrase("health.good", of=len(made), outside=sum(is_outside(found.value, found.band) for found in made))
