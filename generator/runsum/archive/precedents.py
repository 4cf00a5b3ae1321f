"""What other runs of the archive show: same environment and algorithm, another setting, and it went better.

Runs are indexed once; a question costs a binary search, so that ten thousand runs of one game take no longer each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice

from runsum.analysis.evidence import Precedent
from runsum.archive.ranking import Task, task_of
from runsum.frozen import frozen
from runsum.model import Level, RunDigest
from runsum.source.columns import number
from runsum.traits import ADVISED, traits_of

_SHOWN = 3
_LONGER = 1.1  # so many times the steps are more, and what came of them is no comparison


@frozen
class _Ordered:
    """Runs by the value of a setting, and the best of those up to and from each place.

    Attributes:
        values: of the setting, rising.
        below: at each place the run that ended best among those up to it.
        above: at each place the run that ended best among those from it on.
    """

    values: Sequence[float]
    below: Sequence[RunDigest]
    above: Sequence[RunDigest]


@dataclass(slots=True)
class Precedents:
    """The runs of an archive by task and algorithm, and by task alone (algorithm None).

    A task is an environment and what was rewarded in it.
    """

    _groups: dict[tuple[Task, str | None], list[RunDigest]] = field(default_factory=dict)
    _ordered: dict[tuple[Task, str | None, str, str], _Ordered] = field(default_factory=dict)
    _best: dict[tuple[Task, str | None], list[RunDigest]] = field(default_factory=dict)

    @classmethod
    def of(cls, digests: Sequence[RunDigest]) -> Precedents:
        """Index runs; those whose reward cannot be judged are no precedent."""
        index = cls()
        for run in digests:
            if run.env_id and run.algorithm and run.final_reward is not None and _passes(run, "reward_shape"):
                index._groups.setdefault((task_of(run), run.algorithm), []).append(run)
                index._groups.setdefault((task_of(run), None), []).append(run)
        return index

    def with_setting(self, run: RunDigest, setting: str, up: bool, rule: str) -> Precedent | None:
        """The run that ended best among those with a larger or smaller value of a setting and a good check.

        Args:
            run: the run that is to be changed.
            setting: name of the setting.
            up: whether the value must be larger.
            rule: the check that must not have found anything.
        """
        own = number(traits_of(run).advised.get(setting))
        task = task_of(run)
        key = (task, run.algorithm, setting, rule)
        if own is None or key[:2] not in self._groups:
            return None
        if key not in self._ordered:
            self._ordered[key] = self._order(self._groups[task, run.algorithm], setting, rule)
        order = self._ordered[key]
        place = bisect_right(order.values, own) if up else bisect_left(order.values, own) - 1
        if not 0 <= place < len(order.values):
            return None
        other = (order.above if up else order.below)[place]
        value = number(traits_of(other).advised.get(setting))
        if value is None:
            return None
        beside = (change for change in self._differing(run, other) if change[0] != setting)
        return _precedent(run, other, ((setting, own, value), *islice(beside, _SHOWN - 1)))

    def better(self, run: RunDigest, by: float) -> Precedent | None:
        """The run that ended best, if better by so much: of the same algorithm with what it had else, or of another."""
        task = task_of(run)
        for algorithm in (run.algorithm, None):
            key = (task, algorithm)
            if key not in self._best:
                self._best[key] = sorted(self._groups.get(key, ()), key=_rank)[:2]
            other = next((best for best in self._best[key] if best.slug != run.slug), None)
            if other is None:
                continue
            same = other.algorithm == run.algorithm
            changes = tuple(self._differing(run, other))[:_SHOWN] if same else ()
            found = _precedent(run, other, changes, "" if same else other.algorithm or "")
            if found.reached > (run.final_reward or 0.0) + by and (changes or not same):
                return found
        return None

    def _differing(self, run: RunDigest, other: RunDigest) -> Iterator[tuple[str, object, object]]:
        own, theirs = traits_of(run).advised, traits_of(other).advised
        for name in ADVISED:
            before, after = own.get(name), theirs.get(name)
            if before is not None and after is not None and before != after:
                yield name, before, after

    def _order(self, runs: Sequence[RunDigest], setting: str, rule: str) -> _Ordered:
        seen = [
            (value, run)
            for run in runs
            if (value := number(traits_of(run).advised.get(setting))) is not None and _passes(run, rule)
        ]
        seen.sort(key=lambda item: (item[0], _rank(item[1])))
        ordered = [run for _, run in seen]
        below = list(accumulate(ordered, _better_of))
        above = list(accumulate(reversed(ordered), _better_of))[::-1]
        return _Ordered([value for value, _ in seen], below, above)


def _precedent(
    run: RunDigest, other: RunDigest, changes: tuple[tuple[str, object, object], ...], algorithm: str = ""
) -> Precedent:
    own, final = run.current_timestep or 0, float(other.final_reward or 0.0)
    then = _at(other, own) if (other.current_timestep or 0) > _LONGER * own else None
    return Precedent(other.run_id, other.slug, final, changes, algorithm, other.current_timestep, then)


def _at(run: RunDigest, timestep: int) -> float | None:
    """The last reward of the curve of a run up to a timestep; None before its first one."""
    place = bisect_right(run.curve.timesteps, timestep)
    return float(run.curve.rewards[place - 1]) if place else None


def _rank(run: RunDigest) -> tuple[float, str]:
    """The best end first."""
    return -(run.final_reward or 0.0), run.slug


def _better_of(one: RunDigest, other: RunDigest) -> RunDigest:
    return one if _rank(one) <= _rank(other) else other


def _passes(run: RunDigest, rule: str) -> bool:
    """Whether a check was made of a run and found nothing: of the reward, that it went up and stayed."""
    return any(found.rule == rule and found.level is Level.GOOD for found in run.findings)


@frozen
class PeersOf:
    """The other runs of an archive as seen from one of them."""

    run: RunDigest
    index: Precedents

    def with_setting(self, setting: str, up: bool, rule: str) -> Precedent | None:
        """A run with a larger or smaller value of a setting that passed a check."""
        return self.index.with_setting(self.run, setting, up, rule)

    def better(self, by: float) -> Precedent | None:
        """The run that ended best, and better by so much."""
        return self.index.better(self.run, by)
