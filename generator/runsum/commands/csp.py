"""`runsum csp`: find the site, compose its Content-Security-Policy, print or write it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from runsum.commands.sites import built_site, printable_on
from runsum.csp.report import as_document, as_header, as_lines
from runsum.csp.site import make_policy


@click.command()
@click.argument("site", metavar="[SITE]", required=False, type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Put the policy into the head of every page, as a meta tag.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def csp(site: Path | None, write: bool, as_json: bool) -> None:
    """Give a built site a Content-Security-Policy.

    The pages may load from their own site only, without eval, and of inline scripts run those of the theme alone.
    Prints the header for a server, or writes it into the pages. Exits with 1 when a page has other inline scripts: the
    policy keeps them from running. SITE is the folder that 'mkdocs build' wrote; default: site_dir of mkdocs.yml,
    else 'site'.
    """
    report = make_policy(site or built_site(Path()), write)
    if as_json:
        click.echo(json.dumps(as_document(report), indent=1))  # ASCII only: the site's words may hold anything
    else:
        if not write:
            click.echo(as_header(report))
        click.echo(printable_on(sys.stderr, "\n".join(as_lines(report, write))), err=True)
    if report.blocked:
        raise SystemExit(1)
