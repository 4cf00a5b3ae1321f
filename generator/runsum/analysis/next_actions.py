"""What to do next: a gate and the recommendations with most support, by an explicit table of rules.

Every rule names the numbers it used; its words are `next.<name>` in the wording file, and the Methods page
prints the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runsum.model import DataQuality, Phrase, Problem, State, phrase
from runsum.thresholds import Thresholds

GO, NO_GO, INSUFFICIENT = "go", "no-go", "insufficient data"

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules may look at.

    Attributes:
        numbers: signals of the run by name (see `RunDigest.signals`).
        parent_delta: final reward minus the parent's, None without one.
        lost_rewards: whether rewards of 1000 and more were not stored.
        changed: names of the settings that differ from the parent's.
        slowdown: numbers of a marked slowdown, None without one.
        has_target: whether a solved threshold is declared for the game.
        continued: whether a later run of the archive continues this one.
        solved_at: the declared reward of the game, where the run reached it.
    """

    state: State
    progress_pct: float | None
    numbers: Mapping[str, float | str | None]
    quality: DataQuality
    problems: Mapping[str, Problem]
    best: float | None
    final: float | None
    current: int | None
    start: int
    downtime_h: float | None
    slowdown: Mapping[str, object] | None
    parent_delta: float | None = None
    parent_label: str | None = None
    lost_rewards: bool = False
    changed: tuple[str, ...] = ()
    has_target: bool = False
    continued: bool = False
    solved_at: float | None = None

    def number(self, name: str) -> float | None:
        """A signal that is a number, None when absent."""
        value = self.numbers.get(name)
        return value if isinstance(value, float) else None

    @property
    def shape(self) -> str:
        """Kind of the reward curve."""
        return str(self.numbers.get("shape") or "none")

    @property
    def scale(self) -> float:
        """Range of the reward, at least its noise."""
        return max(self.number("scale") or 0.0, self.number("noise") or 0.0, 1e-9)


@dataclass(frozen=True, slots=True)
class Rule:
    """One recommendation: how much weight it has, and when it applies (its numbers, or None)."""

    name: str
    support: float
    applies: Callable[[Evidence, Thresholds], Values | None]


@dataclass(frozen=True, slots=True)
class Advice:
    """The gate with its reason, and two recommendations with the names of their rules."""

    gate: str
    reason: Phrase
    recommendations: tuple[tuple[str, Phrase], ...]


def advise(evidence: Evidence, limits: Thresholds) -> Advice:
    """Apply the gate and the table of rules."""
    gate, reason = judge_gate(evidence, limits)
    found = [(rule, values) for rule in RULES if (values := rule.applies(evidence, limits)) is not None]
    found.sort(key=lambda item: -item[0].support)
    return Advice(gate, reason, tuple((rule.name, phrase(f"next.{rule.name}", **values)) for rule, values in found[:2]))


def judge_gate(e: Evidence, limits: Thresholds) -> tuple[str, Phrase]:
    """Whether to go on with this line: the first clause that applies decides."""
    rows = e.quality.reward_rows
    final, best = e.final or 0.0, e.best or 0.0
    if e.state is State.FAILED:
        return NO_GO, phrase("gate.failed", progress=e.progress_pct or 0.0)
    if "log_failure" in e.problems and e.state is not State.COMPLETED:
        return NO_GO, phrase("gate.log_failure", what=e.problems["log_failure"].values["what"])
    if rows < limits.min_rows_trend or e.shape in ("none", "few"):
        return INSUFFICIENT, phrase("gate.few_rows", rows=rows, least=limits.min_rows_trend)
    if e.lost_rewards:
        return INSUFFICIENT, phrase("gate.lost_rewards", best=best)
    if e.quality.contaminated_rows:
        return INSUFFICIENT, phrase("gate.contaminated", count=e.quality.contaminated_rows)
    if e.progress_pct is not None and e.progress_pct < limits.gate_min_progress_pct:
        if _ended_when_solved(e, limits):
            return GO, phrase("gate.solved", level=e.solved_at, progress=e.progress_pct, final=final)
        return INSUFFICIENT, phrase("gate.too_early", progress=e.progress_pct, least=limits.gate_min_progress_pct)
    if e.shape == "flat":
        return NO_GO, phrase("gate.flat", level=e.number("level"))
    if lost_share(e) > limits.lost_gain:
        return NO_GO, phrase("gate.falling", best=best, final=final, limit=limits.lost_gain * 100)
    if e.parent_delta is not None and e.parent_delta < -limits.parent_drop * e.scale:
        return NO_GO, phrase("gate.worse_than_parent", delta=-e.parent_delta, parent=e.parent_label)
    if e.shape == "falling":
        return INSUFFICIENT, phrase("gate.slipping", best=best, final=final)
    return GO, phrase(
        f"gate.{e.shape}",
        final=final,
        change=abs(e.number("recent_change") or 0.0),
        best=best,
        share=limits.recent_share * 100,
    )


def _ended_when_solved(e: Evidence, limits: Thresholds) -> bool:
    """Whether it was ended long before its target because there was nothing left to do."""
    early = e.progress_pct is not None and e.progress_pct < limits.gate_min_progress_pct
    return early and e.solved_at is not None and e.state is State.COMPLETED


def lost_share(e: Evidence) -> float:
    """How much of the gain (best minus start level) the last value gave back; 0 within the noise."""
    start = e.number("start_level")
    if (
        e.lost_rewards
        or e.best is None
        or e.final is None
        or start is None
        or e.best - e.final <= 4 * (e.number("noise") or 0.0)
    ):
        return 0.0
    return (e.best - e.final) / max(e.best - start, 1e-9)


def _no_rows(e: Evidence, limits: Thresholds) -> Values | None:
    return (
        {"rows": e.quality.rows, "rewards": e.quality.reward_rows}
        if e.quality.reward_rows < limits.min_rows_trend and e.state is not State.FAILED
        else None
    )


def _failed(e: Evidence, limits: Thresholds) -> Values | None:
    return {"timestep": e.current or 0, "progress": e.progress_pct or 0.0} if e.state is State.FAILED else None


def _collapsed(e: Evidence, limits: Thresholds) -> Values | None:
    if e.best is None or e.final is None or e.quality.reward_rows < limits.min_rows_trend or e.shape == "flat":
        return None
    return {"best": e.best, "final": e.final} if lost_share(e) > limits.lost_gain else None


def _stale(e: Evidence, limits: Thresholds) -> Values | None:
    return {"at": e.problems["stale"].values["at"]} if "stale" in e.problems else None


def _flat(e: Evidence, limits: Thresholds) -> Values | None:
    return {"level": e.number("level"), "rows": e.quality.reward_rows} if e.shape == "flat" else None


def _rising(e: Evidence, limits: Thresholds) -> Values | None:
    going_on = (
        e.lost_rewards or e.continued or _ended_when_solved(e, limits) or e.state in (State.RUNNING, State.FAILED)
    )
    if e.shape != "rising" or going_on or lost_share(e) > limits.lost_gain:
        return None
    return {"change": e.number("recent_change"), "share": limits.recent_share * 100}


def _worse(e: Evidence, limits: Thresholds) -> Values | None:
    if e.parent_delta is None or e.parent_delta >= -limits.parent_drop * e.scale:
        return None
    return {"delta": -e.parent_delta, "parent": e.parent_label, "keys": ", ".join(e.changed[:4]) or "none"}


def _plateau(e: Evidence, limits: Thresholds) -> Values | None:
    since, current = e.number("level_since"), e.current
    if e.lost_rewards or e.shape != "level" or since is None or current is None or current <= e.start:
        return None
    share = (current - since) / (current - e.start) * 100
    return (
        {"since": since, "share": share, "level": e.number("level")} if share >= limits.plateau_recommend_pct else None
    )


def _kl(e: Evidence, limits: Thresholds) -> Values | None:
    value = e.number("kl_median")
    return {"value": value, "limit": limits.kl_high} if value is not None and value > limits.kl_high else None


def _entropy_low(e: Evidence, limits: Thresholds) -> Values | None:
    ratio = e.number("entropy_ratio")
    return {"ratio": ratio * 100} if ratio is not None and 0 <= ratio < limits.entropy_collapsed else None


def _entropy_high(e: Evidence, limits: Thresholds) -> Values | None:
    ratio = e.number("entropy_ratio")
    late = (
        e.progress_pct or 0.0
    ) >= limits.gate_min_progress_pct and e.start == 0  # a leg starts with a trained policy
    return {"ratio": ratio * 100} if ratio is not None and late and limits.entropy_untouched < ratio < 1.5 else None


def _critic(e: Evidence, limits: Thresholds) -> Values | None:
    value = e.number("explained_variance")
    return {"value": value} if value is not None and value <= limits.explained_variance_poor else None


def _lost(e: Evidence, limits: Thresholds) -> Values | None:
    return {"best": e.best} if e.lost_rewards else None


def _contradiction(e: Evidence, limits: Thresholds) -> Values | None:
    for kind in ("rollout_contradiction", "learning_rate_contradiction"):
        if kind in e.problems:
            values = e.problems[kind].values
            return {
                "measured": values["measured"],
                "recorded": values["recorded"],
                "what": phrase(f"{kind}.what"),
            }
    return None


def _idle_gpu(e: Evidence, limits: Thresholds) -> Values | None:
    value = e.number("gpu_avg")
    return {"value": value, "limit": limits.gpu_idle_pct} if value is not None and value < limits.gpu_idle_pct else None


def _slower(e: Evidence, limits: Thresholds) -> Values | None:
    return dict(e.slowdown) if e.slowdown is not None else None


def _downtime(e: Evidence, limits: Thresholds) -> Values | None:
    return {"hours": e.downtime_h} if e.downtime_h is not None and e.downtime_h > 0 else None


def _finished(e: Evidence, limits: Thresholds) -> Values | None:
    return {"progress": e.progress_pct} if e.state is State.FINISHED else None


def _no_target(e: Evidence, limits: Thresholds) -> Values | None:
    return None if e.has_target else {}


def _always(e: Evidence, limits: Thresholds) -> Values | None:
    return {}


RULES: tuple[Rule, ...] = (
    Rule("no_rows", 0.95, _no_rows),
    Rule("failed", 0.90, _failed),
    Rule("collapsed", 0.85, _collapsed),
    Rule("stale", 0.82, _stale),
    Rule("flat", 0.80, _flat),
    Rule("rising", 0.78, _rising),
    Rule("worse_than_parent", 0.75, _worse),
    Rule("plateau", 0.70, _plateau),
    Rule("lost_rewards", 0.65, _lost),
    Rule("kl_high", 0.62, _kl),
    Rule("entropy_collapsed", 0.60, _entropy_low),
    Rule("entropy_untouched", 0.58, _entropy_high),
    Rule("contradiction", 0.55, _contradiction),
    Rule("critic_poor", 0.50, _critic),
    Rule("finished", 0.45, _finished),
    Rule("idle_gpu", 0.35, _idle_gpu),
    Rule("slower", 0.30, _slower),
    Rule("downtime", 0.25, _downtime),
    Rule("other_seed", 0.10, _always),
    Rule("set_target", 0.05, _no_target),
    Rule("evaluate", 0.02, _always),
)
"""The table: name, support, test. Two with most support are printed."""
