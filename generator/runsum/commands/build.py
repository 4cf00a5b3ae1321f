"""`runsum build`: read the settings, call the build, print its report."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runsum.analysis.standing import AsOf
from runsum.commands.starter import write_starter
from runsum.config import MKDOCS_NAME, find_databases, read_mkdocs, read_settings
from runsum.errors import ConfigError
from runsum.formatting import clean_text, plural
from runsum.redact.policy import Mode
from runsum.redact.redactor import RANDOM
from runsum.resources import starter_mkdocs

if TYPE_CHECKING:
    from runsum.build import BuildReport

_SCRIPT = "assets/runsum/runsum.js"


@click.command()
@click.option(
    "--db",
    "databases",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A run database; may be given several times.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Settings file; default: runsum.yml.")
@click.option("--as-of", metavar="ISO-TIME", help='The "now" of states and ages; default: the clock.')
@click.option("--strict", is_flag=True, help="Exit with 1 when the data has problems.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def build(databases: tuple[Path, ...], config: Path | None, as_of: str | None, strict: bool, as_json: bool) -> None:
    """Read the databases and write the docs folder for MkDocs."""
    report = build_folder(Path(), databases, config, _as_of(as_of))
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1))
    else:
        _print_report(report)
    for path in report.kept:
        click.echo(
            f"warning: {Path(report.docs_dir, path)} was changed by hand and was left as it is; "
            "delete it to get a new one",
            err=True,
        )
    if strict and (report.problems or report.kept):
        raise SystemExit(1)


def build_folder(here: Path, databases: Sequence[Path], config: Path | None, now: AsOf) -> BuildReport:
    """Build the archive of a folder with mkdocs.yml and runsum.yml, either of which may be missing.

    Args:
        here: the folder.
        databases: files to read instead of those that the settings name.
        config: another settings file.
        now: the moment against which states and ages are judged.

    Raises:
        RunsumError: settings, databases or the docs folder are not usable.
    """
    from runsum.build import build_archive  # the libraries of a build cost more than the other commands take

    settings = read_settings(config, here)
    chosen = find_databases(databases, settings, here)
    mkdocs = here / MKDOCS_NAME
    fresh = not mkdocs.exists()
    site = read_mkdocs(starter_mkdocs() if fresh else mkdocs, here)
    with _Bar() as bar:
        report = build_archive(chosen, settings, site, now, bar.tell)
    if fresh:
        write_starter(starter_mkdocs(), mkdocs)
        click.echo(f"wrote {mkdocs}, a starter: change it as you like", err=True)
    if _SCRIPT not in mkdocs.read_text(encoding="utf-8", errors="replace"):
        click.echo(
            f"warning: {mkdocs} does not load {_SCRIPT}; charts stay static. See 'runsum init' in an empty folder",
            err=True,
        )
    return report


def _as_of(text: str | None) -> AsOf:
    if text is None:
        return AsOf(time.time())
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f"--as-of {text!r} is not an ISO time", "Write for example 2025-12-31T18:00:00") from None
    local = moment.tzinfo is None
    return AsOf((moment.replace(tzinfo=UTC) if local else moment).timestamp(), local)


def _print_report(report: BuildReport) -> None:
    runs, pages = plural(report.runs, "run", "runs"), plural(report.pages, "page", "pages")
    click.echo(f"{runs} on {pages} in {report.docs_dir}, {report.seconds:.1f} s")
    click.echo(f"files: {report.written} written, {report.unchanged} unchanged, {report.removed} removed")
    if report.problems:
        kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in report.problems.items())
        click.echo(f"problems in the data: {kinds} (see the Problems page)")
    if report.redact == Mode.OFF:
        click.echo("redaction is off: everything is published as it was recorded")
    taken: Counter[str] = Counter()
    for found in report.redactions:
        taken[found.rule] += found.count
    random = 0 if report.redact == Mode.STRICT else taken.pop(RANDOM, 0)
    if taken:
        rules = ", ".join(f"{rule} {count}" for rule, count in sorted(taken.items()))
        click.echo(f"left out: {rules} (see the Problems page)")
    if random:
        click.echo(f"published, although they look random: {plural(random, 'text', 'texts')} (see the Problems page)")
    click.echo("next: mkdocs serve")


class _Bar:
    """A progress bar on a terminal's stderr; silent elsewhere."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),  # a database may be called [red]
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def tell(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(clean_text(stage), total=total or None)
        self._progress.update(self._tasks[stage], completed=done)
