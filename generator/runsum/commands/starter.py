"""`runsum init`, and the starter files that other commands write where there are none."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import click

from runsum import __version__
from runsum.commands.shell import as_typed
from runsum.config import CONFIG_NAME, DEFAULT_DATABASES, MKDOCS_NAME, require_usual_names
from runsum.errors import OutputError
from runsum.resources import publish_action, starter_mkdocs, template_folder

WORKFLOW_NAME = ".github/workflows/publish.yml"
ACTION_NAME = ".github/actions/publish/action.yml"


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--github", is_flag=True, help="Also write a workflow that publishes the archive on GitHub Pages.")
def init(folder: Path, github: bool) -> None:
    """Write a starter mkdocs.yml, runsum.yml and .gitignore; no file is ever overwritten."""
    require_usual_names(folder)
    starter = template_folder() / "starter"
    starters = [
        (MKDOCS_NAME, starter_mkdocs()),
        (CONFIG_NAME, starter / "runsum.yml"),
        (".gitignore", starter / "gitignore"),
    ]
    if github:
        starters += [(WORKFLOW_NAME, starter / "publish.yml"), (ACTION_NAME, publish_action())]
    for name, source in starters:
        if (folder / name).exists():
            click.echo(f"kept   {folder / name} (it was there already)")
        else:
            write_starter(source, folder / name)
            click.echo(f"wrote  {folder / name}")
    if github:
        _say_what_github_needs(folder)
    else:
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


def _say_what_github_needs(folder: Path) -> None:
    database, workflow = as_typed(folder / DEFAULT_DATABASES[0]), folder / WORKFLOW_NAME
    click.echo(f"""
Three steps are left:
1. Put the database where the workflow finds it: git add -f {database}
   Or choose a release asset or an artifact in {workflow}.
2. On GitHub, choose Settings > Pages > Source: GitHub Actions.
3. Commit and push:
   git add .
   git commit -m "Publish the archive"
   git push
Everything that the pages show becomes public then.""")
    if "uses: ./.github/actions/publish" not in workflow.read_text(encoding="utf-8", errors="replace"):
        click.echo(
            f"warning: {workflow} is your own and does not use the action. Type 'runsum init --github' in an empty "
            "folder and copy its workflow under another name",
            err=True,
        )
    here = folder.resolve()
    top = next((place for place in (here, *here.parents) if (place / ".git").exists()), here)
    if not (top / ".git").exists():
        click.echo(f"warning: {here} is in no git repository yet. Type 'git init' in it", err=True)
    if top != here:
        click.echo(
            f"warning: GitHub reads .github at the top of a repository only. Move it to {top}, and set "
            f"'folder: {here.relative_to(top).as_posix()}' in publish.yml",
            err=True,
        )
    advice = advise_source(_direct_url())
    if advice:
        click.echo(f"note: {advice}", err=True)


def advise_source(direct_url: str | None) -> str | None:
    """Say how the action gets a runsum that did not come from a package index.

    Args:
        direct_url: the text of the installed package's direct_url.json (PEP 610); None when an index delivered it.

    Returns:
        What to do, or None when the version that the action names by itself will do.
    """
    if direct_url is None:
        return None
    origin = json.loads(direct_url)
    source, control = origin["url"], origin.get("vcs_info")
    is_here = urlsplit(source).scheme == "file"
    if control:
        source = f"{control['vcs']}+{source}@{control['commit_id']}"
    elif is_here:
        source = url2pathname(urlsplit(source).path)
    if not is_here:
        return f"this runsum came from a place of its own; set 'runsum: {source}' in publish.yml"
    return (
        f"this runsum was installed from {source}, where GitHub cannot fetch it. At the top of the repository type "
        f"'pip wheel --no-deps --wheel-dir . {as_typed(source)}' and set "
        f"'runsum: ./runsum-{__version__}-py3-none-any.whl' in publish.yml"
    )


def _direct_url() -> str | None:
    try:
        return distribution("runsum").read_text("direct_url.json")
    except PackageNotFoundError:  # a checkout on PYTHONPATH
        return None
