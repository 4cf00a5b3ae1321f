"""Rollouts and learn() calls: `runsum.cleaning.rollouts` on a handful of literal rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runsum.cleaning.rollouts import LearnCalls, find_learn_calls, find_rollout_size, session_numbers
from support.cleaning import LIMITS, floats

# ---------------------------------------------------------------- rollout size


@pytest.mark.parametrize(
    ("steps", "iterations", "size"),
    [
        ([100, 200, 300], [1, 2, 3], 100),
        ([100, 300, 600], [1, 3, 6], 100),  # rows in between were never sampled
        ([150, 250, 350], [1, 2, 3], 100),  # a leg that began at 50
        ([100, 200, 300, 250, 350], [1, 2, 3, 1, 2], 100),  # a restart: the iteration falls
        ([100, 200, 333, 400, 500, 600], [1, 2, 3, 4, 5, 6], 100),  # one odd row
    ],
)
def test_rollout_size_is_the_usual_slope(steps: list[int], iterations: list[int], size: int) -> None:
    """Steps per iteration is found through missing rows, offsets, restarts and single odd rows."""
    assert find_rollout_size(floats(*steps), floats(*iterations), 0.5) == size


@pytest.mark.parametrize(
    ("steps", "iterations"),
    [
        ([], []),
        ([100], [1]),
        ([100, 200, 300], [0, 0, 0]),  # off-policy: no iterations
        ([100, 100, 100], [1, 2, 3]),  # the step does not move
        ([101, 203, 304, 406], [1, 3, 6, 9]),  # no whole slope
        ([100, 200, 300, 450, 600], [1, 2, 3, 4, 5]),  # two against two: half is no majority
    ],
)
def test_no_rollout_size_without_a_majority(steps: list[int], iterations: list[int]) -> None:
    """Nothing is believed without a whole slope that more than half of the neighbours share."""
    assert find_rollout_size(floats(*steps), floats(*iterations), 0.5) is None


# ---------------------------------------------------------------- learn() calls


def calls(steps: Sequence[float], iterations: Sequence[float]) -> LearnCalls:
    return find_learn_calls(floats(*steps), floats(*iterations), 100, LIMITS)


def test_one_call_begins_at_its_offset() -> None:
    """Rows on one line through step 50 are one call that began there."""
    assert calls([150, 250, 350], [1, 2, 3]) == LearnCalls(100, (50,), (0,))


def test_a_restart_on_another_grid_is_a_second_call() -> None:
    """The iteration falls back to 1 and the offset changes: a call from step 250 on."""
    assert calls([100, 200, 300, 350, 450, 550], [1, 2, 3, 1, 2, 3]).starts == (0, 250)


def test_a_restart_on_the_same_grid_is_seen_without_a_jump() -> None:
    """Overwritten rows leave no step backwards, but the offset tells the second call."""
    found = calls([100, 200, 300, 400, 500, 600], [1, 2, 3, 1, 2, 3])
    assert (found.starts, found.first_rows) == ((0, 300), (0, 3))


def test_an_offset_of_two_rows_is_no_call() -> None:
    """Fewer than three rows of an offset are mixed rows."""
    assert calls([100, 200, 300, 400, 500, 130, 230], [1, 2, 3, 4, 5, 1, 2]).starts == (0,)


def test_negative_offsets_are_ignored() -> None:
    """No call begins below step 0, however many rows say so."""
    steps, iterations = [100, 200, 300, 400, 500, 600, 700, 50, 150, 250], [1, 2, 3, 4, 5, 6, 7, 2, 3, 4]
    assert calls(steps, iterations).starts == (0,)


def test_a_new_offset_needs_a_fallen_iteration() -> None:
    """The iteration restarts with every call, so an offset with a rising one is a mixed row."""
    steps = [*range(100, 900, 100), 930, 1030, 1130]
    assert calls(steps, range(1, 12)).starts == (0,)


def test_an_episode_counter_is_not_believed() -> None:
    """Where offsets explain too few rows, the counter counts episodes: no size and no calls."""
    steps = [100, 200, 350, 500, 700, 900, 1100, 1400]
    assert calls(steps, [1, 2, 3, 4, 5, 6, 7, 8]) == LearnCalls(None, (), ())


@pytest.mark.parametrize(("steps", "size"), [([], 100), ([100, 200, 300], None)])
def test_no_calls_without_rows_or_size(steps: list[int], size: int | None) -> None:
    """An empty run and a run without a rollout size have no calls."""
    found = find_learn_calls(floats(*steps), floats(*range(1, len(steps) + 1)), size, LIMITS)
    assert found == LearnCalls(size, (), ())


def test_rows_belong_to_the_call_before_them() -> None:
    """Sessions are numbered from 0; mixed rows before the first call belong to it."""
    assert session_numbers(6, (1, 4)).tolist() == [0, 0, 0, 0, 1, 1]
