"""`runsum init`, and the starter files that other commands write where there are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from runsum.config import CONFIG_NAME, MKDOCS_NAME
from runsum.errors import OutputError
from runsum.resources import starter_mkdocs, template_folder


@click.command()
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
            write_starter(source, folder / name)
            click.echo(f"wrote  {folder / name}")
    click.echo("Next: runsum build, then mkdocs serve")


def write_starter(source: Path, target: Path) -> None:
    """Copy a starter file to where there is none.

    Raises:
        OutputError: the place cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror}", "Check the folder and its permissions"
        ) from error
