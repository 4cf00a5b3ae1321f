"""What of an earlier build still holds: runs whose rows, files and settings are as they were, pages made of the same.

Everything that a run's digest depends on goes into its fingerprint; what cannot (files that were looked at, the clock,
rows of other runs) is remembered as questions with their answers and asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runsum.clock import Asked, AsOf, still_holds
from runsum.fingerprints import text_print
from runsum.frozen import frozen
from runsum.looks import Signature, signature
from runsum.reading import PackedRun
from runsum.source.rows import RunRows


@frozen
class KeptRun:
    """A digest of an earlier build and what it depends on besides its fingerprint.

    Attributes:
        digest, fingerprint: see `PackedRun`.
        files: SHA-256 of its data files, by path.
        asked, seen_files, seen_names: see `PackedRun`.
        others: the state of the table of rows, where rows of other runs matter; "" where they do not.
    """

    digest: bytes
    fingerprint: str
    files: Mapping[str, str]
    asked: tuple[Asked, ...]
    seen_files: Mapping[str, Signature]
    seen_names: Mapping[str, bool]
    others: str = ""

    def holds(self, now: AsOf, runs: frozenset[str], others: str | None) -> bool:
        """Whether everything would be found as it was.

        Args:
            now: the moment of this build.
            runs: every run id of the database.
            others: the state of its table of rows now.
        """
        return (
            (not self.others or self.others == others)
            and still_holds(self.asked, now)
            and all((name in runs) == there for name, there in self.seen_names.items())
            and all(signature(path) == look for path, look in self.seen_files.items())
        )


def keep_run(done: PackedRun, files: Mapping[str, str], others: str | None) -> KeptRun | None:
    """What to keep of a run; None where it cannot be told whether it will hold."""
    if done.has_foreign_rows and others is None:
        return None
    others = (others or "") if done.has_foreign_rows else ""
    return KeptRun(done.digest, done.fingerprint, files, done.asked, done.seen.files, done.seen.names, others)


def run_print(base: str, known: RunRows, slug: str, stamps: Iterable[str | None]) -> str:
    """A fingerprint of a run: its settings, all its rows in the small tables, the stamps of those in the large ones.

    Empty where a stamp is missing: such a run is always read.
    """
    told = list(stamps)
    return "" if None in told else text_print(base, slug, repr(known), *map(str, told))
