"""Chart data: which points stay, how numbers are written, and what no text can break."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from runsum.chartdata import STATIC_POINTS, data_script, select_points, sparkline, static_curve

NAN = float("nan")
HOSTILE = "</script><script>alert(1)</script>&\u2028\u2029 \"quoted\" 'single'"


def points_of(svg: str) -> list[list[tuple[float, float]]]:
    """Return the coordinates of each piece of a static curve, which has two units for one of its width."""
    (*paths,) = ET.fromstring(svg)
    lines = [line for path in paths for line in path.attrib["d"].split("M")[1:]]
    numbers = [np.array(re.findall(r"-?\d+", line), dtype=float).reshape(-1, 2) for line in lines]
    return [[(float(x), float(y)) for x, y in steps.cumsum(axis=0) / 2] for steps in numbers]


def paths_of(svg: str) -> list[list[tuple[float, float]]]:
    """Return the coordinates of each path, which begins somewhere and goes on in differences."""
    pieces = []
    for path in ET.fromstring(svg):
        numbers = [float(word) for word in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", path.attrib["d"])]
        steps = np.array(numbers).reshape(-1, 2)
        pieces.append([(float(x), float(y)) for x, y in steps.cumsum(axis=0)])
    return pieces


def test_short_series_is_kept_whole() -> None:
    """A series within the limit keeps every row."""
    assert select_points([1.0, 2.0, 3.0], [[5.0, NAN, 7.0]], [], 3).tolist() == [0, 1, 2]


def test_extremes_stay() -> None:
    """A crash that lasts one row, and a peak, survive any thinning."""
    y = np.sin(np.linspace(0, 9, 10_000))
    y[4_321], y[7_777] = -50.0, 50.0
    rows = select_points(np.arange(10_000.0), [y], [], 100)
    assert {0, 4_321, 7_777, 9_999} <= set(rows.tolist())


def test_kept_rows_stay() -> None:
    """Rows that must stay do, also where their values are missing."""
    y = np.full(5_000, NAN)
    assert {17, 2_500} <= set(select_points(np.arange(5_000.0), [y], [17, 2_500], 50).tolist())


def test_rows_outside_are_ignored() -> None:
    """A boundary outside the series is ignored rather than an error."""
    rows = select_points(np.arange(1_000.0), [np.ones(1_000)], [-1, 1_000, 5_000], 20)
    assert rows.min() == 0
    assert rows.max() == 999


@pytest.mark.parametrize("series", [1, 2, 5])
def test_limit_holds(series: int) -> None:
    """About as many rows remain as the limit says, however many series share them."""
    y = [np.random.default_rng(i).normal(size=20_000) for i in range(series)]
    rows = select_points(np.arange(20_000.0), y, [5_000, 12_000], 600)
    assert 300 <= len(rows) <= 620


def test_rows_ascend_once() -> None:
    """Rows come in ascending order, each once."""
    rows = select_points(np.arange(9_000.0), [np.random.default_rng(1).normal(size=9_000)] * 2, [0, 10], 200)
    assert np.all(np.diff(rows) > 0)


def test_x_may_step_back() -> None:
    """Where a session starts again below the last timestep, both sessions keep points."""
    x = np.concatenate([np.arange(3_000.0), np.arange(2_000.0, 5_000.0)])
    rows = select_points(x, [np.sin(x / 200)], [3_000], 100)
    assert (rows < 3_000).sum() > 30
    assert (rows >= 3_000).sum() > 30


def test_unannounced_step_back_is_no_error() -> None:
    """An x in any order is accepted."""
    x = np.random.default_rng(3).permutation(2_000).astype(float)
    assert len(select_points(x, [x], [], 100)) <= 110


def test_empty_is_no_error() -> None:
    """No rows give no rows."""
    assert select_points([], [[]], [], 10).tolist() == []


@pytest.mark.parametrize("value", [0.0, NAN, float("inf"), -1e308])
def test_constant_is_no_error(value: float) -> None:
    """A constant, missing or infinite series keeps its ends."""
    rows = select_points(np.arange(1_000.0), [np.full(1_000, value)], [], 10).tolist()
    assert {0, 999} <= set(rows)


def test_no_series_keeps_even_rows() -> None:
    """Positions without any series are thinned evenly."""
    assert len(select_points(np.arange(1_000.0), [], [], 50)) >= 40


def test_more_boundaries_than_limit() -> None:
    """Boundaries beyond the limit all stay."""
    rows = select_points(np.arange(1_000.0), [np.arange(1_000.0)], range(0, 1_000, 5), 50)
    assert len(rows) >= 200


def test_script_is_ascii_safe() -> None:
    """No text, and no key, can end the script or break a line."""
    script = data_script(HOSTILE, {"events": [{"text": HOSTILE}]}).decode()
    assert not set("<>&\u2028\u2029") & set(script)
    assert script.count("\n") == 1


def test_script_round_trips() -> None:
    """The browser reads the very text that was given."""
    script = data_script("k", {"text": HOSTILE + " é 漢"}).decode()
    assert json.loads(script.removeprefix('(window.runsumData=window.runsumData||{})["k"]=')[:-2]) == {
        "text": HOSTILE + " é 漢"
    }


def test_script_survives_half_a_character() -> None:
    """A lone surrogate, as broken databases hold it, is replaced."""
    assert b"a?b" in data_script("k", {"text": "a\ud800b"})


def test_script_refuses_nan() -> None:
    """NaN is not JSON: it is an error here, not in the reader's browser."""
    with pytest.raises(ValueError, match="JSON"):
        data_script("k", {"v": [NAN]})


def test_curve_is_silent() -> None:
    """A curve is hidden from screen readers: its figure says what it shows."""
    attributes = ET.fromstring(static_curve([0.0, 1.0], [1.0, 2.0])).attrib
    assert attributes["aria-hidden"] == "true"
    assert not {"role", "aria-label"} & set(attributes)


def test_curve_is_one_line() -> None:
    """A curve is one line of HTML, so that Markdown leaves it alone."""
    assert "\n" not in static_curve(np.arange(500.0), np.random.default_rng(0).normal(size=500))


def test_curve_goes_up() -> None:
    """A larger value is higher, which is a smaller coordinate."""
    (line,) = points_of(static_curve([0.0, 1.0], [1.0, 2.0]))
    assert line[1][1] < line[0][1]


def test_curve_breaks_at_missing() -> None:
    """A stretch of missing values breaks the curve in pieces."""
    y = [1.0, 2.0, 3.0, NAN, NAN, NAN, 2.0, 1.0]
    assert len(points_of(static_curve(np.arange(8.0), y))) == 2


def test_sparse_curve_is_whole() -> None:
    """A column written at every tenth row is one line, not dots."""
    y = np.full(1_000, NAN)
    y[::10] = np.arange(100)
    assert len(points_of(static_curve(np.arange(1_000.0), y))) == 1


def test_curve_breaks_where_x_steps_back() -> None:
    """Two sessions are two pieces, not a zigzag."""
    assert len(points_of(static_curve([0.0, 1.0, 2.0, 1.0, 2.0, 3.0], np.arange(6.0)))) == 2


def test_silence_keeps_a_missing_row() -> None:
    """A long stretch without values stays visible among the points kept."""
    y = np.sin(np.arange(5_000.0) / 300)
    y[2_000:2_500] = NAN
    rows = select_points(np.arange(5_000.0), [y], [], 100)
    assert np.isnan(y[rows]).sum() == 1
    assert {1_999, 2_500} <= set(rows.tolist())


def test_long_curve_breaks_at_missing() -> None:
    """A break survives thinning."""
    y = np.sin(np.linspace(0, 20, 5_000))
    y[2_000:2_100] = NAN
    lines = points_of(static_curve(np.arange(5_000.0), y))
    assert len(lines) == 2
    assert sum(map(len, lines)) <= STATIC_POINTS + 10


def test_constant_curve_is_level() -> None:
    """A constant lies in the middle."""
    (line,) = points_of(static_curve([0.0, 1.0], [7.0, 7.0], height=100))
    assert {y for _, y in line} == {50.0}


@pytest.mark.parametrize("y", [[], [NAN], [NAN, NAN]])
def test_curve_of_nothing(y: list[float]) -> None:
    """Nothing to draw gives an empty drawing."""
    assert points_of(static_curve(np.arange(len(y)), y)) == []
    assert paths_of(sparkline(y)) == []


def test_one_point_is_a_dot() -> None:
    """A single value is still seen."""
    ((first, second),) = paths_of(sparkline([3.0]))
    assert first == second


def test_huge_values_stay_in_the_drawing() -> None:
    """Values at the end of the number range give no infinite coordinate."""
    (line,) = points_of(static_curve([0.0, 1.0, 2.0], [-1.7e308, 0.0, 1.7e308], height=100))
    assert all(0 <= y <= 100 for _, y in line)


def test_sparkline_follows_the_values() -> None:
    """Differences add up to the places of the values, to a tenth of a pixel."""
    y = np.sin(np.arange(40) / 5)
    (path,) = paths_of(sparkline(y, width=160, height=36))
    scaled = 2 + (y.max() - y) / np.ptp(y) * 32
    assert [x for x, _ in path] == pytest.approx(np.linspace(2, 158, 40), abs=0.051)
    assert [v for _, v in path] == pytest.approx(scaled, abs=0.051)


def test_sparkline_is_as_short_as_wanted() -> None:
    """Of a long curve so many points are drawn, the least and the largest value among them."""
    y = np.sin(np.arange(500) / 9)
    y[250] = 5.0
    (path,) = paths_of(sparkline(y, points=30))
    assert len(path) <= 34
    assert min(v for _, v in path) == pytest.approx(2.0)


def test_sparkline_breaks_at_missing() -> None:
    """Two pieces where values are missing."""
    assert len(paths_of(sparkline([1.0, 2.0, 3.0, NAN, NAN, NAN, 2.0, 1.0]))) == 2


def test_sparkline_is_silent() -> None:
    """A sparkline is hidden from screen readers: the number beside it says the same."""
    assert 'aria-hidden="true"' in sparkline([1.0, 2.0])


def test_every_chart_is_valid() -> None:
    """Builds save the time to hold a spec against the schema of Vega-Lite; a misspelt property would be ignored."""
    from runsum.charts import CHART_KINDS

    for _, draw in CHART_KINDS:
        assert draw().to_dict(validate=True)["layer"]


def test_chart_specs_are_deterministic() -> None:
    """Two calls, and two processes, write the same chart specs."""
    from runsum.charts import charts_script

    program = "import sys; from runsum.charts import charts_script; sys.stdout.buffer.write(charts_script())"
    other = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert charts_script() == charts_script() == other
