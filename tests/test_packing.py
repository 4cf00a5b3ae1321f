"""Packed columns: short, and what is read is what was written, in Python, in the browser and against the CSV."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from conftest import BuiltSite
from runsum.chartdata import column, columns
from runsum.packing import ALPHABET, PACKED
from support.packed import read_script, unpacked

NAN = float("nan")
ASSETS = Path(__file__).parents[1] / "site_template" / "assets"


def read(packed: str) -> list[float | None]:
    """The numbers of a column."""
    return unpacked(json.loads(packed))


def shortened(value: float) -> float:
    """A number with the digits that a chart keeps; whole ones have all of theirs."""
    return value if value.is_integer() else float(f"{value:.{7 if abs(value) >= 1e5 else 5}g}")


def test_integers_stay_exact() -> None:
    """Timesteps are never rounded."""
    assert read(column(np.array([1_234_567_891, 3]))) == [1_234_567_891, 3]
    assert read(column([1_234_567_891.0])) == [1_234_567_891]


def test_five_digits() -> None:
    """Measured values keep five significant digits, large ones seven."""
    assert read(column([0.123456789, 20.4987654, 123456.789123])) == [0.12346, 20.499, 123456.8]


def test_missing_is_none() -> None:
    """NaN and infinities are missing, never 0."""
    assert read(column([NAN, float("inf"), -float("inf")])) == [None, None, None]
    assert read(column([NAN, 2.5, float("inf"), -1.0, NAN])) == [None, 2.5, None, -1, None]


@pytest.mark.parametrize(
    "values",
    [
        [0.1],
        [NAN, 7.0],
        [7.0, NAN, NAN],
        [0.0, -0.0, 0.0],
        [1e-320, 1.0],
        [1e-9, 2.0, 1e9],
        [2.0**52 + 2, 1.0],
        [5.0, 5.0, NAN, 5.0],
        [-0.0114, -0.00987, -0.0112],
        [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0],
    ],
)
def test_packing_loses_nothing(values: list[float]) -> None:
    """Short numbers come back as the very same ones."""
    assert read(column(values)) == [None if math.isnan(value) else value for value in values]


def test_numbers_too_large_for_whole_ones() -> None:
    """They are written as they are, with seven digits."""
    assert read(column([1.7e308, -1.7e308])) == pytest.approx([1.7e308, -1.7e308], rel=1e-6)
    assert read(column([2.0**53 + 2, 1.0])) == pytest.approx([2.0**53, 1.0], rel=1e-6)


def test_packing_loses_nothing_of_random_columns() -> None:
    """Values, sums, steps and constants, some of them missing, many at once."""
    rng = np.random.default_rng(5)
    for count in (1, 2, 3, 50, 700):
        table = np.stack(
            [
                rng.normal(size=count) * 10.0 ** rng.integers(-12, 12),
                np.cumsum(rng.integers(0, 9, count)) * 2048.0,
                np.full(count, 0.00025),
                np.round(rng.normal(size=count), 3),
                rng.integers(-5, 5, count) * 1e14,
            ]
        )
        table[rng.random(table.shape) < 0.1] = NAN
        for packed, values in zip(columns(table), table, strict=True):
            assert read(packed) == [None if math.isnan(value) else shortened(value) for value in values]
            assert PACKED.fullmatch(packed) or packed.count(",") == count - 1


def test_even_steps_are_a_few_numbers() -> None:
    """An axis costs nothing where its steps are even, and a letter a row where its hours nearly are."""
    steps, hours = columns(np.stack([np.arange(200) * 2048.0, np.arange(200) * 2048 / 540 / 3600]), hours=1)
    assert len(steps) < 30
    assert len(hours) < 240
    assert read(hours) == pytest.approx((np.arange(200) * 2048 / 540 / 3600).tolist(), abs=1e-5)


def test_hours_of_a_short_run_are_told_apart() -> None:
    """However short the run, there are ten thousand places on its axis."""
    assert read(columns(np.linspace(0, 0.001, 11)[None], hours=0)[0]) == pytest.approx(
        np.linspace(0, 0.001, 11).tolist(), abs=1e-7
    )
    assert read(columns(np.empty((1, 0)), hours=0)[0]) == []


def test_no_letter_has_to_be_escaped() -> None:
    """A packed column stands in a script as it is, and every letter is one of its own."""
    assert len(set(ALPHABET)) == len(ALPHABET) == 89
    assert json.dumps(ALPHABET) == f'"{ALPHABET}"'
    assert f'ALPHABET = "{ALPHABET}"' in (ASSETS / "runsum-tools.js").read_text(encoding="utf-8")


def test_the_charts_of_a_run_are_its_rows(built_site: BuiltSite) -> None:
    """Every value of a data script is one of the file with all rows, at the step where it stands there."""
    compared = 0
    for script in sorted(built_site.docs.glob("runs/*/data.js")):
        data = read_script(script.read_text(encoding="utf-8"))
        rows = list(
            csv.DictReader(gzip.decompress(script.with_name("metrics.csv.gz").read_bytes()).decode().splitlines())
        )
        for name, metric in (("reward", "episode_reward_mean"), ("value-loss", "value_loss"), ("kl", "kl_divergence")):
            chart = data["charts"].get(name)
            if chart is None:
                continue
            axis = data["axes"][chart["x"]]
            known = {(row["timestep"], row["session"]): row for row in rows}
            sessions = axis.get("s", [0] * len(axis["t"]))
            for step, hours, session, value in zip(axis["t"], axis["h"], sessions, chart["v"], strict=True):
                row = known[f"{step:.0f}", f"{session:.0f}"]
                assert value == (shortened(float(row[metric])) if row[metric] else None)
                assert hours is None or hours == pytest.approx(float(row["hours"]), abs=6e-5)
                compared += 1
    assert compared > 200
