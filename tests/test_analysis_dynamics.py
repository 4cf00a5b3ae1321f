"""Losses, KL, explained variance and entropy: `runsum.analysis.dynamics` on short literal series."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import pytest

from runsum.analysis.courses import steady_rows
from runsum.analysis.dynamics import describe_dynamics
from runsum.analysis.findings import Subject
from runsum.analysis.on_policy import check_on_policy
from runsum.analysis.shape import RewardShape
from runsum.model import Fact, Finding
from support.analysis import LIMITS, NAN, key_of, series


def learning(algorithm: str = "ppo", **columns: Sequence[float]) -> tuple[dict[str, Fact], dict[str, Any]]:
    count = len(next(iter(columns.values()), ()))
    rows = series(range(1, count + 1), **columns)
    return describe_dynamics(rows, algorithm, True, steady_rows(rows, False, None, LIMITS), LIMITS)


def flat_run(**columns: Sequence[float]) -> dict[str, Finding]:
    """What the checks say of a PPO run whose reward never rose."""
    count = len(next(iter(columns.values())))
    whom = Subject("ppo", 4, False, False, True, False, {}, None, RewardShape("flat", count, start=1.0, end=1.0))
    return {one.rule: one for one in check_on_policy(series(range(1, count + 1), **columns), whom, LIMITS)}


@pytest.mark.parametrize(
    ("losses", "key"),
    [
        ([0.1] * 11, "loss.few"),
        ([0.1] * 12, "loss.value_level"),
        ([0.1] * 6 + [0.12] * 6, "loss.value_level"),  # a fifth is less than a quarter
        ([0.1] * 10 + [0.2] * 10, "loss.value_up"),
        ([0.2] * 10 + [0.1] * 10, "loss.value_down"),
        ([0.1] * 5 + [0.9] * 10 + [0.1] * 5, "loss.value_turned"),
        ([0.1, 0.5] * 10 + [0.1], "loss.value_turned"),  # first and last tenth are 0.1, the middle is not
        ([1.0 + k for k in range(40)], "loss.value_up"),  # half of the values lie within 20: no noise, a rise
        ([NAN] * 20, "loss.no_value"),
    ],
)
def test_a_loss_moves_or_stays(losses: list[float], key: str) -> None:
    """First and last tenth are compared by their medians."""
    assert key_of(learning(value_loss=losses)[0]["value_loss_trend"]) == key


def test_a_change_within_the_noise_is_called_so() -> None:
    """Values that jump between -1 and 2: medians of three differ by one, and that says nothing."""
    losses = [-1.0, 0.5, 2.0] * 10 + [2.0, -1.0, 1.0]
    assert key_of(learning(policy_loss=losses)[0]["policy_loss_trend"]) == "loss.policy_noisy"


def test_section_and_check_name_the_same_losses() -> None:
    """Medians of the first tenth, of 20 % to 50 % and of the last tenth, as a reader takes them of the rows."""
    losses = [float(k * k % 97 + k) for k in range(1, 131)]
    said = learning(value_loss=losses)[0]["value_loss_trend"].words
    found = flat_run(value_loss=losses)
    assert said is not None
    assert said.values["start"] == median(losses[:13])
    assert said.values["typical"] == found["value_loss"].reason.values["before"] == median(losses[26:65])
    assert said.values["end"] == found["value_loss"].reason.values["after"] == median(losses[-13:])


def test_an_off_policy_run_has_no_entropy() -> None:
    """What an algorithm does not have is not missing."""
    assert key_of(learning("DQN", fps=[450.0] * 20)[0]["entropy_loss_trend"]) == "loss.off_policy"


def test_no_rows_is_the_reason_for_everything() -> None:
    """A run without rows has no losses for that reason."""
    assert {key_of(fact) for fact in learning()[0].values()} == {"reason.no_rows"}


@pytest.mark.parametrize(("missing", "said"), [(0, False), (1, False), (2, True)])
def test_many_missing_policy_losses_are_a_biased_sample(missing: int, said: bool) -> None:
    """Above 5 % missing the small print says so."""
    losses = [NAN] * missing + [0.01] * (20 - missing)
    small = learning(policy_loss=losses)[0]["policy_loss_trend"].small
    assert bool(small) is said


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([NAN] * 3, "loss.no_kl"),
        ([0.01, 0.02, 0.01], "kl.usual"),
        ([0.1, 0.2, 0.1], "kl.high"),
        ([0.0001, 0.0002, 0.9], "kl.low"),
        ([0.01, -0.001, 0.2], "kl.negative"),
    ],
)
def test_kl_by_its_median(values: list[float], key: str) -> None:
    """Usual, high, low, or of an estimator that can be negative."""
    assert key_of(learning(kl_divergence=values)[0]["kl_note"]) == key


def test_section_and_check_name_the_same_divergence() -> None:
    """Of the rows before the learning rate is annealed away; the small print says how many are left out."""
    rate = [3e-4] * 100 + [1e-6] * 60
    kl = [0.004, 0.01, 0.013] * 33 + [0.17] + [0.0001] * 60
    fact, found = learning(kl_divergence=kl, learning_rate=rate)[0]["kl_note"], flat_run(
        kl_divergence=kl, learning_rate=rate
    )["kl"]  # fmt: skip
    assert fact.words is not None
    assert (key_of(fact), fact.words.values["median"], fact.words.values["peak"]) == ("kl.usual", 0.01, 0.17)
    assert (found.reason.key, found.value, found.reason.values["median"]) == ("finding.kl_spike", 0.17, 0.01)
    assert [(small.key, small.values["rows"]) for small in fact.small] == [("kl.annealed", 60)]


@pytest.mark.parametrize(
    ("late", "key", "check"),
    [
        (0.9, "ev.good", "ev_good"), (0.5, "ev.good", "ev_good"), (0.3, "ev.fair", "ev_fair"),
        (0.05, "ev.fair", "ev_fair"), (0.04, "ev.none", "ev_none"), (0.0, "ev.none", "ev_none"),
        (-2.0, "ev.poor", "ev_negative"),
    ],
)  # fmt: skip
def test_explained_variance_by_its_end(late: float, key: str, check: str) -> None:
    """The median of the last third decides, in the section as in the check; a last tenth says nothing by itself."""
    values = [0.7] * 80 + [late] * 28 + [0.9] * 12
    fact, found = learning(explained_variance=values)[0]["explained_variance_note"], flat_run(explained_variance=values)
    assert fact.words is not None
    assert (key_of(fact), fact.words.values["level"]) == (key, late)
    assert (found["explained_variance"].reason.key, found["explained_variance"].value) == (f"finding.{check}", late)


def test_entropy_is_compared_with_its_start() -> None:
    """From −2 to −0.1 is a twentieth of the start."""
    assert learning(entropy_loss=[-2.0] * 15 + [-0.1] * 15)[1]["entropy_ratio"] == pytest.approx(0.05)
