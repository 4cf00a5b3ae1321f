"""A page per group of three or more runs that differ in their seed alone, and the index of these groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from runsum.analysis import aggregate
from runsum.analysis.solved import normalise
from runsum.archive import curves
from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.effects import changes_between, nearest_groups
from runsum.archive.seeds import Sample, SeedGroup, Together
from runsum.axes import static_chart, ticks
from runsum.chartdata import columns, sparkline, static_curve
from runsum.drawing import describe_curve, draw_curves
from runsum.frozen import frozen
from runsum.model import ConfigChange, DrawnChart, Fact, Phrase, State, missing, note, phrase
from runsum.pages.contract import DataFile, Page, Part, RunRow, run_row
from runsum.pages.folds import Fold, by_name
from runsum.pages.game_facts import SeedEntry, seed_entries, seed_words
from runsum.pages.note_rows import NoteRow
from runsum.pages.targets import between_words, spread_words, target_of
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds
from runsum.traits import SPARK_POINTS

_DRAWN = 60
_LISTED = 500
_OTHERS = 3
_LEVELS = 5


@frozen
class SampleRow:
    """A run that counts.

    Attributes:
        row: its first leg, with the curve of all.
        state: of its last leg.
        legs: how many.
        seed: None where it is not recorded.
        last: last step of all legs.
        score: None without timesteps that all runs have in common.
        best: the leg with the best mean reward, as the score is of all of them; None without one.
        target: step at which its last leg was to end; None where it is not recorded.
    """

    row: RunRow
    state: State
    legs: int
    seed: str | None
    last: float
    score: float | None
    best: ArchivedRun | None
    target: int | None


@frozen
class LeftOutRow:
    """A run that does not count, and why."""

    row: RunRow
    why: Phrase


@frozen
class OtherRow:
    """Another group of the same environment.

    Attributes:
        targets: the targets of both where they differ, else None.
        probability: that a run of this page's group scores higher than one of the other, in percent.
        words: interval of it.
        last: timestep up to which both were compared.
        shares: of its runs, in percent, above each level of the profile.
    """

    title: str
    href: Markup
    count: int
    changes: tuple[ConfigChange, ...]
    targets: Phrase | None
    probability: float
    words: Phrase
    last: float
    shares: tuple[float, ...]


@frozen
class SeedPage:
    """Everything `seed_group.md.j2` may use.

    Attributes:
        title: game and algorithm.
        headline: sentences in plain words.
        notes: how many runs, their score, how certain it is, normalised.
        curves: the curves with their interquartile mean; None without timesteps that all have in common.
        profile: the performance profile as an inline SVG.
        levels: scores at which the profile is printed; `shares`: percent of the runs above each.
        settings: what the runs have in common.
    """

    title: str
    headline: tuple[Phrase, ...]
    group: SeedGroup
    notes: tuple[NoteRow, ...]
    key: str
    curves: DrawnChart | None
    profile: Markup
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    samples: tuple[SampleRow, ...]
    left_out: tuple[LeftOutRow, ...]
    others: tuple[OtherRow, ...]
    settings: tuple[tuple[str, str], ...]


@frozen
class SeedIndexPage:
    """Everything `seed_index.md.j2` may use. `least`: runs that a group needs for a page."""

    entries: tuple[Fold[SeedEntry], ...]
    total: int
    least: float


def make_pages(archive: Archive) -> Iterator[Page]:
    """The list of groups."""
    entries = seed_entries(archive.seeds.pages, "../")
    folds = by_name(entries, lambda entry: entry.group.game)
    context = SeedIndexPage(folds, len(entries), archive.thresholds.seeds_min_runs)
    yield Page("seeds/index.md", "seed_index.md.j2", context)


def make_parts(archive: Archive) -> Iterator[Part]:
    """The page of each group, which also tells how it compares with the nearest others."""
    peers: dict[str, list[SeedGroup]] = {}
    for group in archive.seeds.pages:
        peers.setdefault(group.env_id, []).append(group)
    for alike in peers.values():
        for place, group in enumerate(alike):
            nearest = nearest_groups(place, alike, _OTHERS)
            runs = tuple(slug for one in (group, *nearest) for slug in _runs_of(one))
            yield Part(f"seeds/{group.slug}", runs, partial(_group_pages, group, nearest, archive))


def _runs_of(group: SeedGroup) -> Iterator[str]:
    for sample in group.samples:
        yield from sample.legs
    for out in group.left_out:
        yield out.slug


def _group_pages(group: SeedGroup, nearest: Sequence[SeedGroup], archive: Archive) -> Iterator[Page | DataFile]:
    key, found = f"seeds/{group.slug}", group.together
    chart = None
    if found is not None:
        chart = _chart(found)
        yield DataFile(f"{key}/data.js", draw_curves(key, {"curves": _drawn(group, found)}))
    levels = _levels(found)
    yield Page(
        f"{key}/index.md",
        "seed_group.md.j2",
        SeedPage(
            title=f"{group.game} · {group.algorithm}",
            headline=(
                phrase("seeds.headline", count=len(group.samples), env_id=group.env_id),
                *spread_words(group, archive),
                seed_words(group),
            ),
            group=group,
            notes=tuple(_notes(group, archive)),
            key=key,
            curves=chart,
            profile=Markup("") if found is None else _profile(found.scores.ravel()),
            levels=tuple(levels.tolist()),
            shares=_shares(found, levels),
            samples=_samples(group, archive),
            left_out=tuple(
                LeftOutRow(run_row(archive.find(out.slug), "../../", Markup("")), phrase(f"left_out.{out.why}"))
                for out in group.left_out[:_LISTED]
            ),
            others=tuple(_others(group, nearest, archive, levels)),
            settings=tuple(group.settings.items()),
        ),
    )


def _sample_row(sample: Sample, archive: Archive) -> RunRow:
    run = archive.find(sample.slug)
    steps = sample.points.steps
    spark = None
    if len(sample.legs) > 1 and len(steps) > 1:
        whole = (float(steps[0]), float(steps[-1]))
        spark = Markup(sparkline(curves.align([sample.points], whole, SPARK_POINTS)[1][0], points=SPARK_POINTS))
    return run_row(run, "../../", spark)


def _samples(group: SeedGroup, archive: Archive) -> tuple[SampleRow, ...]:
    scores: list[float | None] = [None] * len(group.samples)
    if group.together is not None:
        scores = list(group.together.scores.ravel().tolist())
    return tuple(
        SampleRow(
            _sample_row(sample, archive),
            archive.find(sample.legs[-1]).digest.state,
            len(sample.legs),
            sample.seed,
            sample.last_step,
            score,
            _best_of(sample, archive),
            target_of(sample, archive),
        )
        for sample, score in list(zip(group.samples, scores, strict=True))[:_LISTED]
    )


def _best_of(sample: Sample, archive: Archive) -> ArchivedRun | None:
    bests = {run.digest.best_reward: run for run in map(archive.find, reversed(sample.legs))}  # of equals the first leg
    return bests.get(max((best for best in bests if best is not None), default=None))


def _chart(found: Together) -> DrawnChart:
    return DrawnChart("curves", "seeds", describe_curve(found.grid, found.curve), static_curve(found.grid, found.curve))


def _drawn(group: SeedGroup, found: Together) -> dict[str, Any]:
    """All runs faint, their interquartile mean with its band, over the timesteps that all of them cover."""
    together = np.stack([np.round(found.grid), found.curve, found.curve_low, found.curve_high])
    steps, curve, low, high = columns(together)
    middle = {"name": f"IQM of {len(group.samples)} runs", "highlight": True, "t": steps, "v": curve}
    runs = []
    for sample in group.samples[:_DRAWN]:
        points = sample.points
        inside = (points.steps >= found.first) & (points.steps <= found.last)
        name = sample.slug if sample.seed is None else f"{sample.slug} · seed {sample.seed}"
        steps, rewards = columns(np.stack([np.trunc(points.steps[inside]), points.rewards[inside]]))
        runs.append({"name": name, "t": steps, "v": rewards})
    return {
        "kind": "seeds",
        "y": "mean episode reward",
        "series": [middle, *runs],
        "lo": low,
        "hi": high,
        "events": False,
    }


def _notes(group: SeedGroup, archive: Archive) -> Iterator[NoteRow]:
    found, limits = group.together, archive.thresholds
    unknown = (phrase("seeds.unknown", count=group.unknown_seeds),) if group.unknown_seeds else ()
    yield NoteRow("Runs", note("seeds.count", *unknown, count=len(group.samples), left_out=len(group.left_out)))
    if found is None:
        yield NoteRow("Score", missing("seeds.no_range"))
        return
    yield NoteRow("Score", _score_fact(found, limits))
    yield NoteRow("Compared over", note("seeds.over", first=found.first, last=found.last))
    normalised = _normalised(group, archive, found)
    if normalised is not None:
        yield NoteRow("Human-normalised", normalised)


def _score_fact(found: Together, limits: Thresholds) -> Fact:
    how = phrase("seeds.score_is", share=100 * limits.seeds_score_share)
    if found.interval:
        small = (phrase("seeds.bootstrap", repetitions=found.repetitions), how)
        return note("seeds.iqm_interval", *small, iqm=found.iqm, low=found.low, high=found.high)
    small = (phrase("seeds.no_interval", count=len(found.scores), few=found.few), how)
    return note("seeds.iqm_range", *small, iqm=found.iqm, low=found.low, high=found.high)


def _normalised(group: SeedGroup, archive: Archive, found: Together) -> Fact | None:
    """The score and the optimality gap on the human-normalised scale; None for what is no Atari game."""
    humans = [archive.find(slug).digest.human for sample in group.samples for slug in sample.legs]
    first = humans[0]
    if first is None:
        return None
    if any(human is None or human.refused for human in humans):
        return missing("seeds.human_refused")
    scores = normalise_all(found.scores, first.random, first.human)
    small = [phrase("human.scale", random=first.random, human=first.human), phrase("human.protocol")]
    certain = all(human is not None and human.certain for human in humans)
    if not certain:
        small.append(phrase("human.unknown"))
    return note(
        "seeds.human", *small, iqm=float(aggregate.interquartile_mean(scores)),
        gap=float(aggregate.optimality_gap(scores)), estimated=not certain,
    )  # fmt: skip


def normalise_all(scores: Floats, random: float, human: float) -> Floats:
    """Human-normalised scores, same shape."""
    return np.asarray([[normalise(float(value), random, human) for value in row] for row in scores])


def _levels(found: Together | None) -> Floats:
    if found is None:
        return np.empty(0)
    low, high = float(found.scores.min()), float(found.scores.max())
    return np.array([level for level in ticks(low, high, _LEVELS) if low <= level <= high] or [low])


def _shares(found: Together | None, levels: Floats) -> tuple[float, ...]:
    if found is None:
        return ()
    return tuple((100 * aggregate.performance_profile(found.scores, levels)).tolist())


def _profile(scores: Floats) -> Markup:
    """The performance profile as a step curve: share of the runs above each score."""
    ordered = np.sort(scores)
    margin = 0.05 * (float(np.ptp(ordered)) or 1.0)
    above = 1 - np.arange(len(ordered) + 1) / len(ordered)
    x = np.concatenate([[ordered[0] - margin], np.repeat(ordered, 2), [ordered[-1] + margin]])
    return Markup(static_chart(x, np.repeat(above, 2), "score", "share of the runs above it"))


def _others(group: SeedGroup, nearest: Sequence[SeedGroup], archive: Archive, levels: Floats) -> Iterator[OtherRow]:
    """The nearest groups of the same environment, at the timesteps that both cover."""
    for other in nearest:
        own = _points(group), _points(other)
        within = curves.common_range([*own[0], *own[1]])
        if within is None or group.together is None or other.together is None:
            continue
        share = archive.thresholds.seeds_score_share
        mine, theirs = (curves.score(points, within, share) for points in own)
        changes = changes_between(other.settings, group.settings)
        yield OtherRow(
            title=f"{other.game} · {other.algorithm}",
            href=Markup(f"../{other.slug}/index.html"),
            count=len(other.samples),
            changes=changes[:12],
            targets=between_words(other, group, archive),
            probability=100 * aggregate.probability_of_improvement(mine, theirs),
            words=interval_words(mine, theirs, archive.thresholds),
            last=within[1],
            shares=tuple((100 * aggregate.performance_profile(theirs, levels)).tolist()),
        )


def interval_words(mine: Floats, theirs: Floats, limits: Thresholds) -> Phrase:
    """How certain the probability is that runs of the first kind score higher than those of the second.

    Args:
        mine: their scores, shape (runs, tasks).
        theirs: those of the others, shape (other runs, tasks).
        limits: thresholds in force.
    """
    times = int(limits.bootstrap_curve_repetitions)
    if not times:
        return phrase("seeds.probability_alone")
    low, high = aggregate.bootstrap_improvement(mine, theirs, times)
    few = min(len(mine), len(theirs)) < limits.seeds_interval_runs
    return phrase("seeds.probability_few" if few else "seeds.probability", low=100 * low, high=100 * high)


def _points(group: SeedGroup) -> Sequence[curves.Points]:
    return [sample.points for sample in group.samples]
