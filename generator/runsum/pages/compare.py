"""The page that compares runs, and the links to it on each run's page.

The comparison itself is made in the browser, from the data that lie beside the pages of the chosen runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.ranking import Task, task_of
from runsum.drawing import ALL_CHARTS
from runsum.frozen import frozen
from runsum.model import Phrase, State, phrase
from runsum.pages.contract import Page
from runsum.pages.run_facts import OUTCOMES, Outcome
from runsum.traits import traits_of

PATH = "compare/index.md"
MOST_RUNS = 20
"""Runs in one comparison: what one chart can show apart."""
_NEAR = 100
_SEED = "seed"

Group = tuple[str | None, str | None, tuple[tuple[str, str], ...]]


@frozen
class ComparePage:
    """Everything `compare.md.j2` may use.

    Attributes:
        total: number of all runs.
        most: how many runs one comparison takes.
        rows: rows of the table of outcomes.
        charts: metrics that can be drawn besides the reward.
        states: every state, for its word.
    """

    total: int
    most: int
    rows: tuple[Outcome, ...]
    charts: tuple[str, ...]
    states: tuple[str, ...]


@frozen
class CompareLink:
    """A comparison offered on a run's page; `title` names the other runs."""

    words: Phrase
    href: Markup
    title: str


def make_pages(archive: Archive) -> Iterator[Page]:
    """The page, empty until runs are chosen."""
    charts = tuple(name for name in ALL_CHARTS if name != "reward")
    states = tuple(str(state) for state in State)
    yield Page(PATH, "compare.md.j2", ComparePage(len(archive.runs), MOST_RUNS, OUTCOMES, charts, states))


class Offers:
    """What each run can be compared with; looked up once for all of them."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._best: dict[Task, ArchivedRun] = {}  # rewards of other tasks cannot be compared
        for run in (run for group in archive.games for run in group.runs):
            if run.digest.env_id and run.digest.best_reward is not None:
                self._best.setdefault(task_of(run.digest), run)
        self._settings: dict[str, Group] = {}
        self._equal: dict[Group, list[ArchivedRun]] = {}
        self._place: dict[str, int] = {}
        for run in archive.runs:
            group = _settings_but_seed(run)
            if group is not None:
                equal = self._equal.setdefault(group, [])
                self._settings[run.digest.slug] = group
                self._place[run.digest.slug] = len(equal)
                equal.append(run)

    def links(self, run: ArchivedRun) -> Iterator[CompareLink]:
        """The comparisons offered on the page of a run, each once."""
        told: set[tuple[str, ...]] = set()
        for words, others in self._others(run):
            slugs = tuple(other.digest.slug for other in others)
            if slugs and slugs not in told:
                told.add(slugs)
                names = ", ".join(other.digest.run_id for other in others)
                yield CompareLink(words, Markup(f"../../{address_of((run.digest.slug, *slugs))}"), names)

    def _others(self, run: ArchivedRun) -> Iterator[tuple[Phrase, Sequence[ArchivedRun]]]:
        find, game = self._archive.find, run.digest.game
        if run.kin.parent:
            parent = find(run.kin.parent)
            yield phrase("comparison.parent"), [parent]
            siblings = [find(slug) for slug in _first(parent.kin.children, run.digest.slug)]
            yield (
                phrase("comparison.sibling" if len(siblings) == 1 else "comparison.siblings", count=len(siblings)),
                siblings,
            )
        seeds = list(itertools.islice(self._other_seeds(run), MOST_RUNS - 1))
        yield phrase("comparison.seed" if len(seeds) == 1 else "comparison.seeds", count=len(seeds)), seeds
        best = self._best.get(task_of(run.digest))
        if best is not None and best.digest.slug != run.digest.slug:
            yield phrase("comparison.best", game=game), [best]
        if run.before:
            yield phrase("comparison.previous", game=game), [find(run.before)]

    def _other_seeds(self, run: ArchivedRun) -> Iterator[ArchivedRun]:
        """Runs that differ from this one in nothing but the seed; a leg of the same lineage is no repetition."""
        group = self._settings.get(run.digest.slug)
        if group is None:
            return
        equal, place = self._equal[group], self._place[run.digest.slug]
        seed = _seed_of(run)
        for other in equal[max(0, place - _NEAR) : place + _NEAR]:  # thousands may be equal: those nearest in time
            if other.kin.tree != run.kin.tree and _seed_of(other) != seed:
                yield other


def address_of(slugs: Sequence[str]) -> str:
    """The comparison of some runs, from the root of the site."""
    return f"compare/index.html#runs={','.join(slugs)}"


def _first(children: Sequence[str], own: str) -> Iterator[str]:
    return itertools.islice((slug for slug in children if slug != own), MOST_RUNS - 1)


def _settings_but_seed(run: ArchivedRun) -> Group | None:
    """What runs that repeat each other have in common; None where nothing is recorded."""
    settings = dict(traits_of(run.digest).settings)
    settings.pop(_SEED, None)
    return (run.digest.env_id, run.digest.algorithm, tuple(settings.items())) if settings else None


def _seed_of(run: ArchivedRun) -> str | None:
    return traits_of(run.digest).settings.get(_SEED)
