"""How a run went, in a few words for a row of a table."""

from __future__ import annotations

from runsum.analysis.evidence import Evidence, below_parent, lost_share
from runsum.analysis.regained import rises_again
from runsum.analysis.solved import REACHED
from runsum.archive.archive import ArchivedRun
from runsum.archive.effects import gather_evidence
from runsum.archive.months import find_slip
from runsum.model import Phrase, RunDigest, phrase
from runsum.thresholds import Thresholds

_SAID_WORSE = ("went.fell", "went.falling")


def describe_outcome(run: ArchivedRun, parent: ArchivedRun | None, limits: Thresholds) -> tuple[Phrase, ...]:
    """What became of the reward: its course, and what the digest says got worse, after a declared threshold reached."""
    digest = run.digest
    evidence = gather_evidence(digest, parent.digest if parent else None, limits)
    if digest.best_reward is None:
        return (phrase("went.no_reward"),)
    if evidence.lost_rewards:
        return (phrase("went.lost"),)
    said = []
    solved = run.fact("solved_flag").words
    if solved is not None and solved.key in REACHED:
        said.append(phrase("went.solved", level=solved.values["level"]))
    course = _shape(digest, evidence, limits)
    said.append(course)
    slip = None if course.key in _SAID_WORSE else find_slip(run)
    if slip is not None:
        values = slip.reason.values
        said.append(phrase("went.below_best", best=values.get("best", values.get("before"))))
    drop = below_parent(evidence, limits)
    if drop is not None:
        said.append(phrase("went.below_parent", delta=drop))
    return tuple(said)


def _shape(run: RunDigest, evidence: Evidence, limits: Thresholds) -> Phrase:
    if evidence.quality.reward_rows < limits.min_rows_trend or evidence.shape in ("none", "few"):
        return phrase("went.few", rows=evidence.quality.reward_rows)
    if evidence.shape == "early":
        return phrase("went.early")
    if evidence.shape == "flat":
        return phrase("went.flat", level=evidence.number("level"))
    if lost_share(evidence) > limits.lost_gain:
        return phrase("went.fell", best=evidence.best)
    if evidence.shape == "rising":
        return phrase("went.rising_again" if rises_again(run, limits) else "went.rising")
    if evidence.shape == "falling":
        return phrase("went.falling")
    since = evidence.number("level_since")
    return phrase("went.open") if since is None else phrase("went.level", since=since)
