"""A second build does what has changed and nothing else, and always ends where a first one would."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runsum.cache import BuildCache, _checksum, cache_file
from runsum.site.writer import SiteWriter
from support.cli import build, make, typed
from support.command import fingerprints
from support.expect import AS_OF
from support.rows import Clock, add_run, foreign_rows, store, table_rows
from support.schema import database

DB = "ml_experiments.db"
RUNS = tuple(f"run-1c0000{number:02x}" for number in range(5))
LATER = "2027-03-01T00:00:00"
OLD_S = 1_763_596_800  # 2025-11-20T00:00 UTC


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with five healthy runs, built once."""
    monkeypatch.chdir(tmp_path)
    make(Path(DB), *RUNS)
    assert build()["read"] == len(RUNS)
    return tmp_path


def change(statement: str, *values: object) -> None:
    with closing(sqlite3.connect(DB)) as con, con:
        con.execute(statement, values)


def as_a_fresh_build(as_of: str = AS_OF) -> bool:
    """Whether the docs folder is what a build without any memory makes."""
    before = fingerprints(Path("docs"))
    Path("docs").rename("docs.kept")
    build("--no-cache", as_of=as_of)
    return fingerprints(Path("docs")) == before


def test_nothing_changed(work: Path) -> None:
    """Nothing is read, rendered or written; with the look from outside, and without it."""
    again = build()
    assert (again["read"], again["rendered"], again["written"], again["stages"]) == (0, 0, 0, [])
    assert again["runs"] == len(RUNS)
    cache_file(Path("docs")).with_suffix(".json").unlink()
    again = build()
    assert (again["read"], again["rendered"], again["written"]) == (0, 0, 0)
    assert as_a_fresh_build()


ROW = "WHERE run_id = ? AND timestep = 40960"
CHANGES: dict[str, tuple[str, tuple[object, ...]]] = {
    "a value in place": (f"UPDATE training_metrics SET episode_reward_mean = 77 {ROW}", (RUNS[2],)),
    "a row less": (f"DELETE FROM training_metrics {ROW}", (RUNS[2],)),
    "its name": ("UPDATE experiment_runs SET custom_name = 'patience' WHERE run_id = ?", (RUNS[2],)),
    "a setting": (
        "UPDATE experiment_runs SET config_json = json_set(config_json, '$.learning_rate', 0.0007) WHERE run_id = ?",
        (RUNS[2],),
    ),
    "a video": (
        "INSERT INTO training_videos (run_id, segment_number, file_path, start_time) VALUES (?, 1, 'a.mp4', '')",
        (RUNS[2],),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_one_run_changed(work: Path, what: str) -> None:
    """Only that run is read again, and the folder is that of a fresh build."""
    statement, values = CHANGES[what]
    change(statement, *values)
    report = build()
    assert 1 <= report["read"] <= 2  # rows of a neighbour may stand on the same page of the file
    assert report["written"] > 0
    assert as_a_fresh_build()


@pytest.mark.parametrize(
    "statement",
    ["RENAME COLUMN entropy_loss TO x", "RENAME COLUMN fps TO x", "ADD COLUMN rollout_steps INTEGER DEFAULT 7"],
)
def test_columns_changed(work: Path, statement: str) -> None:
    """A newer application adds one, and no page of rows changes: every run is read as that says, and then no more."""
    change(f"ALTER TABLE training_metrics {statement}")
    assert build()["read"] == len(RUNS)
    assert as_a_fresh_build()
    change("UPDATE experiment_runs SET custom_name = 'patience' WHERE run_id = ?", RUNS[2])
    assert 1 <= build()["read"] <= 2


def test_a_run_more_and_a_run_less(work: Path) -> None:
    """A new run is read, one that is gone takes its pages with it."""
    with closing(sqlite3.connect(DB)) as con, con:
        add_run(con, "run-1c0000ff", {"total_timesteps": 409_600}, end_time=Clock().iso(900))
        store(con, table_rows("run-1c0000ff", range(1, 101), target=409_600))
    assert 1 <= build()["read"] <= 2
    change("DELETE FROM experiment_runs WHERE run_id = ?", RUNS[0])
    report = build()
    assert report["read"] <= 1
    assert not Path("docs/runs", RUNS[0]).exists()
    assert as_a_fresh_build()


def test_time_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running run becomes stale by the clock alone, and only it is told anew; a later look at the others is none."""
    monkeypatch.chdir(tmp_path)
    make(Path(DB), *RUNS)
    change("UPDATE experiment_runs SET status = 'running', end_time = NULL WHERE run_id = ?", RUNS[1])
    change("DELETE FROM training_metrics WHERE run_id = ? AND timestep > 200000", RUNS[1])
    state = Path("docs/runs", RUNS[1], "run.json")
    build(as_of=Clock().iso(500))
    assert json.loads(state.read_text())["state"] == "running"
    assert build(as_of=Clock().iso(510))["written"] == 0
    assert build(as_of=LATER)["read"] == 1
    assert json.loads(state.read_text())["state"] == "stale"
    assert build(as_of="2027-04-01T00:00:00")["stages"] == []
    assert as_a_fresh_build("2027-04-01T00:00:00")


def test_what_lies_in_the_log_is_the_last_change(work: Path) -> None:
    """During a recording the main file is as old as its last checkpoint; an empty log says nothing."""
    with closing(sqlite3.connect(DB)) as con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("PRAGMA wal_autocheckpoint=0")
        con.execute("UPDATE experiment_runs SET custom_name = 'x'")
        con.commit()
        os.utime(DB, (OLD_S, OLD_S))
        os.utime(f"{DB}-wal", (OLD_S + 7200, OLD_S + 7200))
        assert build()["stages"]
        assert "20 Nov 2025, 02:00" in Path("docs/index.md").read_text()
        assert build()["stages"] == []
        os.utime(f"{DB}-wal", (OLD_S + 10800, OLD_S + 10800))
        again = build()
        assert (again["read"], again["rendered"]) == (0, 0)
        for page in ("index.md", "methods/index.md"):
            assert "20 Nov 2025, 03:00" in Path("docs", page).read_text()
        assert as_a_fresh_build()
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.utime(DB, (OLD_S, OLD_S))
        build()
        assert "20 Nov 2025, 00:00" in Path("docs/index.md").read_text()


def test_rows_of_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that names the owner of rows it holds by mistake follows changes of that other run."""
    monkeypatch.chdir(tmp_path)
    with database(Path(DB)) as con:
        add_run(con, RUNS[0], {"total_timesteps": 810_000}, status="stopped", end_time=Clock().iso(400))
        add_run(con, RUNS[1], {"total_timesteps": 810_000}, end_time=Clock().iso(1800))
        own, other = table_rows(RUNS[0], range(1, 40)), table_rows(RUNS[1], range(1, 150))
        store(con, own, other, foreign_rows(RUNS[0], other[60:90]))
    build()
    quality = Path("docs/runs", RUNS[0], "run.json")
    assert json.loads(quality.read_text())["quality"]["foreign_runs"]
    change("UPDATE training_metrics SET episode_reward_mean = -5 WHERE run_id = ?", RUNS[1])
    build()
    assert not json.loads(quality.read_text())["quality"]["foreign_runs"]
    assert as_a_fresh_build()


def test_files_below_the_project_root(work: Path) -> None:
    """A checkpoint that appears is seen although no database changed."""
    Path("runsum.yml").write_text("project_root: root\n")
    folder = Path("root/models/checkpoints", RUNS[3])
    folder.mkdir(parents=True)
    assert build()["read"] == len(RUNS)  # another setting
    assert build()["stages"] == []
    (folder / "latest.zip").write_bytes(b"PK\x03\x04")
    assert build()["read"] == 1
    assert "latest.zip" in Path("docs/runs", RUNS[3], "run.json").read_text()
    assert as_a_fresh_build()


def test_notes_settings_and_hands(work: Path) -> None:
    """A note changes one page, a threshold all of them; a deleted file comes back, one changed by hand is kept."""
    Path("notes").mkdir()
    Path("notes", f"{RUNS[0]}.md").write_text("It waits.")
    report = build()
    assert (report["read"], report["rendered"]) == (0, 1)
    Path("docs/runs", RUNS[1], "metrics.csv.gz").unlink()
    assert build()["read"] == 1
    Path("docs/runs", RUNS[1], "index.md").unlink()
    assert build()["rendered"] == 1
    assert as_a_fresh_build()
    Path("docs/runs", RUNS[1], "index.md").write_text("mine")
    assert build()["kept"] == [f"runs/{RUNS[1]}/index.md"]
    Path("runsum.yml").write_text("thresholds: {stale_after_min: 61}\n")
    assert build()["read"] == len(RUNS)


def test_a_folder_of_yesterday(work: Path) -> None:
    """The docs folder of an earlier build is put back, as from a backup: what was kept since is not believed of it."""
    shutil.copytree("docs", "backup")
    change(*CHANGES["a value in place"][:1], *CHANGES["a value in place"][1])
    build()
    shutil.rmtree("docs")
    Path("backup").rename("docs")
    assert build()["written"] > 0
    assert as_a_fresh_build()


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 4_000]) + data[middle + 4_000 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": _cut, "flipped": _flipped, "empty": lambda data: b"", "another file": lambda data: b"x" * 5_000,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_not_believed(work: Path, damage: str) -> None:
    """Whatever happened to the cache, the site is that of a fresh build, and the next build has a cache again."""
    for file in (cache_file(Path("docs")), cache_file(Path("docs")).with_suffix(".json")):
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    change(*CHANGES["a value in place"][:1], *CHANGES["a value in place"][1])
    build()
    assert as_a_fresh_build()
    build()
    assert build()["stages"] == []


def test_what_cannot_be_remembered_leaves_nothing(work: Path) -> None:
    """Or a full disk would be filled further by each build; here a folder stands in the place of the file."""
    file = cache_file(Path("docs")).with_suffix(".json")
    file.unlink()
    (file / "in it").mkdir(parents=True)
    try:
        before = set(file.parent.iterdir())
        assert build()["stages"] != []
        assert set(file.parent.iterdir()) == before
    finally:
        shutil.rmtree(file)


def test_damage_that_shows_when_the_cache_is_saved(tmp_path: Path) -> None:
    """What was read is whole, what is to be written over is not: the build ends well, and the next one begins anew."""
    file = tmp_path / "cache.db"
    with BuildCache(file) as cache:
        for number in range(100):
            cache.put("run", f"{number:03}", "rows", bytes(3_000))
        cache.save({})
    data = file.read_bytes()
    file.write_bytes(data[:4_096] + b"x" * (len(data) - 4_096))  # the page that names the tables is whole
    with BuildCache(file) as cache:
        cache.put("run", "new", "rows", b"")
        cache.save({"run": ["new"]})
    assert not file.exists()


class Call:
    """An object that is made by calling something."""

    def __init__(self, what: Any) -> None:
        self.what = what

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.what, (Path("called"),))


@pytest.mark.parametrize("called", [os.mkdir, SiteWriter])
def test_a_foreign_pickle_is_not_run(work: Path, called: Any) -> None:
    """An entry with a right checksum that would call something makes nothing happen."""
    value = pickle.dumps(Call(called))
    with closing(sqlite3.connect(cache_file(Path("docs")))) as con, con:
        con.execute("INSERT INTO entries VALUES ('run', 'x', 'y', ?, ?)", (value, _checksum("run", "x", "y", value)))
    with BuildCache(cache_file(Path("docs"))) as cache:
        assert cache.get("run", "x", "y") is None
    assert not Path("called").exists()


def test_another_version_is_not_believed(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it kept may have other fields by now, whatever it was kept for."""
    file = cache_file(work / "docs")
    with closing(sqlite3.connect(file)) as con:
        entries = con.execute("SELECT kind, name, made_of FROM entries").fetchall()
    with BuildCache(file) as cache:
        assert all(cache.get(*entry) is not None for entry in entries)
        monkeypatch.setattr("runsum.cache.program", lambda: "another one")
        assert all(cache.get(*entry) is None for entry in entries)


def test_processes_make_the_same(work: Path) -> None:
    """One process and three: byte for byte the same folder; `--json` tells the time and memory of each stage."""
    build("--no-cache", "--jobs", "1")
    before = fingerprints(Path("docs"))
    report = build("--no-cache", "--jobs", "3")
    assert fingerprints(Path("docs")) == before
    assert [stage["name"] for stage in report["stages"]][:2] == ["runs", "archive"]
    assert all(stage["seconds"] >= 0 and stage["peak_mb"] > 10 for stage in report["stages"])
    assert typed("build", "--jobs", "0").exit_code == 2
    assert "dask://HOST:PORT" in typed("build", "--no-cache", "--executor", "spark://x").output
