"""The plugin for MkDocs: the site is the same to the last byte, and what did not change is not made again."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Template
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort
from mkdocs.plugins import PluginCollection
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from runsum.assembly.blocks import cut_blocks
from runsum.assembly.hands import Hands, count_hands
from runsum.assembly.shell import Shells
from runsum.assembly.templates import looks_at_no_page
from runsum.check.site import check_site
from support.hostile_archive import HostileArchive, hostile_archive

__all__ = ["hostile_archive"]  # a fixture

ROOT = Path(__file__).resolve().parents[1]
STARTER = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
RUN = "runs/run-90140001/index"
MADE = re.compile(r"runsum: ([\d,]+) pages made, ([\d,]+) as they were")
IN_NAV = STARTER.count("index.md\n")
BUDGET = 10**9

Assemble = Callable[..., tuple[int, int]]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the golden docs folder and the starter."""
    shutil.copytree(ROOT / "tests" / "golden" / "docs", tmp_path / "docs")
    long_ago = 1_700_000_000
    for file in (tmp_path / "docs").rglob("*"):  # files that have just been changed are looked at more closely
        os.utime(file, (long_ago, long_ago))
    (tmp_path / "mkdocs.yml").write_text(STARTER, encoding="utf-8")
    return tmp_path


@pytest.fixture
def assemble(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Assemble:
    """Builds a site in this process; gives how many pages were made and how many kept."""
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    caplog.set_level(logging.INFO, "mkdocs")

    def once(
        work: Path, site: str = "site", plugin: bool = True, strict: bool = True, **options: str
    ) -> tuple[int, int]:
        text = (work / "mkdocs.yml").read_text(encoding="utf-8")
        if not plugin:
            text = re.sub(r"(?m)^  - runsum.*\n", "", text)
        file = work / f"{'with' if plugin else 'without'}.yml"
        file.write_text(text, encoding="utf-8")
        config = load_config(str(file), site_dir=str(work / site), strict=strict, **options)
        config.plugins.on_startup(command="build", dirty=False)
        caplog.clear()
        build(config)
        found = MADE.search(caplog.text)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    return once


def contents(site: Path) -> dict[str, bytes]:
    """All files of a site; of the compressed sitemap, which carries the time, only that it is there."""
    files = {file.relative_to(site).as_posix(): file.read_bytes() for file in site.rglob("*") if file.is_file()}
    return files | {name: b"" for name in files if name == "sitemap.xml.gz"}


def differing(site: Path, other: Path) -> list[str]:
    """Files that two sites do not have alike."""
    ours, theirs = contents(site), contents(other)
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def edit(file: Path, before: str, after: str) -> None:
    """Change a text in a file, and be sure that it was there."""
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


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


def write_pages(work: Path, **pages: str) -> None:
    """Pages of a person, which are not in the navigation."""
    for name, text in pages.items():
        file = work / "docs" / "runs" / name / "index.md"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")


def test_strict_builds_fail_as_without(work: Path, assemble: Assemble, caplog: pytest.LogCaptureFixture) -> None:
    """A dead link is reported every time, and a kept page's link to what has gone since."""
    write_pages(
        work, mine="# Mine\n\n[there](../yours/index.md) [part](../yours/index.md#part)\n", yours="# Yours\n\n## Part\n"
    )
    assemble(work)
    edit(work / "docs" / "runs" / "yours" / "index.md", "## Part", "## Portion")
    for _ in range(2):
        with pytest.raises(Abort):
            assemble(work)
        assert "does not contain an anchor '#part'" in caplog.text
    shutil.rmtree(work / "docs" / "runs" / "yours")
    for _ in range(2):
        with pytest.raises(Abort):
            assemble(work)
        assert "is not found among documentation files" in caplog.text


def test_pages_of_persons_are_the_same(work: Path, assemble: Assemble) -> None:
    """Markdown that looks like a page of runsum's and is not: HTML in fences and lists, headings of all kinds."""
    skipped, heading = "<p data-search-exclude>x</p>", "## B {data-search-exclude}"
    write_pages(
        work,
        fence=f"# A\n\n```html\n\n{skipped}\n\n```\n\n{skipped}\n",
        quoted=f"# A\n\n- item\n\n    {skipped}\n\n<p data-search-exclude>R&D & <b>more</b></p>\n\nend\n",
        nested="# A\n\n<div data-search-exclude><div>in</div> out</div>\n",
        spread=f"# A\n\n<div data-search-exclude>\n\n{skipped}\n\n</div>\n",
        open=f"# A\n\n<div data-search-exclude>never closed\n\n*text*\n\n{heading}\n\n<p>x</p>\n",
        setext=f"# A <small>b</small>\n\n{heading}\n\n<p>skipped</p>\n\nSetext\n------\n\n<p>read</p>\n",
        again=f"# A\n\n{heading}\n\n<p>skipped</p>\n\n{heading}\n\n<p>too</p>\n\n## C\n\n<p>read again</p>\n",
        twice=f"# B <small>a</small>\n\n{skipped}\n\n## B a {{data-search-exclude}}\n\n<p>x</p>\n",
        defined=f"# A <small>b</small>\n\n[x][1]\n\n{heading}\n\n<p>x</p>\n\n[1]: ../run-90140001/index.md\n",
        named=f"# Own <small>b</small>\n\n{heading}\n\n### C {{: #own-b data-search-exclude }}\n\n<p>x</p>\n",
        anchors=f"# A <small>b</small>\n\n{heading}\n\n### C {{: #b data-search-exclude }}\n\n<p id='b'>x</p>\n",
        marked=f"# A <small>*b* 1_2_3</small>\n\n<!--runsum 0-->\n\n{skipped}\n",
        pre=f"# A\n\n<pre>\n{heading}\n</pre>\n\n<p>read</p>\n",
        tight=f"# A\n\n{heading}\n\n<p>skipped</p>\n\n##C\n\n<p>read</p>\n\n- # D\n\n<p>read</p>\n",
        untitled="<section data-search-exclude>only this</section>\n",
    )
    assemble(work, "plain", plugin=False, strict=False)
    assemble(work, strict=False)
    assert differing(work / "site", work / "plain") == []


@pytest.mark.parametrize(
    "text",
    [
        '## B {data-search-exclude}\n\n<div class="grid" markdown>\n**bold** and a [link](../index.md)\n</div>\n',
        "<section data-search-exclude markdown>\n**bold**\n</section>\n",
        "<article markdown>\n\n**bold**\n\n<p data-search-exclude>x</p>\n\n</article>\n",
        "<div markdown>\n**bold**\n</div>\n",
    ],
)
def test_markdown_in_html_is_rendered(work: Path, assemble: Assemble, text: str) -> None:
    """The extension looks for an attribute, which may have a value or none."""
    edit(work / "mkdocs.yml", "  - attr_list\n", "  - attr_list\n  - md_in_html\n")
    # Its name comes after those of the runs: the first pages are compared with what Python-Markdown makes of them.
    write_pages(work, written=f"---\ntitle: A\n---\n\n# A <small>b</small>\n\n{text}")
    assemble(work, "plain", plugin=False)
    assemble(work)
    assert differing(work / "site", work / "plain") == []
    assert b"<strong>bold</strong>" in contents(work / "site")["runs/written/index.html"]


def test_an_open_tag_hides_the_rest_from_the_search(work: Path, assemble: Assemble) -> None:
    """Material's search reads on in an element that is not closed; what is left out with the plugin is so without."""
    open_list, skipped = "<ul data-search-exclude><li>one<li>two</ul>", "<ul data-search-exclude><li>x</li></ul>"
    write_pages(
        work,
        alone=f"# A\n\n{open_list}\n\nhidden text\n",
        closed=f"# A\n\n{open_list}\n\n{skipped}\n\nshown text\n",
        below=f"# A\n\n## B {{data-search-exclude}}\n\n<p>x <b>y</p>\n\n## C\n\n{skipped}\n\ntext\n",
        read=f"# A\n\n<div>open\n\n{skipped}\n\ntext\n",
    )
    assemble(work, "plain", plugin=False)
    assemble(work)
    assert differing(work / "site", work / "plain") == []


def test_no_page_of_a_run_is_given_to_python_markdown_whole(
    work: Path, assemble: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the ends that are new, without the title, and the beginnings of the first pages, to be compared."""
    rendered: list[str] = []
    usual = Page.render

    def render(page: Page, config: MkDocsConfig, files: Files) -> None:
        if page.file.src_uri.startswith("runs/run-"):
            rendered.append(page.markdown or "")
        usual(page, config, files)

    monkeypatch.setattr(Page, "render", render)
    assemble(work)
    assert any("\n## 9) " in text for text in rendered)
    assert not any(text.startswith("# ") and "\n## " in text for text in rendered)


def test_the_blanks_of_a_title_stay(work: Path, assemble: Assemble) -> None:
    """The theme takes indentation away, and no blank between words."""
    write_pages(work, wide='---\ntitle: "a    b"\ndescription: "x"\n---\n\n# A    b\n')
    assemble(work)
    assert contents(work / "site")["runs/wide/index.html"].count(b"a    b") == 2


@pytest.mark.parametrize(
    "condition",
    [
        '{% block announce %}{% if page and page.url == "runs/own-8/index.html" %}pinned{% endif %}{% endblock %}',
        '{% block announce %}{% if page and "run 8" in page.meta.title | d("") %}pinned{% endif %}{% endblock %}',
        '{% block content %}{{ super() }}{% if "text 8" in super() %}pinned{% endif %}{% endblock %}',
    ],
    ids=["address", "title", "content"],
)
def test_an_own_template_may_ask_for_a_page(work: Path, assemble: Assemble, condition: str) -> None:
    """It holds for one page of many that are alike, and not for the first of them."""
    page = '---\ntitle: "run {0}"\ndescription: "x"\n---\n\n# Own\n\ntext {0}\n'
    write_pages(work, **{f"own-{number}": page.format(number) for number in range(1, 10)})
    (work / "over").mkdir()
    (work / "over" / "main.html").write_text(f'{{% extends "base.html" %}}\n{condition}', encoding="utf-8")
    edit(work / "mkdocs.yml", "docs/.runsum/theme", "over")
    assemble(work, "plain", plugin=False)
    assemble(work)
    assert differing(work / "site", work / "plain") == []
    pinned = [name for name, content in contents(work / "site").items() if b"pinned" in content]
    assert pinned == ["runs/own-8/index.html"]


def test_pages_that_are_alike_are_made_from_one(
    work: Path, assemble: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With runsum's own theme, and with templates that say the same on all pages."""
    asked: list[str] = []
    usual = Shells.render

    def render(shells: Shells, template: Template, name: str, context: dict[str, Any]) -> str:
        asked.append(name)
        return usual(shells, template, name, context)

    monkeypatch.setattr(Shells, "render", render)
    assemble(work)
    assert len(asked) > IN_NAV
    asked.clear()
    announcement = '{% extends "base.html" %}{% block announce %}{{ super() }}On {{ config.site_name }}{% endblock %}'
    edit(work / "docs" / ".runsum" / "theme" / "main.html", "{% block header %}", "{% block header %} ")
    assemble(work)
    assert asked == []
    (work / "docs" / ".runsum" / "theme" / "main.html").write_text(announcement, encoding="utf-8")
    assemble(work)
    assert len(asked) > IN_NAV


@pytest.mark.parametrize(
    ("template", "is_plain"),
    [
        ('{% extends "base.html" %}{% block announce %}<b>Hi</b> {{ config.site_name }}{% endblock %}', True),
        ("{# page #}{% if config.extra.x == 1 and not config.y %}{{ super() }}{% else %}x{% endif %}", True),
        ("{% if page.meta.x %}x{% endif %}", False),
        ("{% if super() %}x{% endif %}", False),
        ("{{ super() | length }}", False),
        ("{{ self.content() }}", False),
        ("{% set x %}{{ super() }}{% endset %}", False),
        ("{% filter upper %}{{ super() }}{% endfilter %}", False),
        ("{{ 'runs/a/index.html' | url }}", False),
        ("{% for item in nav %}{{ item }}{% endfor %}", False),
        ("{% no such tag %}", False),
    ],
)
def test_what_a_template_looks_at(template: str, is_plain: bool) -> None:
    """Where it is not plain to see that it knows nothing of the page, it is taken to."""
    assert looks_at_no_page(template) is is_plain


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


@pytest.mark.parametrize(
    "markdown",
    [
        "<p data-search-exclude>R&D</p>\n",
        "<p data-search-exclude>a\tb</p>\n",
        "<p data-search-exclude>a <b</p>\n",
        '<p data-search-exclude title="a>b">x</p>\n',
        "<div data-search-exclude><h2>x</h2></div>\n",
        "<div data-search-exclude>a<div>b</div>c</div>\n",
        "<p data-search-exclude>a</p> tail\n",
        "<p data-search-exclude>a</p>\nnext line\n",
        "<p data-search-exclude markdown>*a*</p>\n",
        "<ul data-search-exclude><li>a<li>b</ul>\n",
        "<p data-search-exclude>a</p>\n\n<div>never closed\n",
        "<p>the search reads this</p>\n",
        "text before\n<p data-search-exclude>a</p>\n",
    ],
)
def test_what_a_parser_might_read_otherwise_is_not_taken_out(markdown: str) -> None:
    """Only a block that all parsers pass on as it is, with blank lines around it."""
    assert cut_blocks(f"# A\n\n{markdown}").blocks == []
    assert cut_blocks("# A\n\n<p data-search-exclude>a</p>\n").blocks


def test_blocks_come_back_where_they_were() -> None:
    """What is taken out leaves a comment, and returns into its place."""
    page = "# A\n\n<p data-search-exclude>*a* &amp; b</p>\n\ntext\n\n"
    page += '## B {data-search-exclude}\n\n<dl>\n<dt id="x">c</dt>\n</dl>\n'
    cut = cut_blocks(page)
    assert len(cut.blocks) == 2
    assert cut.anchors() == {"x"}
    assert cut.fits(cut.markdown)
    assert cut.put_back(cut.markdown) == page
    assert not cut.fits(cut.markdown.replace("<!--runsum 1-->", ""))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, one process does everything")
def test_pages_of_a_child_that_dies_are_left_to_the_parent() -> None:
    """A page that cannot be made is missing among the results; so is the share of a process that was killed."""
    if count_hands() < 2:
        pytest.skip("one processor, or threads that may not be doubled")
    pages = [str(number) for number in range(100)]

    def work(page: str) -> str | None:
        if page == "7":
            raise ValueError("no such page")
        return None if page == "8" else page

    hands = Hands(work, pages)
    made = dict(hands.results())
    hands.close()
    assert sorted(set(pages) - set(made)) == ["7", "8"]
    hands = Hands(lambda page: os._exit(9) if page == "50" else page, pages)
    made = dict(hands.results())
    hands.close()
    assert "50" not in made
    assert set(made) <= set(pages)
