"""All runs: the table of the archive, and the same as data/runs.csv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runsum.archive.archive import Archive
from runsum.downloads import table_csv
from runsum.pages.contract import DataFile, Page, RunRow, run_rows

_LISTED = 2000
CSV_COLUMNS = (
    "run_id",
    "slug",
    "page",
    "source",
    "game",
    "algorithm",
    "preset",
    "state",
    "started_at",
    "duration_h",
    "timestep",
    "total_timesteps",
    "progress_pct",
    "best_reward",
    "final_reward",
    "avg_fps",
    "lineage_root",
    "leg",
)


@dataclass(frozen=True, slots=True)
class RunIndexPage:
    """Everything `run_index.md.j2` may use. `more`: older runs that only the CSV and the game pages list."""

    rows: tuple[RunRow, ...]
    total: int
    more: int
    several: bool


def make_pages(archive: Archive) -> Iterator[Page | DataFile]:
    """The table page and the CSV."""
    shown = archive.runs[:_LISTED]
    context = RunIndexPage(
        run_rows(shown, "../"), len(archive.runs), len(archive.runs) - len(shown), len(archive.sources) > 1
    )
    yield Page("runs/index.md", "run_index.md.j2", context)
    yield DataFile(
        "data/runs.csv", table_csv(CSV_COLUMNS, (_csv_row(run.digest.slug, archive) for run in archive.runs))
    )


def _csv_row(slug: str, archive: Archive) -> tuple[object, ...]:
    run = archive.find(slug)
    digest = run.digest
    return (
        digest.run_id,
        slug,
        f"runs/{slug}/index.html",
        digest.source,
        digest.game,
        digest.algorithm,
        digest.preset,
        str(digest.state),
        digest.started_at,
        _rounded(digest.duration_h),
        digest.current_timestep,
        digest.target_timesteps,
        _rounded(digest.progress_pct),
        digest.best_reward,
        digest.final_reward,
        _rounded(digest.avg_fps),
        run.kin.root,
        run.kin.leg,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
