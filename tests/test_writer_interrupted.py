"""What a docs folder survives: builds that fail, are killed, or come two at a time; on real folders."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from faults.model import snapshot
from runsum.errors import BusyError, OutputError
from runsum.site.writer import SiteWriter
from support.docs_folder import build, pages, path_of


def killed_build(docs: Path, **files: str) -> None:
    """A build that ended before it could finish, with everything written aside and nothing cleared away."""
    script = "import os, sys\nfrom pathlib import Path\nfrom runsum.site import moving\n"
    script += "from runsum.site.writer import SiteWriter\n"
    script += "moving._AT_HAND = 0\n"  # as if there were too many for the memory
    script += "writer = SiteWriter(Path(sys.argv[1]))\n"
    script += "for path, content in zip(sys.argv[2::2], sys.argv[3::2]): writer.write(path, content.encode())\n"
    words = [word for name, content in files.items() for word in (path_of(name), content)]
    done = subprocess.run([sys.executable, "-c", script + "os._exit(9)", str(docs), *words], check=False)
    assert done.returncode == 9


# ---------------------------------------------------------------- interruption and damage


def test_a_killed_build_changes_nothing(tmp_path: Path) -> None:
    """What it had written lies aside; the next build clears it away and is not misled by it."""
    build(tmp_path, a="1")
    killed_build(tmp_path, a="2", b="2")
    assert pages(tmp_path) == {"a.md": "1"}
    assert (tmp_path / ".runsum" / "next" / "b.md").exists()
    report = build(tmp_path, a="3", b="3")
    assert (report.kept, report.written) == ([], ["a.md", "b.md"])
    assert sorted(path.name for path in (tmp_path / ".runsum").iterdir()) == ["lock", "manifest.json"]


def test_nothing_appears_before_the_build_is_whole(tmp_path: Path) -> None:
    """Not even aside: `mkdocs serve` would build a site of every file below the docs folder that is new."""
    build(tmp_path, a="1")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with SiteWriter(tmp_path) as writer:
        writer.write("a.md", b"2")
        writer.write("b/c.md", b"2")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
        writer.finish()
    assert pages(tmp_path) == {"a.md": "2", "b/c.md": "2"}


def test_many_files_do_not_wait_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From there on they are written aside, and are all there in the end."""
    monkeypatch.setattr("runsum.site.moving._AT_HAND", 10)
    with SiteWriter(tmp_path) as writer:
        for name in "abc":
            writer.write(f"{name}.md", name.encode() * 6)
        waiting = {file.name for file in (tmp_path / ".runsum" / "next").iterdir()}
        assert waiting == {"a.md", "b.md", "c.md"}
        writer.finish()
    assert pages(tmp_path) == {f"{name}.md": name * 6 for name in "abc"}


def test_a_build_that_fails_changes_nothing(tmp_path: Path) -> None:
    """An error in the middle of reading or rendering: the docs folder is the one before, byte for byte."""
    build(tmp_path, a="1", runs__b__index="1")
    before = snapshot(tmp_path)
    with pytest.raises(ZeroDivisionError), SiteWriter(tmp_path) as writer:
        writer.write("a.md", b"2")
        writer.write("c.md", b"2")
        raise ZeroDivisionError
    assert snapshot(tmp_path) == before


def test_a_first_build_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    """Neither the docs folder nor the folders above it that were made for it."""
    with pytest.raises(ZeroDivisionError), SiteWriter(tmp_path / "new" / "docs") as writer:
        writer.write("a.md", b"1")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_move_that_fails_takes_the_others_back(tmp_path: Path) -> None:
    """A folder appears where a page is to be, while the build goes on: what was moved before it is moved back."""
    build(tmp_path, a="1", gone="1", z="1")
    before = snapshot(tmp_path)
    with pytest.raises(OutputError, match=r"y\.md"), SiteWriter(tmp_path) as writer:
        for name in ("a", "new", "y", "z"):
            writer.write(f"{name}.md", b"2")
        (tmp_path / "y.md").mkdir()
        writer.finish()
    (tmp_path / "y.md").rmdir()
    assert snapshot(tmp_path) == before


def interrupted_move(docs: Path) -> None:
    """A build of three files that was killed between two moves: one is replaced, one is new, one waits."""
    build(docs, a="1", b="1")
    home = docs / ".runsum"
    lines = [["a.md", digest("2"), False], ["c.md", digest("2"), True], ["b.md", digest("2"), False]]
    (home / "journal").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (home / "before").mkdir()
    (docs / "a.md").rename(home / "before" / "a.md")
    (docs / "a.md").write_text("2")
    (docs / "c.md").write_text("2")


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def test_an_interrupted_move_is_taken_back(tmp_path: Path) -> None:
    """Also by a build that fails itself."""
    interrupted_move(tmp_path)
    with SiteWriter(tmp_path):
        pass
    assert pages(tmp_path) == {"a.md": "1", "b.md": "1"}
    assert build(tmp_path, a="3", b="3").kept == []


def test_a_change_by_hand_after_an_interrupted_move_is_kept(tmp_path: Path) -> None:
    """What somebody made of a moved file is theirs, be it new or replaced."""
    interrupted_move(tmp_path)
    (tmp_path / "a.md").write_text("corrected")
    (tmp_path / "c.md").write_text("corrected too")
    assert build(tmp_path, a="3", b="3", c="3").kept == ["a.md", "c.md"]
    assert pages(tmp_path) == {"a.md": "corrected", "b.md": "3", "c.md": "corrected too"}


def test_a_damaged_journal_is_no_reason_to_stop(tmp_path: Path) -> None:
    """Lines that are not its own, or lead out of the folder, are passed over."""
    interrupted_move(tmp_path)
    journal = tmp_path / ".runsum" / "journal"
    journal.write_text("{\n42\n[1]\n" + json.dumps(["../../x", None, True]) + "\n" + journal.read_text() + '["tor')
    assert build(tmp_path, a="3", b="3").kept == []
    assert pages(tmp_path) == {"a.md": "3", "b.md": "3"}


def test_a_change_by_hand_while_a_build_goes_on_is_kept(tmp_path: Path) -> None:
    """Somebody saves a page between its writing aside and its moving."""
    build(tmp_path, a="1", b="1")
    with SiteWriter(tmp_path) as writer:
        writer.write("a.md", b"2")
        writer.write("b.md", b"2")
        (tmp_path / "a.md").write_text("corrected")
        report = writer.finish()
    assert (report.kept, report.written) == (["a.md"], ["b.md"])
    assert pages(tmp_path) == {"a.md": "corrected", "b.md": "2"}


# ---------------------------------------------------------------- one at a time


def test_two_builds_cannot_write_one_folder(tmp_path: Path) -> None:
    """The second ends at once with one line, and the first is not disturbed."""
    with SiteWriter(tmp_path) as first:
        first.write("a.md", b"1")
        with pytest.raises(BusyError, match="another runsum"):
            SiteWriter(tmp_path)
        first.finish()
    assert build(tmp_path, a="1").unchanged == 1


def test_two_folders_can_be_written_at_once(tmp_path: Path) -> None:
    """A lock is of one folder."""
    with SiteWriter(tmp_path / "one"), SiteWriter(tmp_path / "two") as second:
        second.write("a.md", b"1")
        second.finish()
    assert pages(tmp_path) == {"two/a.md": "1"}
