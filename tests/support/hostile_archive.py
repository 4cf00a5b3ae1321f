"""An archive in which every text column of every table, every file name and every document holds the whole corpus.

For each text of the corpus there are two runs: one with a usual id and the text in all of its columns at once, and one
that has the text as its id, with another text in each column. One run more holds everything in one configuration.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from support.expect import AS_OF
from support.hostile import CORPUS, TEXTS, Hostile
from support.project_files import MP4
from support.rows import Clock, add_gpu_samples, add_run, store, table_rows
from support.schema import columns_of, database

STEPS = 30_000
EVERYTHING = "run-e0000000"
TABLES = (
    "experiment_runs", "experiments", "video_artifacts", "video_generation_progress", "training_videos",
    "chart_annotations", "chart_states",
)  # fmt: skip
# ProperDocs makes the very bytes of MkDocs, says test_builders.py; of this archive it is asked with RUNSUM_TESTS=all.
BUILDERS = ("mkdocs", "zensical", *(("properdocs",) if os.environ.get("RUNSUM_TESTS") == "all" else ()))
STATES = ("completed", "failed", "stopped", "running")
LEGS = 6  # of a lineage
SETTINGS = """databases:
  - path: one.db
    name: {name}
project_root: project
redact: {{mode: off, reason: {name}}} # nothing may hide behind a mark
"""


def plain_id(place: int) -> str:
    """The id of the run that holds the text of this place in all of its columns."""
    return f"run-{place:08x}"


def write_archive(work: Path) -> None:
    """Write databases, project folder, notes and settings below `work`.

    Args:
        work: an empty folder.
    """
    with database(work / "one.db") as con:
        for place, hostile in enumerate(CORPUS):
            _add_plain(con, place, hostile)
            _add_hostile_id(con, place, hostile)
        _add_everything(con)
        _add_orphans(con)
    for place, hostile in enumerate(CORPUS):
        _write_files(work / "project", plain_id(place), place)
        _write_files(work / "project", hostile.read, place)
        _write(work / "notes" / f"{plain_id(place)}.md", hostile.stored)
        _write(work / "notes" / f"{hostile.read}.md", hostile.stored)
    _write(work / "notes" / f"{EVERYTHING}.md", b"\n\n".join(hostile.stored for hostile in CORPUS))
    name = json.dumps(CORPUS[0].text)
    _write(work / "runsum.yml", SETTINGS.format(name=name).encode())


def build_arguments() -> tuple[str, ...]:
    """What follows `runsum` on the command line."""
    return ("build", "--as-of", AS_OF)


# ---------------------------------------------------------------- databases


def _text(place: int) -> str:
    return TEXTS[place % len(TEXTS)]


def _config(place: int, **more: Any) -> dict[str, Any]:
    """Settings whose keys and values are hostile, beside a few that must be there."""
    one, two, three = _text(place), _text(place + 1), _text(place + 2)
    return {
        "env_id": one, "algorithm": one, "total_timesteps": STEPS, "seed": place, "device": two, one: two, two: [three],
        "policy_type": three, "custom_params": {three: {one: two}}, "net_arch": {two: [one]},
    } | more  # fmt: skip


def _insert(con: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    """Insert values of which every text is stored byte by byte, UTF-8 or not."""
    there = [name for name in values if name in columns_of(con, table)]
    marks = ", ".join("CAST(? AS TEXT)" if isinstance(values[name], str) else "?" for name in there)
    stored = [_bytes(values[name]) for name in there]
    con.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(there)}) VALUES ({marks})", stored)


def _bytes(value: Any) -> Any:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _texts_of(con: sqlite3.Connection, table: str, place: int, step: int) -> dict[str, Any]:
    """A text for every text column of a table: the same for all with step 0, else another for each."""
    columns = [row[1] for row in con.execute(f"PRAGMA table_info({table})") if str(row[2]).upper() == "TEXT"]
    found: dict[str, Any] = {}
    for number, column in enumerate(columns):
        text = _text(place + step * number)
        if column.endswith("_json") or column == "state_data":
            form = (place + number) % 3
            text = (json.dumps(_config(place + number)), json.dumps([text, {text: text}]), text)[form]
        found[column] = text
    return found


def _add_rows(con: sqlite3.Connection, run_id: str, place: int, clock: Clock) -> None:
    values = [{**row.values, "run_id": None} for row in table_rows("", range(1, 8), clock=clock, target=STEPS)]
    for row in values:
        _insert(con, "training_metrics", row | {"run_id": run_id})


def _add_around(con: sqlite3.Connection, run_id: str, place: int, step: int) -> None:
    """The rows of the other tables that belong to a run."""
    for table in TABLES[1:]:
        texts = _texts_of(con, table, place, step)
        key = next(row[1] for row in con.execute(f"PRAGMA table_info({table})") if row[5])
        if key in texts:
            texts[key] = f"{key}-{step}-{place}" if step else f"video_{run_id}_{place}"
        if "run_id" in texts:
            texts["run_id"] = run_id
        numbers: dict[str, Any] = (
            {"x": 8192.0, "y": 0.125, "axes_name": "reward"} if table == "chart_annotations" else {}
        )
        if table == "experiments":
            texts["notes"] = f"Training run {run_id} {texts['notes']}"
        if table == "training_videos":
            numbers = {"segment_number": place, "start_timestep": 4096}
        if table == "video_artifacts" and step:
            texts["experiment_id"] = run_id
        _insert(con, table, texts | numbers)


def _add_plain(con: sqlite3.Connection, place: int, hostile: Hostile) -> None:
    """A run with a usual id, and one text in every column that does not decide what is shown at all."""
    run_id, clock = plain_id(place), Clock(Clock().start.replace(day=1 + place % 22, hour=place % 24))
    texts = _texts_of(con, "experiment_runs", place, 0)
    root = plain_id(place - place % LEGS)
    texts |= {
        "run_id": run_id, "config_json": json.dumps(_config(place)), "status": STATES[place % len(STATES)],
        "start_time": clock.iso(0), "end_time": clock.iso(90), "created_at": clock.iso(0), "updated_at": clock.iso(90),
        "heartbeat_at": clock.iso(90), "base_run_id": root, "tags_json": json.dumps([hostile.text, _text(place + 5)]),
        "parent_run_id": None if run_id == root else plain_id(place - 1),
        "metadata_json": json.dumps({hostile.text: hostile.text, "nested": {hostile.text: hostile.text}}),
    }  # fmt: skip
    _insert(con, "experiment_runs", texts | {"leg_number": 1 + place % LEGS, "leg_start_timestep": 0})
    _add_rows(con, run_id, place, clock)
    _add_around(con, run_id, place, 0)


def _add_hostile_id(con: sqlite3.Connection, place: int, hostile: Hostile) -> None:
    """A run that has the text as its id, the text before it as its parent, and another text in each column."""
    texts = _texts_of(con, "experiment_runs", place, 7)
    is_root = place % LEGS == 0
    texts |= {"run_id": hostile.text, "base_run_id": _text(place - place % LEGS)}
    texts["parent_run_id"] = None if is_root else _text(place - 1)
    if place % 2:
        clock = Clock(Clock().start.replace(month=11))
        texts |= {"start_time": clock.iso(0), "status": STATES[place // 2 % len(STATES)]}
        texts["config_json"] = json.dumps(_config(place, learning_rate=hostile.text, n_steps=_text(place + 3)))
    _insert(con, "experiment_runs", texts | {"leg_number": 1 + place % LEGS})
    _add_rows(con, hostile.text, place, Clock(Clock().start.replace(month=11)))
    _add_around(con, hostile.text, place, 11)


def _add_everything(con: sqlite3.Connection) -> None:
    """The whole corpus in one configuration, one list of tags, one status note, and in the numbers of the rows."""
    config = {"env_id": "ALE/Breakout-v5", "algorithm": "ppo", "total_timesteps": STEPS}
    config |= dict(zip(TEXTS, reversed(TEXTS), strict=True))
    everything = "\n".join(hostile.read for hostile in CORPUS)
    add_run(con, EVERYTHING, json.dumps(config), status="failed", tags_json=json.dumps(TEXTS), status_note=everything)
    store(con, table_rows(EVERYTHING, range(1, 8), target=STEPS))
    add_gpu_samples(con, EVERYTHING, range(0, 60, 20))
    for place, text in enumerate(TEXTS):
        row = {"run_id": EVERYTHING, "timestep": 40_000 + place, "timestamp": text, "created_at": text, "fps": text}
        row |= {"episode_count": text, "total_timesteps": text, "progress_pct": text, "episode_reward_mean": text}
        _insert(con, "training_metrics", row)
        _insert(con, "gpu_metrics", {"run_id": EVERYTHING, "ts": text, "gpu_util_pct": text})
        note = {"annotation_id": f"all-{place}", "run_id": EVERYTHING, "axes_name": "reward", "x": 500.0 * place}
        _insert(con, "chart_annotations", note | {"y": 0.25, "text": text, "created_at": Clock().iso(place)})


def _add_orphans(con: sqlite3.Connection) -> None:
    """Rows without a run, a launch record of nobody, and a table whose name nobody knows."""
    for hostile in CORPUS[::4]:
        gone = f"gone {hostile.text}"
        _insert(con, "training_metrics", table_rows(gone, [1])[0].values)
        _insert(con, "video_generation_progress", {"video_id": gone, "run_id": gone, "video_name": gone})
    texts = _texts_of(con, "experiments", 1, 1) | {"experiment_id": "nobody", "notes": CORPUS[0].text}
    _insert(con, "experiments", texts)
    con.execute('CREATE TABLE "<img src=x onerror=window.__pwned=1> | [x](y) \x1b[31m" ("<b>" TEXT)')


# ---------------------------------------------------------------- files


def _write_files(root: Path, run_id: str, place: int) -> None:
    """What the recording application leaves of a run, under hostile names and with hostile words inside."""
    text = CORPUS[place].read
    home = root / "models" / "checkpoints" / run_id
    if not home.is_relative_to(root):  # an id that is an absolute path
        return
    _write(
        home / "run_metadata.json", json.dumps({"run_id": text, text: text, "hyperparameters": {text: text}}).encode()
    )
    effective = {"train": {"run_id": text, "policy": text, "custom_name": text}, "seed": text, "game": {"env_id": text}}
    _write(home / "config_effective.yaml", json.dumps(effective).encode() if place % 2 else CORPUS[place].stored)
    _write(home / f"checkpoint_step_{place}_pct_10 {text}.zip", b"x")
    log = [f"line {text}", "Traceback (most recent call last):", f"RuntimeError: {text}"]
    _write(home / "training.log", "\n".join(log).encode())
    name = "".join(text.splitlines())
    _write(root / "outputs" / run_id / f"{name}.mp4", MP4)
    _write(root / "outputs" / run_id / name / "inside.mp4", b"<html><script>alert(1)</script>")
    _write(root / "video" / "training" / run_id / f"step_{place} {name}.mp4", MP4)
    sidecar = json.dumps({"run_id": text, "created_at": text, "step": text}).encode()
    _write(root / "video" / "training" / run_id / f"step_{place} {name}.json", sidecar)
    _write(root / "logs" / "tb" / run_id / name / "events.out.tfevents.1", b"x")


def _write(file: Path, content: bytes) -> None:
    """Write a file, unless no file can have that name or it would lie elsewhere."""
    if ".." in file.parts or "\0" in str(file):
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError:  # too long, or a folder
        return


# ---------------------------------------------------------------- sites


@dataclass(frozen=True)
class HostileArchive:
    """The folder of the archive, what `runsum build` said, and the sites made of it when they are asked for."""

    work: Path

    @property
    def docs(self) -> Path:
        return self.work / "docs"

    def said(self, what: str = "runsum") -> subprocess.CompletedProcess[bytes]:
        """How a command ended; see :func:`_run`."""
        code, out, err = json.loads((self.work / f"{what}.json").read_text(encoding="utf-8"))
        return subprocess.CompletedProcess(what, code, out.encode("latin-1"), err.encode("latin-1"))

    @cached_property
    def slugs(self) -> dict[str, str]:
        """The folder of each run by its id."""
        told = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(self.docs.glob("runs/*/run.json"))]
        return {document["run_id"]: document["slug"] for document in told}

    def page(self, run_id: str) -> str:
        """The address of a run's page."""
        return f"runs/{self.slugs[run_id]}/index.html"

    def site(self, builder: str, offline: bool = False) -> Path:
        """The folder of a site; its builder must have had nothing to say against the pages in its strict mode."""
        name = f"{builder}-{'offline' if offline else 'online'}"
        once(self.work / name, lambda folder: self._build(builder, offline, folder))
        finished = self.said(name)
        assert finished.returncode == 0, (finished.stdout + finished.stderr).decode()
        return self.work / name

    def _build(self, builder: str, offline: bool, folder: Path) -> None:
        """Build beside the others: not every builder can be told where to write."""
        here = folder.with_name(f"{folder.name}-work")
        here.mkdir()
        shutil.copytree(self.docs, here / "docs", copy_function=os.link)
        shutil.copy(self.work / "mkdocs.yml", here)
        words = ("-m", builder, "build", "--strict", "--config-file", "mkdocs.yml")
        _run(here, self.work / f"{folder.name}.json", *words, OFFLINE=str(offline).lower())
        (here / "site").rename(folder)


def once(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder unless another process of these tests has made it or is about to."""
    done = folder.with_name(f"{folder.name}.done")
    try:
        folder.with_name(f"{folder.name}.begun").mkdir(parents=True)
    except FileExistsError:
        until = time.monotonic() + 300
        while not done.exists():
            assert time.monotonic() < until, f"{folder.name} was begun elsewhere and never done"
            time.sleep(0.2)
        return
    try:
        make(folder)
    finally:
        done.mkdir()  # who waits finds out by himself what is missing


def _run(work: Path, told: Path, *words: str, **environment: str) -> None:
    """Run Python and keep how it ended, with the bytes it printed."""
    env = os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"} | environment
    done = subprocess.run([sys.executable, *words], cwd=work, env=env, capture_output=True, timeout=300, check=False)
    report = [done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")]
    told.write_text(json.dumps(report), encoding="utf-8")


def _make(work: Path) -> None:
    work.mkdir()
    write_archive(work)
    _run(work, work / "runsum.json", "-m", "runsum", *build_arguments())


@pytest.fixture(scope="session")
def hostile_archive(tmp_path_factory: pytest.TempPathFactory) -> HostileArchive:
    """The archive of the corpus, written and built once for all processes that test."""
    base = tmp_path_factory.getbasetemp()
    work = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "hostile"
    once(work, _make)
    return HostileArchive(work)
