"""One docs folder, three builders: MkDocs, ProperDocs and Zensical make the same pages of it, and all of them work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from support.browser import COLOURS, DRAWN, LINEAGE, PAGES, PHONE, WIDE, Visit, served, visiting
from support.cli import typed
from support.expect import AS_OF
from support.project_files import MP4, put
from support.scenarios_known_runs import DQN, HEAD_LEG2_DOUBLED, HEAD_SINGLE, LEG_2
from support.scenarios_records import SCENARIOS as RECORDS
from support.scenarios_records import VIDEO
from support.scenarios_time import GAPS
from test_site import is_elsewhere, is_there, pages_of, parse, target_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BUILDERS = ("mkdocs", "properdocs", "zensical")
KINDS = ("online", "offline")  # as they come, and with OFFLINE=true
FILM = f"video/training/{VIDEO}/env_0-episode-0.mp4"
NOTE = "# What I saw\n\nIt **learned** to [tunnel](https://example.org/tunnel).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
SETTINGS = "databases: databases/*.db\nproject_root: project\n"

GENERATOR = re.compile(rb'<meta name="generator" content="mkdocs-[^"]+">')
RUN, GAME = f"runs/{LEG_2}/index.html", "games/breakout/index.html"

# Where a reader clicks, where the words are typed, and the first result.
MATERIALS_SEARCH = ("input.md-search__input",) * 2 + (".md-search-result__list > li:first-child > a",)
ZENSICALS_SEARCH = ("button:has-text('Search')", "[role=combobox]", "[role=option][aria-posinset='1']")

every_site = pytest.mark.parametrize(("builder", "kind"), list(product(BUILDERS, KINDS)))
# A page of ProperDocs is one of MkDocs, see below: from a folder, too.
every_address = pytest.mark.parametrize(
    ("builder", "address"), [pair for pair in product(BUILDERS, ("http", "file")) if pair != ("properdocs", "file")]
)


class Built(NamedTuple):
    """A site and what its builder said."""

    site: Path
    code: int
    said: str


SiteOf = Callable[[str, str], Built]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a user has it: legs, forks, videos, a note, hostile names; and the docs folder made of them."""
    work = tmp_path_factory.mktemp("builders")
    (work / "databases").mkdir()
    for scenario in (*RECORDS, HEAD_SINGLE, HEAD_LEG2_DOUBLED, DQN, GAPS):
        scenario.build(work / "databases" / f"{scenario.name}.db")
    put(work, f"project/{FILM}", MP4)
    put(work, f"notes/{VIDEO}.md", NOTE)
    put(work, "runsum.yml", SETTINGS)
    run(work, "runsum", "build", "--as-of", AS_OF).check_returncode()
    return work


@pytest.fixture(scope="session")
def site_of(archive: Path) -> SiteOf:
    """What a builder makes of the docs folder, built when it is first asked for."""

    @cache
    def build(builder: str, kind: str) -> Built:
        finished = run(
            archive, builder, "build", "--strict", "--config-file", "mkdocs.yml", OFFLINE=str(kind == "offline").lower()
        )
        site = (archive / "site").rename(archive / f"{builder}-{kind}")  # not every builder can be told where to write
        sealed = run(archive, "runsum", "csp", "--write", site.name)
        assert sealed.returncode == 0, sealed.stderr
        return Built(site.resolve(), finished.returncode, finished.stdout + finished.stderr)

    return build


def run(work: Path, module: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=work,
        env=os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def relative(site: Path) -> set[str]:
    return {page.relative_to(site).as_posix() for page in pages_of(site)}


class Article(HTMLParser):
    """What a page says between header and footer: its words, and the address of all that has one."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.inside = False
        self.said: list[str | tuple[str, str]] = []
        self.feed(page.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or tag == "article"
        if self.inside:
            self.said += [(tag, value or "") for name, value in attrs if name in ("href", "src", "data-src")]

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "article"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.said += data.split()


# ---------------------------------------------------------------- the files


@every_site
def test_a_builder_has_nothing_to_warn_about(site_of: SiteOf, builder: str, kind: str) -> None:
    """In its strict mode it ends with 0 and mentions neither a warning nor an error."""
    built = site_of(builder, kind)
    assert built.code == 0, built.said
    assert not re.search(r"\b(warning|error)s?\b", built.said, re.IGNORECASE), built.said


@pytest.mark.parametrize("kind", KINDS)
def test_all_builders_make_the_same_pages(archive: Path, site_of: SiteOf, kind: str) -> None:
    """Every Markdown file becomes the page of its name with each builder, and 404.html is all they add."""
    docs = archive / "docs"
    expected = {path.relative_to(docs).with_suffix(".html").as_posix() for path in docs.rglob("*.md")} | {"404.html"}
    assert len(expected) > 40
    for builder in BUILDERS:
        assert relative(site_of(builder, kind).site) == expected, builder


@every_site
def test_a_page_says_the_same_with_every_builder(site_of: SiteOf, builder: str, kind: str) -> None:
    """Word for word and address for address what MkDocs makes of it, hostile names and people's notes included."""
    site, model = site_of(builder, kind).site, site_of("mkdocs", "online").site
    assert Article(model / RUN).said
    assert [page for page in sorted(relative(model)) if Article(site / page).said != Article(model / page).said] == []


@pytest.mark.parametrize("kind", KINDS)
def test_properdocs_makes_the_bytes_of_mkdocs(site_of: SiteOf, kind: str) -> None:
    """File for file and byte for byte but for the builder's name: what holds for one site holds for the other."""
    site, model = site_of("properdocs", kind).site, site_of("mkdocs", kind).site
    files = sorted(path.relative_to(model) for path in model.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    without_names = [[GENERATOR.sub(b"", (top / file).read_bytes()) for top in (site, model)] for file in files]
    assert [file for file, (made, expected) in zip(files, without_names, strict=True) if made != expected] == []


@every_site
def test_every_file_beside_the_pages_is_published(archive: Path, site_of: SiteOf, builder: str, kind: str) -> None:
    """Data of charts, downloads, the feed, videos, scripts and styles arrive byte for byte."""
    docs, site = archive / "docs", site_of(builder, kind).site
    files = [path.relative_to(docs) for path in docs.rglob("*") if path.is_file() and path.suffix != ".md"]
    files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
    assert {path.suffix for path in files} >= {".js", ".css", ".json", ".gz", ".csv", ".xml", ".mp4"}
    lost = [path for path in files if not (site / path).is_file()]
    assert not lost
    assert not [path for path in files if (site / path).read_bytes() != (docs / path).read_bytes()]


@every_site
def test_every_address_leads_somewhere(site_of: SiteOf, builder: str, kind: str) -> None:
    """Links, anchors and assets of every page, one by one and by `runsum check`; none is loaded from elsewhere."""
    site = site_of(builder, kind).site
    addresses, dead, foreign = 0, [], []
    for page in pages_of(site):
        html = parse(page)
        foreign += [f"{page.relative_to(site)}: {address}" for address in html.loads if is_elsewhere(address)]
        for address in {a for a in html.links + html.loads if not is_elsewhere(a) and not a.startswith("data:")}:
            addresses += 1
            file, anchor = target_of(address, page, site)
            if not file.is_file() or (anchor and file.suffix == ".html" and not is_there(file, anchor, site)):
                dead.append(f"{page.relative_to(site)}: {address}")
    assert addresses > 1000
    assert not dead, "\n".join(["", *sorted(dead)])
    assert not foreign, "\n".join(["", *foreign])
    checked = typed("check", str(site))
    assert checked.exit_code == 0, checked.output


# ---------------------------------------------------------------- in a browser


@contextmanager
def opened(browser: Browser, site_of: SiteOf, builder: str, address: str, **options: Any) -> Iterator[Visit]:
    """A tab on the site from a server, or on the OFFLINE one straight from its folder; nothing may go wrong in it."""
    with ExitStack() as stack:
        if address == "file":
            home = site_of(builder, "offline").site.as_uri() + "/"
        else:
            home = stack.enter_context(served(site_of(builder, "online").site))
        visit = stack.enter_context(visiting(browser, home, **options))
        left: list[str] = []  # whoever leaves a page early ends what it was still loading
        visit.page.on("requestfailed", lambda it: left.append(f"failed: {it.url}") if "ABORT" in it.failure else None)
        yield visit
    assert not [error for error in visit.errors if error not in left]
    assert not visit.foreign()


@pytest.mark.browser
@every_address
def test_charts_are_drawn(browser: Browser, site_of: SiteOf, builder: str, address: str) -> None:
    """The first chart of a run, a lineage and a game is a canvas with something on it."""
    with opened(browser, site_of, builder, address) as visit:
        for path in (RUN, LINEAGE, GAME):
            assert visit.draw(path).locator(DRAWN).first.evaluate(COLOURS) > 5


@pytest.mark.browser
def test_zensical_draws_all_charts_of_a_run(browser: Browser, site_of: SiteOf) -> None:
    """Scrolling down draws each figure; none falls back to its outline."""
    with opened(browser, site_of, "zensical", "http") as visit:
        page = visit.draw(RUN)
        figures = page.locator("figure.rs-chart")
        assert figures.count() > 5
        for number in range(figures.count()):
            figures.nth(number).scroll_into_view_if_needed()
            figures.nth(number).locator("canvas").wait_for()
        assert page.locator(".rs-chart-note").count() == 0


@pytest.mark.browser
@every_address
def test_dark_pages_stay_within_their_policy(browser: Browser, site_of: SiteOf, builder: str, address: str) -> None:
    """A page of each kind with its tool and a chart: the policy allows nothing unsafe, and nothing strains it."""
    with opened(browser, site_of, builder, address, color_scheme="dark") as visit:
        for path in PAGES:
            policy = visit.show(path).locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
            assert policy is not None
            assert "unsafe" not in policy, path


@pytest.mark.browser
@every_address
def test_the_search_finds_a_run(browser: Browser, site_of: SiteOf, builder: str, address: str) -> None:
    """The first result for a run's id is its page; Zensical has a search of its own."""
    button, field, first = ZENSICALS_SEARCH if builder == "zensical" else MATERIALS_SEARCH
    with opened(browser, site_of, builder, address) as visit:
        page = visit.open("index.html")
        page.locator(button).locator("visible=true").first.click()
        page.locator(field).press_sequentially(LEG_2)
        page.locator(f"{first}[href*='{RUN}']").first.wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(("address", "viewport"), [("http", PHONE), ("file", WIDE)], ids=["phone", "folder"])
def test_pages_of_zensical_are_in_order(
    browser: Browser, site_of: SiteOf, address: str, viewport: dict[str, int]
) -> None:
    """A silent console, no request that fails or leaves the site, no page wider than the screen: as MkDocs's."""
    with opened(browser, site_of, "zensical", address, viewport=viewport) as visit:
        for path in PAGES:
            page = visit.open(path)
            page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
        assert len(visit.asked) > len(PAGES)


# A style sheet as the policy of the page admits it: a script hands it over, without an element.
STILL = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync("* { transition: none !important }");
    document.adoptedStyleSheets.push(still);
}"""

# The words of a page that are too pale to read: contrasts below what WCAG 2 demands (AA), for text as it is painted.
PALE = """() => {
    const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const once = (make, made = new Map()) => (of) => made.get(of) || made.set(of, make(of)).get(of);
    const rgba = once((colour) => {
        brush.clearRect(0, 0, 1, 1);
        brush.fillStyle = colour;
        brush.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    });
    const over = ([r, g, b, a], below) => [r, g, b].map((channel, i) => channel * a + below[i] * (1 - a));
    const paper = once((node) => {
        if (!node) return [255, 255, 255];
        return over(rgba(getComputedStyle(node).backgroundColor), paper(node.parentElement));
    });
    const opacity = once((node) => node ? getComputedStyle(node).opacity * opacity(node.parentElement) : 1);
    const linear = (channel) => channel <= 10.31 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    return [...document.querySelectorAll(".md-content *")].flatMap((node) => {
        const words = [...node.childNodes].map((part) => part.nodeType === 3 ? part.data.trim() : "").join("");
        if (!words || node.closest(".headerlink, svg, script") || !node.checkVisibility()) return [];
        const style = getComputedStyle(node), [r, g, b, a] = rgba(style.color);
        const ink = over([r, g, b, a * opacity(node)], paper(node));
        const [dark, light] = [luminance(ink), luminance(paper(node))].sort((one, other) => one - other);
        const ratio = (light + 0.05) / (dark + 0.05), least = parseFloat(style.fontSize) < 24 ? 4.5 : 3;
        return ratio < least ? [`${ratio.toFixed(2)}: ${words.slice(0, 40)}`] : [];
    });
}"""


@pytest.mark.browser
@pytest.mark.parametrize("builder", ["mkdocs", "zensical"])
def test_light_and_dark_are_readable(browser: Browser, site_of: SiteOf, builder: str) -> None:
    """On a page of each kind every word stands out from its ground, in both colours of the theme."""
    with opened(browser, site_of, builder, "http") as visit:
        for path in PAGES:
            page = visit.open(path)
            page.evaluate(STILL)
            assert page.evaluate(PALE) == [], f"{path} in light"
            page.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
            assert page.evaluate(PALE) == [], f"{path} in dark"


@pytest.mark.browser
def test_zensicals_theme_switch_repaints_a_chart(browser: Browser, site_of: SiteOf) -> None:
    """One click turns the page dark, and the chart that was already drawn with it."""
    with opened(browser, site_of, "zensical", "http") as visit:
        page = visit.draw(RUN)
        drawn = page.locator(DRAWN).first.evaluate("canvas => canvas.toDataURL()")
        page.locator("label[for^=__palette]:visible").click()
        page.wait_for_selector("body[data-md-color-scheme=slate]")
        page.wait_for_function(f"before => document.querySelector('{DRAWN}').toDataURL() !== before", arg=drawn)
        assert page.locator(DRAWN).first.evaluate(COLOURS) > 5


@pytest.mark.browser
def test_zensical_without_scripts_shows_the_curve(browser: Browser, site_of: SiteOf) -> None:
    """A reader without JavaScript sees the outline of the reward."""
    with opened(browser, site_of, "zensical", "http", java_script_enabled=False) as visit:
        curve = visit.open(RUN).locator("#chart-reward svg.rs-static")
        assert curve.is_visible()
        box = curve.bounding_box()
        assert box is not None
        assert box["width"] > 400
        assert box["height"] > 100
