"""The machine's clock as the rows tell of it: `runsum.cleaning.wall_clock`."""

from __future__ import annotations

import pytest

from runsum.cleaning.wall_clock import WallClock, read_clock
from support.cleaning import NAN, NOON, floats

HOUR = 3600.0
BACK = WallClock((-5 * HOUR, -6 * HOUR), (NOON,))  # set back by an hour at noon UTC
FORTH = WallClock((-6 * HOUR, -5 * HOUR), (NOON,))


def test_rows_tell_when_the_clock_was_set() -> None:
    """Each offset holds from the first row of it on."""
    utc = floats(*(NOON + 10 * row for row in range(6)))
    assert read_clock(utc - HOUR * floats(5, 5, 5, 6, 6, 6), utc) == WallClock((-5 * HOUR, -6 * HOUR), (NOON + 30,))


@pytest.mark.parametrize(
    "ahead",
    [[5, 5, 5, 4.75, 5, 5, 5], [5, 5, 5, 4.75, 4.75, 4.75, 5, 5], [4.5, 5, 5, 5], [5, 5, 5, NAN, 5, 5], [5], [5, 5]],
)
def test_a_row_that_was_written_late_is_no_change(ahead: list[float]) -> None:
    """Nor is one without a time."""
    utc = floats(*(NOON + 10 * row for row in range(len(ahead))))
    assert read_clock(utc + HOUR * floats(*ahead), utc) == WallClock((5 * HOUR,))


def test_without_rows_local_time_is_used_as_it_is() -> None:
    """Nobody knows an offset then."""
    assert read_clock(floats(), floats()).utc(NOON) == NOON


def test_an_hour_that_came_twice() -> None:
    """The half hour before the change and the one an hour later look alike."""
    assert [BACK.utc(NOON - 5.5 * HOUR, last=last) - NOON for last in (False, True)] == [-0.5 * HOUR, 0.5 * HOUR]
    assert [BACK.local(NOON + HOUR * at) - NOON for at in (-1, 0, 1)] == [-6 * HOUR, -6 * HOUR, -5 * HOUR]


def test_an_hour_that_was_left_out() -> None:
    """It never was on the clock, so any moment near the change will do."""
    assert FORTH.utc(NOON - 5.5 * HOUR) == NOON - 0.5 * HOUR
    assert [FORTH.local(NOON + HOUR * at) - NOON for at in (-1, 0)] == [-7 * HOUR, -5 * HOUR]


def test_moments_in_write_order_know_their_hour() -> None:
    """Samples after a step back are those of the second time."""
    local = floats(-5.75, -5.25, -5.75, -5.25, -4.75) * HOUR + NOON
    assert ((BACK.utc_column(local) - NOON) / HOUR).tolist() == [-0.75, -0.25, 0.25, 0.75, 1.25]
