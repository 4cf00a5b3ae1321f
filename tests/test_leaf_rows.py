"""Rows read from the pages of the file are the rows that SQLite reads: `runsum.source.leaf_rows`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runsum.source.columns import seconds, stamp_column, time_column
from runsum.source.database import open_database
from runsum.source.leaf_rows import Extent
from runsum.source.metric_rows import Names
from runsum.source.records import RunReader
from runsum.source.rows import RowReader, RunRecord

RUNS = ("run-a", "run-ä", "run-" + "c" * 40)
COLUMNS = ("timestep INTEGER", "timestamp TEXT", "episode_count INTEGER", "progress_pct REAL", "fps REAL",
           "episode_reward_mean REAL", "policy_loss", "created_at TEXT")  # fmt: skip
NUMBERS = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, -1, 127, -128, 128, 32767, -32768, 2**23 - 1, -(2**23), 2**31, -(2**47), 2**53 + 1]),
    st.floats(allow_nan=False),
)
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1))
TIMES = st.one_of(
    st.none(),
    MOMENTS.map(lambda moment: moment.isoformat(timespec="microseconds")),
    MOMENTS.map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")),
)
ODD = st.sampled_from(
    ["nan", "NaT", b"\x01\x02", "today", "2026-02-31T00:00:00", "2026", "1.5", "", "0000-01-01 00:00:00"]
)
ROWS = st.lists(st.tuples(st.sampled_from(RUNS), *([NUMBERS] * 2), TIMES, TIMES), max_size=80)


def make(path: Path, rows: Sequence[tuple[object, ...]], *, columns: Sequence[str] = COLUMNS, page: int = 512) -> None:
    """A database with a few runs; its rows hold a timestep, a reward and two times."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as con, con:
        con.execute(f"PRAGMA page_size={page}")
        con.execute("CREATE TABLE experiment_runs (run_id TEXT PRIMARY KEY, start_time TEXT)")
        con.executemany("INSERT INTO experiment_runs VALUES (?, '2026-01-01')", [(run,) for run in RUNS])
        con.execute(f"CREATE TABLE training_metrics (id INTEGER PRIMARY KEY, run_id TEXT, {', '.join(columns)})")
        con.execute("CREATE INDEX by_run ON training_metrics (run_id)")
        con.executemany("INSERT INTO training_metrics (run_id, timestep, episode_reward_mean, timestamp, created_at) "
                        "VALUES (?, ?, ?, ?, ?)", rows)  # fmt: skip


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[RunRecord], list[RunRecord], int]:
    """All runs of a file read from its pages, all read by SQLite, and how often the former had to ask SQLite."""
    asked = 0
    select = RowReader._select

    def counted(self: RowReader, table: str, *rest: object) -> object:
        nonlocal asked
        asked += table == "training_metrics"
        return select(self, table, *rest)  # type: ignore[arg-type]

    with open_database(path, look=True) as database:
        reader = RunReader(database, "test")
        runs = reader.survey().runs
        known, extents = [reader.rows_of(run) for run in runs], reader.extents(runs)
        assert all(extents[run].keys() <= {"training_metrics"} for run in runs)
        monkeypatch.setattr(RowReader, "_select", counted)
        fast = [reader.rows.read(rows, extents[rows.run_id]) for rows in known if extents[rows.run_id]]
        monkeypatch.undo()
        slow = [reader.rows.read(rows) for rows in known if extents[rows.run_id]]
        return fast, slow, asked


def assert_equal(fast: Sequence[RunRecord], slow: Sequence[RunRecord]) -> None:
    for one, other in zip(fast, slow, strict=True):
        assert one.metrics.unreadable == other.metrics.unreadable
        assert list(one.metrics.numbers) == list(other.metrics.numbers)
        for name, values in other.metrics.numbers.items():
            np.testing.assert_array_equal(one.metrics.numbers[name], values, err_msg=name)
        np.testing.assert_array_equal(one.metrics.local_s, other.metrics.local_s)
        np.testing.assert_array_equal(one.metrics.created_s, other.metrics.created_s)


@given(rows=ROWS, odd=st.lists(st.tuples(st.sampled_from(RUNS), ODD, ODD, ODD, ODD), max_size=1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_equal_to_what_sqlite_reads(
    rows: list[tuple[object, ...]], odd: list[tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole numbers of all widths, infinities, missing values, both forms of times; odd values come from SQLite."""
    make(tmp_path / "t.db", rows + odd)
    fast, slow, asked = both(tmp_path / "t.db", monkeypatch)
    assert_equal(fast, slow)
    assert asked <= len(odd)


@given(moments=st.lists(MOMENTS.map(lambda moment: moment.isoformat(timespec="microseconds")), min_size=1, max_size=9))
@example(moments=["3112-01-01T00:00:00.000460"])
def test_a_time_is_the_same_alone_and_in_a_column(moments: list[str]) -> None:
    """To the last bit, also where a float has fewer digits than a microsecond: beyond the year 2255."""
    alone = [seconds(moment) for moment in moments]
    assert time_column(moments).tolist() == alone
    column = stamp_column(np.array(moments, dtype="S26"))
    assert column is not None and column.tolist() == alone


def numbered(count: int, run: str = RUNS[0]) -> list[tuple[object, ...]]:
    return [(run, step * 1000, step / 3, f"2026-01-05T08:{step // 60 % 60:02}:{step % 60:02}", None)
            for step in range(count)]  # fmt: skip


def test_runs_that_were_written_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rows share pages; each run gets its own."""
    rows = [row for three in zip(*(numbered(200, run) for run in RUNS), strict=True) for row in three]
    make(tmp_path / "t.db", rows)
    fast, slow, asked = both(tmp_path / "t.db", monkeypatch)
    assert_equal(fast, slow)
    assert (len(fast), asked) == (3, 0)
    assert {len(record.metrics) for record in fast} == {200}


def test_deleted_rows_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their bytes still stand in the pages, but no cell points to them."""
    make(tmp_path / "t.db", numbered(300))
    with closing(sqlite3.connect(tmp_path / "t.db")) as con, con:
        con.execute("DELETE FROM training_metrics WHERE id % 3 = 0")
    fast, slow, asked = both(tmp_path / "t.db", monkeypatch)
    assert_equal(fast, slow)
    assert (len(fast[0].metrics), asked) == (200, 0)


@pytest.mark.parametrize(("default", "asked"), [("", 0), (" DEFAULT 5", 1)])
def test_a_column_that_older_rows_do_not_have(
    default: str, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows written before a column was added are shorter; a default stands in the schema alone."""
    make(tmp_path / "t.db", numbered(50))
    with closing(sqlite3.connect(tmp_path / "t.db")) as con, con:
        con.execute(f"ALTER TABLE training_metrics ADD COLUMN value_loss REAL{default}")
        con.execute("INSERT INTO training_metrics (run_id, timestep, value_loss) VALUES (?, 1, 0.25)", (RUNS[0],))
    fast, slow, needed = both(tmp_path / "t.db", monkeypatch)
    assert_equal(fast, slow)
    assert needed == asked
    assert fast[0].metrics.numbers["value_loss"][-1] == 0.25


@pytest.mark.parametrize(
    "columns",
    [
        (*COLUMNS, "doubled REAL AS (timestep * 2)"),  # generated: it stands in no record
        (*COLUMNS[:-1], "created_at TEXT COLLATE NOCASE"),
    ],
)
def test_tables_of_another_form_are_left_to_sqlite(
    columns: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not stored as it is declared."""
    make(tmp_path / "t.db", numbered(20), columns=columns)
    fast, slow, asked = both(tmp_path / "t.db", monkeypatch)
    assert_equal(fast, slow)
    assert asked == len(fast) == 1


def test_a_note_that_fills_pages_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that goes on elsewhere is read by SQLite."""
    make(tmp_path / "t.db", numbered(5), columns=(*COLUMNS, "note TEXT"))
    with closing(sqlite3.connect(tmp_path / "t.db")) as con, con:
        con.execute("UPDATE training_metrics SET note = ? WHERE id = 3", ("x" * 3000,))
    fast, slow, asked = both(tmp_path / "t.db", monkeypatch)
    assert_equal(fast, slow)
    assert asked == 1


@given(place=st.integers(0, 511), byte=st.integers(0, 255), page=st.integers(0, 20))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_pages_raise_nothing(place: int, byte: int, page: int, tmp_path: Path) -> None:
    """Whatever a byte becomes: rows of the right number, or SQLite is asked."""
    path = tmp_path / "t.db"
    if not path.exists():
        make(path, numbered(200))
    with open_database(path, look=True) as database:
        reader = RunReader(database, "test")
        reader.survey()
        extent, leaves = reader.extents([RUNS[0]])[RUNS[0]]["training_metrics"], database.leaf_rows
        assert leaves is not None
        number = int(extent.pages[page % len(extent.pages)])
        where = (number - 1) * 512 + place
        before = leaves.path.read_bytes()
        leaves.path.write_bytes(before[:where] + bytes([byte]) + before[where + 1 :])
        try:
            read = RowReader(database.connection, database.columns, database.indexed, reader.rows._redactor, leaves)
            found = read._from_leaves("training_metrics", extent, RUNS[0], Names(("timestep",), ("timestamp",)))
        finally:
            leaves.path.write_bytes(before)
        assert found is None or len(found.numbers["timestep"]) == extent.rows == 200


def test_a_file_with_a_log_is_left_to_sqlite(tmp_path: Path) -> None:
    """Its newest pages stand elsewhere, and it may change at any moment."""
    path = tmp_path / "t.db"
    make(path, numbered(50))
    with closing(sqlite3.connect(path, isolation_level=None)) as con:
        con.execute("PRAGMA journal_mode=WAL")
        con.execute("UPDATE training_metrics SET timestep = timestep + 1")
        with open_database(path, look=True) as database:
            assert database.leaf_rows is None


def test_rows_far_apart_are_left_to_sqlite(tmp_path: Path) -> None:
    """A run whose few rows lie among many others is found by its index."""
    rows = numbered(400, RUNS[1])
    make(tmp_path / "t.db", [*numbered(1), *rows, *numbered(1)])
    with open_database(tmp_path / "t.db", look=True) as database:
        reader = RunReader(database, "test")
        runs = reader.survey().runs
        extents = reader.extents(runs)
    assert extents[RUNS[0]] == {}
    assert isinstance(extents[RUNS[1]]["training_metrics"], Extent)
