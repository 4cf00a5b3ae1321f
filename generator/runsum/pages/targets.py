"""How long the runs of a group were meant to train: the one setting besides the seed in which equal runs may differ."""

from __future__ import annotations

from runsum.archive.archive import Archive
from runsum.archive.seeds import Sample, SeedGroup, is_target
from runsum.frozen import frozen
from runsum.model import Phrase, phrase


@frozen
class Targets:
    """Least and largest target of the runs of a group, absolute steps."""

    least: int
    most: int


def target_of(sample: Sample, archive: Archive) -> int | None:
    """The step at which its last leg was to end; None where it is not recorded."""
    last = archive.find(sample.legs[-1]).digest
    return None if last.target_timesteps is None else last.start_timestep + last.target_timesteps


def targets_of(group: SeedGroup, archive: Archive) -> Targets | None:
    """The targets of a group; None where no run says so."""
    known = [target for sample in group.samples if (target := target_of(sample, archive)) is not None]
    return Targets(min(known), max(known)) if known else None


def spread_words(group: SeedGroup, archive: Archive) -> tuple[Phrase, ...]:
    """The targets of a group, where they differ."""
    found = targets_of(group, archive)
    if found is None or found.least == found.most:
        return ()
    return (phrase("seeds.targets", least=found.least, most=found.most),)


def between_words(before: SeedGroup, after: SeedGroup, archive: Archive) -> Phrase | None:
    """The targets of two groups, where they differ; None where all are equal, or the settings tell them."""
    one, other = targets_of(before, archive), targets_of(after, archive)
    if one is None or other is None or one.least == one.most == other.least == other.most:
        return None
    if any(is_target(name) for group in (before, after) for name in group.settings):
        return None  # something follows a schedule over it, so it is one of the settings
    return phrase("effect.targets", before=_words(one), after=_words(other))


def _words(targets: Targets) -> Phrase:
    if targets.least == targets.most:
        return phrase("targets.equal", target=targets.least)
    return phrase("targets.spread", least=targets.least, most=targets.most)
