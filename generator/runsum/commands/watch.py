"""`runsum watch`: build whenever a database changes, so that `mkdocs serve` follows a training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from runsum.clock import AsOf
from runsum.commands.build import HowToBuild, build_folder, build_options
from runsum.config import CONFIG_NAME, find_databases, read_settings
from runsum.errors import RunsumError
from runsum.formatting import clean_text, plural
from runsum.looks import signature
from runsum.source.changes import state_of

_POLL_S = 0.5
_LONGEST_WAIT = 5  # times the calm that is waited for: a trainer that never rests is shown as well
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
    _build(how, say)
    say("watching; Ctrl+C ends it")
    databases = [entry.path for entry in find_databases(how.databases, read_settings(how.config, how.here), how.here)]
    before, looked = _state(how, databases), time.monotonic()
    while True:
        time.sleep(_POLL_S)
        now = _state(how, databases)
        if now == before and time.monotonic() - looked < _LOOK_AGAIN_S:
            continue
        before, looked = _wait_for_calm(how, databases, now, calm_s), time.monotonic()
        try:
            _build(how, say)
        except RunsumError as error:
            say(f"runsum: {clean_text(str(error))}")


def _build(how: HowToBuild, say: Callable[[str], object]) -> None:
    report = build_folder(how, AsOf(time.time()))
    changed = report.written + report.removed
    if changed or report.stages:
        say(
            f"{time.strftime('%H:%M:%S')} {plural(report.read, 'run', 'runs')} read anew, "
            f"{plural(changed, 'file', 'files')} changed, {report.seconds:.1f} s"
        )


def _wait_for_calm(
    how: HowToBuild, databases: Sequence[Path], now: tuple[object, ...], calm_s: float
) -> tuple[object, ...]:
    """Wait until nothing has changed for a while, but not for ever."""
    began = changed = time.monotonic()
    while time.monotonic() - changed < calm_s and time.monotonic() - began < _LONGEST_WAIT * calm_s:
        time.sleep(min(_POLL_S, calm_s / 4))
        if (later := _state(how, databases)) != now:
            now, changed = later, time.monotonic()
    return now


def _state(how: HowToBuild, databases: Sequence[Path]) -> tuple[object, ...]:
    """Everything whose change asks for a build."""
    settings = how.config or how.here / CONFIG_NAME
    notes = sorted((how.here / "notes").glob("*.md"))
    return (*(state_of(path) for path in databases), *(signature(str(file)) for file in (settings, *notes)))
