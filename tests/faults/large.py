"""Half a million rows, and files beside the database that are huge or broken."""

from __future__ import annotations

import os
import resource
import sqlite3
from pathlib import Path

from faults.model import (
    SHOWN,
    Documents,
    Fault,
    Tally,
    command,
    documents,
    healthy_database,
    healthy_run,
    judge_healthy,
    judge_page,
    some,
)
from support.project_files import put
from support.rows import add_run
from support.schema import database

LARGE = "run-b1600001"
FAILURE = b"\nRuntimeError: CUDA error: device-side assert triggered\n"
ROWS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
INSERT INTO training_metrics (run_id, timestep, timestamp, created_at, episode_count, total_timesteps, progress_pct,
  episode_reward_mean, policy_loss, value_loss, entropy_loss, learning_rate, fps, cpu_percent, memory_mb)
SELECT ?, i * 4096, strftime('%Y-%m-%dT%H:%M:%S', 1766397600 + i * 9, 'unixepoch'),
  strftime('%Y-%m-%d %H:%M:%S', 1766419200 + i * 9, 'unixepoch'), i, 2048000000, i / 5000.0,
  i / 1000.0, -0.0125, 0.125, -1.25, 0.00025, 450.0, 0.0, 2100.0
FROM n
"""


def _large_run(con: sqlite3.Connection) -> None:
    add_run(con, LARGE, {"total_timesteps": 2_048_000_000}, end_time="2026-02-12T12:00:00")
    con.execute(ROWS, (LARGE,))


def many_rows(work: Path) -> Tally:
    """500,000 rows in one run, within a limit of memory."""
    tally = Tally()
    with database(work / "runs.db") as con:
        for run_id in ("run-900d0001", "run-900d0002"):
            healthy_run(con, run_id)
        _large_run(con)
    done = command(
        work, "--db", work / "runs.db", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2 << 30,) * 2)
    )
    found = documents(work) if done.returncode == 0 else {}
    wrong = [*judge_healthy(found), *judge_page(found, LARGE, "500,000")]
    wrong += [] if done.returncode == 0 else [f"exit code {done.returncode}: {done.stderr[-300:]}"]
    data = work / "docs" / "runs" / LARGE / "data.js"
    if data.exists() and data.stat().st_size > 200_000:
        wrong.append(f"its charts have {data.stat().st_size:,} bytes")
    tally.check("500,000 rows", wrong)
    return tally


def with_project(work: Path, files: dict[str, bytes], sparse: str = "") -> Documents:
    """Build two healthy runs with files below a project root; `sparse` is made 2 GB long."""
    root = work / "project"
    for path, content in files.items():
        put(root, path, content)
    if sparse:
        with (root / sparse).open("r+b") as file:
            file.truncate(2 << 30)
            file.seek(0, os.SEEK_END)
            file.write(FAILURE)
    (work / "runsum.yml").write_text("project_root: project\n", encoding="utf-8")
    done = command(work, "--db", healthy_database(work / "runs.db"))
    return documents(work) if done.returncode == 0 else {}


def huge_log(work: Path) -> Tally:
    """A log of 2 GB whose last lines tell of a failure; the file is sparse and costs no space."""
    tally = Tally()
    found = with_project(work, {"logs/run-900d0001.log": b"begin\n"}, "logs/run-900d0001.log")
    says = "device-side assert"
    tally.check("2 GB", [*judge_healthy(found, ("run-900d0002",)), *judge_page(found, "run-900d0001", says)])
    return tally


def broken_files(work: Path) -> Tally:
    """Metadata, settings, logs and videos of runs that are no such thing."""
    tally = Tally()
    contents = {
        "empty": b"",
        "zeros": bytes(10_000),
        "no UTF-8": b"\xff\xfe\x00\x80" * 100,
        "half a document": b'{"a": [1, 2',
        "nested": b"[" * 100_000,
        "YAML bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
        b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]\n",
        "one line of 5 MB": b"x" * 5_000_000,
        "escapes of a terminal": b"\x1b[31mred\x1b[0m\x07\r\n" * 50,
    }
    names = ("run_metadata.json", "config_effective.yaml", "training.log", "clip.mp4", ".manifest.json")
    for number, (kind, content) in enumerate(some(contents.items())):
        place = work / str(number)
        place.mkdir()
        files = {f"outputs/run-900d0001/{name}": content for name in names}
        found = with_project(place, files)
        wrong = [*judge_healthy(found, ("run-900d0002",)), *judge_page(found, "run-900d0001", r"0\.75")]
        tally.check(kind, wrong)
    tally.tried *= len(names)
    return tally


FAULTS = (
    Fault("500,000 rows in one run, within 2 GB of memory", SHOWN, many_rows, slow=True),
    Fault("a log of 2 GB", SHOWN, huge_log, slow=True),
    Fault("metadata, settings, logs and videos that are empty, binary, cut off, bombs", SHOWN, broken_files),
)
