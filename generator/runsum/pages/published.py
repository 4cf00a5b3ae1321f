"""Numbers of others that the runs of an archive are held against, for the Methods page."""

from __future__ import annotations

from runsum.archive.archive import Archive
from runsum.frozen import frozen
from runsum.reference.reward_thresholds import REWARD_THRESHOLDS


@frozen
class PublishedLevel:
    """Gymnasium's threshold of an environment, and the version that has it."""

    name: str
    level: float
    origin: str


@frozen
class PublishedHuman:
    """Scores of a random and of a human player of a game."""

    name: str
    random: float
    human: float


def published_levels(archive: Archive) -> tuple[PublishedLevel, ...]:
    """The thresholds of Gymnasium for environments of the archive."""
    present = {run.digest.env_id for run in archive.runs}
    return tuple(
        PublishedLevel(name, level, f"Gymnasium {version}")
        for name, (level, _, _, version) in sorted(REWARD_THRESHOLDS.items())
        if name in present
    )


def published_humans(archive: Archive) -> tuple[PublishedHuman, ...]:
    """The Atari scores for games of the archive."""
    found = {
        run.digest.game or run.digest.run_id: run.digest.human for run in archive.runs if run.digest.human is not None
    }
    return tuple(PublishedHuman(name, found[name].random, found[name].human) for name in sorted(found))
