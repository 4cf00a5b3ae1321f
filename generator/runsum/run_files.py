"""The files of every run: its page, run.json and facts.js; those whose making would change nothing stay as they are."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from runsum.archive.archive import Archive, ArchivedRun
from runsum.cache import BuildCache
from runsum.fingerprints import program
from runsum.pages.run import RunPages
from runsum.pages.run_facts import run_facts
from runsum.pages.twin import run_twin
from runsum.parallel import Lost, Workers
from runsum.render import Renderer
from runsum.site.writer import SiteWriter

Progress = Callable[[str, int, int], None]
_WORTH_PROCESSES = 40
_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Rendered:
    """How many pages were made anew, and of what each run's page is made, by slug."""

    rendered: int
    made_of: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Maker:
    """Everything that the files of a run are made of."""

    archive: Archive
    pages: RunPages
    renderer: Renderer

    def make(self, slug: str) -> dict[str, bytes]:
        """The content of each file of a run, by name inside its folder."""
        run = self.archive.find(slug)
        page = self.pages.page(run)
        return {
            "index.md": self.renderer.page(page.template, page.context).encode("utf-8", "replace"),
            "run.json": run_twin(run, self.archive, self.renderer.words),
            "facts.js": run_facts(run, self.archive, self.renderer.short),
        }


_shared: _Maker | None = None  # of the build that goes on; processes that are forked inherit it


def _make_some(slugs: Sequence[str]) -> list[dict[str, bytes]]:
    assert _shared is not None
    return [_shared.make(slug) for slug in slugs]


class RunFiles:
    """Makes the files of all runs.

    Args:
        archive: the runs.
        pages: their pages.
        renderer: renders them.
        cache: knows of what the pages of an earlier build were made.
        writer: takes the files.
    """

    def __init__(
        self, archive: Archive, pages: RunPages, renderer: Renderer, cache: BuildCache, writer: SiteWriter
    ) -> None:
        self._maker = _Maker(archive, pages, renderer)
        self._cache = cache
        self._writer = writer

    def write(self, jobs: int, tell: Progress) -> Rendered:
        """Write what changed.

        Args:
            jobs: processes that may render.
            tell: called as the work goes on.
        """
        archive = self._maker.archive
        made_of = {run.digest.slug: f"{program()} {self._maker.pages.fingerprint(run)}" for run in archive.runs}
        wanted = [run.digest.slug for run in archive.runs if not self._still(run, made_of[run.digest.slug])]
        for number, (slug, files) in enumerate(self._make(wanted, jobs), start=1):
            for name, content in files.items():
                self._writer.write(f"runs/{slug}/{name}", content)
            self._cache.put("page", slug, made_of[slug], self._writer.digests(f"runs/{slug}/{name}" for name in files))
            tell("writing pages of runs", number, len(wanted))
        return Rendered(len(wanted), made_of)

    def _still(self, run: ArchivedRun, made_of: str) -> bool:
        files = self._cache.get("page", run.digest.slug, made_of)
        return isinstance(files, dict) and self._writer.keep(files)

    def _make(self, wanted: Sequence[str], jobs: int) -> Iterator[tuple[str, dict[str, bytes]]]:
        global _shared
        if jobs == 1 or len(wanted) < _WORTH_PROCESSES or multiprocessing.get_start_method() != "fork":
            yield from ((slug, self._maker.make(slug)) for slug in wanted)
            return
        _shared = self._maker
        gc.freeze()  # what processes share stays shared: no collection touches it
        try:
            with Workers(jobs) as workers:
                for slug, files in workers.run(_make_some, wanted, _CHUNK):
                    yield slug, self._maker.make(slug) if isinstance(files, Lost) else files
        finally:
            _shared = None
            gc.unfreeze()
