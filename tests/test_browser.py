"""The site in a real browser: charts are drawn, the search finds, nothing else is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import TimeoutError as NotInTime

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

    from conftest import BuiltSite

pytestmark = pytest.mark.browser

RUN = "runs/run-aaaa0003/index.html"
LINEAGE = "lineages/run-aaaa0002/index.html"
PAGES = (
    "index.html",
    "runs/index.html",
    RUN,
    LINEAGE,
    "games/breakout/index.html",
    "algorithms/ppo/index.html",
    "problems/index.html",
    "methods/index.html",
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
DRAWN = "figure.rs-drawn .rs-canvas canvas"
# How many colours a canvas shows: an empty one has a single colour.
COLOURS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a line per request."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address under which a folder is served meanwhile."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=["http", "file"])
def address(request: pytest.FixtureRequest, built_site: BuiltSite) -> Iterator[str]:
    """The usual site from a server, or the OFFLINE one from a server or straight from its folder."""
    if request.param == "file":
        yield built_site.offline.as_uri() + "/"
    else:
        with served(built_site.online if request.param == "http" else built_site.offline) as url:
            yield url


on_any_address = pytest.mark.parametrize("address", ["http", "http-offline", "file"], indirect=True)
from_a_server = pytest.mark.parametrize("address", ["http"], indirect=True)


@dataclass
class Visit:
    """A tab, where its site begins, and what it asked for and complained about."""

    page: Page
    home: str
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self.listen)
        self.page.on("requestfailed", lambda request: self.errors.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def listen(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.errors.append(said.text)

    def open(self, path: str) -> Page:
        self.page.goto(self.home + path)
        return self.page

    def draw(self, path: str) -> Page:
        """Open a page and wait for its first chart."""
        self.open(path)
        self.page.wait_for_selector(DRAWN)
        return self.page

    def foreign(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((self.home, "data:", "blob:"))]


@contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Iterator[Visit]:
    """A fresh tab, in light colours unless told otherwise."""
    context = browser.new_context(**({"viewport": WIDE, "color_scheme": "light"} | options))
    context.set_default_timeout(20_000)
    yield Visit(context.new_page(), address)
    context.close()


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


@on_any_address
@pytest.mark.parametrize("wanted", ["run_id", "game", "learning_rate", "batch_size"])
def test_the_search_finds_a_run(browser: Browser, address: str, built_site: BuiltSite, wanted: str) -> None:
    """Typing an id, a game or the value of a setting leads to the run; for an id it is the first result."""
    text = str(getattr(built_site.wanted, wanted))
    run = f"runs/{built_site.wanted.run_id}/index.html"
    with visiting(browser, address) as visit:
        page = visit.open("index.html")
        page.locator("input.md-search__input").click()
        page.locator("input.md-search__input").press_sequentially(text)
        place = "li:first-child > " if wanted == "run_id" else "li "
        result = page.locator(f".md-search-result__list > {place}a[href*='{run}']").first
        try:
            result.wait_for(timeout=8_000)
        except NotInTime:
            pytest.fail(f"typing {text} does not lead to {run}", pytrace=False)
        assert not visit.errors


@pytest.mark.parametrize("path", PAGES)
def test_a_page_neither_complains_nor_calls_home(browser: Browser, address: str, path: str) -> None:
    """No message in the console, no failed request, and every request stays on the site."""
    with visiting(browser, address) as visit:
        page = visit.open(path)
        if page.locator("figure.rs-chart").count():
            page.wait_for_selector(DRAWN)
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(500)  # nothing announces the end of what scrolling starts
        assert not visit.errors
        assert not visit.foreign()


@from_a_server
@pytest.mark.parametrize("path", PAGES)
def test_a_phone_scrolls_one_way_only(browser: Browser, address: str, path: str) -> None:
    """At 390 pixels no page is wider than the screen; wide tables scroll inside themselves."""
    with visiting(browser, address, viewport=PHONE) as visit:
        page = visit.draw(path) if path in (RUN, LINEAGE) else visit.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


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
        assert len(str(curve.locator("polyline").first.get_attribute("points")).split()) > 20
        assert page.locator("[data-field=final_reward]").is_visible()
