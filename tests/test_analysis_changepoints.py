"""Where a series changes: `runsum.analysis.changepoints` on series whose changes are known."""

from __future__ import annotations

import numpy as np
import pytest

from runsum.analysis.changepoints import MOST_BINS, Course, find_course, thin
from support.analysis import floats

PENALTY = 3.0


def course(*values: float) -> Course:
    y = floats(*values)
    return find_course(thin(np.arange(len(y), dtype=np.float64), y), PENALTY)


def noisy(mean: np.ndarray, seed: int, noise: float = 1.0) -> np.ndarray:
    return np.asarray(mean + np.random.default_rng(seed).normal(0.0, noise, len(mean)))


def test_a_straight_line_has_no_change() -> None:
    """One stretch, with the values at its ends."""
    found = course(*range(50))
    assert [(s.first, s.last, round(s.begin, 6), round(s.end, 6)) for s in found.segments] == [(0, 49, 0.0, 49.0)]
    assert found.changes == ()


def test_a_bend_is_found_where_it_is() -> None:
    """A rise that ends at bin 40; the change lies within the band given for it."""
    found = course(*noisy(np.minimum(np.arange(100.0), 40.0), 1, 0.5))
    assert len(found.changes) == 1
    change = found.changes[0]
    assert change.low <= 40 <= change.high
    assert change.high - change.low <= 8


def test_a_step_is_found_to_the_bin() -> None:
    """Between two levels far apart there is one place for the change."""
    found = course(*noisy(np.where(np.arange(100) < 60, 10.0, 30.0), 2))
    assert [(change.low, change.high) for change in found.changes] == [(60, 60)]


@pytest.mark.parametrize("seed", range(8))
def test_noise_alone_is_hardly_ever_cut(seed: int) -> None:
    """White noise around a level: no change."""
    assert course(*noisy(np.full(120, 5.0), seed)).changes == ()


def test_a_dearer_change_is_made_less_often() -> None:
    """The penalty decides how much better a cut must fit."""
    y = noisy(np.sin(np.arange(120) / 10), 3, 0.3)
    counts = [len(find_course(thin(np.arange(120.0), y), penalty).changes) for penalty in (1.0, 3.0, 300.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 0


def test_a_long_series_is_thinned() -> None:
    """However many rows, the work is that of the bins, and their means are of equally many values."""
    found = thin(np.arange(12_345.0), np.arange(12_345.0))
    assert len(found.y) == MOST_BINS
    assert found.y[0] == pytest.approx(51, abs=1)
    assert np.allclose(found.x, found.y)


def test_noise_and_likeness_of_neighbours_are_estimated() -> None:
    """White noise of one; a rolling mean of it is as noisy as it looks, and its neighbours are alike."""
    white = np.random.default_rng(4).normal(0.0, 1.0, 120)
    plain = thin(np.arange(120.0), white)
    assert 0.7 < plain.noise < 1.4
    assert plain.correlation < 0.35
    rolled = np.convolve(np.random.default_rng(5).normal(0.0, 1.0, 125), np.ones(6) / 6, "valid")
    assert thin(np.arange(120.0), rolled).correlation > 0.5


def test_a_trend_is_no_drift() -> None:
    """A straight rise does not count as slow noise, however steep."""
    steep = thin(np.arange(120.0), noisy(np.arange(120.0) * 10, 6))
    assert 0.0 < steep.drift < 2.0


@pytest.mark.parametrize("values", [(1.0,), (1.0, 2.0, 3.0), (7.0,) * 50])
def test_little_or_constant_data_is_one_stretch(values: tuple[float, ...]) -> None:
    """Nothing to cut."""
    found = course(*values)
    assert (len(found.segments), found.changes) == (1, ())
    assert found.fitted[-1] == pytest.approx(values[-1])
