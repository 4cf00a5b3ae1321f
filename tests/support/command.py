"""Running the command as its users do: another process, in an empty folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.expect import AS_OF


def build(database: Path, work: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`runsum build` on a database, with `work` as the current folder."""
    work.mkdir(exist_ok=True)
    arguments = ["build", "--db", str(database), "--as-of", AS_OF, "--json", *options]
    return subprocess.run(
        [sys.executable, "-m", "runsum", *arguments],
        cwd=work,
        env=os.environ | {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def runsum(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Any other command of runsum, with `cwd` as the current folder."""
    return subprocess.run(
        [sys.executable, "-m", "runsum", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def documents(work: Path) -> dict[str, dict[str, Any]]:
    """The run.json of every run built in `work`, by run id."""
    files = sorted((work / "docs" / "runs").glob("*/run.json"))
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return {document["run_id"]: document for document in read}


def fingerprints(folder: Path, contents: bool = True) -> dict[str, str]:
    """Every file of a folder and what is in it; with `contents` off, the names only."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() if contents else ""
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
