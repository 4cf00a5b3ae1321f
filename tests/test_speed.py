"""The speed that a page tells first is what its steps and its hours give, whatever the trainer's meter says."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from support.cli import build, make
from support.command import documents


def read_page(work: Path, fps: float) -> tuple[str, str]:
    """The first sentence and the tile of the speed, of a run whose meter always shows the same."""
    make(work / "ml_experiments.db", "run-00000001")
    with sqlite3.connect(work / "ml_experiments.db") as con:
        con.execute("UPDATE training_metrics SET fps = ?", (fps,))
    build()
    page = (work / "docs" / "runs" / "run-00000001" / "index.md").read_text(encoding="utf-8")
    said = re.search(r'class="rs-headline"[^>]*>(.*?)</p>', page)
    tile = re.search(r"#speed.*?</span> <b>(.*?)</b> <small>(.*?)</small>", page)
    assert said is not None
    assert tile is not None
    return said[1], f"{tile[1]}, {tile[2]}"


@pytest.mark.parametrize(
    ("meter", "shown"),
    [(454.0, "454 steps/s, 454 – 454"), (900.0, "900 steps/s, 900 – 900; {pace} by the clock")],
)
def test_the_first_sentence_goes_by_the_clock(work: Path, meter: float, shown: str) -> None:
    """Own steps by the time trained; the meter's mean stands in its tile, with the other where they are apart."""
    said, tile = read_page(work, meter)
    facts = documents(work)["run-00000001"]["summary"]
    pace = f"{facts['current_timestep'] / (facts['duration_h'] * 3600):.0f}"
    assert f" at {pace} steps/s." in said
    assert tile == shown.format(pace=pace)
    assert facts["avg_fps"] == meter
