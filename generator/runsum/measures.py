"""What a run reached and what it cost, as numbers that the archive adds up and compares."""

from __future__ import annotations

from collections.abc import Mapping

from runsum.frozen import frozen
from runsum.pickling import quickly_pickled


@quickly_pickled
@frozen
class Solved:
    """A reward at which an environment counts as solved, and whether a run reached it.

    Attributes:
        level: the reward.
        origin: "runsum.yml", or the version of Gymnasium whose registry has it.
        window: number of episodes in each recorded mean; None where nobody knows.
        reached_at: first timestep with that mean, None where it was not reached.
        held: whether every later mean is at or above the level, too; None where it was not reached, or where no later
            mean is recorded.
        best: the best recorded mean.
        refused: why the recorded rewards are not compared with the level: the end of a wording's key, empty where they
            are.
    """

    level: float
    origin: str
    window: int | None = None
    reached_at: int | None = None
    held: bool | None = None
    best: float | None = None
    refused: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it was reached and every later mean is at or above it."""
        return not self.refused and self.reached_at is not None and bool(self.held)


@quickly_pickled
@frozen
class HumanScore:
    """A human-normalised score: 0 is random play, 1 a human tester.

    Attributes:
        random, human: game scores of both, as published.
        final: normalised level at the end; None where it is refused.
        best: normalised best mean; None where it is refused.
        certain: whether the record says how rewards were measured.
        refused: why there is no score: the end of a wording's key, empty where there is one.
    """

    random: float
    human: float
    final: float | None = None
    best: float | None = None
    certain: bool = False
    refused: str = ""


@quickly_pickled
@frozen
class Cost:
    """What a run took.

    Attributes:
        hours: training time without gaps.
        gpu_hours: the same for one GPU; None unless samples witness a GPU in use for most of it.
        gpu_coverage: share of the training time that GPU samples cover; None without any.
        energy_kwh: energy of the GPU between power samples; None without any.
        lost_h: time lost in long gaps; None where it cannot be known.
        reward_gained: level at the end minus level at the start; None with few rewards or where large ones were lost.
        limit: what set the pace: "gpu", "cpu", "environment", "memory", "none" (no clear limit), or "" (not assessed).
    """

    hours: float | None = None
    gpu_hours: float | None = None
    gpu_coverage: float | None = None
    energy_kwh: float | None = None
    lost_h: float | None = None
    reward_gained: float | None = None
    limit: str = ""

    @property
    def gained_per_gpu_hour(self) -> float | None:
        """Reward gained for each GPU-hour; None where either is unknown."""
        if self.reward_gained is None or not self.gpu_hours:
            return None
        return self.reward_gained / self.gpu_hours


@quickly_pickled
@frozen
class RunTraits:
    """What lists and comparisons say of a run, see :mod:`runsum.traits`.

    Attributes:
        settings: every setting that is set, as the text by which it is compared.
        spelled: the settings that are searched for, as people type them.
        spark: the reward as a small drawing; empty without a curve.
        spark_code: the same as digits, for the table of all runs; None without a curve.
        rewarded: the settings that say what it was rewarded for, see :mod:`runsum.analysis.rewarded`.
        advised: the settings that a recommendation may name, on one level; the learning rate as the rows have it where
            it is not set.
        ended: when it ended, UTC ISO seconds, and whether that was recorded; None without any date.
    """

    settings: Mapping[str, str]
    spelled: tuple[tuple[str, str], ...]
    spark: str
    spark_code: str | None
    rewarded: tuple[tuple[str, str], ...]
    advised: Mapping[str, object]
    ended: tuple[str, bool] | None
