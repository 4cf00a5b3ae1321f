"""How large the search index of an archive is, and how soon the first result stands there, in a real browser.

    python tests/benchmarks/bench_search.py path/to/site --run run-54d8ae4e
    python tests/benchmarks/bench_search.py --runs 10000

With a folder, the site in it is measured; without, an archive of that many made-up runs is built first, which takes
minutes for 10,000. For each question a new tab opens the home page, clicks into the search and types at once; the time
goes from the first key to the first result; the index is fetched and built meanwhile. The table shows the quietest of
`--repeat` tries, as other work on the machine only adds to them, and where the page that is meant stands in the end.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.browser import served, visiting

INPUT, LINKS = "input.md-search__input", ".md-search-result__list > li > a"
META = ".md-search-result__meta"
INDEX = "search/search_index.json"
BUDGET_MB, BUDGET_S = 5.0, 2.0


class Question(NamedTuple):
    """What is typed, and the page that is meant."""

    words: str
    page: str


class Answer(NamedTuple):
    """Seconds to the first result, number of the page that is meant among the results (0: not there), results."""

    seconds: float
    place: int
    results: str


def questions(site: Path, run: dict[str, str]) -> list[Question]:
    """Ways to ask for a run, its game and its algorithm."""
    page, game, algorithm = f"runs/{run['slug']}/index.html", run["game"], run["algorithm"]
    asked = [(run["run_id"], page), (run["run_id"].removeprefix("run-")[:4], page), (run["label"], page)]
    for folder, name, words in (
        ("games", game, game),
        ("games", game, game.replace(" ", "")),
        ("algorithms", algorithm, algorithm),
    ):
        place = f"{folder}/{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}/index.html"
        if (site / place).is_file():
            asked.append((words, place))
    return [Question(*one) for one in (*asked, ("learning_rate 2.5e-4", ""), ("0.00025", ""))]


def ask(browser: Browser, home: str, question: Question) -> Answer:
    """Open the home page, click into the search, type, and wait for the answer to the whole question."""
    with visiting(browser, home) as visit:
        page = visit.open("index.html")
        page.wait_for_load_state("networkidle")
        page.locator(INPUT).click()
        began = time.perf_counter()
        page.locator(INPUT).press_sequentially(question.words)
        page.locator(LINKS).first.wait_for(timeout=60_000)
        seconds = time.perf_counter() - began
        page.wait_for_timeout(1500)  # an answer to the first letters may stand there; the last one replaces it
        links = page.locator(LINKS).evaluate_all("links => links.map(link => link.href.split(/[?#]/)[0])")
        found = page.locator(META).inner_text().split()[0]  # rounded by the theme: 5.9k
        place = next((n for n, link in enumerate(links, start=1) if link == home + question.page), 0)
        return Answer(seconds, place, found)


def measure(site: Path, run: dict[str, str], repeat: int) -> None:
    """Print the table of a site."""
    raw = (site / INDEX).read_bytes()
    entries = len(json.loads(raw)["docs"])
    print(f"{INDEX}: {entries:,} entries, {len(raw) / 1e6:.2f} MB (at most {BUDGET_MB:g}), "
          f"{len(gzip.compress(raw, 6)) / 1e6:.2f} MB gzip")  # fmt: skip
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load {load:.1f}; first result within {BUDGET_S:g} s wanted")
    print(f"{'typed':40} {'first result':>13} {'results':>8} {'place':>6}")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright, served(site) as home:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for question in questions(site, run):
            answers = [ask(browser, home, question) for _ in range(repeat)]
            best = min(answers)
            place = best.place if question.page else "-"
            print(f"{question.words[:40]:40} {best.seconds:11.2f} s {best.results:>8} {place:>6}")
        browser.close()


def choose_run(site: Path, wanted: str | None) -> dict[str, str]:
    """The named run, else the newest one that has a game and an algorithm; with its name."""
    with (site / "data" / "runs.csv").open(encoding="utf-8", newline="") as table:
        runs = [
            run for run in csv.DictReader(table) if run["game"] and run["algorithm"] and wanted in (None, run["slug"])
        ]
    run = max(runs, key=lambda run: run["started_at"])
    document = json.loads((site / "runs" / run["slug"] / "run.json").read_text(encoding="utf-8"))
    return run | {"label": str(document["summary"]["custom_name_or_leg"])}


def build(folder: Path, runs: int) -> Path:
    """An archive of made-up runs and its site."""
    from support.many_runs import write_many

    write_many(folder / "ml_experiments.db", runs, 200)
    for words in (["runsum", "build", "--as-of", "2027-01-01T00:00:00"], ["mkdocs", "build", "-q"]):
        environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
        subprocess.run(
            [sys.executable, "-m", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment
        )
    return folder / "site"


def main() -> None:
    """Measure a site, or one made for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", nargs="?", type=Path)
    parser.add_argument("--run", help="slug of the run that is asked for; default: the newest")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    if options.site:
        measure(options.site.resolve(), choose_run(options.site, options.run), options.repeat)
        return
    with tempfile.TemporaryDirectory() as scratch:
        site = build(Path(scratch), options.runs)
        measure(site, choose_run(site, options.run), options.repeat)


if __name__ == "__main__":
    main()
