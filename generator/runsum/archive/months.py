"""What happened month by month: what ended, what set a new best of its game, what failed, what got worse.

A run belongs to the month in which it ended or, where no end is recorded, was last active; times are those of the
machine that recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from runsum.analysis.next_actions import RULES
from runsum.analysis.rewarded import Measure
from runsum.archive.archive import Archive, ArchivedRun
from runsum.archive.costs import Sum, hours_of, steps_of
from runsum.archive.effects import gather_evidence
from runsum.frozen import frozen
from runsum.model import Finding, State
from runsum.source.columns import iso
from runsum.thresholds import Thresholds
from runsum.traits import rewarded_by, traits_of

FINISHED = (State.COMPLETED, State.FINISHED, State.STOPPED)
OVER = (*FINISHED, State.FAILED)
_Found = TypeVar("_Found", "NewBest", "Regression")
_SLIPPED = ("finding.reward_fell_from_start", "finding.reward_below_best", "finding.reward_falling")
_APPLIES = {rule.name: rule.applies for rule in RULES}


@frozen
class Ending:
    """When a run ended.

    Attributes:
        at: ISO text on the recording machine's clock.
        recorded: whether an end is recorded; else this is the last activity.
    """

    at: str
    recorded: bool

    @property
    def month(self) -> str:
        """Year and month: 2025-12."""
        return self.at[:7]


@frozen
class DatedRun:
    """A run and when it ended."""

    run: ArchivedRun
    ending: Ending


@frozen
class NewBest:
    """A run whose best reward is above that of every run of its environment that was rewarded alike and ended earlier.

    Attributes:
        before: the run that held the best; None for the first result of the environment.
        rewarded: for what it was rewarded; None where all runs of the game were rewarded alike.
        captured: whether this or an earlier run there lost its large rewards, so that the record may be wrong.
        environment: the one that it is the best of; None where all runs of the game are of one.
    """

    dated: DatedRun
    before: ArchivedRun | None
    captured: bool
    rewarded: Measure | None = None
    environment: str | None = None


@frozen
class Regression:
    """A run that got worse, by the rules of the recommendations or the check of its reward.

    Attributes:
        parent: the run it continues and ended below; None where it did not.
        fell: whether it gave back most of what it had gained itself.
        slipped: what the check of its reward says where it did not fall that far, but ended below where it had been.
    """

    dated: DatedRun
    parent: ArchivedRun | None
    fell: bool
    slipped: Finding | None = None


@frozen
class Month:
    """A month of the archive; runs newest first.

    Attributes:
        name: year and month: 2025-12.
        begun: runs of the archive that began in it, wherever they ended.
        runs: the runs that belong to it.
        finished: those that came to an end without failing, stopped ones among them.
        still_open: runs that are not over, and those with an unknown status.
        trained: hours that its runs trained.
        timesteps: steps that they trained themselves.
    """

    name: str
    begun: int
    runs: tuple[DatedRun, ...]
    finished: tuple[DatedRun, ...]
    failed: tuple[DatedRun, ...]
    still_open: tuple[DatedRun, ...]
    new_bests: tuple[NewBest, ...]
    first_results: tuple[NewBest, ...]
    regressions: tuple[Regression, ...]
    trained: Sum
    timesteps: Sum

    @property
    def stopped(self) -> int:
        """How many of the finished ones were stopped before their target."""
        return sum(item.run.digest.state is State.STOPPED for item in self.finished)


@frozen
class Months:
    """All months, newest first, and the runs that nobody can put into one."""

    months: tuple[Month, ...]
    undated: tuple[ArchivedRun, ...]


def find_ending(run: ArchivedRun) -> Ending | None:
    """When a run ended: its end where one is recorded and true, else its last activity; None without any date."""
    ended = traits_of(run.digest).ended
    return None if ended is None else Ending(*ended)


def find_months(archive: Archive) -> Months:
    """Put every run of the archive into its month."""
    dated: list[DatedRun] = []
    undated: list[ArchivedRun] = []
    for run in archive.runs:
        ending = find_ending(run)
        if ending is None:
            undated.append(run)
        else:
            dated.append(DatedRun(run, ending))
    dated.sort(key=lambda item: (item.ending.at, item.run.digest.source, item.run.digest.run_id))
    begun = Counter(iso(run.digest.started_s)[:7] for run in archive.runs if run.digest.started_s is not None)
    bests = _by_month(_find_bests(dated))
    worse = _by_month(_find_regressions(dated, archive))
    by_name: dict[str, list[DatedRun]] = {name: [] for name in begun}
    for item in reversed(dated):
        by_name.setdefault(item.ending.month, []).append(item)
    return Months(
        tuple(
            _make_month(name, begun[name], by_name[name], bests.get(name, []), worse.get(name, []))
            for name in sorted(by_name, reverse=True)
        ),
        tuple(undated),
    )


def _make_month(
    name: str, begun: int, runs: Sequence[DatedRun], bests: Sequence[NewBest], worse: Sequence[Regression]
) -> Month:
    digests = [item.run.digest for item in runs]
    return Month(
        name=name,
        begun=begun,
        runs=tuple(runs),
        finished=tuple(item for item in runs if item.run.digest.state in FINISHED),
        failed=tuple(item for item in runs if item.run.digest.state is State.FAILED),
        still_open=tuple(item for item in runs if item.run.digest.state not in OVER),
        new_bests=tuple(item for item in bests if item.before is not None),
        first_results=tuple(item for item in bests if item.before is None),
        regressions=tuple(worse),
        trained=hours_of(digests),
        timesteps=steps_of(digests),
    )


def _by_month(found: Sequence[_Found]) -> dict[str, list[_Found]]:
    """Newest first within each month."""
    months: dict[str, list[_Found]] = {}
    for item in reversed(found):
        months.setdefault(item.dated.ending.month, []).append(item)
    return months


def _find_bests(ordered: Sequence[DatedRun]) -> list[NewBest]:
    """Walk through the runs in the order in which they ended, and note whoever is above all before.

    Environments of one game, and rewards of different functions, have records of their own.
    """
    found: list[NewBest] = []
    holders: dict[tuple[str, str | None, Measure], ArchivedRun] = {}
    uncertain: set[tuple[str, str | None]] = set()
    measures: dict[str, set[Measure]] = {}
    environments: dict[str, set[str | None]] = {}
    for digest in (item.run.digest for item in ordered if item.run.digest.game is not None):
        measures.setdefault(str(digest.game), set()).add(rewarded_by(digest))
        environments.setdefault(str(digest.game), set()).add(digest.env_id)
    for item in ordered:
        game, env_id, best = item.run.digest.game, item.run.digest.env_id, item.run.digest.best_reward
        if game is None or best is None:
            continue
        if item.run.digest.lost_rewards:
            uncertain.add((game, env_id))
        rewarded = rewarded_by(item.run.digest)
        holder = holders.get((game, env_id, rewarded))
        if holder is None or best > (holder.digest.best_reward or 0.0):
            holders[game, env_id, rewarded] = item.run
            among = rewarded if len(measures[game]) > 1 else None
            where = env_id if len(environments[game]) > 1 else None
            found.append(NewBest(item, holder, (game, env_id) in uncertain, among, where))
    return found


def _find_regressions(ordered: Sequence[DatedRun], archive: Archive) -> list[Regression]:
    found: list[Regression] = []
    for item in ordered:
        if item.run.digest.state is State.RUNNING:
            continue  # it may still recover
        parent = archive.find(item.run.kin.parent) if item.run.kin.parent else None
        below, fell = _got_worse(item.run, parent, archive.thresholds)
        slipped = None if fell else find_slip(item.run)
        if below or fell or slipped is not None:
            found.append(Regression(item, parent if below else None, fell, slipped))
    return found


def _got_worse(run: ArchivedRun, parent: ArchivedRun | None, limits: Thresholds) -> tuple[bool, bool]:
    """Whether a run ended below its parent, and whether it fell from its own best."""
    evidence = gather_evidence(run.digest, parent.digest if parent else None, limits)
    below, fell = (_APPLIES[name](evidence, limits) is not None for name in ("worse_than_parent", "collapsed"))
    return below, fell


def find_slip(run: ArchivedRun) -> Finding | None:
    """What the check of the reward says of a run that ended below where it had been, if it is more than a guess."""
    for found in run.digest.findings:
        if found.rule == "reward_shape" and found.reason.key in _SLIPPED and found.confidence != "low":
            return None if run.digest.lost_rewards or found.reason.values.get("is_noise") else found
    return None
