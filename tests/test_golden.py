"""One small archive with every feature in it, and the docs folder that must come out of it, byte for byte.

`pytest --update-golden` rewrites the expected folder and prints what changed.
"""

from __future__ import annotations

import difflib
import gzip
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from runsum.cli import main_command

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = GOLDEN / "docs"
AS_OF = "2025-12-23T12:00:00"
CHANGED_S = 1_766_491_200  # modification time of the database: it stands on the pages
SETTINGS = "databases: golden.db\nsolved: {ALE/Breakout-v5: 2.5, Tetris: 10}\n"


def build(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Build the golden archive in a folder and give its docs folder."""
    work.mkdir(exist_ok=True)
    file = work / "golden.db"
    if not file.exists():
        with closing(sqlite3.connect(file)) as con:
            con.executescript((GOLDEN / "archive.sql").read_text(encoding="utf-8"))
    os.utime(file, (CHANGED_S, CHANGED_S))
    (work / "runsum.yml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(work)
    done = CliRunner().invoke(main_command, ["build", "--as-of", AS_OF])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return work / "docs"


def contents(docs: Path) -> dict[str, bytes]:
    """Every file of a docs folder."""
    return {f.relative_to(docs).as_posix(): f.read_bytes() for f in sorted(docs.rglob("*")) if f.is_file()}


def comparable(docs: Path) -> dict[str, bytes]:
    """What a build says, without what it ships: no assets, and what was packed unpacked.

    Packed bytes differ between versions of zlib, so the manifest is compared without their digests.
    """
    files = {}
    for path, content in contents(docs).items():
        if path.startswith("assets/"):
            continue
        if path.endswith(".gz"):
            files[path.removesuffix(".gz")] = gzip.decompress(content)
        elif path == ".runsum/manifest.json":
            manifest = json.loads(content)
            owned = {p: "" if p.endswith(".gz") else digest for p, digest in manifest["files"].items()}
            manifest["files"] = {p: digest for p, digest in owned.items() if not p.startswith("assets/")}
            files[path] = (json.dumps(manifest, indent=0, ensure_ascii=False) + "\n").encode()
        else:
            files[path] = content
    return files


def differences(expected: dict[str, bytes], found: dict[str, bytes]) -> list[str]:
    """New, missing and changed files, each changed one with its first lines."""
    lines = [f"new      {path}" for path in sorted(found.keys() - expected.keys())]
    lines += [f"missing  {path}" for path in sorted(expected.keys() - found.keys())]
    for path in sorted(found.keys() & expected.keys()):
        if found[path] != expected[path]:
            before, after = (side[path].decode("utf-8", "replace").splitlines() for side in (expected, found))
            changed = [line[:300] for line in difflib.unified_diff(before, after, lineterm="", n=0)][2:12]
            lines += [f"changed  {path}", *(f"    {line}" for line in changed)]
    return lines


def test_the_docs_folder_is_the_golden_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every page, document, table and data file is as it was looked at and found right."""
    found = comparable(build(tmp_path, monkeypatch))
    changed = differences(contents(EXPECTED), found)
    if request.config.getoption("--update-golden"):
        shutil.rmtree(EXPECTED, ignore_errors=True)
        for path, content in found.items():
            (EXPECTED / path).parent.mkdir(parents=True, exist_ok=True)
            (EXPECTED / path).write_bytes(content)
        with capsys.disabled():
            print("", *changed, f"{len(found)} golden files, {len(changed)} lines of changes", sep="\n")
        return
    assert not changed, "\n".join(["look at it, then: pytest --update-golden", *changed])


def test_two_folders_get_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a clock, of a folder or of an order that changes goes into any file, assets included."""
    one, two = (contents(build(tmp_path / name, monkeypatch)) for name in ("one", "another folder"))
    assert list(one) == list(two)
    assert [path for path in one if one[path] != two[path]] == []


def test_a_second_build_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the docs folder is touched when nothing changed."""
    docs = build(tmp_path, monkeypatch)
    for file in docs.rglob("*"):
        os.utime(file, (CHANGED_S, CHANGED_S))
    build(tmp_path, monkeypatch)
    assert {file.stat().st_mtime for file in docs.rglob("*") if file.is_file()} == {CHANGED_S}


def test_the_golden_archive_shows_every_feature() -> None:
    """A leg and a fork, doubled and foreign rows, a guard, videos, a note, rows of nobody: in the expected files."""
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in EXPECTED.glob("runs/*/run.json")]
    assert len(documents) <= 8
    assert {d["state"] for d in documents} == {"completed", "failed", "stale", "stopped"}
    assert max(len(d["lineage"]["children"]) for d in documents) == 2
    kinds = {p["kind"] for d in documents for p in d["problems"]}
    assert kinds >= {
        "no_rows",
        "phantom_rows",
        "superseded_rows",
        "contaminated_rows_from",
        "large_rewards_lost",
        "parent_missing",
        "rollout_contradiction",
        "stale",
        "video_in_other_folder",
        "video_interrupted",
    }
    pages = b"".join(content for path, content in contents(EXPECTED).items() if path.endswith(".md"))
    shown = (b"stale-run-guard", b"first tunnel", b"run-0aff0001", b"script &#60;launch&#62;", b"wizard_state")
    assert [words for words in shown if words not in pages] == []


def test_the_golden_pages_hold_no_hostile_mark() -> None:
    """The script, the handler and the link of the hostile names are nowhere in the Markdown."""
    for path, content in contents(EXPECTED).items():
        if path.endswith(".md"):
            text = content.decode()
            assert "<script>" not in text, path
            assert "](javascript" not in text, path
            assert "<b>bold" not in text, path
