"""The comparison in a real browser: how runs are chosen, and what is not as it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.browser import PHONE, WIDE, visiting
from support.compared import CHILD, EMPTY, MANY, PONG, REPEATED, ROOT, Compared
from support.comparing import BOTH_DRAWN, REWARD, cells, comparing, from_a_server, reached, said

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["http", "file"])
def home(request: pytest.FixtureRequest, compared: Compared) -> Iterator[str]:
    """The archive, each way to it."""
    with reached(compared, request.param) as url:
        yield url


# ---------------------------------------------------------------- choosing


def test_runs_are_added_and_removed(browser: Browser, home: str) -> None:
    """By a search over all runs, with the keyboard, and by the cross of a run; colours stay with their runs."""
    colour = "run => [...window.runsum.charts][0].series.find((series) => series.short === run).slot"
    with comparing(browser, home, f"runs={ROOT},{CHILD}") as visit:
        page = visit.page
        page.locator(".rs-add input").fill("run")
        page.locator(".rs-add li.rs-muted").wait_for()
        left = page.evaluate("window.runsumData.runs.count") - 2 - page.locator(".rs-add li button").count()
        assert page.locator(".rs-add li.rs-muted").inner_text() == f"{left} more: another word narrows them"
        page.locator(".rs-add input").fill("pong")
        page.get_by_role("button", name=PONG).wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector(".rs-compare-chosen li:nth-child(3)")
        assert page.evaluate("location.hash") == f"#runs={ROOT},{CHILD},{PONG}"
        page.wait_for_function("() => [...window.runsum.charts][0].series.length === 3")
        slot = page.evaluate(colour, CHILD)
        page.get_by_label(f"Remove {ROOT} from the comparison").click()
        page.wait_for_function("() => [...window.runsum.charts][0].series.length === 2")
        assert page.evaluate("location.hash") == f"#runs={CHILD},{PONG}"
        assert page.evaluate(colour, CHILD) == slot
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Remove ")
        assert not visit.errors


@from_a_server
def test_an_address_that_changes_is_followed(browser: Browser, home: str) -> None:
    """As when a link to another comparison is pasted over it."""
    with comparing(browser, home, f"runs={ROOT},{CHILD}") as visit:
        visit.page.evaluate(f"location.hash = 'runs={PONG},{REPEATED}'")
        visit.page.wait_for_function(f"() => document.title.startsWith('{PONG}, {REPEATED} · ')")
        assert visit.page.locator(".rs-compare-chosen li > a").all_inner_texts() == [PONG, REPEATED]


@from_a_server
def test_what_the_search_finds_is_told(browser: Browser, home: str) -> None:
    """How many runs it offers, or that there is none: a list that opens is not heard."""
    with comparing(browser, home, f"runs={ROOT}") as visit:
        field, told = visit.page.locator(".rs-add input"), visit.page.locator(".rs-add [role=status]")
        field.fill(CHILD)
        expect(told).to_have_text("1 run found")
        field.fill("run-d")
        expect(told).to_have_text("8 runs found, 12 more: another word narrows them")
        field.fill("nothing-of-the-kind")
        expect(told).to_contain_text("No other run")
        field.press("Escape")
        expect(told).to_have_text("")


@from_a_server
def test_the_twentieth_run_takes_no_focus_away(browser: Browser, home: str) -> None:
    """The field goes when no other run has room; the link beside it has the focus."""
    with comparing(browser, home, f"runs={','.join(MANY[:19])}") as visit:
        field = visit.page.locator(".rs-add input")
        field.fill(MANY[19])
        visit.page.locator(".rs-add li button").wait_for()
        field.press("Enter")
        expect(field).to_be_hidden()
        expect(visit.page.locator(".rs-add > a")).to_be_focused()


def test_without_runs_the_page_says_how_to_choose(browser: Browser, home: str) -> None:
    """And the search is there at once."""
    with visiting(browser, home) as visit:
        page = visit.open("compare/index.html")
        page.locator(".rs-add input").wait_for()
        assert "the table of all runs" in page.locator(".rs-compare-empty").inner_text()
        assert page.locator(".rs-compare-body").is_hidden()
        assert not any(url.endswith(("/charts.js", "data/runs.js")) for url in visit.asked)
        assert not visit.errors


@from_a_server
def test_without_scripts_the_page_says_how_to_choose(browser: Browser, home: str) -> None:
    """And that it needs them; no empty tables."""
    with visiting(browser, home, java_script_enabled=False) as visit:
        page = visit.open(f"compare/index.html#runs={ROOT},{CHILD}")
        assert "needs JavaScript" in page.locator("article").inner_text()
        assert page.locator("table:visible").count() == 0


# ---------------------------------------------------------------- what is not as it was asked for


def test_a_run_that_is_not_there_is_told(browser: Browser, home: str) -> None:
    """One line each, and the others are compared."""
    with comparing(browser, home, f"runs={ROOT},run-nothere1,..%2F..%2Fx,{CHILD}") as visit:
        words = said(visit.page)
        assert "run-nothere1: no such run in this archive" in words
        assert "../../x: no such run in this archive" in words
        assert visit.page.locator(".rs-compare-chosen li > a").all_inner_texts() == [ROOT, CHILD]
        assert not any("/x/" in url for url in visit.asked)


@from_a_server
def test_curves_that_do_not_load_leave_the_tables(browser: Browser, home: str) -> None:
    """The facts of a run are a file of their own."""
    with visiting(browser, home) as visit:
        visit.page.route(f"**/runs/{CHILD}/data.js", lambda route: route.abort())
        visit.open(f"compare/index.html#runs={ROOT},{CHILD}")
        visit.page.wait_for_selector(BOTH_DRAWN)
        assert f"The curves of {CHILD} could not be loaded." in said(visit.page)
        assert cells(visit.page, "best_reward") == ["12.38", "14"]


@from_a_server
def test_a_run_without_rows_has_its_place(browser: Browser, home: str) -> None:
    """Nothing recorded is said as such, in each cell and below the chart."""
    with comparing(browser, home, f"runs={ROOT},{EMPTY}") as visit:
        assert cells(visit.page, "best_reward") == ["12.38", "not recorded"]
        assert visit.page.locator(f"{REWARD} .rs-chart-note").inner_text() == f"Not recorded for {EMPTY}."
        assert not visit.errors


@from_a_server
def test_one_run_and_more_than_twenty(browser: Browser, home: str) -> None:
    """One is shown and asks for another; of twenty-two the first twenty, and no two lines look alike."""
    with comparing(browser, home, f"runs={ROOT}") as visit:
        assert "One run alone" in said(visit.page)
        assert visit.page.locator(".rs-best").count() == 0
    with comparing(browser, home, f"runs={','.join((*MANY, ROOT, CHILD))}") as visit:
        page = visit.page
        assert "takes 20 runs; the last 2 are left out" in said(page)
        assert page.locator(".rs-compare-chosen li").count() == 20
        looks = page.evaluate(
            "(() => { const chart = [...window.runsum.charts][0];"
            " return chart.colours().map((colour, i) => colour + chart.dash(i)); })()"
        )
        assert len(set(looks)) == 20
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDE["width"]
        assert not visit.errors


@from_a_server
def test_a_phone_scrolls_one_way_only(browser: Browser, home: str) -> None:
    """The tables scroll in themselves, and the header of a row stays."""
    with comparing(browser, home, f"runs={','.join(MANY[:5])}", PHONE) as visit:
        page = visit.page
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        title = page.locator("tr[data-row=best_reward] th")
        before = title.bounding_box()
        page.locator(".rs-scroll").first.evaluate("node => { node.scrollLeft = 300; }")
        assert title.bounding_box() == before


@from_a_server
def test_a_long_state_does_not_widen_the_narrowest_page(browser: Browser, home: str) -> None:
    """At 320 pixels, which is a page of 1,280 at 400 %, it takes two lines; its sign stays."""
    with comparing(browser, home, f"runs={ROOT},{PONG},{CHILD}", {"width": 320, "height": 800}) as visit:
        page = visit.page
        states = page.locator(".rs-compare-chosen .rs-badge")
        states.evaluate_all("nodes => nodes.forEach(node => { node.textContent = 'finished (status not updated)'; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        signs = states.evaluate_all("nodes => nodes.map(node => parseFloat(getComputedStyle(node, '::before').width))")
        assert min(signs) > 5


@from_a_server
def test_paper_has_every_run(browser: Browser, home: str) -> None:
    """Tables wider than a page are printed in pieces, each with its row headers; then they are as before."""
    with comparing(browser, home, f"runs={','.join(MANY)}") as visit:
        page = visit.page
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 703, "height": 900})  # A4 without its margins
        for name, region in (("compare-outcomes", "Outcomes"), ("compare-settings", "Configuration")):
            tables = page.locator(f"table.rs-{name}:visible")
            assert tables.locator("thead th a").all_inner_texts() == list(MANY), region
            assert len(set(tables.locator("tbody").evaluate_all("all => all.map(b => b.rows.length)"))) == 1
        assert page.locator("tr[data-row=best_reward]:visible > th").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 703
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.locator("table.rs-side:visible").count() == 2


@from_a_server
def test_a_dark_comparison_on_paper_has_lines_and_names_of_one_colour(browser: Browser, home: str) -> None:
    """Its curves are turned light side out; so is the piece of line before the name of each run."""
    with visiting(browser, home, viewport=WIDE, color_scheme="dark") as visit:
        page = visit.open(f"compare/index.html#runs={ROOT},{PONG}")
        page.wait_for_selector(BOTH_DRAWN)
        turned = "nodes => nodes.map(node => getComputedStyle(node).filter)"
        assert set(page.locator(".rs-swatch, canvas").evaluate_all(turned)) == {"none"}
        page.emulate_media(media="print")
        assert set(page.locator(".rs-swatch, canvas").evaluate_all(turned)) == {"invert(1) hue-rotate(180deg)"}


# ---------------------------------------------------------------- from elsewhere


def test_a_run_page_leads_to_a_comparison(browser: Browser, home: str) -> None:
    """One click on "its parent"."""
    with visiting(browser, home) as visit:
        page = visit.open(f"runs/{CHILD}/index.html")
        page.get_by_role("link", name="its parent", exact=True).click()
        page.wait_for_selector(BOTH_DRAWN)
        assert said(page).startswith(f"{CHILD} continues {ROOT}.")
        assert page.locator(".rs-compare-chosen li > a").all_inner_texts() == [CHILD, ROOT]
