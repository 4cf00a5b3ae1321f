"""Hostile text in files and on the terminal: each format holds it as text, and no name is one that a system refuses."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from runsum.downloads import table_csv
from runsum.formatting import clean_text
from support.cli import make
from support.expect import AS_OF
from support.hostile import CORPUS, SIGN, Hostile
from support.hostile_archive import EVERYTHING, LEGS, TABLES, HostileArchive, hostile_archive, plain_id
from support.rows import add_run
from support.schema import database

__all__ = ["hostile_archive"]  # a fixture

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*[A-Za-z0-9]")
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CONTENT_TAGS = {
    "a", "article", "b", "blockquote", "br", "button", "circle", "code", "dd", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "g", "h1", "h2", "h3", "h4", "hr", "input", "label", "li", "line", "noscript", "ol",
    "option", "p", "path", "polyline", "pre", "rect", "section", "select", "small", "span", "strong", "sub", "summary",
    "sup", "svg", "table", "tbody", "td", "text", "th", "thead", "time", "title", "tr", "ul", "video", "nav",
}  # fmt: skip
FEED_TAGS = {
    "feed", "title", "link", "updated", "id", "entry", "category", "summary", "author", "name", "subtitle",
}  # fmt: skip


def test_the_corpus_is_as_large_as_it_says() -> None:
    """More than 60 texts, all different, each found by a word of its own unless it has none."""
    assert len({hostile.stored for hostile in CORPUS}) == len(CORPUS) > 140
    marked = [hostile for hostile in CORPUS if hostile.marker]
    assert len(marked) > 110
    assert all(hostile.marker in hostile.text for hostile in marked)
    markers = [hostile.marker for hostile in marked]
    assert not [one for one in markers for other in markers if one != other and one in other]


def test_every_text_column_holds_the_corpus(hostile_archive: HostileArchive) -> None:
    """Straight from the database: each text stands in each text column that nothing else depends on."""
    kept = {"status", "start_time", "axes_name"}
    with closing(sqlite3.connect(hostile_archive.work / "one.db")) as con:
        con.text_factory = bytes
        for table in TABLES:
            for row in con.execute(f"PRAGMA table_info({table})").fetchall():
                column, kind = row[1].decode(), row[2].decode().upper()
                if (
                    kind != "TEXT"
                    or column in kept
                    or column.endswith(("_json", "_id", "_at"))
                    or column == "axes_name"
                ):
                    continue
                values = [value for (value,) in con.execute(f"SELECT {column} FROM {table}") if value is not None]
                lacking = [h.name for h in CORPUS if not any(h.stored in value for value in values)]
                assert not lacking or column in ("end_time", "state_data", "notes"), (table, column, lacking)


# ---------------------------------------------------------------- pages


class Content(HTMLParser):
    """Tags and attributes between header and footer of a page that are none of ours; and the shapes of its tables."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.depth = 0
        self.odd: list[str] = []
        self.tables: list[list[int]] = []
        self.feed(page.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "article"
        given = {name: value or "" for name, value in attrs}
        if any(name.startswith("on") for name in given) or re.match(
            r"\s*(javascript|vbscript|data):", given.get("href", "") + given.get("src", ""), re.IGNORECASE
        ):
            self.odd.append(f"<{tag} {given}>")
        if not self.depth:
            return
        if tag not in CONTENT_TAGS:
            self.odd.append(f"<{tag} {given}>")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append(0)
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self.tables[-1][-1] += int(given.get("colspan") or 1)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "article"

    def handle_comment(self, data: str) -> None:
        if self.depth and data.strip():
            self.odd.append(f"<!--{data[:80]}")

    def handle_pi(self, data: str) -> None:
        self.odd.append(f"<?{data[:80]}")


def test_no_page_has_markup_of_the_data(hostile_archive: HostileArchive) -> None:
    """Read by another parser than the browser's: only our elements, no handler, and each table is a rectangle."""
    site = hostile_archive.site("mkdocs")
    for page in sorted(site.rglob("*.html")):
        content = Content(page)
        assert not content.odd, (page.relative_to(site), content.odd[:5])
        assert not [rows for rows in content.tables if len(set(rows)) > 1], page.relative_to(site)


def test_the_front_matter_holds_titles(hostile_archive: HostileArchive) -> None:
    """Each page's head is YAML with nothing in it but what the template wrote, and the name as its title."""
    docs = hostile_archive.docs
    for page in sorted(docs.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert text.lstrip().startswith("---\n"), page
        head = yaml.safe_load(text.lstrip().split("\n---\n")[0].removeprefix("---\n"))
        assert set(head) <= {"title", "description", "hide", "search", "preload"}, page
        for words in (head.get("title", ""), head["description"]):
            assert isinstance(words, str)
            assert not UNSEEN.search(html.unescape(words)), page
    for run_id, slug in sorted(hostile_archive.slugs.items()):
        head = (docs / "runs" / slug / "index.md").read_text(encoding="utf-8").lstrip().split("\n---\n")[0]
        title = html.unescape(yaml.safe_load(head.removeprefix("---\n"))["title"])
        assert clean_text(run_id)[:40].strip() in title, run_id


def test_a_page_says_the_words_of_a_name(hostile_archive: HostileArchive) -> None:
    """The text of a run's page holds every readable text of its row as it was written."""
    for place, hostile in enumerate(CORPUS):
        page = (hostile_archive.docs / "runs" / plain_id(place) / "index.md").read_text(encoding="utf-8")
        assert clean_text(hostile.read)[:60].strip() in html.unescape(page), hostile.name


# ---------------------------------------------------------------- data


def script(file: Path) -> tuple[str, Any]:
    """The key and the data of a script as a browser reads it: an object literal in which no key makes a prototype."""
    text = file.read_text(encoding="utf-8")
    found = re.fullmatch(r'\(window\.runsumData=window\.runsumData\|\|\{\}\)\["([^"]+)"\]=(.*);\n', text, re.DOTALL)
    assert found, file
    literal = found[2]
    assert not re.search("[<>&\u2028\u2029]", literal), file
    assert not re.search(r'(?<!\\)"__proto__":', literal), f"{file}: a key that would set a prototype"
    return found[1], json.loads(re.sub(r'\["__proto__"\]:', '"__proto__":', literal))


def test_scripts_hold_the_texts(hostile_archive: HostileArchive) -> None:
    """Every data script parses, and what it holds are the texts, not one lost and none with a control character."""
    docs = hostile_archive.docs
    files = [*docs.glob("runs/*/*.js"), *docs.glob("*/*/data.js"), docs / "data" / "runs.js"]
    assert len(files) > 4 * len(CORPUS)
    for file in sorted(set(files)):
        script(file)
    _, table = script(docs / "data" / "runs.js")
    names = next(column for column in table["columns"] if column["name"] == "name")
    told = " ".join(map(str, names.get("values") or names["distinct"]))
    assert not [hostile.name for hostile in CORPUS if hostile.marker not in told]
    assert not UNSEEN.search(json.dumps(table, ensure_ascii=False))
    _, facts = script(docs / "runs" / EVERYTHING / "facts.js")
    assert {"__proto__", "constructor", "toString", "row", "learning_rate"} <= set(facts["config"])


def test_documents_hold_the_texts(hostile_archive: HostileArchive) -> None:
    """run.json is the run as it is stored: the name of every run comes back letter by letter."""
    for place, hostile in enumerate(CORPUS):
        document = json.loads((hostile_archive.docs / "runs" / plain_id(place) / "run.json").read_text("utf-8"))
        name = document["summary"]["custom_name_or_leg"]
        assert name == (hostile.read if hostile.read.strip() else name), hostile.name
        assert document["run_id"] == plain_id(place)
        assert (document["lineage"]["parent"] is None) == (place % LEGS == 0), "a run called None is nobody's parent"
    assert {hostile.read for hostile in CORPUS if hostile.read.strip()} <= set(hostile_archive.slugs)


def test_the_table_runs_no_formula(hostile_archive: HostileArchive) -> None:
    """No cell of the CSV begins as a formula does; without the apostrophe it is the text again."""
    text = (hostile_archive.docs / "data" / "runs.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text.replace("\x00", "")), strict=True))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 1 + len(hostile_archive.slugs)
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA) and not _is_number(cell)]
    assert any(row[0].startswith("'=CMD|") for row in rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("hostile", CORPUS, ids=lambda hostile: hostile.name)
def test_a_cell_is_one_cell(hostile: Hostile) -> None:
    """Read by any reader of CSV, a text is one cell, harmless to a spreadsheet and readable."""
    rows = list(csv.reader(io.StringIO(table_csv(["a", "b"], [[hostile.read, 1]]).decode()), strict=True))
    assert [len(row) for row in rows] == [2, 2]
    cell = rows[1][0]
    assert not cell.startswith(FORMULA)
    assert hostile.marker in cell
    assert "\x1b" not in cell


def test_the_feed_is_xml(hostile_archive: HostileArchive) -> None:
    """A strict reader takes it, nothing but the elements of a feed is in it, and titles are names."""
    feed = ElementTree.fromstring((hostile_archive.docs / "feed.xml").read_bytes())
    atom = "{http://www.w3.org/2005/Atom}"
    tags = Counter(node.tag.removeprefix(atom) for node in feed.iter())
    assert set(tags) <= FEED_TAGS
    assert tags["entry"] == 50
    for node in feed.iter():
        assert node.tag != f"{atom}link" or not re.match(r"(?i)\s*(javascript|data):", node.get("href", ""))
        assert not UNSEEN.search(node.text or "")


# ---------------------------------------------------------------- names of files


def test_every_file_name_is_safe(hostile_archive: HostileArchive) -> None:
    """Whatever a run, a game or a video is called: names that Windows and macOS bear, and no two that are one there."""
    work = hostile_archive.work
    names = [path.relative_to(hostile_archive.docs) for path in hostile_archive.docs.rglob("*")]
    for path in names:
        if path.parts[0].startswith(".") or path.parts[0] == "assets":
            continue
        folder = (hostile_archive.docs / path).is_dir()
        assert (SLUG if folder else FILE).fullmatch(path.name), path
        assert len(path.name) <= 80, path
        assert path.stem.casefold() not in RESERVED, path
    assert len({str(path).casefold() for path in names}) == len(names)
    own = {"one.db", "runsum.yml", "mkdocs.yml", "project", "notes", "docs"}
    assert {path.name for path in work.iterdir() if not re.search(r"(online|offline)|\.json$", path.name)} == own


# ---------------------------------------------------------------- the terminal

HOSTILE_FILE = "[bold]\x1b]0;owned\x07 [red] \x9b31m \u202e.db"
ESCAPES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]")


def test_what_a_build_says_has_no_escape_codes(hostile_archive: HostileArchive) -> None:
    """Its report of the hostile archive."""
    said = hostile_archive.said()
    assert said.returncode == 0, said.stderr.decode()
    assert not ESCAPES.search((said.stdout + said.stderr).decode("utf-8"))
    assert b"Traceback" not in said.stderr


def said_on_a_terminal(work: Path, *words: str) -> tuple[int, str]:
    """What a command prints where both streams are a terminal."""
    pty = pytest.importorskip("pty", reason="Windows has other terminals")
    ours, theirs = pty.openpty()
    env = os.environ | {"PYTHONUTF8": "1", "TERM": "xterm", "COLUMNS": "200"}
    words = (sys.executable, "-m", "runsum", *words)
    running = subprocess.Popen(words, cwd=work, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    told = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        told += piece
    os.close(ours)
    return running.wait(timeout=120), told.decode("utf-8")


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["report", "json"])
def test_the_progress_of_a_build_is_text(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A database of a hostile name: no title is set, no markup read, and the build goes through."""
    make(tmp_path / HOSTILE_FILE, "run-0c110001")
    make(tmp_path / "named.db", "run-0c110002")
    named = {"path": "named.db", "name": "[/red]\x1b]0;owned\x07\x9b1m"}
    (tmp_path / "runsum.yml").write_text(json.dumps({"databases": [HOSTILE_FILE, named]}), encoding="utf-8")
    code, said = said_on_a_terminal(tmp_path, "build", "--as-of", AS_OF, *words)
    assert code == 0, said
    assert "reading [bold]]0;owned [red] 31m" in said
    assert "reading [/red]" in said
    assert "\x1b]" not in said
    assert "\x07" not in said
    assert "\x9b" not in said
    assert "\u202e" not in said


def test_an_error_is_text(tmp_path: Path) -> None:
    """A file that is none, a table of a hostile name, a damaged schema: one line each without an escape code."""
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as con:
        con.execute('CREATE TABLE "\x1b]0;owned\x07[red] \x9b1m" (a)')
    make(tmp_path / "damaged.db", "run-0c110001")
    with closing(sqlite3.connect(tmp_path / "damaged.db")) as con:
        con.execute("PRAGMA writable_schema = ON")
        con.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE \"\x1b]0;owned\x07\" (((' WHERE name = 'experiments'")
        con.commit()
    for name in (f"no {HOSTILE_FILE}", "foreign.db", "damaged.db"):
        words = (sys.executable, "-m", "runsum", "build", "--db", name)
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        said = (done.stdout + done.stderr).decode("utf-8")
        assert done.returncode == 2, said
        assert len(said.splitlines()) == 1, said
        assert not ESCAPES.search(said), repr(said)


def test_a_run_that_cannot_be_digested_says_why_in_words(tmp_path: Path) -> None:
    """What is odd about a hostile run is counted by our own names of kinds."""
    with database(tmp_path / "ml_experiments.db") as con:
        for hostile in CORPUS[:20]:
            add_run(con, hostile.read or "x", {hostile.read: hostile.read}, status=hostile.read)
    code, said = said_on_a_terminal(tmp_path, "build", "--as-of", AS_OF)
    assert code == 0, said
    assert SIGN not in said
