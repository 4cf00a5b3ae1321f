"""A run page on paper: two sheets, black on white whatever the screen showed, curves as outlines, nothing to click."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from support.browser import FIGURE, RUN, from_a_server, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, from_a_server]

SHEET = re.compile(rb"/Type\s*/Page\b(?!s)")
WHEN = re.compile(rb"/(CreationDate|ModDate) \([^)]*\)")
# Words whose contrast with white paper is below 4.5, and areas that would be printed dark.
PALE_OR_DARK = """() => {
    const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const numbers = text => text.match(/[\\d.]+/g).map(Number), found = [];
    for (const node of document.querySelectorAll("body, body *")) {
        if (!node.checkVisibility() || node.closest("svg")) continue;
        const { color, backgroundColor } = getComputedStyle(node), paper = numbers(backgroundColor);
        const says = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        if (says && 1.05 / (light(numbers(color)) + 0.05) < 4.5) found.push("pale: " + node.outerHTML.slice(0, 120));
        if (paper[3] !== 0 && light(paper) < 0.8) found.push("dark: " + node.outerHTML.slice(0, 120));
    }
    return found;
}"""

# What stands with a chart on paper, as its caption or from the style sheet.
WORDS = """figure => {
    const said = [...figure.querySelectorAll("*"), figure].map(node => getComputedStyle(node, "::before").content);
    const caption = figure.querySelector("figcaption");
    return said.filter(text => !["none", "normal"].includes(text)).join("").replaceAll('"', "")
        + (caption.checkVisibility() ? caption.textContent : "");
}"""


def printed(page: Page, **options: bool) -> bytes:
    return page.pdf(format="A4", **options)


@pytest.mark.parametrize("drawn", [True, False], ids=["after all charts", "at once"])
def test_a_run_is_a_report_of_two_pages(browser: Browser, address: str, drawn: bool) -> None:
    """Whether a reader has scrolled through it or prints it as soon as it stands."""
    with visiting(browser, address) as visit:
        page = visit.draw_all(RUN) if drawn else visit.open(RUN)
        assert len(SHEET.findall(printed(page))) == 2


@pytest.mark.parametrize("background", [False, True], ids=["", "with backgrounds"])
def test_a_dark_screen_prints_the_same_paper(browser: Browser, address: str, background: bool) -> None:
    """Light and dark theme give the same file, but for its date."""
    made = []
    for theme in ("light", "dark"):
        with visiting(browser, address, color_scheme=theme) as visit:
            made.append(WHEN.sub(b"", printed(visit.draw_all(RUN), print_background=background)))
    assert made[0] == made[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_paper_is_black_on_white(browser: Browser, address: str, theme: str) -> None:
    """No word of the report is too pale for paper, no area dark."""
    with visiting(browser, address, color_scheme=theme) as visit:
        page = visit.draw_all(RUN)
        page.emulate_media(media="print")
        page.wait_for_timeout(500)  # colours of links and code change gently
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate(PALE_OR_DARK) == []


@pytest.mark.parametrize("drawn", [True, False], ids=["after all charts", "at once"])
def test_paper_has_outlines_and_no_controls(browser: Browser, address: str, drawn: bool) -> None:
    """A chart is an outline with its words, drawn or not; header, search and buttons stay on the screen."""
    with visiting(browser, address, java_script_enabled=drawn) as visit:
        page = visit.draw_all(RUN) if drawn else visit.open(RUN)
        page.emulate_media(media="print")
        figures = page.locator(f"{FIGURE}:visible")
        assert figures.count() > 5
        for figure in figures.all():
            box = figure.locator("svg.rs-static").bounding_box()
            assert box is not None
            assert box["height"] > 40
            assert len(figure.evaluate(WORDS)) > 8
        for part in ("canvas", ".rs-controls", ".md-header", ".md-tabs", ".md-search", ".md-footer", "button"):
            assert not page.locator(f"{part}:visible").count(), part
        curve = page.locator("#chart-reward .rs-static path").first
        assert curve.evaluate("p => getComputedStyle(p).stroke") == "rgb(0, 0, 0)"
