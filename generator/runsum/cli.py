"""The command line: turns words into a call of the build, and errors into one clear line."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runsum import __version__
from runsum.analysis.standing import AsOf
from runsum.config import CONFIG_NAME, MKDOCS_NAME, find_databases, read_docs_dir, read_settings
from runsum.errors import ConfigError, OutputError, RunsumError
from runsum.formatting import clean_text, plural
from runsum.resources import starter_mkdocs, template_folder

_SCRIPT = "assets/runsum/runsum.js"


class _UserError(click.ClickException):
    """Prints one line and ends with exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"runsum: {clean_text(self.format_message())}", err=True)


class _Commands(click.Group):
    """Turns every complaint, ours and click's, into one line."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            raise _in_one_line(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RunsumError as error:
            raise _UserError(str(error)) from error
        except click.UsageError as error:
            raise _in_one_line(error) from error


def _in_one_line(error: click.UsageError) -> _UserError:
    return _UserError(f"{error.format_message()} Type 'runsum --help' for the commands.")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="runsum")
def main_command() -> None:
    """Turn a database of training runs into a static, searchable archive."""


@main_command.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Write a starter mkdocs.yml, runsum.yml and .gitignore; no file is ever overwritten."""
    starters = (
        (MKDOCS_NAME, starter_mkdocs()),
        (CONFIG_NAME, template_folder() / "starter" / "runsum.yml"),
        (".gitignore", template_folder() / "starter" / "gitignore"),
    )
    for name, source in starters:
        if (folder / name).exists():
            click.echo(f"kept   {folder / name} (it was there already)")
        else:
            _write_starter(source, folder / name)
            click.echo(f"wrote  {folder / name}")
    click.echo("Next: runsum build, then mkdocs serve")


@main_command.command()
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
    from runsum.build import build_archive  # the libraries of a build cost more than the other commands take

    here = Path()
    settings = read_settings(config, here)
    chosen = find_databases(databases, settings, here)
    now = _as_of(as_of)
    mkdocs = here / MKDOCS_NAME
    fresh = not mkdocs.exists()
    docs = read_docs_dir(starter_mkdocs() if fresh else mkdocs, here)
    with _Bar() as bar:
        report = build_archive(chosen, settings, docs, now, bar.tell)
    if fresh:
        _write_starter(starter_mkdocs(), mkdocs)
        click.echo(f"wrote {mkdocs}, a starter: change it as you like", err=True)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1, ensure_ascii=False))
    else:
        _print_report(report)
    for path in report.kept:
        click.echo(
            f"warning: {docs / path} was changed by hand and was left as it is; delete it to get a new one",
            err=True,
        )
    if _SCRIPT not in mkdocs.read_text(encoding="utf-8", errors="replace"):
        click.echo(
            f"warning: {mkdocs} does not load {_SCRIPT}; charts stay static. See 'runsum init' in an empty folder",
            err=True,
        )
    if strict and (report.problems or report.kept):
        raise SystemExit(1)


def _write_starter(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror}", "Check the folder and its permissions"
        ) from error


def _as_of(text: str | None) -> AsOf:
    if text is None:
        return AsOf(time.time())
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigError(f"--as-of {text!r} is not an ISO time", "Write for example 2025-12-31T18:00:00") from None
    local = moment.tzinfo is None
    return AsOf((moment.replace(tzinfo=UTC) if local else moment).timestamp(), local)


def _print_report(report: Any) -> None:
    runs, pages = plural(report.runs, "run", "runs"), plural(report.pages, "page", "pages")
    click.echo(f"{runs} on {pages} in {report.docs_dir}, {report.seconds:.1f} s")
    click.echo(f"files: {report.written} written, {report.unchanged} unchanged, {report.removed} removed")
    if report.problems:
        kinds = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in report.problems.items())
        click.echo(f"problems in the data: {kinds} (see the Problems page)")
    click.echo("next: mkdocs serve")


class _Bar:
    """A progress bar on a terminal's stderr; silent elsewhere."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
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
            self._tasks[stage] = self._progress.add_task(stage, total=total or None)
        self._progress.update(self._tasks[stage], completed=done)


def main() -> None:
    """Entry point of the `runsum` command."""
    main_command(prog_name="runsum")
