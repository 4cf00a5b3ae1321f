"""The site for people who see it poorly or not at all, or use no mouse: axe-core, tables, charts, focus."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.browser import COMPARE, EVERY_KIND, FINDER, PHONE, RUN, from_a_server, visiting
from test_site import pages_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from conftest import BuiltSite

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
BAD = ("serious", "critical")
# What axe-core looks at: in dark pages, which differ in nothing else, colours alone.
THEMES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}}
# Of the element with the focus: whether a ring is drawn around it or around the label that stands for it.
RING = """() => {
    const node = document.activeElement;
    if (!node || node === document.body) return null;
    const shown = node.matches(".md-option") ? node.nextElementSibling : node;
    const { outlineStyle, outlineWidth } = getComputedStyle(shown);
    return { name: node.outerHTML.slice(0, 120), ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1,
             ours: Boolean(node.closest(".md-content")), search: Boolean(node.closest(".md-search")) };
}"""


def violations(page: Page, theme: str) -> dict[tuple[str, str], str]:
    """What axe-core finds serious or critical: (rule, place), and what it says about it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))  # the policy of the page lets no script element in
    found: dict[str, Any] = page.evaluate(
        "asked => axe.run(document, asked)", {"resultTypes": ["violations"]} | THEMES[theme]
    )
    return {
        (rule["id"], " ".join(map(str, node["target"]))): node["failureSummary"]
        for rule in found["violations"]
        if rule["impact"] in BAD
        for node in rule["nodes"]
    }


@from_a_server
@pytest.mark.browser
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("path", EVERY_KIND)
def test_axe_finds_nothing_serious(browser: Browser, address: str, path: str, theme: str) -> None:
    """With its charts drawn, on each kind of page; what the theme does wrong counts, too. Nothing complains."""
    with visiting(browser, address, color_scheme=theme, reduced_motion="reduce") as visit:
        assert not violations(visit.draw_all(path), theme)
        assert not visit.errors


@from_a_server
@pytest.mark.browser
@pytest.mark.parametrize("path", [RUN, FINDER])
def test_the_keyboard_shows_where_it_is(browser: Browser, address: str, path: str) -> None:
    """Tab after tab, what has the focus has a ring; only the search field shows it by opening."""
    with visiting(browser, address) as visit:
        page, reached = visit.draw_all(path), 0
        page.evaluate("window.scrollTo(0, 0)")
        for _ in range(120):
            page.keyboard.press("Tab")
            at = page.evaluate(RING)
            if at is None:
                break
            reached += at["ours"]
            assert at["ring"] or at["search"], at["name"]
        assert reached > 5


@dataclass
class Readable(HTMLParser):
    """The tables without headers and the pictures without words of a page."""

    faults: list[str] = field(default_factory=list)
    tables: list[set[str]] = field(default_factory=list)
    """The kinds of cells of each table that is open."""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.tables.append(set())
        elif tag in ("th", "td") and self.tables:
            self.tables[-1].add(tag)
        elif tag == "figure" and "data-chart" in given and len(given.get("aria-label") or "") < 20:
            self.faults.append(f"chart {given.get('id')} has no text that stands for it")
        elif tag == "img" and "alt" not in given:
            self.faults.append(f"picture {given.get('src')} has no alt")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self.tables.pop() == {"td"}:
            self.faults.append(f"table without a header, line {self.getpos()[0]}")


def test_every_table_has_headers_and_every_chart_its_words(built_site: BuiltSite) -> None:
    """In the HTML of every page: header cells in each table, a description at each chart."""
    faults = []
    for page in pages_of(built_site.online):
        html = Readable()
        html.feed(page.read_text(encoding="utf-8"))
        faults += [f"{page.relative_to(built_site.online)}: {fault}" for fault in html.faults]
    assert not faults, "\n".join(["", *faults])


@from_a_server
@pytest.mark.browser
@pytest.mark.parametrize("path", [RUN, FINDER, COMPARE])
def test_what_a_script_makes_has_a_name(browser: Browser, address: str, path: str) -> None:
    """Tables, the grid of runs, the controls of each chart; and a header that sorts nothing is no button."""
    with visiting(browser, address) as visit:
        page = visit.draw_all(path)
        parts = page.locator("table, [role=grid], .rs-controls")
        names = parts.evaluate_all("all => all.map(node => node.ariaLabel)")
        assert names
        assert all(names)
        if path != FINDER:
            groups = page.get_by_role("group", name="View of").evaluate_all("all => all.map(node => node.ariaLabel)")
            assert len(set(groups)) == len(groups) == page.locator(".rs-controls").count()
        assert page.get_by_role("columnheader", name="Reward curve").get_by_role("button").count() == 0


# Of a strip that is one pixel wide: how many lines cross it.
LINES = """async (png) => {
    const image = new Image();
    image.src = "data:image/png;base64," + png;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, 1, image.height);
    let lines = 0, isIn = false;
    for (let at = 0; at < data.length; at += 4) {
        if (data[at] < 245 && !isIn) lines++;
        isIn = data[at] < 245;
    }
    return lines;
}"""


@from_a_server
@pytest.mark.browser
@pytest.mark.parametrize("path", ["games/breakout/index.html", COMPARE])
@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_the_column_that_stays_keeps_its_lines(browser: Browser, address: str, path: str, ratio: int) -> None:
    """On a phone, the lines between and below the rows run below the first cell, too, whatever lies over what."""
    size = PHONE | {"height": 3000}
    with visiting(browser, address, viewport=size, device_scale_factor=ratio) as visit:
        page = visit.draw_all(path)
        strips = []
        for part in (0, 0.25, 0.5, 0.75):  # of a pixel: where lines begin and end is rounded
            box, lines = page.locator("table.rs-table").first.evaluate(
                """(table, part) => {
                    const rows = [...table.rows].filter(row => !row.hidden);
                    for (const row of rows.splice(20)) row.remove();
                    const box = node => node.getBoundingClientRect();
                    for (const [row, by] of [[rows[0], part], [rows.at(-1), 0.7]])
                        row.style.height = Math.ceil(box(row).height) + by + "px";
                    const y = box(rows[0]).top + 4, { right } = box(rows[1].cells[0]);
                    return [{ x: right - 3, y, width: 1, height: box(table).bottom + 4 - y }, rows.length];
                }""",
                part,
            )
            strips.append((page.screenshot(clip=box), lines))
        page.goto("about:blank")
        for strip, lines in strips:
            assert page.evaluate(LINES, b64encode(strip).decode()) == lines


@from_a_server
@pytest.mark.browser
def test_without_scripts_the_words_stand_below_the_chart(browser: Browser, address: str) -> None:
    """An outline has no axes: its values are said."""
    words = "all => all.map(node => [node.ariaLabel, JSON.parse(getComputedStyle(node, '::after').content)])"
    with visiting(browser, address, java_script_enabled=False) as visit:
        said = visit.open(RUN).locator("figure.rs-chart").evaluate_all(words)
    assert said
    assert all(label == shown for label, shown in said)
    assert any(" steps/s, ends at " in label for label, _ in said)


@from_a_server
@pytest.mark.browser
def test_a_drawn_chart_keeps_its_words(browser: Browser, address: str) -> None:
    """When a canvas takes the place of the outline, it is described as the figure was."""
    words = "all => all.map(node => node.getAttribute('aria-label'))"
    with visiting(browser, address, java_script_enabled=False) as visit:
        written = visit.open(RUN).locator("figure.rs-chart").evaluate_all(words)
    with visiting(browser, address) as visit:
        drawn = visit.draw_all(RUN).locator(".rs-canvas[role=img]").evaluate_all(words)
    assert drawn == written
    assert all(written)
