"""Reading never disturbs: not the application that writes, not the folder the file lies in."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runsum.build import BuildOptions, build_archive
from runsum.clock import AsOf
from runsum.config import DatabasePath, MkdocsFacts, Settings
from runsum.errors import DatabaseError
from runsum.source.database import open_database
from support.command import build, documents, fingerprints
from support.rows import Clock, add_run, store, table_rows
from support.schema import create, database

RUN = "run-11fe0001"
BEFORE = 300  # rows stored before the writer starts

# The application's collector in small: its pragmas, its upsert, and a note of how long each one took.
WRITER = """
import json, select, sqlite3, sys, time
path, run_id, iteration = sys.argv[1], sys.argv[2], int(sys.argv[3])
con = sqlite3.connect(path, timeout=30.0, isolation_level=None)
con.execute("PRAGMA journal_mode=WAL")
con.execute("PRAGMA synchronous=NORMAL")
columns = "run_id, timestep, timestamp, episode_count, total_timesteps"
columns += ", progress_pct, episode_reward_mean, fps"
insert = f"INSERT OR REPLACE INTO training_metrics ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
slowest, errors, stop = 0.0, [], time.monotonic() + 120
print("ready", flush=True)
while time.monotonic() < stop and not select.select([sys.stdin], [], [], 0.01)[0]:
    iteration += 1
    step = iteration * 4096
    stamp = f"2025-12-22T{11 + iteration // 3600:02}:{iteration // 60 % 60:02}:{iteration % 60:02}"
    began = time.monotonic()
    try:
        con.execute(insert, (run_id, step, stamp, iteration, 810_000_000,
                             step / 8_100_000, step / 65_536, 450))
        con.execute("UPDATE experiment_runs SET current_timestep = ?, updated_at = ? WHERE run_id = ?",
                    (step, stamp, run_id))
    except sqlite3.Error as error:
        errors.append(str(error))
    slowest = max(slowest, time.monotonic() - began)
print(json.dumps({"iteration": iteration, "slowest_s": slowest, "errors": errors}), flush=True)
sys.stdin.readline()  # the line that stopped the loop: select only looked at it
sys.stdin.readline()  # the connection, and with it the -wal and -shm files, stays until this one
"""


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that inserts a row every 10 ms until a line comes on its stdin; a second line ends it."""
    command = [sys.executable, "-c", WRITER, str(path), RUN, str(BEFORE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def filled(path: Path, wal: bool = True) -> None:
    """One running run with 300 rows, closed properly: a single file."""
    with database(path, wal=wal) as con:
        add_run(con, RUN, {"total_timesteps": 810_000_000}, status="running", updated_at=Clock().iso(2700))
        store(con, table_rows(RUN, range(1, BEFORE + 1), target=810_000_000))


def written(document: dict) -> int:
    """The number of rows in a run.json, checked to be an unbroken prefix of what was written."""
    quality = document["quality"]
    count = quality["rows"]
    assert quality["canonical_rows"] == count
    (only,) = quality["sessions"]
    assert (only["first_timestep"], only["last_timestep"]) == (4096, 4096 * count)
    assert document["summary"]["current_timestep"] == 4096 * count
    assert document["summary"]["best_reward"] == count / 16
    return count


@pytest.mark.slow
def test_a_writer_is_not_disturbed(tmp_path: Path) -> None:
    """Three builds beside a writer: consistent prefixes, no lock error, no insert of a second, same files."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    file = home / "ml_experiments.db"
    filled(file)
    counts = []
    with writer(file) as process:
        time.sleep(0.3)
        names = fingerprints(home, contents=False)
        for _ in range(3):
            result = build(file, work)
            assert result.returncode == 0, result.stderr
            counts.append(written(documents(work)[RUN]))
        assert fingerprints(home, contents=False) == names
        say(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert fingerprints(home, contents=False) == names
    assert told["errors"] == []
    assert told["slowest_s"] < 1.0
    assert counts == sorted(counts)
    assert BEFORE < counts[0] < counts[-1] <= told["iteration"]


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A folder in which (unless the tests run as root) no file can be made."""
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def clean_wal_file(home: Path) -> None:
    """The application was closed properly; the file is still marked as WAL."""
    filled(home / "ml_experiments.db")


def leftover_wal_and_shm(home: Path) -> None:
    """The application died: its newest rows are in the log beside the file."""
    _copy_while_open(home, "", "-wal", "-shm")


def wal_without_shm(home: Path) -> None:
    """A copied set without its index."""
    _copy_while_open(home, "", "-wal")


def shm_without_wal(home: Path) -> None:
    """A copy of which the log was deleted; everything had been written to the main file before."""
    filled(home / "ml_experiments.db")
    (home / "ml_experiments.db-shm").write_bytes(bytes(32_768))


def empty_wal(home: Path) -> None:
    """A log of no bytes, as a checkpoint that truncates leaves it."""
    filled(home / "ml_experiments.db")
    (home / "ml_experiments.db-wal").touch()


def rollback_journal_file(home: Path) -> None:
    """A file that never was in WAL mode."""
    filled(home / "ml_experiments.db", wal=False)


def _copy_while_open(home: Path, *parts: str) -> None:
    source = home.with_name("source") / "ml_experiments.db"
    source.parent.mkdir()
    with closing(create(source, wal=True)) as con:
        con.execute("PRAGMA wal_autocheckpoint = 0")
        add_run(con, RUN, {"total_timesteps": 810_000_000}, status="running", updated_at=Clock().iso(2700))
        store(con, table_rows(RUN, range(1, BEFORE + 1), target=810_000_000))
        con.commit()
        for part in parts:
            shutil.copy(f"{source}{part}", home)
    shutil.rmtree(source.parent)


LAYOUTS = (
    clean_wal_file,
    leftover_wal_and_shm,
    wal_without_shm,
    shm_without_wal,
    empty_wal,
    rollback_journal_file,
)


@pytest.mark.parametrize("read_only", [False, True], ids=["writable", "read-only"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_nothing_is_left_beside_the_file(layout, read_only: bool, tmp_path: Path) -> None:
    """All 300 rows are read, and every file of the folder has the bytes it had, with none added."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    layout(home)
    before = fingerprints(home)
    if read_only:
        with unwritable(home):
            result = build(home / "ml_experiments.db", work)
    else:
        result = build(home / "ml_experiments.db", work)
    assert result.returncode == 0, result.stderr
    assert written(documents(work)[RUN]) == BEFORE
    after = fingerprints(home)
    assert set(after) == set(before)
    index = "ml_experiments.db-shm"  # readers register in it, as the application's own do
    assert {k: v for k, v in after.items() if k != index} == {k: v for k, v in before.items() if k != index}


def test_nobody_writes_into_a_file_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a write-ahead log the copy would hold pages of two moments."""
    path = tmp_path / "ml_experiments.db"
    with database(path) as con:
        add_run(con, RUN, {})
    copyfile, told = shutil.copyfile, []
    write = (
        "import sqlite3, sys\n"
        "con = sqlite3.connect(sys.argv[1], timeout=0)\n"
        "con.execute(\"UPDATE experiment_runs SET status = 'failed'\")\n"
        "con.commit()\n"
    )

    def copy(source: Path, target: Path) -> Path:
        done = subprocess.run([sys.executable, "-c", write, str(path)], capture_output=True, text=True, check=False)
        told.append(done.stderr.strip().splitlines()[-1])
        return copyfile(source, target)

    monkeypatch.setattr("runsum.source.database.shutil.copyfile", copy)
    with open_database(path) as opened:
        assert opened.connection.execute("SELECT status FROM experiment_runs").fetchone() != ("failed",)
    assert told == ["sqlite3.OperationalError: database is locked"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_is_written_over_is_named_and_not_called_damaged(tmp_path: Path, jobs: int) -> None:
    """A copy program writes it anew while it is read as if nobody had it open; several databases are open by then."""
    names = [tmp_path / "first.db", tmp_path / "second.db"]
    # of the first more runs than processes are given before the first result, which is when the file is written over
    for number, (path, runs) in enumerate(zip(names, (100, 10), strict=True)):
        with database(path) as con:
            con.execute("PRAGMA journal_mode=WAL")
            for run in range(runs):
                add_run(con, f"run-11f3{number}{run:03}")
                store(con, table_rows(f"run-11f3{number}{run:03}", range(1, 20)))

    def write_over(stage: str, done: int, total: int) -> None:
        with names[0].open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (names[0].stat().st_size - 4096))

    site = MkdocsFacts(tmp_path / "docs", tmp_path / "site", "", "")
    files = [DatabasePath(path) for path in names]
    with pytest.raises(DatabaseError, match=r"first\.db was written to while it was read \(.*\)\. Build again"):
        build_archive(files, Settings(tmp_path), site, AsOf(1.8e9), write_over, BuildOptions(jobs, use_cache=False))
    assert not (tmp_path / "docs").exists()


def test_a_hot_journal_is_not_rolled_back_in_place(tmp_path: Path) -> None:
    """A crash inside a transaction left a journal: what was committed is read, or one line says why not."""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    source = tmp_path / "source.db"
    filled(source, wal=False)
    with closing(sqlite3.connect(source, isolation_level=None)) as con:
        con.execute("PRAGMA cache_size = 1")  # changed pages go to the file before the commit
        con.execute("BEGIN")
        con.execute("UPDATE training_metrics SET episode_reward_mean = 999")
        shutil.copy(source, home / "ml_experiments.db")
        shutil.copy(f"{source}-journal", home / "ml_experiments.db-journal")
    before = fingerprints(home)
    result = build(home / "ml_experiments.db", work)
    assert fingerprints(home) == before
    if result.returncode == 0:
        assert written(documents(work)[RUN]) == BEFORE
    else:
        assert result.returncode == 2
        assert len(result.stderr.strip().splitlines()) == 1
        assert "ml_experiments.db" in result.stderr


def test_a_transaction_that_ends_while_it_is_copied_is_not_read_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the lock for long spills pages into the file, and commits between the copy of that and its journal."""
    path = tmp_path / "ml_experiments.db"
    filled(path, wal=False)
    monkeypatch.setattr("runsum.source.database._BUSY_S", 0.1)
    copyfile = shutil.copyfile
    with closing(sqlite3.connect(path, isolation_level=None)) as con:
        con.execute("PRAGMA cache_size = 1")
        con.execute("BEGIN EXCLUSIVE")
        con.execute("UPDATE training_metrics SET episode_reward_mean = 999 WHERE timestep % 2 = 0")

        def copy(source: Path, target: Path) -> Path:
            done = copyfile(source, target)
            if con.in_transaction:
                con.execute("UPDATE training_metrics SET episode_reward_mean = 999")
                con.execute("COMMIT")
            return done

        monkeypatch.setattr("runsum.source.database.shutil.copyfile", copy)
        with pytest.raises(DatabaseError, match="is locked by another program"), open_database(path):
            pass
        with open_database(path) as opened:
            rewards = opened.connection.execute("SELECT DISTINCT episode_reward_mean FROM training_metrics").fetchall()
    assert rewards == [(999.0,)]


def test_copies_that_a_killed_build_has_left_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day later, by the next build; those of one that may be running stay, and so does what is called otherwise."""
    file, temporary = tmp_path / "ml_experiments.db", tmp_path / "tmp"
    create(file).close()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    long_ago = time.time() - 90_000
    for name, is_old in (("runsum-copies-old", True), ("runsum-copies-new", False), ("runsum-site", True)):
        (temporary / name).mkdir(parents=True)
        (temporary / name / "copy.db").write_bytes(b"rows")
        if is_old:
            os.utime(temporary / name, (long_ago, long_ago))
    with open_database(file):
        pass
    assert {entry.name for entry in temporary.iterdir()} == {"runsum-copies-new", "runsum-site"}


def test_the_same_file_gives_the_same_pages(tmp_path: Path) -> None:
    """Two builds into two folders are equal byte for byte."""
    file = tmp_path / "ml_experiments.db"
    filled(file)
    for name in ("first", "second"):
        assert build(file, tmp_path / name).returncode == 0
    pages = fingerprints(tmp_path / "first" / "docs")
    assert pages
    assert pages == fingerprints(tmp_path / "second" / "docs")
