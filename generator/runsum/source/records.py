"""What the tables say: one `RunRecord` per run, read in one transaction, nothing interpreted yet.

This is the door of redaction: the rows of a record hold known columns only, and every text in them is as it may be
published.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import Any

from runsum.frozen import frozen
from runsum.redact.found import Found
from runsum.redact.redactor import Redactor
from runsum.source.columns import Floats, text
from runsum.source.database import RUNS_TABLE, DatabaseFile, quoted
from runsum.source.leaf_rows import Extent
from runsum.source.looks import LARGE_TABLES, TableLook, look_at
from runsum.source.metric_rows import GPU_COLUMNS, METRICS, GpuTable, MetricTable
from runsum.source.rows import Row, RowReader, RunRecord, RunRows
from runsum.source.tables import COLUMNS, DOCUMENTS

__all__ = [
    "GPU_COLUMNS",
    "METRICS",
    "GpuTable",
    "MetricTable",
    "Row",
    "RunReader",
    "RunRecord",
    "RunRows",
    "Survey",
]

_WORD = re.compile(r"[\w-]+")
_VIDEO_ID = re.compile(r"video_(.+)_\d+$")


@frozen
class Survey:
    """What a database holds, from one cheap scan per table.

    Attributes:
        runs: run ids as they are published, in the order of start time and recorded id.
        orphans: rows without a run: table name -> run id -> count.
        unlinked_experiments: experiments rows that belong to no run of this file.
        unknown_tables: tables that this reader does not know.
        redactions: what was left out of these lists, and unknown tables and columns.
        nameless: rows of runs without an id, which cannot have a page.
        repeated: rows of runs whose id a later row has too; the last one counts.
        looks: at the large tables, by name.
    """

    runs: tuple[str, ...]
    orphans: Mapping[str, Mapping[str, int]]
    unlinked_experiments: tuple[Row, ...]
    unknown_tables: tuple[str, ...]
    redactions: tuple[Found, ...] = ()
    nameless: int = 0
    repeated: int = 0
    looks: Mapping[str, TableLook] = field(default_factory=dict)


class RunReader:
    """Reads the runs of one open database.

    Small tables are read once and held; metric rows and GPU samples are read run by run.
    """

    def __init__(self, database: DatabaseFile, source: str, redactor: Redactor | None = None) -> None:
        self._db = database
        self._source = source
        self._redactor = redactor or Redactor()
        self._runs: dict[str, Row] = {}
        self._nameless = self._repeated = 0
        for row in self._rows(RUNS_TABLE):
            run_id = text(row.get("run_id"))
            if run_id is None:
                self._nameless += 1
                continue
            self._repeated += run_id in self._runs
            self._runs[run_id] = row
        self._names = _publish_ids(self._runs.keys(), self._redactor)
        self._ids = {name: run_id for run_id, name in self._names.items()}
        self._experiments, self._unlinked = self._link_experiments()
        self._by_experiment = {str(e.get("experiment_id")): run for run, es in self._experiments.items() for e in es}
        self._artifacts = self._group("video_artifacts", self._artifact_owner)
        self._generated = self._group("video_generation_progress", _own_run)
        self._segments = self._group("training_videos", _own_run)
        self._annotations = self._group("chart_annotations", _own_run)
        self._renamed = {run_id: name for run_id, name in self._names.items() if run_id != name}
        self._rows_of_runs: RowReader | None = None
        self._looks: Mapping[str, TableLook] = {}

    def survey(self, earlier: Mapping[str, TableLook] | None = None) -> Survey:
        """List the runs, and the rows that belong to none of them.

        Args:
            earlier: the looks of an earlier survey of the same file, by table.
        """
        keep = self._redactor.scope()
        looks = self._looks = self._look(earlier or {})
        counts = {table: {run: span.rows for run, span in look.spans.items()} for table, look in looks.items()}
        for table, grouped in (
            ("video_artifacts", self._artifacts),
            ("video_generation_progress", self._generated),
            ("training_videos", self._segments),
            ("chart_annotations", self._annotations),
        ):
            counts[table] = {run: len(rows) for run, rows in grouped.items()}
        orphans = {table: self._count_orphans(table, rows, keep) for table, rows in counts.items()}
        ordered = sorted(self._runs, key=lambda run: (str(self._runs[run].get("start_time") or ""), run))
        unknown = tuple(self._count_unknown(keep))
        return Survey(
            tuple(self._names[run] for run in ordered),
            {table: found for table, found in orphans.items() if found},
            tuple(keep.row("experiments", row, DOCUMENTS) for row in self._unlinked),
            unknown,
            keep.found(),
            self._nameless,
            self._repeated,
            looks,
        )

    def rows_of(self, run_id: str) -> RunRows:
        """Everything that the small tables say of a run, given its id as it is published."""
        stored = self._ids[run_id]
        return RunRows(
            self._source,
            stored,
            run_id,
            self._runs[stored],
            tuple(self._experiments.get(stored, ())),
            tuple(self._artifacts.get(stored, ())),
            tuple(self._generated.get(stored, ())),
            tuple(self._segments.get(stored, ())),
            tuple(self._annotations.get(stored, ())),
            self._renamed,
        )

    def read(self, run_id: str) -> RunRecord:
        """Read all rows of one run, given its id as it is published."""
        return self.rows.read(self.rows_of(run_id), self.extents([run_id])[run_id])

    def extents(self, runs: Sequence[str]) -> dict[str, dict[str, Extent]]:
        """Where the rows of some runs lie, by run id as it is published and by table, as far as that is known."""
        stored = {run: self._ids[run] for run in runs}
        found: dict[str, dict[str, Extent]] = {run: {} for run in runs}
        for table, look in self._looks.items():
            places = look.extents(list(stored.values()))
            for run, run_id in stored.items():
                if run_id in places:
                    found[run][table] = places[run_id]
        return found

    def find_twins(self, record: RunRecord, rows: Floats) -> dict[str, int]:
        """Other runs of this file with the same rows; see `RowReader.find_twins`."""
        return self.rows.find_twins(self.rows_of(record.run_id), record, rows)

    @property
    def rows(self) -> RowReader:
        """Reads the large tables in this process."""
        if self._rows_of_runs is None:
            self._rows_of_runs = RowReader(
                self._db.connection, self._db.columns, self._db.indexed, self._redactor, self._db.leaf_rows
            )
        return self._rows_of_runs

    def _look(self, earlier: Mapping[str, TableLook]) -> dict[str, TableLook]:
        return {
            table: look_at(
                self._db.connection,
                table,
                self._db.leaves.get(table),
                table in self._db.indexed,
                earlier.get(table),
            )
            for table in LARGE_TABLES
            if "run_id" in self._db.columns.get(table, ())
        }

    def _count_orphans(self, table: str, counts: Mapping[str, int], keep: Redactor) -> dict[str, int]:
        """Rows by run id that no run of this file has, as it may be published."""
        found: Counter[str] = Counter()
        for run in sorted(counts.keys() - self._runs.keys()):
            found[keep.text(run, table, "run_id")] += counts[run]
        return dict(found)

    def _rows(self, table: str) -> Iterator[Row]:
        columns = [column for column in self._db.columns.get(table, ()) if column in COLUMNS[table]]
        if not columns:
            return
        names = ", ".join(quoted(column) for column in columns)
        for values in self._db.connection.execute(f"SELECT {names} FROM {quoted(table)}"):
            yield dict(zip(columns, values, strict=True))

    def _count_unknown(self, keep: Redactor) -> Iterator[str]:
        """Names of unknown tables; these and unknown columns of known tables are counted as left out."""
        for table, columns in self._db.columns.items():
            shown = keep.text(table, "sqlite_master", "name")
            if table not in COLUMNS:
                if not table.startswith("sqlite_"):
                    keep.count("unknown-table", shown, "*")
                    yield shown
                continue
            for column in columns:
                if column not in COLUMNS[table]:
                    keep.count("unknown-column", table, keep.text(column, table, "name"))

    def _group(self, table: str, owner: Any) -> dict[str, list[Row]]:
        grouped: dict[str, list[Row]] = {}
        for row in self._rows(table):
            grouped.setdefault(owner(row), []).append(row)
        return grouped

    def _link_experiments(self) -> tuple[dict[str, list[Row]], list[Row]]:
        """The only link between the tables is the free text "Training run run-xxxxxxxx" in `notes`."""
        linked: dict[str, list[Row]] = {}
        unlinked: list[Row] = []
        for row in self._rows("experiments"):
            run = next((r for r in _WORD.findall(str(row.get("notes") or "")) if r in self._runs), None)
            if run is None:
                unlinked.append(row)
            else:
                linked.setdefault(run, []).append(row)
        for rows in linked.values():
            rows.sort(key=lambda row: (str(row.get("created") or ""), str(row.get("experiment_id"))))
        return linked, unlinked

    def _artifact_owner(self, row: Row) -> str:
        match = _VIDEO_ID.match(str(row.get("video_id") or ""))
        if match:
            return match.group(1)
        return self._by_experiment.get(str(row.get("experiment_id")), str(row.get("experiment_id")))


def _publish_ids(runs: AbstractSet[str], redactor: Redactor) -> dict[str, str]:
    """Run ids as they are published, by recorded id; still each its own where something was taken out."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for run_id in sorted(runs):
        name = base = redactor.text(run_id, RUNS_TABLE, "run_id")
        number = 2
        while name in taken or (name != run_id and name in runs):
            name, number = f"{base} ({number})", number + 1
        taken.add(name)
        names[run_id] = name
    return names


def _own_run(row: Row) -> str:
    return str(row.get("run_id"))
