"""Work in several processes: order, bounded memory, crashes that have a name, and a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from runsum.parallel import Lost, Workers, in_processes
from support.cli import build, make
from support.command import documents, fingerprints
from support.expect import AS_OF

RUNS = tuple(f"run-9a7a11{number:02x}" for number in range(8))


def squares(tasks: Sequence[int]) -> list[int]:
    return [task * task for task in tasks]


def dying(tasks: Sequence[int]) -> list[int]:
    if 13 in tasks:
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(tasks)


def test_results_come_in_order() -> None:
    """As many as there are tasks, whatever the size of the chunks."""
    with Workers(2) as workers:
        assert [done for _, done in workers.run(squares, range(50), size=3)] == [n * n for n in range(50)]
        assert [done for _, done in workers.run(squares, range(50, 53), size=3)] == [2500, 2601, 2704]


def test_no_more_processes_than_pieces_of_work() -> None:
    """Whatever `--jobs` says; more work than before has more of them."""
    with Workers(1_000) as workers:
        for tasks, size, expected in ((20, 8, 3), (4, 2, 3), (20, 4, 5)):
            done = workers.run(squares, range(tasks), size=size)
            assert next(done) == (0, 0)
            assert len(multiprocessing.active_children()) == expected
            assert len(list(done)) == tasks - 1


def test_nothing_lives_on_when_the_work_is_left() -> None:
    """No process and no thread of the pool races with the end of the program, though results were left unread."""
    threads = threading.active_count()
    with Workers(2) as workers:
        assert next(workers.run(squares, range(200), size=1)) == (0, 0)
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
    assert threading.active_count() == threads


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")
def test_processes_inherit_their_work_whatever_the_default_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.14 on, `multiprocessing` does not fork unless it is asked to."""
    monkeypatch.setattr("runsum.parallel.multiprocessing.get_start_method", lambda: "forkserver")
    numbers = list(range(40))
    done = list(in_processes([lambda n=n: (n, os.getpid()) for n in numbers], 2))
    assert [n for n, _ in done] == numbers
    assert os.getpid() not in {process for _, process in done}


def test_processes_that_are_started_anew_make_the_same_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows and macOS: byte for byte what this one makes, and few runs are read in this one."""
    monkeypatch.chdir(tmp_path)
    make(Path("ml_experiments.db"), *RUNS)
    build("--jobs", "1", "--no-cache")
    made = fingerprints(Path("docs"))
    monkeypatch.setattr("runsum.parallel._context", lambda: multiprocessing.get_context("spawn"))
    with monkeypatch.context() as patch:
        patch.setattr("runsum.gather.read_runs", None)
        build("--jobs", "2", "--no-cache")
    monkeypatch.setattr("runsum.gather._WORTH_STARTING", 6)
    monkeypatch.setattr("runsum.gather.read_run", None)  # in this process nothing can be read
    build("--jobs", "2", "--no-cache")
    assert fingerprints(Path("docs")) == made


@pytest.mark.skipif(sys.platform != "linux", reason="all processes are started before any works on Linux alone")
def test_processes_that_cannot_be_started_are_told_and_none_is_waited_for() -> None:
    """The system allows too few open files: some are started already, and would wait for work without end."""
    script = (
        "import resource\n"
        "from runsum.errors import OutputError\n"
        "from runsum.parallel import Workers\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))\n"
        "try:\n"
        "    with Workers(50) as workers:\n"
        "        list(workers.run(list, range(200), 1))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, start_new_session=True
    )
    assert done.stdout.startswith("no more processes can be started: Too many open files. Type --jobs 1")


def test_a_crash_has_a_name() -> None:
    """The task whose process died is named; all others are done."""
    with Workers(2) as workers:
        results = dict(workers.run(dying, range(30), size=4))
    lost = {task for task, done in results.items() if isinstance(done, Lost)}
    assert lost == {13}
    assert all(results[task] == task * task for task in results if task != 13)


def test_a_crash_while_work_is_handed_over_loses_nothing() -> None:
    """A pool takes no work any more once one of its processes has died, whoever has noticed."""
    with Workers(2) as workers:
        assert workers._executor().submit(os._exit, 1).exception() is not None
        results = dict(workers.run(dying, range(12), size=4))
    assert results == {task: task * task for task in range(12)}


def building(*digest: str) -> str:
    """A program that builds with two processes, with other lines in place of the digest of a run."""
    return "\n".join(
        (
            "import os, pathlib, signal, sys, time",
            "from runsum import reading",
            "whole = reading.digest_run",
            "def digest(record, *more):",
            *digest,
            "reading.digest_run = digest",
            "from runsum.cli import main",
            "sys.argv = ['runsum', 'build', '--jobs', '2']",
            "main()",
        )
    )


def test_a_run_that_kills_its_process_has_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are read, and its page says what happened."""
    monkeypatch.chdir(tmp_path)
    make(Path("ml_experiments.db"), *RUNS)
    script = building(
        f"    if record.run_id == {RUNS[3]!r} and len(record.metrics): os.kill(os.getpid(), signal.SIGKILL)",
        "    return whole(record, *more)",
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    built = documents(tmp_path)
    assert set(built) == set(RUNS)
    ill = {run for run, document in built.items() if any(p["kind"] == "digest_failed" for p in document["problems"])}
    assert ill == {RUNS[3]}
    assert build()["read"] == 1  # by a process that lives: what failed is not kept
    assert not any(p["kind"] == "digest_failed" for d in documents(tmp_path).values() for p in d["problems"])


@pytest.mark.skipif(sys.platform == "win32", reason="no process is told to end there")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_build_that_is_told_to_end_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also when its terminal is closed: processes that read for it end with it, copies go, docs are as they were."""
    number = getattr(signal, name)
    monkeypatch.chdir(tmp_path)
    Path("copies").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "copies"))
    make(Path("ml_experiments.db"), *RUNS)
    script = building("    pathlib.Path('begun').touch(); time.sleep(0.1)", "    return whole(record, *more)")
    process = subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # nohup has it ignored
    )  # fmt: skip
    while not Path("begun").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, b"")
    assert list(Path("copies").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert not Path("docs").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed otherwise there")
def test_a_build_that_is_killed_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that read for it end by themselves, in the midst of a run; the last one closes what they print to."""
    monkeypatch.chdir(tmp_path)
    make(Path("ml_experiments.db"), *RUNS)
    script = building("    pathlib.Path('begun').touch(); time.sleep(60)", "    return whole(record, *more)")
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, stderr=subprocess.PIPE)
    try:
        while not Path("begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=20)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert not Path("docs/index.md").exists()


def test_several_databases_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of many small files are spread over the processes like those of one."""
    monkeypatch.chdir(tmp_path)
    for number, run in enumerate(RUNS):
        make(Path(f"{number}.db"), run)
    words = [word for number in range(len(RUNS)) for word in ("--db", f"{number}.db")]
    assert build("--jobs", "2", *words)["read"] == len(RUNS)
    before = fingerprints(Path("docs"))
    build("--jobs", "1", "--no-cache", *words)
    assert fingerprints(Path("docs")) == before
    with closing(sqlite3.connect("3.db")) as con, con:
        con.execute("UPDATE experiment_runs SET custom_name = 'patience'")
    assert build(*words)["read"] == 1


@pytest.mark.slow
def test_a_dask_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local cluster of two workers makes the same folder, byte for byte."""
    monkeypatch.chdir(tmp_path)
    make(Path("ml_experiments.db"), *RUNS)
    script = (
        "if __name__ == '__main__':\n"
        "    import json, subprocess, sys\n"
        "    from distributed import LocalCluster\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        address = 'dask://' + cluster.scheduler_address.removeprefix('tcp://')\n"
        "        command = [sys.executable, '-m', 'runsum', *sys.argv[1:], '--executor', address]\n"
        "        done = subprocess.run(command, capture_output=True, text=True)\n"
        "    print(done.stdout)\n"
        "    print(done.stderr, file=sys.stderr)\n"
        "    sys.exit(done.returncode)\n"
    )
    Path("cluster.py").write_text(script)
    words = ["build", "--no-cache", "--json", "--as-of", AS_OF]
    done = subprocess.run(
        [sys.executable, "cluster.py", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"read": 8' in done.stdout
    made = fingerprints(Path("docs"))
    build("--no-cache", "--jobs", "1")
    assert fingerprints(Path("docs")) == made
