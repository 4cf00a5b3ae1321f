"""What the run finder is given: columns, their packed form, sparklines, numbers in words."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from runsum import formatting
from runsum.archive.archive import make_archive
from runsum.archive.slugs import SlugMaker
from runsum.model import missing, phrase, problem
from runsum.pages.run_columns import find_columns, measured
from runsum.pages.run_index import packed
from runsum.render import Renderer
from runsum.resources import template_folder
from runsum.traits import sparkline_code
from support.browser import FINDER, from_a_server, visiting
from support.command import build
from support.digests import LIMITS, learned
from support.rows import add_run
from support.schema import database

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from conftest import BuiltSite


def unpacked(column: dict[str, Any]) -> list[Any]:
    """The values of a packed column, read the way its description says."""
    if "values" in column:
        return list(column["values"])
    distinct = [None, *column["distinct"]]
    return [
        tuple(distinct[p] for p in place) if isinstance(place, list) else distinct[place] for place in column["places"]
    ]


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b", "a", "a", None, "b"],
        [1, 2, 3, 4, 5, 6],
        [0, 0, 0, None, 0],
        [None, None],
        [("x", "y"), (), ("y",)],
        [0.5, 0.5, 1, 0.5, 0.5, 0.5],
        [],
    ],
)
def test_a_packed_column_says_the_same(values: list[Any]) -> None:
    """Whatever form is chosen, it reads back as the values; a nought is no missing value."""
    assert unpacked(packed(values)) == values
    assert unpacked(packed(values, as_places=True)) == values


def test_a_facet_counts_in_a_small_archive_too() -> None:
    """Three games of five runs hardly repeat; their counts stand beside the table all the same."""
    values = ["Pong", "Breakout", "Tetris", "Breakout", None]
    assert "distinct" not in packed(values)
    assert packed(values, as_places=True) == {"distinct": ["Pong", "Breakout", "Tetris"], "places": [1, 2, 3, 2, 0]}


def test_repeated_values_are_stored_once() -> None:
    """A column of few values is places among them."""
    assert packed(["Pong"] * 9 + ["Breakout"] * 9)["distinct"] == ["Pong", "Breakout"]


def test_what_must_be_known_of_a_best_has_a_column() -> None:
    """In the words of all tables; where it is nothing there is no such column to choose, and the table puts no star."""
    unknown = {"gpu_avg": missing("gpu.none"), "error_summary_if_failed": missing("error.none")}
    runs = (learned("lucky"), learned("steady", at=1), learned("huge", at=2, problems=(problem("large_rewards_lost"),)))
    lucky, steady, huge = (replace(run, summary={**run.summary, **unknown}) for run in runs)
    lucky = replace(lucky, signals={**lucky.signals, "best_early": 1.0})
    some, none = (make_archive(runs, (), SlugMaker(), LIMITS, {}) for runs in ((lucky, steady, huge), (steady,)))
    words = Renderer(template_folder()).words
    columns = {column.name: column.values for column in find_columns(some, {}, words)}
    assert dict(zip(columns["run"], columns["best_of"], strict=True)) == {
        "lucky": words(phrase("reward.early")), "steady": None, "huge": words(phrase("reward.digits_lost")),
    }  # fmt: skip
    assert "best_of" not in {column.name for column in find_columns(none, {}, words)}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (34.7666666667, 34.7667),
        (34.7670012, 34.767001),
        (100.0011, 100.001),
        (100.000016, 100.00002),
        (99.9999999, 99.9999999),
        (100.0, 100.0),
        (0.1 + 0.2, 0.3),
        (float("nan"), None),
        (None, None),
    ],
)
def test_a_measured_number_stays_on_its_side_of_a_limit(value: float | None, kept: float | None) -> None:
    """Six digits, and more where they would read as five or fewer: what lies above 100 is above 100."""
    assert measured(value) == kept


@pytest.mark.parametrize(
    ("rewards", "code"),
    [
        ((), None),
        ((3.0,), None),
        ((0.0, 61.0), "0Z"),
        ((5.0, 5.0, 5.0), "uuu"),
        ((float("nan"), 1.0, 0.0), "Z0"),
        ((-1e308, 1e308), None),
        ((0.0, 5e-324), "0Z"),
    ],
)
def test_a_sparkline_is_a_digit_a_point(rewards: tuple[float, ...], code: str | None) -> None:
    """From the least (0) to the largest (Z); a constant lies in the middle; one point is no curve."""
    assert sparkline_code(rewards) == code


def test_a_long_curve_keeps_its_ends() -> None:
    """30 points of 1,000, the first and the last among them."""
    code = sparkline_code([float(value) for value in range(1000)])
    assert code is not None
    assert (len(code), code[0], code[-1]) == (30, "0", "Z")


def test_every_run_has_its_row_and_its_settings(built_site: BuiltSite) -> None:
    """The data file has a row for each run page, and what no run has is no column."""
    script = (built_site.docs / "data" / "runs.js").read_text(encoding="utf-8")
    table = json.loads(script.partition("=")[2].partition("=")[2].removesuffix(";\n"))
    columns = {column["name"]: column for column in table["columns"]}
    ids = unpacked(columns["run"])
    slugs = [table["slugs"].get(str(place), run_id) for place, run_id in enumerate(ids)]
    assert sorted(slugs) == sorted(page.parent.name for page in built_site.docs.glob("runs/*/index.md"))
    place = ids.index(built_site.wanted.run_id)
    assert unpacked(columns["learning_rate"])[place] == built_site.wanted.learning_rate
    assert unpacked(columns["batch_size"])[place] == built_site.wanted.batch_size
    assert all(
        any(value not in (None, ()) for value in unpacked(column)) for column in columns.values() if not column["shown"]
    )
    assert len(columns) == len(table["columns"])


def test_everything_the_finder_needs_is_on_its_way_from_the_head_on(built_site: BuiltSite) -> None:
    """The page preloads the scripts that runsum.js asks for, and the data: nothing waits for the first of them."""
    script = (built_site.docs / "assets" / "runsum" / "runsum.js").read_text(encoding="utf-8")
    scripts = re.findall(r'"([^"]+)"', script.partition("finder: {")[2].partition("scripts: [")[2].partition("]")[0])
    head = (built_site.docs / "runs" / "index.md").read_text(encoding="utf-8").split("---")[1]
    assert yaml.safe_load(head)["preload"] == [*(f"assets/runsum/{name}" for name in scripts), "data/runs.js"]


def test_a_text_that_was_cut_says_so(tmp_path: Path) -> None:
    """Its end is no word, and `runsum check` takes it for no name of a machine."""
    words = "a word " * 26 + "https://hubert.example.org/runs"  # 200 characters end within the name
    with database(tmp_path / "data.db") as con:
        add_run(con, "run-00000001", {"remark": words}, custom_name=words)
    assert build(tmp_path / "data.db", tmp_path).returncode == 0
    script = (tmp_path / "docs" / "data" / "runs.js").read_text(encoding="utf-8")
    table = json.loads(script.partition("=")[2].partition("=")[2].removesuffix(";\n"))
    said = {column["name"]: unpacked(column)[0] for column in table["columns"]}
    for name in ("name", "remark"):
        assert len(said[name]) == 200
        assert said[name].endswith("https://hubert.ex…")


NUMBERS = (
    0, 1, -1, 5, 9.5, 10, 12.25, 12.35, 99.94, 99.95, 99.96, 99.999, 100, 547.3, 999.4, 999.5, 1000, 1234.5, 9999.95,
    10_000, 12_250, 12_350, 99_950, 503_808, 810_000, 999_949, 999_950, 1_220_608, 16_200_000, 1e9, -20.8, -0.04, 0.5,
    0.25, 0.125, 2.5e-4, 1e-5, 3e-05, 0.000137, 1 / 3, 7.25, 7.35, 0.05, 59.5, 89, 90, 119.5, 3570, 3630, 172_800,
    1e6 + 0.5,
)  # fmt: skip


@from_a_server
@pytest.mark.browser
@pytest.mark.parametrize(
    "name", ["steps", "exact", "reward", "percent", "duration", "hours", "speed", "whole_percent", "mib", "setting"]
)
def test_the_browser_prints_numbers_like_the_pages(browser: Browser, address: str, name: str) -> None:
    """runsum-format.js and formatting.py agree, ties of rounding included."""
    with visiting(browser, address) as visit:
        page = visit.open(FINDER)
        page.wait_for_function("() => window.runsum && window.runsum.format")
        printed = page.evaluate(
            "([name, values]) => values.map(value => window.runsum.format[name](value))", [name, NUMBERS]
        )
    wanted = [getattr(formatting, name)(int(value) if float(value).is_integer() else value) for value in NUMBERS]
    assert dict(zip(NUMBERS, printed, strict=True)) == dict(zip(NUMBERS, wanted, strict=True))


WRITTEN = {
    ("2,686", "reward"): 2686,
    ("-1,234.5", "reward"): -1234.5,
    ("−20.8", "reward"): -20.8,
    ("2,5", "reward"): None,
    ("12,3456", "reward"): None,
    ("450.6 k", "steps"): 450_600,
    ("2.5M", "steps"): 2_500_000,
    ("1,234 steps/s", "speed"): 1234,
    ("1.2 kWh", "kwh"): 1.2,
    ("99.9 %", "percent"): 99.9,
    ("3e-4", "setting"): 0.0003,
    (".5", "setting"): 0.5,
    ("7", "hours"): 7,
    ("36 s", "hours"): 0.01,
    ("53 min", "hours"): 0.883333,
    ("30m", "hours"): 0.5,
    ("34 h 46 min", "hours"): 34.7667,
    ("3 d 2 h", "hours"): 74,
    ("3d2h", "hours"): 74,
    ("30 k", "hours"): None,
    ("3 h", "steps"): None,
    ("x", "steps"): None,
}


@from_a_server
@pytest.mark.browser
def test_the_browser_reads_numbers_as_it_prints_them(browser: Browser, address: str) -> None:
    """Grouped digits, units with and without a blank, durations in hours; what else is no number."""
    with visiting(browser, address) as visit:
        page = visit.open(FINDER)
        page.wait_for_function("() => window.runsum && window.runsum.numbers")
        read = page.evaluate(
            "(texts) => texts.map(([text, format]) => window.runsum.numbers.numberOf(text, format))",
            [list(key) for key in WRITTEN],
        )
    found = dict(zip(WRITTEN, (None if math.isnan(value) else pytest.approx(value) for value in read), strict=True))
    assert found == WRITTEN
