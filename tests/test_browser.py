"""The site in a real browser: charts are drawn, pages stand without scripts too, nothing else is asked for."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from support.browser import (
    COLOURS,
    COMPARE,
    DRAWN,
    EVERY_KIND,
    FIGURE,
    FINDER,
    LINEAGE,
    PHONE,
    RUN,
    SEEDS,
    from_a_server,
    visiting,
)
from support.packed import read_script

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from conftest import BuiltSite

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", [RUN, LINEAGE])
def test_a_chart_is_drawn(browser: Browser, address: str, path: str) -> None:
    """The first chart of a run and of a lineage is a canvas with something on it, from a folder too."""
    with visiting(browser, address) as visit:
        canvas = visit.draw(path).locator(DRAWN).first
        box = canvas.bounding_box()
        assert box is not None
        assert box["width"] > 400
        assert box["height"] > 100
        assert canvas.evaluate(COLOURS) > 5


def test_all_charts_of_a_run_are_drawn_when_they_come_near(browser: Browser, address: str) -> None:
    """Scrolling down draws each figure; none falls back to its outline."""
    with visiting(browser, address) as visit:
        page = visit.draw(RUN)
        figures = page.locator("figure.rs-chart")
        assert figures.count() > 5
        for number in range(figures.count()):
            figures.nth(number).scroll_into_view_if_needed()
            figures.nth(number).locator("canvas").wait_for()
        assert page.locator(".rs-chart-note").count() == 0


@from_a_server
@pytest.mark.parametrize("path", [RUN, LINEAGE, SEEDS, "games/breakout/index.html"])
def test_the_browser_reads_the_numbers_that_were_written(
    browser: Browser, address: str, path: str, built_site: BuiltSite
) -> None:
    """Packed columns, those of shared axes and of each line of a chart, come back as they do in Python."""
    key = path.removesuffix("/index.html")
    data = read_script((built_site.docs / key / "data.js").read_text(encoding="utf-8"))
    models = "key => { const data = window.runsumData[key], { modelOf } = window.runsum.tools;"
    models += " return Object.fromEntries(Object.keys(data.charts).map((id) => [id, modelOf(data, id)])); }"
    with visiting(browser, address) as visit:
        shown = visit.draw(path).evaluate(models, key.removeprefix("runs/"))
    assert shown.keys() == data["charts"].keys()
    for name, chart in data["charts"].items():
        for line, seen in zip(chart.get("series", [chart]), shown[name].get("series", [shown[name]]), strict=True):
            wanted = data["axes"].get(line.get("x"), {}) | line
            columns = ("h",) if chart["kind"] == "progress" else ("t", "h", "s", "v", "lo", "hi")
            assert {column: seen.get(column) for column in columns if column in wanted} == {
                column: wanted[column] for column in columns if column in wanted
            }
    if "progress" in shown:
        assert shown["progress"]["v"] == data["axes"]["rows"]["t"]


def test_a_theme_switch_repaints_the_page_and_its_chart(browser: Browser, address: str) -> None:
    """One click turns the page dark, and the chart that was already drawn with it."""
    with visiting(browser, address) as visit:
        page = visit.draw(RUN)
        paper = "getComputedStyle(document.body).backgroundColor"
        light, drawn = page.evaluate(paper), page.locator(DRAWN).first.evaluate("canvas => canvas.toDataURL()")
        page.locator("label[for^=__palette]:visible").click()
        page.wait_for_selector("body[data-md-color-scheme=slate]")
        page.wait_for_function(f"before => {paper} !== before", arg=light)
        page.wait_for_function(f"before => document.querySelector('{DRAWN}').toDataURL() !== before", arg=drawn)
        assert page.locator(DRAWN).first.evaluate(COLOURS) > 5
        assert not visit.errors


@pytest.mark.parametrize("path", EVERY_KIND)
def test_a_page_neither_complains_nor_calls_home(browser: Browser, address: str, path: str) -> None:
    """No message in the console, no failed request, and every request stays on the site."""
    with visiting(browser, address) as visit:
        page = visit.show(path)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(500)  # nothing announces the end of what scrolling starts
        assert not visit.errors
        assert not visit.foreign()


@from_a_server
@pytest.mark.parametrize("path", EVERY_KIND)
def test_a_phone_scrolls_one_way_only(browser: Browser, address: str, path: str) -> None:
    """At 390 pixels no page is wider than the screen; wide tables scroll inside themselves."""
    with visiting(browser, address, viewport=PHONE) as visit:
        assert visit.show(path).evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@from_a_server
def test_without_scripts_the_curve_stands(browser: Browser, address: str) -> None:
    """A reader without JavaScript sees the outline of the reward and all numbers."""
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.open(RUN)
        curve = page.locator("#chart-reward svg.rs-static")
        box = curve.bounding_box()
        assert curve.is_visible()
        assert box is not None
        assert box["height"] > 100
        line = curve.locator("path").first
        drawn = line.bounding_box()
        assert drawn is not None
        assert drawn["width"] > 300
        looks = line.evaluate("path => { const { fill, stroke } = getComputedStyle(path); return [fill, stroke]; }")
        assert looks[0] == "none" != looks[1]
        assert page.locator("[data-field=final_reward]").is_visible()


@from_a_server
def test_without_scripts_the_newest_runs_stand(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """In place of the finder: a table whose rows lead to the newest runs, and links to the page of every game."""
    with (built_site.docs / "data" / "runs.csv").open(encoding="utf-8", newline="") as file:
        newest = [row["page"] for row in csv.DictReader(file)][:25]
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.open(FINDER)
        rows = page.locator("table.rs-table tbody tr")
        assert rows.first.is_visible()
        links = rows.locator("td:first-child a").evaluate_all("all => all.map(a => a.href)")
        assert links == [address + page for page in newest]
        games = page.locator("ul.rs-links a[href*='games/']")
        assert games.first.is_visible()
        linked = {url.removeprefix(address) for url in games.evaluate_all("all => all.map(a => a.href)")}
        assert linked == {
            f"games/{folder.parent.name}/index.html" for folder in built_site.docs.glob("games/*/index.md")
        }


@from_a_server
def test_without_scripts_the_comparison_says_so(browser: Browser, address: str) -> None:
    """A reader without JavaScript is told why nothing is compared, and where the runs are."""
    with visiting(browser, address, java_script_enabled=False) as visit:
        page = visit.open(COMPARE)
        assert "JavaScript" in page.locator("noscript").inner_text()
        assert page.locator(f".rs-compare a[href='../{FINDER}']").is_visible()


@from_a_server
@pytest.mark.parametrize("path", ["index.html", RUN])
def test_vega_waits_until_a_chart_is_near(browser: Browser, address: str, path: str) -> None:
    """In a window that shows no chart, nothing that draws is asked for; scrolling to one brings it."""
    with visiting(browser, address, viewport={"width": 1280, "height": 60}) as visit:
        page = visit.open(path)
        page.wait_for_timeout(1000)  # nothing announces that nothing comes
        assert not [url for url in visit.asked if url.endswith(("/charts.js", "data.js"))]
        if path == RUN:
            page.locator(FIGURE).first.scroll_into_view_if_needed()
            page.wait_for_selector(DRAWN)
            assert [url for url in visit.asked if url.endswith("/charts.js")]
