"""A person's own notes: notes/<run_id>.md becomes a block of safe HTML on the page of the run."""

from __future__ import annotations

import re
from pathlib import Path

import markdown
import nh3
from markupsafe import Markup

_TAGS = {
    "p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "h1", "h2", "h3", "h4", "br", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
_MAX_BYTES = 200_000


def read_notes(folder: Path, run_ids: frozenset[str]) -> dict[str, Markup]:
    """Notes by run id; files that belong to no run are left alone.

    The Markdown may use paragraphs, lists, tables, code and links; everything else of HTML is taken out.
    """
    notes: dict[str, Markup] = {}
    if not folder.is_dir():
        return notes
    for file in sorted(folder.glob("*.md")):
        if file.stem in run_ids and file.is_file():
            text = file.read_bytes()[:_MAX_BYTES].decode("utf-8", "replace")
            notes[file.stem] = _safe_block(text)
    return notes


def _safe_block(text: str) -> Markup:
    html = nh3.clean(
        markdown.markdown(text, extensions=["tables", "fenced_code"]),
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
    )
    html = re.sub(r"<(/?)h[1-4]>", r"<\1h4>", html)  # the page keeps its own outline
    html = re.sub(r"<pre>.*?</pre>", lambda match: match.group().replace("\n", "&#10;"), html, flags=re.DOTALL)
    html = " ".join(html.split("\n"))
    # one line, and nothing that a Markdown extension of the site could take for its own
    return Markup(html.replace("{", "&#123;").replace("}", "&#125;").replace("[", "&#91;").replace("`", "&#96;"))
