"""The site MkDocs makes of an archive: no warnings, no dead links, nothing fetched from elsewhere."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from runsum.placeholders import PLACEHOLDERS

if TYPE_CHECKING:
    from conftest import BuiltSite

KINDS = ("online", "offline")
LOADING = {"src", "srcset", "poster", "data", "data-src", "background"}  # attributes that fetch without a click
LOADING_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload", "manifest"}


@dataclass
class Html(HTMLParser):
    """What a page points at, what it loads, its anchors, each `data-field`, and whether its fragment is a state."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    fields: list[str] = field(default_factory=list)
    keeps_state: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.keeps_state |= given.get("data-fragment") == "state"
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.fields += given.get("data-field", "").split()
        self.loads += [given[name] for name in LOADING if name in given]
        if tag == "link":
            if LOADING_LINKS & set(given.get("rel", "").split()):
                self.loads.append(given.get("href", ""))
        elif "href" in given:
            self.links.append(given["href"])


@cache
def parse(page: Path) -> Html:
    html = Html()
    html.feed(page.read_text(encoding="utf-8"))
    return html


def pages_of(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def run_documents(site: BuiltSite) -> list[dict]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(site.docs.glob("runs/*/run.json"))]


def target_of(address: str, page: Path, site: Path) -> tuple[Path, str]:
    """The file and the anchor an address leads to; only 404.html is read at any depth and starts at the root."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    file = site / path.lstrip("/") if page == site / "404.html" else page.parent / path
    file = page if not path else file.resolve()
    return (file / "index.html" if file.is_dir() else file), unquote(parts.fragment)


def is_there(file: Path, anchor: str, site: Path) -> bool:
    """Whether a page has the place behind '#', or reads it as what it shows: then the runs that it names exist."""
    if anchor in parse(file).anchors:
        return True
    named = parse_qs(anchor, keep_blank_values=True, strict_parsing=True) if "=" in anchor else {}
    runs = [slug for value in named.get("runs", []) for slug in value.split(",")]
    return parse(file).keeps_state and bool(named) and all((site / "runs" / slug).is_dir() for slug in runs)


def is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def test_the_archive_is_built(built_site: BuiltSite) -> None:
    """All scenarios at once, one database each, make one archive."""
    finished = built_site.finished["runsum"]
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_mkdocs_has_nothing_to_warn_about(built_site: BuiltSite, kind: str) -> None:
    """`mkdocs build --strict` ends with 0 and says nothing that begins with WARNING or ERROR."""
    finished = built_site.finished[kind]
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    assert not [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR"))], said


@pytest.mark.parametrize("kind", KINDS)
def test_every_local_address_leads_somewhere(built_site: BuiltSite, kind: str) -> None:
    """Links, images, scripts, chart data: the file exists, and so does the anchor."""
    site: Path = getattr(built_site, kind).resolve()
    dead = []
    for page in pages_of(site):
        html = parse(page)
        for address in {a for a in html.links + html.loads if not is_elsewhere(a) and not a.startswith("data:")}:
            file, anchor = target_of(address, page, site)
            if not file.is_file():
                dead.append(f"{page.relative_to(site)}: {address}")
            elif anchor and file.suffix == ".html" and not is_there(file, anchor, site):
                dead.append(f"{page.relative_to(site)}: {address} (no such anchor)")
    assert not dead, "\n".join(["", *sorted(dead)])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_fetched_from_elsewhere(built_site: BuiltSite, kind: str) -> None:
    """No page and no style sheet loads a foreign address; following a link is the reader's choice."""
    site = getattr(built_site, kind)
    foreign = [
        f"{page.relative_to(site)}: {a}" for page in pages_of(site) for a in parse(page).loads if is_elsewhere(a)
    ]
    for sheet in sorted(site.rglob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        named = re.findall(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)", text)
        foreign += [f"{sheet.relative_to(site)}: {address}" for address in named]
    assert not foreign, "\n".join(["", *foreign])


def test_every_run_has_a_page(built_site: BuiltSite) -> None:
    """As many pages as rows in all databases, runs of equal id included, and each linked from a page that is no run."""
    stored: Counter[str] = Counter()
    for path in built_site.databases:
        with closing(sqlite3.connect(path)) as con:
            stored.update(run_id for (run_id,) in con.execute("SELECT run_id FROM experiment_runs"))
    documents = run_documents(built_site)
    assert Counter(document["run_id"] for document in documents) == stored
    site = built_site.online.resolve()
    built = {site / "runs" / document["slug"] / "index.html" for document in documents}
    assert {page for page in built if not page.is_file()} == set()
    others = [page for page in pages_of(site) if page not in built]
    assert built <= {target_of(a, page, site)[0] for page in others for a in parse(page).links if not is_elsewhere(a)}


def test_a_run_page_shows_every_placeholder(built_site: BuiltSite) -> None:
    """All 75 placeholders of the summary stand on every run's page, whatever the run lacks."""
    assert len(set(PLACEHOLDERS)) == 75
    lacking = {}
    for document in run_documents(built_site):
        shown = set(parse(built_site.online / "runs" / document["slug"] / "index.html").fields)
        if shown != set(PLACEHOLDERS):
            lacking[document["slug"]] = sorted(set(PLACEHOLDERS) ^ shown)
    assert not lacking
