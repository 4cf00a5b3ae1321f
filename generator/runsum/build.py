"""Databases in, docs folder out: every stage of a build, in its order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from markupsafe import Markup

from runsum.analysis.standing import AsOf
from runsum.archive.archive import Archive, RedactionFacts, SourceFacts, make_archive
from runsum.archive.slugs import SlugMaker
from runsum.config import DatabasePath, MkdocsFacts, Settings
from runsum.digest import DigestSettings
from runsum.feed import FEED_PATH, make_feed
from runsum.model import Problem, RunDigest, problem
from runsum.notes import read_notes
from runsum.pages import compare, groups, home, lineage, months, reports, run, run_index, seeds
from runsum.pages.contract import DataFile, Page
from runsum.pages.run_facts import run_facts
from runsum.pages.twin import run_twin
from runsum.reading import read_runs
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Found, Redactor
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.site.assets import read_assets
from runsum.site.writer import SiteWriter
from runsum.source.database import DatabaseFile, open_database
from runsum.source.project_tree import printable
from runsum.source.records import RunReader, Survey
from runsum.workers import ChartsWorker

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total) as a build goes on."""


@dataclass(slots=True)
class BuildReport:
    """What a build did, as the terminal and `--json` print it."""

    docs_dir: str
    databases: list[str]
    runs: int = 0
    pages: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: list[str] = field(default_factory=list)
    problems: dict[str, int] = field(default_factory=dict)
    redact: str = Mode.STANDARD
    redactions: list[Found] = field(default_factory=list)
    seconds: float = 0.0


def build_archive(
    databases: Sequence[DatabasePath], settings: Settings, site: MkdocsFacts, now: AsOf, tell: Progress
) -> BuildReport:
    """Build the docs folder.

    Args:
        databases: the files to read, each once.
        settings: what runsum.yml says.
        site: what mkdocs.yml says: the docs folder, name and address of the site.
        now: the moment against which states and ages are judged.
        tell: called as the build goes on.

    Raises:
        DatabaseError: a database cannot be read.
        OutputError: the docs folder cannot be written.
    """
    began = time.perf_counter()
    with SiteWriter(site.docs_dir) as writer, ChartsWorker() as specs:
        return _build(databases, settings, site, now, tell, writer, specs, began)


def _build(
    databases: Sequence[DatabasePath],
    settings: Settings,
    site: MkdocsFacts,
    now: AsOf,
    tell: Progress,
    writer: SiteWriter,
    specs: ChartsWorker,
    began: float,
) -> BuildReport:
    slugs = SlugMaker()
    redactor = Redactor(settings.redaction)
    use = DigestSettings(settings.thresholds, now, settings.solved)
    digests: list[RunDigest] = []
    sources: list[SourceFacts] = []
    for name, path in name_sources(databases, redactor):
        with open_database(path) as database:
            reader = RunReader(database, name, redactor)
            survey = reader.survey()
            named = [(run_id, slugs.make("runs", run_id, f"{name}\n{run_id}")) for run_id in survey.runs]
            for place, done in enumerate(read_runs(reader, named, use, settings), start=1):
                for file, content in done.files.items():
                    writer.write(f"runs/{done.digest.slug}/{file}", content)
                digests.append(done.digest)
                tell(f"reading {name}", place, len(named))
            sources.append(_describe_source(name, database, survey, settings, redactor))
    notes = read_notes(settings.notes_dir, frozenset(digest.run_id for digest in digests), redactor)
    archive = make_archive(mark_twins(digests), sources, slugs, settings.thresholds, settings.solved)
    archive = replace(archive, redaction=sum_up(settings.redaction, archive, redactor))
    renderer = Renderer(template_folder())
    pages = 0
    for item in make_all(archive, notes):
        if isinstance(item, Page):
            pages += 1
            writer.write(item.path, renderer.page(item.template, item.context).encode("utf-8", "replace"))
            tell("writing pages", pages, 0)
        else:
            writer.write(item.path, item.content)
    for archived in archive.runs:
        writer.write(f"runs/{archived.digest.slug}/run.json", run_twin(archived, archive, renderer.words))
        writer.write(f"runs/{archived.digest.slug}/facts.js", run_facts(archived, archive, renderer.short))
    writer.write(FEED_PATH, make_feed(archive, site, renderer.words))
    for file, content in read_assets(template_folder(), specs.result()):
        writer.write(file, content)
    done_writing = writer.finish()
    return BuildReport(
        docs_dir=str(site.docs_dir),
        databases=[redactor.text(printable(str(entry.path))) for entry in databases],
        runs=len(archive.runs),
        pages=pages,
        written=len(done_writing.written),
        unchanged=done_writing.unchanged,
        removed=len(done_writing.removed),
        kept=done_writing.kept,
        problems=count_problems(archive),
        redact=settings.redaction.mode,
        redactions=list(archive.redaction.found),
        seconds=time.perf_counter() - began,
    )


def make_all(archive: Archive, notes: dict[str, Markup]) -> Iterator[Page | DataFile]:
    """Every page and data file of the archive."""
    yield from home.make_pages(archive)
    yield from run_index.make_pages(archive, notes)
    yield from months.make_pages(archive)
    yield from run.make_pages(archive, notes)
    yield from compare.make_pages(archive)
    yield from lineage.make_pages(archive)
    yield from seeds.make_pages(archive)
    yield from groups.make_pages(archive)
    yield from reports.make_pages(archive)


def name_sources(databases: Sequence[DatabasePath], redactor: Redactor) -> list[tuple[str, Path]]:
    """A name for every database: the declared one, else the file's, made longer where two are equal."""
    stems = Counter(entry.path.stem for entry in databases if entry.name is None)
    named: list[tuple[str, Path]] = []
    taken: set[str] = set()
    for entry in databases:
        name = entry.name or entry.path.stem
        if entry.name is None and stems[entry.path.stem] > 1:
            whole = redactor.text(
                printable(entry.path.resolve().with_suffix("").as_posix())
            )  # the folder may be a home
            name = "/".join(whole.split("/")[-2:])
        name = redactor.text(printable(name), "settings", "name")  # a file's name may be no text at all
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        named.append((unique, entry.path))
    return named


def mark_twins(digests: Sequence[RunDigest]) -> list[RunDigest]:
    """Tell runs of equal id in several databases apart, and say so."""
    by_id: dict[str, list[RunDigest]] = {}
    for digest in digests:
        by_id.setdefault(digest.run_id, []).append(digest)
    marked = []
    for digest in digests:
        others = [other.source for other in by_id[digest.run_id] if other is not digest]
        if others:
            digest = replace(digest, problems=(*digest.problems, problem("same_run_id", others=", ".join(others))))
        marked.append(digest)
    return marked


def count_problems(archive: Archive) -> dict[str, int]:
    """Problems by kind, most frequent first."""
    counts = Counter(found.kind for archived in archive.runs for found in archived.problems)
    counts.update(found.kind for source in archive.sources for found in source.problems)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sum_up(policy: Policy, archive: Archive, redactor: Redactor) -> RedactionFacts:
    """What was taken out of all sources and runs, by rule, table and column."""
    counts: Counter[tuple[str, str, str]] = Counter()
    lists = [redactor.found(), *(source.redactions for source in archive.sources)]
    lists += [archived.digest.redactions for archived in archive.runs]
    for one in chain.from_iterable(lists):
        counts[one.rule, one.table, one.column] += one.count
    found = tuple(Found(*place, count) for place, count in sorted(counts.items()))
    return RedactionFacts(policy.mode, policy.reason if policy.mode is Mode.OFF else "", found)


def _describe_source(
    name: str, database: DatabaseFile, survey: Survey, settings: Settings, redactor: Redactor
) -> SourceFacts:
    problems: list[Problem] = []
    for table, runs in survey.orphans.items():
        problems += [problem("orphan_rows", table=table, run=run_id, count=count) for run_id, count in runs.items()]
    for row in survey.unlinked_experiments:
        problems.append(
            problem("unlinked_experiment", name=str(row.get("name") or "?"), status=str(row.get("status") or "?"))
        )
    for kind, count in (("runs_without_id", survey.nameless), ("repeated_run_ids", survey.repeated)):
        if count:
            problems.append(problem(kind, count=count))
    if database.is_mixed():
        problems.append(problem("changed_while_reading"))
    problems += [problem("unknown_table", table=table) for table in survey.unknown_tables]
    if settings.project_root is not None and not settings.project_root.is_dir():
        problems.append(problem("project_root_missing"))
    modified = database.modified_at[:16] + "+00:00"  # to the minute: a copy of the file is the same archive
    file = redactor.text(printable(database.path.name), "settings", "file")
    return SourceFacts(name, file, modified, database.size_bytes, len(survey.runs), tuple(problems), survey.redactions)
