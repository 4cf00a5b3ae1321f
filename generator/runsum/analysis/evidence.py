"""What the gate and the recommendations may look at: a run's findings and facts, and where they find precedents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from runsum.analysis.levels import LevelDifference
from runsum.frozen import frozen
from runsum.model import DataQuality, Finding, Level, Problem, State
from runsum.source.columns import number
from runsum.thresholds import Thresholds


@frozen
class Precedent:
    """A run of the same environment that fared better.

    Attributes:
        run_id, slug: the run.
        final: its last reward.
        changes: (setting, value of the run at hand, value of this one).
        algorithm: of this run, where it is another one; empty where it is the same.
        steps: how long it trained.
        then: its reward after as many steps as the run at hand has trained, where it trained clearly longer, else None.
    """

    run_id: str
    slug: str
    final: float
    changes: tuple[tuple[str, object, object], ...]
    algorithm: str = ""
    steps: int | None = None
    then: float | None = None

    @property
    def reached(self) -> float:
        """Its reward where both can be compared: after as many steps as the run at hand has trained, at most."""
        return self.final if self.then is None else self.then


class Peers(Protocol):
    """Where rules look for precedents: the other runs of the archive, as seen from one of them."""

    def with_setting(self, setting: str, up: bool, rule: str) -> Precedent | None:
        """A run with a larger or smaller value of a setting that passed a check."""

    def better(self, by: float) -> Precedent | None:
        """The run that ended best, and better by so much."""


class Nobody:
    """An archive of one run."""

    def with_setting(self, setting: str, up: bool, rule: str) -> Precedent | None:
        """Nobody."""
        return None

    def better(self, by: float) -> Precedent | None:
        """Nobody."""
        return None


@frozen
class Evidence:
    """What the rules may look at.

    Attributes:
        numbers: signals of the run by name (see `RunDigest.signals`).
        against_parent: level at its end against that of the parent; None without one.
        lost_rewards: whether rewards of 1000 and more were not stored.
        changed: names of the settings that differ from the parent's and change what is learned.
        slowdown: numbers of a marked slowdown, None without one.
        has_target: whether a solved threshold is declared for the game.
        continued: whether a later run of the archive continues this one.
        solved_at: the declared reward of the game, where the run reached it.
        at_the_top: whether the level at its end is the most that its environment gives, or it crossed the registered
            threshold and stayed above.
        findings: what the checks of its health came to, by their names.
        settings: its configuration by name.
        has_checkpoints: whether anything says that its weights were saved.
        peers: other runs of the archive.
        algorithm: its name in capitals; empty where it is not known.
        seeds: how many runs of its settings count together, where they have a page, else 0.
    """

    state: State
    progress_pct: float | None
    numbers: Mapping[str, float | str | None]
    quality: DataQuality
    best: float | None
    final: float | None
    current: int | None
    start: int
    problems: Mapping[str, Problem] = field(default_factory=dict)
    downtime_h: float | None = None
    slowdown: Mapping[str, object] | None = None
    against_parent: LevelDifference | None = None
    parent_label: str | None = None
    lost_rewards: bool = False
    changed: tuple[str, ...] = ()
    has_target: bool = False
    continued: bool = False
    solved_at: float | None = None
    at_the_top: bool = False
    findings: Mapping[str, Finding] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    has_checkpoints: bool = False
    peers: Peers = field(default_factory=Nobody)
    algorithm: str = ""
    seeds: int = 0

    @property
    def nothing_left(self) -> bool:
        """Whether there is nothing to gain any more."""
        return self.solved_at is not None or self.at_the_top

    def number(self, name: str) -> float | None:
        """A signal that is a number, None when absent."""
        value = self.numbers.get(name)
        return value if isinstance(value, float) else None

    def setting(self, name: str) -> float | None:
        """A setting that is a number."""
        return number(self.settings.get(name))

    def outside(self, rule: str) -> Finding | None:
        """The finding of a check, if it is outside of its range and more than a guess."""
        found = self.findings.get(rule)
        return found if found and found.level in (Level.WATCH, Level.BAD) and found.confidence != "low" else None

    def says(self, rule: str, *keys: str) -> Finding | None:
        """The finding of a check, if it is one of these."""
        found = self.findings.get(rule)
        return found if found and found.reason.key.removeprefix("finding.") in keys else None

    @property
    def shape(self) -> str:
        """Kind of the reward curve."""
        return str(self.numbers.get("shape") or "none")

    @property
    def scale(self) -> float:
        """Range of the reward, at least its noise."""
        return max(self.number("scale") or 0.0, self.number("noise") or 0.0, 1e-9)


def ended_when_solved(e: Evidence, limits: Thresholds) -> bool:
    """Whether it was ended long before its target because there was nothing left to do."""
    early = e.progress_pct is not None and e.progress_pct < limits.gate_min_progress_pct
    return early and e.solved_at is not None and e.state is State.COMPLETED


def below_parent(e: Evidence, limits: Thresholds) -> float | None:
    """How far its level ended below that of its parent, beyond the noise; None where it did not."""
    if e.against_parent is None or e.lost_rewards:
        return None
    return e.against_parent.drop(e.scale, limits)


def lost_share(e: Evidence) -> float:
    """How much of its gain the course of the reward has given back at its end; 0 within the noise."""
    return 0.0 if e.lost_rewards else e.number("lost_share") or 0.0
