"""The recorded values of a column: NumPy's median and percentiles, to the bit."""

import math

import numpy as np
import pytest

from runsum.cleaning.values import Values, middle, percentile_of, row_middles

SIZES = (1, 2, 3, 4, 5, 11, 60, 101, 1000)


def drawn(size: int) -> np.ndarray:
    """Values of every order of magnitude, some of them alike."""
    rng = np.random.default_rng(size)
    values = rng.normal(size=size) * 10.0 ** rng.integers(-12, 12, size=size)
    return np.where(rng.random(size) < 0.2, 1.5, values)


@pytest.mark.parametrize("size", SIZES)
def test_medians_are_those_of_numpy(size: int) -> None:
    values = drawn(size)
    assert middle(values) == float(np.median(values))
    assert Values(values).median == float(np.median(values))


@pytest.mark.parametrize("size", SIZES)
def test_percentiles_are_those_of_numpy(size: int) -> None:
    values = drawn(size)
    for percent in (5, 25, 75, 90, 95):
        assert percentile_of(np.sort(values), percent) == float(np.percentile(values, percent))


@pytest.mark.parametrize("width", (1, 2, 7, 16))
def test_medians_of_rows_are_those_of_numpy(width: int) -> None:
    table = drawn(12 * width).reshape(12, width)
    assert row_middles(table).tolist() == np.median(table, axis=1).tolist()


@pytest.mark.parametrize("size", (1, 2))
def test_a_nought_has_no_sign(size: int) -> None:
    """A loss that is logged with its sign turned would else be told as -0."""
    noughts = np.full(size, -0.0)
    assert math.copysign(1, middle(noughts)) == 1
    assert math.copysign(1, row_middles(noughts[None, :])[0]) == 1


def test_the_median_of_one_enormous_value_is_that_value() -> None:
    assert middle(np.array([1e308])) == 1e308


def test_what_was_not_recorded_is_no_value() -> None:
    """Also where nothing was recorded at all."""
    column = Values(np.array([3.0, math.nan, 1.0, math.nan, 2.0]))
    assert (len(column), column.seen.tolist(), column.ordered.tolist()) == (3, [3.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    assert (column.mean, column.median, column.least, column.most) == (2.0, 2.0, 1.0, 3.0)
    nothing = Values(np.array([math.nan]))
    assert (len(nothing), nothing.median) == (0, None)
