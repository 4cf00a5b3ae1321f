"""The plugin for MkDocs and what people write: their pages, their templates, blocks of HTML."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Template
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from runsum.assembly.blocks import cut_blocks
from runsum.assembly.hands import Hands, count_hands
from runsum.assembly.shell import Shells
from runsum.assembly.templates import looks_at_no_page
from support.assembly import (
    IN_NAV,
    Assemble,
    assemble,
    contents,
    differing,
    edit,
    work,
)

__all__ = ["assemble", "work"]  # fixtures


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
