"""Every run of every database: those of an earlier build that still hold, the others read and digested."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from runsum.archive.archive import SourceFacts
from runsum.archive.slugs import SlugMaker
from runsum.cache import BuildCache
from runsum.clock import Asked
from runsum.config import Settings
from runsum.digest import DigestSettings
from runsum.fingerprints import settings_print, text_print
from runsum.fresh import Depends
from runsum.frozen import frozen
from runsum.kept import KeptRun, keep_run, run_print
from runsum.looks import Signature
from runsum.model import Problem, RunDigest, problem
from runsum.parallel import Lost, Workers, can_fork
from runsum.reading import PackedRun, Place, ReadTask, read_nothing, read_run, read_runs, unpack_digest
from runsum.redact.redactor import Redactor
from runsum.site.writer import SiteWriter
from runsum.source.database import DatabaseFile, blaming, open_database
from runsum.source.leaf_rows import Extent
from runsum.source.project_tree import printable
from runsum.source.records import RunReader, Survey
from runsum.stages import Progress

_ROWS = "training_metrics"
_CHUNK = 8  # runs that a process reads at a time
_WORTH_FORKING, _WORTH_STARTING = 6, 150  # runs: a process that loads all libraries first reads fifty in that time
_FEW_READ = 20  # runs of a file that is being written to: so many are read here, for more it is copied


@frozen
class _Source:
    """An open database and what a first look at it has found."""

    name: str
    database: DatabaseFile
    reader: RunReader
    survey: Survey
    runs: frozenset[str]

    @property
    def others(self) -> str | None:
        """The state of the table of rows; None where it cannot be told."""
        look = self.survey.looks.get(_ROWS)
        return "none" if look is None else look.whole()


@frozen
class _Run:
    """A run of a source: its id, the folder of its page, its fingerprint."""

    source: _Source
    run_id: str
    slug: str
    made_of: str


@frozen
class Gathered:
    """All digests in the order of the databases and their runs, and where they come from.

    Attributes:
        read: how many runs were read anew.
        depends: what the digests depend on besides rows and settings.
    """

    digests: list[RunDigest]
    sources: list[SourceFacts]
    read: int
    depends: Depends


class Gatherer:
    """Collects the runs for one build.

    Args:
        settings: what runsum.yml says.
        use: what digests depend on besides their rows.
        redactor: of the build.
        cache: of earlier builds.
        writer: takes the data files of the runs.
        workers: read the runs.
        tell: called as the work goes on.
    """

    def __init__(
        self,
        settings: Settings,
        use: DigestSettings,
        redactor: Redactor,
        cache: BuildCache,
        writer: SiteWriter,
        workers: Workers,
        tell: Progress,
    ) -> None:
        self._settings = settings
        self._use = use
        self._redactor = redactor
        self._cache = cache
        self._writer = writer
        self._workers = workers
        self._tell = tell
        self._base = settings_print(settings)

    def gather(self, named: Sequence[tuple[str, Path]], slugs: SlugMaker) -> Gathered:
        """Read what must be read of some databases, each with the name of its source.

        Raises:
            DatabaseError: one cannot be read.
        """
        digests: dict[str, RunDigest] = {}
        asked: set[Asked] = set()
        files: dict[str, Signature] = {}
        with ExitStack() as stack:
            sources = [self._open(stack, name, path) for name, path in named]
            runs = [run for source in sources for run in self._list(source, slugs)]
            for number, run in enumerate(runs, start=1):
                if (found := self._still(run)) is not None:
                    digests[run.slug], kept = found
                    asked.update(kept.asked)
                    files.update(kept.seen_files)
                if number % 100 == 0:
                    self._tell("looking for changes", number, len(runs))
            wanted = [run for run in runs if run.slug not in digests]
            total, read = Counter(run.source.name for run in wanted), Counter[str]()
            for run, done in self._read(wanted):
                digests[run.slug] = unpack_digest(done.digest, done.fingerprint)
                asked.update(done.asked)
                files.update(done.seen.files)
                self._take(run, done, keep=not _has_failed(digests[run.slug]))
                read[run.source.name] += 1
                self._tell(f"reading {run.source.name}", read[run.source.name], total[run.source.name])
            facts = [self._describe(source) for source in sources]
        is_whole = not any(map(_has_failed, digests.values()))
        depends = Depends(tuple(sorted(asked, key=repr)), files, is_whole)
        return Gathered([digests[run.slug] for run in runs], facts, len(wanted), depends)

    def _open(self, stack: ExitStack, name: str, path: Path) -> _Source:
        database = stack.enter_context(open_database(path, look=True))
        reader = RunReader(database, name, self._redactor)
        place = text_print(os.path.realpath(path))  # a path may hold what is no text
        survey = reader.survey(self._cache.get("look", place, "") or {})
        self._cache.put("look", place, "", dict(survey.looks))
        return _Source(name, database, reader, survey, frozenset(survey.runs))

    def _list(self, source: _Source, slugs: SlugMaker) -> list[_Run]:
        stamps = {table: look.stamps() for table, look in sorted(source.survey.looks.items())}
        columns = {table: source.database.columns[table] for table in stamps}
        base = text_print(self._base, repr(columns))  # one that is added or gets another name changes no row
        found = []
        for run_id in source.survey.runs:
            slug = slugs.make("runs", run_id, f"{source.name}\n{run_id}")
            known = source.reader.rows_of(run_id)
            own = [table.get(known.stored_id, "no rows") for table in stamps.values()]
            found.append(_Run(source, run_id, slug, run_print(base, known, slug, own)))
        return found

    def _still(self, run: _Run) -> tuple[RunDigest, KeptRun] | None:
        """What an earlier build found out of a run, if all of it still holds and its files are there."""
        kept = self._cache.get("run", run.slug, run.made_of) if run.made_of else None
        if not isinstance(kept, KeptRun) or not kept.holds(self._use.now, run.source.runs, run.source.others):
            return None
        try:
            digest = unpack_digest(kept.digest, kept.fingerprint)
        except Exception:  # whatever a damaged pickle raises
            return None
        return (digest, kept) if self._writer.keep(kept.files) else None

    def _take(self, run: _Run, done: PackedRun, *, keep: bool) -> None:
        """Write the data files of a run, and keep what was found out."""
        for name, content in done.files.items():
            self._writer.write(f"runs/{run.slug}/{name}", content)
        files = self._writer.digests(f"runs/{run.slug}/{name}" for name in done.files)
        kept = keep_run(done, files, run.source.others) if run.made_of and keep else None
        if kept is not None:
            self._cache.put("run", run.slug, run.made_of, kept)

    def _read(self, wanted: Sequence[_Run]) -> Iterator[tuple[_Run, PackedRun]]:
        """Read runs, in other processes where that pays: of all databases at once, each one's runs in their order."""
        counts = Counter(run.source.name for run in wanted)
        places = {run.source.name: run.source for run in wanted}
        found = {name: self._place(source, counts[name], len(wanted)) for name, source in places.items()}
        extents = {
            name: source.reader.extents([run.run_id for run in wanted if run.source.name == name])
            for name, source in places.items()
        }
        tasks = {
            run.slug: self._task(run, found[run.source.name], extents[run.source.name][run.run_id]) for run in wanted
        }
        here = [run for run in wanted if tasks[run.slug].place is None]
        there = [run for run in wanted if tasks[run.slug].place is not None]
        for run in here:
            with blaming(run.source.database.path, run.source.database.seen):  # several are open
                packed = read_run(run.source.reader.rows, tasks[run.slug])
            yield run, packed
        indexed = all(run.source.database.indexed for run in there)
        size = _CHUNK if indexed else max(_CHUNK, len(there) // self._workers.jobs)
        results = self._workers.run(read_runs, [tasks[run.slug] for run in there], size)
        for run, (task, done) in zip(there, results, strict=True):
            yield run, read_nothing(task, f"its process ended: {done.why}") if isinstance(done, Lost) else done

    def _place(self, source: _Source, count: int, total: int) -> Place | None:
        """Where other processes find the rows; None where they are read in this one."""
        database = source.database
        least = _WORTH_FORKING if can_fork() else _WORTH_STARTING
        if not self._workers.are_elsewhere and (self._workers.jobs == 1 or total < least):
            return None
        address = database.readers or (database.share() if count > _FEW_READ else None)
        if address is None:
            return None
        leaves, known = database.leaf_rows, (database.path, database.seen, address, database.columns, database.indexed)
        return Place(*known) if leaves is None else Place(*known, leaves.path, leaves.layouts)

    def _task(self, run: _Run, place: Place | None, extents: Mapping[str, Extent]) -> ReadTask:
        known = run.source.reader.rows_of(run.run_id)
        others = run.source.runs if self._settings.project_root is not None else frozenset()
        return ReadTask(place, known, run.slug, others, self._use, self._settings, extents)

    def _describe(self, source: _Source) -> SourceFacts:
        """What the pages say of a database and of what in it belongs to no run."""
        database, survey = source.database, source.survey
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
        root = self._settings.project_root
        if root is not None and not root.is_dir():
            problems.append(problem("project_root_missing"))
        modified = database.modified_at[:16] + "+00:00"  # to the minute: a copy of the file is the same archive
        file = self._redactor.text(printable(database.path.name), "settings", "file")
        return SourceFacts(
            source.name, file, modified, database.size_bytes, len(survey.runs), tuple(problems), survey.redactions
        )


def _has_failed(digest: RunDigest) -> bool:
    """Whether a run could not be digested this time; the next build tries again."""
    return any(found.kind == "digest_failed" for found in digest.problems)
