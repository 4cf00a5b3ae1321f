"""All digests together: lineages, deltas to parents, groups by game and algorithm, advice, totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import NamedTuple

from runsum.analysis.evidence import Evidence
from runsum.analysis.findings import overall
from runsum.analysis.next_actions import Advice, advise
from runsum.analysis.settings import diff_config
from runsum.analysis.solved import REACHED, is_most
from runsum.archive.effects import Effects, find_effects, gather_evidence
from runsum.archive.lineage import Kin, Kinship, Tree, find_kinship
from runsum.archive.precedents import PeersOf, Precedents
from runsum.archive.ranking import best_first
from runsum.archive.seeds import Remember, SeedGroups, afresh, find_seed_groups, is_unlearned
from runsum.archive.slugs import SlugMaker
from runsum.frozen import frozen
from runsum.model import ConfigChange, Fact, Level, Phrase, Problem, RunDigest, known, missing, note, phrase
from runsum.redact.found import Found
from runsum.thresholds import Thresholds
from runsum.traits import rewarded_by, traits_of


@frozen
class SourceFacts:
    """A database of the archive: its name on the pages, its file, and rows in it that belong to no run."""

    name: str
    file: str
    modified_at: str
    size_bytes: int
    runs: int
    problems: tuple[Problem, ...] = ()
    redactions: tuple[Found, ...] = ()


@frozen
class RedactionFacts:
    """What was kept back from the whole archive.

    Attributes:
        mode: "standard", "strict" or "off".
        reason: why it is off; empty when it is not.
        found: by rule, table and column.
    """

    mode: str = "standard"
    reason: str = ""
    found: tuple[Found, ...] = ()


@frozen
class ArchivedRun:
    """A run with everything that the others add to it.

    Attributes:
        added: what the archive adds to the summary of the digest.
        before, after: slugs of the previous and the next run of the same game, by start time.
        lineage_page: slug of the lineage page, None for a run of its own.
    """

    digest: RunDigest
    kin: Kin
    added: Mapping[str, Fact]
    config_delta: tuple[ConfigChange, ...]
    advice: Advice
    problems: tuple[Problem, ...]
    lineage_page: str | None
    game_page: str | None
    algorithm_page: str | None
    before: str | None = None
    after: str | None = None

    @property
    def summary(self) -> Mapping[str, Fact]:
        """All 75 placeholders; unpacks those of the digest."""
        return {**self.digest.summary, **self.added}

    def fact(self, name: str) -> Fact:
        """One of the placeholders."""
        return self.added.get(name) or self.digest.fact(name)

    @property
    def best_of(self) -> Phrase | None:
        """That larger rewards were lost, or that its best mean is of few episodes; None where neither is known."""
        if self.digest.lost_rewards:
            return phrase("reward.digits_lost")
        return phrase("reward.early") if self.digest.signals.get("best_early") else None

    @property
    def health(self) -> Level:
        """The findings in one word."""
        return overall(self.digest.findings)


class _Around(NamedTuple):
    """Where a run stands: the last fields of :class:`ArchivedRun`."""

    lineage_page: str | None
    game_page: str | None
    algorithm_page: str | None
    before: str | None
    after: str | None


class _Others(NamedTuple):
    """What the recommendations of a run know of the archive: precedents, and how many seeds its settings have."""

    precedents: Precedents
    seeds: int


@frozen
class Lineage:
    """A tree of legs with its page."""

    slug: str
    tree: Tree
    runs: tuple[ArchivedRun, ...]


@frozen
class Group:
    """Runs of one game, or of one algorithm over all games, as :func:`best_first` has them."""

    slug: str
    name: str
    runs: tuple[ArchivedRun, ...]

    @property
    def best(self) -> ArchivedRun | None:
        """Of a game, the first run of the ranking that has a reward; the task of most runs may have none."""
        return next((run for run in self.runs if run.digest.best_reward is not None), None)


@frozen
class Archive:
    """Everything the pages are made of. `runs` is in the order of start times, newest first."""

    runs: tuple[ArchivedRun, ...]
    lineages: tuple[Lineage, ...]
    games: tuple[Group, ...]
    algorithms: tuple[Group, ...]
    sources: tuple[SourceFacts, ...]
    thresholds: Thresholds = field(default_factory=Thresholds)
    solved: Mapping[str, float] = field(default_factory=dict)
    redaction: RedactionFacts = field(default_factory=RedactionFacts)
    seeds: SeedGroups = field(default_factory=SeedGroups)
    effects: Mapping[str, Effects] = field(default_factory=dict)
    by_slug: Mapping[str, ArchivedRun] = field(default_factory=dict)

    def find(self, slug: str) -> ArchivedRun:
        """The run with a slug."""
        return self.by_slug[slug]


def make_archive(
    digests: Sequence[RunDigest],
    sources: Sequence[SourceFacts],
    slugs: SlugMaker,
    thresholds: Thresholds,
    solved: Mapping[str, float],
    remember: Remember = afresh,
) -> Archive:
    """Put all runs together.

    Args:
        digests: the runs, in any order.
        sources: the databases.
        slugs: makes folder names that do not collide.
        thresholds: rules in force.
        solved: declared solved thresholds by game, printed on the Methods page.
        remember: knows what earlier builds have drawn for seed groups and their comparisons.
    """
    ordered = sorted(digests, key=lambda run: (run.started_at or "", run.source, run.run_id))
    kinship, index = find_kinship(ordered), Precedents.of(ordered)
    by_slug = {run.slug: run for run in ordered}
    pages = {tree.name: slugs.make("lineages", tree.root, tree.name) for tree in kinship.trees}
    games, game_pages = _group(ordered, lambda run: run.game, "games", slugs)
    algorithms, algorithm_pages = _group(ordered, lambda run: run.algorithm, "algorithms", slugs)
    neighbours = _neighbours(games)
    seeds = find_seed_groups(ordered, kinship.kin, slugs, thresholds, remember)
    archived: dict[str, ArchivedRun] = {}
    for run in ordered:
        around = _Around(
            pages.get(kinship.kin[run.slug].tree),
            game_pages.get(run.game or ""),
            algorithm_pages.get(run.algorithm or ""),
            *neighbours.get(run.slug, (None, None)),
        )
        group = seeds.of_run.get(run.slug)
        others = _Others(index, 0 if group is None or group.slug is None else len(group.samples))
        archived[run.slug] = _archive_run(run, kinship, by_slug, others, around, thresholds)
    return Archive(
        runs=tuple(archived[run.slug] for run in reversed(ordered)),
        lineages=tuple(
            Lineage(pages[tree.name], tree, tuple(archived[s] for s in tree.members)) for tree in kinship.trees
        ),
        games=_rank(games, game_pages, archived),
        algorithms=_rank(algorithms, algorithm_pages, archived),
        sources=tuple(sources),
        thresholds=thresholds,
        solved=solved,
        seeds=seeds,
        effects=find_effects(seeds, by_slug, thresholds, remember),
        by_slug=archived,
    )


def _archive_run(
    run: RunDigest,
    kinship: Kinship,
    by_slug: Mapping[str, RunDigest],
    others: _Others,
    around: _Around,
    limits: Thresholds,
) -> ArchivedRun:
    """Join a run."""
    kin = kinship.kin[run.slug]
    parent = by_slug[kin.parent] if kin.parent else None
    delta = diff_config(parent.config, run.config) if parent else ()
    problems = (*run.problems, *kinship.problems.get(run.slug, ()))
    lineage = _lineage_facts(run, kin, parent, delta, problems)
    advice = advise(_evidence(run, parent, problems, delta, bool(kin.children), others, limits), limits)
    added = {**lineage, **_advice_facts(advice)}
    return ArchivedRun(run, kin, added, delta, advice, problems, *around)


def _lineage_facts(
    run: RunDigest,
    kin: Kin,
    parent: RunDigest | None,
    delta: tuple[ConfigChange, ...],
    problems: Sequence[Problem],
) -> dict[str, Fact]:
    why = "lineage.first_leg" if kin.parent_run_id is None and kin.root == run.run_id else "lineage.parent_missing"
    if any(found.kind == "leg_missing" for found in problems):
        why = "lineage.leg_missing"
    own_settings = tuple(change for change in delta if change.key != "total_timesteps")
    facts = {
        "base_run_id": known(kin.root, *(() if run.lineage.base_run_id else (phrase("lineage.root_assumed"),))),
        "leg_number": known(kin.leg, *((phrase("lineage.inferred"),) if kin.inferred else ())),
    }
    if parent is None:
        absent = missing(why, parent=kin.parent_run_id or kin.root, leg=kin.leg - 1)
        return facts | dict.fromkeys(("lineage_diff_note", "reward_delta", "fps_delta", "config_delta_list"), absent)
    target = next((change for change in delta if change.key == "total_timesteps"), None)
    words = "lineage.changed" if own_settings else "lineage.same_settings"
    small = (phrase("lineage.target_changed", before=target.before, after=target.after),) if target else ()
    facts["lineage_diff_note"] = note(
        words,
        *small,
        count=len(own_settings),
        parent=parent.run_id,
        keys=", ".join(change.key for change in own_settings),
    )
    facts["config_delta_list"] = (
        note("lineage.delta_list", items=[(c.key, c.before, c.after) for c in delta])
        if delta
        else note("lineage.no_delta")
    )
    facts["reward_delta"] = (
        _delta(run.final_reward, parent.final_reward, "reward", parent.run_id)
        if rewarded_by(run) == rewarded_by(parent)
        else missing("lineage.other_reward", parent=parent.run_id)
    )
    facts["fps_delta"] = _delta(run.avg_fps, parent.avg_fps, "fps", parent.run_id)
    return facts


def _delta(own: float | None, other: float | None, what: str, parent: str) -> Fact:
    if own is None or other is None:
        return missing(f"lineage.no_{what}", parent=parent)
    # ten digits: the difference of two recorded numbers is not known any better
    return known(float(f"{own - other:.10g}"), phrase(f"lineage.against_{what}", parent=parent, before=other))


def _evidence(
    run: RunDigest,
    parent: RunDigest | None,
    problems: Sequence[Problem],
    delta: tuple[ConfigChange, ...],
    continued: bool,
    others: _Others,
    limits: Thresholds,
) -> Evidence:
    sps = run.fact("sps_trend_note").words
    solved = run.fact("solved_flag")
    return replace(
        gather_evidence(run, parent, limits),
        problems={p.kind: p for p in problems},
        downtime_h=run.fact("pause_time_h").number,
        slowdown=sps.values if sps is not None and sps.key == "sps.slower" else None,
        has_target=solved.reason is None or solved.reason.key != "solved.no_target",
        continued=continued,
        solved_at=_solved_at(solved),
        at_the_top=_is_at_the_top(run),
        changed=tuple(change.key for change in delta if not is_unlearned(change.key)),
        findings={found.rule: found for found in run.findings},
        settings=traits_of(run).advised,
        has_checkpoints=not run.fact("model_path").missing,
        peers=PeersOf(run, others.precedents),
        seeds=others.seeds,
        algorithm=run.algorithm or "",
    )


def _solved_at(solved: Fact) -> float | None:
    words = solved.words
    return float(str(words.values["level"])) if words is not None and words.key in REACHED else None


def _is_at_the_top(run: RunDigest) -> bool:
    level = run.signals.get("level")
    return (run.solved is not None and run.solved.is_kept) or (isinstance(level, float) and is_most(run.env_id, level))


def _advice_facts(advice: Advice) -> dict[str, Fact]:
    items = [phrase("next.item", words=one.words, rule=one.rule.replace("_", " ")) for one in advice.recommendations]
    return {"go_no_go": known(advice.gate, advice.reason), "recommendations": note("next.list", items=items)}


def _group(
    runs: Sequence[RunDigest], key: Callable[[RunDigest], str | None], folder: str, slugs: SlugMaker
) -> tuple[dict[str, list[RunDigest]], dict[str, str]]:
    groups: dict[str, list[RunDigest]] = {}
    for run in runs:
        name = key(run)
        if name:
            groups.setdefault(name, []).append(run)
    groups = dict(sorted(groups.items(), key=lambda item: (item[0].casefold(), item[0])))
    return groups, {name: slugs.make(folder, name, name) for name in groups}


def _neighbours(games: Mapping[str, Sequence[RunDigest]]) -> dict[str, tuple[str | None, str | None]]:
    found: dict[str, tuple[str | None, str | None]] = {}
    for group in games.values():
        for place, run in enumerate(group):
            before = group[place - 1].slug if place else None
            after = group[place + 1].slug if place + 1 < len(group) else None
            found[run.slug] = (before, after)
    return found


def _rank(
    groups: Mapping[str, Sequence[RunDigest]], pages: Mapping[str, str], runs: Mapping[str, ArchivedRun]
) -> tuple[Group, ...]:
    return tuple(
        Group(pages[name], name, tuple(runs[run.slug] for run in best_first(group))) for name, group in groups.items()
    )
