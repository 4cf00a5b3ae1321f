"""What the tables say: one `RunRecord` per run, read in one transaction, nothing interpreted yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runsum.source.columns import Floats, float_column, integer, iso, number, text, time_column
from runsum.source.database import RUNS_TABLE, DatabaseFile, quoted

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

    def __len__(self) -> int:
        return len(self.local_s)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything one database says of one run. Rows are dicts of known columns only."""

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


@dataclass(frozen=True, slots=True)
class Survey:
    """What a database holds, from one cheap scan per table.

    Attributes:
        runs: run row by run id, in the order of start time and id.
        orphans: rows without a run: table name -> run id -> count.
        unlinked_experiments: experiments rows that belong to no run of this file.
        unknown_tables: tables that this reader does not know.
    """

    runs: Mapping[str, Row]
    orphans: Mapping[str, Mapping[str, int]]
    unlinked_experiments: tuple[Row, ...]
    unknown_tables: tuple[str, ...]


_KNOWN_TABLES = frozenset(
    {
        RUNS_TABLE,
        "training_metrics",
        "gpu_metrics",
        "experiments",
        "video_artifacts",
        "video_generation_progress",
        "training_videos",
        "chart_annotations",
        "chart_states",
        "sqlite_sequence",
    }
)


class RunReader:
    """Reads the runs of one open database.

    Small tables are read once and held; metric rows and GPU samples are read run by run.
    """

    def __init__(self, database: DatabaseFile, source: str) -> None:
        self._db = database
        self._source = source
        self._runs = {}
        for row in self._rows(RUNS_TABLE):
            run_id = text(row.get("run_id"))
            if run_id is not None:
                self._runs[run_id] = row
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
        orphans: dict[str, dict[str, int]] = {}
        for table in ("training_metrics", "gpu_metrics"):
            if "run_id" in self._db.columns.get(table, ()):
                counts = self._db.connection.execute(
                    f"SELECT run_id, COUNT(*) FROM {table} GROUP BY run_id ORDER BY run_id"
                )
                orphans[table] = {str(run): int(n) for run, n in counts if str(run) not in self._runs}
        for table, grouped in (
            ("video_artifacts", self._artifacts),
            ("video_generation_progress", self._generated),
            ("training_videos", self._segments),
            ("chart_annotations", self._annotations),
        ):
            orphans[table] = {run: len(rows) for run, rows in sorted(grouped.items()) if run not in self._runs}
        ordered = sorted(self._runs.items(), key=lambda item: (str(item[1].get("start_time") or ""), item[0]))
        return Survey(
            dict(ordered),
            {table: found for table, found in orphans.items() if found},
            tuple(self._unlinked),
            tuple(t for t in self._db.columns if t not in _KNOWN_TABLES and not t.startswith("sqlite_")),
        )

    def read(self, run_id: str) -> RunRecord:
        """Read all rows of one run."""
        return RunRecord(
            self._source,
            run_id,
            self._runs[run_id],
            self._read_metrics(run_id),
            self._read_gpu(run_id),
            tuple(self._experiments.get(run_id, ())),
            tuple(self._artifacts.get(run_id, ())),
            tuple(self._generated.get(run_id, ())),
            tuple(self._segments.get(run_id, ())),
            tuple(self._annotations.get(run_id, ())),
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
            (iso(float(low)), iso(float(high)), record.run_id),
        )
        for run, step, reward, episodes in others:
            if (number(step), number(reward), number(episodes)) in wanted:
                found[str(run)] = found.get(str(run), 0) + 1
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _rows(self, table: str) -> Iterator[Row]:
        columns = self._db.columns.get(table, ())
        if not columns:
            return
        for values in self._db.connection.execute(f"SELECT * FROM {quoted(table)}"):
            yield dict(zip(columns, values, strict=True))

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
            unreadable += bad
        return MetricTable(numbers, time_column(columns[-2]), time_column(columns[-1]), unreadable)

    def _read_gpu(self, run_id: str) -> GpuTable:
        present = "run_id" in self._db.columns.get("gpu_metrics", ())
        rows = self._select("gpu_metrics", ("ts", *GPU_COLUMNS), "ts", run_id) if present else []
        columns: list[tuple[Any, ...]] = (
            list(zip(*rows, strict=True)) if rows else [() for _ in range(len(GPU_COLUMNS) + 1)]
        )
        return GpuTable(
            time_column(columns[0]),
            {name: float_column(values)[0] for name, values in zip(GPU_COLUMNS, columns[1:], strict=True)},
        )


def _own_run(row: Row) -> str:
    return str(row.get("run_id"))


def leg_number(row: Row) -> int | None:
    """The recorded leg number; files upgraded in place say 1 for every older run."""
    return integer(row.get("leg_number"))
