"""What lists and comparisons say of a run without looking at another one, worked out where the run is digested.

An archive asks for all of it whenever one run is added, so it must not cost anything then.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from runsum.analysis.rewarded import Measure, reward_settings
from runsum.analysis.setting_texts import settings_of
from runsum.analysis.settings import plain
from runsum.chartdata import sparkline
from runsum.formatting import cut, setting
from runsum.health import flat_settings
from runsum.measures import RunTraits
from runsum.model import ConfigValue, RunDigest
from runsum.source.columns import iso, number, seconds

SPARK_POINTS = 40
ADVISED = (
    "learning_rate", "n_steps", "batch_size", "n_epochs", "n_envs", "gamma", "gae_lambda", "clip_range", "ent_coef",
    "vf_coef", "max_grad_norm", "target_kl", "buffer_size", "learning_starts", "train_freq", "gradient_steps",
    "exploration_fraction", "frame_stack", "clip_rewards",
)  # fmt: skip
"""Settings that a recommendation may name; what only says where or how long something ran is none."""
_SETTINGS, _VALUE = 40, 40  # how many, and the longest value that anybody types
_FIRST = ("learning_rate", "batch_size", "n_steps", "n_envs", "gamma", "seed", "total_timesteps")
_ELSEWHERE = frozenset({"env_id", "algorithm"})  # settings that the title and the environment say already
_CODE_POINTS = 30
_CODE_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def with_traits(run: RunDigest) -> RunDigest:
    """A digest that holds its traits."""
    return replace(run, traits=_find(run))


def traits_of(run: RunDigest) -> RunTraits:
    """The traits of a run; of a digest that does not hold them they are worked out."""
    return run.traits or _find(run)


def rewarded_by(run: RunDigest) -> Measure:
    """The settings of a run that say what it was rewarded for."""
    return traits_of(run).rewarded


def _find(run: RunDigest) -> RunTraits:
    rewards, settings = run.curve.rewards, settings_of(run.config)
    return RunTraits(
        settings=settings,
        spelled=tuple(_spelled_settings(run.config)),
        spark=sparkline(rewards, points=SPARK_POINTS) if len(rewards) > 1 else "",
        spark_code=sparkline_code(rewards.tolist()),
        rewarded=reward_settings(settings),
        advised=_advised(run),
        ended=_ended(run),
    )


def _advised(run: RunDigest) -> dict[str, object]:
    flat, measured = flat_settings(run.config), run.signals.get("learning_rate")
    found = {name: flat[name] for name in ADVISED if name in flat}
    if number(found.get("learning_rate")) is None and isinstance(measured, float):
        found["learning_rate"] = measured
    return found


def _ended(run: RunDigest) -> tuple[str, bool] | None:
    """Its end where one is recorded and true, else its last activity.

    The stale guard records as the end when it noticed that a run is gone, which can be days later.
    """
    recorded = run.fact("end_time_or_in_progress")
    noticed = any(words.key == "end.guard" for words in recorded.small)
    end = None if run.state.is_open or noticed else seconds(recorded.value)
    last = seconds(run.last_activity_at) if end is None else end
    return None if last is None else (iso(last), end is not None)


def sparkline_code(rewards: Sequence[float]) -> str | None:
    """A curve as up to 30 digits of base 62 from its least to its largest value; None without a curve."""
    finite = [value for value in rewards if math.isfinite(value)]
    if len(finite) < 2:
        return None
    points = min(len(finite), _CODE_POINTS)
    picked = [finite[round(place * (len(finite) - 1) / (points - 1))] for place in range(points)]
    low, high = min(picked), max(picked)
    top = len(_CODE_DIGITS) - 1
    spread = high - low
    if not math.isfinite(spread):
        return None
    # divided first: top / spread is infinite where rewards are of the smallest numbers that there are
    return "".join(_CODE_DIGITS[round((value - low) / spread * top) if spread else top // 2] for value in picked)


def _spelled_settings(config: Mapping[str, ConfigValue]) -> Iterator[tuple[str, str]]:
    """Settings with a value as people type them, those that people ask for first."""
    names = [name for name in _FIRST if name in config]
    names += sorted(name for name in config if name not in _FIRST and name not in _ELSEWHERE)
    found = ((cut(name, 60), plain(config[name].value)) for name in names)
    spelled = (
        (name, _spelled(value) if isinstance(value, Hashable) else spell(value))
        for name, value in found
        if value is not None
    )
    yield from [(name, value) for name, value in spelled if 0 < len(value) <= _VALUE][:_SETTINGS]


@lru_cache(maxsize=4_096, typed=True)  # runs share most of their settings; True is not 1
def _spelled(value: Hashable) -> str:
    return spell(value)


def spell(value: object) -> str:
    """A value in all spellings that people type: 0.00025 = 2.5e-4, 1000000 = 1e6 = 1M, 500000 = 5e5 = 500k."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return setting(value)
    number = Decimal(f"{value:.10g}").normalize()
    _, digits, power = number.as_tuple()
    assert isinstance(power, int)  # it is a letter where the value is not finite
    size = len(digits) + power - 1
    scientific = f"{number.scaleb(-size).normalize():f}e{size}"
    if not -12 < size < 16:
        return scientific
    spellings = [f"{number:f}"]
    if value and (size <= -3 or (size >= 4 and len(digits) == 1)):
        spellings.append(scientific)
    if size >= 4 and power >= 1 and len(digits) <= 3:
        shift, letter = (6, "M") if size >= 6 else (3, "k")
        spellings.append(f"{number.scaleb(-shift).normalize():f}{letter}")
    return " = ".join(spellings)
