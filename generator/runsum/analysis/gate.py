"""The gate: whether to train on along this line, by a table of clauses of which the first that applies decides."""

from __future__ import annotations

from collections.abc import Callable

from runsum.analysis.evidence import Evidence, below_parent, ended_when_solved, lost_share
from runsum.frozen import frozen
from runsum.model import Phrase, State, phrase
from runsum.thresholds import Thresholds

GO, NO_GO = "go", "no-go"
INSUFFICIENT, UNDECIDED = "insufficient data", "undecided"  # too little is known; what is known speaks for neither


@frozen
class Clause:
    """A line of the gate: what it decides, and its reason where it applies."""

    gate: str
    applies: Callable[[Evidence, Thresholds], Phrase | None]


def judge_gate(e: Evidence, limits: Thresholds) -> tuple[str, Phrase]:
    """Whether to go on with this line: the first clause that applies decides."""
    for clause in CLAUSES:
        reason = clause.applies(e, limits)
        if reason is not None:
            return clause.gate, reason
    is_level = e.number("level_since") is not None
    key = {"rising": "gate.rising", "flat": "gate.held"}.get(e.shape, "gate.level" if is_level else "gate.open")
    change, share = abs(e.number("recent_change") or 0.0), limits.recent_share * 100
    return GO, phrase(key, final=e.final or 0.0, change=change, best=e.best or 0.0, share=share)


def _gate_failed(e: Evidence, limits: Thresholds) -> Phrase | None:
    return phrase("gate.failed", progress=e.progress_pct or 0.0) if e.state is State.FAILED else None


def _gate_log(e: Evidence, limits: Thresholds) -> Phrase | None:
    if "log_failure" not in e.problems or e.state is State.COMPLETED:
        return None
    return phrase("gate.log_failure", what=e.problems["log_failure"].values["what"])


def _gate_few(e: Evidence, limits: Thresholds) -> Phrase | None:
    rows = e.quality.reward_rows
    few = rows < limits.min_rows_trend or e.shape in ("none", "few")
    return phrase("gate.few_rows", rows=rows, least=limits.min_rows_trend) if few else None


def _gate_early_mean(e: Evidence, limits: Thresholds) -> Phrase | None:
    found = e.says("reward_shape", "reward_early")
    return phrase("gate.early_mean", share=found.reason.values["share"]) if found else None


def _gate_lost(e: Evidence, limits: Thresholds) -> Phrase | None:
    return phrase("gate.lost_rewards", best=e.best or 0.0) if e.lost_rewards else None


def _gate_contaminated(e: Evidence, limits: Thresholds) -> Phrase | None:
    count = e.quality.contaminated_rows  # a single one, of a run that had ended before, replaced one row at most
    return phrase("gate.contaminated", count=count) if count > 1 else None


def _gate_early_solved(e: Evidence, limits: Thresholds) -> Phrase | None:
    if not ended_when_solved(e, limits):
        return None
    return phrase("gate.solved", level=e.solved_at, progress=e.progress_pct, final=e.final or 0.0)


def _gate_early(e: Evidence, limits: Thresholds) -> Phrase | None:
    if e.progress_pct is None or e.progress_pct >= limits.gate_min_progress_pct:
        return None
    return phrase("gate.too_early", progress=e.progress_pct, least=limits.gate_min_progress_pct)


def _gate_flat(e: Evidence, limits: Thresholds) -> Phrase | None:
    return phrase("gate.flat", level=e.number("level")) if e.says("reward_shape", "reward_flat") else None


def _gate_dead(e: Evidence, limits: Thresholds) -> Phrase | None:
    found = e.says("entropy", "entropy_dead")
    return phrase("gate.dead", at=found.reason.values["at"]) if found and not e.nothing_left else None


def _gate_fell(e: Evidence, limits: Thresholds) -> Phrase | None:
    if lost_share(e) <= limits.lost_gain:
        return None
    return phrase("gate.falling", best=e.best or 0.0, final=e.final or 0.0, limit=limits.lost_gain * 100)


def _gate_parent(e: Evidence, limits: Thresholds) -> Phrase | None:
    drop = below_parent(e, limits)
    return None if drop is None else phrase("gate.worse_than_parent", delta=drop, parent=e.parent_label)


def _gate_no_gain(e: Evidence, limits: Thresholds) -> Phrase | None:
    found = e.says("reward_shape", "reward_no_gain")
    return phrase("gate.no_gain", final=found.reason.values["end"]) if found else None


def _gate_from_start(e: Evidence, limits: Thresholds) -> Phrase | None:
    found = e.says("reward_shape", "reward_fell_from_start")
    if found is None:
        return None
    return phrase("gate.from_start", best=found.reason.values["before"], final=found.reason.values["after"])


def _gate_below_best(e: Evidence, limits: Thresholds) -> Phrase | None:
    found = e.says("reward_shape", "reward_below_best")
    if found is None:
        return None
    return phrase("gate.below_best", best=found.reason.values["best"], final=found.reason.values["end"])


def _gate_slipping(e: Evidence, limits: Thresholds) -> Phrase | None:
    falling = e.says("reward_shape", "reward_falling")
    return phrase("gate.slipping", best=e.best or 0.0, final=e.final or 0.0) if falling else None


def _gate_noisy(e: Evidence, limits: Thresholds) -> Phrase | None:
    return phrase("gate.noisy") if e.says("reward_shape", "reward_noisy") else None


CLAUSES: tuple[Clause, ...] = (
    Clause(NO_GO, _gate_failed),
    Clause(NO_GO, _gate_log),
    Clause(INSUFFICIENT, _gate_few),
    Clause(INSUFFICIENT, _gate_lost),
    Clause(INSUFFICIENT, _gate_contaminated),
    Clause(GO, _gate_early_solved),
    Clause(INSUFFICIENT, _gate_early),
    Clause(INSUFFICIENT, _gate_early_mean),
    Clause(NO_GO, _gate_flat),
    Clause(NO_GO, _gate_dead),
    Clause(NO_GO, _gate_fell),
    Clause(NO_GO, _gate_parent),
    Clause(UNDECIDED, _gate_from_start),
    Clause(UNDECIDED, _gate_no_gain),
    Clause(UNDECIDED, _gate_below_best),
    Clause(UNDECIDED, _gate_slipping),
    Clause(UNDECIDED, _gate_noisy),
)
"""The gate: the first line that applies decides; where none does, it is go."""
