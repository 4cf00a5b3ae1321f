"""What to do next: the recommendations with most support, by an explicit table over the findings of a run.

Every rule names the numbers it used; its words are `next.<name>` in the wording file, and the Methods page
prints the whole table. A rule that changes a setting says from what to what, and names a run of the archive that had it
and fared better, where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from runsum.analysis.evidence import Evidence, Precedent, below_parent, ended_when_solved, lost_share
from runsum.analysis.gate import judge_gate
from runsum.analysis.proposals import Values, better_run, propose, rounded, smaller
from runsum.frozen import frozen
from runsum.model import Level, Phrase, State, phrase
from runsum.thresholds import Thresholds


@frozen
class Rule:
    """One recommendation: how much weight it has, and when it applies (its numbers, or None)."""

    name: str
    support: float
    applies: Callable[[Evidence, Thresholds], Values | None]


@frozen
class Recommendation:
    """A recommendation: its rule, its words, and the slug of the run that supports it."""

    rule: str
    words: Phrase
    peer: str | None = None


@frozen
class Advice:
    """The gate with its reason, and two recommendations."""

    gate: str
    reason: Phrase
    recommendations: tuple[Recommendation, ...]


def advise(evidence: Evidence, limits: Thresholds) -> Advice:
    """Apply the gate and the table of rules."""
    gate, reason = judge_gate(evidence, limits)
    found = ((rule, values) for rule in _STRONGEST_FIRST if (values := rule.applies(evidence, limits)) is not None)
    return Advice(gate, reason, tuple(_recommend(rule, values) for rule, values in islice(found, 2)))


def _recommend(rule: Rule, values: Values) -> Recommendation:
    precedent = values.pop("precedent", None)
    slug = precedent.slug if isinstance(precedent, Precedent) else None
    return Recommendation(rule.name, phrase(f"next.{rule.name}", **values), slug)


def _no_rows(e: Evidence, limits: Thresholds) -> Values | None:
    few = e.quality.reward_rows < limits.min_rows_trend and e.state is not State.FAILED
    if e.state is State.RUNNING:  # it may just have begun
        few = e.quality.reward_rows == 0 and e.quality.rows >= limits.min_rows_trend
    return {"rows": e.quality.rows, "rewards": e.quality.reward_rows} if few else None


def _says_nothing(e: Evidence) -> bool:
    """Whether no reward tells of what was trained, and none is on its way."""
    return not e.quality.reward_rows and e.state is not State.RUNNING


def _failed(e: Evidence, limits: Thresholds) -> Values | None:
    if e.state is not State.FAILED:
        return None
    saved = e.has_checkpoints and e.current is not None and not e.continued
    return {"timestep": e.current, "progress": e.progress_pct, "saved": saved}


def _collapsed(e: Evidence, limits: Thresholds) -> Values | None:
    if e.best is None or e.final is None or e.quality.reward_rows < limits.min_rows_trend:
        return None
    if lost_share(e) <= limits.lost_gain:
        return None
    change = propose(e, "learning_rate", "reward_shape", smaller(limits))
    return {"best": e.best, "final": e.final, "saved": e.has_checkpoints, **change}


def _stale(e: Evidence, limits: Thresholds) -> Values | None:
    return {"at": e.problems["stale"].values["at"]} if "stale" in e.problems else None


def _not_begun(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.says("replay", "replay_not_begun")
    if found is None:
        return None
    trained = int(str(found.reason.values["trained"]))
    change = phrase(
        "change.from_to", setting="learning_starts", before=found.reason.values["starts"],
        after=int(rounded(max(trained / 10, 1))),
    )  # fmt: skip
    return {"trained": trained, "change": change}


def _updates(e: Evidence, limits: Thresholds) -> Values | None:
    for rule in ("clip_fraction", "kl"):
        found = e.outside(rule)
        if found and found.level is Level.BAD:
            change = propose(e, "learning_rate", rule, smaller(limits))
            return {"value": found.value, "clipped": rule == "clip_fraction", **change}
    return None


def _never_learned(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("never_learned")
    return {"value": found.value, **better_run(e, limits)} if found else None


def _flat(e: Evidence, limits: Thresholds) -> Values | None:
    if not e.says("reward_shape", "reward_flat") or e.outside("never_learned"):
        return None
    return {"level": e.number("level"), "rows": e.quality.reward_rows, **better_run(e, limits)}


def _rising(e: Evidence, limits: Thresholds) -> Values | None:
    going_on = e.lost_rewards or e.continued or ended_when_solved(e, limits) or e.state in (State.RUNNING, State.FAILED)
    if e.shape != "rising" or going_on or lost_share(e) > limits.lost_gain:
        return None
    return {"change": e.number("recent_change"), "share": limits.recent_share * 100, "saved": e.has_checkpoints}


def _few_episodes(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.says("reward_shape", "reward_early")
    if found is None or e.nothing_left or e.continued or e.state in (State.RUNNING, State.FAILED):
        return None
    return {"share": found.reason.values["share"], "evaluated": bool(e.number("evaluations"))}


def _worse(e: Evidence, limits: Thresholds) -> Values | None:
    drop = below_parent(e, limits)
    return None if drop is None else {"delta": drop, "parent": e.parent_label, "keys": ", ".join(e.changed[:4])}


def _dead(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.says("entropy", "entropy_dead")
    if found is None or e.nothing_left:
        return None
    return {"at": found.reason.values["at"]} | propose(e, "learning_rate", "entropy", smaller(limits))


def _came_back(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.says("reward_shape", "reward_came_back")
    if found is None or e.nothing_left:
        return None
    told = {name: found.reason.values[name] for name in ("at", "before", "after")}
    return told | propose(e, "learning_rate", "reward_shape", smaller(limits))


def _slipped(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.says("reward_shape", "reward_below_best", "reward_falling")
    if found is None or e.nothing_left or found.confidence == "low" or found.reason.values.get("is_noise"):
        return None
    told, change = found.reason.values, propose(e, "learning_rate", "reward_shape", smaller(limits))
    return change | {
        "best": told.get("best"),
        "end": told.get("end"),
        "fall": told.get("change"),
        "share": told.get("share"),
    }


def _plateau(e: Evidence, limits: Thresholds) -> Values | None:
    since, current = e.number("level_since"), e.current
    unclear = e.lost_rewards or e.shape != "level" or e.nothing_left or lost_share(e) > limits.lost_gain
    if unclear or since is None or current is None or current <= e.start or e.says("entropy", "entropy_dead"):
        return None
    share = (current - since) / (current - e.start) * 100
    if share < limits.plateau_recommend_pct:
        return None
    values: Values = {
        "since": since,
        "share": share,
        "level": e.number("level"),
        "change": None,
        **better_run(e, limits),
    }
    if values["peer"] is None:
        values |= propose(e, "learning_rate", "reward_shape", smaller(limits))
    return values


def _kl_against_clip(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("kl_against_clip")
    return None if found is None else propose(e, "learning_rate", "kl", smaller(limits))


def _kl(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("kl") and e.says("kl", "kl_high", "kl_large")
    if not found or found.level is not Level.WATCH:
        return None
    return {"value": found.value, "limit": found.band[1]} | propose(e, "learning_rate", "kl", smaller(limits))


def _clip(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("clip_fraction") and e.says("clip_fraction", "clip_high")
    if not found or found.level is not Level.WATCH:
        return None
    return {"value": found.value} | propose(e, "learning_rate", "clip_fraction", smaller(limits))


def _entropy_low(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("entropy") and e.says("entropy", "entropy_collapsed", "entropy_before_plateau")
    if not found:
        return None
    own = e.setting("ent_coef")
    change = propose(e, "ent_coef", "entropy", limits.setting_factor)
    if own == 0:
        change["change"] = phrase("change.from_to", setting="ent_coef", before=0, after=limits.entropy_bonus)
    return {"value": found.value} | change


def _entropy_high(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("entropy") and e.says("entropy", "entropy_untouched")
    if not found:
        return None
    return {"value": found.value} | propose(e, "ent_coef", "entropy", smaller(limits))


def _loss(e: Evidence, limits: Thresholds) -> Values | None:
    for rule in ("value_loss", "td_loss"):
        if found := e.outside(rule):
            return {"value": found.value} | propose(e, "learning_rate", rule, smaller(limits))
    return None


def _q_value(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("q_value")
    if found is None:
        return None
    return {"value": found.value} | propose(e, "learning_rate", "q_value", smaller(limits))


def _gradient(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("gradient_norm") and e.says("gradient_norm", "gradient_blowup")
    if not found:
        return None
    return {"value": found.value} | propose(e, "learning_rate", "gradient_norm", smaller(limits))


def _critic(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("explained_variance") and e.says("explained_variance", "ev_negative", "ev_none")
    return {"value": found.value} | propose(e, "n_steps", "explained_variance", 2.0) if found else None


def _epsilon(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("exploration")
    if found is None:
        return None
    return {"until": found.reason.values["until"], "trained": found.reason.values["trained"]}


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
    if value is None or value >= limits.gpu_idle_pct:
        return None
    envs = e.setting("n_envs")
    return {"value": value, "envs": None if not envs else int(envs), "more": None if not envs else int(2 * envs)}


def _memory(e: Evidence, limits: Thresholds) -> Values | None:
    found = e.outside("resources") and e.says("resources", "memory_grows")
    return {"value": found.value} if found else None


def _slower(e: Evidence, limits: Thresholds) -> Values | None:
    return dict(e.slowdown) if e.slowdown is not None else None


def _downtime(e: Evidence, limits: Thresholds) -> Values | None:
    return {"hours": e.downtime_h} if e.downtime_h is not None and e.downtime_h > 0 else None


def _finished(e: Evidence, limits: Thresholds) -> Values | None:
    return {"progress": e.progress_pct} if e.state is State.FINISHED else None


def _no_target(e: Evidence, limits: Thresholds) -> Values | None:
    return None if e.has_target or _says_nothing(e) else {}


def _not_evaluated(e: Evidence, limits: Thresholds) -> Values | None:
    return None if e.number("evaluations") or _says_nothing(e) else {}


def _other_seed(e: Evidence, limits: Thresholds) -> Values | None:
    return None if _says_nothing(e) else {"seeds": e.seeds}


RULES: tuple[Rule, ...] = (
    Rule("no_rows", 0.95, _no_rows),
    Rule("failed", 0.90, _failed),
    Rule("collapsed", 0.85, _collapsed),
    Rule("stale", 0.82, _stale),
    Rule("not_begun", 0.815, _not_begun),
    Rule("updates_too_large", 0.812, _updates),
    Rule("never_learned", 0.81, _never_learned),
    Rule("policy_dead", 0.805, _dead),
    Rule("flat", 0.80, _flat),
    Rule("few_episodes", 0.79, _few_episodes),
    Rule("rising", 0.78, _rising),
    Rule("worse_than_parent", 0.75, _worse),
    Rule("plateau", 0.70, _plateau),
    Rule("slipped", 0.69, _slipped),
    Rule("came_back", 0.68, _came_back),
    Rule("lost_rewards", 0.65, _lost),
    Rule("kl_against_clip", 0.63, _kl_against_clip),
    Rule("kl_high", 0.62, _kl),
    Rule("clip_high", 0.61, _clip),
    Rule("entropy_collapsed", 0.60, _entropy_low),
    Rule("entropy_untouched", 0.58, _entropy_high),
    Rule("loss_rising", 0.57, _loss),
    Rule("q_high", 0.56, _q_value),
    Rule("contradiction", 0.55, _contradiction),
    Rule("gradient", 0.53, _gradient),
    Rule("critic_poor", 0.50, _critic),
    Rule("still_exploring", 0.48, _epsilon),
    Rule("finished", 0.45, _finished),
    Rule("idle_gpu", 0.35, _idle_gpu),
    Rule("memory_grows", 0.33, _memory),
    Rule("slower", 0.30, _slower),
    Rule("downtime", 0.25, _downtime),
    Rule("other_seed", 0.10, _other_seed),
    Rule("set_target", 0.05, _no_target),
    Rule("evaluate", 0.02, _not_evaluated),
)
"""The table: name, support, test. Two with most support are printed."""
_STRONGEST_FIRST = sorted(RULES, key=lambda rule: -rule.support)
