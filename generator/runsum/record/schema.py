"""The newest form of the run database, as Retro ML Desktop has written it since 2025-12-22."""

from __future__ import annotations

import sqlite3

_STAMP = "TEXT DEFAULT CURRENT_TIMESTAMP"

TABLES = {
    "experiment_runs": (
        "run_id TEXT PRIMARY KEY",
        "experiment_name TEXT NOT NULL",
        "custom_name TEXT",
        "leg_number INTEGER DEFAULT 1",
        "base_run_id TEXT",
        "root_name TEXT",
        "display_name TEXT",
        "branch_token TEXT",
        "variant_index INTEGER",
        "branch_id TEXT",
        "parent_run_id TEXT",
        "parent_checkpoint_path TEXT",
        "parent_checkpoint_hash TEXT",
        "start_time TEXT NOT NULL",
        "end_time TEXT",
        "status TEXT NOT NULL DEFAULT 'running'",
        "current_timestep INTEGER DEFAULT 0",
        "leg_start_timestep INTEGER DEFAULT 0",
        "start_timestep INTEGER",
        "target_timestep INTEGER",
        "end_timestep INTEGER",
        "config_json TEXT",
        "config_path TEXT",
        "config_hash TEXT",
        "wrappers_hash TEXT",
        "env_version TEXT",
        "mode TEXT",
        "deterministic INTEGER",
        "epsilon REAL",
        "best_reward REAL",
        "final_reward REAL",
        "convergence_timestep INTEGER",
        "model_path TEXT",
        "log_path TEXT",
        "video_path TEXT",
        "tensorboard_path TEXT",
        "git_commit TEXT",
        "python_version TEXT",
        "dependencies_json TEXT",
        "description TEXT",
        "status_note TEXT",
        "tags_json TEXT",
        "metadata_json TEXT",
        f"created_at {_STAMP}",
        f"updated_at {_STAMP}",
        "heartbeat_at TEXT",
        "process_pid INTEGER",
        "process_paused INTEGER DEFAULT 0",
    ),
    "training_metrics": (
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "run_id TEXT NOT NULL",
        "timestep INTEGER NOT NULL",
        "timestamp TEXT NOT NULL",
        "episode_count INTEGER NOT NULL",
        "total_timesteps INTEGER NOT NULL",
        "progress_pct REAL NOT NULL",
        "episode_reward_mean REAL",
        "episode_reward_std REAL",
        "episode_length_mean REAL",
        "policy_loss REAL",
        "value_loss REAL",
        "entropy_loss REAL",
        "total_loss REAL",
        "learning_rate REAL",
        "kl_divergence REAL",
        "clip_fraction REAL",
        "explained_variance REAL",
        "fps REAL",
        "steps_per_second REAL",
        "cpu_percent REAL",
        "memory_mb REAL",
        "gpu_percent REAL",
        "gpu_memory_mb REAL",
        "gradient_norm REAL",
        "weight_norm REAL",
        f"created_at {_STAMP}",
    ),
    "gpu_metrics": (
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "run_id TEXT NOT NULL",
        "ts TEXT NOT NULL",
        "gpu_util_pct REAL",
        "vram_used_mb REAL",
        "vram_total_mb REAL",
        "temp_c REAL",
        "power_w REAL",
        "pid INTEGER",
        "pid_vram_used_mb REAL",
        "run_gpu_util_est_pct REAL",
    ),
    "training_videos": (
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "run_id TEXT NOT NULL",
        "segment_number INTEGER NOT NULL",
        "file_path TEXT NOT NULL",
        "file_size_mb REAL",
        "duration_seconds REAL",
        "frame_count INTEGER",
        "start_timestep INTEGER",
        "end_timestep INTEGER",
        "start_time TEXT NOT NULL",
        "end_time TEXT",
        "status TEXT NOT NULL DEFAULT 'recording'",
        f"created_at {_STAMP}",
        f"updated_at {_STAMP}",
    ),
    "chart_annotations": (
        "annotation_id TEXT PRIMARY KEY",
        "run_id TEXT NOT NULL",
        "axes_name TEXT NOT NULL",
        "x REAL NOT NULL",
        "y REAL NOT NULL",
        "text TEXT NOT NULL",
        "created_at TEXT NOT NULL",
        "color TEXT DEFAULT 'yellow'",
        "style TEXT DEFAULT 'round'",
    ),
}
"""Column definitions by table; the tables that only the application fills are its own to make."""

_RULES = {
    "training_metrics": ("UNIQUE (run_id, timestep)",),
    "training_videos": ("UNIQUE (run_id, segment_number)",),
}
_INDEXES = (
    ("idx_training_metrics_run_timestep", "training_metrics (run_id, timestep)"),
    ("idx_training_metrics_timestamp", "training_metrics (timestamp)"),
    ("idx_experiment_runs_status", "experiment_runs (status)"),
    ("idx_gpu_metrics_run_ts", "gpu_metrics (run_id, ts)"),
)


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where they are missing, and add the columns that an older file lacks.

    Raises:
        sqlite3.Error: the file is no database, or cannot be written.
    """
    with connection:
        connection.execute("BEGIN IMMEDIATE")  # another training may be adding the same columns
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join((*columns, *_RULES.get(table, ())))})")
            there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for column in columns:
                name, kind = column.split(" ", 1)
                if name not in there:
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {_without_rules(kind)}")
        for name, on in _INDEXES:
            connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {on}")


def _without_rules(kind: str) -> str:
    """SQLite adds no column that is NOT NULL, unique, or has a clock for its default."""
    return kind.split(" ")[0] if "NOT NULL" in kind or "CURRENT_TIMESTAMP" in kind or "KEY" in kind else kind
