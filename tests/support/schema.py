"""The run database as it looked over time, written as a history of changes.

A fresh file of an era holds every change up to it; a file that was *born* earlier and upgraded in place
got the later columns one ALTER at a time, so its columns come in another order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple


class Change(NamedTuple):
    """Columns (or a whole table) that appeared on a day; `altered`: old files get them too."""

    era: str
    table: str
    columns: str
    altered: bool = True


STAMP = "TEXT DEFAULT CURRENT_TIMESTAMP"
RUN_KEY = "FOREIGN KEY (run_id) REFERENCES experiment_runs (run_id)"

HISTORY = (
    Change(
        "2025-10-28-early",
        "experiment_runs",
        f"run_id TEXT PRIMARY KEY; experiment_name TEXT NOT NULL; start_time TEXT NOT NULL; end_time TEXT;"
        f" status TEXT NOT NULL DEFAULT 'running'; current_timestep INTEGER DEFAULT 0; config_json TEXT;"
        f" best_reward REAL; final_reward REAL; convergence_timestep INTEGER; model_path TEXT; log_path TEXT;"
        f" video_path TEXT; tensorboard_path TEXT; git_commit TEXT; python_version TEXT;"
        f" dependencies_json TEXT; description TEXT; tags_json TEXT; created_at {STAMP}; updated_at {STAMP}",
    ),
    Change(
        "2025-10-28-early",
        "training_metrics",
        f"id INTEGER PRIMARY KEY AUTOINCREMENT; run_id TEXT NOT NULL; timestep INTEGER NOT NULL;"
        f" timestamp TEXT NOT NULL; episode_count INTEGER NOT NULL; total_timesteps INTEGER NOT NULL;"
        f" progress_pct REAL NOT NULL; episode_reward_mean REAL; episode_reward_std REAL;"
        f" episode_length_mean REAL; policy_loss REAL; value_loss REAL; entropy_loss REAL; total_loss REAL;"
        f" learning_rate REAL; kl_divergence REAL; clip_fraction REAL; explained_variance REAL; fps REAL;"
        f" steps_per_second REAL; cpu_percent REAL; memory_mb REAL; gpu_percent REAL; gpu_memory_mb REAL;"
        f" gradient_norm REAL; weight_norm REAL; created_at {STAMP}",
    ),
    Change(
        "2025-10-28",
        "experiment_runs",
        "process_pid INTEGER; process_paused INTEGER DEFAULT 0",
        altered=False,
    ),
    Change(
        "2025-11-12",
        "video_generation_progress",
        f"video_id TEXT PRIMARY KEY; run_id TEXT NOT NULL; video_name TEXT NOT NULL; video_path TEXT;"
        f" status TEXT NOT NULL DEFAULT 'pending'; progress_percentage REAL DEFAULT 0.0;"
        f" estimated_seconds_remaining INTEGER; total_frames INTEGER; processed_frames INTEGER DEFAULT 0;"
        f" started_at TEXT; completed_at TEXT; error_message TEXT; created_at {STAMP}; updated_at {STAMP}",
    ),
    Change(
        "2025-11-12",
        "chart_annotations",
        "annotation_id TEXT PRIMARY KEY; run_id TEXT NOT NULL; axes_name TEXT NOT NULL; x REAL NOT NULL;"
        " y REAL NOT NULL; text TEXT NOT NULL; created_at TEXT NOT NULL; color TEXT DEFAULT 'yellow';"
        " style TEXT DEFAULT 'round'",
    ),
    Change(
        "2025-11-12",
        "chart_states",
        "state_id TEXT PRIMARY KEY; name TEXT NOT NULL; description TEXT; created_at TEXT NOT NULL;"
        " state_data TEXT NOT NULL",
    ),
    Change(
        "2025-11-26",
        "experiments",
        f"experiment_id TEXT PRIMARY KEY; name TEXT NOT NULL; game TEXT NOT NULL; algorithm TEXT NOT NULL;"
        f" preset TEXT NOT NULL; config_json TEXT NOT NULL; lineage_json TEXT NOT NULL;"
        f" status TEXT NOT NULL DEFAULT 'pending'; created TEXT NOT NULL; started TEXT; completed TEXT;"
        f" tags_json TEXT; notes TEXT; progress_pct REAL DEFAULT 0.0; current_timestep INTEGER DEFAULT 0;"
        f" elapsed_time REAL DEFAULT 0.0; estimated_time_remaining REAL DEFAULT 0.0;"
        f" latest_metrics_json TEXT; final_metrics_json TEXT; created_at {STAMP}; updated_at {STAMP}",
    ),
    Change(
        "2025-11-26",
        "video_artifacts",
        f"video_id TEXT PRIMARY KEY; experiment_id TEXT NOT NULL; path TEXT NOT NULL; type TEXT NOT NULL;"
        f" duration REAL; size_mb REAL; created TEXT NOT NULL; tags_json TEXT; metadata_json TEXT;"
        f" thumbnail_path TEXT; avg_score REAL; max_score REAL; episode_count INTEGER; created_at {STAMP};"
        f" updated_at {STAMP}",
    ),
    Change(
        "2025-12-03",
        "training_videos",
        f"id INTEGER PRIMARY KEY AUTOINCREMENT; run_id TEXT NOT NULL; segment_number INTEGER NOT NULL;"
        f" file_path TEXT NOT NULL; file_size_mb REAL; duration_seconds REAL; frame_count INTEGER;"
        f" start_timestep INTEGER; end_timestep INTEGER; start_time TEXT NOT NULL; end_time TEXT;"
        f" status TEXT NOT NULL DEFAULT 'recording'; created_at {STAMP}; updated_at {STAMP}",
    ),
    Change(
        "2025-12-12",
        "experiment_runs",
        "custom_name TEXT; leg_number INTEGER DEFAULT 1; base_run_id TEXT;"
        " leg_start_timestep INTEGER DEFAULT 0; status_note TEXT; heartbeat_at TEXT",
    ),
    Change(
        "2025-12-22",
        "experiment_runs",
        "root_name TEXT; display_name TEXT; branch_token TEXT; variant_index INTEGER; branch_id TEXT;"
        " parent_run_id TEXT; parent_checkpoint_path TEXT; parent_checkpoint_hash TEXT; config_path TEXT;"
        " config_hash TEXT; wrappers_hash TEXT; env_version TEXT; mode TEXT; deterministic INTEGER;"
        " epsilon REAL; start_timestep INTEGER; target_timestep INTEGER; end_timestep INTEGER;"
        " metadata_json TEXT",
    ),
    Change(
        "2025-12-22",
        "gpu_metrics",
        "id INTEGER PRIMARY KEY AUTOINCREMENT; run_id TEXT NOT NULL; ts TEXT NOT NULL; gpu_util_pct REAL;"
        " vram_used_mb REAL; vram_total_mb REAL; temp_c REAL; power_w REAL; pid INTEGER;"
        " pid_vram_used_mb REAL; run_gpu_util_est_pct REAL",
    ),
)

ERAS = (
    "2025-10-28-early",
    "2025-10-28",
    "2025-11-12",
    "2025-11-26",
    "2025-12-03",
    "2025-12-12",
    "2025-12-22",
)
LATEST = ERAS[-1]

TABLE_RULES = {
    "training_metrics": ("UNIQUE (run_id, timestep)", RUN_KEY),
    "training_videos": ("UNIQUE (run_id, segment_number)", RUN_KEY),
    "video_generation_progress": (RUN_KEY,),
    "gpu_metrics": (RUN_KEY,),
}

INDEXES = (
    ("training_metrics", "run_id, timestep"),
    ("training_metrics", "timestamp"),
    ("experiment_runs", "status"),
    ("experiments", "game"),
    ("video_artifacts", "experiment_id"),
    ("gpu_metrics", "run_id, ts"),
)


def _until(era: str, table: str) -> list[Change]:
    return [c for c in HISTORY if c.table == table and ERAS.index(c.era) <= ERAS.index(era)]


def _column_list(change: Change) -> list[str]:
    return [column.strip() for column in change.columns.split(";")]


def _create_table(table: str, changes: list[Change]) -> str:
    """A fresh table: its key, then the newest additions, then the rest."""
    oldest = _column_list(changes[0])
    newer = [column for change in reversed(changes[1:]) for column in _column_list(change)]
    parts = [oldest[0], *newer, *oldest[1:], *TABLE_RULES.get(table, ())]
    return f"CREATE TABLE {table} (\n  " + ",\n  ".join(parts) + "\n)"


def statements(era: str = LATEST, born: str | None = None) -> list[str]:
    """What has to be executed for a file of `era` that was first made in `born`."""
    born = born or era
    if ERAS.index(born) > ERAS.index(era):
        raise ValueError(f"a file cannot be born in {born} and look like {era}")
    done = []
    tables = dict.fromkeys(c.table for c in HISTORY)
    for table in tables:
        changes = _until(era, table)
        if not changes:
            continue
        at_birth = _until(born, table) or changes[:1]  # a table added later is created as it was that day
        done.append(_create_table(table, at_birth))
        for change in changes[len(at_birth) :]:
            if change.altered:
                done += [f"ALTER TABLE {table} ADD COLUMN {column}" for column in _column_list(change)]
    for number, (table, columns) in enumerate(INDEXES):
        if _until(era, table):
            done.append(f"CREATE INDEX idx_{table}_{number} ON {table} ({columns})")
    return done


def create(path: Path | str, era: str = LATEST, born: str | None = None, wal: bool = False) -> sqlite3.Connection:
    """Make an empty database of an era and return the open connection."""
    con = sqlite3.connect(path)
    con.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
    for statement in statements(era, born):
        con.execute(statement)
    con.commit()
    return con


@contextmanager
def database(
    path: Path | str, era: str = LATEST, born: str | None = None, wal: bool = False
) -> Iterator[sqlite3.Connection]:
    """A new database to fill: committed and closed at the end, so no sidecar file stays."""
    with closing(create(path, era, born, wal)) as con, con:
        yield con


def columns_of(con: sqlite3.Connection, table: str) -> list[str]:
    """Column names of a table in stored order; empty when there is no such table."""
    return [row[1] for row in con.execute(f'PRAGMA table_info("{table}")')]
