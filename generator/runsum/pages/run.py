"""The page of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from operator import attrgetter

from markupsafe import Markup

from runsum.analysis.next_actions import Recommendation
from runsum.analysis.throughput import differs_from_clock
from runsum.archive.archive import Archive, ArchivedRun
from runsum.cleaning.rollouts import OFF_POLICY
from runsum.fingerprints import value_print
from runsum.frozen import frozen
from runsum.model import (
    Annotation,
    ConfigValue,
    DrawnChart,
    Fact,
    Phrase,
    Problem,
    RunDigest,
    Scalar,
    Session,
    Video,
    phrase,
)
from runsum.pages.compare import CompareLink, Offers
from runsum.pages.contract import Link, Page, Tile, title_of
from runsum.pages.headline import headline
from runsum.pages.note_rows import NoteRow, section_notes
from runsum.pages.result_document import seed_document
from runsum.pages.run_facts import ancestors_of
from runsum.pages.run_health import Health, describe_health, health_words
from runsum.pages.run_layout import HEALTH_SECTION, SECTIONS, FactRow, section_rows
from runsum.pages.search_card import SearchCard, make_cards

_FROM_DIGESTS = ("digest", "added", "config_delta")  # follow from the digests of a run and its parent, and the rest
_joined = attrgetter(*(one.name for one in fields(ArchivedRun) if one.name not in _FROM_DIGESTS))
_LISTED = 100  # a page stays one that a browser opens at once, whatever a database holds


@frozen
class More:
    """How many of each list the page leaves out."""

    annotations: int
    videos: int
    problems: int
    status_notes: int
    sessions: int


@frozen
class RunSection:
    """A section as it is printed: title, fact rows, charts that exist; `health`: the checks, in their section only."""

    title: str
    rows: tuple[FactRow, ...]
    charts: tuple[DrawnChart, ...]
    health: Health | None
    notes: tuple[NoteRow, ...] = ()


@frozen
class AdviceRow:
    """A recommendation as it is printed; `href` leads to the run that supports it, empty without one."""

    rule: str
    words: Phrase
    href: Markup


@frozen
class RunPage:
    """Everything `run.md.j2` may use.

    Attributes:
        headline: sentences in plain words.
        key: name of the run in its data script.
        card: what the search is told about the run.
        twin: whether another database holds a run of the same id.
        reward: the reward chart, None without rewards.
        absent: captions of charts that could not be drawn, said once.
        person: the person's own note (rendered Markdown of notes/<run_id>.md), empty without one.
        settings: the whole configuration: where it was recorded, with names and values.
        files: what was found below the project root, empty without one.
        has_rollouts: whether its algorithm collects rollouts; off-policy ones do not.
        more: how many notes, videos, problems, status notes and sessions are not listed.
    """

    title: str
    twin: bool
    run: ArchivedRun
    state: str
    headline: tuple[Phrase, ...]
    tiles: tuple[Tile, ...]
    links: tuple[Link, ...]
    comparisons: tuple[CompareLink, ...]
    card: SearchCard
    key: str
    reward: DrawnChart | None
    sections: tuple[RunSection, ...]
    absent: tuple[str, ...]
    annotations: tuple[Annotation, ...]
    videos: tuple[Video, ...]
    playable: tuple[Video, ...]
    status_notes: tuple[str, ...]
    sessions: tuple[Session, ...]
    problems: tuple[Problem, ...]
    settings: tuple[tuple[str, tuple[tuple[str, object], ...]], ...]
    recorded: tuple[tuple[str, Scalar], ...]
    files: Mapping[str, object]
    models: list[Mapping[str, object]]
    person: Markup
    more: More
    log_lines: tuple[str, ...]
    gate: str
    gate_reason: Phrase
    advice: tuple[AdviceRow, ...]
    has_times: bool
    offset: int
    has_rollouts: bool


class RunPages:
    """The pages of all runs, each made when it is asked for.

    Args:
        archive: the runs.
        notes: the persons' notes by run id.
    """

    def __init__(self, archive: Archive, notes: Mapping[str, Markup]) -> None:
        self._archive = archive
        self._notes = notes
        self._cards = make_cards(archive, notes)
        self._offers = Offers(archive)

    def fingerprint(self, run: ArchivedRun) -> str:
        """Changes with anything that the page of a run, or a data file made of the archive beside it, can show."""
        parent = self._archive.find(run.kin.parent).digest.fingerprint if run.kin.parent else ""
        around = (*_links(run, self._archive), *self._offers.links(run), *ancestors_of(run, self._archive))
        note = self._notes.get(run.digest.run_id, "")
        seeds = seed_document(run, self._archive)
        return value_print(
            run.digest.fingerprint, parent, _joined(run), around, seeds, self._cards[run.digest.slug], str(note)
        )

    def page(self, run: ArchivedRun) -> Page:
        """The page of a run."""
        context = _context(run, self._archive, self._offers, self._notes, self._cards[run.digest.slug])
        return Page(f"runs/{run.digest.slug}/index.md", "run.md.j2", context)


def _context(
    run: ArchivedRun, archive: Archive, offers: Offers, notes: Mapping[str, Markup], card: SearchCard
) -> RunPage:
    digest, summary = run.digest, run.summary
    charts = {chart.id: chart for chart in digest.charts}
    sections = tuple(
        RunSection(
            section.title,
            section_rows(section, summary),
            tuple(charts[name] for name in section.charts if name in charts),
            describe_health(run) if section.title == HEALTH_SECTION else None,
            section_notes(run, section.title),
        )
        for section in SECTIONS
    )
    log_lines = digest.files.get("log_lines", [])
    status_notes = tuple(n for n in digest.status_notes if n.strip())
    return RunPage(
        title=title_of(run),
        twin=any(found.kind == "same_run_id" for found in run.problems),
        run=run,
        state=str(digest.state),
        headline=tuple(headline(run, archive.thresholds)),
        tiles=tuple(_tiles(run)),
        links=tuple(_links(run, archive)),
        comparisons=tuple(offers.links(run)),
        card=card,
        key=digest.slug,
        reward=charts.get("reward"),
        sections=sections,
        absent=digest.absent_charts,
        annotations=digest.annotations[:_LISTED],
        videos=digest.videos[:_LISTED],
        playable=tuple(v for v in digest.videos if v.media),
        status_notes=status_notes[:_LISTED],
        sessions=digest.quality.sessions[:_LISTED],
        problems=run.problems[:_LISTED],
        settings=_by_origin(digest.config),
        recorded=tuple(digest.recorded.items()),
        files=digest.files,
        models=models if isinstance(models := digest.files.get("models"), list) else [],
        person=notes.get(digest.run_id, Markup("")),
        more=More(
            *(
                max(0, len(found) - _LISTED)
                for found in (digest.annotations, digest.videos, run.problems, status_notes, digest.quality.sessions)
            )
        ),
        log_lines=tuple(log_lines) if isinstance(log_lines, list) else (),
        gate=run.advice.gate,
        gate_reason=run.advice.reason,
        advice=tuple(_advice_row(one) for one in run.advice.recommendations),
        has_times=digest.quality.utc_offset_min is not None,
        offset=digest.quality.utc_offset_min or 0,
        has_rollouts=(digest.algorithm or "").lower() not in OFF_POLICY,
    )


def _by_origin(config: Mapping[str, ConfigValue]) -> tuple[tuple[str, tuple[tuple[str, object], ...]], ...]:
    """The settings below the name of the record that says them, which they nearly always have in common."""
    named: dict[str, list[tuple[str, object]]] = {}
    for name, setting in config.items():
        named.setdefault(setting.origin, []).append((name, setting.value))
    return tuple((origin, tuple(values)) for origin, values in sorted(named.items()))


def _advice_row(one: Recommendation) -> AdviceRow:
    href = Markup("" if one.peer is None else f"../{one.peer}/index.html")
    return AdviceRow(one.rule.replace("_", " "), one.words, href)


def _tiles(run: ArchivedRun) -> Iterator[Tile]:
    digest, facts = run.digest, run.summary
    at = [phrase("tile.at", at=digest.best_reward_timestep)] if digest.best_reward_timestep is not None else []
    at += [run.best_of] if run.best_of is not None else []
    yield Tile("best mean reward", digest.best_reward, "reward", tuple(at), facts["best_reward"].reason, "best-reward")
    last = (phrase("tile.at", at=digest.final_reward_timestep),) if digest.final_reward_timestep is not None else ()
    yield Tile("last", digest.final_reward, "reward", last, facts["final_reward"].reason, "last-reward")
    goal = (phrase("tile.of", target=digest.target_timesteps),) if digest.target_timesteps else ()
    yield Tile("progress", digest.progress_pct, "percent", goal, facts["progress_pct"].reason, "progress")
    own = digest.own_steps
    yield Tile(
        "trained",
        digest.trained_h,
        "hours",
        (phrase("tile.steps", own=own),) if own is not None else (),
        facts["duration_h"].reason or phrase("cost.no_hours"),
        "trained",
    )
    yield Tile("speed", digest.avg_fps, "speed", _speed_range(digest, facts), facts["avg_fps"].reason, "speed")
    peak = facts["gpu_max"].value
    yield Tile(
        "GPU",
        facts["gpu_avg"].value,
        "whole_percent",
        (phrase("tile.peak", peak=peak),) if peak is not None else (),
        facts["gpu_avg"].reason,
    )
    yield Tile("verdict", run.advice.gate, "text", (health_words(run.health, run.digest.findings),), term="verdict")


def _speed_range(digest: RunDigest, facts: Mapping[str, Fact]) -> tuple[Phrase, ...]:
    """Least and most of the trainer's meter, and the pace of the whole run where its mean is another."""
    low, high, pace = facts["min_fps"].number, facts["max_fps"].number, digest.pace
    if low is None or high is None:
        return ()
    if pace and differs_from_clock(digest.avg_fps, pace):
        return (phrase("tile.range_and_pace", low=low, high=high, pace=pace),)
    return (phrase("tile.range", low=low, high=high),)


def _links(run: ArchivedRun, archive: Archive) -> Iterator[Link]:
    digest = run.digest
    if run.kin.parent:
        yield _run_link("parent", archive.find(run.kin.parent))
    for child in run.kin.children:
        yield _run_link("continued by", archive.find(child))
    if run.lineage_page:
        yield Link("lineage", Markup(f"../../lineages/{run.lineage_page}/index.html"))
    seeds = archive.seeds.of_run.get(digest.slug)
    if seeds is not None and seeds.slug is not None:
        yield Link(f"{len(seeds.samples)} seeds of these settings", Markup(f"../../seeds/{seeds.slug}/index.html"))
    if run.game_page and digest.game:
        yield Link(f"all runs of {digest.game}", Markup(f"../../games/{run.game_page}/index.html"))
    if run.algorithm_page and digest.algorithm:
        yield Link(f"all {digest.algorithm} runs", Markup(f"../../algorithms/{run.algorithm_page}/index.html"))
    if run.before:
        yield _run_link("previous of the game", archive.find(run.before))
    if run.after:
        yield _run_link("next of the game", archive.find(run.after))


def _run_link(role: str, run: ArchivedRun) -> Link:
    return Link(f"{role}: {run.digest.run_id}", Markup(f"../{run.digest.slug}/index.html"))
