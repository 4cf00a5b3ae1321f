"""A page per game and per algorithm: ranking, curves, and the indexes of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import numpy as np
from markupsafe import Markup

from runsum.archive.archive import Archive, ArchivedRun, Group
from runsum.archive.costs import Sum, hours_of
from runsum.archive.effects import Effects
from runsum.archive.ranking import Task, best_first, task_of
from runsum.archive.seeds import SeedGroup
from runsum.chartdata import columns, static_curve
from runsum.drawing import describe_curve, draw_curves
from runsum.frozen import frozen
from runsum.model import DrawnChart, Phrase, RunDigest, phrase
from runsum.pages.contract import DataFile, Page, Part, RunRow, run_row, run_rows
from runsum.pages.folds import Fold, by_name, by_rank
from runsum.pages.game_facts import (
    CostLine,
    EffectRow,
    SeedEntry,
    cost_lines,
    effect_rows,
    game_rows,
    seed_entries,
)
from runsum.pages.note_rows import NoteRow
from runsum.traits import rewarded_by

_HIGHLIGHTED = 3
_DRAWN = 40
_SEEDS = 40
_LISTED = 1_000
_LISTED_OF_ALGORITHM = 500
"""Rows that the games of an algorithm share; the page of each game has all of its own."""
Item = TypeVar("Item")


@frozen
class RankedRow:
    """A row of the ranking. `rewarded`: for what; None where all runs of a game were rewarded alike."""

    row: RunRow
    rewarded: Phrase | None


@frozen
class GroupPage:
    """Everything `group.md.j2` may use.

    Attributes:
        environments: env ids in the group with their number of runs.
        several: whether runs of a game have several of them, each with a ranking of its own.
        partners: names of the algorithms (of a game) or games (of an algorithm) with their number of runs.
        drawn: which curves the chart shows, and which of them are coloured.
        measures: whether runs of a game were rewarded for different things.
        total, more: all runs, and those that are not in `rows`; `long`: whether some are folded.
        href: the table of all runs, with these alone.
        spelling: a game's name in one word, for the search; empty where it is one.
        notes: solved or not, human-normalised.
        seeds: groups of runs that differ in their seed alone; `more_seeds` of them are only on the list of all.
        effects: comparisons of settings; `more_effects` were not made.
        costs: what it cost, by partner; `has_gpu`: whether GPU-hours or energy are known of any.
    """

    name: str
    spelling: str
    rows: tuple[Fold[RankedRow], ...]
    measures: bool
    total: int
    more: int
    long: bool
    href: Markup
    environments: tuple[tuple[str, int], ...]
    several: bool
    partners: tuple[tuple[str, int], ...]
    chart: DrawnChart | None
    drawn: Phrase
    key: str
    is_game: bool
    notes: tuple[NoteRow, ...]
    seeds: tuple[SeedEntry, ...]
    more_seeds: int
    effects: tuple[EffectRow, ...]
    more_effects: int
    costs: tuple[CostLine, ...]
    has_gpu: bool


@frozen
class GroupEntry:
    """A line of an index of groups."""

    name: str
    href: Markup
    runs: int
    hours: Sum
    best: RunRow | None
    partners: str


@frozen
class GroupIndexPage:
    """Everything `group_index.md.j2` may use."""

    entries: tuple[GroupEntry, ...]
    is_game: bool


def make_pages(archive: Archive) -> Iterator[Page]:
    """The lists of games and algorithms."""
    for folder, groups, is_game in _kinds(archive):
        entries = tuple(_entry(group, is_game) for group in groups)
        yield Page(f"{folder}/index.md", "group_index.md.j2", GroupIndexPage(entries, is_game))


def make_parts(archive: Archive) -> Iterator[Part]:
    """The page of each game and each algorithm."""
    for folder, groups, is_game in _kinds(archive):
        for group in groups:
            runs = tuple(run.digest.slug for run in group.runs)
            yield Part(f"{folder}/{group.slug}", runs, partial(_group_pages, folder, group, is_game, archive))


def _kinds(archive: Archive) -> tuple[tuple[str, tuple[Group, ...], bool], ...]:
    """Folder and groups of each kind, and whether it is that of the games."""
    return (("games", archive.games, True), ("algorithms", archive.algorithms, False))


def _group_pages(folder: str, group: Group, is_game: bool, archive: Archive) -> Iterator[Page | DataFile]:
    by_game = [group.runs] if is_game else _by_game(group)
    tasks = [{task_of(run.digest) for run in runs} for runs in by_game]
    measures = any(map(_rewards_differ, tasks))
    listed = group.runs[:_LISTED] if is_game else _first_of_each(by_game, _LISTED_OF_ALGORITHM)[:_LISTED]
    runs = [run for runs in by_game for run in runs if len(run.digest.curve) > 1]
    drawn = runs[:_DRAWN] if is_game else _first_per_game(runs)[:_DRAWN]
    environments = _count(run.digest.env_id for run in group.runs)
    key = f"{folder}/{group.slug}"
    costs = cost_lines(group, is_game)
    counts = Counter(run.digest.game or "" for run in group.runs)
    rows = _folds(_ranked(listed, measures), is_game, counts)
    seeds, more_seeds = _seeds(group, is_game, archive)
    chart = None
    if drawn:
        file, chart = _chart(key, drawn, is_game)
        yield file
    yield Page(
        f"{key}/index.md",
        "group.md.j2",
        GroupPage(
            name=group.name,
            spelling=group.name.replace(" ", "") if is_game and " " in group.name else "",
            rows=rows,
            measures=measures,
            total=len(group.runs),
            more=len(group.runs) - len(listed),
            long=len(rows) > 1,
            href=_finder(group.name, is_game),
            environments=environments,
            several=any(len({env_id for env_id, _ in some}) > 1 for some in tasks),
            partners=_count((run.digest.algorithm if is_game else run.digest.game) for run in group.runs),
            chart=chart,
            drawn=_drawn_words(len(drawn), len(runs), is_game),
            key=key,
            is_game=is_game,
            notes=tuple(game_rows(group)) if is_game else (),
            seeds=seed_entries(seeds, "../../"),
            more_seeds=more_seeds,
            effects=effect_rows(archive, group.name, "../../") if is_game else (),
            more_effects=archive.effects.get(group.name, Effects()).left if is_game else 0,
            costs=costs,
            has_gpu=any(line.costs.gpu_hours.count or line.costs.energy_kwh.count for line in costs),
        ),
    )


def _seeds(group: Group, is_game: bool, archive: Archive) -> tuple[list[SeedGroup], int]:
    """The groups of seeds to list, and how many more there are."""
    games: dict[str, list[SeedGroup]] = {}
    for one in archive.seeds.pages:
        if (one.game if is_game else one.algorithm) == group.name:
            games.setdefault(one.game, []).append(one)
    listed = _first_of_each(games.values(), _SEEDS)[:_SEEDS]
    return listed, sum(map(len, games.values())) - len(listed)


def _drawn_words(drawn: int, curves: int, is_game: bool) -> Phrase:
    """Which curves are in the chart.

    Args:
        drawn: number of curves in the chart.
        curves: number of runs that have one.
        is_game: whether they are of one game.
    """
    if not is_game:
        return phrase("group.drawn_game") if drawn == 1 else phrase("group.drawn_games", count=drawn)
    if drawn == 1:
        return phrase("group.drawn_one")
    if drawn <= _HIGHLIGHTED:
        return phrase("group.drawn_few", count=drawn)
    key = "group.drawn_all" if drawn == curves else "group.drawn_best"
    return phrase(key, count=drawn, runs=curves, coloured=_HIGHLIGHTED)


def _by_game(group: Group) -> list[list[ArchivedRun]]:
    """The runs of an algorithm, those of each game in the order of its own page; what has no game comes first."""
    archived = {run.digest.slug: run for run in group.runs}
    games: dict[str, list[RunDigest]] = {}
    for run in group.runs:
        games.setdefault(run.digest.game or "", []).append(run.digest)
    names = sorted(games, key=lambda name: (name.casefold(), name))
    return [[archived[digest.slug] for digest in best_first(games[name])] for name in names]


def _rewards_differ(tasks: Collection[Task]) -> bool:
    """Whether runs of one game were rewarded for different things."""
    return len({rewarded for _, rewarded in tasks}) > 1


def _places(rows: Sequence[RunRow]) -> tuple[RunRow, ...]:
    """Rows whose places begin anew with every task; equals share one, and a run without any reward has none."""
    seen: Counter[Task] = Counter()
    placed: list[RunRow] = []
    places: dict[tuple[Task, float], int] = {}
    for row in rows:
        task, best = task_of(row.run.digest), row.run.digest.best_reward
        seen[task] += 1
        place = 0 if best is None else places.setdefault((task, best), seen[task])
        placed.append(replace(row, place=place))
    return tuple(placed)


def _first_of_each(by_game: Collection[Sequence[Item]], most: int) -> list[Item]:
    """As many of each game as fit; where one has fewer, the others get no more."""
    fits = sum(map(len, by_game)) <= most
    each = most if fits else max(1, most // len(by_game))
    return [item for items in by_game for item in items[:each]]


def _ranked(runs: Sequence[ArchivedRun], measures: bool) -> tuple[RankedRow, ...]:
    return tuple(
        RankedRow(row, phrase("group.rewarded", items=list(rewarded_by(row.run.digest))) if measures else None)
        for row in _places(run_rows(runs, "../../"))
    )


def _folds(rows: Sequence[RankedRow], is_game: bool, games: Mapping[str, int]) -> tuple[Fold[RankedRow], ...]:
    if is_game:
        return by_rank(rows, total=sum(games.values()))
    return by_name(rows, lambda one: one.row.run.digest.game or "", games)


def _finder(name: str, is_game: bool) -> Markup:
    """The table of all runs, with those of a group alone, the best first."""
    clause = f'{"game" if is_game else "algorithm"}="{name.replace(chr(34), "")}"'
    query, sort = quote(clause, safe="", errors="replace"), "-best_reward" if is_game else "game,-best_reward"
    return Markup(f"../../runs/index.html#q={query}&sort={sort}")


def _first_per_game(runs: Sequence[ArchivedRun]) -> list[ArchivedRun]:
    """The first run of each game, those of the games with most runs first."""
    first: dict[str, ArchivedRun] = {}
    for run in runs:
        first.setdefault(run.digest.game or "", run)
    counts = Counter(run.digest.game or "" for run in runs)
    return [first[name] for name, _ in counts.most_common()]


def _chart(key: str, runs: Sequence[ArchivedRun], is_game: bool) -> tuple[DataFile, DrawnChart]:
    """The curves of runs: the data of the chart, and what the page says of it."""
    series = []
    for place, run in enumerate(runs):
        curve = run.digest.curve
        values = curve.rewards
        if not is_game:
            values = values / 2  # rewards may span more than the largest number
            spread = float(np.ptp(values)) or 1.0
            values = (values - values.min()) / spread * 100
        name = f"{run.digest.run_id} · {run.digest.algorithm if is_game else run.digest.game}"
        found = columns(np.stack([curve.timesteps, curve.hours, values]), hours=1)
        series.append({"name": name, "highlight": place < _HIGHLIGHTED, **dict(zip("thv", found, strict=True))})
    first = runs[0].digest
    steps, rewards = first.curve.timesteps, first.curve.rewards
    alt = phrase("alt.curves", count=len(runs), run=first.run_id, curve=describe_curve(steps, rewards))
    title = "mean episode reward" if is_game else "reward, each run scaled to its own range (%)"
    script = draw_curves(key, {"curves": {"kind": "group", "y": title, "series": series, "events": False}})
    return DataFile(f"{key}/data.js", script), DrawnChart("curves", "group", alt, static_curve(steps, rewards))


def _count(names: Iterable[str | None]) -> tuple[tuple[str, int], ...]:
    counts = Counter(name for name in names if name)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _entry(group: Group, is_game: bool) -> GroupEntry:
    best = group.best if is_game else None
    partners = _count((run.digest.algorithm if is_game else run.digest.game) for run in group.runs)
    return GroupEntry(
        group.name,
        Markup(f"{group.slug}/index.html"),
        len(group.runs),
        hours_of(run.digest for run in group.runs),
        run_row(best, "../") if best else None,
        ", ".join(name for name, _ in partners),
    )
