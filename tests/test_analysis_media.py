"""Videos and their states: `runsum.analysis.media` on literal rows."""

from __future__ import annotations

from typing import Any

import pytest

from runsum.analysis.media import collect_videos, last_part, video_facts
from runsum.model import Video
from runsum.source.records import MetricTable, RunRecord
from support.analysis import LIMITS, RUN, TEN, TEN_S, floats, gpu, key_of

EMPTY = MetricTable({}, floats(), floats())


def videos(now: float = 0.0, **tables: Any) -> tuple[list[Video], list[str]]:
    record = RunRecord("test", RUN, {}, EMPTY, gpu(), **{name: (row,) for name, row in tables.items()})
    found, problems = collect_videos(record, lambda moment: TEN_S + now > moment, LIMITS)
    return found, [p.kind for p in problems]


def job(status: str, **more: Any) -> dict[str, Any]:
    return {"video_id": "v1", "video_name": "clip", "status": status, "updated_at": TEN(0)} | more


@pytest.mark.parametrize(
    ("row", "now", "state"),
    [
        (job("completed"), 0, "recorded"),
        (job("failed"), 0, "failed"),
        (job("rendering"), 6 * 3600, "in progress"),
        (job("rendering"), 6 * 3600 + 1, "interrupted"),
        (job("pending", updated_at=None), 0, "interrupted"),
        (job("completed", video_id="x_continuous_3"), 0, "deleted"),
    ],
)
def test_the_state_of_a_video_job(row: dict[str, Any], now: float, state: str) -> None:
    """A job that was silent for six hours never ended; segments of a continuous video are gone."""
    assert videos(now, generated=row)[0][0].state == state


def test_an_interrupted_job_is_a_problem() -> None:
    """It is named on the Problems page."""
    assert videos(99_999, generated=job("rendering"))[1] == ["video_interrupted"]


def test_a_video_in_the_folder_of_another_run_is_a_problem() -> None:
    """The other run's id stands in the path, with slashes of either kind."""
    found, problems = videos(artifacts={"path": r"D:\Python projects\out\run-0bb00002\hour_1.mp4"})
    assert (found[0].other_run, found[0].name, problems) == (
        "run-0bb00002",
        "hour_1.mp4",
        ["video_in_other_folder"],
    )


def test_a_video_in_its_own_folder_is_none() -> None:
    """The run's own id in a path is as it should be."""
    assert videos(artifacts={"path": f"outputs/{RUN}/hour_1.mp4"})[1] == []


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b.mp4", "b.mp4"), (r"C:\x y\b.mp4", "b.mp4"), ("b.mp4", "b.mp4"), ("a/", None), ("", None), (None, None)],
)
def test_the_last_part_of_a_path(path: str | None, name: str | None) -> None:
    """Paths of either system, wherever the archive is built."""
    assert last_part(path) == name


def test_videos_are_summed_up() -> None:
    """Paths of clips, number and length of segments, jobs by status."""
    all_kinds = [
        Video("post-training", "a", "out/a.mp4", "recorded"),
        Video("segment", "s", "out/s.mp4", "recorded", duration_s=60.0),
        Video("segment", "t", "out/t.mp4", "recorded"),
        Video("generated", "g", None, "recorded", "completed"),
        Video("generated", "h", None, "interrupted", "rendering"),
    ]
    facts = video_facts(all_kinds, looked_on_disk=False)
    said = {name: fact.words.values for name, fact in facts.items() if fact.words}
    assert said == {
        "video_artifacts_paths": {"items": ["out/a.mp4"]},
        "training_videos_summary": {"count": 2, "seconds": 60.0},
        "video_generation_status": {"items": [("completed", 1), ("interrupted", 1)]},
    }


@pytest.mark.parametrize(("looked", "key"), [(False, "videos.no_segments"), (True, "videos.no_segments_disk")])
def test_no_videos_says_where_was_looked(looked: bool, key: str) -> None:
    """The reason differs with a project root."""
    facts = video_facts([], looked)
    assert [key_of(fact) for fact in facts.values()] == ["videos.none", key, "videos.no_jobs"]
