"""Every file that is made of the archive: what changed is made anew, in several processes where that pays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from runsum.archive.archive import Archive, ArchivedRun
from runsum.cache import BuildCache
from runsum.fingerprints import text_print
from runsum.frozen import frozen
from runsum.pages.contract import DataFile, Page, Part
from runsum.pages.run import RunPages
from runsum.pages.run_facts import run_facts
from runsum.pages.twin import run_twin
from runsum.parallel import in_processes
from runsum.render import Renderer
from runsum.site.writer import SiteWriter
from runsum.stages import Progress

Made = list[tuple[str, bytes]]
"""Files as path and content."""
Common = Callable[[], Iterable[Page | DataFile]]
"""Makes some of the pages that are about all runs."""


@frozen
class Rendered:
    """What became of the pages.

    Attributes:
        pages: how many there are now.
        runs: pages of runs that were made anew.
        parts: names of all parts.
    """

    pages: int
    runs: int
    parts: list[str]


@frozen
class _Work:
    """Files that are made together; kept under a kind and a name as long as what they are made of stays the same."""

    make: Callable[[], Made]
    kind: str = ""
    name: str = ""
    made_of: Callable[[], str] = str


class SiteFiles:
    """Makes the files of an archive.

    Args:
        archive: the runs.
        pages: the pages of the runs.
        renderer: renders them.
        cache: knows of what the files of an earlier build were made.
        writer: takes the files.
    """

    def __init__(
        self, archive: Archive, pages: RunPages, renderer: Renderer, cache: BuildCache, writer: SiteWriter
    ) -> None:
        self._archive = archive
        self._run_pages = pages
        self._renderer = renderer
        self._cache = cache
        self._writer = writer
        self._kept = 0

    def write(
        self, common: Sequence[Common], parts: Iterable[Part], settings: str, jobs: int, tell: Progress
    ) -> Rendered:
        """Write what is about all runs, and of the rest what changed.

        Args:
            common: make pages and files about all runs.
            parts: pages about some runs.
            settings: a fingerprint of what else decides how parts look.
            jobs: processes that may render.
            tell: called as the work goes on.
        """
        archive, found = self._archive, list(parts)

        @functools.cache
        def of_run(slug: str) -> str:
            return self._run_pages.fingerprint(archive.find(slug))

        def of_part(part: Part) -> str:
            return text_print(settings, *map(of_run, part.runs))

        slugs = [run.digest.slug for run in archive.runs]
        runs = [
            _Work(partial(self._make_run, run), "page", slug, partial(of_run, slug))
            for slug, run in zip(slugs, archive.runs, strict=True)
        ]
        some = [
            _Work(partial(self._make_pages, part.make), "part", part.name, partial(of_part, part)) for part in found
        ]
        heavy = [_Work(partial(self._make_pages, make)) for make in common]
        changed = [work for work in runs if not self._still(work)]
        light = [*(work for work in some if not self._still(work)), *changed]
        pages = self._kept + self._write(heavy, light, jobs, tell)
        return Rendered(pages, len(changed), [part.name for part in found])

    def _still(self, work: _Work) -> bool:
        """Take the files of an earlier build that were made of the same."""
        if not self._cache.had_any:
            return False  # what it is made of is worked out while other processes make it
        files = self._cache.get(work.kind, work.name, work.made_of())
        if not isinstance(files, dict) or not self._writer.keep(files):
            return False
        self._kept += sum(map(_is_page, files))
        return True

    def _write(self, heavy: list[_Work], light: list[_Work], jobs: int, tell: Progress) -> int:
        """Make files and write them; the number of pages among them."""
        works, pages = [*heavy, *light], 0
        results = in_processes([work.make for work in works], jobs, alone=len(heavy))
        for number, (work, files) in enumerate(zip(works, results, strict=True), start=1):
            for path, content in files:
                self._writer.write(path, content)
                pages += _is_page(path)
            if work.kind:
                digests = self._writer.digests(path for path, _ in files)
                self._cache.put(work.kind, work.name, work.made_of(), digests)
            tell("writing pages", number, len(works))
        return pages

    def _make_run(self, run: ArchivedRun) -> Made:
        page, folder = self._run_pages.page(run), f"runs/{run.digest.slug}"
        return [
            (page.path, self._render(page)),
            (f"{folder}/run.json", run_twin(run, self._archive, self._renderer.words)),
            (f"{folder}/facts.js", run_facts(run, self._archive, self._renderer.short)),
        ]

    def _make_pages(self, make: Common) -> Made:
        return [(item.path, item.content if isinstance(item, DataFile) else self._render(item)) for item in make()]

    def _render(self, page: Page) -> bytes:
        return self._renderer.page(page.template, page.context).encode("utf-8", "replace")


def _is_page(path: str) -> bool:
    return path.endswith(".md")
