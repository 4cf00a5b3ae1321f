"""Groups of runs that differ in their seed alone: which runs count, which do not and why, and what they say together.

One lineage is one sample, however many legs it has: its first run and the legs that went on with equal settings make
one curve. A leg that began from another run's weights under other settings is a sample of nothing here.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np

from runsum.analysis import aggregate
from runsum.analysis.rewarded import Measure, reward_settings, short_name
from runsum.analysis.setting_texts import setting_text
from runsum.analysis.settings import recorded_seed
from runsum.archive import curves
from runsum.archive.lineage import Kin
from runsum.archive.slugs import SlugMaker
from runsum.frozen import frozen
from runsum.model import RunDigest
from runsum.source.columns import Floats
from runsum.thresholds import Thresholds
from runsum.traits import traits_of

Value = TypeVar("Value")

POINTS = 51
_CELLS, _CURVE_CELLS = 20_000_000.0, 10_000_000.0

UNLEARNED = frozenset({
    "seed", "device", "use_gpu", "total_timesteps", "n_timesteps", "eval_freq", "save_freq", "verbose", "log_interval",
    "progress_bar", "tensorboard_log", "target_hours", "video_length_hours", "run_type", "milestone_percentages",
    "clip_seconds", "render_mode", "experiment_name",
})  # fmt: skip
"""Settings that change nothing of what is learned; the target does where something follows a schedule over it."""
_PLACES = ("_path", "_dir", "_folder", "_file")
_TARGETS = frozenset({"total_timesteps", "n_timesteps"})

Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""Environment, algorithm, settings that change what is learned."""


@frozen
class Sample:
    """One lineage as a sample.

    Attributes:
        legs: slugs of its first run and the legs that went on with equal settings.
        seed: as recorded; None where it is not.
        points: its curve.
    """

    legs: tuple[str, ...]
    seed: str | None
    points: curves.Points

    @property
    def slug(self) -> str:
        """Its first run."""
        return self.legs[0]

    @property
    def last_step(self) -> float:
        """The last timestep with a reward."""
        steps = self.points.steps
        return float(steps[-1]) if len(steps) else 0.0


_Usable = tuple[Sample, RunDigest]
"""A sample that may count, and its first run."""


@frozen
class LeftOut:
    """A run that does not count, and why: the end of a wording's key."""

    slug: str
    why: str


@frozen
class Together:
    """What the counted runs of a group say together, at the timesteps that all of them cover.

    Attributes:
        first, last: the range.
        scores: of each run, in the order of the samples: mean reward over the last share of the range.
        iqm: interquartile mean of the scores.
        low, high: 95 % interval of it; without one, least and largest score.
        interval: whether `low` and `high` are an interval.
        few: whether there are fewer runs than an interval needs.
        repetitions: how often the bootstrap drew; 0 without one.
        grid, curve, curve_low, curve_high: the same along the range, shape (POINTS,).
    """

    first: float
    last: float
    scores: Floats
    iqm: float
    low: float
    high: float
    interval: bool
    few: bool
    repetitions: int
    grid: Floats
    curve: Floats
    curve_low: Floats
    curve_high: Floats


@frozen
class SeedGroup:
    """Runs of one environment and algorithm with equal settings but the seed.

    Attributes:
        name: tells it from all others.
        slug: of its page; None with fewer than `seeds_min_runs` counted runs.
        env_id, algorithm, settings: what the runs have in common.
        rewarded: those of the settings that say what was rewarded.
        begun: when its first run was started; empty where no date is recorded.
        samples: the runs that count, oldest first.
        left_out: the others.
        together: what they say together; None with too few, or where no timesteps are common to all.
    """

    name: str
    slug: str | None
    env_id: str
    game: str
    algorithm: str
    settings: Mapping[str, str]
    rewarded: Measure
    begun: str
    samples: tuple[Sample, ...]
    left_out: tuple[LeftOut, ...]
    together: Together | None

    @property
    def unknown_seeds(self) -> int:
        """Counted runs whose seed is not recorded."""
        return sum(sample.seed is None for sample in self.samples)


@frozen
class SeedGroups:
    """All groups, those of one run included, by environment, algorithm and settings; and the group of each run."""

    groups: tuple[SeedGroup, ...] = ()
    of_run: Mapping[str, SeedGroup] = field(default_factory=dict)

    @property
    def pages(self) -> tuple[SeedGroup, ...]:
        """The groups with a page, by game, algorithm and number of runs."""
        return tuple(group for group in self.groups if group.slug is not None)


class Remember(Protocol):
    """Numbers that take long, from an earlier build where they are known.

    Called with a name that no other numbers have, everything that they are made of, and the work itself.
    """

    def __call__(self, name: str, made_of: object, make: Callable[[], Value]) -> Value:
        """The numbers."""
        ...


def afresh(name: str, made_of: object, make: Callable[[], Value]) -> Value:
    """Remember nothing."""
    return make()


def find_seed_groups(
    runs: Sequence[RunDigest],
    kin: Mapping[str, Kin],
    slugs: SlugMaker,
    limits: Thresholds,
    remember: Remember = afresh,
) -> SeedGroups:
    """Put runs of equal settings together.

    Args:
        runs: all runs, oldest first.
        kin: their places in lineages.
        slugs: makes folder names.
        limits: thresholds in force.
        remember: knows the sums of earlier builds.
    """
    by_slug = {run.slug: run for run in runs}
    keys: dict[str, Key] = {}
    for run in runs:
        key = key_of(run)
        if key is not None:
            keys[run.slug] = key
    roots: dict[Key, list[RunDigest]] = {}
    for run in runs:
        place = kin[run.slug]
        if run.slug in keys and place.parent_run_id is None and place.leg == 1 and run.start_timestep == 0:
            roots.setdefault(keys[run.slug], []).append(run)
    groups = []
    for key, members in roots.items():
        chains = [_chain(run, keys, kin, by_slug) for run in members]
        groups.append(_make_group(key, chains, slugs, limits, remember))
    groups.sort(key=lambda g: (g.game.casefold(), g.env_id, g.algorithm, -len(g.samples), sorted(g.settings.items())))
    of_run = {slug: group for group in groups for sample in group.samples for slug in sample.legs}
    of_run |= {out.slug: group for group in groups for out in group.left_out}
    return SeedGroups(tuple(groups), of_run)


def key_of(run: RunDigest) -> Key | None:
    """What runs that repeat each other have in common; None where environment, algorithm or settings are unknown."""
    if not run.env_id or not run.algorithm:
        return None
    settings = traits_of(run).settings
    learned = {name: value for name, value in settings.items() if not is_unlearned(name)}
    if not learned:
        return None
    if any(_follows_schedule(name, value) for name, value in learned.items()):
        learned |= {name: value for name, value in settings.items() if is_target(name)}
    version = run.recorded.get("env_version")
    if version:
        learned["env_version"] = setting_text(version)
    return run.env_id, run.algorithm, tuple(sorted(learned.items()))


@lru_cache(maxsize=4_096)
def is_unlearned(name: str) -> bool:
    """Whether a setting changes nothing of what is learned: seed, target, device, paths and the like."""
    last = short_name(name).lower()
    return last in UNLEARNED or last.endswith(_PLACES) or name in ("env_id", "algorithm")


def is_target(name: str) -> bool:
    """Whether a setting says how many timesteps are wanted."""
    return short_name(name) in _TARGETS


@lru_cache(maxsize=4_096)
def _follows_schedule(name: str, value: str) -> bool:
    """Whether a setting says that a quantity changes over the whole training: the target then changes learning, too."""
    return name.endswith(("_at_the_end", "_schedule", "exploration_fraction")) or value.startswith("lin_")


def _chain(
    root: RunDigest, keys: Mapping[str, Key], kin: Mapping[str, Kin], by_slug: Mapping[str, RunDigest]
) -> list[RunDigest]:
    """The first run and what went on with equal settings; of several forks the one that came furthest."""
    chain = [root]
    while True:
        nexts = [by_slug[slug] for slug in kin[chain[-1].slug].children if keys.get(slug) == keys[root.slug]]
        nexts = [run for run in nexts if len(run.curve)]
        if not nexts:
            return chain
        chain.append(max(nexts, key=lambda run: run.current_timestep or 0))


def _make_group(
    key: Key, chains: Sequence[Sequence[RunDigest]], slugs: SlugMaker, limits: Thresholds, remember: Remember
) -> SeedGroup:
    env_id, algorithm, settings = key
    samples, left_out = _count(chains, limits)
    enough = bool(samples) and len(samples) >= limits.seeds_min_runs
    game = chains[0][0].game or env_id
    name = hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()
    slug = together = None
    if enough:
        mark = name[:6]
        legs = {run.slug: run.fingerprint for chain in chains for run in chain}
        made_of = ([[legs[slug] for slug in sample.legs] for sample in samples], limits)
        together = remember(name, made_of, lambda: sum_up(samples, limits))
        slug = slugs.make("seeds", f"{game[:24]} {algorithm[:8]} {mark}", mark)
    begun = chains[0][0].started_at or ""
    named = dict(settings)
    return SeedGroup(
        name=name, slug=slug, env_id=env_id, game=game, algorithm=algorithm, settings=named,
        rewarded=reward_settings(named), begun=begun, samples=tuple(samples), left_out=tuple(left_out),
        together=together,
    )  # fmt: skip


def _count(chains: Sequence[Sequence[RunDigest]], limits: Thresholds) -> tuple[list[Sample], list[LeftOut]]:
    """Which lineages count, and why the others do not."""
    left_out: list[LeftOut] = []
    usable: list[_Usable] = []
    for chain in chains:
        root = chain[0]
        why = _unusable(chain, limits)
        if why:
            left_out.append(LeftOut(root.slug, why))
            continue
        seed = recorded_seed(root.config)
        sample = Sample(
            tuple(run.slug for run in chain), None if seed is None else setting_text(seed), curves.stitch(chain)
        )
        usable.append((sample, root))
    usable = _once(usable, lambda pair: pair[1].run_id, "copy", left_out)
    usable = _once(usable, lambda pair: pair[1].signals.get("opening"), "same_rewards", left_out)
    usable = _once(usable, lambda pair: pair[0].seed, "same_seed", left_out)
    lengths = [sample.last_step for sample, _ in usable]
    least = limits.seeds_min_length * statistics.median(lengths) if lengths else 0.0
    left_out += [LeftOut(sample.slug, "short") for sample, _ in usable if sample.last_step < least]
    return [sample for sample, _ in usable if sample.last_step >= least], left_out


def _unusable(chain: Sequence[RunDigest], limits: Thresholds) -> str:
    if any(run.lost_rewards for run in chain):
        return "lost"
    rows = sum(run.quality.reward_rows for run in chain)
    drawn = any(len(run.curve) > 1 for run in chain)
    return "few" if rows < limits.min_rows_trend or not drawn else ""


def _once(
    usable: Sequence[_Usable], mark: Callable[[_Usable], object], why: str, left_out: list[LeftOut]
) -> list[_Usable]:
    """Of runs with the same mark the one trained longest, the oldest of equals; those without one all count."""
    longest: dict[object, _Usable] = {}
    for pair in usable:
        kept = longest.get(mark(pair))
        if kept is None or pair[0].last_step > kept[0].last_step:
            longest[mark(pair)] = pair
    counted = [pair for pair in usable if mark(pair) is None or longest[mark(pair)] is pair]
    slugs = {pair[0].slug for pair in counted}
    left_out += [LeftOut(sample.slug, why) for sample, _ in usable if sample.slug not in slugs]
    return counted


def sum_up(samples: Sequence[Sample], limits: Thresholds) -> Together | None:
    """What runs say together; None where no timesteps are common to all, or rewards are beyond what can be added."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _sum_up(samples, limits)
    if found is None:
        return None
    return found if np.isfinite([found.iqm, found.low, found.high, *found.curve]).all() else None


def _sum_up(samples: Sequence[Sample], limits: Thresholds) -> Together | None:
    found = [sample.points for sample in samples]
    within = curves.common_range(found)
    if within is None:
        return None
    scores = curves.score(found, within, limits.seeds_score_share)
    grid, aligned = curves.align(found, within, POINTS)
    count = len(samples)
    iqm = float(aggregate.interquartile_mean(scores))
    middle = aggregate.trimmed_mean(aligned.T)
    repetitions = aggregate.repetitions_for(limits.bootstrap_repetitions, count, _CELLS)
    times = aggregate.repetitions_for(limits.bootstrap_curve_repetitions, count * POINTS, _CURVE_CELLS)
    few = count < limits.seeds_interval_runs
    if not few and repetitions and times:
        low, high = aggregate.bootstrap_iqm(scores, repetitions)
        band = aggregate.bootstrap_iqm(aligned, times)
        return Together(
            *within, scores, iqm, float(low[0]), float(high[0]), True, few, repetitions, grid, middle, *band
        )
    return Together(
        *within, scores, iqm, float(scores.min()), float(scores.max()), False, few, 0,
        grid, middle, aligned.min(axis=0), aligned.max(axis=0),
    )  # fmt: skip
