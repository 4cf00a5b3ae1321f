"""A file that cannot be read is named in one line, with exit code 2, and is left as it was."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from support.command import build, fingerprints
from support.rows import add_run, store, table_rows
from support.schema import create, database

RUN = "run-0dad0001"


def empty(path: Path) -> None:
    """0 bytes: what opening a missing file by accident leaves behind."""
    path.touch()


def without_tables(path: Path) -> None:
    """A proper SQLite file with no table in it."""
    with closing(sqlite3.connect(path)) as con:
        con.execute("CREATE TABLE t (x)")
        con.execute("DROP TABLE t")
        con.commit()


def tables_of_another_program(path: Path) -> None:
    """A database of something else."""
    with closing(sqlite3.connect(path)) as con:
        con.execute("CREATE TABLE containers (id TEXT PRIMARY KEY, image TEXT)")
        con.execute("INSERT INTO containers VALUES ('c1', 'trainer')")
        con.commit()


def plain_text(path: Path) -> None:
    """A log file under the database's name."""
    path.write_text("[Stats] Progress: 80,000/16,200,000 (0.5%)\n" * 200, encoding="utf-8")


def lfs_pointer(path: Path) -> None:
    """A pointer where the repository's large file was not fetched."""
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 196608\n")


def other_format(path: Path) -> None:
    """Bytes of another format, with zeros and high bytes."""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 64)


def filled(path: Path) -> None:
    """A healthy database, large enough for tables of several pages."""
    with database(path) as con:
        for number in range(4):
            add_run(con, f"run-0dad000{number}")
            store(con, table_rows(f"run-0dad000{number}", range(1, 301)))


def truncated(path: Path) -> None:
    """The second half of the file is missing."""
    filled(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)


def truncated_header(path: Path) -> None:
    """Only the first sixty bytes were copied."""
    filled(path)
    with path.open("r+b") as file:
        file.truncate(60)


def damaged_rows(path: Path) -> None:
    """The leaf pages of the metrics table are overwritten; its indexes still answer COUNT(*)."""
    filled(path)
    with closing(sqlite3.connect(path)) as con:
        (page_size,) = con.execute("PRAGMA page_size").fetchone()
        find = "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = 'training_metrics'"
        (root,) = con.execute(find).fetchone()
    data = bytearray(path.read_bytes())
    start = (root - 1) * page_size
    kind, _, cells = struct.unpack_from(">BHH", data, start)
    assert kind == 5, "an inner page of a table"
    for number in range(cells):
        (cell,) = struct.unpack_from(">H", data, start + 12 + 2 * number)
        (leaf,) = struct.unpack_from(">I", data, start + cell)
        data[(leaf - 1) * page_size : leaf * page_size] = b"\xa5" * page_size
    path.write_bytes(data)
    with closing(sqlite3.connect(path)) as con:
        assert con.execute("SELECT COUNT(*) FROM training_metrics").fetchone() == (1200,)
        with pytest.raises(sqlite3.DatabaseError):
            con.execute("SELECT * FROM training_metrics").fetchall()


def without_its_wal(path: Path) -> None:
    """Only the main file was copied while everything was still in the write-ahead log."""
    source = path.with_name("source")
    source.mkdir()
    with closing(create(source / path.name, wal=True)) as con:
        add_run(con, RUN)
        con.commit()
        shutil.copy(source / path.name, path)
    shutil.rmtree(source)


def missing(path: Path) -> None:
    """There is no such file."""


def a_folder(path: Path) -> None:
    """The name is a folder's."""
    path.mkdir()


DAMAGES = (
    empty,
    without_tables,
    tables_of_another_program,
    plain_text,
    lfs_pointer,
    other_format,
    truncated,
    truncated_header,
    damaged_rows,
    without_its_wal,
    missing,
    a_folder,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_one_line_names_the_file(damage: Callable[[Path], None], tmp_path: Path) -> None:
    """Exit code 2, one line on stderr with the file's name, no traceback, no archive, nothing changed."""
    home = tmp_path / "home"
    home.mkdir()
    file = home / "ml_experiments.db"
    damage(file)
    before = fingerprints(home)

    result = build(file, tmp_path / "work")

    assert result.returncode == 2, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert file.name in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "work" / "docs" / "index.md").exists()
    assert fingerprints(home) == before


def test_an_earlier_archive_survives_a_damaged_file(tmp_path: Path) -> None:
    """A build that fails leaves the pages of the last good one as they are."""
    file, work = tmp_path / "ml_experiments.db", tmp_path / "work"
    filled(file)
    assert build(file, work).returncode == 0
    before = fingerprints(work / "docs")
    assert before

    file.unlink()
    damaged_rows(file)

    assert build(file, work).returncode == 2
    assert fingerprints(work / "docs") == before


def test_a_database_without_runs_is_an_empty_archive(tmp_path: Path) -> None:
    """All tables, no run: nothing is damaged, so there is a site that says so."""
    file = tmp_path / "ml_experiments.db"
    create(file).close()
    result = build(file, tmp_path / "work")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "work" / "docs" / "index.md").exists()
