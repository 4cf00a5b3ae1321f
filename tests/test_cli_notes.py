"""What the command makes of a person's notes."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

import markdown
import pytest

from support.cli import ONE, build, make, typed
from support.expect import AS_OF

NOTE = """# What I saw

It **learned** to [tunnel](https://example.org/tunnel). <script>alert(1)</script> <img src=x onerror=alert(2)>

- [bad](javascript:alert(3)) and <a href="java&#115;cript:alert(4)" onclick="alert(5)">worse</a>
- {: .rs-hidden onclick=alert(6) } and {{ 7 * 7 }} and [TOC] and <div markdown="1">*x*</div>

```
first line
  second line
```

<iframe src="https://evil.example"></iframe><style>body { display: none }</style></div></div>

| a | b |
|---|---|
| 1 | 2 |
"""


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_with(work: Path, note: str) -> Tags:
    """The page of a run with a note, as Markdown makes it."""
    make(work / "ml_experiments.db", ONE)
    (work / "notes").mkdir(exist_ok=True)
    (work / "notes" / f"{ONE}.md").write_text(note, encoding="utf-8")
    build()
    text = (work / "docs" / "runs" / ONE / "index.md").read_text(encoding="utf-8").partition("---\n\n")[2]
    extensions = ["tables", "attr_list", "toc", "admonition", "footnotes", "abbr", "md_in_html", "fenced_code"]
    return Tags(markdown.markdown(text, extensions=extensions))


def test_a_note_stands_on_the_page_of_its_run(work: Path) -> None:
    """Words, emphasis, links, lists, code and tables of a person's Markdown."""
    page = page_with(work, NOTE)
    assert "What I saw" in page.text
    assert "first line\n  second line" in page.text
    assert ("a", {"href": "https://example.org/tunnel", "rel": "noopener noreferrer"}) in page.tags


def test_a_note_brings_nothing_that_runs(work: Path) -> None:
    """No script, no handler, no frame, no style, no link but to the web and the mail."""
    page = page_with(work, NOTE)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "style", "img", "object", "form"}
    assert not [attribute for _, attrs in page.tags for attribute in attrs if attribute.startswith("on")]
    assert not [attrs for _, attrs in page.tags if "script:" in (attrs.get("href") or "")]
    assert "alert(1)" not in page.text


def test_a_note_does_not_break_out_of_its_box(work: Path) -> None:
    """The page has the sections it has without the note, and the note's own marks stay text."""
    page, plain = page_with(work, NOTE), page_with(work, "x")
    assert [t for t, _ in page.tags].count("h2") == [t for t, _ in plain.tags].count("h2")
    assert [t for t, _ in page.tags].count("div") == [t for t, _ in plain.tags].count("div")
    assert "{: .rs-hidden onclick=alert(6) } and {{ 7 * 7 }} and [TOC]" in page.text


def test_notes_of_nobody_are_left_alone(work: Path) -> None:
    """A file that names no run changes no page, and is not touched itself."""
    make(work / "ml_experiments.db", ONE)
    written = build()["written"]
    (work / "notes").mkdir()
    (work / "notes" / "shopping.md").write_text("milk")
    report = build()
    assert (report["written"], report["unchanged"]) == (0, written)
    assert (work / "notes" / "shopping.md").read_text() == "milk"


def test_a_changed_note_changes_one_page(work: Path) -> None:
    """Only the page of its run is written again, and the data of the finder, which looks into notes."""
    page_with(work, "first")
    (work / "notes" / f"{ONE}.md").write_text("second")
    assert build()["written"] == 2
    assert "second" in (work / "docs" / "runs" / ONE / "index.md").read_text()


def test_a_mark_at_the_beginning_of_a_file_is_no_text(work: Path) -> None:
    """Editors on Windows write it, and a heading would be none behind it."""
    assert "h4" in [tag for tag, _ in page_with(work, "\ufeff# Seen").tags]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_a_note_of_an_editor_on_windows_is_read(work: Path, encoding: str) -> None:
    """UTF-16 with its mark, as Notepad calls it Unicode; nothing is warned of."""
    make(work / "ml_experiments.db", ONE)
    (work / "notes").mkdir()
    (work / "notes" / f"{ONE}.md").write_bytes("Überschoss, then *settled*".encode(encoding))
    assert build()["remarks"] == []
    page = (work / "docs" / "runs" / ONE / "index.md").read_text(encoding="utf-8")
    assert "<p>Überschoss, then <em>settled</em></p>" in page


def test_a_note_in_another_encoding_is_told(work: Path) -> None:
    """Which file, and what to do; again where nothing else has changed, and no more when it is right."""
    make(work / "ml_experiments.db", ONE)
    (work / "notes").mkdir()
    note = work / "notes" / f"{ONE}.md"
    note.write_bytes("Überschoss".encode("latin-1"))
    said = f"warning: notes/{ONE}.md is not UTF-8: letters that cannot be read are shown as \ufffd. Save it as UTF-8\n"
    assert typed("build", "--as-of", AS_OF).stderr.endswith(said)
    assert typed("build", "--as-of", AS_OF).stderr == said
    note.write_text("Überschoss", encoding="utf-8")
    assert typed("build", "--as-of", AS_OF).stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="a file that cannot be read, whoever asks, is found on Linux")
def test_a_note_that_cannot_be_read_is_one_line(work: Path) -> None:
    """The build ends before it changes anything, and `runsum watch` goes on after such a line."""
    make(work / "ml_experiments.db", ONE)
    (work / "notes").mkdir()
    (work / "notes" / f"{ONE}.md").symlink_to("/proc/self/mem")
    done = typed("build")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"runsum: notes/{ONE}.md: cannot be read: ")
    assert done.stderr.count("\n") == 1
