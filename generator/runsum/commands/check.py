"""`runsum check`: find the site, call the check, print its report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from runsum.check.report import as_document, as_lines
from runsum.check.site import check_site
from runsum.check.sizes import MEGABYTE
from runsum.commands.sites import built_site, printable_on
from runsum.config import read_settings
from runsum.parallel import default_jobs


@click.command()
@click.argument("site", metavar="[SITE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--max-size",
    metavar="MB",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    help="How large the site may be, in MB; GitHub Pages takes 1000 MB.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Settings file, for its redact:; default: runsum.yml.")
@click.option("--jobs", type=click.IntRange(1), help="Processes that look at files; default: all cores.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(site: Path | None, max_size: int, config: Path | None, jobs: int | None, as_json: bool) -> None:
    """Look over a built site before it is published.

    Exits with 1 when something is wrong. SITE is the folder that 'mkdocs build' wrote; default: site_dir of
    mkdocs.yml, else 'site'.
    """
    policy = read_settings(config, Path()).redaction
    report = check_site(site or built_site(Path()), max_size * MEGABYTE, policy, jobs or default_jobs())
    if as_json:
        click.echo(json.dumps(as_document(report), indent=1))  # ASCII only: the site's words may hold anything
    else:
        click.echo(printable_on(sys.stdout, "\n".join(as_lines(report))))
    if report.problems:
        raise SystemExit(1)
