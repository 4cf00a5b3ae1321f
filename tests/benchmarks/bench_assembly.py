"""How long a site takes to be made of the docs folder, as ratios to Hugo with the same Markdown and a bare layout.

    python tests/benchmarks/bench_assembly.py --runs 1000
    python tests/benchmarks/bench_assembly.py --runs 10000 --repeat 1

Makes an archive (support/many_runs.py) without its newest finished run, and one with it. Hugo (Debian's `hugo`) gets
all files of the docs folder as its content, where pages that have folders below them are called `_index.md`, as it
wants; its layout is the title and the content, without header, navigation, search or table of contents. It makes the
whole site each time, as it knows no other way. MkDocs makes it with Material, as the starter mkdocs.yml says, with the
plugin and without.

Every step is a process of its own; in each round all of them take turns, and the table shows medians. The processor's
time is that of all processes of a step. It is less disturbed by what else the machine does than the clock's. At the
end, `mkdocs serve` is told of a changed page: from the change of the file until the browsers are told to load it.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.away import put_away
from support.many_runs import write_many

HUGO = """title = "Bare"
baseURL = "https://example.org/"
disableKinds = ["taxonomy", "term", "RSS", "sitemap", "robotsTXT", "404"]
uglyURLs = true
[markup.goldmark.renderer]
unsafe = true
"""
LAYOUT = """<!doctype html>
<html><head><meta charset="utf-8"><title>{{ .Title }}</title></head><body>{{ .Content }}</body></html>
"""
ENVIRONMENT = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONUTF8": "1"}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its modules compiled
REFERENCE = "Hugo, bare layout"


@dataclass
class Step:
    """What was measured of one step."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    pages: int = 0


def timed(command: list[str], folder: Path, step: Step) -> None:
    """Run a command and note its time."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, env=ENVIRONMENT, text=True)
    step.clock.append(time.perf_counter() - begin)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    step.processor.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")


def runsum(folder: Path, *words: str) -> None:
    """Run a command of runsum."""
    subprocess.run([sys.executable, "-m", "runsum", *words], cwd=folder, check=True, capture_output=True)


def write_databases(folder: Path, runs: int, rows: int) -> str:
    """Write `after/runs.db`, and `before/runs.db` without its newest finished run; when they were left."""
    before, after = folder / "before", folder / "after"
    for place in (before, after):
        place.mkdir()
    as_of = write_many(after / "runs.db", runs, rows)
    shutil.copyfile(after / "runs.db", before / "runs.db")
    with closing(sqlite3.connect(before / "runs.db")) as con, con:
        newest = "SELECT run_id FROM experiment_runs WHERE status = 'completed' ORDER BY start_time DESC LIMIT 1"
        (run,) = con.execute(newest).fetchone()
        for (table,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if any(row[1] == "run_id" for row in con.execute(f"PRAGMA table_info({table})")):
                con.execute(f"DELETE FROM {table} WHERE run_id = ?", (run,))
    return as_of


def lay_out_hugo(docs: Path, hugo: Path) -> None:
    """Give Hugo the files of the docs folder."""
    put_away(hugo, hugo.parent / "away")
    shutil.copytree(docs, hugo / "content", ignore=shutil.ignore_patterns(".runsum"))
    for page in list((hugo / "content").rglob("index.md")):
        if any(place.is_dir() for place in page.parent.iterdir()):
            page.rename(page.with_name("_index.md"))
    (hugo / "layouts" / "_default").mkdir(parents=True)
    for kind in ("single", "list"):
        (hugo / "layouts" / "_default" / f"{kind}.html").write_text(LAYOUT, encoding="utf-8")
    (hugo / "hugo.toml").write_text(HUGO, encoding="utf-8")


def change_one_page(folder: Path) -> float:
    """Seconds of `mkdocs serve` from the change of a run's page until browsers are told of it; the median of three."""
    command = [sys.executable, "-m", "mkdocs", "serve", "--livereload", "-a", "127.0.0.1:8917"]
    taken = []
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as serving:
        said = {"Serving on": threading.Semaphore(0), "Reloading": threading.Semaphore(0)}

        def listen() -> None:
            assert serving.stdout is not None
            for line in serving.stdout:
                for words, semaphore in said.items():
                    if words in line:
                        semaphore.release()

        threading.Thread(target=listen, daemon=True).start()
        try:
            said["Serving on"].acquire(timeout=600)
            for page in sorted((folder / "docs" / "runs").glob("*/index.md"))[:3]:
                time.sleep(3)  # the watcher has looked around
                fresh = page.with_name("fresh")
                fresh.write_text(page.read_text(encoding="utf-8").replace("</dd>", " </dd>", 1), encoding="utf-8")
                begin = time.perf_counter()
                fresh.replace(page)
                said["Reloading"].acquire(timeout=600)
                taken.append(time.perf_counter() - begin)
        finally:
            serving.terminate()
    return statistics.median(taken)


def measure(folder: Path, as_of: str, repeat: int, is_plain: bool) -> dict[str, Step]:
    """Measure every step `repeat` times."""
    steps: dict[str, Step] = {}
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    settings = folder / "mkdocs.yml"
    for _ in range(repeat):
        runsum(folder, "build", "--db", "before/runs.db", "--as-of", as_of)
        plain = [
            line for line in settings.read_text(encoding="utf-8").splitlines() if not line.startswith("  - runsum")
        ]
        (folder / "plain.yml").write_text("\n".join(plain), encoding="utf-8")
        lay_out_hugo(folder / "docs", folder / "hugo")
        for left in ("site", "plain", ".cache"):
            put_away(folder / left, folder / "away")
        timed(["hugo", "--quiet"], folder / "hugo", steps.setdefault(REFERENCE, Step()))
        if is_plain:
            name = "MkDocs without the plugin, empty folder"
            timed([*mkdocs, "-f", "plain.yml", "-d", "plain"], folder, steps.setdefault(name, Step()))
        timed(mkdocs, folder, steps.setdefault("MkDocs with the plugin, empty folder and cache", Step()))
        timed(mkdocs, folder, steps.setdefault("nothing changed", Step()))
        runsum(folder, "build", "--db", "after/runs.db", "--as-of", as_of)
        timed(mkdocs, folder, steps.setdefault("one run added", Step()))
        put_away(folder / "site", folder / "away")
        timed(mkdocs, folder, steps.setdefault("no site, but a cache (as where a server builds)", Step()))
        lay_out_hugo(folder / "docs", folder / "hugo")
        timed(["hugo", "--quiet"], folder / "hugo", steps[REFERENCE])
    return steps


def weigh(folder: Path) -> float:
    """The size of a folder in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-plain", action="store_true", help="leave out MkDocs without the plugin")
    options = parser.parse_args()
    if shutil.which("hugo") is None:
        raise SystemExit("hugo is not installed; type: sudo apt-get install hugo")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        as_of = write_databases(folder, options.runs, options.rows)
        steps = measure(folder, as_of, options.repeat, not options.no_plain)
        pages = len(list((folder / "site").rglob("*.html")))
        hugo = subprocess.run(["hugo", "version"], capture_output=True, text=True).stdout.split()[1].split("+")[0]
        print(f"{options.runs:,} runs × {options.rows} rows, {pages:,} pages; {platform.platform()}, "
              f"Python {platform.python_version()}, MkDocs {version('mkdocs')}, Material {version('mkdocs-material')}, "
              f"Hugo {hugo}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {options.repeat}",
              end="\n\n")  # fmt: skip
        print("| step | s | ms per page | × Hugo | processor s | × Hugo |\n|---|---|---|---|---|---|")
        clock, processor = (statistics.median(getattr(steps[REFERENCE], kind)) for kind in ("clock", "processor"))
        for name, step in steps.items():
            seconds, work = statistics.median(step.clock), statistics.median(step.processor)
            print(f"| {name} | {seconds:.1f} | {seconds / pages * 1000:.1f} | {seconds / clock:.2f} | {work:.1f} "
                  f"| {work / processor:.2f} |")  # fmt: skip
        print(f"\nPer run: docs folder {weigh(folder / 'docs') / options.runs / 1000:.1f} kB, "
              f"site {weigh(folder / 'site') / options.runs / 1000:.1f} kB.")  # fmt: skip
        print(f"A changed page in `mkdocs serve`: {change_one_page(folder):.2f} s until browsers load it.")


if __name__ == "__main__":
    main()
