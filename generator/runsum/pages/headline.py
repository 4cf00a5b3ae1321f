"""The first sentences of a run's page."""

from __future__ import annotations

from collections.abc import Iterator

from runsum.analysis.regained import has_fallen, rises_again
from runsum.archive.archive import ArchivedRun
from runsum.formatting import reward
from runsum.model import Phrase, RunDigest, State, phrase
from runsum.thresholds import Thresholds


def headline(run: ArchivedRun, limits: Thresholds) -> list[Phrase]:
    """What was trained, how far it got, how well: the facts of the first sentences."""
    digest = run.digest
    kinds = {found.kind for found in run.problems}
    rows = digest.quality.rows
    if "digest_failed" in kinds:
        return [phrase("headline.unreadable", rows=rows)]
    if digest.current_timestep is None:
        return [
            _nothing(digest),
            *_evaluated(digest),
            *_silent(run),
        ]
    said = [_progress_phrase(run)]
    if digest.lost_rewards:
        said.append(phrase("headline.reward_lost", best=digest.best_reward))  # the end is out of sight
    else:
        said += _reward_phrases(digest, limits)
    reason = digest.fact("error_summary_if_failed").words
    if digest.state is State.FAILED and reason is not None and "line" in reason.values:
        guarded = reason.key == "error.stale_guard"  # its words are those of a program about a program
        said.append(phrase("headline.failed_guard" if guarded else "headline.failed", line=reason.values["line"]))
    said += _silent(run)
    if digest.quality.contaminated_rows > 1:  # a single one replaced one at most
        said.append(phrase("headline.overwritten"))
    if any(kind.endswith("_contradiction") for kind in kinds):
        said.append(phrase("headline.contradiction"))
    return said


def _nothing(digest: RunDigest) -> Phrase:
    """What is known of a run without a row that counts."""
    rows, last = digest.quality.rows, digest.quality.naive_last_timestep
    if not rows:
        return phrase("headline.no_rows_yet" if digest.state is State.RUNNING else "headline.no_rows")
    return phrase("headline.no_canonical" if last is None else "headline.only_steps", rows=rows, last=last)


def _reward_phrases(digest: RunDigest, limits: Thresholds) -> list[Phrase]:
    if digest.best_reward is None:
        return [phrase("headline.no_reward"), *_evaluated(digest)]
    if digest.final_reward is not None and reward(digest.best_reward) == reward(digest.final_reward):  # as printed
        said = [phrase("headline.reward_same", best=digest.best_reward)]
    else:
        values = {"best": digest.best_reward, "at": digest.best_reward_timestep, "final": digest.final_reward}
        said = [phrase("headline.reward", **values)]
    covered = digest.signals.get("covered")
    if isinstance(covered, float):
        said += [phrase("headline.early_mean", share=covered), *_evaluated(digest)]
    elif digest.signals.get("best_early"):
        said.append(phrase("headline.early"))
    return [*said, *_course(digest, limits)]


def _course(digest: RunDigest, limits: Thresholds) -> Iterator[Phrase]:
    """What the reward did on its way, and at the end."""
    for found in digest.findings:
        if found.reason.key == "finding.reward_came_back":
            yield phrase("headline.came_back", **found.reason.values)
    shape, since = str(digest.signals.get("shape")), digest.signals.get("level_since")
    fell = has_fallen(digest.signals.get("lost_share"), limits)
    if fell:
        yield phrase("headline.fell")
    if shape == "level" and isinstance(since, float):
        yield phrase("headline.level", since=since)
    elif shape in ("rising", "falling", "flat"):
        going_on = digest.state is State.RUNNING and shape != "flat"
        held = any(found.reason.key == "finding.reward_held" for found in digest.findings)  # of a leg, or at the top
        how = "rising_again" if rises_again(digest, limits) else "held" if shape == "flat" and held else shape
        yield phrase(f"headline.{how}_now" if going_on else f"headline.{how}")


def _evaluated(digest: RunDigest) -> Iterator[Phrase]:
    """The last recorded evaluation, where training rewards do not tell how good the policy was."""
    mean = digest.signals.get("last_evaluation")
    if isinstance(mean, float):
        yield phrase("headline.evaluated", mean=mean)


def _silent(run: ArchivedRun) -> Iterator[Phrase]:
    """That nothing more has come of a run that is still marked as running."""
    for found in run.problems:
        if found.kind == "stale" and found.values["at"] is not None:
            yield phrase("headline.stale", at=found.values["at"])


def _progress_phrase(run: ArchivedRun) -> Phrase:
    digest = run.digest
    pace = digest.speed
    key = "headline.trained" if digest.progress_pct is not None else "headline.trained_open"
    parts = ("_in" if digest.trained_h else "") + ("_at" if pace else "")
    return phrase(
        key + parts,
        own=digest.own_steps,
        target=digest.target_timesteps,
        progress=digest.progress_pct,
        hours=digest.trained_h,
        fps=pace,
        leg=run.kin.leg,
        start=digest.start_timestep,
    )
