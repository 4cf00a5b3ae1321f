"""A docs folder that MkDocs makes a site of, with runsum's plugin and without."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).resolve().parents[2]
STARTER = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
RUN = "runs/run-90140001/index"
MADE = re.compile(r"runsum: ([\d,]+) pages made, ([\d,]+) as they were")
IN_NAV = STARTER.count("index.md\n")
BUDGET = 10**9

Assemble = Callable[..., tuple[int, int]]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the golden docs folder and the starter."""
    shutil.copytree(ROOT / "tests" / "golden" / "docs", tmp_path / "docs")
    long_ago = 1_700_000_000
    for file in (tmp_path / "docs").rglob("*"):  # files that have just been changed are looked at more closely
        os.utime(file, (long_ago, long_ago))
    (tmp_path / "mkdocs.yml").write_text(STARTER, encoding="utf-8")
    return tmp_path


@pytest.fixture
def assemble(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Assemble:
    """Builds a site in this process; gives how many pages were made and how many kept."""
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    caplog.set_level(logging.INFO, "mkdocs")

    def once(
        work: Path, site: str = "site", plugin: bool = True, strict: bool = True, **options: str
    ) -> tuple[int, int]:
        text = (work / "mkdocs.yml").read_text(encoding="utf-8")
        if not plugin:
            text = re.sub(r"(?m)^  - runsum.*\n", "", text)
        file = work / f"{'with' if plugin else 'without'}.yml"
        file.write_text(text, encoding="utf-8")
        config = load_config(str(file), site_dir=str(work / site), strict=strict, **options)
        config.plugins.on_startup(command="build", dirty=False)
        caplog.clear()
        build(config)
        found = MADE.search(caplog.text)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    return once


def contents(site: Path) -> dict[str, bytes]:
    """All files of a site; of the compressed sitemap, which carries the time, only that it is there."""
    files = {file.relative_to(site).as_posix(): file.read_bytes() for file in site.rglob("*") if file.is_file()}
    return files | {name: b"" for name in files if name == "sitemap.xml.gz"}


def differing(site: Path, other: Path) -> list[str]:
    """Files that two sites do not have alike."""
    ours, theirs = contents(site), contents(other)
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def edit(file: Path, before: str, after: str) -> None:
    """Change a text in a file, and be sure that it was there."""
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
