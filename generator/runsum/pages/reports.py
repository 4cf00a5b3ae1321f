"""Problems (everything odd in the archive) and Methods (every rule in force)."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from runsum.analysis.findings import CHECKS
from runsum.analysis.next_actions import RULES
from runsum.archive.archive import Archive, SourceFacts
from runsum.archive.seeds import UNLEARNED
from runsum.frozen import frozen
from runsum.model import Phrase, problem_words
from runsum.pages.contract import Page
from runsum.pages.published import PublishedHuman, PublishedLevel, published_humans, published_levels
from runsum.redact.found import RANDOM, Found
from runsum.redact.policy import Mode
from runsum.thresholds import Rule, Thresholds, rules_in_force

_LISTED = 2000


@frozen
class ProblemRow:
    """One problem of one run."""

    run_id: str
    source: str
    href: Markup
    words: Phrase


@frozen
class ProblemKind:
    """All problems of a kind; `more` of them are only on their run pages."""

    name: str
    count: int
    rows: tuple[ProblemRow, ...]
    more: int


@frozen
class ProblemsPage:
    """Everything `problems.md.j2` may use.

    Attributes:
        off: why redaction is off; empty when it is not.
        kept_back: what was taken out, by rule, table and column.
        random: texts that look random and were published.
    """

    kinds: tuple[ProblemKind, ...]
    sources: tuple[tuple[str, tuple[Phrase, ...]], ...]
    total: int
    several: bool
    off: str
    kept_back: tuple[Found, ...]
    random: tuple[Found, ...]


@frozen
class CheckInForce:
    """A check as the Methods page prints it: for which algorithms, with which limits, from which source."""

    name: str
    family: str
    limits: tuple[tuple[str, float], ...]
    source: Markup


@frozen
class MethodsPage:
    """Everything `methods.md.j2` may use.

    Attributes:
        advice: name and support of each recommendation rule.
        checks: the checks of a run's health.
        published, humans: the numbers of others that runs of this archive are held against.
        unlearned: settings in which runs of a group of seeds may differ.
    """

    rules: tuple[Rule, ...]
    advice: tuple[tuple[str, float], ...]
    checks: tuple[CheckInForce, ...]
    sources: tuple[SourceFacts, ...]
    solved: tuple[tuple[str, float], ...]
    published: tuple[PublishedLevel, ...]
    humans: tuple[PublishedHuman, ...]
    unlearned: tuple[str, ...]


def checks_in_force(limits: Thresholds) -> tuple[CheckInForce, ...]:
    """Every check of a run's health with the limits in force."""
    return tuple(
        CheckInForce(
            check.name,
            check.family,
            tuple((name, float(getattr(limits, name))) for name in check.limits),
            Markup(check.source),
        )
        for check in CHECKS
    )


def make_pages(archive: Archive) -> Iterator[Page]:
    """Both report pages."""
    found: dict[str, list[ProblemRow]] = {}
    for run in archive.runs:
        for problem in run.problems:
            row = ProblemRow(
                run.digest.run_id,
                run.digest.source,
                Markup(f"../runs/{run.digest.slug}/index.html"),
                problem_words(problem),
            )
            found.setdefault(problem.kind, []).append(row)
    kinds = tuple(
        ProblemKind(kind.replace("_", " ").capitalize(), len(rows), tuple(rows[:_LISTED]), max(0, len(rows) - _LISTED))
        for kind, rows in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    )
    sources = tuple((s.name, tuple(problem_words(p) for p in s.problems)) for s in archive.sources if s.problems)
    total = sum(kind.count for kind in kinds) + sum(len(words) for _, words in sources)
    redaction = archive.redaction
    published = () if redaction.mode == Mode.STRICT else (RANDOM,)
    yield Page(
        "problems/index.md",
        "problems.md.j2",
        ProblemsPage(
            kinds,
            sources,
            total,
            len(archive.sources) > 1,
            redaction.reason,
            tuple(one for one in redaction.found if one.rule not in published),
            tuple(one for one in redaction.found if one.rule in published),
        ),
    )
    yield Page(
        "methods/index.md",
        "methods.md.j2",
        MethodsPage(
            rules_in_force(archive.thresholds),
            tuple((rule.name, rule.support) for rule in RULES),
            checks_in_force(archive.thresholds),
            archive.sources,
            tuple(sorted(archive.solved.items())),
            published_levels(archive),
            published_humans(archive),
            tuple(sorted(UNLEARNED)),
        ),
    )
