"""What is odd about a run: rows that were dropped, a status that contradicts them, values that are gone."""

from collections.abc import Collection

import numpy as np

from runsum.analysis import standing
from runsum.cleaning.series import Series
from runsum.model import (
    DataQuality,
    Problem,
    State,
    problem,
)
from runsum.source.columns import json_object, number, seconds, text
from runsum.source.project import LogFinding, ProjectFiles
from runsum.source.records import Row
from runsum.thresholds import Thresholds

_SHORT_COLLECTOR_UNTIL = "2025-11-02"
_NEVER_STORED = 1000.0  # printed as 1e+03, which the application does not read
_ONLY_WHOLE = 100.0  # from here on three digits have no place behind the point
_RUN_NUMBERS = (
    "current_timestep", "best_reward", "final_reward", "convergence_timestep", "process_pid", "process_paused",
    "leg_number", "leg_start_timestep", "variant_index", "start_timestep", "target_timestep", "end_timestep",
)  # fmt: skip
_RUN_TIMES = ("start_time", "end_time", "created_at", "updated_at", "heartbeat_at")
_RUN_DOCUMENTS = ("dependencies_json", "metadata_json")  # config_json has a problem of its own


def row_problems(series: Series, quality: DataQuality, stand: standing.Standing, row: Row, lost: bool) -> list[Problem]:
    """What is wrong with the rows or the status of a run; `lost`: see `loses_large_rewards`."""
    found = []
    if quality.rows == 0:
        if stand.state is not State.RUNNING:  # else its first row may be on its way
            found.append(problem("no_rows", done=stand.state is State.COMPLETED))
    elif _short_collector(row, quality):
        found.append(problem("short_collector", rows=quality.rows))
    elif quality.canonical_rows == 0:
        found.append(problem("no_canonical_rows", rows=quality.rows))
    elif quality.reward_rows == 0:
        found.append(problem("no_rewards", rows=quality.canonical_rows))
    for kind, count in (
        ("phantom_rows", quality.phantom_rows),
        ("superseded_rows", quality.superseded_rows),
        ("out_of_range_rows", quality.out_of_range_rows),
        ("unreadable_values", quality.unreadable_values),
        ("wrong_denominators", quality.wrong_denominator_rows),
    ):
        if count:
            found.append(problem(kind, count=count, rows=quality.rows))
    if quality.contaminated_rows:
        others = ", ".join(quality.foreign_runs)
        found.append(
            problem(
                "contaminated_rows" if not others else "contaminated_rows_from",
                count=quality.contaminated_rows,
                others=others,
                last=int(series.timestep.max()) if len(series) else None,
            )
        )
    if lost:
        found.append(problem("large_rewards_lost", count=quality.null_rewards_after_first))
    if stand.false_end:
        kind, times = f"end_{stand.false_end}", (text(row.get("start_time")), text(row.get("end_time")))
        found.append(problem(kind, start=times[0], end=times[1]))
    if stand.state is State.STALE:
        found.append(problem("stale", at=stand.last_activity))
    elif stand.state is State.FINISHED:
        found.append(problem("never_marked_finished"))
    elif stand.state is State.UNKNOWN:
        found.append(problem("unknown_status", status=text(row.get("status")) or "(empty)"))
    found += [
        problem(note.key.replace(".", "_"), **note.values) for note in stand.notes if note.key.endswith("_but_went_on")
    ]
    return found


def column_problems(row: Row, blobs: Collection[str]) -> list[Problem]:
    """Columns of the row of a run that hold something which cannot be what they are for.

    Args:
        row: the row, without blobs.
        blobs: the columns that held one.
    """
    lost = {name for name in _RUN_NUMBERS if text(row.get(name)) is not None and number(row.get(name)) is None}
    lost |= {name for name in _RUN_TIMES if (said := text(row.get(name))) is not None and seconds(said) is None}
    lost |= {name for name in _RUN_DOCUMENTS if _is_broken(row.get(name))}
    lost |= set(blobs)
    return [problem("unreadable_columns", columns=", ".join(sorted(lost)), count=len(lost))] if lost else []


def _is_broken(document: object) -> bool:
    said = text(document)
    return said is not None and said.strip() != "null" and json_object(said) is None


def _short_collector(row: Row, quality: DataQuality) -> bool:
    """Before 2025-11-02 the collector stopped after its first minute."""
    return (
        (text(row.get("start_time")) or "9")[:10] < _SHORT_COLLECTOR_UNTIL
        and quality.rows <= 2
        and not quality.reward_rows
    )


def loses_large_rewards(series: Series, limits: Thresholds) -> bool:
    """Whether rewards are missing after values near 1000, which the recorder cannot store, up to the end or in between.

    A recorder that stored a larger one can store them all, and rewards that are missing there have other reasons. So
    has one that stored more digits than the three that the trainer prints.
    """
    rewards = series.values("episode_reward_mean")
    if not len(rewards) or not limits.reward_digits_lost <= rewards.most < _NEVER_STORED:
        return False
    if (rewards.seen[rewards.seen >= _ONLY_WHOLE] % 1 > 0).any():
        return False
    last = int(rewards.rows[-1])
    if last < len(series) - 1 and rewards.seen[-1] >= limits.reward_digits_lost:
        return True
    before, after = rewards.seen[:-1], rewards.seen[1:]
    return bool(((np.diff(rewards.rows) > 1) & (np.maximum(before, after) >= limits.reward_digits_lost)).any())


def log_failure(files: ProjectFiles) -> LogFinding | None:
    """The last failure in the log of a run, None without a log or a failure."""
    return files.log.findings[-1] if files.log is not None and files.log.findings else None


def log_problems(files: ProjectFiles) -> list[Problem]:
    """A failure in the log, as a problem."""
    found = log_failure(files)
    return [] if found is None else [problem("log_failure", what=found.kind.replace("_", " "), line=found.line)]
