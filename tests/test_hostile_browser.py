"""Hostile text in a browser: on every kind of page and under every builder it is read, and does nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from support.browser import FIGURE, Visit, served, visiting
from support.hostile import BY_NAME, CORPUS, SIGN
from support.hostile_archive import BUILDERS, EVERYTHING, HostileArchive, hostile_archive, plain_id

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["hostile_archive"]  # a fixture
pytestmark = pytest.mark.browser

MATERIALS = ("input.md-search__input", "input.md-search__input", ".md-search-result__list > li > a")
ZENSICALS = ("button:has-text('Search')", "[role=combobox]", "[role=option]")
# Zensical's theme looks for an element of the id behind # and stumbles over quotation marks in it.
THEMES_OWN = "is not a valid selector"
# Elements of a result that are not the theme's.
PREVIEW = """links => links.flatMap((link) => [...link.querySelectorAll("*")]).filter((node) => !node.matches(
        "article, h1, h2, p, div, span, mark, svg, path, nav, menu, ul, ol, li, b, u, em, small, code")
    || [...node.attributes].some(({ name }) => name.startsWith("on") || name === "src")
).map((node) => node.outerHTML.slice(0, 200))"""
SEARCHED = 4  # every so many texts are searched for by their markers

# What no page may hold where text of the database stands, read by the browser's own parser, which runs nothing.
INSPECT = """([html, path]) => {
    const page = new DOMParser().parseFromString(html, "text/html"), found = [];
    const banned = "script, iframe, frame, object, embed, form, base, meta, link, style, math, template, portal, img, "
        + "audio, source, textarea, marquee, animate, set, foreignObject, [style], [srcdoc], [srcset], [background]";
    const say = (what, node) => found.push(path + ": " + what + ": " + node.outerHTML.slice(0, 200));
    const content = page.querySelector(".md-content");
    if (!content) return [path + ": no content"];
    for (const node of content.querySelectorAll(banned)) say("element", node);
    for (const node of page.querySelectorAll("*")) {
        for (const { name, value } of node.attributes) {
            if (name.startsWith("on")) say("handler", node);
            const address = value.replace(/[\\t\\n\\r]|^[\\x00-\\x20]+/g, "").toLowerCase();
            if (["href", "src", "action", "formaction", "data", "poster", "xlink:href"].includes(name)
                && /^(javascript|vbscript|data):/.test(address)) say("address", node);
        }
    }
    for (const node of page.querySelectorAll("meta[http-equiv=refresh], base")) say("head", node);
    for (const node of page.querySelectorAll("script, style"))
        if (node.textContent.includes("%SIGN%")) say("code", node);
    const ids = [...page.querySelectorAll("[id]")].map((node) => node.id);
    for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(path + ": twice: " + id);
    for (const node of content.querySelectorAll("h1, h2, h3, h4")) {
        if (node.id && (!/^[^\\s<>"'`=&]+$/.test(node.id) || node.id.length > 250)) say("heading", node);
    }
    for (const table of content.querySelectorAll("table")) {
        const width = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
        const rows = [...table.rows].filter((row) => row.cells.length);
        for (const row of rows) if (width(row) !== width(rows[0])) say("row of another width", row);
    }
    return found;
}""".replace("%SIGN%", SIGN)

# The same of a page as it stands after its scripts have run: what they made of the data.
LIVE = """() => {
    const found = [];
    for (const node of document.querySelectorAll(".md-content *, .rs-tip *")) {
        if (node.matches("form.vega-bindings:empty")) continue; // Vega's own
        if (node.matches("script, iframe, object, embed, form, base, meta, link, style, math, img"))
            found.push(node.outerHTML.slice(0, 200));
        for (const { name, value } of node.attributes)
            if (name.startsWith("on") || /^\\s*(javascript|vbscript):/i.test(value))
                found.push(node.outerHTML.slice(0, 200));
    }
    for (const table of document.querySelectorAll(".md-content table")) {
        const width = (row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0);
        const rows = [...table.rows].filter((row) => row.cells.length && !row.hidden);
        for (const row of rows) if (width(row) !== width(rows[0])) found.push("row: " + row.outerHTML.slice(0, 200));
    }
    return found;
}"""


@contextmanager
def watched(browser: Browser, home: str) -> Iterator[Visit]:
    """A tab in which nothing may run, open, complain or ask elsewhere."""
    with visiting(browser, home) as visit:
        dialogs: list[str] = []
        left: list[str] = []  # whoever leaves a page early ends what it was still loading
        visit.page.on("requestfailed", lambda it: left.append(f"failed: {it.url}") if "ABORT" in it.failure else None)
        visit.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        visit.page.context.on("page", lambda other: dialogs.append(f"another tab: {other.url}"))
        yield visit
        assert not dialogs
        assert not visit.foreign()
        assert not [error for error in visit.errors if error not in left and THEMES_OWN not in error]


def assert_harmless(page: Page, path: str) -> None:
    assert page.evaluate(f"typeof window.{SIGN}") == "undefined", path
    assert page.evaluate(LIVE) == [], path


Home = tuple[str, HostileArchive, str]


@pytest.fixture(scope="module")
def home(request: pytest.FixtureRequest, hostile_archive: HostileArchive) -> Iterator[Home]:
    """The site of each builder from a server, and that of MkDocs straight from its folder."""
    with ExitStack() as stack:
        if request.param == "folder":
            yield hostile_archive.site("mkdocs", offline=True).as_uri() + "/", hostile_archive, "mkdocs"
        else:
            site = hostile_archive.site(request.param)
            yield stack.enter_context(served(site)), hostile_archive, request.param


everywhere = pytest.mark.parametrize("home", [*BUILDERS, "folder"], indirect=True)
# What is true of a page of MkDocs is true of ProperDocs's: they are the same bytes, says test_builders.py.
wherever_it_differs = pytest.mark.parametrize("home", ["mkdocs", "zensical", "folder"], indirect=True)


@pytest.mark.parametrize("builder", BUILDERS)
def test_no_page_holds_an_element_of_the_data(browser: Browser, hostile_archive: HostileArchive, builder: str) -> None:
    """Every page, as a browser parses it: no element, no handler, no address of the corpus; tables and ids whole."""
    site = hostile_archive.site(builder)
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 2 * len(CORPUS)
    if builder == "properdocs":  # the very bytes of MkDocs need not be looked at twice
        pages = [page for page in pages if not is_same(page, hostile_archive.site("mkdocs") / page.relative_to(site))]
    with visiting(browser, "about:blank") as visit:
        found = [
            complaint
            for page in pages
            for complaint in visit.page.evaluate(
                INSPECT, [page.read_text(encoding="utf-8"), page.relative_to(site).as_posix()]
            )
        ]
    assert not found, "\n".join(["", *found[:40]])


def is_same(page: Path, other: Path) -> bool:
    return other.exists() and page.read_bytes() == other.read_bytes()


def test_the_inspection_finds_what_it_looks_for(browser: Browser) -> None:
    """Texts that are markup as they are: the same look at a page that does not escape them finds fault with it."""
    with visiting(browser, "about:blank") as visit:
        faulty = [
            hostile.name
            for hostile in CORPUS
            if visit.page.evaluate(INSPECT, [f"<div class=md-content>{hostile.read}</div>", hostile.name])
        ]
    assert len(faulty) > 25, faulty
    assert {"script", "image-handler", "svg-load", "html-link", "base", "meta-refresh", "style-element"} <= set(faulty)


def kinds(archive: HostileArchive) -> list[str]:
    """One page of every kind, and of runs, games and algorithms some."""
    runs = [plain_id(place) for place, hostile in enumerate(CORPUS) if hostile.name in ("script", "long-word", "zalgo")]
    runs += [BY_NAME[name].read for name in ("image-handler", "proto", "invalid-bytes")]
    game, algorithm = (next((archive.docs / kind).glob("zzimagehandleryy*")).name for kind in ("games", "algorithms"))
    lineage = min(folder.name for folder in (archive.docs / "lineages").iterdir() if "zz" in folder.name)
    return [
        "index.html", *map(archive.page, runs), f"games/{game}/index.html", "games/index.html",
        f"algorithms/{algorithm}/index.html", "algorithms/index.html", f"lineages/{lineage}/index.html",
        "lineages/index.html", "digest/index.html", "digest/2025-12/index.html", "problems/index.html",
        "methods/index.html", "404.html",
    ]  # fmt: skip


@everywhere
def test_every_kind_of_page_does_nothing_but_show(browser: Browser, home: Home) -> None:
    """Visited, scrolled through, charts drawn and pointed at: the text of the data stays text."""
    address, archive, _ = home
    with watched(browser, address) as visit:
        for path in kinds(archive):
            if path == "404.html" and address.startswith("file:"):
                continue  # only a server shows it: its addresses begin at the root
            page = visit.open(path)
            if page.locator(FIGURE).count():
                page.locator(FIGURE).first.scroll_into_view_if_needed()
                page.locator(f"{FIGURE} canvas").first.wait_for()
                sweep(page, 6)
            page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            assert_harmless(page, path)


@wherever_it_differs
def test_all_notes_in_a_chart_are_words(browser: Browser, home: Home) -> None:
    """The tooltips of a chart with a note for each text say it as text."""
    address, archive, builder = home
    with watched(browser, address) as visit:
        page = visit.draw_all(archive.page(EVERYTHING)) if builder == "mkdocs" else visit.draw(archive.page(EVERYTHING))
        page.evaluate("window.scrollTo(0, 0)")
        said = sweep(page, 60)
        assert len({hostile.name for hostile in CORPUS if hostile.marker and hostile.marker in said}) > 20
        assert "<" in said
        assert_harmless(page, "everything")


def sweep(page: Page, steps: int, figure: str = FIGURE) -> str:
    """Move the pointer over the first chart and return what its tooltip said."""
    box = page.locator(f"{figure} .rs-canvas").first.bounding_box()
    assert box is not None
    said = set()
    for step in range(1, steps):
        page.mouse.move(box["x"] + box["width"] * step / steps, box["y"] + box["height"] / 2)
        said.add(page.evaluate("(document.querySelector('.rs-tip') || {}).textContent || ''"))
    return " ".join(sorted(said))


def is_model(address: str, builder: str) -> bool:
    """Whether a site is tried with everything; the scripts are the same everywhere."""
    return address.startswith("http") and builder == "mkdocs"


@wherever_it_differs
def test_the_finder_shows_names_as_they_are(browser: Browser, home: Home) -> None:
    """With filters and all columns open, sorted, asked and narrowed by hostile values, and downloaded."""
    address, _, builder = home
    with watched(browser, address) as visit:
        page = visit.show("runs/index.html")
        names = page.evaluate("runsum.finder.runs.columns.map((column) => column.name)")
        assert len(names) > 100
        page.evaluate(
            "names => { const it = runsum.finder; it.show(names); it.grid.setSort(':learning_rate', 'desc'); }", names
        )
        page.wait_for_function("() => location.hash.includes('sort=')")
        state = page.evaluate("location.hash")
        page.goto("about:blank")
        page = visit.show("runs/index.html" + state)
        assert page.evaluate("runsum.finder.columns") == names
        page.locator("details.rs-panel summary").click()
        assert_harmless(page, "columns")
        page.keyboard.press("Escape")
        for hostile in CORPUS[:: 8 if is_model(address, builder) else 32]:
            page.fill(".rs-query", hostile.read)  # whatever it asks, or cannot ask
            page.fill(".rs-query", f"name:{hostile.marker}" if hostile.marker else "")
            assert not page.locator(".rs-found").inner_text().startswith("0 of"), hostile.name
        page.fill(".rs-query", "")
        for line in page.locator(".rs-choice-line:visible").all()[:12:3]:
            line.click()
            assert_harmless(page, "filters")
        assert_harmless(page, "finder")


@wherever_it_differs
def test_runs_of_hostile_names_are_compared(browser: Browser, home: Home) -> None:
    """Curves, outcomes and all settings side by side; the search for another run lists names as words."""
    address, archive, _ = home
    slugs = [archive.slugs[CORPUS[place].read] for place in (0, 2, 4, 6, 43, 77)]
    slugs.append(archive.slugs[EVERYTHING])
    with watched(browser, address) as visit:
        page = visit.show(f"compare/index.html#runs={','.join(slugs)}&config=all")
        page.wait_for_function("() => document.querySelectorAll('.rs-compare-settings tbody tr').length > 100")
        assert page.locator(".rs-compare-chosen li").count() == len(slugs)
        assert sweep(page, 5, ".rs-compare-reward")
        page.locator(".rs-add input").fill("zzimagehandleryy")
        page.locator(".rs-add button").first.wait_for()
        assert "<img src=x" in page.locator(".rs-add li").first.inner_text()
        assert_harmless(page, "compare")


PAYLOADS = ("<img src=x onerror=window.__pwned=1>", "\"><script>window.__pwned=1</script>", "javascript:alert(1)",
            "__proto__", "constructor", "../../x", "%00%ff&;#", "a:(b", "-", "+ - ~ ^ : * \"", "\u202e")  # fmt: skip


@wherever_it_differs
def test_a_hostile_address_changes_nothing(browser: Browser, home: Home) -> None:
    """Whatever stands behind # and ? of a link that somebody sent."""
    address, archive, builder = home
    forms = (
        "compare/index.html#runs={0},{0}&metric={0}&x={0}&smooth={0}&log={0}&config={0}", "compare/index.html#{0}",
        "runs/index.html#q={0}&sort=-{0}&cols={0},run&sel={0}", "runs/index.html#{0}",
        "index.html?q={0}", archive.page(EVERYTHING) + "?h={0}#{0}",
    )  # fmt: skip
    with watched(browser, address) as visit:
        for form in forms:
            for payload in PAYLOADS if is_model(address, builder) else PAYLOADS[:2]:
                page = visit.page
                page.goto("about:blank")
                visit.open(form.format(quote(payload, safe="")))
                page.wait_for_load_state("load")
                assert page.evaluate(f"typeof window.{SIGN}") == "undefined", (form, payload)
            assert_harmless(page, form)


@wherever_it_differs
def test_the_search_finds_the_word_in_a_hostile_name(browser: Browser, home: Home) -> None:
    """The first results for the readable word of a name are its runs, and their preview is text."""
    address, _, builder = home
    button, field, results = ZENSICALS if builder == "zensical" else MATERIALS
    wanted = [(place, hostile) for place, hostile in enumerate(CORPUS) if hostile.marker]
    from playwright.sync_api import TimeoutError

    missed = []
    with watched(browser, address) as visit:
        page = visit.open("index.html")
        page.locator(button).locator("visible=true").first.click()
        for place, hostile in wanted[:: 1 if address.startswith("http") and builder == "mkdocs" else SEARCHED]:
            page.locator(field).fill(hostile.marker[:-1])
            page.locator(field).press_sequentially(hostile.marker[-1])  # Material listens to keys
            try:
                page.locator(f"{results}[href*='runs/{plain_id(place)}/']").first.wait_for(timeout=3000)
            except TimeoutError:
                missed.append(hostile.name)
            found = page.locator(results).evaluate_all(PREVIEW)
            assert not found, found
        assert_harmless(page, "search")
    assert not missed, " ".join(missed)
