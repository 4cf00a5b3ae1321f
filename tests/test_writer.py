"""The only room that writes: what it owns, what it leaves alone, and what it survives; on real folders."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.model import snapshot
from runsum.errors import BusyError, OutputError
from runsum.site.writer import SiteWriter, WriteReport


def build(docs: Path, **files: str) -> WriteReport:
    """One whole build; `a__b` stands for a/b."""
    writer = SiteWriter(docs)
    for name, content in files.items():
        writer.write(path_of(name), content.encode())
    return writer.finish()


def path_of(name: str) -> str:
    return name.replace("__", "/") + ".md"


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


def pages(docs: Path) -> dict[str, str]:
    """The files of a docs folder without runsum's own notes."""
    return {
        file.relative_to(docs).as_posix(): file.read_text()
        for file in sorted(docs.rglob("*"))
        if file.is_file() and ".runsum" not in file.parts
    }


def owned(docs: Path) -> list[str]:
    return list(json.loads((docs / ".runsum" / "manifest.json").read_text())["files"])


# ---------------------------------------------------------------- what is written


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    """A docs folder and everything below it is made on the way."""
    report = build(tmp_path / "new" / "docs", index="home", runs__a__index="a run")
    assert pages(tmp_path / "new" / "docs") == {"index.md": "home", "runs/a/index.md": "a run"}
    assert report == WriteReport(written=["index.md", "runs/a/index.md"])


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """Two equal files are left, the third is new."""
    build(tmp_path, a="1", b="1", c="1")
    report = build(tmp_path, a="1", b="2", c="1")
    assert (report.written, report.unchanged, pages(tmp_path)["b.md"]) == (["b.md"], 2, "2")


def test_an_equal_build_touches_nothing(tmp_path: Path) -> None:
    """No file gets another modification time, the manifest neither."""
    build(tmp_path, a="1", b__c="2")
    old = 1_700_000_000
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    for file in files:
        os.utime(file, (old, old))
    build(tmp_path, a="1", b__c="2")
    assert {file.stat().st_mtime for file in tmp_path.rglob("*") if file.is_file()} == {old}
    assert len(files) == 4


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    """Every file is written aside and moved; nothing stays beside it, no journal either."""
    build(tmp_path, a="1", b__c="2")
    build(tmp_path, a="2", b__c="3")
    names = {file.name for file in tmp_path.rglob("*") if file.is_file()}
    assert names == {"a.md", "c.md", "manifest.json", "lock"}
    assert (tmp_path / ".runsum" / "lock").read_bytes() == b""


def test_a_file_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    """Who reads the old file while a build runs reads it to its end."""
    build(tmp_path, a="old")
    with (tmp_path / "a.md").open() as reader:
        build(tmp_path, a="new")
        assert reader.read() == "old"


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    """No newline is translated and nothing is decoded."""
    writer = SiteWriter(tmp_path)
    writer.write("data.bin", b"\x00\r\n\xff")
    writer.finish()
    assert (tmp_path / "data.bin").read_bytes() == b"\x00\r\n\xff"


def test_ends_of_lines_as_git_gives_them_to_windows_are_nobodys_change(tmp_path: Path) -> None:
    """A docs folder that was committed and cloned there is brought up to date, file by file as it was written."""
    build(tmp_path, same="1\n2\n", new="1\n2\n", gone="1\n2\n", mine="1\n2\n")
    for file in (*tmp_path.glob("*.md"), tmp_path / ".runsum" / "manifest.json"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    (tmp_path / "mine.md").write_bytes(b"1\r\n2, no, 3\r\n")
    report = build(tmp_path, same="1\n2\n", new="1\n3\n", mine="4")
    assert report == WriteReport(written=["same.md", "new.md"], removed=["gone.md"], kept=["mine.md"])
    assert (tmp_path / "same.md").read_bytes() == b"1\n2\n"


# ---------------------------------------------------------------- what is removed


def test_what_a_build_no_longer_makes_goes(tmp_path: Path) -> None:
    """The page of a removed run and its empty folders are taken away."""
    build(tmp_path, a="1", runs__gone__index="2")
    report = build(tmp_path, a="1")
    assert (report.removed, pages(tmp_path), (tmp_path / "runs").exists()) == (
        ["runs/gone/index.md"],
        {"a.md": "1"},
        False,
    )


def test_a_folder_with_a_persons_file_stays(tmp_path: Path) -> None:
    """Only the page goes; what somebody put beside it is theirs."""
    build(tmp_path, runs__gone__index="1")
    (tmp_path / "runs" / "gone" / "mine.txt").write_text("mine")
    build(tmp_path)
    assert pages(tmp_path) == {"runs/gone/mine.txt": "mine"}


def test_a_page_that_somebody_deleted_is_no_error(tmp_path: Path) -> None:
    """It is gone already, and is not reported as removed."""
    build(tmp_path, a="1")
    (tmp_path / "a.md").unlink()
    assert build(tmp_path).removed == []


def test_a_deleted_page_comes_back(tmp_path: Path) -> None:
    """Deleting a page asks for a new one."""
    build(tmp_path, a="1")
    (tmp_path / "a.md").unlink()
    assert build(tmp_path, a="1").written == ["a.md"]


# ---------------------------------------------------------------- what belongs to a person


def test_a_persons_file_is_never_touched(tmp_path: Path) -> None:
    """A file that was there before the first build is kept, named, and not owned."""
    (tmp_path / "index.md").write_text("my own home page")
    report = build(tmp_path, index="home", a="1")
    assert (report.kept, report.written) == (["index.md"], ["a.md"])
    assert (pages(tmp_path)["index.md"], owned(tmp_path)) == ("my own home page", ["a.md"])


def test_a_persons_file_survives_every_build(tmp_path: Path) -> None:
    """Neither the next build nor one without that page takes it."""
    (tmp_path / "index.md").write_text("my own home page")
    build(tmp_path, index="home")
    assert build(tmp_path, index="home 2").kept == ["index.md"]
    build(tmp_path)
    assert pages(tmp_path) == {"index.md": "my own home page"}


def test_a_file_changed_by_hand_is_kept_and_named(tmp_path: Path) -> None:
    """Somebody corrected a page: their words stay."""
    build(tmp_path, a="1", b="1")
    (tmp_path / "a.md").write_text("corrected")
    report = build(tmp_path, a="2", b="2")
    assert (report.kept, pages(tmp_path)) == (["a.md"], {"a.md": "corrected", "b.md": "2"})


def test_a_changed_file_whose_page_goes_is_kept(tmp_path: Path) -> None:
    """A corrected page of a removed run is not deleted; it is told of until a person deletes it."""
    build(tmp_path, a="1", b="1")
    (tmp_path / "a.md").write_text("corrected")
    build(tmp_path, a="2", b="1")
    for _ in range(2):
        report = build(tmp_path, b="1")
        assert (report.kept, report.left, report.removed) == ([], ["a.md"], [])
        assert pages(tmp_path) == {"a.md": "corrected", "b.md": "1"}
    (tmp_path / "a.md").unlink()
    report = build(tmp_path, b="1")
    assert (report.left, owned(tmp_path)) == ([], ["b.md"])


def test_what_a_person_wrote_is_looked_at_each_time(tmp_path: Path) -> None:
    """How it looks is not taken for what was written before."""
    build(tmp_path, a="1")
    (tmp_path / "a.md").write_text("corrected")
    writer = SiteWriter(tmp_path)
    writer.write("a.md", b"2")
    assert (writer.finish().kept, writer.looks()) == (["a.md"], {})


def test_a_kept_file_is_written_again_once_deleted(tmp_path: Path) -> None:
    """As the warning says: delete it to get a new one."""
    build(tmp_path, a="1")
    (tmp_path / "a.md").write_text("corrected")
    build(tmp_path, a="2")
    (tmp_path / "a.md").unlink()
    assert (build(tmp_path, a="3").written, pages(tmp_path)) == (["a.md"], {"a.md": "3"})


# ---------------------------------------------------------------- what is refused


def test_the_same_path_twice_is_refused(tmp_path: Path) -> None:
    """Two pages that want to be one are a mistake of the program."""
    writer = SiteWriter(tmp_path)
    writer.write("a.md", b"1")
    with pytest.raises(AssertionError, match=r"a\.md"):
        writer.write("a.md", b"1")


@pytest.mark.parametrize("path", ["../a.md", "runs/../../a.md", "/etc/a.md"])
def test_a_path_outside_is_refused(tmp_path: Path, path: str) -> None:
    """Nothing leaves the docs folder."""
    docs = tmp_path / "docs"
    with pytest.raises(AssertionError, match="leaves"):
        SiteWriter(docs).write(path, b"1")
    assert pages(tmp_path) == {}


def test_a_manifest_cannot_name_files_outside(tmp_path: Path) -> None:
    """A manifest from somebody else's hands does not delete what lies beside the docs folder."""
    docs, outside = tmp_path / "docs", tmp_path / "precious.txt"
    outside.write_text("precious")
    digest = hashlib.sha256(b"precious").hexdigest()
    (docs / ".runsum").mkdir(parents=True)
    (docs / ".runsum" / "manifest.json").write_text(json.dumps({"format": 1, "files": {"../precious.txt": digest}}))
    build(docs)
    assert outside.exists()


def test_a_folder_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    """A folder under the name of a page cannot be replaced."""
    (tmp_path / "a.md").mkdir()
    with pytest.raises(OutputError, match=r"a\.md"):
        build(tmp_path, a="1")


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    """A file under the name of a folder, too."""
    (tmp_path / "runs").write_text("a person's file")
    with pytest.raises(OutputError, match="runs"):
        build(tmp_path, runs__a="1")


def test_a_docs_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    """docs_dir names a file."""
    (tmp_path / "docs").write_text("not a folder")
    with pytest.raises(OutputError, match="docs"):
        SiteWriter(tmp_path / "docs")


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


# ---------------------------------------------------------------- names on other file systems


@pytest.mark.parametrize(
    "path", ["con.md", "a/NUL.txt", "a/com1/b.md", "ab:c.md", "a?.md", "a\\b.md", "a./b.md", "b .md/ "]
)
def test_a_name_that_windows_cannot_hold_is_refused(tmp_path: Path, path: str) -> None:
    """Devices, characters and endings."""
    with pytest.raises(AssertionError, match="Windows"):
        SiteWriter(tmp_path).write(path, b"1")


def test_two_names_that_differ_in_case_are_refused(tmp_path: Path) -> None:
    """They are one file on other systems, and one page would be lost."""
    writer = SiteWriter(tmp_path)
    writer.write("runs/a/index.md", b"1")
    with pytest.raises(AssertionError, match=r"runs/A/index\.md"):
        writer.write("runs/A/index.md", b"1")


# ---------------------------------------------------------------- a damaged manifest


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "null", "42", '{"format": 1}', '{"format": 1, "files": []}', '{"format": 99, "files": {}}', "\x00"],
)
def test_a_damaged_manifest_owns_nothing(tmp_path: Path, damage: str) -> None:
    """Files that differ are kept and named; equal ones are owned again."""
    build(tmp_path, a="1", b="1")
    (tmp_path / ".runsum" / "manifest.json").write_text(damage)
    report = build(tmp_path, a="2", b="1")
    assert (report.kept, report.unchanged, owned(tmp_path)) == (["a.md"], 1, ["b.md"])


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("target", ["gone", "docs"])
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, target: str) -> None:
    """A disk that is not there, for example: the system would say that the folder exists."""
    (tmp_path / "docs").symlink_to(target)
    with pytest.raises(OutputError, match="docs is a link that leads nowhere"):
        SiteWriter(tmp_path / "docs")
    assert [file.name for file in tmp_path.iterdir()] == ["docs"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("place", ["a.md", ".runsum/manifest.json", ".runsum/journal"])
def test_what_is_no_file_is_named(tmp_path: Path, place: str) -> None:
    """A pipe or a device in the place of a page, or of what is remembered: to read it could take for ever."""
    build(tmp_path, a="1")
    (tmp_path / place).unlink(missing_ok=True)
    (tmp_path / place).symlink_to(os.devnull)
    with pytest.raises(OutputError, match="it is a pipe or a device"):
        build(tmp_path, a="2")


def test_a_manifest_that_is_no_text_owns_nothing(tmp_path: Path) -> None:
    """Bytes of another kind are no reason to stop."""
    build(tmp_path, a="1")
    (tmp_path / ".runsum" / "manifest.json").write_bytes(b"\xff\xfe\x00")
    assert build(tmp_path, a="2").kept == ["a.md"]


def test_the_manifest_is_sorted_text(tmp_path: Path) -> None:
    """Equal builds give equal manifests, whatever the order of the pages."""
    build(tmp_path / "one", a="1", b="2")
    build(tmp_path / "two", b="2", a="1")
    first, second = ((tmp_path / name / ".runsum" / "manifest.json").read_bytes() for name in ("one", "two"))
    assert first == second
