"""What changed and what came of it: differences between groups whose settings differ little, and along lineages.

Nothing here is an experiment: runs that differ in one recorded setting may differ in others that nobody recorded.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from runsum.analysis import aggregate
from runsum.analysis.evidence import Evidence
from runsum.analysis.levels import LevelDifference, compare_levels
from runsum.analysis.rewarded import differing
from runsum.archive import curves
from runsum.archive.seeds import Remember, SeedGroup, SeedGroups, afresh
from runsum.frozen import frozen
from runsum.model import ConfigChange, RunDigest
from runsum.thresholds import Thresholds
from runsum.traits import rewarded_by

COMPARED = 40
"""Comparisons of a game at most: those with most runs."""
_NEAREST = 40
"""Configurations of an algorithm on a game among which nearest neighbours are looked for."""
_UNKNOWN = LevelDifference(None, None, None, 0.0)


@frozen
class Effect:
    """Two groups of one environment and algorithm that differ in few settings, and how their scores differ.

    Attributes:
        changes: the settings that differ, from `before` to `after`.
        before, after: the groups; `before` has more runs, or is older.
        last: timestep up to which both were compared.
        delta: IQM of `after` minus IQM of `before`, over the last share of the common timesteps; None where refused.
        low, high: 95 % interval of it; None with fewer than three runs on either side.
        noise: noise of the curves, as far as it can blur the difference of two single runs.
        probability: that a run of `after` scores higher than one of `before`; None with fewer than three of either.
        reliable: whether both have as many runs as an interval needs.
        refused: settings by which the two were rewarded differently, so that their scores cannot be compared.
    """

    changes: tuple[ConfigChange, ...]
    before: SeedGroup
    after: SeedGroup
    last: float
    delta: float | None
    low: float | None
    high: float | None
    noise: float
    probability: float | None
    reliable: bool
    refused: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What the numbers say: "higher", "lower", "unclear", without an interval "single" or "noise", or "refused"."""
        if self.delta is None:
            return "refused"
        if self.low is None or self.high is None:
            return "single" if abs(self.delta) > self.noise else "noise"
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "unclear"


@frozen
class Effects:
    """The comparisons of a game, the clearest first. `left`: pairs that were not made, since others have more runs."""

    made: tuple[Effect, ...] = ()
    left: int = 0


def find_effects(
    seeds: SeedGroups, runs: Mapping[str, RunDigest], limits: Thresholds, remember: Remember = afresh
) -> dict[str, Effects]:
    """The comparisons of each game, by its name.

    Args:
        seeds: the groups.
        runs: all runs by slug.
        limits: thresholds in force.
        remember: knows what earlier builds have drawn.
    """
    by_game: dict[str, dict[tuple[str, str], list[SeedGroup]]] = {}
    for group in seeds.groups:
        if group.samples:
            by_game.setdefault(group.game, {}).setdefault((group.env_id, group.algorithm), []).append(group)
    found: dict[str, Effects] = {}
    for game, tasks in by_game.items():
        pairs = [pair for groups in tasks.values() for pair in _pairs(groups, int(limits.change_settings))]
        pairs.sort(key=_worth)
        with np.errstate(over="ignore", invalid="ignore"):  # rewards of 1e308 cannot be added up
            compared = [_compare(before, after, runs, limits, remember) for before, after in pairs[:COMPARED]]
        effects = [effect for effect in compared if effect is not None and math.isfinite(effect.delta or 0.0)]
        effects.sort(key=_clearest)
        found[game] = Effects(tuple(effects), max(0, len(pairs) - COMPARED))
    return found


def _pairs(groups: Sequence[SeedGroup], most: int) -> Iterator[tuple[SeedGroup, SeedGroup]]:
    """Groups that differ in one setting; for those without any such neighbour the nearest within `most` settings.

    Groups that are equal but for one setting share a bucket: the hash of all their settings without that one. Each is
    compared with the group of its bucket that has most runs, so that the work grows with the number of groups.
    """
    buckets: dict[tuple[str, int], list[int]] = {}
    names = sorted({name for group in groups for name in group.settings})
    for place, group in enumerate(groups):
        marks = {name: _mark(name, group.settings.get(name)) for name in names}
        whole = 0
        for mark in marks.values():
            whole ^= mark
        for name, mark in marks.items():
            buckets.setdefault((name, whole ^ mark), []).append(place)
    told: set[tuple[int, int]] = set()
    for members in buckets.values():
        if len(members) > 1:
            base = min(members, key=lambda place: (-len(groups[place].samples), groups[place].begun, place))
            told |= {(base, other) for other in members if other != base}
    near = {place for pair in told for place in pair}
    lonely = [place for place in range(len(groups)) if place not in near][:_NEAREST]
    for place in lonely:
        others = [other for other in range(min(len(groups), _NEAREST)) if other != place]
        nearest = min(
            others, key=lambda o: (_distance(groups[place], groups[o]), -len(groups[o].samples), o), default=None
        )
        if nearest is not None and _distance(groups[place], groups[nearest]) <= most:
            first, second = sorted((place, nearest), key=lambda p: (groups[p].begun, p))
            told.add((first, second))
    yield from ((groups[before], groups[after]) for before, after in sorted(told))


def _mark(name: str, value: str | None) -> int:
    """A number for a setting and its value: equal in every process."""
    return int.from_bytes(hashlib.blake2b(f"{name}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _distance(one: SeedGroup, other: SeedGroup) -> int:
    return len({name for name, _ in one.settings.items() ^ other.settings.items()})


def _worth(pair: tuple[SeedGroup, SeedGroup]) -> tuple[float, ...]:
    """Those with most runs on the weaker side come first, then those with few changes."""
    before, after = pair
    return -min(len(before.samples), len(after.samples)), _distance(before, after), -len(before.samples)


def _compare(
    before: SeedGroup, after: SeedGroup, runs: Mapping[str, RunDigest], limits: Thresholds, remember: Remember
) -> Effect | None:
    own, other = ([sample.points for sample in group.samples] for group in (after, before))
    within = curves.common_range([*own, *other])
    if within is None:
        return None
    changes = changes_between(before.settings, after.settings)
    refused = differing(before.rewarded, after.rewarded)
    if refused:
        return Effect(changes, before, after, within[1], None, None, None, 0.0, None, False, refused)
    one, two = (curves.score(points, within, limits.seeds_score_share) for points in (own, other))
    few = min(len(one), len(two))
    low = high = probability = None
    times = int(limits.bootstrap_curve_repetitions)
    if few >= limits.seeds_min_runs and times:
        low, high = remember(
            f"{after.name} - {before.name}",
            (one, two, times),
            lambda: aggregate.bootstrap_difference(one, two, aggregate.interquartile_mean, times),
        )
        probability = aggregate.probability_of_improvement(one, two)
    return Effect(
        changes=changes,
        before=before,
        after=after,
        last=within[1],
        delta=float(aggregate.interquartile_mean(one) - aggregate.interquartile_mean(two)),
        low=low,
        high=high,
        noise=limits.change_noise * math.hypot(_noise(after, runs), _noise(before, runs)),
        probability=probability,
        reliable=few >= limits.seeds_interval_runs,
    )


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[ConfigChange, ...]:
    """Settings that differ, by name."""
    return tuple(
        ConfigChange(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _noise(group: SeedGroup, runs: Mapping[str, RunDigest]) -> float:
    """Spread of a run's rewards around their moving mean, the largest of the group."""
    found = (runs[slug].signals.get("noise") for sample in group.samples for slug in sample.legs)
    return max((value for value in found if isinstance(value, float)), default=0.0)


def _clearest(effect: Effect) -> tuple[object, ...]:
    """Intervals that leave out 0 first, then those with an interval, then single runs; the largest difference first."""
    rank = {"higher": 0, "lower": 0, "unclear": 1, "single": 2, "noise": 3, "refused": 4}[effect.verdict]
    return rank, -abs(effect.delta or 0.0), [(change.key, str(change.after)) for change in effect.changes]


@frozen
class LegEffect:
    """What came of a leg that went on with other settings.

    Attributes:
        levels: level at its end against level at the end of its parent.
        steps: timesteps that the leg trained itself.
        rising: whether the parent was still rising at its end, so that more steps alone would have helped.
        sibling: slug of a leg of the same parent that kept the settings; None without one.
        against_sibling: the difference to it at the timesteps that both cover; None without one.
        refused: whether the two were rewarded differently, so that their levels cannot be compared.
        behind: whether it ended at fewer timesteps than its parent, so that their ends cannot be compared.
        at_equal_steps: the difference to the parent of such a leg at the timesteps that both cover; None without any.
    """

    levels: LevelDifference
    steps: int | None
    rising: bool
    sibling: str | None = None
    against_sibling: float | None = None
    refused: bool = False
    behind: bool = False
    at_equal_steps: float | None = None

    @property
    def verdict(self) -> str:
        """What the numbers say: "higher", "lower", "noise", "unknown", "behind" or "refused"."""
        return "refused" if self.refused else "behind" if self.behind else self.levels.verdict


def against_parent(run: RunDigest, parent: RunDigest | None, limits: Thresholds) -> LevelDifference | None:
    """The end of a leg against that of its parent.

    None without a parent in the archive that was rewarded alike, and where the parent was trained further: then it is
    no wonder that it came further, too.
    """
    if parent is None or rewarded_by(run) != rewarded_by(parent) or _is_behind(run, parent):
        return None
    return compare_levels(run.signals, parent.signals, limits)


def gather_evidence(run: RunDigest, parent: RunDigest | None, limits: Thresholds) -> Evidence:
    """What the rules of the recommendations may know of a run and its parent, without what only its own page needs."""
    return Evidence(
        state=run.state,
        progress_pct=run.progress_pct,
        numbers=run.signals,
        quality=run.quality,
        best=run.best_reward,
        final=run.final_reward,
        current=run.current_timestep,
        start=run.start_timestep,
        against_parent=against_parent(run, parent, limits),
        parent_label=parent.run_id if parent else None,
        lost_rewards=run.lost_rewards,
    )


def _is_behind(run: RunDigest, parent: RunDigest) -> bool:
    """Whether a leg went on from an older checkpoint, and ended before the end of its parent."""
    own, other = run.current_timestep, parent.current_timestep
    return run.start_timestep > 0 and own is not None and other is not None and own < other


def leg_effect(run: RunDigest, parent: RunDigest, siblings: Sequence[RunDigest], limits: Thresholds) -> LegEffect:
    """Compare a leg with its parent, and with a sibling that went on with the parent's settings.

    Args:
        run: the leg.
        parent: the run it continues.
        siblings: other legs of that parent with the parent's settings.
        limits: thresholds in force.
    """
    levels, behind = against_parent(run, parent, limits), _is_behind(run, parent)
    if levels is None and rewarded_by(run) != rewarded_by(parent):
        return LegEffect(_UNKNOWN, run.own_steps, False, refused=True)
    rising = parent.signals.get("shape") == "rising"
    found = LegEffect(levels or _UNKNOWN, run.own_steps, rising, behind=behind)
    if behind:
        found = replace(found, at_equal_steps=_at_equal_steps(run, parent, limits))
    for sibling in siblings:
        difference = _at_equal_steps(run, sibling, limits)
        if difference is not None:
            return replace(found, sibling=sibling.slug, against_sibling=difference)
    return found


def _at_equal_steps(run: RunDigest, other: RunDigest, limits: Thresholds) -> float | None:
    """The score of a run minus that of another one at the timesteps that both cover; None where there are none."""
    points = [curves.stitch([one]) for one in (run, other)]
    within = curves.common_range(points)
    if within is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        own, its = curves.score(points, within, limits.seeds_score_share).ravel()
        difference = float(own - its)
    return difference if math.isfinite(difference) else None


def nearest_groups(place: int, groups: Sequence[SeedGroup], most: int) -> tuple[SeedGroup, ...]:
    """What a group is held against: of those around it that were rewarded alike the ones with the fewest changes.

    Args:
        place: of the group in the list.
        groups: groups of one environment in the order of their algorithms, all with a page.
        most: how many are wanted.
    """
    group = groups[place]
    around = groups[max(0, place - _NEAREST) : place + _NEAREST + 1]
    others = [one for one in around if one is not group and one.rewarded == group.rewarded]
    others.sort(key=lambda one: (one.algorithm != group.algorithm, _distance(one, group), -len(one.samples), one.slug))
    return tuple(others[:most])
