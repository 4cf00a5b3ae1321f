"""The files of all other pages; those of parts whose runs are as they were stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from runsum.cache import BuildCache
from runsum.fingerprints import text_print
from runsum.pages.contract import DataFile, Page, Part
from runsum.render import Renderer
from runsum.site.writer import SiteWriter

Progress = Callable[[str, int, int], None]


class PageFiles:
    """Makes pages and data files.

    Args:
        renderer: renders them.
        cache: knows of what the parts of an earlier build were made.
        writer: takes the files.
        made_of: of what the pages of the runs are made, by slug.
        tell: called as the work goes on.
    """

    def __init__(
        self, renderer: Renderer, cache: BuildCache, writer: SiteWriter, made_of: Mapping[str, str], tell: Progress
    ) -> None:
        self.pages = 0
        self.parts: list[str] = []
        self._renderer = renderer
        self._cache = cache
        self._writer = writer
        self._made_of = made_of
        self._tell = tell

    def write(self, common: Iterable[Page | DataFile], parts: Iterable[Part], settings: str) -> None:
        """Write what is about all runs, and of the rest what changed.

        Args:
            common: pages and files about all runs.
            parts: those about some.
            settings: a fingerprint of what else decides how they look.
        """
        for item in common:
            self._write(item)
        for part in parts:
            self.parts.append(part.name)
            made_of = text_print(settings, *(self._made_of[slug] for slug in part.runs))
            files = self._cache.get("part", part.name, made_of)
            if isinstance(files, dict) and self._writer.keep(files):
                self.pages += sum(path.endswith(".md") for path in files)
                continue
            paths = [self._write(item) for item in part.make()]
            self._cache.put("part", part.name, made_of, self._writer.digests(paths))

    def _write(self, item: Page | DataFile) -> str:
        if isinstance(item, Page):
            self.pages += 1
            self._writer.write(item.path, self._renderer.page(item.template, item.context).encode("utf-8", "replace"))
            self._tell("writing other pages", self.pages, 0)
        else:
            self._writer.write(item.path, item.content)
        return item.path
