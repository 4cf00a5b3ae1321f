"""How long a build takes, as ratios to plainly reading the same rows with sqlite3.

    python tests/benchmarks/bench_build.py --runs 126 --rows 460
    python tests/benchmarks/bench_build.py --runs 1000 --rows 200

Every step runs in a process of its own, `--repeat` times; the table shows the median, and its ratio to the
plain read of the same run of this script. Seconds of different machines say little, ratios say more.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = (
    "run_id TEXT, timestep INTEGER, timestamp TEXT, episode_count INTEGER, total_timesteps INTEGER, progress_pct REAL, "
    "episode_reward_mean REAL, fps REAL, steps_per_second REAL, policy_loss REAL, value_loss REAL, entropy_loss REAL, "
    "learning_rate REAL, explained_variance REAL, cpu_percent REAL, memory_mb REAL, gpu_percent REAL, "
    "gpu_memory_mb REAL, created_at TEXT"
)
READ = (
    "import sqlite3, sys\n"
    "c = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)\n"
    "for (r,) in c.execute('SELECT run_id FROM experiment_runs').fetchall():\n"
    "    c.execute('SELECT * FROM training_metrics WHERE run_id = ? ORDER BY id', (r,)).fetchall()\n"
)


def make_database(path: Path, runs: int, rows: int) -> None:
    """A database of equal PPO runs: `rows` log tables of 4,096 steps each."""
    names = [column.split()[0] for column in COLUMNS.split(", ")]
    with sqlite3.connect(path) as con:
        con.execute(
            "CREATE TABLE experiment_runs (run_id TEXT PRIMARY KEY, experiment_name TEXT, start_time TEXT, "
            "end_time TEXT, status TEXT, config_json TEXT, base_run_id TEXT, leg_number INTEGER)"
        )
        con.execute(
            f"CREATE TABLE training_metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, {COLUMNS}, UNIQUE(run_id, timestep))"
        )
        for number in range(runs):
            run = f"run-{number:08x}"
            target = rows * 4096
            game = ("Breakout", "Pong", "Seaquest", "Qbert", "Enduro")[number % 5]
            config = {"algorithm": "ppo", "env_id": f"ALE/{game}-v5", "n_envs": 16, "n_steps": 256, "seed": number,
                      "learning_rate": 2.5e-4, "batch_size": 512, "total_timesteps": target}  # fmt: skip
            day = f"2026-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"
            con.execute(
                "INSERT INTO experiment_runs VALUES (?,?,?,?,?,?,?,?)",
                (run, f"ppo-{game}", f"{day}T00:00:00", f"{day}T23:00:00", "completed", json.dumps(config), run, 1),
            )
            con.executemany(
                f"INSERT INTO training_metrics ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                (_row(run, day, k, target, number) for k in range(1, rows + 1)),
            )


def _row(run: str, day: str, k: int, target: int, number: int) -> tuple[object, ...]:
    second = min(k * 9, 82000)
    clock = f"{second // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}"
    wave = math.sin(k / 7 + number)
    reward = round(20 * (1 - math.exp(-k / 100)) + wave, 2)
    return (run, k * 4096, f"{day}T{clock}.250000", k, target, k * 4096 / target * 100, reward, 450.0, 450.0,
            round(wave / 100, 5), round(0.3 + wave / 10, 4), round(-1.3 + k / 2000, 4), 2.5e-4,
            round(0.5 + wave / 4, 3),
            0.0, 2100.0 + k % 40, float(k * 7 % 100), 2200.0, f"{day} {clock}")  # fmt: skip


def timed(command: list[str], folder: Path) -> float:
    """Wall seconds of one command."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=126)
    parser.add_argument("--rows", type=int, default=460)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        database = folder / "ml_experiments.db"
        make_database(database, options.runs, options.rows)
        build = [sys.executable, "-m", "runsum", "build", "--as-of", "2027-01-01T00:00:00"]
        steps: dict[str, list[float]] = {}
        for _ in range(options.repeat):
            shutil.rmtree(folder / "docs", ignore_errors=True)
            steps.setdefault("plain sqlite3 read", []).append(
                timed([sys.executable, "-c", READ, str(database)], folder)
            )
            steps.setdefault("runsum build, empty folder", []).append(timed(build, folder))
            steps.setdefault("runsum build, nothing changed", []).append(timed(build, folder))
            steps.setdefault("mkdocs build --strict", []).append(
                timed([sys.executable, "-m", "mkdocs", "build", "--strict", "-q"], folder)
            )
        plain = statistics.median(steps["plain sqlite3 read"])
        print(f"{options.runs} runs × {options.rows} rows; {platform.platform()}, Python {platform.python_version()}, "
              f"{os.cpu_count()} cores")  # fmt: skip
        print(f"{'step':32} {'median s':>9} {'ms per run':>11} {'× plain read':>13}")
        for name, seconds in steps.items():
            middle = statistics.median(seconds)
            print(f"{name:32} {middle:9.2f} {middle / options.runs * 1000:11.1f} {middle / plain:13.1f}")


if __name__ == "__main__":
    main()
