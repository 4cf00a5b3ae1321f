"""Databases in, docs folder out: every stage of a build, in its order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from markupsafe import Markup

from runsum.archive.archive import Archive, RedactionFacts, make_archive
from runsum.archive.seeds import Value
from runsum.archive.slugs import SlugMaker
from runsum.cache import BuildCache, cache_file
from runsum.clock import AsOf
from runsum.config import DatabasePath, MkdocsFacts, Settings
from runsum.digest import DigestSettings
from runsum.fingerprints import settings_print, value_print
from runsum.fresh import Freshness
from runsum.frozen import frozen
from runsum.gather import Gatherer
from runsum.model import RunDigest, problem
from runsum.notes import read_notes
from runsum.pages import compare, groups, home, lineage, months, reports, run_index, seeds
from runsum.pages.contract import DataFile, Part, Words
from runsum.pages.run import RunPages
from runsum.parallel import Workers, default_jobs
from runsum.redact.found import Found
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Redactor
from runsum.remarks import find_remarks
from runsum.render import Renderer
from runsum.report import BuildReport
from runsum.resources import template_folder
from runsum.site.assets import read_assets
from runsum.site.writer import SiteWriter
from runsum.site_files import Common, SiteFiles
from runsum.source.project_tree import printable
from runsum.stages import Progress, Stages
from runsum.workers import ChartsWorker


@frozen
class BuildOptions:
    """How a build works, which changes nothing in what it makes.

    Attributes:
        jobs: processes that read and render.
        executor: address of a cluster that reads in place of them.
        use_cache: whether what an earlier build found out is believed.
        fresh: is told how everything looks when the build has ended; None: nobody asks.
    """

    jobs: int = 0
    executor: str | None = None
    use_cache: bool = True
    fresh: Freshness | None = None


def build_archive(
    databases: Sequence[DatabasePath],
    settings: Settings,
    site: MkdocsFacts,
    now: AsOf,
    tell: Progress,
    options: BuildOptions | None = None,
) -> BuildReport:
    """Build the docs folder.

    Args:
        databases: the files to read, each once.
        settings: what runsum.yml says.
        site: what mkdocs.yml says: the docs folder, name and address of the site.
        now: the moment against which states and ages are judged.
        tell: called as the build goes on.
        options: how the work is done.

    Raises:
        DatabaseError: a database cannot be read.
        OutputError: the docs folder cannot be written.
    """
    options = options or BuildOptions()
    jobs = options.jobs or default_jobs()
    stages = Stages()
    if options.fresh is not None:
        options.fresh.forget()
    with (
        BuildCache(cache_file(site.docs_dir), believe=options.use_cache) as cache,
        SiteWriter(site.docs_dir, cache.get("site", "looks", "")) as writer,
        ChartsWorker() as specs,
        Workers(jobs, options.executor) as workers,
    ):
        redactor = Redactor(settings.redaction)
        use = DigestSettings(settings.thresholds, now, settings.solved)
        slugs = SlugMaker()
        with stages.measure("runs"):
            gatherer = Gatherer(settings, use, redactor, cache, writer, workers, tell)
            gathered = gatherer.gather(name_sources(databases, redactor), slugs)
        with stages.measure("archive"):
            digests = mark_twins(gathered.digests)
            notes = read_notes(settings.notes_dir, frozenset(digest.run_id for digest in digests), redactor)
            sums = _Sums(cache)
            archive = make_archive(
                digests, gathered.sources, slugs, settings.thresholds, settings.solved, sums.remember
            )
            archive = replace(archive, redaction=sum_up(settings.redaction, archive, redactor))
        renderer = Renderer(template_folder())
        with stages.measure("pages"):
            files = SiteFiles(archive, RunPages(archive, notes.blocks), renderer, cache, writer)
            feed: Common = partial(_make_feed, archive, site, renderer.words)
            common = [*make_common(archive, notes.blocks, renderer.words), feed]
            rendered = files.write(common, make_parts(archive), settings_print(settings), jobs, tell)
            for file, content in read_assets(template_folder(), specs.result()):
                writer.write(file, content)
        with stages.measure("moving into place"):
            done_writing = writer.finish()
            looks = writer.looks()
            cache.put("site", "looks", "", looks)
            cache.save(
                {"run": archive.by_slug, "page": archive.by_slug, "part": rendered.parts, _Sums.kind: sums.names}
            )
    report = BuildReport(
        docs_dir=str(site.docs_dir),
        databases=[redactor.text(printable(str(entry.path))) for entry in databases],
        runs=len(archive.runs),
        read=gathered.read,
        pages=rendered.pages,
        rendered=rendered.runs,
        written=len(done_writing.written),
        unchanged=done_writing.unchanged,
        removed=len(done_writing.removed),
        kept=done_writing.kept,
        left=done_writing.left,
        problems=count_problems(archive),
        redact=settings.redaction.mode,
        redactions=list(archive.redaction.found),
        remarks=find_remarks(settings, digests, notes.garbled, redactor),
        seconds=stages.seconds(),
        stages=stages.done,
    )
    if options.fresh is not None:
        options.fresh.remember(report, gathered.depends, looks)
    return report


class _Sums:
    """What groups of seeds say together and against each other, from earlier builds where they are as they were."""

    kind = "seeds"

    def __init__(self, cache: BuildCache) -> None:
        self.names: list[str] = []
        self._cache = cache

    def remember(self, name: str, made_of: object, make: Callable[[], Value]) -> Value:
        """The numbers of that name."""
        self.names.append(name)
        return self._cache.remember(self.kind, name, value_print(made_of), make)


def make_common(archive: Archive, notes: Mapping[str, Markup], words: Words) -> list[Common]:
    """What makes the pages and data files that are about all runs, those that take longest first."""
    rooms = (months, run_index, home, groups, lineage, seeds, reports, compare)
    return [
        partial(run_index.make_finder, archive, notes, words),
        partial(run_index.make_table, archive),
        *(partial(room.make_pages, archive) for room in rooms),
    ]


def _make_feed(archive: Archive, site: MkdocsFacts, words: Words) -> Iterator[DataFile]:
    from runsum.feed import FEED_PATH, make_feed  # whichever process makes it loads its library

    yield DataFile(FEED_PATH, make_feed(archive, site, words))


def make_parts(archive: Archive) -> Iterator[Part]:
    """Every page that is about some runs."""
    yield from lineage.make_parts(archive)
    yield from seeds.make_parts(archive)
    yield from groups.make_parts(archive)


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
