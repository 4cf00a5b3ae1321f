"""A look at the file tells which rows changed: `runsum.source.leaves` and `looks` on real files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runsum.source.leaves import Leaves, PagedFile
from runsum.source.looks import TableLook, look_at, look_into

TABLE = "training_metrics"
RUNS = ("a", "b", "c", "d")


def make(path: Path, rows: int = 400, *, wal: bool = True, page: int = 512) -> sqlite3.Connection:
    """Some runs one after the other; small pages, so that the B-tree has several levels."""
    con = sqlite3.connect(path, isolation_level=None)
    con.execute(f"PRAGMA page_size={page}")
    con.execute(f"PRAGMA journal_mode={'wal' if wal else 'delete'}")
    con.execute("PRAGMA wal_autocheckpoint=0")
    con.execute(f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, run_id TEXT, timestep INTEGER, reward REAL, "
                "UNIQUE (run_id, timestep))")  # fmt: skip
    con.execute("BEGIN")
    for run in RUNS:
        con.executemany(f"INSERT INTO {TABLE} (run_id, timestep, reward) VALUES (?, ?, ?)",
                        ((run, step, step / 3) for step in range(rows)))  # fmt: skip
    con.execute("COMMIT")
    return con


def leaves(path: Path) -> Leaves:
    with closing(sqlite3.connect(path)) as con:
        root = con.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone()[0]
    with PagedFile(path) as file:
        return file.leaves(root)


def look(path: Path, earlier: TableLook | None = None) -> TableLook:
    with closing(sqlite3.connect(path)) as con:
        found = look_into(con, path).get(TABLE)
        return look_at(con, TABLE, found, indexed=True, earlier=earlier)


def same(one: TableLook, other: TableLook) -> bool:
    return one.spans == other.spans and one.stamps() == other.stamps()


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as con:
        rows = con.execute(f"SELECT run_id, id, timestep, reward FROM {TABLE} ORDER BY id").fetchall()
    return {run: [row for row in rows if row[0] == run] for run in {row[0] for row in rows}}


def test_leaves_hold_every_row(tmp_path: Path) -> None:
    """The ends of the leaves rise, and as many rows as there are fit between them."""
    with closing(make(tmp_path / "x.db")):
        found = leaves(tmp_path / "x.db")
    assert len(found.last) > 50
    assert (found.last[1:] > found.last[:-1]).all()
    assert found.last[-2] < 1_600 <= found.last[-1]


def test_a_value_changed_in_place(tmp_path: Path) -> None:
    """One number, no id: one leaf differs, and so does the stamp of its run alone."""
    path = tmp_path / "x.db"
    with closing(make(path)) as con:
        before, first = leaves(path), look(path)
        con.execute(f"UPDATE {TABLE} SET reward = reward + 1 WHERE run_id = 'b' AND timestep = 200")
        place = con.execute(f"SELECT id FROM {TABLE} WHERE run_id = 'b' AND timestep = 200").fetchone()[0]
        changed = leaves(path).changed(before)
        second = look(path, first)
    assert len(changed) == 1
    assert changed[0][0] <= place <= changed[0][1]
    assert changed[0][1] - changed[0][0] < 40
    one, two = first.stamps(), second.stamps()
    assert [run for run in RUNS if one[run] != two[run]] == ["b"]


def test_what_is_not_committed_is_not_there(tmp_path: Path) -> None:
    """An unfinished transaction in the log changes nothing; its commit does, and moving it into the file does not."""
    path = tmp_path / "x.db"
    with closing(make(path)) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        con.execute("PRAGMA cache_size=5")  # pages are written to the log before the commit
        before = leaves(path)
        con.execute("BEGIN")
        con.execute(f"UPDATE {TABLE} SET reward = 7")
        assert (tmp_path / "x.db-wal").stat().st_size > 10_000
        assert leaves(path).changed(before) == []
        con.execute("COMMIT")
        after = leaves(path)
        assert after.changed(before)
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert leaves(path).changed(after) == []


@pytest.mark.parametrize("wal", [True, False])
def test_added_replaced_and_deleted_rows(tmp_path: Path, wal: bool) -> None:
    """The recorder's own ways to write: each is seen, and only where it was."""
    path = tmp_path / "x.db"
    with closing(make(path, wal=wal)) as con:
        first = look(path)
        con.execute(f"INSERT INTO {TABLE} (run_id, timestep, reward) VALUES ('new', 1, 1)")
        second = look(path, first)
        con.execute(f"INSERT OR REPLACE INTO {TABLE} (run_id, timestep, reward) VALUES ('a', 3, 9)")
        third = look(path, second)
        con.execute(f"DELETE FROM {TABLE} WHERE run_id = 'c'")
        fourth = look(path, third)
    assert second.spans["new"].rows == 1
    assert second.stamps()["a"] == first.stamps()["a"]
    assert third.stamps()["a"] != second.stamps()["a"]
    assert third.stamps()["b"] == first.stamps()["b"]
    assert "c" not in fourth.spans
    assert same(fourth, look(path))
    assert len({one.whole() for one in (first, second, third, fourth)}) == 4


def test_a_file_that_is_no_database_is_not_looked_into(tmp_path: Path) -> None:
    """What cannot be looked into is never taken for known."""
    with closing(make(tmp_path / "x.db")) as con:
        (tmp_path / "y.db").write_bytes(b"SQLite format 3\x00" + bytes(5_000))
        assert look_into(con, tmp_path / "y.db") == {}
        assert look_at(con, TABLE, None, indexed=True, earlier=None).stamps() == dict.fromkeys(RUNS)


Operation = tuple[str, str, int, int]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(("update", "replace", "delete", "insert", "checkpoint", "vacuum")),
              st.sampled_from((*RUNS, "e")), st.integers(0, 60), st.integers(0, 3)),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(OPERATIONS)
def test_no_change_is_missed(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, str, int, int]]
) -> None:
    """Whatever is done to the rows: a run with an equal stamp has equal rows, and the spans are those of a scan."""
    path = tmp_path_factory.mktemp("leaves") / "x.db"
    with closing(make(path, rows=60)) as con:
        known = look(path)
        for kind, run, step, value in operations:
            before, stamps = contents(path), known.stamps()
            {
                "update": lambda r=run, s=step, v=value: con.execute(
                    f"UPDATE {TABLE} SET reward = ? WHERE run_id = ? AND timestep = ?", (v, r, s)),
                "replace": lambda r=run, s=step, v=value: con.execute(
                    f"INSERT OR REPLACE INTO {TABLE} (run_id, timestep, reward) VALUES (?, ?, ?)", (r, s, v)),
                "delete": lambda r=run, s=step: con.execute(
                    f"DELETE FROM {TABLE} WHERE run_id = ? AND timestep >= ?", (r, s)),
                "insert": lambda r=run: con.execute(
                    f"INSERT INTO {TABLE} (run_id, timestep) SELECT ?, MAX(timestep) + 1 FROM {TABLE}", (r,)),
                "checkpoint": lambda: con.execute("PRAGMA wal_checkpoint(TRUNCATE)"),
                "vacuum": lambda: con.execute("VACUUM"),
            }[kind]()  # fmt: skip
            known, after = look(path, known), contents(path)
            assert same(known, look(path))
            assert {run: span.rows for run, span in known.spans.items()} == {r: len(rows) for r, rows in after.items()}
            for name, stamp in known.stamps().items():
                assert stamp != stamps.get(name) or before[name] == after[name]
