"""The head of each page: title, description, preview, feed, icon; and the part of the theme that writes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from runsum.formatting import clean_text
from runsum.resources import starter_mkdocs, template_folder
from support.command import build
from support.scenarios_known_runs import HEAD_LEG2_DOUBLED, LEG_2
from test_site import pages_of, target_of

if TYPE_CHECKING:
    from conftest import BuiltSite

SITE_NAME = "Training runs"
STARTER = starter_mkdocs().read_text(encoding="utf-8")


@dataclass
class Head(HTMLParser):
    """The title of a page, its named metadata and its links, all as a browser decodes them."""

    title: str = ""
    named: dict[str, list[str]] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    _inside: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag == "title" and not self.title
        if tag == "meta":
            name = given.get("name") or given.get("property") or ""
            self.named.setdefault(name, []).append(given.get("content", ""))
        elif tag == "link":
            self.links.append(given)
        elif tag == "script" and "src" in given:
            self.scripts.append(given["src"])

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.title += data

    def only(self, name: str) -> str:
        (value,) = self.named[name]
        return value


@cache
def head_of(page: Path) -> Head:
    head = Head()
    head.feed(page.read_text(encoding="utf-8").partition("</head>")[0])
    return head


def heads(site: BuiltSite) -> dict[str, Head]:
    """The heads of all pages but that for lost addresses, by path."""
    pages = {page.relative_to(site.online).as_posix(): head_of(page) for page in pages_of(site.online)}
    del pages["404.html"]
    assert len(pages) > 100
    return pages


# ---------------------------------------------------------------- titles


def test_every_title_is_its_own(built_site: BuiltSite) -> None:
    """Two tabs can be told apart, and so can two results of a search engine."""
    found = heads(built_site)
    assert found.pop("index.html").title == SITE_NAME
    assert all(head.title.endswith(f" - {SITE_NAME}") for head in found.values())
    twice = [title for title, count in Counter(head.title for head in found.values()).items() if count > 1]
    assert not twice


def test_the_title_of_a_run_names_it(built_site: BuiltSite) -> None:
    """Algorithm and run id, before them the game; and the name that somebody gave it."""
    assert head_of(built_site.online / "runs" / LEG_2 / "index.html").title.startswith(f"Breakout · PPO · {LEG_2}")
    named = 0
    for file in sorted(built_site.docs.glob("runs/*/run.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        title = head_of(built_site.online / "runs" / document["slug"] / "index.html").title
        for word in (document["summary"]["algorithm"], clean_text(document["run_id"])[:59]):
            assert word is None or word in title, title
        named += built_site.wanted.name in title
    assert named == 1


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("games/breakout", "Breakout: all runs of the game"),
        ("algorithms/ppo", "PPO: all runs of the algorithm"),
        ("digest/2025-12", "Digest of December 2025"),
        ("methods", "Methods"),
    ],
)
def test_other_titles_say_what_is_there(built_site: BuiltSite, page: str, title: str) -> None:
    """A game is no algorithm and a month no number."""
    assert head_of(built_site.online / page / "index.html").title == f"{title} - {SITE_NAME}"


# ---------------------------------------------------------------- descriptions and previews


def test_every_page_has_a_description(built_site: BuiltSite) -> None:
    """One, in clean words, short enough to be shown whole, and the same in the preview."""
    for path, head in heads(built_site).items():
        words = head.only("description")
        assert 20 <= len(words) <= 200, f"{path}: {words}"
        assert "&#" not in words and "\n" not in words and "  " not in words, path
        assert " ".join(head.only("og:description").split()) == words, path


def test_the_description_of_a_run_is_its_headline(built_site: BuiltSite) -> None:
    """What it is, how it stands, how far it came and how well."""
    words = head_of(built_site.online / "runs" / LEG_2 / "index.html").only("description")
    assert words.startswith("Breakout · PPO, completed. Trained ")
    assert "best mean reward, 49.5" in words


def test_every_page_has_a_preview(built_site: BuiltSite) -> None:
    """Title and text for whoever shares the link; the title without the name of the site, which has its own field."""
    for path, head in heads(built_site).items():
        title = head.title.removesuffix(f" - {SITE_NAME}")
        assert head.only("og:title").split() == title.split(), path
        assert head.only("og:site_name") == SITE_NAME
        assert (head.only("og:type"), head.only("twitter:card")) == ("website", "summary")


@pytest.mark.parametrize("kind", ["online", "offline"])
def test_feed_and_icon_are_where_the_head_says(built_site: BuiltSite, kind: str) -> None:
    """From every depth; the icon is a drawing that needs nothing else."""
    site: Path = getattr(built_site, kind).resolve()
    for page in pages_of(site):
        head = head_of(page)
        (feed,) = [link["href"] for link in head.links if link.get("type") == "application/atom+xml"]
        assert target_of(feed, page, site)[0] == site / "feed.xml"
        (icon,) = [link["href"] for link in head.links if "icon" in link["rel"].split()]
        assert target_of(icon, page, site)[0] == site / "assets" / "runsum" / "favicon.svg"
        (search,) = [source for source in head.scripts if source.endswith("runsum-search.js")]
        assert target_of(search, page, site)[0].is_file()
    assert ElementTree.parse(site / "assets" / "runsum" / "favicon.svg").getroot().tag.endswith("svg")
    assert not (site / ".runsum").exists()


# ---------------------------------------------------------------- whose theme it is


def made(work: Path, configuration: str, builder: str = "mkdocs") -> Path:
    """The site of one small archive, built strictly with a configuration."""
    work.mkdir(exist_ok=True)
    HEAD_LEG2_DOUBLED.build(work / "one.db")
    (work / "mkdocs.yml").write_text(configuration, encoding="utf-8")
    assert build(work / "one.db", work).returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", builder, "build", "--strict", "--config-file", "mkdocs.yml"],
        cwd=work,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return work / "site"


@pytest.mark.parametrize("builder", ["mkdocs", "properdocs", "zensical"])
def test_every_builder_reads_it(tmp_path: Path, builder: str) -> None:
    """Jinja and MiniJinja alike, names with marks in them too."""
    name = 'Tom & "Jerry"'
    site = made(tmp_path, STARTER.replace(f"site_name: {SITE_NAME}", f"site_name: '{name}'"), builder)
    head = head_of(site / "runs" / LEG_2 / "index.html")
    assert head.only("og:site_name") == name
    assert head.only("og:title").startswith(f"Breakout · PPO · {LEG_2}")
    assert head.only("og:description").startswith("Breakout · PPO, completed.")
    assert head_of(site / "404.html").only("og:site_name") == name


def test_the_docs_folder_may_move(tmp_path: Path) -> None:
    """With it moves what `custom_dir` names."""
    moved = STARTER.replace("docs_dir: docs", "docs_dir: pages").replace("docs/.runsum", "pages/.runsum")
    assert moved.count("pages") >= 2
    site = made(tmp_path, moved)
    assert head_of(site / "index.html").only("og:title") == SITE_NAME
    assert (tmp_path / "pages" / ".runsum" / "theme" / "main.html").is_file()


def test_nobody_needs_it(tmp_path: Path) -> None:
    """A mkdocs.yml of before, or of one's own, without a word of it."""
    words = ("custom_dir:", "favicon:", "icon: {")
    old = "".join(line for line in STARTER.splitlines(True) if not line.strip().startswith(words))
    assert len(old.splitlines()) == len(STARTER.splitlines()) - len(words)
    head = head_of(made(tmp_path, old) / "index.html")
    assert "og:title" not in head.named
    assert head.only("description").startswith("An archive of ")


def test_a_changed_theme_is_kept(tmp_path: Path) -> None:
    """It is a file like all that runsum writes: one that a person changed is left alone, and named."""
    made(tmp_path, STARTER)
    file = tmp_path / "docs" / ".runsum" / "theme" / "main.html"
    assert file.read_bytes() == (template_folder() / "theme" / "main.html").read_bytes()
    file.write_text("mine", encoding="utf-8")
    assert json.loads(build(tmp_path / "one.db", tmp_path).stdout)["kept"] == [".runsum/theme/main.html"]
    assert file.read_text(encoding="utf-8") == "mine"
