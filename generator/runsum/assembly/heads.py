"""The beginning of a page, when it is a heading of plain words and nothing but HTML.

That is what is left of a run's page without its blocks and its end. Python-Markdown takes more time to get ready than
to convert it; here it is written down as Python-Markdown writes it.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown.extensions.toc import slugify
from mkdocs.structure.toc import AnchorLink, get_toc

from runsum.assembly.blocks import PLACE, Cut, is_block

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

    from runsum.assembly.files import SparingFiles

_WORD = r"[^\W_](?:[^\W_]|-(?=[^\W_]))*"
_WORDS = rf"{_WORD}(?: (?:· )?{_WORD})*"
_HEADING = re.compile(rf"# ({_WORDS}) <small>({_WORDS})</small>")
"""Words in which no rule of Markdown finds anything."""
_EXTENSIONS = {"attr_list", "fenced_code", "md_in_html", "tables", "toc"}
"""With others, words may mean something."""
_TRIED = 2
"""So many pages are rendered by Python-Markdown as well, and compared."""


@dataclass(slots=True)
class Head:
    """The beginning of a page as it is rendered."""

    html: str
    contents: list[AnchorLink]
    anchors: set[str]

    def hand_to(self, page: Page) -> None:
        """Give a page what MkDocs would have made."""
        page.content = self.html
        page.toc = get_toc([])
        page.toc.items = self.contents
        page.present_anchor_ids = self.anchors
        page.links_to_anchors = {}


class Heads:
    """The beginnings of the pages of one build.

    Args:
        config: what mkdocs.yml says.
        files: all files.
    """

    def __init__(self, config: MkDocsConfig, files: SparingFiles) -> None:
        self._config = config
        self._files = files
        self._tried = 0
        self._is_usual = set(config.markdown_extensions) <= _EXTENSIONS and not any((config.mdx_configs or {}).values())

    def render(self, page: Page, cut: Cut) -> Head | None:
        """The beginning of a page; None where it is more than words and HTML."""
        if not self._is_usual or not isinstance(page.meta.get("title"), str):
            return None
        head = _write(cut)
        if head is not None and self._tried < _TRIED:
            self._is_usual = self._is_usual and self._is_right(page, cut, head)
            self._tried += 1
            return head if self._is_usual else None
        return head

    def _is_right(self, page: Page, cut: Cut, head: Head) -> bool:
        usual = copy.copy(page)
        usual.markdown = cut.markdown
        usual.render(self._config, self._files)
        mine = copy.copy(page)
        head.hand_to(mine)
        return (usual.content, str(usual.toc), usual.present_anchor_ids) == (
            mine.content,
            str(mine.toc),
            mine.present_anchor_ids,
        )


def _write(cut: Cut) -> Head | None:
    first, _, rest = cut.markdown.partition("\n\n")
    words = _HEADING.fullmatch(first)
    parts = re.split(r"\n\n+", rest.strip("\n"))
    if words is None or not all(PLACE.fullmatch(part) or is_block(part) for part in parts):
        return None
    name = f"{words[1]} {words[2]}"
    anchor = slugify(name, "-")
    anchors = Cut("", parts).anchors()
    if not anchor or anchor in anchors:
        return None
    contents = get_toc([{"level": 1, "id": anchor, "name": name, "children": []}])
    html = f'<h1 id="{anchor}">{words[1]} <small>{words[2]}</small></h1>\n' + "\n\n".join(parts)
    return Head(html, list(contents), {anchor, *anchors})
