"""`runsum watch`: build whenever a database changes, so that `mkdocs serve` follows a training."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from runsum.clock import AsOf
from runsum.commands.build import HowToBuild, build_folder, build_options
from runsum.complaints import complaint
from runsum.config import CONFIG_NAME, MKDOCS_NAME, Settings, find_databases, read_settings
from runsum.errors import BusyError, RunsumError, refused
from runsum.formatting import clean_text, plural
from runsum.looks import Signature, signature
from runsum.source.changes import state_of
from runsum.yaml_files import inherited_files

_POLL_S = 0.5
_UNREAD = (0, 0, 0)  # as no file looks
_LONGEST_WAIT = 5  # times the calm that is waited for: a trainer that never rests is shown as well
_REST = 2.0  # times the work of the last build: so long none begins, and a training has the machine
_SELDOM = 1_000.0  # times what it takes to find the databases: so long are those believed that were found
_LOOK_AGAIN_S = 60.0  # states change by the clock alone: a run that was silent for too long is stale


@click.command()
@build_options
@click.option(
    "--calm",
    type=click.FloatRange(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long nothing must change before a build begins.",
)
def watch(
    databases: tuple[Path, ...], config: Path | None, jobs: int | None, executor: str | None, calm: float
) -> None:
    """Build the docs folder again whenever a database, the settings or the notes change."""
    how = HowToBuild(Path(), databases, config, jobs, executor)
    try:
        follow(how, calm, click.echo)
    except KeyboardInterrupt:
        click.echo("no longer watching", err=True)


def follow(how: HowToBuild, calm_s: float, say: Callable[[str], object]) -> None:
    """Build, then wait for a change, without end.

    Args:
        how: what to build.
        calm_s: how long nothing must change before a build begins, in seconds.
        say: is told a line per build.

    Raises:
        RunsumError: the first build cannot be made; later ones that fail are told, and the watching goes on.
    """
    watched = Watched(how)
    before = watched.state()  # the build may take a while: what changes meanwhile is seen afterwards
    told, is_made = _build_once(how, say, [])
    say("watching; Ctrl+C ends it")
    looked = time.monotonic()
    rested = 0.0  # from when on a build may begin
    while True:
        time.sleep(_POLL_S)
        now = watched.state()
        if now == before and is_made and time.monotonic() - looked < _LOOK_AGAIN_S:
            continue
        before, looked, worked = _wait_for_calm(watched, now, calm_s, rested), time.monotonic(), _worked_s()
        try:
            told, is_made = _build_once(how, say, told)
        except (RunsumError, OSError) as error:
            told_of = error if isinstance(error, RunsumError) else refused(error)
            if told_of is None:
                raise
            say(_line(told_of))
        took_s = min(time.monotonic() - looked, _worked_s() - worked)  # to wait for a locked file is no work
        rested = time.monotonic() + _REST * took_s


def _worked_s() -> float:
    """How long this process and the ended ones that it started have worked, in seconds of a processor.

    Windows knows it only of one process; there the clock counts.
    """
    return time.monotonic() if os.name == "nt" else sum(os.times()[:4])


class Watched:
    """Everything whose change asks for a build.

    Which databases and notes these are may change as well: a file is made that a pattern matches, another is named in
    runsum.yml. Settings are read again when their file has changed, and patterns are resolved at every look, or as
    often as that takes a thousandth of the time.

    Args:
        how: what to build.
    """

    def __init__(self, how: HowToBuild) -> None:
        self._how = how
        self._settings_file = how.config or how.here / CONFIG_NAME
        self._read: Signature = _UNREAD
        self._mkdocs: dict[Path, Signature] = {how.here / MKDOCS_NAME: _UNREAD}  # and what it inherits from
        self._settings: Settings | None = None
        self._databases: tuple[Path, ...] = ()
        self._find_at = 0.0

    def state(self) -> tuple[object, ...]:
        """Something that differs after a change from what it was before."""
        self._find()
        notes = sorted(self._settings.notes_dir.glob("*.md")) if self._settings is not None else []
        if any(signature(str(file)) != looks for file, looks in self._mkdocs.items()):
            parents = inherited_files(self._how.here / MKDOCS_NAME)
            self._mkdocs = {file: signature(str(file)) for file in parents}
        files = (self._settings_file, *self._mkdocs, *notes)
        return (
            *((str(path), *state_of(path)) for path in self._databases),
            *((str(file), signature(str(file))) for file in files),
        )

    def _find(self) -> None:
        looks = signature(str(self._settings_file))
        began = time.monotonic()
        if looks == self._read and began < self._find_at:
            return
        # The build says what is wrong; until it is right, the last ones count.
        with contextlib.suppress(RunsumError, OSError):
            if looks != self._read:
                self._read = looks
                self._settings = read_settings(self._how.config, self._how.here)
            if self._settings is not None:
                found = find_databases(self._how.databases, self._settings)
                self._databases = tuple(entry.path for entry in found)
        ended = time.monotonic()
        self._find_at = ended + min(_SELDOM * (ended - began), _LOOK_AGAIN_S)


def _line(error: RunsumError) -> str:
    return f"runsum: {clean_text(complaint(error))}"


def _build_once(how: HowToBuild, say: Callable[[str], object], told: list[str]) -> tuple[list[str], bool]:
    """Build, unless another build is at work, which is said once; what was told and holds, and whether it was made."""
    try:
        return _build(how, say, told), True
    except BusyError as error:
        line = _line(error)
        if line not in told:
            say(line)
        return [*told, line], False
    finally:
        gc.collect()  # by itself Python looks again when a quarter more objects live than in the first, largest build


def _build(how: HowToBuild, say: Callable[[str], object], told: Sequence[str]) -> list[str]:
    """Build and say what changed; the warnings that hold, of which those that were told before are not said again."""
    report, lines = build_folder(how, AsOf(time.time()))
    changed = report.written + report.removed
    if changed or report.stages:
        say(
            f"{time.strftime('%H:%M:%S')} {plural(report.read, 'run', 'runs')} read anew, "
            f"{plural(changed, 'file', 'files')} changed, {report.seconds:.1f} s"
        )
    for line in lines:
        if line not in told:
            say(line)
    return lines


def _wait_for_calm(watched: Watched, now: tuple[object, ...], calm_s: float, not_before: float) -> tuple[object, ...]:
    """Wait until nothing has changed for a while, but not for ever; never to end before a moment of the clock."""
    began = changed = time.monotonic()
    while (moment := time.monotonic()) < not_before or (
        moment - changed < calm_s and moment - began < _LONGEST_WAIT * calm_s
    ):
        time.sleep(min(_POLL_S, calm_s / 4))
        if (later := watched.state()) != now:
            now, changed = later, time.monotonic()
    return now
