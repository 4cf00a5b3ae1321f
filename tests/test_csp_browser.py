"""The policy in a browser: nothing of the site strains it, and nothing that gets into a page gets past it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from support.browser import COMPARE, DRAWN, EVERY_KIND, FINDER, RUN, served, visiting
from support.cli import typed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from conftest import BuiltSite

pytestmark = pytest.mark.browser

FIELD, FIRST = "input.md-search__input", ".md-search-result__list > li:first-child > a"

# Everything that must not run, in the page itself; each leaves a word where it does.
INJECTED = """<p id="bait" onclick="document.body.dataset.handler = 1">bait</p>
<script>document.body.dataset.inline = 1</script>
<img src="gone.png" onerror="document.body.dataset.error = 1">
<a id="link" href="javascript:document.body.dataset.address = 1">link</a>
<style>#bait { position: fixed }</style><p id="styled" style="position: fixed">styled</p>
<img src="ELSEWHEREimage"><script src="ELSEWHEREscript"></script><link rel="stylesheet" href="ELSEWHEREstyle">
<iframe src="ELSEWHEREframe"></iframe><object data="ELSEWHEREobject"></object>
<video src="ELSEWHEREvideo"></video>
<form action="ELSEWHEREform"><button id="send">send</button></form>
<base href="ELSEWHEREbase/"><script src="stowaway.js"></script>"""

# A file of the site itself, so it runs; it says what it was kept from.
STOWAWAY = """(() => {
    const tell = (name, done) => { document.body.dataset[name] = done; };
    const attempt = (name, act) => { try { act(); tell(name, "ran"); } catch (error) { tell(name, error.name); } };
    attempt("eval", () => eval("1"));
    attempt("function", () => new Function("return 1")());
    setTimeout("document.body.dataset.timer = 1", 0);
    fetch("ELSEWHEREfetch").then(() => tell("fetch", "ran"), (error) => tell("fetch", error.name));
    const script = document.createElement("script");
    script.textContent = "document.body.dataset.made = 1";
    document.body.append(script);
    new Image().src = "ELSEWHEREbeacon";
    setTimeout(() => tell("over", 1), 500);
})();"""

# Sends the form and says where that has led.
SEND = """() => {
    document.querySelector("#send").click();
    return new Promise((tell) => setTimeout(() => tell(location.href), 500));
}"""


@contextmanager
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another server: its address, and what it was asked for."""
    asked: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
        thread.join()


def tampered(site: Path, copy: Path, other: str) -> Path:
    """A copy of the site in whose page of a run all of that stands."""
    shutil.copytree(site, copy)
    page = copy / RUN
    injected = (INJECTED + "<article").replace("ELSEWHERE", other)
    page.write_text(page.read_text(encoding="utf-8").replace("<article", injected, 1), encoding="utf-8")
    (page.parent / "stowaway.js").write_text(STOWAWAY.replace("ELSEWHERE", other), encoding="utf-8")
    return copy


def without_policy(page: Path) -> None:
    """Take the tag out of a page."""
    html = page.read_text(encoding="utf-8")
    begin = html.index('<meta http-equiv="Content-Security-Policy"')
    page.write_text(html[:begin] + html[html.index(">", begin) + 1 :], encoding="utf-8")


@pytest.mark.parametrize("address", ["file"], indirect=True)
@pytest.mark.parametrize("path", EVERY_KIND)
def test_a_dark_page_stays_within_its_policy(browser: Browser, address: str, path: str) -> None:
    """Every chart drawn, in dark colours; test_browser.py says it of light pages, test_accessibility.py over http."""
    with visiting(browser, address, color_scheme="dark") as visit:
        assert visit.draw_all(path).locator('meta[http-equiv="Content-Security-Policy"]').count() == 1
        assert not visit.errors


def test_the_header_is_enough(browser: Browser, built_site: BuiltSite, tmp_path: Path) -> None:
    """Sent with every file, workers included: charts, table, comparison and search work without a complaint."""
    site = tmp_path / "site"
    shutil.copytree(built_site.online, site)
    for file in site.rglob("*.html"):
        without_policy(file)
    sent = json.loads(typed("csp", "--json", str(site)).stdout)
    with served(site, {sent["header"]: sent["policy"]}) as address, visiting(browser, address) as visit:
        for path in (RUN, FINDER, COMPARE):
            visit.draw_all(path)
        page = visit.open("index.html")
        page.locator(FIELD).click()
        page.locator(FIELD).press_sequentially(built_site.wanted.run_id)
        page.locator(FIRST).first.wait_for()
        assert not visit.errors


@pytest.mark.parametrize("address", ["http", "file"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_nothing_that_gets_into_a_page_runs(
    browser: Browser, built_site: BuiltSite, tmp_path: Path, address: str, when: str
) -> None:
    """Scripts, handlers, styles, frames, forms and what lies elsewhere: none does anything, and charts are drawn.

    Whether they were there before the policy was written makes no difference but one: styles are allowed then.
    """
    with elsewhere() as (other, asked):
        site = tampered(built_site.online if address == "http" else built_site.offline, tmp_path / "site", other)
        if when == "before":
            assert typed("csp", "--write", str(site)).exit_code == 1
        with served(site) as home, visiting(browser, site.as_uri() + "/" if address == "file" else home) as visit:
            shown = visit.draw(RUN)
            shown.locator("#bait").click()
            shown.locator("#link").click()
            shown.wait_for_selector("body[data-over]")
            assert shown.locator(DRAWN).count() > 0
            left: dict[str, str] = shown.evaluate("({...document.body.dataset})")
            assert {name: word for name, word in left.items() if not name.startswith("mdColor")} == {
                "eval": "EvalError",
                "function": "EvalError",
                "fetch": "TypeError",
                "over": "1",
            }
            position = "node => getComputedStyle(node).position"
            places = [shown.locator(place).evaluate(position) for place in ("#bait", "#styled")]
            assert places == (["fixed"] * 2 if when == "before" else ["static"] * 2)
            assert shown.evaluate(SEND) == visit.home + RUN
            assert len([error for error in visit.errors if error.startswith("the policy stopped")]) > 10
    assert asked == []


def test_without_a_policy_all_of_it_runs(browser: Browser, built_site: BuiltSite, tmp_path: Path) -> None:
    """The same page without its tag: the bait is live, so the test above can fail."""
    with elsewhere() as (other, asked):
        site = tampered(built_site.online, tmp_path / "site", other)
        without_policy(site / RUN)
        with served(site) as home, visiting(browser, home) as visit:
            shown = visit.open(RUN)
            shown.locator("#bait").click()
            shown.locator("#link").click()
            shown.wait_for_function("() => 'inline' in document.body.dataset && 'address' in document.body.dataset")
            left: dict[str, str] = shown.evaluate("({...document.body.dataset})")
            assert {"handler", "inline", "error", "address"} <= set(left)
            shown.locator("#send").click()
            shown.wait_for_url(f"{other}form?")
    assert {"/form?", "/image", "/script", "/style", "/frame", "/object", "/video", "/base/stowaway.js"} <= set(asked)
