"""How long a build takes, as ratios to plainly reading the same rows with sqlite3.

    python tests/benchmarks/bench_build.py --runs 1000 --rows 1000
    python tests/benchmarks/bench_build.py --runs 10000 --rows 200 --against 1000
    python tests/benchmarks/bench_build.py --runs 300 --rows 200 --kill 20
    python tests/benchmarks/bench_build.py --runs 2000 --rows 200 --repeat 1 --site
    python tests/benchmarks/bench_build.py --runs 1000 --rows 1000 --profile

Every step runs in a process of its own, `--repeat` times; the table shows the median, and its ratio to the plain
read of the same run of this script. Seconds of different machines say little, ratios say more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pstats
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import jinja2
import numpy

import runsum
from runsum.resources import template_folder

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.away import put_away
from support.command import fingerprints
from support.many_runs import write_many
from support.weights import total, weights

READ = (
    "import sqlite3, sys\n"
    "c = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro&immutable=1', uri=True)\n"
    "for (r,) in c.execute('SELECT run_id FROM experiment_runs').fetchall():\n"
    "    c.execute('SELECT * FROM training_metrics WHERE run_id = ? ORDER BY id', (r,)).fetchall()\n"
)
BUILD = [sys.executable, "-m", "runsum", "build", "--json", "--as-of"]
DATABASE = "ml_experiments.db"
_SHOWN = 30


def add_run(database: Path, number: int) -> None:
    """A new run: the rows of a completed one under another id, so much later that it ended when the last one began."""
    run = f"run-add{number:05x}"
    later = "strftime('%Y-%m-%dT%H:%M:%f', {}, ?3)"
    with closing(sqlite3.connect(database)) as con, con:
        model, shift = con.execute(
            "SELECT run_id, unixepoch((SELECT MAX(start_time) FROM experiment_runs)) - unixepoch(end_time) "
            "FROM experiment_runs WHERE status = 'completed' AND parent_run_id IS NULL ORDER BY start_time LIMIT 1"
        ).fetchone()
        changed = {"run_id": "?1", "base_run_id": "?1"}
        changed |= {name: later.format(name) for name in ("start_time", "end_time", "timestamp", "created_at")}
        for table, left_out, order in (("experiment_runs", (), ""), ("training_metrics", ("id",), "ORDER BY id")):
            columns = [row[1] for row in con.execute(f"PRAGMA table_info({table})") if row[1] not in left_out]
            values = ", ".join(changed.get(name, name) for name in columns)
            con.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} "
                        f"WHERE run_id = ?2 {order}", (run, model, f"{shift} seconds"))  # fmt: skip


def timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Wall seconds of one command, and what it printed."""
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=environment(folder))
    return time.perf_counter() - begin, done.stdout


def environment(folder: Path) -> dict[str, str]:
    """The measured builds keep their caches in the scratch folder, and compiled modules, as an installation does."""
    without = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return without | {"XDG_CACHE_HOME": str(folder / "cache")}


def measure(folder: Path, build: list[str], repeat: int) -> tuple[dict[str, float], dict[str, dict[str, object]]]:
    """Median seconds of each step, and the last report of each kind of build."""
    database = folder / DATABASE
    seconds: dict[str, list[float]] = {}
    reports: dict[str, dict[str, object]] = {}

    def step(name: str, command: list[str], before: Callable[[], object] = lambda: None) -> None:
        before()
        took, said = timed(command, folder)
        seconds.setdefault(name, []).append(took)
        if command is build:
            reports[name] = json.loads(said)

    timed(build, folder)  # charts and templates are compiled once per machine
    for number in range(repeat):
        step("plain sqlite3 read", [sys.executable, "-c", READ, str(database)])
        step("build, nothing there", build, lambda: forget(folder))
        step("build, nothing changed", build)
        step("build, one run added", build, partial(add_run, database, number))
    return {name: statistics.median(some) for name, some in seconds.items()}, reports


def forget(folder: Path) -> None:
    """Put away what earlier builds have made and kept."""
    for made in (folder / "docs", folder / "cache" / "runsum" / "archives"):
        put_away(made, folder / "forgotten")


def show(runs: int, rows: int, seconds: dict[str, float], reports: dict[str, dict[str, object]]) -> None:
    """Print the table."""
    plain = seconds["plain sqlite3 read"]
    print(f"\n{runs:,} runs × {rows:,} rows; {platform.system()}, Python {platform.python_version()}, "
          f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores")  # fmt: skip
    print(f"{'step':26} {'median s':>9} {'ms per run':>11} {'× plain read':>13}  peak MB")
    for name, median in seconds.items():
        stages = reports.get(name, {}).get("stages") or []
        peak = max((stage["peak_mb"] for stage in stages), default=None)  # type: ignore[attr-defined]
        print(f"{name:26} {median:9.2f} {median / runs * 1000:11.2f} {median / plain:13.2f}"
              f"  {'' if peak is None else format(peak, '.0f')}")  # fmt: skip
    for name in ("build, nothing there", "build, one run added"):
        parts = ", ".join(f"{stage['name']} {stage['seconds']:.2f}" for stage in reports[name]["stages"])  # type: ignore[attr-defined]
        print(f"  {name}: {parts} s")


def sizes(folder: Path, runs: int, with_site: bool) -> None:
    """Print how large the docs folder is, per run and by kind of file, and the site, if wanted."""
    _show_weights("docs folder", folder / "docs", runs)
    if with_site:
        timed([sys.executable, "-m", "runsum", "init"], folder)
        took, _ = timed([sys.executable, "-m", "mkdocs", "build", "--quiet"], folder)
        print(f"mkdocs build: {took:.2f} s, {took / runs * 1000:.2f} ms per run")
        _show_weights("site", folder / "site", runs)


def _show_weights(name: str, root: Path, runs: int) -> None:
    found = weights(root)
    print(f"{name}: {total(found) / 1e6:.1f} MB, {total(found) / runs / 1e3:.2f} kB per run")
    for kind, size in found.most_common():
        if size / runs >= 50:
            print(f"  {kind:26} {size / runs / 1e3:7.2f}")


def kill(folder: Path, build: list[str], times: int, seed: int) -> None:
    """Kill builds at random moments; what the next one makes must equal what a fresh one makes, byte for byte."""
    draw = random.Random(seed)
    whole, _ = timed(build, folder)
    wrong = 0
    for number in range(times):
        add_run(folder / DATABASE, number)
        if number % 2:
            forget(folder)
        process = subprocess.Popen(build, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment(folder), start_new_session=True)  # fmt: skip
        time.sleep(draw.uniform(0, whole * (1.0 if number % 2 else 0.5)))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        timed(build, folder)
        repaired = fingerprints(folder / "docs")
        forget(folder)
        timed(build, folder)
        wrong += fingerprints(folder / "docs") != repaired
    print(f"killed {times} times: {times - wrong} repaired to the byte, {wrong} not")


def profile(folder: Path, build: list[str]) -> None:
    """Print where the time goes when everything is built, and when one run was added; in one process, to see all."""
    timed(build, folder)  # charts and templates are compiled once per machine
    forget(folder)
    for name, begin in (("nothing there", lambda: None), ("one run added", partial(add_run, folder / DATABASE, 1))):
        begin()
        file = folder / "profile"
        _, said = timed([sys.executable, "-m", "cProfile", "-o", str(file), *build[1:], "--jobs", "1"], folder)
        stages = ", ".join(f"{stage['name']} {stage['seconds']:.2f}" for stage in json.loads(said)["stages"])
        print(f"\n{name}, with the profiler running: {stages} s\n")
        _show_profile(pstats.Stats(str(file)))


def _show_profile(stats: pstats.Stats) -> None:
    """Print which rooms the time is spent below, and which functions spend it, without anybody's folders."""
    rows = stats.stats  # type: ignore[attr-defined]
    rows = [(_place(*key), calls, own, below) for key, (_, calls, own, below, _) in rows.items()]
    whole = sum(own for _, _, own, _ in rows)
    ours = [row for row in rows if row[0].startswith("runsum/") and row[3] > 0.015 * whole]
    for title, some in (
        ("runsum's functions by the time spent in them and below", sorted(ours, key=lambda row: -row[3])),
        ("all functions by the time spent in them", sorted(rows, key=lambda row: -row[2])[:_SHOWN]),
    ):
        print(f"{title}\n{'in %':>6} {'below %':>8} {'calls':>9}")
        for place, calls, own, below in some:
            print(f"{100 * own / whole:6.1f} {100 * below / whole:8.1f} {calls:9}  {place}")
        print()


def _place(file: str, line: int, function: str) -> str:
    for root in (runsum.__file__, numpy.__file__, jinja2.__file__, json.__file__, str(template_folder())):
        file = file.replace(f"{Path(root).parents[0 if root == str(template_folder()) else 1].as_posix()}/", "")
    return f"{file}:{line}({function})" if line else function


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--against", type=int, default=0, metavar="RUNS", help="compare with an archive of so many")
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES", help="kill builds instead of timing them")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--site", action="store_true", help="weigh the site as well, made by MkDocs with the plugin")
    options = parser.parse_args()
    per_run: dict[int, dict[str, float]] = {}
    for runs in dict.fromkeys(filter(None, (options.against, options.runs))):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            build = [*BUILD, write_many(folder / DATABASE, runs, options.rows)]
            with closing(sqlite3.connect(folder / DATABASE)) as con:
                con.execute("PRAGMA journal_mode=WAL")  # as the application leaves its files
            if options.kill:
                kill(folder, build, options.kill, seed=1)
            elif options.profile:
                profile(folder, build)
            else:
                seconds, reports = measure(folder, build, options.repeat)
                show(runs, options.rows, seconds, reports)
                sizes(folder, runs + options.repeat, options.site)
                stages = reports["build, nothing there"]["stages"]
                per_run[runs] = {s["name"]: s["seconds"] / runs for s in stages}  # type: ignore[attr-defined]
                per_run[runs]["whole build"] = seconds["build, nothing there"] / runs
    if options.against and per_run:
        few, many = per_run[options.against], per_run[options.runs]
        print(f"\ncost per run at {options.runs:,} runs, as a multiple of that at {options.against:,}:")
        for name, cost in many.items():
            print(f"  {name:20} {cost / few[name]:.2f}")


if __name__ == "__main__":
    main()
