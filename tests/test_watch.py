"""`runsum watch` follows a database that is written to, and disturbs nobody."""

from __future__ import annotations

import gc
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from runsum.commands.build import HowToBuild
from runsum.commands.watch import Watched, follow
from runsum.config import DatabasePath
from runsum.site.writer import SiteWriter
from runsum.source.changes import state_of
from support.cli import build, make
from support.rows import store, table_rows
from support.training import hear_ctrl_c

DB = "ml_experiments.db"
ONE, TWO = "run-3a7c0001", "run-3a7c0002"
PATIENCE_S = 60.0
Change = Callable[[Path], object]


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A folder with two runs and a process that watches it."""
    monkeypatch.chdir(tmp_path)
    make(Path(DB), ONE, TWO)
    command = [sys.executable, "-u", "-m", "runsum", "watch", "--db", DB, "--calm", "0.2", "--jobs", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as process:
        try:
            assert process.stdout is not None
            while "watching" not in (line := process.stdout.readline()):
                assert line, process.stderr.read() if process.stderr else ""
            yield process
        finally:
            process.kill()


def wait(until: Callable[[], bool]) -> bool:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        if until():
            return True
        time.sleep(0.05)
    return False


def names(folder: Path) -> set[str]:
    """The database and what lies beside it."""
    return {file.name for file in folder.iterdir() if file.name.startswith(DB)}


def steps(run: str) -> int:
    return int(json.loads(Path("docs/runs", run, "run.json").read_text())["summary"]["current_timestep"])


def test_it_follows_a_training(watching: subprocess.Popen[str]) -> None:
    """New rows are shown soon, in the page of their run alone; an error is told and survived; Ctrl+C ends it."""
    other = Path("docs/runs", TWO, "index.md")
    before = other.stat().st_mtime_ns
    with closing(sqlite3.connect(DB)) as con, con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("UPDATE training_metrics SET total_timesteps = 900000 WHERE run_id = ?", (ONE,))
        store(con, table_rows(ONE, range(101, 111), target=900_000))
        con.commit()
        assert wait(lambda: steps(ONE) == 110 * 4096)
    assert other.stat().st_mtime_ns == before
    Path("runsum.yml").write_text("thresholds: {no_such: 1}\n")
    assert watching.stdout is not None
    assert wait(lambda: "no_such" in watching.stdout.readline())
    Path("runsum.yml").unlink()
    with closing(sqlite3.connect(DB)) as con, con:
        store(con, table_rows(ONE, range(111, 121), target=900_000))
    assert wait(lambda: steps(ONE) == 120 * 4096)
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=30) == 0
    assert names(Path()) == {DB}


def test_it_waits_for_another_build(work: Path) -> None:
    """Which is said once; its own is made as soon as it can be, and not when something changes the next time."""
    make(work / DB, ONE)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line == "watching; Ctrl+C ends it":
            assert not (work / "docs" / "index.md").exists()
            other.abandon()
        if "files changed" in line:
            raise KeyboardInterrupt

    other = SiteWriter(Path("docs"))
    with pytest.raises(KeyboardInterrupt):
        follow(HowToBuild(Path(), jobs=1), 0.2, say)
    assert (work / "docs" / "index.md").is_file()
    assert len(said) == 3
    assert "is being written by another runsum" in said[0]


def test_a_build_leaves_nothing_in_memory(work: Path) -> None:
    """A training of days asks for thousands of builds."""
    make(work / DB, ONE)
    left: list[int] = []

    def say(line: str) -> None:
        if line == "watching; Ctrl+C ends it":
            left.append(gc.collect())
            raise KeyboardInterrupt

    gc.collect()
    with pytest.raises(KeyboardInterrupt):
        follow(HowToBuild(Path(), jobs=1), 0.2, say)
    assert left[0] < 20


def test_looking_leaves_nothing(tmp_path: Path) -> None:
    """Every commit changes the state, nothing else does; nothing is left beside the file, whoever closes it last."""
    path = tmp_path / DB
    make(path, ONE)
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA journal_mode=WAL")
    states = [state_of(path)]
    assert names(tmp_path) == {DB}
    with closing(sqlite3.connect(path)) as con:
        for name in "ab":
            con.execute("UPDATE experiment_runs SET custom_name = ?", name)
            con.commit()
            states.append(state_of(path))
            con.execute("SELECT * FROM experiment_runs").fetchall()
            assert state_of(path) == states[-1]
    assert len(set(states)) == 3
    assert names(tmp_path) == {DB}


SETTINGS = "databases: ['*.db']\nnotes: mynotes\n"


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: make(folder / "new.db", TWO),
        lambda folder: (folder / "old.db").unlink(),
        lambda folder: append(folder / "mynotes" / f"{ONE}.md", "A note."),
        lambda folder: append(folder / "runsum.yml", "# a remark\n"),
        lambda folder: append(Path("mkdocs.yml"), "# a remark\n"),  # it lies where the command runs
        lambda folder: append(Path("parents/first.yml"), "# a remark\n"),
        lambda folder: append(Path("parents/second.yml"), "site_name: x\n"),  # was missing
    ],
    ids=["new database", "database gone", "note", "runsum.yml", "mkdocs.yml", "its parent", "parent of that"],
)
@pytest.mark.parametrize("place", [".", "other"])
def test_every_change_is_noticed(work: Path, monkeypatch: pytest.MonkeyPatch, place: str, change: Change) -> None:
    """Databases that a pattern matches, notes where the settings have them; also of settings that lie elsewhere."""
    monkeypatch.setattr("runsum.commands.watch._SELDOM", 0.0)
    make(work / place / "old.db", ONE)
    append(work / place / "runsum.yml", SETTINGS)
    append(work / "mkdocs.yml", "INHERIT: parents/first.yml\n")
    append(work / "parents" / "first.yml", "INHERIT: second.yml\n")
    watched = Watched(HowToBuild(Path(), config=None if place == "." else Path(place, "runsum.yml")))
    before = watched.state()
    assert watched.state() == before
    change(work / place)
    assert watched.state() != before


def test_databases_found_later_are_followed(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a pattern and those that runsum.yml names while it is watched; broken settings change nothing."""
    monkeypatch.setattr("runsum.commands.watch._SELDOM", 0.0)
    make(work / "a.db", ONE)
    make(work / "elsewhere" / "b.db", TWO)
    append(work / "runsum.yml", "databases: ['*.db']\n")
    watched = Watched(HowToBuild(Path()))
    watched.state()
    make(work / "c.db", TWO)
    (work / "runsum.yml").write_text("databases: ['*.db', elsewhere/b.db]\n")
    for name in ("a.db", "c.db", "elsewhere/b.db"):
        before = watched.state()
        with closing(sqlite3.connect(work / name)) as con, con:
            con.execute("UPDATE experiment_runs SET custom_name = 'x'")
        assert watched.state() != before
    (work / "runsum.yml").write_text("databases: [\n")
    before = watched.state()
    with closing(sqlite3.connect(work / "c.db")) as con, con:
        con.execute("UPDATE experiment_runs SET custom_name = 'y'")
    assert watched.state() != before


def test_a_look_that_takes_long_is_seldom_taken(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern over a large tree is not resolved twice a second."""
    make(work / "a.db", ONE)
    looks: list[float] = []

    def slowly(*given: object) -> tuple[DatabasePath, ...]:
        looks.append(time.monotonic())
        time.sleep(0.02)
        return (DatabasePath(work / "a.db"),)

    monkeypatch.setattr("runsum.commands.watch.find_databases", slowly)
    watched = Watched(HowToBuild(Path()))
    assert len({watched.state() for _ in range(5)}) == 1
    assert len(looks) == 1


def test_between_builds_the_training_has_the_machine(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that works for a second is not followed by another at once, however often rows arrive.

    That one of them waited half a minute more, for a locked file, lengthens no rest.
    """
    now = [0.0]
    waited = 0.0
    builds: list[tuple[float, float]] = []

    def build_once(*given: object) -> tuple[list[str], bool]:
        nonlocal waited
        began = now[0]
        now[0] += 1.0 if builds else 30.0  # the first one makes everything, and is no reason to rest
        if len(builds) == 2:
            waited += 30.0
            now[0] += 30.0
        builds.append((began, now[0]))
        if len(builds) == 5:
            raise KeyboardInterrupt
        return [], True

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("runsum.commands.watch._build_once", build_once)
    monkeypatch.setattr(Watched, "state", lambda watched: (int(now[0] * 10),))
    monkeypatch.setattr("runsum.commands.watch.time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr("runsum.commands.watch._worked_s", lambda: now[0] - waited)
    with pytest.raises(KeyboardInterrupt):
        follow(HowToBuild(Path()), 0.1, lambda line: None)
    rests = [later[0] - earlier[1] for earlier, later in pairwise(builds)]
    assert rests[0] == pytest.approx(1.0, abs=0.3)
    assert rests[1:] == pytest.approx([2.0] * 3, abs=0.3)


def test_a_page_changed_by_hand_is_told(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the page waits for news that will not come."""
    make(work / "ml_experiments.db", ONE)
    build()
    (work / "docs" / "index.md").write_text("mine")
    append(work / "runsum.yml", "solved:\n  Pong: 18\n")
    said: list[str] = []

    def end(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runsum.commands.watch.time.sleep", end)
    with pytest.raises(KeyboardInterrupt):
        follow(HowToBuild(Path()), 0.1, said.append)
    assert any("index.md was changed by hand and was left as it is" in line for line in said)


def test_what_a_config_lacks_is_told_once(work: Path) -> None:
    """A training of days asks for thousands of builds, and the same line each time hides what is new."""
    make(work / DB, ONE)
    (work / "mkdocs.yml").write_text("site_name: mine\nnav:\n  - Compare: compare.md\n", encoding="utf-8")
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        builds = sum("read anew" in one for one in said)
        if builds == 3:
            raise KeyboardInterrupt
        if line == "watching; Ctrl+C ends it" or builds == 2:
            (work / "runsum.yml").write_text(f"solved:\n  Pong: {17 + builds}\n", encoding="utf-8")

    with pytest.raises(KeyboardInterrupt):
        follow(HowToBuild(Path(), jobs=1), 0.2, say)
    assert sum("names compare.md" in line for line in said) == 1
