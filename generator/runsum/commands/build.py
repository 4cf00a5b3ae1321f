"""`runsum build`: read the settings, call the build, print its report."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

import click

from runsum.cache import cache_file
from runsum.clock import AsOf, moment_of
from runsum.config import (
    CONFIG_NAME,
    MKDOCS_NAME,
    MkdocsFacts,
    find_databases,
    read_mkdocs,
    read_settings,
    require_own_folder,
    require_usual_names,
)
from runsum.errors import ConfigError
from runsum.formatting import clean_text, plural
from runsum.fresh import Freshness
from runsum.frozen import frozen
from runsum.redact.found import RANDOM
from runsum.redact.policy import Mode
from runsum.report import BuildReport
from runsum.resources import starter_mkdocs
from runsum.yaml_files import inherited_files

_REDRAWN_S = 0.1
_THEME = Path(".runsum/theme")
_SCRIPT = "assets/runsum/runsum.js"
_REMARKS = {
    "notes": "{file}: notes: {name} is no folder; no notes are shown",
    "solved": "{file}: solved: {name} is a game of no run",
    "publish_models": "{file}: publish_models: {name} names no run of the archive",
    "no_root": "{file}: publish_models: {name} is looked for below project_root, which is not set",
    "encoding": "{name} is not UTF-8: letters that cannot be read are shown as \ufffd. Save it as UTF-8",
}
_NAMED = 10  # files changed by hand that have a line each
_KEPT = (
    "was changed by hand and was left as it is; delete it to get a new one",
    "were changed by hand, or by a program, and were left as they are; delete them to get new ones",
)
_LEFT = (
    "was changed by hand and was left, but what it is about is gone; delete it if nobody needs it",
    "were changed by hand, or by a program, and were left, but what they are about is gone; delete them if nobody "
    "needs them",
)
_OLD_COMPARE = re.compile(r"^\s*-.*\bcompare\.md\s*$", re.MULTILINE)


def build_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that builds."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--db",
        "databases",
        multiple=True,
        type=click.Path(path_type=Path),
        help="A run database; may be given several times.",
    ),
    click.option("--config", type=click.Path(path_type=Path), help="Settings file; default: runsum.yml."),
    click.option("--jobs", type=click.IntRange(1), help="Processes that read and render; default: all cores."),
    click.option("--executor", metavar="dask://HOST:PORT", help="A cluster that reads the runs."),
)


@frozen
class HowToBuild:
    """What the command line says of a build.

    Attributes:
        here: the folder with mkdocs.yml and runsum.yml, either of which may be missing.
        databases: files to read instead of those that the settings name.
        config: another settings file.
        jobs: processes; None: all cores.
        executor: address of a cluster.
        use_cache: whether an earlier build is believed.
    """

    here: Path
    databases: Sequence[Path] = ()
    config: Path | None = None
    jobs: int | None = None
    executor: str | None = None
    use_cache: bool = True


@click.command()
@build_options
@click.option("--as-of", metavar="ISO-TIME", help='The "now" of states and ages; default: the clock.')
@click.option("--no-cache", is_flag=True, help="Read and write everything anew.")
@click.option("--strict", is_flag=True, help="Exit with 1 when the data has problems.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def build(
    databases: tuple[Path, ...],
    config: Path | None,
    jobs: int | None,
    executor: str | None,
    as_of: str | None,
    no_cache: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Read the databases and write the docs folder for MkDocs."""
    how = HowToBuild(Path(), databases, config, jobs, executor, use_cache=not no_cache)
    report, warnings = build_folder(how, _as_of(as_of))
    if as_json:
        click.echo(json.dumps(asdict(report), indent=1))
    else:
        print_report(report)
        click.echo("next: mkdocs serve")
    for line in warnings:
        click.echo(line, err=True)
    if strict and (report.problems or report.kept or report.left):
        raise SystemExit(1)


def _remarks(report: BuildReport, config: Path | None) -> list[str]:
    """What to say of every page changed by hand, of a note that cannot be read as it is, and of what is named in vain.

    Args:
        report: of the build.
        config: the settings file, if it is another one than runsum.yml.
    """
    file, docs = str(config or CONFIG_NAME), Path(report.docs_dir)
    said = [
        _REMARKS[one.kind].format(file=file, name=one.name) + (f". Did you mean {one.close}?" if one.close else "")
        for one in report.remarks
    ]
    for paths, one, many in ((report.kept, *_KEPT), (report.left, *_LEFT)):
        if len(paths) <= _NAMED:
            said += [f"{docs / path} {one}" for path in paths]
        else:
            some = ", ".join(paths[:3])
            said.append(f"{len(paths):,} files in {docs} {many}. Among them: {some}; --json names all")
    return said


def build_folder(how: HowToBuild, now: AsOf) -> tuple[BuildReport, list[str]]:
    """Build the archive of a folder; what was built, and a line for everything to be warned of.

    Args:
        how: what, and how.
        now: the moment against which states and ages are judged.

    Raises:
        RunsumError: settings, databases or the docs folder are not usable.
    """
    began = time.perf_counter()
    if how.executor is not None:
        from runsum.parallel import require_address  # seldom given

        require_address(how.executor)
    require_usual_names(how.here)
    settings = read_settings(how.config, how.here)
    chosen = find_databases(how.databases, settings)
    mkdocs = how.here / MKDOCS_NAME
    is_new = not mkdocs.exists()
    site = read_mkdocs(starter_mkdocs() if is_new else mkdocs, how.here)
    require_own_folder(site, how.here)
    fresh = Freshness(cache_file(site.docs_dir).with_suffix(".json"), chosen, settings, site)
    last = fresh.last(now) if how.use_cache and not is_new else None
    if last is not None:
        report = BuildReport.of_nothing_new(last, time.perf_counter() - began)
    else:
        from runsum.build import BuildOptions, build_archive  # its libraries cost more than a look takes

        options = BuildOptions(how.jobs or 0, how.executor, how.use_cache, fresh)
        with _Bar() as bar:
            report = build_archive(chosen, settings, site, now, bar.tell, options)
    if is_new:
        from runsum.commands.starter import write_starter  # once in the life of an archive

        write_starter(starter_mkdocs(), mkdocs)
        click.echo(f"wrote {mkdocs}, a starter: change it as you like", err=True)
    said = [*_lacks(mkdocs, site), *_remarks(report, how.config)]
    return report, [clean_text(f"warning: {text}") for text in said]


def _lacks(mkdocs: Path, site: MkdocsFacts) -> Iterator[str]:
    """What to say of a mkdocs.yml of an earlier time, or of one's own, that lacks something."""
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in inherited_files(mkdocs)]
    if not any(_SCRIPT in text for text in texts):
        yield f"{mkdocs} does not load {_SCRIPT}; charts stay static. See 'runsum init' in an empty folder"
    if any(_OLD_COMPARE.search(text) for text in texts):
        yield f"{mkdocs} names compare.md; the page is compare/index.md now. Change it there"
    theme, named = site.docs_dir / _THEME, site.custom_dir
    if named is not None and named.parts[-2:] == _THEME.parts and os.path.realpath(named) != os.path.realpath(theme):
        yield f"{mkdocs}: custom_dir is {named}, but docs_dir moved. Write custom_dir: {theme.as_posix()}"


def _as_of(text: str | None) -> AsOf:
    if text is None:
        return AsOf(time.time())
    try:
        moment = moment_of(text)
    except ValueError:
        raise ConfigError(f"--as-of {text!r} is not an ISO time", "Write for example 2025-12-31T18:00:00") from None
    local = moment.tzinfo is None
    return AsOf((moment.replace(tzinfo=UTC) if local else moment).timestamp(), local)


def print_report(report: BuildReport) -> None:
    """Print what a build did, for people."""
    runs, pages = plural(report.runs, "run", "runs"), plural(report.pages, "page", "pages")
    new = "" if report.read == report.runs else f" ({report.read:,} read anew)"
    click.echo(f"{runs}{new} on {pages} in {report.docs_dir}, {report.seconds:.1f} s")
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


class _Bar:
    """A progress bar on a terminal's stderr; silent elsewhere. Made only where somebody looks at it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}
        self._drawn = 0.0

    def __enter__(self) -> _Bar:
        if sys.stderr is not None and sys.stderr.isatty():  # it may be closed
            self._progress = self._stack.enter_context(_progress())
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def tell(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is."""
        if self._progress is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(clean_text(stage), total=total or None)
        self._progress.update(self._tasks[stage], completed=done)
        if (now := time.perf_counter()) - self._drawn > _REDRAWN_S or done == total:
            self._drawn = now
            self._progress.refresh()


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """How many are done in a second."""

        def render(self, task: Any) -> Text:
            """The text of the column."""
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    return Progress(
        TextColumn("{task.description}", markup=False),  # a database may be called [red]
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,  # a thread would not survive when processes are forked
    )
