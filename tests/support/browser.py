"""What the tests in a browser share: a server, a tab that listens, the pages of the usual site and where they lie."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

    from conftest import BuiltSite

RUN = "runs/run-aaaa0003/index.html"
LINEAGE = "lineages/run-aaaa0002/index.html"
SEEDS = "seeds/breakout-ppo-4ddfd1/index.html"  # the name is made of the settings that its runs have in common
FINDER = "runs/index.html"
COMPARE = "compare/index.html#runs=run-aaaa0002,run-aaaa0003"
PAGES = (
    "index.html",
    FINDER,
    RUN,
    LINEAGE,
    "games/breakout/index.html",
    "algorithms/ppo/index.html",
    "digest/index.html",
    "problems/index.html",
    "methods/index.html",
)
EVERY_KIND = (
    *PAGES,
    "lineages/index.html",
    "seeds/index.html",
    SEEDS,
    "games/index.html",
    "algorithms/index.html",
    "digest/2025-12/index.html",
    COMPARE,
)
"""One page of every kind; the rest of them look like one of `PAGES`."""

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
FIGURE = "figure.rs-chart[data-chart]"
READY = {"finder": "[data-tool=finder][data-ready]", "compare": "[data-tool=compare] figure.rs-drawn canvas"}
DRAWN = "figure.rs-drawn .rs-canvas canvas"
# How many colours a canvas shows: an empty one has a single colour.
COLOURS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a line per request, with headers of one's own."""

    def __init__(self, *given: Any, headers: Mapping[str, str], **named: Any) -> None:
        self.extra = headers
        super().__init__(*given, **named)

    def end_headers(self) -> None:
        for name, value in self.extra.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path, headers: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """The address under which a folder is served meanwhile."""
    handler = partial(Quiet, directory=str(folder), headers=headers)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
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


# Whatever the policy of a page stops is an error in its console, in each of its frames.
LISTEN = """document.addEventListener("securitypolicyviolation", (event) => console.error(
    `the policy stopped ${event.blockedURI} of ${event.sourceFile}: ${event.violatedDirective}`))"""


@dataclass
class Visit:
    """A tab, where its site begins, and what it asked for and complained about."""

    page: Page
    home: str
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(LISTEN)
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

    def show(self, path: str) -> Page:
        """Open a page and wait for its tool and its first chart, where it has any."""
        page = self.open(path)
        for tool in page.locator("[data-tool]").all():
            page.wait_for_selector(READY[str(tool.get_attribute("data-tool"))])
        if page.locator(FIGURE).count():
            page.wait_for_selector(DRAWN)
        return page

    def draw_all(self, path: str) -> Page:
        """Open a page and wait until its tool is ready and each of its charts is drawn."""
        page = self.show(path)
        for figure in page.locator(FIGURE).all():
            figure.scroll_into_view_if_needed()
            figure.locator("canvas").wait_for()
        return page

    def foreign(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((self.home, "data:", "blob:"))]


_kept: list[tuple[Browser, dict[str, Any], BrowserContext]] = []  # the windows that no visit has, the latest last
_KEPT = 4


@contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Iterator[Visit]:
    """A fresh tab, in light colours unless told otherwise.

    A new window takes as long as a visit. One that a visit has left with nothing stored serves the next of its kind.
    """
    options = {"viewport": WIDE, "color_scheme": "light"} | options
    context = _window(browser, options)
    yield Visit(context.new_page(), address)
    _empty(context)  # a test that failed leaves it as it is, and nobody has it again
    _kept.append((browser, options, context))
    while len(_kept) > _KEPT:
        _kept.pop(0)[2].close()


def _window(browser: Browser, options: dict[str, Any]) -> BrowserContext:
    for place, (of, have, context) in enumerate(_kept):
        if of is browser and have == options:
            del _kept[place]
            return context
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    context.new_page()  # a window ends with its last tab
    return context


def _empty(context: BrowserContext) -> None:
    """Close all tabs but the first, and forget what pages have stored."""
    first, *others = context.pages
    for page in others:
        page.close()
    session = context.new_cdp_session(first)
    session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    session.detach()
