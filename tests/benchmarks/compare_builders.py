"""What three builders make of one docs folder, as a Markdown table.

    python tests/benchmarks/compare_builders.py
    python tests/benchmarks/compare_builders.py --db path/to/ml_experiments.db

MkDocs and ProperDocs with Material, and Zensical, each with the starter mkdocs.yml and in strict mode. "Cold" is a
build into an empty folder without a cache, "again" the next one after one run has changed. Seconds are medians of
`--repeat` rounds, in which the builders take turns. Links are looked up by `runsum check`; the charts are those of a
run's page, opened from the folder without a server, in Debian's Chromium where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from bench_build import timed

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.away import put_away
from support.many_runs import write_many

AS_OF = "2027-01-01T00:00:00"
NAMES = {"mkdocs": "MkDocs", "properdocs": "ProperDocs", "mkdocs-material": "Material", "zensical": "Zensical"}
BUILDERS = {"mkdocs": ("mkdocs", "mkdocs-material"), "properdocs": ("properdocs", "mkdocs-material"),
            "zensical": ("zensical",)}  # fmt: skip
DEAD = ("dead_link", "dead_anchor", "missing_asset")
CHANGE = """
UPDATE training_metrics SET episode_reward_mean = episode_reward_mean + 1
WHERE id = (SELECT max(id) FROM training_metrics WHERE episode_reward_mean IS NOT NULL)
"""


@dataclass
class Result:
    """What was measured of one builder."""

    pages: int = 0
    files: int = 0
    megabytes: float = 0.0
    run_page_kb: float = 0.0
    dead: int = 0
    charts: str = ""
    cold: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)


def runsum(folder: Path, *words: str) -> str:
    """What a command of runsum prints; `check` may end with 1 and has its say all the same."""
    command = [sys.executable, "-m", "runsum", *words]
    return subprocess.run(command, cwd=folder, check=words[0] != "check", capture_output=True, text=True).stdout


def build(folder: Path, builder: str) -> float:
    """Wall seconds of a strict build."""
    return timed([sys.executable, "-m", builder, "build", "--strict", "--config-file", "mkdocs.yml"], folder)[0]


def copy_database(original: Path, copy: Path) -> None:
    """Copy a database with its newest rows, also while something records into it."""
    source = original.resolve().as_uri() + "?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as con, closing(sqlite3.connect(copy)) as target:
        con.backup(target)


def change_run(database: Path) -> None:
    """Give one run another last reward."""
    with closing(sqlite3.connect(database)) as con, con:
        con.execute(CHANGE)


def look_over(folder: Path, result: Result) -> None:
    """Count and weigh the site, and look up its links."""
    report = json.loads(runsum(folder, "check", "--json"))
    result.pages, result.files = report["pages"], report["files"]
    result.megabytes = report["total_bytes"] / 1e6
    sizes = [page.stat().st_size for page in sorted((folder / "site/runs").glob("*/index.html"))]
    result.run_page_kb = statistics.fmean(sizes) / 1e3
    result.dead = sum(problem["kind"] in DEAD for problem in report["problems"])
    result.charts = draw_charts(folder / "site")


def draw_charts(site: Path) -> str:
    """How many charts of the run with most of them a browser draws, like "9 of 9"."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        return "no chromium"
    from playwright.sync_api import TimeoutError as NotInTime
    from playwright.sync_api import sync_playwright

    page_of = max(
        sorted((site / "runs").glob("*/index.html")), key=lambda page: page.read_text("utf-8").count("data-chart=")
    )
    drawn = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page()
        page.goto(page_of.resolve().as_uri())
        figures = page.locator("figure.rs-chart").all()
        for figure in figures:
            figure.scroll_into_view_if_needed()
            try:
                figure.locator("canvas").wait_for(timeout=10_000)
            except NotInTime:
                continue
            drawn += 1
        browser.close()
    return f"{drawn} of {len(figures)}"


def table(results: dict[str, Result]) -> str:
    """The results in Markdown, a builder a row."""
    lines = [
        "| builder | pages | files | site | a run's page | cold | again | dead links | charts drawn |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for builder, result in results.items():
        name = " + ".join(f"{NAMES[package]} {version(package)}" for package in BUILDERS[builder])
        cold, again = statistics.median(result.cold), statistics.median(result.again)
        lines.append(
            f"| {name} | {result.pages:,} | {result.files:,} | {result.megabytes:.1f} MB | {result.run_page_kb:.1f} kB "
            f"| {cold:.1f} s | {again:.1f} s | {result.dead} | {result.charts} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--db", type=Path, help="a run database, which is copied; default: one that is made up")
    parser.add_argument("--runs", type=int, default=126)
    parser.add_argument("--rows", type=int, default=460)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        database = folder / "ml_experiments.db"
        if options.db:
            copy_database(options.db, database)
        else:
            write_many(database, options.runs, options.rows)
        runsum(folder, "build", "--as-of", AS_OF)
        results = {builder: Result() for builder in BUILDERS}
        for _ in range(options.repeat):
            for builder, result in results.items():
                for left in ("site", ".cache"):
                    put_away(folder / left, folder / "away")
                result.cold.append(build(folder, builder))
                change_run(database)
                runsum(folder, "build", "--as-of", AS_OF)
                result.again.append(build(folder, builder))
                if not result.pages:
                    look_over(folder, result)
        source = options.db.name if options.db else f"{options.runs} runs × {options.rows} rows"
        print(f"{source}; {platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
        print(table(results))


if __name__ == "__main__":
    main()
