"""What all checks of a run's health have in common: bins, stretches, confidence, and the verdict of all together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runsum.analysis.findings import CHECKS, bin_medians, judged, longest_stretch, not_assessed, overall
from runsum.model import Finding, Level
from support.analysis import LIMITS


def test_medians_of_bins_forgive_single_values() -> None:
    """Two hundred values in forty bins of five; one odd value is gone, and the missing ones are left out."""
    values = np.ones(201)
    values[[0, 77]] = math.nan, 500.0
    bins = bin_medians(np.arange(201.0), values)
    assert (len(bins), bins.count, bins.value.max()) == (40, 200, 1.0)
    assert (bins.begin[0], bins.end[-1]) == (1.0, 200.0)


@pytest.mark.parametrize("count", range(1, 400, 7))
def test_a_bin_has_a_value_in_its_middle(count: int) -> None:
    """Each median is a recorded value, however many there are, and there are at most sixty."""
    values = np.exp(np.linspace(0, 9, count) % 1.7)
    bins = bin_medians(np.arange(float(count)), values)
    assert 1 <= len(bins) <= 60
    assert set(bins.value) <= set(values)


def test_the_longest_stretch_is_the_unbroken_one() -> None:
    """Three in a row beat two and two."""
    bins = bin_medians(np.arange(10.0), np.arange(10.0))
    outside = np.array([1, 1, 0, 1, 1, 1, 0, 0, 1, 1], dtype=bool)
    assert longest_stretch(bins, outside) == (3, 5, 2 / 9)
    assert longest_stretch(bins, np.zeros(10, dtype=bool)) is None


def test_a_stretch_is_a_share_of_the_timesteps_of_the_whole_run() -> None:
    """Not of the values: the first fifth is not judged, the last rows have no value, and rows lie unevenly."""
    steps = np.array([0, 10, 20, 30, 40, 50, 60, 70, 80, 1000.0])
    bins = bin_medians(steps, np.where(steps < 100, steps, math.nan)).after(0.2)
    assert longest_stretch(bins, bins.value >= 30) == (30, 80, 0.05)


def test_confidence_follows_the_number_of_values() -> None:
    """Hundred make it high, thirty medium, and never higher than the check deserves."""
    counts = [judged("kl", Level.GOOD, "kl_usual", count=count).confidence for count in (100, 99, 30, 29)]
    assert counts == ["high", "medium", "medium", "low"]
    assert judged("q_value", Level.GOOD, "q_usual", count=500, most="medium").confidence == "medium"


GOOD = judged("reward_shape", Level.GOOD, "reward_level")


@pytest.mark.parametrize(
    ("findings", "level"),
    [
        ((), Level.NOT_ASSESSED),
        ((GOOD,), Level.GOOD),
        ((GOOD, judged("kl", Level.WATCH, "kl_large")), Level.WATCH),
        ((GOOD, judged("kl", Level.BAD, "kl_high")), Level.BAD),
        ((GOOD, judged("kl", Level.BAD, "kl_high", count=20)), Level.WATCH),
        ((GOOD, judged("kl", Level.WATCH, "kl_large", count=20)), Level.GOOD),
        ((GOOD, judged("throughput", Level.BAD, "speed_fell")), Level.WATCH),
        ((not_assessed("reward_shape", "reward_none"), judged("kl", Level.GOOD, "kl_usual")), Level.NOT_ASSESSED),
        ((not_assessed("reward_shape", "reward_none"), judged("kl", Level.BAD, "kl_high")), Level.BAD),
    ],
)  # fmt: skip
def test_a_run_is_as_healthy_as_its_worst_check(findings: tuple[Finding, ...], level: Level) -> None:
    """Guesses count for less, the machine as a watch, and without a reward nothing is good."""
    assert overall(findings) is level


def test_every_check_names_thresholds_that_exist() -> None:
    """And no two checks have one name."""
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert not [name for check in CHECKS for name in check.limits if not hasattr(LIMITS, name)]
