"""Static charts: round ticks where they belong, labels that are read, and no drawing that fails."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runsum.axes import static_chart, tick_label, ticks


@pytest.mark.parametrize(
    ("low", "high", "count", "wanted"),
    [
        (0.0, 409_600.0, 6, [0, 100_000, 200_000, 300_000, 400_000]),
        (-19.9, 20.2, 4, [-10, 0, 10, 20]),
        (0.0, 1.0, 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (7.0, 7.0, 4, [7.0]),
        (0.0, 5e-324, 4, [0.0]),
        (-1.7e308, 1.7e308, 4, [-1.7e308]),
    ],
)
def test_ticks_are_round_numbers_within_the_axis(low: float, high: float, count: int, wanted: list[float]) -> None:
    """Multiples of 1, 2 or 5 times a power of ten."""
    assert ticks(low, high, count) == pytest.approx(wanted)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300), st.integers(2, 8))
def test_there_are_never_many_ticks_and_all_lie_within(one: float, other: float, count: int) -> None:
    """Whatever the axis; of one without extent there is one."""
    low, high = min(one, other), max(one, other)
    found = ticks(low, high, count)
    assert 1 <= len(found) <= 3 * count
    assert all(low - (high - low) * 1e-6 <= tick <= high + (high - low) * 1e-6 for tick in found)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.0, "0"), (-0.0, "0"), (-10.0, "−10"), (0.30000000000000004, "0.3"), (2_500.0, "2500"), (50_000.0, "50k"),
        (1_200_000.0, "1.2M"), (-3e9, "−3G"), (4e20, "4e+20"), (0.00025, "0.00025"),
    ],
)  # fmt: skip
def test_labels_are_short(value: float, label: str) -> None:
    """Units from 10,000 on, no noise of floats, a minus that is one."""
    assert tick_label(value) == label


def test_a_tick_stands_where_the_curve_has_its_value() -> None:
    """The curve goes through (4, 60): the ticks of both stand at its place."""
    drawn = ET.fromstring(static_chart([0.0, 4.0, 12.0], [0.0, 60.0, 100.0], "timesteps", "reward"))
    labels = {node.text: node.attrib for node in drawn.iter("text")}
    steps = [int(number) for number in re.findall(r"-?\d+", str(next(drawn.iter("path")).get("d")))]
    across, down = (steps[0] + steps[2]) / 2, (steps[1] + steps[3]) / 2  # two units for one of the drawing
    assert float(labels["4"]["x"].rstrip("%")) == pytest.approx(across / 720 * 100, abs=0.1)
    assert float(labels["60"]["y"].rstrip("%")) == pytest.approx(down / 160 * 100, abs=0.2)
    assert {"timesteps", "reward"} <= set(labels)


def test_without_values_there_are_no_axes() -> None:
    """An axis of nothing says nothing."""
    assert "<text" not in static_chart([1.0, 2.0], [np.nan, np.nan], "timesteps", "reward")


@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_any_numbers_can_be_drawn(values: list[float]) -> None:
    """Infinite, missing, the largest and the smallest."""
    drawn = ET.fromstring(static_chart(np.arange(float(len(values))), values, "timesteps", "reward"))
    assert drawn.get("aria-hidden") == "true"
