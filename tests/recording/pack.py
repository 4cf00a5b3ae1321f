"""Make one small file of what was recorded: the database, the films, the notes."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from tests.recording.plans import PLANS

_LARGEST = 3_000_000


def pack(folder: Path, target: Path) -> str:
    """Write the archive.

    Args:
        folder: what `record` left.
        target: the zip file.

    Returns:
        A line about its size.
    """
    database = folder / "packed.db"
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "ml_experiments.db")) as source:
        source.execute("VACUUM INTO ?", (str(database),))
    with closing(sqlite3.connect(database)) as packed:
        packed.execute("PRAGMA journal_mode = DELETE")
    files = {"ml_experiments.db": database.read_bytes()}
    for video in sorted((folder / "videos").glob("*.mp4")):
        files[f"videos/{video.name}"] = video.read_bytes()
    for name, plan in PLANS.items():
        if plan.note is not None:
            files[f"notes/{run_id_of(folder, database, name)}.md"] = f"{plan.note}\n".encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    when = last_activity(database)  # not the clock: packing twice gives the same bytes
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path, when), content, zipfile.ZIP_DEFLATED, 9)
    size = target.stat().st_size
    if size > _LARGEST:
        raise SystemExit(f"{target} has {size:,} bytes, more than {_LARGEST:,}: record fewer rows")
    return f"{target}: {size:,} bytes, {len(files)} files"


def last_activity(database: Path) -> tuple[int, int, int, int, int, int]:
    """When the last of the runs was recorded, as the zip format writes a moment."""
    with closing(sqlite3.connect(database)) as packed:
        (text,) = packed.execute("SELECT MAX(updated_at) FROM experiment_runs").fetchone()
    moment = datetime.fromisoformat(text)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


def run_id_of(folder: Path, database: Path, name: str) -> str:
    """The run of a plan: from its mark; a run that was cut off left none and is known by its settings."""
    mark = folder / f"{name}.json"
    if mark.exists():
        return str(json.loads(mark.read_text())["run_id"])
    plan = PLANS[name]
    with closing(sqlite3.connect(database)) as packed:
        rows = packed.execute("SELECT run_id, config_json FROM experiment_runs WHERE status != 'completed'").fetchall()
    for run_id, text in rows:
        config = json.loads(text)
        if (config["algorithm"], config["env_id"], config["seed"]) == (plan.algorithm.lower(), plan.env_id, plan.seed):
            return str(run_id)
    raise SystemExit(f"no run of the plan {name}: record it first")
