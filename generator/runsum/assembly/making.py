"""One build with MkDocs: which pages are made, how each of them is, and what is remembered of it."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from mkdocs.commands import build
from mkdocs.structure.files import InclusionLevel

from runsum.assembly.blocks import Cut, cut_blocks
from runsum.assembly.files import Answer, SparingFiles
from runsum.assembly.fingerprint import configuration, outline, read_ahead
from runsum.assembly.folder import SiteFolder
from runsum.assembly.hands import Hands
from runsum.assembly.heads import Heads
from runsum.assembly.memory import Memory, Remembered, Stamp, digest_of, read_sealed, stamp_of, write_sealed
from runsum.assembly.shell import ShellEnvironment, Shells
from runsum.assembly.tails import Tails
from runsum.assembly.templates import look_at_no_page
from runsum.compiled import CompiledTemplates

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

_ABSOLUTE = re.compile(r'\b(?:href|src)="[/\\]')
_FRESH_NS = 50_000_000
"""A file may change twice within the clock's step: a stamp younger than this, in ns, is not relied on."""


@dataclass(slots=True)
class _Made:
    """A page while it is made."""

    source: str = ""
    stamp: Stamp | None = None
    cut: Cut | None = None
    original: str = ""
    tail: Cut | None = None
    looked_up: dict[str, Answer] = field(default_factory=dict)
    is_remarked: bool = False
    entries: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""


class Making:
    """One build.

    Args:
        config: what mkdocs.yml says.
        cache_dir: where finished pages are kept, relative to mkdocs.yml.
        served: what `mkdocs serve` has left in its temporary site, to be kept up to date; None for other builds.
    """

    def __init__(self, config: MkDocsConfig, cache_dir: str, served: dict[str, list[Any]] | None) -> None:
        self._config = config
        home = Path(config.config_file_path).parent if config.config_file_path else Path()
        self._cache = home / cache_dir
        self._site = SiteFolder(Path(config.site_dir))
        self._record_file = self._cache / "sites" / digest_of(str(self._site.root.resolve()).encode())
        self._served = served
        self._record = served if served is not None else read_sealed(self._record_file) or {}
        self._now_ns = time.time_ns()
        self._made: dict[str, _Made] = {}
        self._current = _Made()
        self._there: dict[str, list[Any]] = {}
        self._stamps: dict[str, Stamp] = {}
        self._searched = 0
        self._elsewhere = 0
        self._navigated: set[str] = set()
        self._files = SparingFiles(())
        self._tails = Tails(config, self._files, False)
        self._heads = Heads(config, self._files)
        self._memory: Memory | None = None
        self._kept: dict[str, Remembered] = {}
        search = config.plugins.get("material/search")
        index = getattr(search, "search_index", None)
        self._index: list[dict[str, Any]] = getattr(index, "entries", [])

    def save_site(self) -> None:
        """Hide the last site from MkDocs, which would delete it."""
        self._site.set_aside()

    def take_files(self, files: Files) -> SparingFiles:
        """The same files, in a collection that can leave some out."""
        self._files = SparingFiles(files)
        search = self._config.plugins.get("material/search")
        self._tails = Tails(self._config, self._files, search is not None and search.config.enabled)
        self._heads = Heads(self._config, self._files)
        return self._files

    def choose(self, nav: Navigation) -> None:
        """Decide which pages and files of the last site are right, and bring them back."""
        read_ahead(nav)
        self._navigated = {page.file.src_uri for page in nav.pages}
        shown = digest_of(repr(outline(nav)).encode())
        self._memory = Memory(self._cache, digest_of(f"{configuration(self._config)} {shown}".encode()))
        wanted: dict[str, list[Any]] = {}
        for file in self._files:
            if not file.inclusion.is_included():
                continue
            if not file.is_documentation_page():
                stamp = self._stamp(file)
                if stamp:
                    wanted[file.dest_uri] = self._stamps[file.src_uri] = stamp
            elif self._stands_alone(file):
                known = self._memory.pages.get(file.src_uri)
                if known and self._is_same(file, known) and self._files.still_answers(known.looked_up):
                    self._kept[file.src_uri] = known
                    wanted[file.dest_uri] = [known.output]

        def is_right(path: str, stat: os.stat_result) -> bool:
            left = self._record.get(path)
            if left is None or left != [stamp_of(stat), wanted.get(path)]:
                return False
            self._there[path] = left
            return True

        self._site.bring_back(is_right)
        self._keep(wanted)
        self._make_at_once(nav)

    def read(self, page: Page) -> str | None:
        """The text of a page; None leaves it to MkDocs to read it, or to say why it cannot."""
        self._current = self._made[page.file.src_uri] = _Made()
        path = page.file.abs_src_path
        try:
            if path is None:
                return None
            stat = _stat(path)
            content = Path(path).read_bytes()
            text = content.decode("utf-8-sig")
        except (OSError, ValueError):
            return None
        if "\r" in text:
            return None
        self._current.source = digest_of(content)
        self._current.stamp = self._settled(stat)
        return text

    def before_rendering(self, page: Page, markdown: str) -> str:
        """The Markdown that is left without the blocks."""
        self._current.cut, self._current.tail = self._tails.part(cut_blocks(markdown))
        self._current.original = markdown
        self._files.looked_up = self._current.looked_up
        head = self._heads.render(page, self._current.cut)
        if head is not None:
            page.render = lambda config, files: head.hand_to(page)  # type: ignore[method-assign]
        return self._current.cut.markdown

    def after_rendering(self, page: Page, html: str) -> str:
        """The page's HTML, with a comment for each block; a page in which one has lost its place is made as usual."""
        vars(page).pop("render", None)
        whole = self._whole(page, html)
        if whole is None:
            page.markdown = self._current.original
            page.render(self._config, self._files)
            self._current.cut = None
            whole = page.content or ""
        html, self._current.original, self._current.tail = whole, "", None
        self._files.looked_up = None
        answers = self._current.looked_up.values()
        self._current.is_remarked = bool(_ABSOLUTE.search(html)) or any(not answer or answer[1] for answer in answers)
        return html

    def with_shells(self, env: jinja2.Environment) -> jinja2.Environment | ShellEnvironment:
        """The environment, with a short way for pages that are alike."""
        shown = [file.url for file in self._files.documentation_pages() if not self._stands_alone(file)]
        taken = {url.rpartition("/")[0] for url in shown}
        env.bytecode_cache = CompiledTemplates(self._cache / "templates")
        return ShellEnvironment(env, Shells(frozenset(taken))) if look_at_no_page(self._config) else env

    def before_search(self) -> None:
        """Note how much the search knows."""
        self._searched = len(self._index)

    def after_search(self, page: Page) -> None:
        """Put the blocks back, and remember what the search took."""
        made = self._made.get(page.file.src_uri)
        if made is not None:
            made.entries = self._index[self._searched :]
            if made.cut is not None:
                page.content = made.cut.put_back(page.content or "")
                made.cut = None

    def finish_page(self, page: Page, output: str) -> None:
        """Remember the page as MkDocs is about to write it."""
        made = self._made.get(page.file.src_uri)
        if made is not None:
            made.output = digest_of(output.encode("utf-8", "xmlcharrefreplace"))

    def add_kept(self) -> None:
        """Tell the search of the pages that were not made, each in its place, and check the links that they have."""
        entries: list[dict[str, Any]] = []
        for file in self._files.documentation_pages():
            kept, made = self._kept.get(file.src_uri), self._made.get(file.src_uri)
            entries += kept.entries if kept else made.entries if made else []
            if kept and file.page:
                file.page.validate_anchor_links(files=self._files, log_level=self._config.validation.links.anchors)
        if len(self._kept):
            self._index[:] = entries

    def finish(self) -> str:
        """Remember what was made; what to say of it."""
        if self._memory is None:
            return "nothing made"
        pages, record = dict(self._kept), dict(self._there)
        for file in self._files:
            made, source = self._made.get(file.src_uri), self._stamps.get(file.src_uri)
            known = self._remember(file, made) if made else None
            left: list[Any] | None = [known.output] if known else source
            if known:
                pages[file.src_uri] = known
            if left and file.dest_uri not in record:
                with contextlib.suppress(OSError):
                    record[file.dest_uri] = [_stamp_at(file.abs_dest_path), left]
        self._memory.write(pages)
        if self._served is not None:
            self._served.clear()
            self._served.update(record)
        elif record != self._record:
            write_sealed(self._record_file, record)
        made_now = len(self._made) + self._elsewhere
        damage = "; its cache was damaged and is made anew" if self._memory.is_damaged else ""
        return f"{made_now:,} pages made, {len(self._kept) - self._elsewhere:,} as they were{damage}"

    def give_up(self) -> None:
        """Leave nothing hidden in the site."""
        self._site.drop()

    def _whole(self, page: Page, html: str) -> str | None:
        """A page of which the parts have been rendered; None where they do not fit together."""
        cut, tail = self._current.cut, self._current.tail
        if cut is None or not cut.fits(html) or page.present_anchor_ids is None:
            return None
        page.present_anchor_ids |= cut.anchors()
        if tail is None:
            return html
        end, first = self._tails.render(page, tail.markdown), next(iter(page.toc), None)
        if end is None or first is None or not tail.fits(end.html) or end.anchors & page.present_anchor_ids:
            return None
        first.children = list(end.contents)
        page.present_anchor_ids |= end.anchors | tail.anchors()
        self._current.looked_up.update(end.looked_up)
        cut.blocks[-1] = tail.put_back(end.html)
        return html

    def _keep(self, wanted: dict[str, list[Any]]) -> None:
        """Bring pages that are not in the site from the cache, and have MkDocs leave out what is there."""
        assert self._memory is not None
        for file in self._files:
            if file.dest_uri not in wanted:
                continue
            is_there = file.dest_uri in self._there
            known = self._kept.get(file.src_uri)
            if known is None:
                if is_there:
                    self._files.kept_files.add(file.src_uri)
            elif is_there or self._memory.place(known.output, Path(file.abs_dest_path)):
                self._files.kept_pages.add(file.src_uri)
                self._revive(file, known)
                if not is_there:
                    self._there[file.dest_uri] = [_stamp_at(file.abs_dest_path), [known.output]]
            else:
                del self._kept[file.src_uri]

    def _make_at_once(self, nav: Navigation) -> None:
        """Have several processes make the pages that are not in the navigation, while this one copies files."""
        make, write = (getattr(build, name, None) for name in ("_populate_page", "_build_page"))
        if make is None or write is None or any(page.title is None for page in nav.pages):
            return
        inclusion = InclusionLevel.is_included
        pages = [file for file in self._files.documentation_pages(inclusion=inclusion) if self._stands_alone(file)]
        every = self._files.documentation_pages()
        env = self.with_shells(self._config.theme.get_env())

        def work(uri: str) -> Remembered | None:
            file = self._files.src_uris[uri]
            page = file.page
            if page is None:
                return None
            make(page, self._config, self._files)
            write(page, self._config, every, nav, env)
            page.markdown = page.content = None
            return self._remember(file, self._made.pop(uri))

        hands = Hands(work, [file.src_uri for file in pages])
        try:
            if hands.are_busy:
                self._copy()
            for uri, known in hands.results():
                file = self._files.src_uris[uri]
                self._kept[uri] = known
                self._elsewhere += 1
                self._there[file.dest_uri] = [_stamp_at(file.abs_dest_path), [known.output]]
                self._files.kept_pages.add(uri)
                self._revive(file, known)
        finally:
            hands.close()

    def _copy(self) -> None:
        """Copy the files that are no pages."""
        self._files.copy_static_files(inclusion=InclusionLevel.is_included)
        for file in self._files:
            if not file.is_documentation_page() and file.inclusion.is_included():
                self._files.kept_files.add(file.src_uri)

    def _revive(self, file: File, known: Remembered) -> None:
        """Tell the page of a file what MkDocs would know if it had made it."""
        if file.page is None:
            return
        file.page.present_anchor_ids = set(known.anchors)
        file.page.links_to_anchors = {
            target: links for uri, links in known.links.items() if (target := self._files.get_file_from_path(uri))
        }

    def _remember(self, file: File, made: _Made) -> Remembered | None:
        """What is kept of a page; None where it must be made again."""
        page = file.page
        if (
            page is None
            or not made.source
            or not made.output
            or made.is_remarked
            or page.links_to_anchors is None
            or not self._stands_alone(file)
        ):
            return None
        assert self._memory is not None
        if not self._memory.keep(made.output, Path(file.abs_dest_path)):
            return None
        links = {target.src_uri: anchors for target, anchors in page.links_to_anchors.items()}
        anchors = sorted(page.present_anchor_ids or ())
        return Remembered(made.source, made.stamp, made.output, made.entries, anchors, links, made.looked_up)

    def _stands_alone(self, file: File) -> bool:
        """Whether no other page shows anything of this one; `nav` may name a page that `not_in_nav` names as well."""
        return file.inclusion.is_not_in_nav() and file.src_uri not in self._navigated

    def _is_same(self, file: File, known: Remembered) -> bool:
        """Whether a page's source is what it was."""
        path = file.abs_src_path
        if path is None:
            return False
        try:
            stamp = self._settled(_stat(path))
            if stamp and stamp == known.stamp:
                return True
            if digest_of(Path(path).read_bytes()) != known.source:
                return False
        except OSError:
            return False
        known.stamp = stamp
        return True

    def _stamp(self, file: File) -> Stamp | None:
        """What a file to be copied is known by; None where that proves nothing."""
        if file.abs_src_path is None:
            return None
        try:
            return self._settled(_stat(file.abs_src_path))
        except OSError:
            return None

    def _settled(self, stat: os.stat_result) -> Stamp | None:
        return stamp_of(stat) if stat.st_mtime_ns < self._now_ns - _FRESH_NS else None


def _stat(path: str) -> os.stat_result:
    return os.stat(path)  # noqa: PTH116 for every file of the site: Path is made for none


def _stamp_at(path: str) -> Stamp:
    return stamp_of(_stat(path))
