"""Who continues whom: parents, children and roots of all runs together.

An edge comes from parent_run_id; files of 2025-12-12 to 2025-12-21 have only base and leg number, there the
parent is the latest run of the leg before. Deleted parents and cycles are survived and reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runsum.frozen import frozen
from runsum.model import Problem, RunDigest, problem


@frozen
class Kin:
    """The place of one run in its lineage, by slug.

    Attributes:
        root: run id of the root as far as it is known; it may not be in the archive.
        tree: name of the tree, equal for all its runs.
        parent: slug of the parent in the archive.
        parent_run_id: run id of the parent, in the archive or not.
        inferred: whether the parent was inferred from base and leg number.
        leg: 1 for a first leg.
    """

    root: str
    tree: str
    parent: str | None
    parent_run_id: str | None
    inferred: bool
    leg: int
    children: tuple[str, ...] = ()


@frozen
class Tree:
    """A lineage of more than one run: its runs in the order of the tree, parents before children."""

    name: str
    root: str
    root_in_archive: bool
    members: tuple[str, ...]
    depth: Mapping[str, int]


@frozen
class Kinship:
    """All kin by slug, the trees, and what was odd."""

    kin: Mapping[str, Kin]
    trees: tuple[Tree, ...]
    problems: Mapping[str, tuple[Problem, ...]]


def find_kinship(runs: Sequence[RunDigest]) -> Kinship:
    """Resolve the edges between all runs."""
    by_id = {(run.source, run.run_id): run for run in runs}
    anywhere: dict[str, list[RunDigest]] = {}
    for run in runs:
        anywhere.setdefault(run.run_id, []).append(run)
    legs = _legs_by_base(runs)
    problems: dict[str, list[Problem]] = {}
    parents: dict[str, RunDigest] = {}
    inferred: set[str] = set()
    for run in runs:
        parent, guessed = _find_parent(run, by_id, anywhere, legs)
        if parent is not None:
            parents[run.slug] = parent
            if guessed:
                inferred.add(run.slug)
        elif run.lineage.parent_run_id == run.run_id:
            problems.setdefault(run.slug, []).append(problem("lineage_cycle", runs=1))
        elif run.lineage.parent_run_id or _has_other_base(run):
            problems.setdefault(run.slug, []).append(_missing_parent(run, by_id))
    cut = _break_cycles(runs, parents, problems)
    return _assemble(runs, parents, inferred, cut, problems)


def _recorded_parent(run: RunDigest) -> str | None:
    return run.lineage.parent_run_id if run.lineage.parent_run_id != run.run_id else None


def _has_other_base(run: RunDigest) -> bool:
    return bool(run.lineage.base_run_id) and run.lineage.base_run_id != run.run_id and (run.lineage.leg_number or 1) > 1


def _missing_parent(run: RunDigest, by_id: Mapping[tuple[str, str], RunDigest]) -> Problem:
    """The run that it continues, if it has a name: that of a third leg is not the base of its lineage."""
    gone, leg = run.lineage.parent_run_id, run.lineage.leg_number or 1
    if not gone and leg == 2 and (run.source, run.lineage.base_run_id or "") not in by_id:
        gone = run.lineage.base_run_id
    return problem("parent_missing", parent=gone) if gone else problem("leg_missing", leg=leg - 1)


def _legs_by_base(runs: Sequence[RunDigest]) -> dict[tuple[str, str, int], list[RunDigest]]:
    legs: dict[tuple[str, str, int], list[RunDigest]] = {}
    for run in runs:
        base = run.lineage.base_run_id or run.run_id
        legs.setdefault((run.source, base, run.lineage.leg_number or 1), []).append(run)
    for group in legs.values():
        group.sort(key=_started)
    return legs


def _started(run: RunDigest) -> tuple[str, str]:
    return (run.started_at or "", run.slug)


def _find_parent(
    run: RunDigest,
    by_id: Mapping[tuple[str, str], RunDigest],
    anywhere: Mapping[str, Sequence[RunDigest]],
    legs: Mapping[tuple[str, str, int], Sequence[RunDigest]],
) -> tuple[RunDigest | None, bool]:
    wanted = run.lineage.parent_run_id
    if wanted:
        found = by_id.get((run.source, wanted))
        if found is None and len(anywhere.get(wanted, ())) == 1:
            found = anywhere[wanted][0]
        if found is not None and found.slug != run.slug:
            return found, False
        return None, False
    leg = run.lineage.leg_number or 1
    if leg <= 1 or not run.lineage.base_run_id:
        return None, False
    before = [r for r in legs.get((run.source, run.lineage.base_run_id, leg - 1), ()) if _started(r) < _started(run)]
    return (before[-1], True) if before else (None, False)


def _break_cycles(
    runs: Sequence[RunDigest], parents: dict[str, RunDigest], problems: dict[str, list[Problem]]
) -> set[str]:
    """Cut each cycle above its earliest run; returns the slugs of these."""
    cut: set[str] = set()
    done: set[str] = set()
    by_slug = {run.slug: run for run in runs}
    for run in runs:
        path: dict[str, None] = {}  # in the order walked
        slug: str | None = run.slug
        while slug is not None and slug not in done and slug not in path:
            path[slug] = None
            slug = parents[slug].slug if slug in parents else None
        if slug is not None and slug in path:
            walked = list(path)
            ring = walked[walked.index(slug) :]
            first = min(ring, key=lambda s: _started(by_slug[s]))
            parents.pop(first)
            cut.add(first)
            problems.setdefault(first, []).append(problem("lineage_cycle", runs=len(ring)))
        done.update(path)
    return cut


def _assemble(
    runs: Sequence[RunDigest],
    parents: Mapping[str, RunDigest],
    inferred: set[str],
    cut: set[str],
    problems: Mapping[str, list[Problem]],
) -> Kinship:
    children: dict[str, list[RunDigest]] = {}
    for run in runs:
        if run.slug in parents:
            children.setdefault(parents[run.slug].slug, []).append(run)
    for group in children.values():
        group.sort(key=_started)
    tops = _tops(runs, parents)
    by_id = {(run.source, run.run_id): run for run in runs}
    kin: dict[str, Kin] = {}
    members: dict[str, list[RunDigest]] = {}
    depth: dict[str, int] = {}
    for run in runs:
        top, steps = tops[run.slug]
        root = top.lineage.base_run_id if _has_other_base(top) and top.lineage.base_run_id else top.run_id
        base = by_id.get((top.source, root))  # a leg in between may be gone: its base still names the tree
        name = tops[base.slug][0].slug if base is not None else f"{top.source}\n{root}"
        depth[run.slug] = steps
        members.setdefault(name, []).append(run)
        parent = parents.get(run.slug)
        kin[run.slug] = Kin(
            root,
            name,
            parent.slug if parent else None,
            parent.run_id if parent else None if run.slug in cut else _recorded_parent(run),
            run.slug in inferred,
            max(run.lineage.leg_number or 1, steps + 1),
            tuple(c.slug for c in children.get(run.slug, ())),
        )
    trees = []
    for name, group in members.items():
        if len(group) > 1:
            ordered = tuple(
                slug
                for run in sorted(group, key=_started)
                if run.slug not in parents
                for slug in _walk(run.slug, children)
            )
            root = kin[group[0].slug].root
            trees.append(
                Tree(name, root, any(r.run_id == root for r in group), ordered, {s: depth[s] for s in ordered})
            )
    return Kinship(kin, tuple(trees), {slug: tuple(found) for slug, found in problems.items()})


def _tops(runs: Sequence[RunDigest], parents: Mapping[str, RunDigest]) -> dict[str, tuple[RunDigest, int]]:
    """The first ancestor of each run and how many steps away it is; each run is walked over once."""
    tops: dict[str, tuple[RunDigest, int]] = {}
    for run in runs:
        path = [run]
        while path[-1].slug not in tops and path[-1].slug in parents:
            path.append(parents[path[-1].slug])
        top, steps = tops.get(path[-1].slug, (path[-1], 0))
        for back, member in enumerate(reversed(path)):
            tops[member.slug] = (top, steps + back)
    return tops


def _walk(slug: str, children: Mapping[str, Sequence[RunDigest]]) -> list[str]:
    """A run and everything below it, without recursion: lineages can be long."""
    found: list[str] = []
    waiting = [slug]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting += [child.slug for child in reversed(children.get(current, ()))]
    return found
