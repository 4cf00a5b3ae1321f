"""What the search is told about each run: one short card, and which of two equal results stands first.

The browser reads the whole index and builds it anew on the first search, so every word of 10,000 cards costs. What many
runs share is therefore told of the newest of them only; in a small archive every card says everything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import unescape
from itertools import chain

from markupsafe import Markup

from runsum.archive.archive import Archive, ArchivedRun
from runsum.formatting import clean_text, cut, reward
from runsum.frozen import frozen
from runsum.pages.contract import title_of
from runsum.traits import traits_of

SHARED = 200
"""A setting, environment or tag of more runs than this is told of so many only, spread over the games."""
WORDS_PER_RUN = 600
"""Characters of a person's notes on a card, and of an error."""
WORDS_PER_ARCHIVE = 600_000
"""The same for all cards together: 10,000 annotated runs get 60 characters each."""
_BEST = 10
_BEST_STEP, _NEWEST = 0.005, 0.02
_LONG_AGO_S, _AGES_S = 1_400_000_000.0, 1_000_000_000.0  # from 2014 on, about 30 years

_PLACE_IN_LINEAGE = re.compile(r"(\d+[A-Z]+-v\d+|leg \d+)$")  # the application's endings of a name: 2A-v1, leg 2
_BY_APPLICATION = (
    re.compile(  # whole lines: of a description, of a guard that gave up, of a closed window, of a second learn()
        r"(Training )?\S+ on \S+ for [\d,]+ timesteps( \(.*\))?"
        r"|Auto-failed by stale-run-guard:.*|ui_exit_\w+:.*|resume: .*|learn\(\) began .*"
    )
)
_WORD = re.compile(r"\w+")


@frozen
class SearchCard:
    """The entry of one run in the search index, beside its title; what is not known is empty.

    Attributes:
        name: the name people know the run by, as far as the title does not say it.
        settings: as people type them: "learning_rate 0.00025 = 2.5e-4".
        notes: a person's words, cut.
        error: what is known of a failure, cut.
        boost: factor by which the search ranks the run; a little more for the best of a game and for newer runs.
    """

    name: str
    env_id: str
    day: str
    best: str
    tags: tuple[str, ...]
    settings: tuple[str, ...]
    notes: str
    error: str
    boost: float


def make_cards(archive: Archive, notes: Mapping[str, Markup]) -> dict[str, SearchCard]:
    """The card of every run, by slug.

    Args:
        archive: the runs, newest first.
        notes: the persons' notes by run id, as safe HTML.
    """
    tags = {run.digest.slug: tuple(_tags(run)) for run in archive.runs}
    shared = _Shared(archive, tags)
    failures = {run.digest.slug: _error(run) for run in archive.runs}
    written = {slug: (_notes(run, notes, failures[slug]), failures[slug]) for slug, run in archive.by_slug.items()}
    count = sum(bool(words) for texts in written.values() for words in texts)
    length = min(WORDS_PER_RUN, WORDS_PER_ARCHIVE // max(1, count))
    boosts = _boosts(archive)
    cards = {}
    for run in archive.runs:
        digest = run.digest
        said, failure = written[digest.slug]
        told = set(shared.told(run))
        cards[digest.slug] = SearchCard(
            name=_name(run),
            env_id=digest.env_id if digest.env_id and ("env_id", digest.env_id) in told else "",
            day=digest.started_at or "",
            best="" if digest.best_reward is None else reward(digest.best_reward).replace(",", ""),
            tags=tuple(tag for name, tag in tags[digest.slug] if (name, tag) in told),
            settings=tuple(f"{name} {value}" for name, value in traits_of(digest).spelled if (name, value) in told),
            notes=cut(said, length),
            error=cut(failure, length),
            boost=boosts[digest.slug],
        )
    return cards


class _Shared:
    """Which values a card tells: all that few runs have, and of the others those of the newest runs of each game."""

    def __init__(self, archive: Archive, tags: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self._values = {run.digest.slug: tuple(_values(run, tags[run.digest.slug])) for run in archive.runs}
        self._counts = Counter(chain.from_iterable(self._values.values()))
        self._per_game = max(1, SHARED // max(1, len(archive.games)))
        self._told: Counter[tuple[str | None, tuple[str, str]]] = Counter()

    def told(self, run: ArchivedRun) -> Iterator[tuple[str, str]]:
        """What to tell of a run; runs must come newest first."""
        for value in self._values[run.digest.slug]:
            if self._counts[value] > SHARED:
                of_one_game = value[0] == "env_id"
                key = (None if of_one_game else run.digest.game, value)
                self._told[key] += 1
                if self._told[key] > (SHARED if of_one_game else self._per_game):
                    continue
            yield value


def _values(run: ArchivedRun, tags: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Everything of a run that other runs can have as well: (name, value), each once."""
    if run.digest.env_id:
        yield "env_id", run.digest.env_id
    yield from tags
    yield from traits_of(run.digest).spelled


def _tags(run: ArchivedRun) -> Iterator[tuple[str, str]]:
    """Tags and preset, without those that only repeat title and environment."""
    known = _words(f"{title_of(run)} {run.digest.env_id or ''}") | {"leg"}
    for tag in (*run.digest.tags, run.digest.preset or ""):
        if any(word not in known and not word.isdigit() for word in _words(tag)):
            yield "tag", cut(tag, 60)


def _name(run: ArchivedRun) -> str:
    """The label, where it says more than the title; of a name that the application made, the place in the lineage."""
    label = cut(run.digest.label, 100)
    ending = _PLACE_IN_LINEAGE.search(label)
    own = label[: ending.start()] if ending else label
    if _words(own) <= _words(f"{title_of(run)} {run.digest.env_id or ''}") | _words(run.digest.run_id):
        return ending.group() if ending and run.lineage_page else ""
    return label


def _notes(run: ArchivedRun, notes: Mapping[str, Markup], error: str) -> str:
    """Note file, chart notes, description and status notes, without the application's lines and what the error says."""
    digest = run.digest
    person = unescape(re.sub(r"<[^>]*>", " ", notes.get(digest.run_id, "")))
    lines = (line.strip() for line in (*(digest.description or "").splitlines(), *digest.status_notes))
    told = dict.fromkeys(line for line in lines if not _BY_APPLICATION.fullmatch(line) and line not in error)
    texts = (person, *(note.text for note in digest.annotations), *told)
    return " · ".join(words for words in (" ".join(clean_text(text).split()) for text in texts) if words)


def _error(run: ArchivedRun) -> str:
    words = run.fact("error_summary_if_failed").words
    return " ".join(clean_text(str(words.values.get("line", ""))).split()) if words is not None else ""


def _boosts(archive: Archive) -> dict[str, float]:
    """Of results that fit equally well, the best of a game come first, then the newer ones."""
    ahead: dict[str, float] = {}
    for group in archive.games:
        for place, run in enumerate(group.runs[:_BEST]):
            ahead[run.digest.slug] = (_BEST - place) * _BEST_STEP
    return {
        run.digest.slug: round(1 + ahead.get(run.digest.slug, 0.0) + _newness(run.digest.started_s), 5)
        for run in archive.runs
    }


def _newness(started_s: float | None) -> float:
    """Up to `_NEWEST`, by the date alone: a run that is added must not change the pages of all others."""
    return _NEWEST * min(max(((started_s or _LONG_AGO_S) - _LONG_AGO_S) / _AGES_S, 0.0), 1.0)


@lru_cache(maxsize=4_096)  # runs share their tags and titles
def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))
