"""Runs whose health is known because they were made: what went wrong with each of them, and nothing else.

Rewards are means of the last 100 episodes, as trainers report them; neighbouring rows share most of their episodes, and
the first rows are means of a few. Every case is drawn with several seeds, so that none of them decides by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runsum.analysis.resources import ResourceFacts
from runsum.analysis.shape import describe_shape
from runsum.analysis.throughput import Rate
from runsum.cleaning.series import Series
from runsum.health import assess, describe_subject
from runsum.model import ConfigValue, DataQuality, Finding, Level, Problem, known, problem
from support.analysis import LIMITS, series

SEEDS = 5
WRONG = (Level.WATCH, Level.BAD)
Curve = Callable[[np.ndarray], np.ndarray]
LONG, MIDDLE, SHORT = 1000, 300, 60


# ---- what a reward does over the run, from 0 to 1, in units of what there is to learn

CURVES: dict[str, Curve] = {
    "steady rise": lambda t: t,
    "saturating": lambda t: 1 - np.exp(-6 * t),
    "early plateau": lambda t: np.minimum(t / 0.3, 1.0),
    "late plateau": lambda t: np.minimum(t / 0.7, 1.0),
    "sigmoid": lambda t: 1 / (1 + np.exp(-(t - 0.4) * 18)),
    "late start": lambda t: np.maximum(t - 0.6, 0.0) / 0.4,
    "two stages": lambda t: 0.5 * np.minimum(t / 0.2, 1.0) + 0.5 * np.clip((t - 0.5) / 0.2, 0.0, 1.0),
    "dip and recovery": lambda t: np.minimum(t / 0.3, 1.0) - 0.6 * np.exp(-(((t - 0.55) / 0.04) ** 2)),
    "collapse": lambda t: np.where(t < 0.6, np.minimum(t / 0.4, 1.0), 0.05),
    "collapse at the end": lambda t: np.where(t < 0.9, np.minimum(t / 0.4, 1.0), 0.1),
    "slow decay": lambda t: np.where(t < 0.5, np.minimum(t / 0.3, 1.0), 1 - (t - 0.5) * 1.8),
    "a third lost": lambda t: np.where(t < 0.6, np.minimum(t / 0.3, 1.0), 0.62),
    "slipping": lambda t: np.where(t < 0.75, np.minimum(t / 0.3, 1.0), 1 - (t - 0.75) * 1.2),
    "nothing": lambda t: np.zeros_like(t),
    "up and back": lambda t: 0.4 * np.exp(-(((t - 0.4) / 0.1) ** 2)),
}  # fmt: skip
HEALTHY_CURVES = {
    "steady rise": "reward_rising", "saturating": "reward_level", "early plateau": "reward_level",
    "late plateau": "reward_level", "sigmoid": "reward_level", "late start": "reward_rising",
    "two stages": "reward_level", "dip and recovery": "reward_level",
}  # fmt: skip
ILL_CURVES = {
    "collapse": "reward_collapsed", "collapse at the end": "reward_collapsed", "slow decay": "reward_collapsed",
    "a third lost": "reward_below_best", "slipping": "reward_falling", "nothing": "reward_flat",
    "up and back": "reward_collapsed",
}  # fmt: skip


def rolling_rewards(curve: Curve, rows: int, noise: float, rng: np.random.Generator, *, every: int = 5) -> np.ndarray:
    """Means of the last 100 episodes at every row, `every` episodes apart; the reward goes from 10 to 110."""
    count = rows * every
    episodes = 10 + 100 * curve(np.arange(count) / count) + rng.normal(0.0, 100 * noise, count)
    total = np.concatenate([[0.0], np.cumsum(episodes)])
    end = np.arange(every, count + 1, every)
    begin = np.maximum(end - 100, 0)
    return (total[end] - total[begin]) / (end - begin)


def spread(rng: np.random.Generator, rows: int, middle: np.ndarray | float, share: float = 0.3) -> np.ndarray:
    """Positive values around a middle, some far above it."""
    return np.asarray(middle) * np.exp(rng.normal(0.0, share, rows))


def ppo(rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The metrics of a PPO run that goes well, with four actions."""
    t = np.arange(rows) / rows
    return {
        "kl_divergence": spread(rng, rows, 0.008, 0.4),
        "clip_fraction": spread(rng, rows, 0.1, 0.25),
        "explained_variance": np.minimum(1 - np.exp(-6 * t) + rng.normal(0, 0.05, rows), 0.99),
        "entropy_loss": -math.log(4) * (1 - 0.6 * t + rng.normal(0, 0.01, rows)).clip(0.05, 1.0),
        "value_loss": spread(rng, rows, 0.5 + 0.5 * t),
        "gradient_norm": spread(rng, rows, 0.6),
        "learning_rate": np.full(rows, 2.5e-4),
        "policy_loss": rng.normal(-0.01, 0.004, rows),
    }


def dqn(rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The metrics of a DQN run that goes well."""
    t = np.arange(rows) / rows
    return {"total_loss": spread(rng, rows, 0.02 + 0.02 * t, 0.5), "learning_rate": np.full(rows, 1e-4)}


def sac(rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The metrics of a SAC run that goes well: its actor's loss is about minus the Q value."""
    t = np.arange(rows) / rows
    return {"value_loss": spread(rng, rows, 1 + 2 * t), "policy_loss": -5 - 15 * t + rng.normal(0, 1, rows)}


METRICS = {"ppo": ppo, "dqn": dqn, "sac": sac, "td3": sac, "a2c": ppo}
Change = Callable[[dict[str, np.ndarray], np.random.Generator], None]


@dataclass(frozen=True)
class Case:
    """A run with a known truth.

    Attributes:
        wrong: the checks that must find something; none of the others may.
        reward: what must be said of the reward.
        either: checks that may find something or not: the case is no test of them.
        every: episodes between two rows.
        change: what is done to the metrics of a run that goes well.
    """

    name: str
    curve: str
    reward: str
    wrong: frozenset[str] = frozenset()
    either: frozenset[str] = frozenset()
    algorithm: str = "ppo"
    env_id: str = "ALE/Breakout-v5"
    rows: int = MIDDLE
    noise: float = 0.15
    change: Change = lambda columns, rng: None
    config: Mapping[str, Any] = field(default_factory=dict)
    target: int | None = None
    is_first: bool = True
    is_solved: bool = False
    problems: tuple[Problem, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)
    speed: Curve = lambda t: np.full_like(t, 400.0)
    every: int = 5
    vram: float | None = None
    lost_h: float = 0.0

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.wrong


def find_all(case: Case, seed: int) -> dict[str, Finding]:
    """The findings of a case, drawn with a seed, by the names of the checks."""
    rng = np.random.default_rng([seed, *case.name.encode()])
    columns = METRICS[case.algorithm](case.rows, rng)
    columns["episode_reward_mean"] = rolling_rewards(CURVES[case.curve], case.rows, case.noise, rng, every=case.every)
    columns["memory_mb"] = np.full(case.rows, 900.0) + rng.normal(0, 5, case.rows)
    case.change(columns, rng)
    rows: Series = series(1000.0 * np.arange(1, case.rows + 1), **columns)
    shape = describe_shape(rows.timestep, rows.reward, LIMITS)
    config = {name: ConfigValue(value, "config_json") for name, value in case.config.items()}
    subject = describe_subject(
        case.algorithm, case.env_id, config, case.target or case.rows * 1000, case.is_first, case.is_solved, shape
    )
    share = np.arange(60) / 60
    speed = case.speed(share) * np.exp(rng.normal(0, 0.03, 60))
    rate = Rate(1000.0 * case.rows * (share + 1 / 60), share, speed)
    quality = DataQuality(
        **{"rows": case.rows, "canonical_rows": case.rows, "reward_rows": case.rows} | dict(case.quality)
    )
    facts = {"pause_time_h": known(case.lost_h), "duration_h": known(10.0)}
    machine = ResourceFacts({}, 23.0, case.vram, None)
    return {
        found.rule: found
        for found in assess(rows, quality, subject, rate, machine, facts, case.problems, LIMITS)
    }  # fmt: skip


# ---- the cases


def _set(**columns: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Change:
    """Replace columns by functions of the share of the run."""

    def change(values: dict[str, np.ndarray], rng: np.random.Generator) -> None:
        t = np.arange(len(values["episode_reward_mean"])) / len(values["episode_reward_mean"])
        for name, of in columns.items():
            values[name] = of(t, rng)

    return change


def _entropy(of: Curve, actions: int = 4) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    return lambda t, rng: -math.log(actions) * np.clip(of(t) + rng.normal(0, 0.005, len(t)), 0.0, 1.0)


def _noisy(of: Curve, share: float = 0.3) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    return lambda t, rng: spread(rng, len(t), of(t), share)


def _shapes() -> Iterator[Case]:
    """Every shape of a reward, with and without noise, short and long, PPO and others."""
    for kinds, wrong in ((HEALTHY_CURVES, frozenset[str]()), (ILL_CURVES, frozenset({"reward_shape"}))):
        for curve, said in kinds.items():
            yield Case(f"{curve}, long, noisy", curve, said, wrong, rows=LONG, noise=0.4)
            yield Case(f"{curve}, clean", curve, said, wrong, rows=MIDDLE, noise=0.005, algorithm="dqn")
            yield Case(f"{curve}, short", curve, said, wrong, rows=SHORT, noise=0.1, every=25,
                       algorithm="sac", env_id="Hopper-v4")  # fmt: skip


def _rarely(factor: float, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(t)) < 0.1, factor, 1.0)


NEVER = {"entropy_loss": _entropy(lambda t: np.full_like(t, 0.99)),
         "explained_variance": lambda t, rng: rng.normal(0.0, 0.02, len(t))}  # fmt: skip
PLATEAU = ("early plateau", "reward_level")
_PPO_ILL = (
    Case("KL far too high", "nothing", "reward_flat", frozenset({"kl", "reward_shape"}),
         change=_set(kl_divergence=_noisy(lambda t: np.full_like(t, 0.12)))),
    Case("KL high while it learns", *PLATEAU, frozenset({"kl"}),
         change=_set(kl_divergence=_noisy(lambda t: np.full_like(t, 0.08)))),
    Case("KL high for a quarter", *PLATEAU, frozenset({"kl"}), rows=LONG,
         change=_set(kl_divergence=_noisy(lambda t: np.where((t > 0.4) & (t < 0.65), 0.1, 0.008)))),
    Case("one jump of the policy", *PLATEAU, frozenset({"kl"}),
         change=_set(kl_divergence=lambda t, rng: np.where(np.arange(len(t)) == 150, 0.4, spread(rng, len(t), 0.008)))),
    Case("KL of nothing", "nothing", "reward_flat", frozenset({"kl", "reward_shape"}),
         change=_set(kl_divergence=_noisy(lambda t: np.full_like(t, 0.0002)))),
    Case("clip fraction too high", *PLATEAU, frozenset({"clip_fraction"}),
         change=_set(clip_fraction=_noisy(lambda t: np.full_like(t, 0.5), 0.1))),
    Case("KL up, clip fraction down", *PLATEAU, frozenset({"kl_against_clip", "kl"}), rows=LONG,
         change=_set(kl_divergence=_noisy(lambda t: 0.005 + 0.03 * t), clip_fraction=_noisy(lambda t: 0.2 - 0.17 * t))),
    Case("critic worse than a constant", "nothing", "reward_flat", frozenset({"explained_variance", "reward_shape"}),
         change=_set(explained_variance=lambda t, rng: rng.normal(-0.6, 0.2, len(t)))),
    Case("dead critic", "slow decay", "reward_collapsed", frozenset({"explained_variance", "reward_shape"}),
         change=_set(explained_variance=lambda t, rng: rng.normal(0.0, 0.02, len(t)))),
    Case("never learned", "nothing", "reward_flat",
         frozenset({"never_learned", "entropy", "explained_variance", "reward_shape"}), change=_set(**NEVER)),
    Case("never learned, long and noisy", "nothing", "reward_flat",
         frozenset({"never_learned", "entropy", "explained_variance", "reward_shape"}), rows=LONG, noise=0.6,
         change=_set(**NEVER)),
    Case("entropy gone before the plateau", "late plateau", "reward_level", frozenset({"entropy"}), rows=LONG,
         change=_set(entropy_loss=_entropy(lambda t: np.where(t < 0.2, 1 - 4.9 * t, 0.01)))),
    Case("entropy gone, reward gone", "collapse", "reward_collapsed", frozenset({"entropy", "reward_shape"}),
         change=_set(entropy_loss=_entropy(lambda t: np.where(t < 0.55, 1 - t, 0.01)))),
    Case("value loss blows up", "collapse", "reward_collapsed", frozenset({"value_loss", "reward_shape"}),
         change=_set(value_loss=_noisy(lambda t: np.where(t < 0.6, 0.5, 0.5 * np.exp(12 * (t - 0.6)))))),
    Case("gradients blow up", "collapse", "reward_collapsed", frozenset({"gradient_norm", "reward_shape"}),
         change=_set(gradient_norm=_noisy(lambda t: np.where(t < 0.6, 0.6, 30.0)))),
    Case("uneven gradients", *PLATEAU, frozenset({"gradient_norm"}),
         change=_set(gradient_norm=lambda t, rng: spread(rng, len(t), 0.6) * _rarely(20, t, rng))),
    Case("entropy of continuous actions grows", *PLATEAU, frozenset({"entropy"}), env_id="Hopper-v4",
         change=_set(entropy_loss=lambda t, rng: -(3 + 4 * t + rng.normal(0, 0.1, len(t))))),
)  # fmt: skip
_PPO_WELL = (
    Case("annealed to nothing", *PLATEAU, rows=LONG,
         change=_set(learning_rate=lambda t, rng: 2.5e-4 * (1 - t),
                     kl_divergence=_noisy(lambda t: 0.009 * (1 - t) ** 2),
                     clip_fraction=_noisy(lambda t: 0.145 * (1 - t) ** 2))),
    Case("annealed by its settings only", "steady rise", "reward_rising", config={"learning_rate": "lin_2.5e-4"},
         change=_set(learning_rate=lambda t, rng: np.full_like(t, np.nan),
                     kl_divergence=_noisy(lambda t: 0.009 * (1 - t) ** 2))),
    Case("estimator that can be negative", *PLATEAU,
         change=_set(kl_divergence=lambda t, rng: rng.normal(0.005, 0.03, len(t)))),
    Case("continuous actions", "saturating", "reward_level", env_id="HalfCheetah-v5",
         change=_set(entropy_loss=lambda t, rng: 8 * t - 3 + rng.normal(0, 0.1, len(t)))),
    Case("entropy gone after the plateau", "early plateau", "reward_level", rows=LONG,
         change=_set(entropy_loss=_entropy(lambda t: np.where(t < 0.5, 1 - 1.9 * t, 0.01)))),
    Case("entropy as a sum", *PLATEAU, algorithm="a2c",
         change=_set(entropy_loss=lambda t, rng: -650 + 300 * t + rng.normal(0, 5, len(t)))),
    Case("value loss grows with the returns", "steady rise", "reward_rising",
         change=_set(value_loss=_noisy(lambda t: 0.1 + 5 * t**2))),
    Case("gradient recorded after clipping", *PLATEAU,
         change=_set(gradient_norm=lambda t, rng: np.full_like(t, 0.5))),
    Case("continued run that holds", "nothing", "reward_held", is_first=False),
    Case("solved from the first row on", "nothing", "reward_held", is_solved=True),
    Case("few rows", "steady rise", "reward_few", rows=8, noise=0.05, quality={"canonical_rows": 8},
         either=frozenset({"data_quality"})),
    Case("tiny updates that learn", "steady rise", "reward_rising",
         change=_set(kl_divergence=_noisy(lambda t: np.full_like(t, 0.0004)))),
    Case("little left to explain", *PLATEAU, either=frozenset({"explained_variance"}), rows=LONG,
         change=_set(explained_variance=lambda t, rng: np.where(t < 0.5, 0.8, 0.02) + rng.normal(0, 0.02, len(t)))),
    Case("only rewards recorded", "sigmoid", "reward_level",
         change=_set(**dict.fromkeys(("kl_divergence", "clip_fraction", "explained_variance", "entropy_loss",
                                      "value_loss", "gradient_norm"), lambda t, rng: np.full_like(t, np.nan)))),
)  # fmt: skip
_OTHERS = (
    Case("DQN", "saturating", "reward_level", algorithm="dqn",
         config={"exploration_fraction": 0.1, "exploration_final_eps": 0.01, "buffer_size": 100000}),
    Case("DQN whose loss runs away", "collapse", "reward_collapsed", frozenset({"td_loss", "reward_shape"}),
         algorithm="dqn",
         change=_set(total_loss=_noisy(lambda t: np.where(t < 0.6, 0.02, 0.02 * np.exp(14 * (t - 0.6)))))),
    Case("DQN that never began", "nothing", "reward_flat", frozenset({"replay", "reward_shape"}), algorithm="dqn",
         config={"learning_starts": 500_000, "buffer_size": 100_000}),
    Case("DQN that was still exploring", "steady rise", "reward_rising", frozenset({"exploration"}), algorithm="dqn",
         config={"exploration_fraction": 0.5}, target=1_000_000),
    Case("DQN with the numbers of PPO", *PLATEAU, algorithm="dqn",
         change=_set(kl_divergence=lambda t, rng: np.full_like(t, 0.5),
                     clip_fraction=lambda t, rng: np.full_like(t, 0.9))),
    Case("SAC", "saturating", "reward_level", algorithm="sac", env_id="Hopper-v4", config={"ent_coef": "auto"}),
    Case("SAC whose critic blows up", "nothing", "reward_flat", frozenset({"td_loss", "reward_shape"}),
         algorithm="sac", env_id="Hopper-v4", either=frozenset({"q_value"}),
         change=_set(value_loss=_noisy(lambda t: np.exp(9 * t)))),
    Case("TD3", "late plateau", "reward_level", algorithm="td3", env_id="Hopper-v4"),
    Case("TD3 too optimistic", "nothing", "reward_flat", frozenset({"q_value", "reward_shape"}), algorithm="td3",
         env_id="Hopper-v4", change=_set(policy_loss=lambda t, rng: -900 * t + rng.normal(0, 5, len(t)))),
)  # fmt: skip
_SYSTEMS = (
    Case("slower and slower", *PLATEAU, frozenset({"throughput"}), speed=lambda t: 400 * (1 - 0.6 * t)),
    Case("speed that wobbles", *PLATEAU, speed=lambda t: 400 * (1 + 0.1 * np.sin(20 * t))),
    Case("memory leak", *PLATEAU, frozenset({"resources"}), rows=LONG,
         change=_set(memory_mb=lambda t, rng: 800 + 2400 * t + rng.normal(0, 5, len(t)))),
    Case("replay memory fills up", *PLATEAU, algorithm="dqn",
         change=_set(memory_mb=lambda t, rng: 800 + 1800 * np.minimum(t / 0.5, 1) + rng.normal(0, 5, len(t)))),
    Case("GPU memory nearly full", *PLATEAU, frozenset({"resources"}), vram=0.97),
    Case("half of the time lost", *PLATEAU, frozenset({"downtime"}), lost_h=5.0),
    Case("rows of another run", *PLATEAU, frozenset({"data_quality"}), quality={"contaminated_rows": 20}),
    Case("settings contradicted", *PLATEAU, frozenset({"data_quality"}),
         problems=(problem("rollout_contradiction", measured=4096, recorded=2048),)),
)  # fmt: skip
CASES: tuple[Case, ...] = (*_shapes(), *_PPO_ILL, *_PPO_WELL, *_OTHERS, *_SYSTEMS)


# ---- how well the checks do


@dataclass
class Score:
    """How often a check was right: true and false alarms, and what it overlooked."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """Share of its alarms that were right; None without an alarm."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else None

    @property
    def recall(self) -> float | None:
        """Share of what was wrong that it found; None where nothing was."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else None


@dataclass
class Outcome:
    """All cases with all seeds.

    Attributes:
        checks: the score of each check.
        shapes: the same for what is said of the reward.
        healthy, alarmed: draws of healthy runs, and those in which any check found something.
        mistakes: what was wrong, by case.
    """

    checks: dict[str, Score] = field(default_factory=dict)
    shapes: dict[str, Score] = field(default_factory=dict)
    healthy: int = 0
    alarmed: int = 0
    mistakes: list[str] = field(default_factory=list)


def judge_all(seeds: int = SEEDS) -> Outcome:
    """Hold every check against every case."""
    outcome = Outcome()
    for case in CASES:
        for seed in range(seeds):
            _judge(case, seed, outcome)
    return outcome


def _judge(case: Case, seed: int, outcome: Outcome) -> None:
    found = find_all(case, seed)
    alarms = {rule for rule, finding in found.items() if finding.level in WRONG} - case.either
    for rule in sorted({*found, *case.wrong}):
        score = outcome.checks.setdefault(rule, Score())
        score.hits += rule in alarms and rule in case.wrong
        score.false += rule in alarms and rule not in case.wrong
        score.missed += rule not in alarms and rule in case.wrong
    said = found["reward_shape"].reason.key.removeprefix("finding.")
    outcome.shapes.setdefault(case.reward, Score())
    outcome.shapes.setdefault(said, Score())
    outcome.shapes[case.reward].hits += said == case.reward
    outcome.shapes[case.reward].missed += said != case.reward
    outcome.shapes[said].false += said != case.reward
    outcome.healthy += case.is_healthy
    outcome.alarmed += case.is_healthy and bool(alarms)
    if alarms != case.wrong or said != case.reward:
        extra, missed = sorted(alarms - case.wrong), sorted(case.wrong - alarms)
        words = "" if said == case.reward else f"; {said}, not {case.reward}"
        outcome.mistakes.append(f"{case.name} (seed {seed}): false {extra}, missed {missed}{words}")
