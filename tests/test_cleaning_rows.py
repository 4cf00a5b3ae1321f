"""Phantom rows and rows of another run: `runsum.cleaning.rows` on a handful of literal rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from runsum.cleaning.rows import count_jumps, find_contaminated, find_phantoms
from runsum.source.records import MetricTable
from support.cleaning import NAN, NOON, SIX_HOURS, floats, table

# ---------------------------------------------------------------- phantom rows


def phantoms(steps: Sequence[float], iterations: Sequence[float], leg_start: int = 1000) -> list[bool]:
    real = np.array([i > 0 for i in iterations])
    return find_phantoms(floats(*steps), floats(*iterations), real, leg_start, 200.0).tolist()


def test_a_step_counted_twice_is_a_phantom() -> None:
    """A progress row of a leg from 1000 on says 2150 where 1150 is meant."""
    assert phantoms([1100, 2150, 1200], [1, 0, 2]) == [False, True, False]


def test_a_phantom_before_the_first_table_is_found() -> None:
    """Before any table row, the start of the leg is the neighbour."""
    assert phantoms([2050, 1100, 1200], [0, 1, 2]) == [True, False, False]


def test_a_phantom_after_the_last_table_is_found() -> None:
    """After the last table row, the nearer reading of the step decides."""
    assert phantoms([1100, 1200, 2250], [1, 2, 0]) == [False, False, True]


def test_true_progress_rows_stay() -> None:
    """A progress row that fits between its neighbours, or right after them, is real."""
    assert not any(phantoms([1100, 1150, 1200, 1250], [1, 0, 2, 0]))


def test_a_far_step_that_does_not_fit_halved_stays() -> None:
    """A step whose half lies nowhere near its neighbours is odd, but no phantom."""
    assert not any(phantoms([1100, 9000, 1200], [1, 0, 2]))


def test_a_first_leg_has_no_phantoms() -> None:
    """Nothing is counted twice where the leg began at 0."""
    assert not any(phantoms([100, 2150, 200], [1, 0, 2], leg_start=0))


def test_without_table_rows_nothing_is_called_a_phantom() -> None:
    """There is nothing to compare progress rows with."""
    assert not any(phantoms([2050, 2150], [0, 0]))


def test_a_jump_after_a_phantom_is_an_artefact() -> None:
    """Steps backwards right after a phantom row are the recorder's; others are restarts."""
    steps = floats(1100, 2150, 1200, 1300, 1150)
    assert count_jumps(steps, np.array([False, True, False, False, False])) == (1, 1)


def test_equal_steps_are_no_jump() -> None:
    """Only a smaller step is a step backwards."""
    assert count_jumps(floats(100, 100, 200), np.zeros(3, dtype=bool)) == (0, 0)


# ---------------------------------------------------------------- rows of another run

BARE = {"cpu_percent": [0, 0, NAN, NAN], "memory_mb": [2100, 2100, NAN, NAN]}
FOUR = ([100, 200, 5000, 5100], [1, 2, 50, 51])


def contaminated(rows: MetricTable, status: str = "stopped", end: float | None = NOON + 15) -> list[bool]:
    return find_contaminated(rows, status, end).tolist()


def test_bare_rows_after_a_stop_are_foreign() -> None:
    """Stopped, written after the end, without CPU and memory: another run's rows."""
    assert contaminated(table(*FOUR, **BARE)) == [False, False, True, True]


def test_a_row_at_the_very_end_time_is_foreign_too() -> None:
    """The moment of the end itself counts as after it."""
    assert contaminated(table(*FOUR, **BARE), end=NOON + 20) == [False, False, True, True]


@pytest.mark.parametrize("status", ["completed", "failed", "running", ""])
def test_only_a_stopped_run_has_foreign_rows(status: str) -> None:
    """The collector goes on after Stop, not after another end."""
    assert not any(contaminated(table(*FOUR, **BARE), status))


def test_rows_before_the_end_are_own() -> None:
    """A late end time leaves bare rows to the run."""
    assert not any(contaminated(table(*FOUR, **BARE), end=NOON + 500))


def test_without_an_end_time_nothing_is_foreign() -> None:
    """There is nothing to be after."""
    assert not any(contaminated(table(*FOUR, **BARE), end=None))


def test_rows_with_cpu_are_own() -> None:
    """A live process wrote them: the end was noted too early."""
    assert not any(contaminated(table(*FOUR)))


def test_a_run_that_never_had_cpu_keeps_its_rows() -> None:
    """Bare rows mean nothing where all rows are bare."""
    rows = table(*FOUR, cpu_percent=[NAN] * 4, memory_mb=[NAN] * 4)
    assert not any(contaminated(rows))


def test_a_bare_row_before_an_own_row_is_kept() -> None:
    """A sampling failure in the middle is not contamination."""
    rows = table(*FOUR, cpu_percent=[0, 0, NAN, 0], memory_mb=[2100, 2100, NAN, 2100])
    assert not any(contaminated(rows))


def test_foreign_rows_are_found_across_a_clock_change() -> None:
    """The clock went back an hour after the stop: local stamps look earlier, UTC stamps do not."""
    at = [0, 10, 20 - 3600, 30 - 3600]
    utc = [NOON + SIX_HOURS + s for s in (0, 10, 20, 30)]
    assert contaminated(table(*FOUR, at=at, created=utc, **BARE)) == [False, False, True, True]


def test_imported_stamps_do_not_date_rows() -> None:
    """Where created_at is equal for all rows, only the local stamps are compared."""
    at = [0, 10, 20 - 3600, 30 - 3600]
    assert not any(contaminated(table(*FOUR, at=at, created=[NOON + SIX_HOURS] * 4, **BARE)))
