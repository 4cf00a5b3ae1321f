"""How fast the pages of a large archive are in a browser, cold, and how much of them goes over the wire.

    python tests/benchmarks/bench_pages.py --runs 1000 --rows 200
    python tests/benchmarks/bench_pages.py --site FOLDER

Makes an archive (support/many_runs.py), builds its site and opens its pages in headless Chromium; or takes a site that
is built. A server of its own answers from memory, with gzip as web hosts do, so neither disk nor compression is
measured. Every visit is a fresh browser context without cache. Times run from the begin of the navigation to the
first frame after the thing itself is in the page; the tables show medians. As machines differ and one machine is not
always equally fast, a page with nothing but a heading, made by the same theme, is opened before each visit: the ratio
to it is what may be compared.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, Page, sync_playwright

from support.compressing import Compressing, served_compressed
from support.many_runs import write_many

CURVE = "#chart-reward .rs-axed path"
DRAWN = "figure.rs-drawn .rs-canvas canvas"
ROWS = "[data-tool=finder][data-ready] .tabulator-row"
COMPARED = "[data-tool=compare] figure.rs-drawn canvas"
READY = "document.readyState === 'complete'"
# Notes the first frame in which a selector is there, and every long task.
WATCH = """selector => {
    window.benchTasks = [];
    new PerformanceObserver(list => window.benchTasks.push(...list.getEntries().map(task => task.duration)))
        .observe({ type: "longtask", buffered: true });
    const look = () => {
        if (!selector || !document.querySelector(selector)) return requestAnimationFrame(look);
        requestAnimationFrame(() => setTimeout(() => { window.benchShown = performance.now(); }));
    };
    look();
}"""
# Three ways to narrow the table, each from the call to the end of its work and to the next frame.
FILTER = """async ask => {
    const finder = window.runsum.finder, found = document.querySelector(".rs-found"), runs = [];
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    for (const text of ask) {
        finder.ask("");
        await frame();
        await new Promise(done => setTimeout(done, 300));
        const began = performance.now();
        finder.ask(text);
        const called = performance.now() - began;
        await frame();
        runs.push({ text, called, shown: performance.now() - began, count: found.textContent });
    }
    return runs;
}"""
QUERIES = ("breakout", "game:breakout lr<3e-4 state:completed", "final_reward:200..900", "-state:completed seed:1")


class Kind(NamedTuple):
    """A row of the table of visits: what is opened, what must be seen, and what the issue allows."""

    name: str
    path: str
    shown: str
    most_s: float | None
    most_mb: float


@dataclass
class Visit:
    """What one cold visit cost."""

    seconds: float = 0.0
    longest_task_ms: float = 0.0
    wire: Counter[str] = field(default_factory=Counter)
    """Bytes as they came, headers included, by kind of file."""
    asked: list[str] = field(default_factory=list)


def kind_of(address: str, home: str) -> str:
    """Which part of a site an address belongs to."""
    path = address.removeprefix(home).partition("?")[0]
    rules = (
        ("search_index", "search index"),
        ("assets/runsum/charts.js", "charts.js"),
        ("assets/runsum/finder.js", "finder.js"),
        ("assets/runsum/", "ours"),
        ("assets/", "theme"),
        ("data/runs.js", "list of runs"),
        ("/data.js", "run data"),
        ("/facts.js", "run data"),
    )
    return next((name for part, name in rules if part in path), "page" if path.endswith((".html", "/")) else "other")


@contextmanager
def cold(browser: Browser, home: str, height: int = 900) -> Iterator[tuple[Page, Visit]]:
    """A tab that nothing is known of, and the account of what it loads."""
    context = browser.new_context(viewport={"width": 1280, "height": height}, color_scheme="light")
    context.set_default_timeout(30_000)
    page, visit = context.new_page(), Visit()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    urls: dict[str, str] = {}

    def loaded(event: dict[str, Any]) -> None:
        address = urls.get(event["requestId"], "")
        visit.wire[kind_of(address, home)] += int(event["encodedDataLength"])

    def asked(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["request"]["url"]
        visit.asked.append(event["request"]["url"])

    wire.on("Network.requestWillBeSent", asked)
    wire.on("Network.loadingFinished", loaded)
    yield page, visit
    context.close()


def open_page(browser: Browser, home: str, path: str, shown: str) -> Visit:
    """One cold visit up to the frame that shows what was wanted, and a second more for what comes after."""
    with cold(browser, home) as (page, visit):
        page.add_init_script(f"({WATCH})({shown!r})")
        page.goto(home + path, wait_until="commit")
        visit.seconds = page.wait_for_function("() => window.benchShown").json_value() / 1000
        page.wait_for_timeout(1000)
        visit.longest_task_ms = max(page.evaluate("window.benchTasks"), default=0.0)
    return visit


def weigh(browser: Browser, home: str, path: str) -> Visit:
    """One cold visit in a window so low that no chart comes near."""
    with cold(browser, home, height=60) as (page, visit):
        page.goto(home + path, wait_until="load")
        page.wait_for_timeout(1500)
    return visit


def filter_times(browser: Browser, home: str, repeat: int) -> tuple[list[dict[str, Any]], float]:
    """What each query costs in the finder, and the memory of the tab in MB."""
    with cold(browser, home) as (page, _):
        page.goto(home + "runs/index.html")
        page.wait_for_selector(ROWS)
        rounds = [page.evaluate(FILTER, list(QUERIES)) for _ in range(repeat)]
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    middle = []
    for tries in zip(*rounds, strict=True):
        medians = {name: statistics.median(one[name] for one in tries) for name in ("called", "shown")}
        middle.append(tries[0] | medians)
    return middle, heap


def typing_time(browser: Browser, home: str) -> float:
    """Milliseconds from the last key of a query to the frame with the answer, typed on a keyboard."""
    with cold(browser, home) as (page, _):
        page.goto(home + "runs/index.html")
        page.wait_for_selector(ROWS)
        line = page.locator(".rs-query")
        line.press_sequentially("game:breakou")
        page.wait_for_timeout(500)
        page.evaluate(
            """() => document.querySelector(".rs-query").addEventListener("keydown", event => {
                const found = document.querySelector(".rs-found"), before = found.textContent;
                const look = () => (found.textContent === before ? requestAnimationFrame(look)
                    : setTimeout(() => { window.benchTyped = performance.now() - event.timeStamp; }));
                requestAnimationFrame(look);
            })"""
        )
        line.press_sequentially("x")  # no game is called so: the count must change
        return float(page.wait_for_function("() => window.benchTyped").json_value())


def build_site(folder: Path, runs: int, rows: int) -> Path:
    """Write an archive, build it and have MkDocs make the site."""
    as_of = write_many(folder / "many.db", runs, rows)
    build = [sys.executable, "-m", "runsum", "build", "--db", "many.db", "--as-of", as_of]
    for command in (build, [sys.executable, "-m", "mkdocs", "build", "-q"]):
        subprocess.run(command, cwd=folder, check=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    return folder / "site"


def build_bare(folder: Path) -> Path:
    """A site of one page with a heading: what the theme alone costs."""
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "index.md").write_text("# Nothing\n", encoding="utf-8")
    settings = "site_name: Nothing\ntheme: {name: material, font: false}\nplugins: [search]\n"
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "-q"]
    subprocess.run(command, cwd=folder, check=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    return folder / "site"


def choose_runs(site: Path) -> list[str]:
    """Ten runs with a curve, of the game that most runs play, evenly over the list."""
    with (site / "data" / "runs.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["best_reward"] and row["state"] == "completed"]
    game, count = Counter(row["game"] for row in rows).most_common(1)[0]
    slugs = [row["slug"] for row in rows if row["game"] == game]
    return [slugs[place * count // 10] for place in range(min(10, count))]


def visits(
    site: Path, server: Compressing, browser: Browser, homes: tuple[str, str], repeat: int
) -> Iterator[list[str]]:
    """Rows of the table of visits; homes are the addresses of the site and of the bare page."""
    home, bare = homes
    chosen = choose_runs(site)
    kinds = (
        Kind("list of all runs", "runs/index.html", ROWS, 0.5, 0.5),
        Kind("one run, first chart drawn", f"runs/{chosen[0]}/index.html", CURVE, 0.5, 0.5),
        Kind("one run, first chart interactive", f"runs/{chosen[0]}/index.html", DRAWN, None, 0.5),
        Kind("ten runs compared", f"compare/index.html#runs={','.join(chosen)}", COMPARED, 1.2, 0.5),
        Kind("home", "index.html", "h1", 0.5, 0.5),
    )
    for kind in kinds:
        open_page(browser, home, kind.path, kind.shown)  # the server compresses what it has not sent before
        pairs = [
            (open_page(browser, bare, "", "h1"), open_page(browser, home, kind.path, kind.shown)) for _ in range(repeat)
        ]
        yardstick = statistics.median(first.seconds for first, _ in pairs)
        made = [second for _, second in pairs]
        server.gzip = False
        plain = open_page(browser, home, kind.path, kind.shown)
        server.gzip = True
        seconds, wire = statistics.median(visit.seconds for visit in made), made[0].wire
        longest = statistics.median(visit.longest_task_ms for visit in made)
        heaviest = ", ".join(f"{name} {size / 1000:.0f}" for name, size in wire.most_common(5))
        yield [kind.name, f"{seconds:.2f}", str(kind.most_s or "-"), f"{seconds / yardstick:.1f}",
               f"{wire.total() / 1e6:.2f}", f"{kind.most_mb}", f"{plain.wire.total() / 1e6:.2f}", f"{longest:.0f}",
               heaviest]  # fmt: skip


def weights(site: Path, browser: Browser, home: str) -> Iterator[list[str]]:
    """Rows of the table of bytes before any chart is near."""
    for name, path in (("home", "index.html"), ("run", f"runs/{choose_runs(site)[0]}/index.html")):
        weigh(browser, home, path)
        visit = weigh(browser, home, path)
        vega = "yes" if any(address.endswith("/charts.js") for address in visit.asked) else "no"
        parts = ", ".join(f"{part} {size / 1000:.1f}" for part, size in visit.wire.most_common())
        yield [name, f"{visit.wire.total() / 1000:.1f}", "150", vega, parts]


def table(head: list[str], rows: Iterator[list[str]]) -> None:
    """Print a Markdown table, each row when it is measured."""
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def measure(site: Path, repeat: int) -> None:
    """Open the pages of a site and print the tables."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        served_compressed(site) as server,
        served_compressed(build_bare(Path(scratch))) as bare,
        sync_playwright() as playwright,
    ):
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        home, plain = (f"http://127.0.0.1:{one.server_port}/" for one in (server, bare))
        runs = len((site / "data" / "runs.csv").read_text("utf-8").splitlines()) - 1
        print(f"{runs:,} runs; {platform.platform()}, Python {platform.python_version()}, Chromium {browser.version}, "
              f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {repeat}")  # fmt: skip
        table(["cold visit", "s", "at most", "× bare page",
               "MB", "at most", "MB without gzip", "longest task ms", "kB by kind"],
              visits(site, server, browser, (home, plain), repeat))  # fmt: skip
        table(["page, no chart near", "kB", "at most", "Vega asked for", "kB by kind"], weights(site, browser, home))
        asked, heap = filter_times(browser, home, repeat)
        typed = statistics.median(typing_time(browser, home) for _ in range(repeat))
        rows = [[f"`{one['text']}`", str(one["count"]), f"{one['called']:.0f}", f"{one['shown']:.0f}"] for one in asked]
        table(["query in the finder", "found", "ms of work", "ms to the frame"], iter(rows))
        print(f"\nA key typed into the query line: {typed:.0f} ms to the frame. Memory of the finder: {heap:.0f} MB.")
        browser.close()


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--site", type=Path, help="a site that is built, instead of making one")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    if options.site:
        measure(options.site, options.repeat)
        return
    with tempfile.TemporaryDirectory() as scratch:
        measure(build_site(Path(scratch), options.runs, options.rows), options.repeat)


if __name__ == "__main__":
    main()
