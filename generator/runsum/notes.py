"""A person's own notes: notes/<run_id>.md becomes a block of safe HTML on the page of the run."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from markupsafe import Markup

from runsum.errors import ConfigError
from runsum.formatting import escape_markdown
from runsum.frozen import frozen
from runsum.redact.redactor import Redactor

_TAGS = {
    "p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "h1", "h2", "h3", "h4", "br", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
_MAX_BYTES = 200_000
_MAX_LINKS = 500
_MORE = 4_000  # looked at for secrets: one may lie across the cut


@frozen
class Notes:
    """What people wrote.

    Attributes:
        blocks: safe HTML by run id.
        garbled: files that are no text as far as can be told.
    """

    blocks: dict[str, Markup]
    garbled: tuple[Path, ...] = ()


def read_notes(folder: Path, run_ids: frozenset[str], keep: Redactor | None = None) -> Notes:
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
    blocks: dict[str, Markup] = {}
    garbled: list[Path] = []
    for file in _files(folder):
        if file.stem in run_ids and file.is_file():
            try:
                with file.open("rb") as stream:
                    content = stream.read(_MAX_BYTES + _MORE)
            except OSError as error:
                raise _unreadable(file, error) from error
            text, is_whole = _decoded(content)
            if not is_whole:
                garbled.append(file)
            blocks[file.stem] = _safe_block(keep.text(text, "notes", "text")[:_MAX_BYTES])
    return Notes(blocks, tuple(garbled))


def _decoded(content: bytes) -> tuple[str, bool]:
    """Text of UTF-8, or of UTF-16 that begins with its mark, and whether there was nothing else in it."""
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content), True  # the last letter may be cut off
    except UnicodeDecodeError:
        return content.decode(encoding, "replace"), False


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
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
