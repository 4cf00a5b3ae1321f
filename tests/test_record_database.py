"""The recorder's database: the newest form, older files, and writes that fail, wait, or come from several sides."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runsum.errors import DatabaseError
from runsum.record.database import RunLog, Value
from runsum.record.schema import TABLES
from support import schema
from support.training import metric_rows, other_rows, run_rows, the_run

STARTED = "2026-01-02T03:04:05.000006"
RUN = "run-0a0b0c0d"


def begin(log: RunLog, run_id: str = RUN, **values: Value) -> None:
    with log.beginning():
        log.begin({"run_id": run_id, "experiment_name": "one", "start_time": STARTED, "status": "running"} | values)


def add_row(log: RunLog, step: int, run_id: str = RUN, **values: Value) -> None:
    row = {"run_id": run_id, "timestep": step, "timestamp": STARTED, "episode_count": 1, "total_timesteps": 100}
    log.add_row(run_id, row | {"progress_pct": float(step)} | values, {"current_timestep": step})


def steps(database: Path, run_id: str = RUN) -> list[int]:
    return [row["timestep"] for row in metric_rows(database, run_id)]


# ---------------------------------------------------------------- form


def columns(connection: sqlite3.Connection, table: str) -> dict[str, tuple[Any, ...]]:
    """By name: type, NOT NULL, default, place in the key."""
    return {row[1]: row[2:] for row in connection.execute(f"PRAGMA table_info({table})")}


def indexed(connection: sqlite3.Connection, table: str) -> set[tuple[bool, tuple[str, ...]]]:
    """Whether unique, and the columns of every index."""
    return {
        (bool(unique), tuple(row[2] for row in connection.execute(f"PRAGMA index_info({name})")))
        for _, name, unique, *_ in connection.execute(f"PRAGMA index_list({table})").fetchall()
    }


def test_a_new_file_has_the_newest_form(tmp_path: Path) -> None:
    """Every table that the recorder makes equals the application's: columns with their rules, and what is indexed."""
    RunLog(tmp_path / "deep" / "er" / "new.db").close()
    with (
        closing(sqlite3.connect(tmp_path / "deep" / "er" / "new.db")) as made,
        closing(schema.create(tmp_path / "wanted.db")) as wanted,
    ):
        names = {row[0] for row in made.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert names == {*TABLES, "sqlite_sequence"}
        for table in TABLES:
            assert columns(made, table) == columns(wanted, table), table
            assert indexed(made, table) == indexed(wanted, table), table
        assert made.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert sorted(file.name for file in (tmp_path / "deep" / "er").iterdir()) == ["new.db"], "a sidecar stayed"


GROWN = [(era, born) for era in schema.ERAS for born in schema.ERAS[: schema.ERAS.index(era) + 1]]


@pytest.mark.parametrize(("era", "born"), GROWN)
def test_a_file_of_any_era_takes_a_run(era: str, born: str, tmp_path: Path) -> None:
    """It gets the newest columns, keeps what it holds, and every kind of row finds its place."""
    path = tmp_path / "old.db"
    with schema.database(path, era, born) as old:
        old.execute("INSERT INTO experiment_runs (run_id, experiment_name, start_time, best_reward) "
                    "VALUES ('run-0d', 'old', '2025-10-28T22:00:00', 12.5)")  # fmt: skip
    log = RunLog(path)
    begin(log, config_json="{}", target_timestep=100, heartbeat_at=STARTED, process_pid=1)
    add_row(log, 10, kl_divergence=0.5, gradient_norm=2.0)
    log.add_gpu_sample({"run_id": RUN, "ts": STARTED, "temp_c": 40.0, "pid": 1})
    log.add_annotation(RUN, "reward", 10, 1.5, "here")
    log.add_video(RUN, {"file_path": "a.mp4", "start_time": STARTED})
    log.add_video(RUN, {"file_path": "b.mp4", "start_time": STARTED})
    log.close()
    old_run, new_run = run_rows(path)
    assert (old_run["experiment_name"], old_run["best_reward"], old_run["status"]) == ("old", 12.5, "running")
    assert (new_run["target_timestep"], new_run["current_timestep"]) == (100, 10)
    assert set(new_run) >= {column.split()[0] for column in TABLES["experiment_runs"]}
    (row,) = metric_rows(path)
    assert (row["kl_divergence"], row["gradient_norm"]) == (0.5, 2.0)
    assert [video["segment_number"] for video in other_rows(path, "training_videos")] == [1, 2]
    assert len(other_rows(path, "gpu_metrics")) == len(other_rows(path, "chart_annotations")) == 1


def test_what_is_no_database_is_named_in_one_line(tmp_path: Path) -> None:
    """A text file, a folder, a file where a folder should be: what, why, what to do; and the file is let go."""
    (tmp_path / "notes.txt").write_text("reward went up\n" * 100)
    for path in (tmp_path / "notes.txt", tmp_path, tmp_path / "notes.txt" / "runs.db"):
        with pytest.raises(DatabaseError) as refused:
            RunLog(path)
        assert str(refused.value).startswith(f"{path} cannot be used to record runs: ")
        assert str(refused.value).endswith("Name a new file, or an ml_experiments.db that can be written to")
        assert "\n" not in str(refused.value)
    assert (tmp_path / "notes.txt").read_text() == "reward went up\n" * 100


# ---------------------------------------------------------------- writes that fail


def test_rows_wait_for_a_locked_file(tmp_path: Path) -> None:
    """One warning, no long standstill, and after the lock every row is there in its order."""
    log = RunLog(tmp_path / "runs.db")
    begin(log)
    add_row(log, 1)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.warns(
            UserWarning, match=r"runs\.db cannot be written \(database is locked\); runsum keeps"
        ) as told:
            add_row(log, 2)
            add_row(log, 3)
            log.update(RUN, {"description": "changed"})
        assert len(told) == 1
        assert time.monotonic() - began < 10, "a training stood still for the default of 30 seconds"
        other.rollback()
    assert steps(tmp_path / "runs.db") == [1]
    add_row(log, 4)
    assert steps(tmp_path / "runs.db") == [1, 2, 3, 4]
    log.close()
    assert (the_run(tmp_path / "runs.db")["description"], the_run(tmp_path / "runs.db")["current_timestep"]) == (
        "changed", 4)  # fmt: skip


def test_a_second_outage_is_told_again(tmp_path: Path) -> None:
    """The one warning is of one outage, not of the whole training."""
    log = RunLog(tmp_path / "runs.db")
    begin(log)
    with closing(sqlite3.connect(tmp_path / "runs.db")) as other:
        for step in (1, 2):
            other.execute("BEGIN IMMEDIATE")
            with pytest.warns(UserWarning, match="database is locked"):
                add_row(log, step)
            other.rollback()
            log.update(RUN, {"description": "between"})
    log.close()
    assert steps(tmp_path / "runs.db") == [1, 2]


FULL_DISK = """
    import resource, sys, warnings
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from runsum.record.database import RunLog
    from test_record_database import RUN, add_row, begin

    def largest(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    log = RunLog(Path("runs.db"))
    begin(log)
    add_row(log, 1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        largest(1000)
        add_row(log, 2)
        add_row(log, 3)
        if {freed}:
            largest(resource.RLIM_INFINITY)
            add_row(log, 4)
        log.close()
    print(*(str(warning.message).split(": ", 1)[-1] for warning in told), sep="\\n")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a largest file size is a thing of POSIX")
@pytest.mark.parametrize("freed", [True, False])
def test_rows_wait_for_a_full_disk(freed: bool, tmp_path: Path) -> None:
    """Files that may not grow refuse like a full disk; what is refused to the very end is said to be lost."""
    script = textwrap.dedent(FULL_DISK).format(tests=str(Path(__file__).parent), freed=freed)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert "cannot be written (" in told[0]
    if freed:
        assert len(told) == 1
        assert steps(tmp_path / "runs.db") == [1, 2, 3, 4]
    else:
        assert told[1:] == ["4 changes could not be written and are lost"]
        assert steps(tmp_path / "runs.db") == [1]


def test_a_value_that_no_database_takes_holds_nothing_up(tmp_path: Path) -> None:
    """It is left out with a warning, and what comes with it and after it is written."""
    log = RunLog(tmp_path / "runs.db")
    begin(log)
    for step, values in enumerate(({"fps": 2**70}, {"fps": object()}, {"timestamp": "\udce4"}, {"timestamp": None}), 1):
        with pytest.warns(UserWarning, match=r"a value cannot be recorded and is left out: "):
            add_row(log, step, **values)
    add_row(log, 5)
    log.close()
    assert steps(tmp_path / "runs.db") == [5]


def test_a_run_that_cannot_begin_is_an_error(tmp_path: Path) -> None:
    """Before anything is trained it is no warning."""
    log = RunLog(tmp_path / "runs.db")
    begin(log)
    with pytest.raises(DatabaseError, match=r"runs\.db: the run cannot be recorded: UNIQUE constraint failed"):
        begin(log)
    log.close()
    assert len(run_rows(tmp_path / "runs.db")) == 1


# ---------------------------------------------------------------- several writers


def test_threads_may_share_a_log(tmp_path: Path) -> None:
    """Rows of the training, samples of the GPU, a pause from a button: nothing is lost, nothing is there twice."""
    log = RunLog(tmp_path / "runs.db")
    begin(log)

    def write(first: int) -> None:
        for number in range(50):
            add_row(log, first + number)
            log.add_gpu_sample({"run_id": RUN, "ts": STARTED})

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert sorted(steps(tmp_path / "runs.db")) == [first + n for first in (0, 100, 200, 300) for n in range(50)]
    assert len(other_rows(tmp_path / "runs.db", "gpu_metrics")) == 200


FORK = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from runsum.record.database import RunLog
    from test_record_database import add_row, begin

    while not Path("go").exists():
        time.sleep(0.001)
    log = RunLog(Path("runs.db"))
    run_id = sys.argv[1]
    with log.beginning():
        variant = log.next_variant("run-base", 2)
        log.begin({{"run_id": run_id, "experiment_name": "x", "start_time": "s", "base_run_id": "run-base",
                   "leg_number": 2, "variant_index": variant}})
    for step in range(100):
        add_row(log, step, run_id)
    log.close()
"""


@pytest.mark.parametrize("era", [None, schema.ERAS[0], schema.LATEST])
def test_several_programs_begin_at_once(era: str | None, tmp_path: Path) -> None:
    """In a new file or one that must be brought up to date: all rows are there, and no two forks share a number."""
    if era is not None:
        schema.create(tmp_path / "runs.db", era).close()
    script = textwrap.dedent(FORK).format(tests=str(Path(__file__).parent))
    programs = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", script, f"run-{number}"], cwd=tmp_path,
                         stderr=subprocess.PIPE, text=True) for number in range(4)
    ]  # fmt: skip
    time.sleep(1)
    (tmp_path / "go").touch()
    complaints = [program.communicate(timeout=120)[1] for program in programs]
    assert complaints == [""] * len(programs)
    assert sorted(run["variant_index"] for run in run_rows(tmp_path / "runs.db")) == [1, 2, 3, 4]
    for number in range(4):
        assert steps(tmp_path / "runs.db", f"run-{number}") == list(range(100))


def test_nothing_is_said_when_all_is_well(tmp_path: Path) -> None:
    """A run from its beginning to its end without a warning, and the file without its sidecars."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log = RunLog(tmp_path / "runs.db")
        begin(log)
        add_row(log, 1)
        log.add_note(RUN, "first")
        log.add_note(RUN, "second")
        log.set_target(RUN, 0, 4)
        log.close()
    assert [file.name for file in tmp_path.iterdir()] == ["runs.db"]
    assert the_run(tmp_path / "runs.db")["status_note"] == "first\nsecond"
    assert [row["progress_pct"] for row in metric_rows(tmp_path / "runs.db")] == [25.0]
