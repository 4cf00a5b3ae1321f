"""What Windows does otherwise than the systems these tests mostly run on, as far as it can be put on elsewhere."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runsum.assembly.folder import SiteFolder
from runsum.commands.shell import as_typed
from runsum.patience import patiently
from runsum.site.lock import FolderLock
from runsum.site.writer import SiteWriter
from runsum.source.changes import state_of
from runsum.source.database import open_database
from support.cli import ONE, build, make, work

__all__ = ["work"]  # a fixture

DB = "ml_experiments.db"


def refusing(times: int, do: Callable[..., Any]) -> Callable[..., Any]:
    """What Windows does with a file that somebody reads: some times it refuses."""
    left = [times]

    def attempt(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        return do(*args, **more)

    return attempt


# ---------------------------------------------------------------- files that are open


def test_a_file_that_is_read_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for ever, and not where nobody can be in the way."""
    monkeypatch.setattr("runsum.patience._PAUSES_S", (0.0, 0.0))
    assert patiently(refusing(2, pow), 2, exp=3) == 8
    with pytest.raises(PermissionError):
        patiently(refusing(3, pow), 2, 3)
    monkeypatch.setattr("runsum.patience._PAUSES_S", ())
    with pytest.raises(PermissionError):
        patiently(refusing(1, pow), 2, 3)


def test_a_build_survives_who_reads_its_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mkdocs serve` reads a page at the very moment at which it is replaced."""
    for content in (b"old", b"new"):
        with SiteWriter(tmp_path) as writer:
            writer.write("index.md", content)
            if content == b"new":
                monkeypatch.setattr("runsum.patience._PAUSES_S", (0.0,) * 5)
                monkeypatch.setattr(os, "replace", refusing(5, os.replace))
            writer.finish()
    assert (tmp_path / "index.md").read_bytes() == b"new"


def test_a_lock_that_cannot_be_deleted_while_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first build that fails leaves no folder all the same."""
    writer, unlink = SiteWriter(tmp_path / "docs"), Path.unlink

    def refuse(file: Path, **more: Any) -> None:
        if writer._lock._lock.is_locked:
            raise PermissionError(13, "it is open", str(file))
        unlink(file, **more)

    monkeypatch.setattr(Path, "unlink", refuse)
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_stays_between_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows it would go and come again at every build, and `mkdocs serve` would make the site anew each time."""
    monkeypatch.setattr("runsum.site.lock.sys", SimpleNamespace(platform="win32"))
    assert FolderLock(tmp_path / "lock", tmp_path)._lock.preserve_lock_file


def test_a_site_in_which_a_file_is_open_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be set aside is left to MkDocs, which deletes what it can; the rest comes back."""
    for name in ("held", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    rename = os.rename

    def refuse(source: str, target: object) -> None:
        if source.endswith("held"):
            raise PermissionError(13, "it is open", source)
        rename(source, str(target))

    monkeypatch.setattr(os, "rename", refuse)
    site = SiteFolder(tmp_path)
    site.set_aside()
    assert {entry.name for entry in tmp_path.iterdir()} == {"held", ".runsum-aside"}
    site.bring_back(lambda path, stat: True)
    assert {entry.name for entry in tmp_path.iterdir()} == {"held", "kept"}


def test_a_file_that_gets_another_case_is_not_deleted(tmp_path: Path) -> None:
    """There, both names are of one file; here, of one that has two."""
    with SiteWriter(tmp_path) as writer:
        writer.write("Clip.mp4", b"film")
        writer.finish()
    os.link(tmp_path / "Clip.mp4", tmp_path / "clip.mp4")
    with SiteWriter(tmp_path) as writer:
        writer.write("clip.mp4", b"film")
        assert writer.finish().removed == []
    assert (tmp_path / "Clip.mp4").exists()


# ---------------------------------------------------------------- databases


def test_a_database_on_a_network_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    r"""The path of a drive like Z: is \\\\nas\\runs in truth, and SQLite takes what follows two slashes for a host."""
    make(tmp_path / DB, ONE)
    monkeypatch.setattr(Path, "resolve", lambda path: path)
    with open_database(Path(f"/{tmp_path / DB}")) as opened:
        assert opened.connection.execute("SELECT run_id FROM experiment_runs").fetchall() == [(ONE,)]


def test_a_change_that_no_time_tells(work: Path) -> None:
    """A log that is written anew from its beginning keeps its size, and Windows notes its time when it is closed."""
    make(Path(DB), ONE)
    log = Path(f"{DB}-wal")
    with closing(sqlite3.connect(DB, isolation_level=None)) as con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("PRAGMA wal_autocheckpoint=0")
        con.execute("UPDATE experiment_runs SET custom_name = 'one'")
        con.execute("UPDATE experiment_runs SET custom_name = 'two'")
        con.execute("PRAGMA wal_checkpoint(PASSIVE)")
        build()
        assert build()["stages"] == []
        before = log.stat()
        con.execute("UPDATE experiment_runs SET custom_name = 'three'")
        os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert log.stat().st_size == before.st_size
        assert build()["read"] == 1


def test_a_look_at_a_database_reads_no_locked_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A buffer is filled beyond the 48 bytes that are wanted of the log's index, to where writers have their locks."""
    make(tmp_path / DB, ONE)
    opened = Path.open

    def refuse(path: Path, mode: str = "r", buffering: int = -1) -> Any:
        if path.name.endswith("-shm") and buffering != 0:
            raise PermissionError(13, "another process has locked a portion of the file")
        return opened(path, mode, buffering)

    with closing(sqlite3.connect(tmp_path / DB)) as con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("UPDATE experiment_runs SET custom_name = 'x'")
        monkeypatch.setattr(Path, "open", refuse)
        assert b"" not in state_of(tmp_path / DB)


# ---------------------------------------------------------------- what is typed and printed


def test_names_that_the_code_page_lacks_are_printed(tmp_path: Path) -> None:
    """What is not printed to a window but into a file has 256 letters on Windows."""
    done = subprocess.run(
        [sys.executable, "-m", "runsum", "init", "\u65e5\u672c"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "cp1252:strict"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"wrote  \\u65e5\\u672c" in done.stdout


def test_lines_to_type_are_quoted_for_the_shell_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """PowerShell and cmd take double quotes; backslashes are nothing special there."""
    monkeypatch.setattr("runsum.commands.shell._ON_WINDOWS", True)
    words = [r"D:\Python projects\runs", r"D:\runs_2\a-b.db", "it's; mine"]
    assert list(map(as_typed, words)) == [f'"{words[0]}"', words[1], f'"{words[2]}"']
    monkeypatch.setattr("runsum.commands.shell._ON_WINDOWS", False)
    assert as_typed(words[2]) == """'it'"'"'s; mine'"""


# ---------------------------------------------------------------- clocks


def test_a_speed_is_measured_by_a_clock_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`time.monotonic()` makes steps of 16 ms there, and rows come faster: no speed is a billion steps a second."""
    recording = pytest.importorskip("runsum.record.recording")
    still = SimpleNamespace(monotonic=lambda: 5.0, perf_counter=time.perf_counter)
    monkeypatch.setattr(recording, "time", still)
    begun = SimpleNamespace(
        run=SimpleNamespace(run_id=ONE, start=0, best=None, last_reward=None), log=SimpleNamespace(add_row=print),
        step=0, _target=1_000, _row={}, _row_step=0, _row_s=time.perf_counter(), _measure=lambda v: {"speed": v},
    )  # fmt: skip
    recording.Recording._add_row(begun, {}, 8)
    assert 0 < begun._row["speed"] < 1e8
