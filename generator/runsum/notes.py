"""A person's own notes: notes/<run_id>.md becomes a block of safe HTML on the page of the run."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup

from runsum.errors import ConfigError
from runsum.formatting import escape_markdown
from runsum.redact.redactor import Redactor

_TAGS = {
    "p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "h1", "h2", "h3", "h4", "br", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
_MAX_BYTES = 200_000
_MAX_LINKS = 500
_MORE = 4_000  # looked at for secrets: one may lie across the cut


def read_notes(folder: Path, run_ids: frozenset[str], keep: Redactor | None = None) -> dict[str, Markup]:
    """Notes by run id; files that belong to no run are left alone.

    The Markdown may use paragraphs, lists, tables, code and links; everything else of HTML is taken out.

    Args:
        folder: where they lie.
        run_ids: of the archive.
        keep: takes out what must not be published; None: by the standard rules.

    Raises:
        ConfigError: the folder or a note cannot be read.
    """
    keep = keep or Redactor()
    notes: dict[str, Markup] = {}
    if not folder.is_dir():
        return notes
    for file in _files(folder):
        if file.stem in run_ids and file.is_file():
            try:
                with file.open("rb") as stream:
                    text = stream.read(_MAX_BYTES + _MORE).decode("utf-8-sig", "replace")
            except OSError as error:
                raise _unreadable(file, error) from error
            notes[file.stem] = _safe_block(keep.text(text, "notes", "text")[:_MAX_BYTES])
    return notes


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".md")
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"cannot be read: {error.strerror}", "Check its permissions, or move it away", place=path)


def _safe_block(text: str) -> Markup:
    if text.count("[") > _MAX_LINKS:  # Python-Markdown looks for the end of each; the time grows with their square
        return Markup("<p>{}</p>").format(Markup(escape_markdown(text)))
    import markdown  # most archives have no notes, and it takes as long to load as a page to make
    import nh3

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
