"""What the tests of a whole site share: one archive of every scenario, built by MkDocs, and a browser to look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.expect import AS_OF
from support.rows import add_annotation, add_run, store, table_rows
from support.scenarios import SCENARIOS
from support.schema import database

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The modules whose fixtures several test files share.
pytest_plugins = ("support.browser", "support.cli", "support.compared", "support.contracts")

BROWSERS = ("chromium", "chromium-browser")


@dataclass(frozen=True)
class Wanted:
    """The runs that the search must find, and what only they have."""

    run_id: str = "run-5eecced1"
    game: str = "Tutankham"
    learning_rate: float = 0.000137
    batch_size: int = 1536
    name: str = "patient gardener 9057-1A-v1"  # with a number that begins the id of another run
    invader: str = "run-54d8ae4e"
    invaders_env_id: str = "ALE/SpaceInvaders-v5"
    invader_learning_rate: float = 0.00045
    note: str = "It waits behind the leftmost bunker until the mothership comes."
    chart_note: str = "the wobble begins"
    failed: str = "run-90570e44"
    error: str = "RuntimeError: CUDA error: device-side assert triggered"
    other_hex: str = "run-4e12beef"  # begins as the last piece of 2.5e-4 does, and looks like a number itself


@dataclass(frozen=True)
class BuiltSite:
    """The archive of all scenarios: its databases, the docs folder and the two sites made of it."""

    databases: tuple[Path, ...]
    docs: Path
    online: Path
    offline: Path
    finished: dict[str, subprocess.CompletedProcess[str]]
    wanted: Wanted


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """Build one archive of all scenarios and have MkDocs make a site of it, with and without OFFLINE=true.

    Both sites have their Content-Security-Policy, and `support.browser` takes a violation for an error.
    """
    work = tmp_path_factory.mktemp("archive")
    wanted = Wanted()
    databases = _write_databases(work / "databases", wanted)
    (work / "notes").mkdir()
    (work / "notes" / f"{wanted.invader}.md").write_text(f"# What I saw\n\n{wanted.note}\n", encoding="utf-8")
    arguments = [word for path in databases for word in ("--db", str(path))]
    finished = {
        "runsum": _run(work, {}, "-m", "runsum", "build", "--as-of", AS_OF, *arguments),
        "online": _run(work, {"OFFLINE": "false"}, "-m", "mkdocs", "build", "--strict", "-d", "online"),
        "offline": _run(work, {"OFFLINE": "true"}, "-m", "mkdocs", "build", "--strict", "-d", "offline"),
    }
    for kind in ("online", "offline"):
        finished[f"policy {kind}"] = _run(work, {}, "-m", "runsum", "csp", "--write", kind)
    return BuiltSite(databases, work / "docs", work / "online", work / "offline", finished, wanted)


def _write_databases(folder: Path, wanted: Wanted) -> tuple[Path, ...]:
    folder.mkdir()
    for scenario in SCENARIOS:
        scenario.build(folder / f"{scenario.name}.db")
    with database(folder / "wanted.db") as con:
        config = {"learning_rate": wanted.learning_rate, "batch_size": wanted.batch_size}
        env_id = f"ALE/{wanted.game}-v5"
        add_run(con, wanted.run_id, config | {"env_id": env_id}, custom_name=wanted.name, display_name=wanted.name)
        store(con, table_rows(wanted.run_id, range(1, 199), learning_rate=wanted.learning_rate))
        for run_id, rate in ((wanted.invader, wanted.invader_learning_rate), (wanted.other_hex, 0.001)):
            add_run(con, run_id, {"env_id": wanted.invaders_env_id, "learning_rate": rate})
            store(con, table_rows(run_id, range(1, 199), learning_rate=rate))
        add_annotation(con, wanted.invader, wanted.chart_note)
        add_run(con, wanted.failed, {"env_id": env_id}, status="failed", status_note=wanted.error)
        store(con, table_rows(wanted.failed, range(1, 40)))
    return tuple(sorted(folder.glob("*.db")))


def _run(work: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=work,
        env=os.environ | {"PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; where it is not installed the tests are left out, but never under CI."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing = "no chromium found; type: sudo apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program)
        yield started
        started.close()


def pytest_configure(config: pytest.Config) -> None:
    """What builds keep for later ones, they keep for all tests of this run and nobody else."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit it
        kept = tempfile.TemporaryDirectory(prefix="runsum-kept-", ignore_cleanup_errors=True)
        os.environ["XDG_CACHE_HOME"] = kept.name
        config.add_cleanup(kept.cleanup)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--update-golden`, which test_golden.py heeds."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/docs and print what changed")
