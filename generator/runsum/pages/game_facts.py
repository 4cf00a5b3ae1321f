"""What a game's page says beyond its ranking: solved or not, seeds, which change helped, what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from runsum.analysis.solved import DECLARED
from runsum.analysis.windows import EPISODES
from runsum.archive.archive import Archive, Group
from runsum.archive.costs import Costs, add_costs
from runsum.archive.effects import Effect, Effects
from runsum.archive.seeds import SeedGroup
from runsum.frozen import frozen
from runsum.measures import Solved
from runsum.model import ConfigChange, Phrase, RunDigest, note, phrase
from runsum.pages.note_rows import NoteRow, limit_phrases
from runsum.pages.targets import between_words


@frozen
class SeedEntry:
    """A group of seeds as a line of a table.

    Attributes:
        title: game and algorithm.
        href: to its page, for raw HTML.
        what: the settings in which the groups of the page differ, as far as there are any.
        words: its score and how certain it is; `certain`: the second alone.
    """

    group: SeedGroup
    title: str
    href: Markup
    what: tuple[tuple[str, str], ...]
    words: Phrase
    certain: Phrase


@frozen
class EffectRow:
    """A comparison as a line of a table; the links lead to the groups' pages, or to their first runs.

    Attributes:
        targets: the targets of both sides where they differ, else None.
    """

    effect: Effect
    changes: tuple[ConfigChange, ...]
    targets: Phrase | None
    before: Phrase
    before_href: Markup
    after: Phrase
    after_href: Markup
    uncertainty: Phrase
    verdict: Phrase


@frozen
class CostLine:
    """What one algorithm cost on a game."""

    name: str
    costs: Costs
    limits: list[Phrase]


def seed_entries(groups: Sequence[SeedGroup], up: str) -> tuple[SeedEntry, ...]:
    """Lines for groups with a page; `up` is the way to the docs folder."""
    told: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for group in groups:
        told.setdefault((group.env_id, group.algorithm), set(group.settings.items()))
        told[group.env_id, group.algorithm] &= set(group.settings.items())
    return tuple(
        SeedEntry(
            group,
            f"{group.game} · {group.algorithm}",
            Markup(f"{up}seeds/{group.slug}/index.html"),
            tuple(sorted(set(group.settings.items()) - told[group.env_id, group.algorithm]))[:6],
            seed_words(group),
            _certainty(group),
        )
        for group in groups
    )


def seed_words(group: SeedGroup) -> Phrase:
    """The score of a group and how certain it is."""
    found = group.together
    if found is None:
        return phrase("seeds.no_common_range")
    known = {"iqm": found.iqm, "low": found.low, "high": found.high, "count": len(group.samples)}
    return phrase("seeds.interval", **known) if found.interval else phrase("seeds.range", few=found.few, **known)


def _certainty(group: SeedGroup) -> Phrase:
    found = group.together
    if found is None:
        return phrase("seeds.no_common_range")
    if found.interval:
        return phrase("seeds.certain", low=found.low, high=found.high)
    return phrase("seeds.spread", low=found.low, high=found.high, few=found.few)


def game_rows(group: Group) -> Iterator[NoteRow]:
    """Thresholds and human-normalised scores over all runs of a game, each environment by itself."""
    by_env: dict[str, list[RunDigest]] = {}
    for run in group.runs:
        if run.digest.env_id:
            by_env.setdefault(run.digest.env_id, []).append(run.digest)
    for env_id, runs in by_env.items():
        yield from _solved_row(env_id, runs)
        yield from _human_row(env_id, runs)


def _solved_row(env_id: str, runs: Sequence[RunDigest]) -> Iterator[NoteRow]:
    judged = [run for run in runs if run.solved is not None and not run.solved.refused]
    if not judged or judged[0].solved is None:
        return
    first = judged[0].solved
    reached = [run for run in judged if run.solved is not None and run.solved.reached_at is not None]
    small = [phrase("solved.source", origin=first.origin, level=first.level)] if first.origin != DECLARED else []
    refused = sum(run.solved is not None and bool(run.solved.refused) for run in runs)
    if refused:
        small.append(phrase("game.solved_refused", count=refused))
    if not reached:
        words = note("game.unsolved", *small, env_id=env_id, level=first.level, count=len(judged))
    else:
        best = min(reached, key=lambda run: (run.solved.reached_at if run.solved else 0) or 0)
        at = best.solved.reached_at if best.solved else None
        full = all(run.solved is not None and _is_full(run.solved) for run in reached)
        words = note(
            "game.solved" if full else "game.crossed", *small, env_id=env_id, level=first.level,
            reached=len(reached), count=len(judged), at=at, run=best.run_id,
        )  # fmt: skip
    yield NoteRow("Solved", words)


def _is_full(solved: Solved) -> bool:
    """Whether a mean at the threshold is what the threshold is about."""
    return solved.origin == DECLARED or (solved.window is not None and solved.window >= EPISODES)


def _human_row(env_id: str, runs: Sequence[RunDigest]) -> Iterator[NoteRow]:
    scored = [run for run in runs if run.human is not None and run.human.final is not None]
    if not scored:
        return
    best = max(scored, key=lambda run: (run.human.final if run.human else None) or 0.0)
    human = best.human
    if human is None:
        return
    small = [phrase("human.scale", random=human.random, human=human.human), phrase("human.protocol")]
    if not all(run.human is not None and run.human.certain for run in scored):
        small.append(phrase("human.unknown"))
    refused = sum(run.human is not None and bool(run.human.refused) for run in runs)
    if refused:
        small.append(phrase("game.solved_refused", count=refused))
    words = note(
        "game.human", *small, env_id=env_id, final=human.final, run=best.run_id, count=len(scored),
        several=len(scored) > 1, estimated=not human.certain,
    )  # fmt: skip
    yield NoteRow("Human-normalised score", words)


def effect_rows(archive: Archive, game: str, up: str) -> tuple[EffectRow, ...]:
    """The comparisons of a game, the clearest first."""
    return tuple(_effect_row(effect, archive, up) for effect in archive.effects.get(game, Effects()).made)


def _effect_row(effect: Effect, archive: Archive, up: str) -> EffectRow:
    values = {"low": effect.low, "high": effect.high, "noise": effect.noise}
    key = "single" if effect.low is None else "interval" if effect.reliable else "interval_few"
    verdict = phrase(f"effect.{effect.verdict}")
    if effect.refused:
        key, verdict = "not_compared", phrase("effect.refused", names=", ".join(effect.refused))
    elif effect.verdict == "single":
        verdict = phrase("effect.single_higher" if (effect.delta or 0.0) > 0 else "effect.single_lower")
    return EffectRow(
        effect,
        effect.changes,
        between_words(effect.before, effect.after, archive),
        phrase("effect.runs", count=len(effect.before.samples)),
        group_href(effect.before, up),
        phrase("effect.runs", count=len(effect.after.samples)),
        group_href(effect.after, up),
        phrase(f"effect.{key}", **values),
        verdict,
    )


def group_href(group: SeedGroup, up: str) -> Markup:
    """To the page of a group, or of its first run."""
    place = f"seeds/{group.slug}" if group.slug is not None else f"runs/{group.samples[0].slug}"
    return Markup(f"{up}{place}/index.html")


def cost_lines(group: Group, is_game: bool) -> tuple[CostLine, ...]:
    """What each algorithm (on a game's page) or game (on an algorithm's page) cost, and all together."""
    parts: dict[str, list[RunDigest]] = {}
    for run in group.runs:
        name = run.digest.algorithm if is_game else run.digest.game
        parts.setdefault(name or "unknown", []).append(run.digest)
    lines = [(name, add_costs(parts[name])) for name in sorted(parts, key=str.casefold)]
    if len(lines) > 1:
        lines.append(("all", add_costs([run.digest for run in group.runs])))
    return tuple(CostLine(name, costs, limit_phrases(costs)) for name, costs in lines)
