"""The only room that writes: what it owns, what it leaves alone and what it refuses; on real folders."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from runsum.errors import OutputError
from runsum.site.writer import SiteWriter, WriteReport
from support.docs_folder import build, pages


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
