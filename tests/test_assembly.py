"""The plugin for MkDocs: the site is the same to the last byte, and what did not change is not made again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.plugins import PluginCollection

from runsum.check.site import check_site
from support.assembly import (
    BUDGET,
    IN_NAV,
    MADE,
    RUN,
    STARTER,
    Assemble,
    assemble,
    contents,
    differing,
    edit,
    work,
)
from support.hostile_archive import HostileArchive, hostile_archive

__all__ = ["assemble", "hostile_archive", "work"]  # fixtures


OTHER_SETTINGS = {
    "as the starter has it": [],
    "with an address and directory URLs": [
        ("# site_url: ", "site_url: "), ("use_directory_urls: false", "use_directory_urls: true"),
    ],
    "with anchors, neighbours and a footer": [
        ("  - toc\n", "  - toc: {permalink: true}\n  - admonition\n"), ("navigation.top", "navigation.footer"),
    ],
    "without the search": [(STARTER[STARTER.index("  - search:") : STARTER.index("  - runsum")], "")],
    "for a folder": [("!ENV [OFFLINE, false]", "true")],
}  # fmt: skip


@pytest.mark.parametrize("settings", list(OTHER_SETTINGS.values()), ids=list(OTHER_SETTINGS))
def test_the_site_is_the_same_with_and_without(work: Path, assemble: Assemble, settings: list[tuple[str, str]]) -> None:
    """Every file, the search index among them; made for the first time, kept, and brought from the cache."""
    for before, after in settings:
        edit(work / "mkdocs.yml", before, after)
    assemble(work, "plain", plugin=False)
    made, kept = assemble(work)
    assert kept == 0
    assert differing(work / "site", work / "plain") == []
    assert assemble(work) == (IN_NAV, made - IN_NAV)
    assert differing(work / "site", work / "plain") == []
    shutil.rmtree(work / "site")
    assert assemble(work) == (IN_NAV, made - IN_NAV)
    assert differing(work / "site", work / "plain") == []
    problems = check_site(work / "site", BUDGET).problems
    dead = {problem.target for problem in problems if problem.kind == "dead_link"}
    assert dead <= {"metrics.csv.gz"}  # whatever addresses look like; golden has no such file


def test_a_hostile_archive_is_the_same_site(hostile_archive: HostileArchive, tmp_path: Path) -> None:
    """Texts that break out of Markdown elsewhere, made by several processes: the sites do not differ in a byte."""
    docs = tmp_path / "docs"
    shutil.copytree(hostile_archive.work / "docs", docs)
    for number, page in enumerate(sorted((docs / "runs").glob("*/index.md"))):
        if number % 6:
            page.unlink()
    (tmp_path / "with.yml").write_text(STARTER, encoding="utf-8")
    (tmp_path / "without.yml").write_text(re.sub(r"(?m)^  - runsum.*\n", "", STARTER), encoding="utf-8")
    said = {}
    for name in ("with", "without"):
        command = [sys.executable, "-m", "mkdocs", "build", "-f", f"{name}.yml", "-d", name]
        environment = os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        said[name] = sorted(line for line in done.stderr.splitlines() if line.startswith("WARNING"))
    assert differing(tmp_path / "with", tmp_path / "without") == []
    assert said["with"] == said["without"]


def test_only_what_changed_is_made_again(work: Path, assemble: Assemble) -> None:
    """A changed page, a new one, one that is gone, a changed file: each arrives, and the other pages are kept."""
    made, _ = assemble(work)
    edit(work / "docs" / f"{RUN}.md", "<dt>Game</dt>", "<dt>The game</dt>")
    shutil.copytree(work / "docs" / "runs" / "run-90140001", work / "docs" / "runs" / "run-new")
    shutil.rmtree(work / "docs" / "games" / "tetris")
    edit(work / "docs" / "runs" / "run-90140002" / "data.js", "window", " window")
    assert assemble(work) == (IN_NAV + 2, made - IN_NAV - 2)
    assemble(work, "plain", plugin=False)
    assert differing(work / "site", work / "plain") == []
    assert not (work / "site" / "games" / "tetris").exists()


def test_a_page_that_was_only_touched_is_kept(work: Path, assemble: Assemble) -> None:
    """It is the content that counts, as when a repository is cloned; the sizes of changed pages may be equal."""
    made, _ = assemble(work)
    for page in (work / "docs").rglob("*.md"):
        page.touch()
    edit(work / "docs" / f"{RUN}.md", "<dt>Game</dt>", "<dt>Name</dt>")
    assert assemble(work) == (IN_NAV + 1, made - IN_NAV - 1)
    assert b"<dt>Name</dt>" in contents(work / "site")[f"{RUN}.html"]


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("mkdocs.yml", "site_name: Training runs", "site_name: Trained runs"),
        ("mkdocs.yml", "  - Digest:", "  - Months:"),
        ("docs/.runsum/theme/main.html", "<meta name", "<meta data-name"),
    ],
)
def test_what_every_page_shows_makes_every_page_again(
    work: Path, assemble: Assemble, file: str, before: str, after: str
) -> None:
    """The settings, the navigation, the theme."""
    made, _ = assemble(work)
    edit(work / file, before, after)
    assert assemble(work) == (made, 0)
    assemble(work, "plain", plugin=False)
    assert differing(work / "site", work / "plain") == []


def test_a_title_of_the_navigation_that_its_page_decides(work: Path, assemble: Assemble) -> None:
    """Where mkdocs.yml names none, the page's own title stands in the header of all others."""
    edit(work / "mkdocs.yml", "  - Digest: digest", "  - digest")
    made, _ = assemble(work)
    edit(work / "docs" / "digest" / "index.md", "# Digest", "# Months")
    assert assemble(work) == (made, 0)
    assert b"Months" in contents(work / "site")[f"{RUN}.html"]


@pytest.mark.parametrize("item", [f"  - {RUN}.md", f"  - Best: {RUN}.md"], ids=["untitled", "titled"])
def test_a_page_that_nav_and_not_in_nav_both_name(work: Path, assemble: Assemble, item: str) -> None:
    """Its title and its icon stand on all pages, so it is read for every build."""
    edit(work / "mkdocs.yml", "not_in_nav:", f"{item}\nnot_in_nav:")
    edit(work / "docs" / f"{RUN}.md", "---\n", "---\nicon: material/trophy\nstatus: new\n")
    assemble(work, "plain", plugin=False)
    made, _ = assemble(work)
    for _ in range(2):
        assert assemble(work) == (IN_NAV + 1, made - IN_NAV - 1)
        assert differing(work / "site", work / "plain") == []
        shutil.rmtree(work / "site")


def test_front_matter_that_the_navigation_shows(
    work: Path, assemble: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Material writes a page's icon and status into the navigation of all others, whoever makes them."""
    monkeypatch.setattr("runsum.assembly.hands._WORTHWHILE", 1)
    made, _ = assemble(work)
    edit(work / "docs" / "methods" / "index.md", "---\n", "---\nicon: material/school\nstatus: new\n")
    assemble(work, "plain", plugin=False)
    assert assemble(work) == (made, 0)
    assert differing(work / "site", work / "plain") == []


def damage_list(work: Path) -> None:
    """A byte of the list of pages is another."""
    (file,) = (work / ".cache" / "runsum").glob("*.json")
    content = file.read_bytes()
    file.write_bytes(content[:-300] + b"#" + content[-299:])


def shorten_list(work: Path) -> None:
    """The list ends early, as when a disk was full."""
    (file,) = (work / ".cache" / "runsum").glob("*.json")
    file.write_bytes(file.read_bytes()[:-300])


def damage_pages(work: Path) -> None:
    """Kept pages are other pages, and those in the site are gone."""
    shutil.rmtree(work / "site")
    for file in (work / ".cache" / "runsum" / "pages").rglob("*.html"):
        file.write_bytes(b"<p>not this one</p>")


def edit_site(work: Path) -> None:
    """A page in the site was written over in place, in the cache with it where both are one file."""
    (work / "site" / f"{RUN}.html").write_text("mine", encoding="utf-8")


def put_into_site(work: Path) -> None:
    """Something lies in the site that no build has made, and something is gone."""
    (work / "site" / "runs" / "extra.html").write_text("mine", encoding="utf-8")
    (work / "site" / "compare" / "index.html").unlink()
    (work / "site" / "data" / "runs.js").unlink()


def interrupt(work: Path) -> None:
    """A build was killed while the last site was hidden."""
    (work / "site" / ".runsum-aside").mkdir()
    (work / "site" / "runs").rename(work / "site" / ".runsum-aside" / "runs")


@pytest.mark.parametrize("damage", [damage_list, shorten_list, damage_pages, edit_site, put_into_site, interrupt])
def test_nothing_damaged_is_believed(work: Path, assemble: Assemble, damage: Callable[[Path], None]) -> None:
    """Whatever became of the cache or the site, the next site is the right one."""
    assemble(work, "plain", plugin=False)
    assemble(work)
    damage(work)
    assemble(work)
    assert differing(work / "site", work / "plain") == []


def test_a_damaged_cache_is_reported(work: Path, assemble: Assemble, caplog: pytest.LogCaptureFixture) -> None:
    """The line at the end of the build says so, once."""
    made, _ = assemble(work)
    damage_list(work)
    assert assemble(work) == (made, 0)
    assert "its cache was damaged" in caplog.text
    assert assemble(work)[0] == IN_NAV
    assert "cache was damaged" not in caplog.text


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("  - runsum", "  - tags\n  - runsum", "the plugin material/tags"),
        ("  - toc\n", "  - toc\n  - smarty\n", "the Markdown extension smarty"),
        ("use_directory_urls", "hooks: [hook.py]\nuse_directory_urls", "hooks"),
    ],
)
def test_it_stands_aside_for_what_it_does_not_know(
    work: Path, assemble: Assemble, caplog: pytest.LogCaptureFixture, before: str, after: str, reason: str
) -> None:
    """Another plugin, an extension or a hook may do anything to a page; the build says why it takes longer."""
    (work / "hook.py").write_text("def on_page_content(html, **_): return html + 'hooked'\n", encoding="utf-8")
    edit(work / "mkdocs.yml", before, after)
    assert assemble(work) == (0, 0)
    assert f"every page is made anew, because of {reason}" in caplog.text


def test_serving_makes_only_what_changed(work: Path, assemble: Assemble, caplog: pytest.LogCaptureFixture) -> None:
    """`mkdocs serve` builds again and again into one folder, with one plugin."""
    kept: PluginCollection | None = None
    made = []
    for turn in range(3):
        config = load_config(str(work / "mkdocs.yml"), site_dir=str(work / "served"))
        if kept is None:
            kept = config.plugins
            kept.on_startup(command="serve", dirty=False)
        config.plugins = kept
        config.site_url = "http://127.0.0.1:8000/"
        caplog.clear()
        build(config, serve_url=config.site_url)
        found = MADE.search(caplog.text)
        assert found
        made.append(int(found[1]))
        edit(
            work / "docs" / f"{RUN}.md",
            "<dt>Game</dt>" if turn == 0 else f"<dt>Game {turn}</dt>",
            f"<dt>Game {turn + 1}</dt>",
        )
    assert made[1:] == [IN_NAV + 1] * 2
    assert b"<dt>Game 2</dt>" in contents(work / "served")[f"{RUN}.html"]
