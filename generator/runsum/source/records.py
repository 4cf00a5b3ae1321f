"""What the tables say: one `RunRecord` per run, read in one transaction, nothing interpreted yet.

This is the door of redaction: the rows of a record hold known columns only, and every text in them is as it may be
published.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runsum.redact.redactor import Found, Redactor
from runsum.source.columns import Floats, float_column, integer, iso, number, text, time_column, unreadable_times
from runsum.source.database import RUNS_TABLE, DatabaseFile, quoted
from runsum.source.tables import COLUMNS, DOCUMENTS

METRICS = (
    "episode_reward_mean",
    "episode_reward_std",
    "episode_length_mean",
    "fps",
    "steps_per_second",
    "policy_loss",
    "value_loss",
    "entropy_loss",
    "total_loss",
    "explained_variance",
    "kl_divergence",
    "clip_fraction",
    "learning_rate",
    "gradient_norm",
    "weight_norm",
    "cpu_percent",
    "memory_mb",
    "gpu_percent",
    "gpu_memory_mb",
)
GPU_COLUMNS = (
    "gpu_util_pct",
    "run_gpu_util_est_pct",
    "vram_used_mb",
    "vram_total_mb",
    "temp_c",
    "power_w",
    "pid_vram_used_mb",
)
_COUNTERS = ("id", "timestep", "episode_count", "total_timesteps")
_METRIC_NUMBERS = ("id", "timestep", "episode_count", "total_timesteps", "progress_pct", *METRICS)
_WORD = re.compile(r"[\w-]+")
_VIDEO_ID = re.compile(r"video_(.+)_\d+$")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricTable:
    """The training_metrics rows of a run in write order (by id).

    Attributes:
        numbers: a float column per name, shape (rows,), NaN where NULL; `id`, `timestep`, `episode_count`,
            `total_timesteps`, `progress_pct` and every name of `METRICS`.
        local_s: `timestamp` in seconds on the recording machine's clock, shape (rows,).
        created_s: `created_at` in seconds UTC, shape (rows,); NaN where absent.
        unreadable: values that did not fit their column.
    """

    numbers: Mapping[str, Floats]
    local_s: Floats
    created_s: Floats
    unreadable: int = 0

    def __len__(self) -> int:
        return len(self.local_s)


@dataclass(frozen=True, slots=True)
class GpuTable:
    """The gpu_metrics samples of a run in time order; columns as in `GPU_COLUMNS`."""

    local_s: Floats
    numbers: Mapping[str, Floats]
    unreadable: int = 0

    def __len__(self) -> int:
        return len(self.local_s)


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
    """

    runs: tuple[str, ...]
    orphans: Mapping[str, Mapping[str, int]]
    unlinked_experiments: tuple[Row, ...]
    unknown_tables: tuple[str, ...]
    redactions: tuple[Found, ...] = ()
    nameless: int = 0
    repeated: int = 0


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
        for table in ("training_metrics", "gpu_metrics"):
            self._index(table)

    def survey(self) -> Survey:
        """List the runs, and the rows that belong to none of them."""
        keep = self._redactor.scope()
        orphans: dict[str, dict[str, int]] = {}
        for table in ("training_metrics", "gpu_metrics"):
            if "run_id" in self._db.columns.get(table, ()):
                counts = self._db.connection.execute(
                    f"SELECT run_id, COUNT(*) FROM {table} GROUP BY run_id ORDER BY run_id"
                )
                orphans[table] = self._count_orphans(table, ((str(run), int(n)) for run, n in counts), keep)
        for table, grouped in (
            ("video_artifacts", self._artifacts),
            ("video_generation_progress", self._generated),
            ("training_videos", self._segments),
            ("chart_annotations", self._annotations),
        ):
            orphans[table] = self._count_orphans(
                table, ((run, len(rows)) for run, rows in sorted(grouped.items())), keep
            )
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
        )

    def _count_orphans(self, table: str, counts: Iterable[tuple[str, int]], keep: Redactor) -> dict[str, int]:
        """Rows by run id that no run of this file has, as it may be published."""
        found: Counter[str] = Counter()
        for run, count in counts:
            if run not in self._runs:
                found[keep.text(run, table, "run_id")] += count
        return dict(found)

    def read(self, run_id: str) -> RunRecord:
        """Read all rows of one run, given its id as it is published."""
        name, run_id = run_id, self._ids[run_id]
        keep = self._redactor.scope()

        def published(table: str, rows: Mapping[str, list[Row]]) -> tuple[Row, ...]:
            return tuple(keep.row(table, row, DOCUMENTS) for row in rows.get(run_id, ()))

        return RunRecord(
            self._source,
            name,
            self._publish_run(self._runs[run_id], keep),
            self._read_metrics(run_id),
            self._read_gpu(run_id),
            published("experiments", self._experiments),
            published("video_artifacts", self._artifacts),
            published("video_generation_progress", self._generated),
            published("training_videos", self._segments),
            published("chart_annotations", self._annotations),
            keep,
        )

    def find_twins(self, record: RunRecord, rows: Floats) -> dict[str, int]:
        """Other runs of this file that hold the same (timestep, reward, iteration) as `rows` of `record`.

        Args:
            record: the run in question.
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
        if not steps or "timestamp" not in self._db.columns["training_metrics"]:
            return found
        times = record.metrics.local_s[rows.astype(int)]
        times = times[np.isfinite(times)]
        if not len(times):
            return found
        low, high = times.min() - 86400, times.max() + 60
        others = self._db.connection.execute(
            "SELECT run_id, timestep, episode_reward_mean, episode_count FROM training_metrics "
            "WHERE timestamp BETWEEN ? AND ? AND run_id != ?",
            (iso(float(low)), iso(float(high)), self._ids[record.run_id]),
        )
        for run, step, reward, episodes in others:
            if (number(step), number(reward), number(episodes)) in wanted:
                name = self._names.get(str(run)) or record.redactor.text(str(run), "training_metrics", "run_id")
                found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _rows(self, table: str) -> Iterator[Row]:
        columns = [column for column in self._db.columns.get(table, ()) if column in COLUMNS[table]]
        if not columns:
            return
        names = ", ".join(quoted(column) for column in columns)
        for values in self._db.connection.execute(f"SELECT {names} FROM {quoted(table)}"):
            yield dict(zip(columns, values, strict=True))

    def _publish_run(self, row: Row, keep: Redactor) -> Row:
        """The row of a run; where it names runs of this file, it names them as they are published."""
        published = keep.row(RUNS_TABLE, row, DOCUMENTS)
        for column in ("run_id", "base_run_id", "parent_run_id"):
            value = row.get(column)
            if value is not None and (name := self._names.get(str(value))) is not None:  # a run may be called "None"
                published[column] = name
        return published

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

    def _index(self, table: str) -> None:
        """Give a table that has no index on run_id a temporary one, so that a run never costs a whole scan."""
        if "run_id" in self._db.columns.get(table, ()) and table not in self._db.indexed:
            run = self._db.connection.execute
            run(f"CREATE TEMP TABLE {table}_rows AS SELECT run_id, rowid AS position FROM {table}")
            run(f"CREATE INDEX temp.{table}_by_run ON {table}_rows (run_id)")

    def _select(self, table: str, wanted: tuple[str, ...], order: str, run_id: str) -> list[tuple[Any, ...]]:
        columns = ", ".join(c if c in self._db.columns[table] else "NULL" for c in wanted)
        where = (
            "run_id = ?"
            if table in self._db.indexed
            else (f"rowid IN (SELECT position FROM temp.{table}_rows WHERE run_id = ?)")
        )
        return self._db.connection.execute(
            f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order}", (run_id,)
        ).fetchall()

    def _read_metrics(self, run_id: str) -> MetricTable:
        names = (*_METRIC_NUMBERS, "timestamp", "created_at")
        present = "run_id" in self._db.columns.get("training_metrics", ())
        order = "id" if "id" in self._db.columns.get("training_metrics", ()) else "rowid"
        rows = self._select("training_metrics", names, order, run_id) if present else []
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [() for _ in names]
        numbers: dict[str, Floats] = {}
        unreadable = 0
        for name, values in zip(_METRIC_NUMBERS, columns, strict=False):
            numbers[name], bad = float_column(values)
            if name in _COUNTERS:  # beyond 53 bits, neighbours are one number
                too_large = np.abs(numbers[name]) > 2**53
                numbers[name][too_large] = np.nan
                bad += int(too_large.sum())
            unreadable += bad
        times = [time_column(values) for values in columns[-2:]]
        unreadable += sum(unreadable_times(values, read) for values, read in zip(columns[-2:], times, strict=True))
        return MetricTable(numbers, times[0], times[1], unreadable)

    def _read_gpu(self, run_id: str) -> GpuTable:
        present = "run_id" in self._db.columns.get("gpu_metrics", ())
        order = "ts" if "ts" in self._db.columns.get("gpu_metrics", ()) else "rowid"
        rows = self._select("gpu_metrics", ("ts", *GPU_COLUMNS), order, run_id) if present else []
        columns: list[tuple[Any, ...]] = (
            list(zip(*rows, strict=True)) if rows else [() for _ in range(len(GPU_COLUMNS) + 1)]
        )
        times = time_column(columns[0])
        read = {name: float_column(values) for name, values in zip(GPU_COLUMNS, columns[1:], strict=True)}
        return GpuTable(
            times,
            {name: values for name, (values, _) in read.items()},
            unreadable_times(columns[0], times) + sum(bad for _, bad in read.values()),
        )


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


def leg_number(row: Row) -> int | None:
    """The recorded leg number; files upgraded in place say 1 for every older run."""
    return integer(row.get("leg_number"))
