"""The rows of one run: what is read of the large tables, and the record that all of its rows make.

Nothing here knows the other runs, so that runs can be read by several processes at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import field
from typing import Any

import numpy as np

from runsum.frozen import frozen
from runsum.redact.redactor import Redactor
from runsum.source.columns import Floats, iso, number
from runsum.source.database import RUNS_TABLE, lenient_text
from runsum.source.leaf_rows import Columns, Extent, LeafRows, UnusualRowsError
from runsum.source.metric_rows import (
    GPU_NAMES,
    METRIC_NAMES,
    GpuTable,
    MetricTable,
    Names,
    metrics_of_columns,
    metrics_of_rows,
    samples_of_columns,
    samples_of_rows,
)
from runsum.source.tables import DOCUMENTS

Row = Mapping[str, Any]


@frozen
class RunRows:
    """The rows of one run in the small tables, as they are stored, and how the run is to be called.

    Attributes:
        stored_id: its id as it is stored.
        run_id: its id as it is published.
        renamed: runs of the file that are published under another name, by their stored id.
    """

    source: str
    stored_id: str
    run_id: str
    row: Row
    experiments: tuple[Row, ...] = ()
    artifacts: tuple[Row, ...] = ()
    generated: tuple[Row, ...] = ()
    segments: tuple[Row, ...] = ()
    annotations: tuple[Row, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


@frozen
class RunRecord:
    """Everything one database says of one run. Rows are dicts of known columns only.

    Attributes:
        run_id: as it is published.
        redactor: for whatever else is read of this run; it keeps the run's account.
    """

    source: str
    run_id: str
    row: Row
    metrics: MetricTable
    gpu: GpuTable
    experiments: tuple[Row, ...] = ()
    artifacts: tuple[Row, ...] = ()
    generated: tuple[Row, ...] = ()
    segments: tuple[Row, ...] = ()
    annotations: tuple[Row, ...] = ()
    redactor: Redactor = field(default_factory=Redactor)


class RowReader:
    """Reads metric rows and GPU samples run by run.

    Args:
        connection: an open database, in a transaction.
        columns: the columns of its tables.
        indexed: tables with an index that starts with run_id.
        redactor: takes out of every text what must not be published.
        leaves: reads rows from the file itself, where nobody writes to it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        columns: Mapping[str, tuple[str, ...]],
        indexed: frozenset[str],
        redactor: Redactor,
        leaves: LeafRows | None = None,
    ) -> None:
        self._leaves = leaves
        self._connection = connection
        self._columns = columns
        self._indexed = indexed
        self._redactor = redactor
        for table in ("training_metrics", "gpu_metrics"):
            self._index(table)

    def read(self, known: RunRows, extents: Mapping[str, Extent] | None = None) -> RunRecord:
        """The whole record of a run.

        Args:
            known: its rows in the small tables.
            extents: where its rows in the large ones lie, by table, as far as that is known.
        """
        keep, run_id, extents = self._redactor.scope(), known.stored_id, extents or {}

        def published(table: str, rows: tuple[Row, ...]) -> tuple[Row, ...]:
            return tuple(keep.row(table, row, DOCUMENTS) for row in rows)

        return RunRecord(
            known.source,
            known.run_id,
            publish_run(known, keep),
            self._read_metrics(run_id, extents.get("training_metrics")),
            self._read_gpu(run_id, extents.get("gpu_metrics")),
            published("experiments", known.experiments),
            published("video_artifacts", known.artifacts),
            published("video_generation_progress", known.generated),
            published("training_videos", known.segments),
            published("chart_annotations", known.annotations),
            keep,
        )

    def find_twins(self, known: RunRows, record: RunRecord, rows: Floats) -> dict[str, int]:
        """Other runs of this file that hold the same (timestep, reward, iteration) as `rows` of `record`.

        Args:
            known: the run in question.
            record: its record.
            rows: positions of its suspicious rows, shape (n,).

        Returns:
            Number of equal rows by run id, most first.
        """
        numbers = record.metrics.numbers
        wanted = {
            (numbers["timestep"][i], numbers["episode_reward_mean"][i], numbers["episode_count"][i])
            for i in rows.astype(int)
            if np.isfinite(numbers["episode_reward_mean"][i])
        }
        found: dict[str, int] = {}
        steps = sorted({int(step) for step, _, _ in wanted})
        if not steps or "timestamp" not in self._columns["training_metrics"]:
            return found
        times = record.metrics.local_s[rows.astype(int)]
        times = times[np.isfinite(times)]
        if not len(times):
            return found
        low, high = times.min() - 86400, times.max() + 60
        others = self._connection.execute(
            "SELECT run_id, timestep, episode_reward_mean, episode_count FROM training_metrics "
            "WHERE timestamp BETWEEN ? AND ? AND run_id != ?",
            (iso(float(low)), iso(float(high)), known.stored_id),
        )
        for run, step, reward, episodes in others:
            if (number(step), number(reward), number(episodes)) in wanted:
                name = known.renamed.get(str(run)) or record.redactor.text(str(run), "training_metrics", "run_id")
                found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _index(self, table: str) -> None:
        """Give a table that has no index on run_id a temporary one, so that a run never costs a whole scan."""
        if "run_id" in self._columns.get(table, ()) and table not in self._indexed:
            run = self._connection.execute
            run(f"CREATE TEMP TABLE {table}_rows AS SELECT run_id, rowid AS position FROM {table}")
            run(f"CREATE INDEX temp.{table}_by_run ON {table}_rows (run_id)")

    def _select(self, table: str, wanted: tuple[str, ...], order: str, run_id: str) -> list[tuple[Any, ...]]:
        columns = ", ".join(c if c in self._columns[table] else "NULL" for c in wanted)
        where = (
            "run_id = ?"
            if table in self._indexed
            else (f"rowid IN (SELECT position FROM temp.{table}_rows WHERE run_id = ?)")
        )
        query = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order}"
        self._connection.text_factory = str  # in C; `lenient_text` is called for every single text
        try:
            return self._connection.execute(query, (run_id,)).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        finally:
            self._connection.text_factory = lenient_text
        return self._connection.execute(query, (run_id,)).fetchall()

    def _from_leaves(self, table: str, extent: Extent | None, run_id: str, names: Names) -> Columns | None:
        """Columns straight from the file; None where SQLite should be asked."""
        if self._leaves is None or extent is None:
            return None
        times = [name for name in names.times if name in self._columns.get(table, ())]
        try:
            return self._leaves.read(table, extent, run_id, names.numbers, times)
        except UnusualRowsError:
            return None

    def _read_metrics(self, run_id: str, extent: Extent | None) -> MetricTable:
        table, has = "training_metrics", self._columns.get("training_metrics", ())
        found = self._from_leaves(table, extent, run_id, METRIC_NAMES)
        read = None if found is None else metrics_of_columns(found)
        if read is None:
            order = "id" if "id" in has else "rowid"
            read = metrics_of_rows(self._select(table, METRIC_NAMES.all, order, run_id) if "run_id" in has else [])
        return read

    def _read_gpu(self, run_id: str, extent: Extent | None) -> GpuTable:
        table, has = "gpu_metrics", self._columns.get("gpu_metrics", ())
        found = self._from_leaves(table, extent, run_id, GPU_NAMES)
        read = None if found is None else samples_of_columns(found)
        if read is None:
            order = "ts" if "ts" in has else "rowid"
            read = samples_of_rows(self._select(table, GPU_NAMES.all, order, run_id) if "run_id" in has else [])
        return read


def publish_run(known: RunRows, keep: Redactor) -> Row:
    """The row of a run; where it names runs of this file, it names them as they are published."""
    published = keep.row(RUNS_TABLE, known.row, DOCUMENTS)
    for column in ("run_id", "base_run_id", "parent_run_id"):
        value = known.row.get(column)
        if value is not None and (name := known.renamed.get(str(value))) is not None:  # a run may be called "None"
            published[column] = name
    return published
