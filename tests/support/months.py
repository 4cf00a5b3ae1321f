"""What the tests of the digest share: literal runs with an end and a reward, and the months they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from runsum.archive.archive import Archive, make_archive
from runsum.archive.months import DatedRun, Month, Months, find_months
from runsum.archive.slugs import SlugMaker
from runsum.curve import Curve
from runsum.model import (
    DataQuality,
    Fact,
    LineageHints,
    Problem,
    RunDigest,
    State,
    known,
    missing,
    note,
)
from runsum.source.columns import seconds
from runsum.thresholds import Thresholds


def run(
    run_id: str,
    end: str | None,
    *,
    state: State = State.COMPLETED,
    begun: str | None = "2025-10-01T10:00:00",
    active: str | None = None,
    best: float | None = None,
    final: float | None = None,
    start_level: float = 0.0,
    game: str | None = "Pong",
    parent: str | None = None,
    hours: float | None = 1.0,
    reason: Fact | None = None,
    problems: tuple[Problem, ...] = (),
) -> RunDigest:
    """A run that ended at `end` and trained 1000 steps; its rewards go from `start_level` over `best` to `final`."""
    final = best if final is None else final
    summary = {
        "pause_time_h": known(0.0),
        "sps_trend_note": note("sps.steady"),
        "solved_flag": missing("solved.no_target"),
        "model_path": missing("path.none"),
        "eta_note": missing("eta.unknown"),
        "end_time_or_in_progress": known(end) if end else missing("end.unknown"),
        "error_summary_if_failed": reason or missing("error.not_kept"),
    }
    return RunDigest(
        source="one", run_id=run_id, slug=run_id, label=f"name of {run_id}", env_id="x" if game else None, game=game,
        algorithm="PPO", preset=None, state=state, state_notes=(), status=str(state), started_at=begun,
        last_activity_at=active, started_s=seconds(begun), duration_h=hours, trained_h=hours, start_timestep=0,
        current_timestep=1000, target_timesteps=1000, progress_pct=100.0, best_reward=best, best_reward_timestep=1000,
        final_reward=final, final_reward_timestep=1000, avg_fps=None, summary=summary, milestones=(),
        quality=DataQuality(rows=100, reward_rows=100), config={},
        signals={"shape": "level", "scale": 10.0, "noise": 0.1, "start_level": start_level, "level": final,
                 "lost_share": lost_share(start_level, best, final)}, curve=Curve(), videos=(),
        status_notes=(), description=None, recorded={}, lineage=LineageHints(None, parent, 2 if parent else 1),
        energy_kwh=None, problems=problems,
    )  # fmt: skip


def lost_share(start_level: float, best: float | None, final: float | None) -> float:
    """How much of what it gained a run has lost, beyond the noise of 0.1 that these runs have."""
    if best is None or final is None or best - final <= 0.4:
        return 0.0
    return (best - final) / max(best - start_level, 1e-9)


def archive(*runs: RunDigest, limits: Thresholds | None = None) -> Archive:
    return make_archive(runs, (), SlugMaker(), limits or Thresholds(), {})


def months(*runs: RunDigest, limits: Thresholds | None = None) -> Months:
    return find_months(archive(*runs, limits=limits))


def month(*runs: RunDigest) -> Month:
    """The only month of the runs."""
    (only,) = months(*runs).months
    return only


def ids(items: Iterable[DatedRun]) -> list[str]:
    return [item.run.digest.run_id for item in items]


def legs(final: float, state: State = State.COMPLETED, **more: Any) -> tuple[RunDigest, RunDigest]:
    """A run that ended at 20, and a leg that continues it; the range of the rewards is 10."""
    parent = run("a", "2025-10-02T00:00:00", best=20.0)
    leg = run("b", "2025-10-03T00:00:00", best=final, final=final, state=state, parent="a", **more)
    return parent, leg


def shaped(digest: RunDigest, shape: str, **signals: float) -> RunDigest:
    """A run whose reward had this shape."""
    return replace(digest, signals={**digest.signals, "shape": shape, **signals})
