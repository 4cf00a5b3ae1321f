"""The checks of a run's health: which there are, what they look at, and what all of them share.

A check says "outside of the usual range", with its number, the range and where the range comes from; it never says that
something is wrong. What could not be judged says why.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from runsum.analysis.courses import loss_course
from runsum.analysis.shape import RewardShape
from runsum.cleaning.rollouts import OFF_POLICY
from runsum.cleaning.series import Series
from runsum.cleaning.values import row_middles
from runsum.frozen import frozen
from runsum.model import Finding, Level, phrase
from runsum.source.columns import Floats, number
from runsum.thresholds import Thresholds

CLIPPED = frozenset({"ppo", "appo", "recurrentppo", "maskableppo", "ppo_lstm", "maskable_ppo"})
"""On-policy algorithms that clip their updates."""
ON_POLICY = CLIPPED | {"a2c", "a3c", "trpo", "impala", "acktr", "reinforce", "vpg"}
_TRUST_REGION = CLIPPED | {"trpo"}

_MACHINE = frozenset({"throughput", "resources", "downtime"})
_BINS = 60
SURE, _HALF_SURE = 100, 30  # recorded values from which a finding is of high, of medium confidence

SPINNING_UP = "https://spinningup.openai.com/en/latest/algorithms/ppo.html"
MODERN_RL = "https://github.com/walkinglabs/hands-on-modern-rl"
SB3_LOGGER = "https://stable-baselines3.readthedocs.io/en/master/common/logger.html"
DEBUGGING = "https://andyljones.com/posts/rl-debugging.html"
BASELINES_456 = "https://github.com/openai/baselines/issues/456"
TRL_LOGGING = "https://huggingface.co/docs/trl/logging"
TD3_PAPER = "https://arxiv.org/abs/1802.09477"
DOUBLE_DQN = "https://arxiv.org/abs/1509.06461"
PELT = "https://arxiv.org/abs/1101.1438"
DQN_SB3 = "https://stable-baselines3.readthedocs.io/en/master/modules/dqn.html"
OWN = ""


@frozen
class Check:
    """A check: its name, the algorithms it is about, its source, the thresholds it uses.

    Attributes:
        family: "any" | "on-policy" | "PPO, TRPO" | "PPO" | "off-policy" | "DQN" | "actor-critic".
        chart: id of the chart that shows what it looks at; the page marks the stretch there.
        source: address of a publication; empty where the limits are runsum's own.
    """

    name: str
    family: str
    chart: str
    source: str
    limits: tuple[str, ...] = ()


CHECKS: tuple[Check, ...] = (
    Check("reward_shape", "any", "reward", PELT, (
        "changepoint_penalty", "plateau_band", "plateau_band_noisy",
        "trend_noise_factor", "beside_factor", "lost_watch", "lost_gain", "noisy_share")),
    Check("never_learned", "on-policy", "entropy-loss", DEBUGGING, (
        "entropy_untouched", "entropy_after", "explained_variance_none")),
    Check("kl", "PPO, TRPO", "kl", SPINNING_UP, (
        "kl_low", "kl_watch", "kl_high", "kl_spike", "sustained_share", "annealed_share")),
    Check("clip_fraction", "PPO", "clip-fraction", MODERN_RL, ("clip_watch", "clip_high", "sustained_share")),
    Check("kl_against_clip", "PPO", "kl", BASELINES_456, ("kl_clip_factor", "kl_low", "kl_high")),
    Check("explained_variance", "on-policy", "explained-variance", SB3_LOGGER, (
        "explained_variance_poor", "explained_variance_none", "explained_variance_good", "early_share",
        "sustained_share")),
    Check("entropy", "on-policy", "entropy-loss", DEBUGGING, (
        "entropy_collapsed", "entropy_dead", "entropy_untouched", "entropy_after", "entropy_growth")),
    Check("value_loss", "on-policy", "value-loss", TRL_LOGGING, ("value_loss_rise", "value_loss_blowup")),
    Check("td_loss", "off-policy", "total-loss", DOUBLE_DQN, ("value_loss_rise", "value_loss_blowup")),
    Check("q_value", "off-policy", "policy-loss", TD3_PAPER, ("q_factor",)),
    Check("exploration", "off-policy", "", DQN_SB3),
    Check("replay", "off-policy", "", DQN_SB3),
    Check("gradient_norm", "any", "gradient-norm", MODERN_RL, ("gradient_rise", "gradient_blowup")),
    Check("throughput", "any", "throughput", OWN, ("fps_windows", "fps_drop", "fps_drop_bad")),
    Check("resources", "any", "memory", OWN, ("vram_tight", "memory_growth")),
    Check("downtime", "any", "progress", OWN, ("downtime_s", "downtime_watch")),
    Check("data_quality", "any", "", OWN, ("min_rows_trend",)),
)  # fmt: skip
"""Every check, in the order in which the page lists them."""

_BY_NAME = {check.name: check for check in CHECKS}


@frozen
class Subject:
    """What the checks must know of a run besides its rows.

    Attributes:
        algorithm: in lower case, empty when unknown.
        actions: number of discrete actions, None when unknown or continuous.
        is_continuous: whether the actions are known to be continuous.
        is_annealed: whether the settings lower the learning rate, recorded in the rows or not.
        is_first: whether training began here, and not from the checkpoint of another run.
        is_solved: whether the reward reached what was declared for the game, or crossed the registered threshold and
            stayed above.
        settings: numbers and words of the configuration that a check may need, by their usual names.
        target: timesteps wanted, None when unknown.
    """

    algorithm: str
    actions: int | None
    is_continuous: bool
    is_annealed: bool
    is_first: bool
    is_solved: bool
    settings: dict[str, object]
    target: int | None
    shape: RewardShape

    @property
    def is_off_policy(self) -> bool:
        """Whether it learns from a replay memory."""
        return self.algorithm in OFF_POLICY or self.algorithm == "her"

    @property
    def may_be_on_policy(self) -> bool:
        """Whether it learns from rollouts, or nobody knows."""
        return self.algorithm in ON_POLICY or not self.algorithm

    @property
    def limits_steps(self) -> bool:
        """Whether KL says how far an update went beyond what the algorithm wants."""
        return self.algorithm in _TRUST_REGION or not self.algorithm

    @property
    def clips(self) -> bool:
        """Whether the algorithm cuts updates."""
        return self.algorithm in CLIPPED or not self.algorithm

    @property
    def learned(self) -> bool:
        """Whether the reward went up and did not come down again, as far as it tells."""
        rose = self.shape.end is not None and self.shape.start is not None and self.shape.end > self.shape.start
        return self.shape.kind in ("rising", "level", "early") and rose and self.shape.held

    def number(self, name: str) -> float | None:
        """A setting that is a number."""
        return number(self.settings.get(name))


@frozen
class Bins:
    """A column in at most sixty medians of equally many recorded values, an odd number: medians forgive single values.

    Attributes:
        begin, end: first and last timestep of each bin.
        value: median of each bin.
        count: recorded values in all.
        span: timesteps from the first to the last row of the run, with a value or without.
    """

    begin: Floats
    end: Floats
    value: Floats
    count: int
    span: float

    def __len__(self) -> int:
        return len(self.value)

    def after(self, share: float) -> Bins:
        """Without the first part of the run."""
        first = int(len(self) * share)
        return Bins(self.begin[first:], self.end[first:], self.value[first:], self.count, self.span)


def bin_medians(steps: Floats, values: Floats, most: int = _BINS) -> Bins:
    """A column as bins; rows without a value are left out."""
    seen = np.isfinite(values)
    x, y = steps[seen], values[seen]
    span = float(steps.max() - steps.min()) if len(steps) else 0.0
    if not len(y):
        return Bins(x, x, y, 0, span)
    count = len(y)
    width = -(-count // most) | 1  # odd: a median of two values is their mean, which one of them can move anywhere
    drop = count % width  # the first few of a run are the ones that may go
    x, y = x[drop:].reshape(-1, width), y[drop:].reshape(-1, width)
    return Bins(x[:, 0], x[:, -1], row_middles(y), count, span)


def longest_stretch(bins: Bins, outside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int, float] | None:
    """The longest unbroken stretch of bins: first and last timestep, share of the run's timesteps; None without any."""
    if not outside.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]])))
    starts, ends = edges[::2], edges[1::2]
    begins, lasts = bins.begin[starts], bins.end[ends - 1]
    longest = int(np.argmax(lasts - begins))
    begin, last = float(begins[longest]), float(lasts[longest])
    return int(begin), int(last), (last - begin) / bins.span if bins.span else 1.0


def is_outside(value: float | None, band: tuple[float | None, float | None]) -> bool:
    """Whether a value is outside of a usual range; without a value or a range it is not."""
    low, high = band
    return value is not None and ((low is not None and value < low) or (high is not None and value > high))


def judged(
    rule: str,
    level: Level,
    key: str,
    *,
    value: float | None = None,
    band: tuple[float | None, float | None] = (None, None),
    count: int = SURE,
    most: str = "high",
    where: tuple[int, int] | None = None,
    chart: str | None = None,
    **values: object,
) -> Finding:
    """A finding.

    Args:
        rule: name of the check.
        level: what it came to.
        key: its words, `finding.<key>`.
        value: the number judged.
        band: the usual range.
        count: recorded values behind it; few of them lower the confidence.
        most: the confidence that it has with many values.
        where: timesteps between which it happens.
        chart: the chart that shows it, if not that of the check.
        values: what the words need besides `value`, `low`, `high` and `outside`, whether the value is outside of the
            usual range.
    """
    order = ("low", "medium", "high")
    by_count = "high" if count >= SURE else "medium" if count >= _HALF_SURE else "low"
    confidence = order[min(order.index(most), order.index(by_count))]
    outside = is_outside(value, band)
    words = phrase(f"finding.{key}", value=value, low=band[0], high=band[1], outside=outside, **values)
    shown = _BY_NAME[rule].chart if chart is None else chart
    begin, end = where or (None, None)
    return Finding(rule, level, words, value, band, confidence, begin, end, shown)


def not_assessed(rule: str, key: str, **values: object) -> Finding:
    """A check that could not be made, and why."""
    return Finding(rule, Level.NOT_ASSESSED, phrase(f"finding.{key}", **values))


def absent(rule: str, count: int, limits: Thresholds) -> Finding | None:
    """Why a check cannot be made of so many recorded values; None when it can."""
    if not count:
        return not_assessed(rule, "no_column")
    return not_assessed(rule, "few_values", rows=count) if count < limits.min_rows_trend else None


def judge_loss(
    rule: str, column: str, words: tuple[str, str, str], series: Series, subject: Subject, limits: Thresholds
) -> Finding:
    """Whether a loss grew while the reward did not rise.

    Args:
        rule: name of the check.
        column: the column of the loss; its chart has the same name.
        words: keys of what is said of a loss that grew, that grew as the reward did, and of any other.
        series: canonical rows.
        subject: the run.
        limits: thresholds in force.
    """
    bins = bin_medians(series.timestep, series.columns[column])
    if missing := absent(rule, bins.count, limits):
        return missing
    course = loss_course(series.values(column).seen)
    before, after = course.typical, course.end
    if before <= 0:
        return not_assessed(rule, "loss_zero")
    ratio, (rising, with_returns, usual) = after / before, words
    given: dict[str, Any] = {
        "value": ratio, "band": (None, limits.value_loss_rise), "count": bins.count, "chart": column.replace("_", "-"),
        "before": before, "after": after,
    }  # fmt: skip
    if ratio > limits.value_loss_rise and not subject.learned:
        where = longest_stretch(bins, bins.value > limits.value_loss_rise * before)
        level = Level.BAD if ratio > limits.value_loss_blowup else Level.WATCH
        return judged(rule, level, rising, where=where[:2] if where else None, **given)
    return judged(rule, Level.GOOD, with_returns if ratio > limits.value_loss_rise else usual, **given)


def source_of(rule: str) -> str:
    """Address of the publication a check's limits come from; empty where they are runsum's own."""
    return _BY_NAME[rule].source


def overall(findings: Iterable[Finding]) -> Level:
    """One word for a run: the worst finding of at least medium confidence.

    A bad finding of low confidence, or about the machine, is a watch. Nothing is good without a judgement of the
    reward.
    """
    levels = {
        Level.WATCH
        if found.level is Level.BAD and (found.confidence == "low" or found.rule in _MACHINE)
        else found.level
        for found in findings
        if not (found.level is Level.WATCH and found.confidence == "low")
    }
    reward = next((found.level for found in findings if found.rule == "reward_shape"), Level.NOT_ASSESSED)
    if Level.BAD in levels:
        return Level.BAD
    if reward is Level.NOT_ASSESSED:
        return Level.NOT_ASSESSED
    return Level.WATCH if Level.WATCH in levels else Level.GOOD
