"""The end of a page, which is the same on many: headings with nothing but blocks of HTML below them.

Once the blocks are out, the nine sections of a run's page are the same eleven headings and three links on all pages.
They are rendered once.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mkdocs.structure.toc import AnchorLink

from runsum.assembly.blocks import EXCLUDED, HEADING, PLACE, Cut, is_closed

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

    from runsum.assembly.files import Answer, SparingFiles

_BEGINNING = re.compile(rf"^##[ \t]{EXCLUDED}$", re.MULTILINE)
_HEADING = re.compile(HEADING, re.MULTILINE)
_READ = re.compile(rf"#{{2,6}}[ \t]{EXCLUDED}")
_FAR_REACHING = re.compile(r"<h[1-6]\b|^[ ]{0,3}\*?\[[^\]\n]*\]:|\[\^|\[TOC\]|```|~~~", re.MULTILINE)
"""What may change, or name, something in another part of the page: definitions, footnotes."""
_NAMED = re.compile(r"\{:?[^}\n]*#")
"""A name of one's own: in the end it is one more anchor; before it, headings of the end may have to make way."""
_LINK = re.compile(r"\]\(([^)]*)\)|\]\[|\]\s*$|<[a-z]+:", re.MULTILINE)
_SEARCH = re.compile(r"\s?data-search-\w+=\"[^\"]+\"")
"""What Material's search takes out of a page when it has read it."""
_MOST = 200


@dataclass(slots=True)
class Tail:
    """The end of a page as it is rendered.

    Attributes:
        html: with comments in the places of its blocks.
        contents: its part of the table of contents.
        anchors: names in it that a link can lead to.
        looked_up: the files that its links ask for.
    """

    html: str
    contents: list[AnchorLink]
    anchors: frozenset[str]
    looked_up: dict[str, Answer]


class Tails:
    """The ends of the pages of one build.

    Args:
        config: what mkdocs.yml says.
        files: all files, to resolve links.
        is_searched: whether the search reads the pages.
    """

    def __init__(self, config: MkDocsConfig, files: SparingFiles, is_searched: bool) -> None:
        self._config = config
        self._files = files
        self._is_searched = is_searched
        self._known: dict[tuple[str, str], Tail | None] = {}

    def part(self, cut: Cut) -> tuple[Cut, Cut | None]:
        """A page in two: what is its own, with a last block for the end, and an end that may be like others'.

        None where there is no such end.
        """
        text = cut.markdown
        found = _BEGINNING.search(text)
        if found is None:
            return cut, None
        head, tail = text[: found.start()], text[found.start() :]
        headings = _HEADING.findall(head)
        is_apart = (
            len(headings) == 1
            and headings[0].startswith("# ")
            and text.startswith("# ")
            and head.endswith("\n\n")
            and not _FAR_REACHING.search(text)
            and not _NAMED.search(head)
            and is_closed(head)
            and is_closed(tail)
            and all(_READ.fullmatch(heading) for heading in _HEADING.findall(tail))
            and all((link[1] or "").startswith("../") and "#" not in link[1] for link in _LINK.finditer(tail))
        )
        if not is_apart:
            return cut, None
        count = len(PLACE.findall(head))
        tail = PLACE.sub(lambda place: f"<!--runsum {int(place[1]) - count}-->", tail)
        return Cut(f"{head}<!--runsum {count}-->", [*cut.blocks[:count], ""]), Cut(tail, cut.blocks[count:])

    def render(self, page: Page, markdown: str) -> Tail | None:
        """The end of a page; None where it must be rendered with the rest of it."""
        folder = page.file.src_uri.rpartition("/")[0].rpartition("/")[0]  # the links are the same from folders in it
        if (folder, markdown) not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[folder, markdown] = self._make(page, markdown)
        return self._known[folder, markdown]

    def _make(self, page: Page, markdown: str) -> Tail | None:
        part = copy.copy(page)
        part.markdown = markdown
        before, self._files.looked_up = self._files.looked_up, {}
        part.render(self._config, self._files)
        looked_up, self._files.looked_up = self._files.looked_up, before
        is_remarked = any(not answer or answer[1] for answer in looked_up.values())
        if is_remarked or part.links_to_anchors or part.present_anchor_ids is None:
            return None
        html = part.content or ""
        if self._is_searched:
            html = _SEARCH.sub("", html)
        return Tail(html, list(part.toc), frozenset(part.present_anchor_ids), looked_up)
