"""`runsum demo`: the recorded archive, built and served."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import click

from runsum.clock import AsOf
from runsum.commands.build import HowToBuild, build_folder
from runsum.commands.shell import as_typed
from runsum.demo import unpack_demo
from runsum.formatting import plural

_LATER_S = 3600.0  # the archive is looked at from then on: what was killed is stale, whenever the demo is built
_FIRST_PORT = 8000
_PORTS = 20


@click.command()
@click.argument("folder", metavar="[DIR]", default="runsum-demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--serve/--no-serve", default=True, help="Serve the site afterwards; default: yes.")
def demo(folder: Path, serve: bool) -> None:
    """Build an archive of recorded trainings and show it: what runsum makes, without a database of your own."""
    recorded_at = unpack_demo(folder)
    report, warnings = build_folder(HowToBuild(folder), AsOf(recorded_at + _LATER_S))
    for line in warnings:
        click.echo(line, err=True)
    click.echo(f"{plural(report.runs, 'run', 'runs')} on {plural(report.pages, 'page', 'pages')} in {report.docs_dir}")
    if not serve:
        click.echo(f"next: cd {as_typed(folder)}, then mkdocs serve")
        return
    port = find_free_port()
    click.echo(f"http://127.0.0.1:{port} in a moment; Ctrl+C ends it")
    from mkdocs.__main__ import cli as mkdocs  # it costs more than the other commands take

    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    os.chdir(folder)
    # in this process, so that whoever ends it ends the server
    mkdocs.main(["serve", "--quiet", "--livereload", "--dev-addr", f"127.0.0.1:{port}"], standalone_mode=False)


def find_free_port() -> int:
    """The first port from 8000 on that nobody listens on; MkDocs would answer with a traceback."""
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    return _FIRST_PORT
