"""Read and digest the runs of one database; a run that cannot be read hides no other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np

from runsum.cleaning.rows import find_contaminated
from runsum.clock import Asked
from runsum.config import Settings
from runsum.digest import DigestedRun, DigestSettings, digest_run
from runsum.frozen import frozen
from runsum.model import RunDigest, problem
from runsum.pickling import pack, unpack
from runsum.publishing import publish_files
from runsum.redact.policy import Policy
from runsum.redact.redactor import Redactor
from runsum.source.columns import Floats, seconds, text
from runsum.source.database import Stamp, blaming, open_again
from runsum.source.leaf_rows import Extent, Layout, read_leaves
from runsum.source.metric_rows import metrics_of_rows, samples_of_rows
from runsum.source.project import ProjectFiles, read_project_files
from runsum.source.project_tree import Witness
from runsum.source.records import GpuTable, MetricTable, RunRecord
from runsum.source.rows import RowReader, RunRows, publish_run
from runsum.traits import with_traits


@frozen
class Place:
    """Where the rows of a database are read, by whichever process.

    Attributes:
        path: the database, for complaints.
        seen: how it looked when it was opened.
        address: see `DatabaseFile.readers`.
        columns: of the tables.
        indexed: tables with an index on run_id.
        file: whose pages may be read past SQLite; None: none.
        layouts: of its tables.
    """

    path: Path
    seen: Stamp
    address: str
    columns: Mapping[str, tuple[str, ...]]
    indexed: frozenset[str]
    file: Path | None = None
    layouts: Mapping[str, Layout] = field(default_factory=dict)


@frozen
class ReadTask:
    """One run to be read and digested.

    Attributes:
        place: None: with the reader of this process.
        known: its rows in the small tables.
        slug: name of its page folder.
        others: every run id of the database.
        use: what digests depend on.
        settings: project root, video settings, redaction.
        extents: where its rows in the large tables lie, as far as that is known.
    """

    place: Place | None
    known: RunRows
    slug: str
    others: frozenset[str]
    use: DigestSettings
    settings: Settings
    extents: Mapping[str, Extent] = field(default_factory=dict)


@frozen
class PackedRun:
    """What a process has made of a run: packed once, for the process that asked for it and for the next build.

    Attributes:
        digest: see `unpack_digest`.
        fingerprint: of those bytes: equal ones are equal digests.
        files: content of its data files, by name.
        asked: see `DigestedRun`.
        seen: what of the disk and of the other runs' names it depends on.
        has_foreign_rows: whether it depends on the rows of other runs.
    """

    digest: bytes
    fingerprint: str
    files: Mapping[str, bytes]
    asked: tuple[Asked, ...]
    seen: Witness
    has_foreign_rows: bool


def unpack_digest(packed: bytes, fingerprint: str) -> RunDigest:
    """The digest of a run, with its fingerprint.

    Raises:
        Exception: of any kind, where the bytes are damaged.
    """
    digest: RunDigest = unpack(packed)
    object.__setattr__(digest, "fingerprint", fingerprint)  # nobody else has it yet; to replace it would unpack all
    return digest


def read_runs(tasks: Sequence[ReadTask]) -> list[PackedRun]:
    """Read and digest some runs, in the order given; the work of one process."""
    done: list[PackedRun] = []
    for place, some in groupby(tasks, key=lambda task: task.place):
        assert place is not None
        with (
            blaming(place.path, place.seen),
            open_again(place.address) as connection,
            read_leaves(place.file, place.layouts) if place.file is not None else nullcontext() as leaves,
        ):
            redactor = _redactor(tasks[0].settings.redaction)
            reader = RowReader(connection, place.columns, place.indexed, redactor, leaves)
            done += [read_run(reader, task) for task in some]
    return done


@lru_cache(maxsize=1)
def _redactor(policy: Policy) -> Redactor:
    """One redactor per process: it remembers texts that it has seen."""
    return Redactor(policy)


def read_run(reader: RowReader, task: ReadTask) -> PackedRun:
    """Read and digest one run; what is odd about it ends no build but is told on its page."""
    settings, root = task.settings, task.settings.project_root
    root = root if root is not None and root.is_dir() else None
    witness = Witness()
    record = reader.read(task.known, task.extents)
    foreign = _foreign_rows(record)
    twins = reader.find_twins(task.known, record, foreign) if len(foreign) else {}
    try:
        files = _look_below(root, record, task.others, witness) if root is not None else None
        done = digest_run(record, task.slug, files, task.use, twins)
    except Exception as error:  # one run's surprise must not take the archive down; it is shown on its page
        done = digest_nothing(record, task.slug, task.use, f"{type(error).__name__}: {error}")
    done = publish_files(done, settings, root, witness)
    return _pack(done, witness, len(foreign) > 0)


def read_nothing(task: ReadTask, why: str) -> PackedRun:
    """The page of a run whose rows could not even be read."""
    keep = Redactor(task.settings.redaction)
    record = RunRecord(task.known.source, task.known.run_id, publish_run(task.known, keep), *no_rows(), redactor=keep)
    return _pack(digest_nothing(record, task.slug, task.use, why), Witness(), False)


def _pack(done: DigestedRun, seen: Witness, has_foreign_rows: bool) -> PackedRun:
    packed = pack(with_traits(done.digest))
    fingerprint = hashlib.blake2b(packed, digest_size=16).hexdigest()
    return PackedRun(packed, fingerprint, done.files, done.asked, seen, has_foreign_rows)


def _look_below(root: Path, record: RunRecord, known: frozenset[str], witness: Witness) -> ProjectFiles:
    paths = [path for name in ("model_path", "log_path", "tensorboard_path") if (path := text(record.row.get(name)))]
    return read_project_files(root, record.run_id, _recorded_videos(record), known, paths, record.redactor, witness)


def _recorded_videos(record: RunRecord) -> list[str]:
    rows = [*record.artifacts, *record.generated, *record.segments]
    paths = (text(row.get(name)) for row in rows for name in ("path", "video_path", "file_path"))
    return [path for path in paths if path]


def _foreign_rows(record: RunRecord) -> Floats:
    """Positions of rows that another run may have written, shape (n,)."""
    status = (text(record.row.get("status")) or "").lower()
    foreign = find_contaminated(record.metrics, status, seconds(record.row.get("end_time")))
    return np.flatnonzero(foreign).astype(np.float64)


def no_rows() -> tuple[MetricTable, GpuTable]:
    """Tables without a row."""
    return metrics_of_rows(()), samples_of_rows(())


def digest_nothing(record: RunRecord, slug: str, use: DigestSettings, error: str) -> DigestedRun:
    """A run of which only its own row is told, and why."""
    metrics, gpu = no_rows()
    bare = replace(record, metrics=metrics, gpu=gpu, artifacts=(), generated=(), segments=(), annotations=())
    try:
        done = digest_run(bare, slug, None, use)
    except Exception:  # the run row itself is the trouble: keep its name, so that nothing is lost silently
        row = {name: text(record.row.get(name)) for name in ("run_id", "experiment_name", "status", "start_time")}
        done = digest_run(replace(bare, row=row, experiments=()), slug, None, use)
    what = record.redactor.text(error, "build", "error")
    failed = problem("digest_failed", rows=len(record.metrics), error=what)
    quality = replace(done.digest.quality, rows=len(record.metrics))
    return replace(done, digest=replace(done.digest, quality=quality, problems=(failed,)))
