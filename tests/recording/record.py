"""Record the demo archive again: `python -m tests.recording.record FOLDER`, about an hour on two cores.

Needs `pip install -e ".[sb3]" --group recording`. Every training is a process of its own; two run at a time, one of
them the Atari games. Trainings that already have their mark in FOLDER are not repeated. The result is
`generator/runsum/demo/recorded.zip`.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tests.recording.pack import pack
from tests.recording.plans import ATARI_PLANS, CONTROL_PLANS, Plan
from tests.recording.train import DATABASE

ROOT = Path(__file__).resolve().parents[2]


def main(folder: Path) -> None:
    """Train everything, then pack it."""
    folder.mkdir(parents=True, exist_ok=True)
    queues = [threading.Thread(target=run_all, args=(plans, folder)) for plans in (ATARI_PLANS, CONTROL_PLANS)]
    for queue in queues:
        queue.start()
    for queue in queues:
        queue.join()
    print(pack(folder, ROOT / "generator/runsum/demo/recorded.zip"))


def run_all(plans: Iterable[Plan], folder: Path) -> None:
    """One training after the other."""
    for plan in plans:
        if not (folder / f"{plan.name}.done").exists():
            code = run_one(plan, folder)
            (folder / f"{plan.name}.done").write_text(f"{code}\n")
            print(f"{plan.name}: exit code {code}", flush=True)


def run_one(plan: Plan, folder: Path) -> int:
    """Start a training, and end it from outside where the plan says so."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "generator")))
    with (folder / f"{plan.name}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.recording.train", plan.name],
            cwd=folder, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
        if plan.end in ("killed", "interrupted"):
            while process.poll() is None and step_of(process.pid, folder) < plan.end_at:
                time.sleep(0.2)
            process.send_signal(signal.SIGKILL if plan.end == "killed" else signal.SIGINT)
        return process.wait()


def step_of(pid: int, folder: Path) -> int:
    """How far the training of a process has come, as it records it."""
    if not (folder / DATABASE).exists():
        return 0
    with closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True, timeout=30)) as database:
        try:
            row = database.execute(
                "SELECT MAX(current_timestep) FROM experiment_runs WHERE process_pid = ? AND status = 'running'", (pid,)
            ).fetchone()
        except sqlite3.OperationalError:  # not there yet
            return 0
        return row[0] or 0


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
