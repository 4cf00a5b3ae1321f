"""Blocks of HTML in a page's Markdown that need no Markdown, and that the search does not read.

Nearly all of a run's page is such HTML. Python-Markdown, MkDocs and the search would each parse every tag of it, to
pass it on as it is or to skip it. Here a block is exchanged for a comment of a few characters, and comes back when the
others have done their work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

_START = re.compile(r"(?:\A|\n\n)\n*<(section|div|p|figure|dl|ol|ul|details|table|blockquote)(?=[ >])([^<>]*)>")
_TAG = re.compile(r'<(/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s+[a-zA-Z][a-zA-Z0-9:_-]*(?:="[^"<>]*")?)*\s*(/?)>')
_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
_ID = re.compile(r'\sid="([^"]*)"')
_NAME = re.compile(r'<a\s[^>]*?\bname="([^"]*)"')
HEADING = r"^[ \t>*+:0-9.-]*#.*$|^(?:=+|-+)[ \t]*$"
"""A line that makes a heading, maybe in a list or a quotation."""
_HEADING = re.compile(rf"<h[1-6]\b|{HEADING}", re.MULTILINE)
EXCLUDED = r".*\{[^{}\n]*\bdata-search-exclude\b[^{}\n]*\}[ \t]*"
"""What follows the marks of a heading that the search skips, with everything below it."""
_EXCLUDED = re.compile(rf"#{EXCLUDED}")
_BLANKS = re.compile(r"\n[ ]+\n")
_UNCUT = ("\t", "\r", "\x02", "\x03", "```", "~~~", "<!--")
"""What something else than a parser of HTML would change, or look for."""
_MARKDOWN = re.compile(r"<[^<>]*\smarkdown[\s=/>]", re.IGNORECASE)
"""A tag with whose help a person has Markdown in HTML rendered."""
_VOID = {"br", "hr", "img", "input", "source", "wbr"}
PLACE = re.compile(r"<!--runsum ([0-9]+)-->")
"""What stands in the place of a block."""


@dataclass(slots=True)
class Cut:
    """A page without its blocks.

    Attributes:
        markdown: what is left, with a comment in the place of each block.
        blocks: what was taken out, in order.
    """

    markdown: str
    blocks: list[str] = field(default_factory=list)

    def anchors(self) -> set[str]:
        """Names within the blocks that a link can lead to."""
        found = [name for block in self.blocks for name in _ID.findall(block)]
        found += [name for block in self.blocks if ' name="' in block for name in _NAME.findall(block)]
        return set(map(unescape, found))

    def fits(self, html: str) -> bool:
        """Whether every block has its place in what was made of the Markdown."""
        return [int(number) for number in PLACE.findall(html)] == list(range(len(self.blocks)))

    def put_back(self, html: str) -> str:
        """What was made of the Markdown, with the blocks in their places."""
        return PLACE.sub(lambda found: self.blocks[int(found[1])], html)


def cut_blocks(markdown: str) -> Cut:
    """Take out the blocks that Python-Markdown passes on as they are and that the search skips.

    None of them where a tag is left open anywhere: Markdown and the search read all that follows as if it stood in it.

    Args:
        markdown: a page without its front matter.
    """
    is_special = any(mark in markdown for mark in ("<!--runsum", "```", "~~~")) or _holds_markdown(markdown)
    if not markdown.startswith("# ") or is_special:
        return Cut(markdown)
    cut = _cut(markdown, below_headings=True)
    if not is_closed(cut.markdown):
        return Cut(markdown)
    parts = re.split(rf"^#{EXCLUDED}$", cut.markdown, flags=re.MULTILINE)
    return cut if all(is_closed(part) for part in parts[:-1]) else _cut(markdown, below_headings=False)


def _cut(markdown: str, below_headings: bool) -> Cut:
    cut = Cut("")
    rest: list[str] = []
    done = 0
    for start, end in _find_blocks(markdown, below_headings):
        rest += [markdown[done:start], f"<!--runsum {len(cut.blocks)}-->"]
        cut.blocks.append(markdown[start:end])
        done = end
    rest.append(markdown[done:])
    cut.markdown = "".join(rest)
    return cut


def is_closed(text: str) -> bool:
    """Whether every tag in a text is closed in it, in order, so that what follows stands in none of them."""
    tags = _TAG.findall(text)
    return len(tags) == text.count("<") - len(PLACE.findall(text)) and _are_closed(tags)


def _are_closed(tags: list[tuple[str, str, str]]) -> bool:
    opened: list[str] = []
    for end, name, empty in tags:
        if end:
            if not opened or opened.pop() != name:
                return False
        elif not empty and name not in _VOID:
            opened.append(name)
    return not opened


def is_block(text: str) -> bool:
    """Whether a text is one block of HTML that every parser passes on as it is, whoever may read it."""
    found = _START.match(text)
    return (
        found is not None
        and _end_of(text, 0, found[1]) == len(text)
        and _passes_unchanged(text)
        and not _holds_markdown(text)
    )


def _holds_markdown(text: str) -> bool:
    return "markdown" in text.lower() and _MARKDOWN.search(text) is not None


def _find_blocks(markdown: str, below_headings: bool) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends, in order; those that are skipped because of their heading, if wanted."""
    place, is_skipped, headings = 0, False, 0
    while found := _START.search(markdown, place):
        start = markdown.index("<", found.start())
        name, attributes = found[1], found[2]
        for heading in _HEADING.finditer(markdown, headings, start):
            is_skipped = below_headings and bool(_EXCLUDED.fullmatch(heading[0]))
        headings = start
        end = _end_of(markdown, start, name)
        if end is None:
            place = found.end()
            continue
        block = markdown[start:end]
        nested = block.count(f"<{name}") > 1  # the search would read on after the first of the closing tags
        is_unread = is_skipped or ("data-search-exclude" in attributes and not nested)
        if is_unread and _passes_unchanged(block):
            yield start, end
            headings = end
        place = end


def _end_of(markdown: str, start: int, name: str) -> int | None:
    """Where the element that starts there ends; None unless a blank line follows."""
    depth = 0
    for tag in re.compile(rf"<(/?){name}(?=[ >])[^<>]*>").finditer(markdown, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            after = markdown[tag.end() : tag.end() + 2]
            return tag.end() if after in ("\n\n", "\n", "") else None
    return None


def _passes_unchanged(block: str) -> bool:
    """Whether every parser of HTML reads the block alike, and none of them, nor Markdown, alters it."""
    tags = _TAG.findall(block)
    return (
        len(tags) == block.count("<") == block.count(">")
        and _are_closed(tags)
        and len(_ENTITY.findall(block)) == block.count("&")
        and not any(mark in block for mark in _UNCUT)
        and not _BLANKS.search(block)
        and not re.search(r'data-search-\w+="', block)
        and not re.search(r"<h[1-6]\b", block)
    )
