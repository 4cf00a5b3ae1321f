"""A page per lineage of more than one run, and the index of lineages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from runsum.archive.archive import Archive, ArchivedRun, Lineage
from runsum.archive.costs import Sum, hours_of, steps_of
from runsum.archive.ranking import best_first, task_of
from runsum.chartdata import columns, static_bars, static_curve
from runsum.curve import Curve
from runsum.drawing import describe_curve, draw_curves
from runsum.frozen import frozen
from runsum.model import ConfigChange, DrawnChart, Phrase, phrase
from runsum.pages.contract import DataFile, Page, Part, RunRow, run_row, title_of
from runsum.pages.folds import Fold, by_name
from runsum.pages.lineage_facts import effect_of, effect_words, lineage_costs
from runsum.pages.note_rows import NoteRow


@frozen
class LegRow:
    """A leg in the table: its run, the steps it trained itself, differences to its parent (None: no parent).

    Attributes:
        level_delta: level at its end against that of its parent, None where either is unknown.
        came_of: what that says of its changed settings.
    """

    row: RunRow
    parent: str | None
    own_steps: int | None
    reward_delta: float | None
    fps_delta: float | None
    changes: tuple[ConfigChange, ...]
    overlap: Phrase | None
    level_delta: float | None
    came_of: tuple[Phrase, ...]


@frozen
class LineagePage:
    """Everything `lineage.md.j2` may use."""

    title: str
    root: str
    headline: tuple[Phrase, ...]
    legs: tuple[LegRow, ...]
    changed: tuple[LegRow, ...]
    tree: DrawnChart
    curves: DrawnChart | None
    key: str
    costs: tuple[NoteRow, ...]


@frozen
class LineageEntry:
    """A line of the index."""

    root: str
    href: Markup
    title: str
    legs: int
    steps: Sum
    hours: Sum
    best: RunRow | None


@frozen
class LineageIndexPage:
    """Everything `lineage_index.md.j2` may use."""

    entries: tuple[Fold[LineageEntry], ...]
    total: int


def make_pages(archive: Archive) -> Iterator[Page]:
    """The list of lineages."""
    entries = [_entry(lineage) for lineage in archive.lineages]
    games = {entry.href: lineage.runs[0].digest.game for entry, lineage in zip(entries, archive.lineages, strict=True)}
    folds = by_name(entries, lambda entry: games[entry.href] or "")
    yield Page("lineages/index.md", "lineage_index.md.j2", LineageIndexPage(folds, len(entries)))


def make_parts(archive: Archive) -> Iterator[Part]:
    """The page of each lineage."""
    for lineage in archive.lineages:
        runs = tuple(run.digest.slug for run in lineage.runs)
        yield Part(f"lineages/{lineage.slug}", runs, partial(_lineage_pages, lineage, archive))


def _lineage_pages(lineage: Lineage, archive: Archive) -> Iterator[Page | DataFile]:
    key = f"lineages/{lineage.slug}"
    legs = tuple(_leg(run, archive) for run in lineage.runs)
    series, curves = _stitched(lineage.runs)
    charts: dict[str, Any] = {"tree": _tree(lineage)}
    if series:
        charts["curves"] = {"kind": "lineage", "y": "mean episode reward", "series": series}
    yield DataFile(f"{key}/data.js", draw_curves(key, charts))
    spans = [_span(run) for run in lineage.runs]
    yield Page(
        f"{key}/index.md",
        "lineage.md.j2",
        LineagePage(
            title=title_of(lineage.runs[0]),
            root=lineage.tree.root,
            headline=tuple(_headline(lineage)),
            legs=legs,
            changed=tuple(leg for leg in legs if leg.changes),
            key=key,
            curves=curves,
            tree=DrawnChart(
                "tree",
                "tree",
                phrase("lineage.tree", legs=len(legs), depth=max(lineage.tree.depth.values()) + 1),
                static_bars(spans),
            ),
            costs=lineage_costs(lineage.runs, archive),
        ),
    )


def _span(run: ArchivedRun) -> tuple[int, int]:
    """From where to where it trained; a run without a row stands still at its start."""
    start = run.digest.start_timestep
    return start, start + (run.digest.own_steps or 0)


def _leg(run: ArchivedRun, archive: Archive) -> LegRow:
    parent = archive.find(run.kin.parent) if run.kin.parent else None
    overlap = None
    end = parent.digest.current_timestep if parent is not None else None
    if end is not None and run.digest.current_timestep is not None and run.digest.start_timestep < end:
        key = "lineage.overlap" if run.digest.start_timestep else "lineage.counter_reset"
        overlap = phrase(key, start=run.digest.start_timestep, end=end)
    effect = effect_of(run, archive)
    return LegRow(
        run_row(run, "../../"),
        parent.digest.run_id if parent else None,
        run.digest.own_steps,
        run.fact("reward_delta").number,
        run.fact("fps_delta").number,
        run.config_delta,
        overlap,
        None if effect is None else effect.levels.delta,
        () if effect is None else tuple(effect_words(effect, archive)),
    )


def _headline(lineage: Lineage) -> Iterator[Phrase]:
    runs = lineage.runs
    digests = [run.digest for run in runs]
    steps, hours = steps_of(digests), hours_of(digests)
    yield phrase("lineage.headline", legs=len(runs), root=lineage.tree.root, steps=steps.value, hours=hours.value)
    if steps.is_part:
        yield phrase("lineage.headline_part", count=len(runs) - steps.count)
    best = _best(runs)
    if best is not None:
        yield phrase("lineage.headline_reward", best=best.digest.best_reward, run=best.digest.run_id)
        if best.digest.signals.get("best_early"):
            yield phrase("headline.early")
        if any(run.digest.lost_rewards for run in runs):
            yield phrase("lineage.headline_lost")
        if len({task_of(run.digest) for run in runs}) > 1:
            yield phrase("lineage.headline_tasks")
    forks = sum(len(run.kin.children) > 1 for run in runs)
    if forks:
        yield phrase("lineage.headline_forks", forks=forks)
    if not lineage.tree.root_in_archive:
        yield phrase("lineage.headline_missing", root=lineage.tree.root)
    idle = _idle_seconds(runs)
    if idle > 3600:
        yield phrase("lineage.headline_idle", idle=idle)


def _best(runs: Sequence[ArchivedRun]) -> ArchivedRun | None:
    """The leg with the best mean: of legs rewarded for different things, or in several environments, as games rank."""
    by_slug = {run.digest.slug: run for run in runs if run.digest.best_reward is not None}
    ordered = best_first([run.digest for run in runs])
    return next((by_slug[digest.slug] for digest in ordered if digest.slug in by_slug), None)


def _idle_seconds(runs: Sequence[ArchivedRun]) -> float:
    """Time between the first start and the last end in which no leg trained.

    Legs of one lineage can be of several machines: where the offsets of all their clocks are known, they are taken off.
    """
    timed = [run.digest for run in runs if run.digest.started_s is not None]
    begins = [digest.signals.get("began_utc_s") for digest in timed]
    if not all(isinstance(begin, float) for begin in begins):
        begins = [digest.started_s for digest in timed]
    spans = sorted(
        (begin, begin + (digest.duration_h or 0.0) * 3600)
        for begin, digest in zip(begins, timed, strict=True)
        if isinstance(begin, float)
    )
    idle, until = 0.0, spans[0][1] if spans else 0.0
    for begin, end in spans:
        idle += max(0.0, begin - until)
        until = max(until, end)
    return idle


def _stitched(runs: Sequence[ArchivedRun]) -> tuple[list[dict[str, Any]], DrawnChart | None]:
    """Reward over absolute timesteps, a line per leg; hours go on where the parent stopped, without idle time."""
    finished: dict[str, float] = {}
    series = []
    drawn: list[Curve] = []
    for run in runs:
        curve = run.digest.curve
        before = finished.get(run.kin.parent or "", 0.0)
        finished[run.digest.slug] = before + (float(curve.hours[-1]) if len(curve) else 0.0)
        if len(curve) > 1:
            found = columns(np.stack([curve.timesteps, curve.hours + before, curve.rewards]), hours=1)
            name = f"leg {run.kin.leg} · {run.digest.run_id}"
            series.append({"name": name, **dict(zip("thv", found, strict=True))})
            drawn.append(curve)
    if not series:
        return [], None
    x, y = (np.concatenate(columns) for columns in zip(*((one.timesteps, one.rewards) for one in drawn), strict=True))
    return series, DrawnChart("curves", "lineage", describe_curve(x, y), static_curve(x, y))


def _tree(lineage: Lineage) -> dict[str, Any]:
    lanes = {run.digest.slug: lane for lane, run in enumerate(lineage.runs)}
    bars, links = [], []
    for run in lineage.runs:
        digest = run.digest
        bars.append(
            {
                "id": digest.run_id,
                "label": f"leg {run.kin.leg} · {digest.run_id}",
                "lane": lanes[digest.slug],
                "from": digest.start_timestep,
                "to": digest.current_timestep if digest.current_timestep is not None else digest.start_timestep,
                "state": str(digest.state),
                "reward": digest.final_reward,
                "parent": run.kin.parent_run_id,
            }
        )
        if run.kin.parent:
            links.append(
                {
                    "from_lane": lanes[run.kin.parent],
                    "to_lane": lanes[digest.slug],
                    "at": digest.start_timestep,
                }
            )
    return {"kind": "tree", "bars": bars, "links": links}


def _entry(lineage: Lineage) -> LineageEntry:
    runs = lineage.runs
    digests = [run.digest for run in runs]
    best = _best(runs)
    return LineageEntry(
        lineage.tree.root,
        Markup(f"{lineage.slug}/index.html"),
        title_of(lineage.runs[0]),
        len(runs),
        steps_of(digests),
        hours_of(digests),
        run_row(best, "../") if best else None,
    )
