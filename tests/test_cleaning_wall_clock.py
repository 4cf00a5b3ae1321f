"""The machine's clock as the rows tell of it: `runsum.cleaning.wall_clock`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runsum.cleaning.wall_clock import WallClock, has_spread, read_clock, utc_offset_s, utc_seconds
from support.cleaning import NAN, NOON, SIX_HOURS, floats, table

HOUR = 3600.0
BACK = WallClock((-5 * HOUR, -6 * HOUR), (NOON,), (NOON,))  # set back by an hour at noon UTC
FORTH = WallClock((-6 * HOUR, -5 * HOUR), (NOON,), (NOON,))


def test_rows_tell_when_the_clock_was_set() -> None:
    """Each offset is known from its first row to its last; between those of two, nobody knows."""
    utc = floats(*(NOON + 10 * row for row in range(6)))
    told = read_clock(utc - HOUR * floats(5, 5, 5, 5, 6, NAN), utc)
    assert told == WallClock((-5 * HOUR, -6 * HOUR), (NOON + 30,), (NOON + 40,))


@pytest.mark.parametrize(
    ("difference", "offset"),
    [(-21_600.0, -21_600.0), (-21_597.2, -21_600.0), (19_800.0, 19_800.0), (0.4, 0.0), (50_400.0, 50_400.0)],
)
def test_offset_is_rounded_to_a_quarter_of_an_hour(difference: float, offset: float) -> None:
    """Whole-second UTC stamps beside local microseconds still give a zone."""
    assert utc_offset_s(floats(NOON + difference), floats(NOON)) == offset


@pytest.mark.parametrize(("local", "created"), [([NOON], [NAN]), ([NOON], [NOON - 15 * 3600]), ([], [])])
def test_no_offset_from_nothing_or_nonsense(local: list[float], created: list[float]) -> None:
    """No zone is 15 hours from UTC; without both stamps nothing is known."""
    assert utc_offset_s(floats(*local), floats(*created)) is None


def test_utc_keeps_the_fraction_of_the_local_stamp() -> None:
    """The UTC column has whole seconds; the local one knows better."""
    seconds, offset = utc_seconds(table([100, 200], [1, 2], at=[0.25, 10.75]))
    assert (offset, (seconds - NOON - SIX_HOURS).tolist()) == (-SIX_HOURS, [0.25, 10.75])


def test_a_clock_change_moves_no_row_in_utc() -> None:
    """An hour set back is no hour lost, though two rows alone tell of it."""
    at, utc = [0, 10, 20 - 3600, 30 - 3600], [NOON + SIX_HOURS + s for s in (0, 10, 20, 30)]
    seconds, _ = utc_seconds(table([1, 2, 3, 4], [1, 2, 3, 4], at=at, created=utc))
    assert (seconds - NOON - SIX_HOURS).tolist() == [0, 10, 20, 30]


def test_imported_rows_keep_local_times_without_an_offset() -> None:
    """Equal UTC stamps tell nothing: local times are used as they are."""
    seconds, offset = utc_seconds(table([1, 2], [1, 2], created=[NOON, NOON]))
    assert (offset, (seconds - NOON).tolist()) == (None, [0, 10])


def test_a_missing_stamp_is_taken_from_the_other_column() -> None:
    """A row without created_at gets the usual offset; one without a local time its UTC stamp."""
    utc = NOON + SIX_HOURS
    rows = table([1, 2, 3], [1, 2, 3], at=[0, 10, NAN], created=[utc, NAN, utc + 20])
    assert (utc_seconds(rows)[0] - NOON - SIX_HOURS).tolist() == [0, 10, 20]


@pytest.mark.parametrize(
    ("stamps", "told_apart"), [([1, 1, 1], False), ([1, 1, 2], True), ([1], True), ([NAN, NAN], True)]
)
def test_stamps_that_are_all_equal_have_no_spread(stamps: list[float], told_apart: bool) -> None:
    """Two equal stamps are an import; one alone is not."""
    assert has_spread(floats(*stamps)) is told_apart


def moments(at: Sequence[float], created: Sequence[float]) -> list[float]:
    """Seconds since noon that rows get, whose clock is six hours behind UTC at first; both since noon, too."""
    rows = table(range(1, len(at) + 1), [1] * len(at), at=at, created=[NOON + SIX_HOURS + moment for moment in created])
    return (utc_seconds(rows)[0] - NOON - SIX_HOURS).tolist()


@pytest.mark.parametrize(
    "waited",
    [
        [0, 0, 0, 900, 0, 0, 0],
        [0, 0, 0, 900, 900, 900, 0, 0],
        [1800, 0, 0, 0],
        [0, 0, 0, NAN, 0, 0],
        [*[0] * 60, *range(2100, 0, -10), *[0] * 60],
        [*[0] * 60, *range(7300, 0, -10), *[0] * 60],
    ],
    ids=["one", "three", "first", "unknown", "35 min", "two hours"],
)
def test_rows_that_were_written_late_moved_no_clock(waited: list[float]) -> None:
    """While the file was locked, a training went on and its rows waited: they are of the time that they tell."""
    at = [10.0 * row for row in range(len(waited))]
    assert moments(at, [moment + wait for moment, wait in zip(at, waited, strict=True)]) == at


@pytest.mark.parametrize("hours", [-1, 1, -3, 3, 0.5])
@pytest.mark.parametrize("first", [1, 2, 5, 8, 9])
@pytest.mark.parametrize("pace", [10.0, 600.0])
def test_a_clock_that_was_set_moves_no_row(hours: float, first: int, pace: float) -> None:
    """By daylight saving time or on a journey, with few rows before or after."""
    utc = [pace * row for row in range(10)]
    at = [moment + (row >= first) * hours * HOUR for row, moment in enumerate(utc)]
    assert moments(at, utc) == utc


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


def test_samples_between_two_rows_know_their_hour() -> None:
    """Rows are ten minutes apart, and samples come before the first row of the second time."""
    clock = WallClock((-5 * HOUR, -6 * HOUR), (NOON - 300.0,), (NOON + 300.0,))
    utc = NOON + floats(-400, -200, -1, 1, 200, 400)
    local = utc - HOUR * floats(5, 5, 5, 6, 6, 6)
    assert clock.utc_column(local).tolist() == utc.tolist()
