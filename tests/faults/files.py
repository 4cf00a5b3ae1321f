"""Database files that are damaged, cut off, half copied, locked, or nothing of the kind."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from faults import model
from faults.model import (
    EITHER,
    REFUSED,
    Fault,
    Tally,
    command,
    documents,
    healthy_database,
    healthy_run,
    judge_refusal,
    judge_same,
    snapshot,
    some,
)
from support.schema import create

BITS = 60
IMPATIENT = ("-c", "import runsum.source.database as it; it._BUSY_S = 1; import runsum.cli; runsum.cli.main()")
"""The command that waits for a lock a second, not half a minute."""
NOT_SQLITE = {
    "0 bytes": b"",
    "1 byte": b"S",
    "zeros": bytes(8192),
    "text": b"[Stats] Progress: 80,000/16,200,000 (0.5%)\n" * 200,
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 196608\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 64,
    "a zip": b"PK\x03\x04" + bytes(range(256)) * 64,
    "SQLite 2": b"** This file contains an SQLite 2.1 database **" + bytes(4096),
    "the header alone": b"SQLite format 3\x00",
    "a header of zeros": b"SQLite format 3\x00" + bytes(4080),
    "a header of 255": b"SQLite format 3\x00" + b"\xff" * 4080,
}


def readable_runs(path: Path) -> set[str]:
    """The ids that SQLite itself can still read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as con:
            con.text_factory = lambda raw: raw.decode("utf-8", "replace")
            return {str(row[0]) for row in con.execute("SELECT run_id FROM experiment_runs") if row[0]}
    except sqlite3.Error:
        return set()


def together(work: Path, files: dict[str, Path]) -> Tally:
    """Build all files at once; each one that is refused is taken out, until the rest is built.

    The docs folder must be as it was after every refusal, and hold every run that can be read in the end.
    """
    tally, left = Tally(), dict(files)
    healthy = healthy_database(work / "healthy.db")
    command(work, "--db", healthy)
    before, refused = snapshot(work / "docs"), 0
    while True:
        done = command(work, "--db", healthy, *(word for path in left.values() for word in ("--db", path)))
        if done.returncode == 0:
            break
        name = next((name for name, path in left.items() if f"{path.name} " in done.stderr), None)
        wrong = [*judge_refusal(done), *judge_same(before, work / "docs")]
        if name is None:
            tally.check("a file that is not named", [f"exit code {done.returncode}: {done.stderr[-300:]}"])
            return tally
        tally.check(name, wrong)
        refused += 1
        del left[name]
    found = documents(work)
    for name, path in left.items():
        tally.check(name, [f"{run_id} is missing" for run_id in sorted(readable_runs(path) - set(found))])
    tally.note = f"{len(left)} built, {refused} refused"
    return tally


def small(path: Path, number: int) -> Path:
    """A database of two runs of its own."""
    return healthy_database(path, (f"run-b17{number:04x}1", f"run-b17{number:04x}2"))


def flipped_bits(work: Path) -> Tally:
    """One bit turned over, at places all over the file."""
    chance, files = random.Random(20251222), {}
    for number in some(range(BITS)):
        path = small(work / f"bit-{number}.db", number)
        data = bytearray(path.read_bytes())
        place = number if number < 40 else chance.randrange(len(data))  # the first: of the header
        data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        files[f"a bit of byte {place}"] = path
    return together(work, files)


def overwritten_pages(work: Path) -> Tally:
    """A whole page of zeros, of ones, or of the page before."""
    files = {}
    for number in some(range(20)):
        path = small(work / f"page-{number}.db", 1000 + number)
        data = bytearray(path.read_bytes())
        page = 4096
        place = (number * 7 + 1) % (len(data) // page) * page
        fill = (bytes(page), b"\xff" * page, bytes(data[place - page : place]) or bytes(page))[number % 3]
        data[place : place + page] = fill
        path.write_bytes(data)
        files[f"page {place // page}, fill {number % 3}"] = path
    return together(work, files)


def refuse(work: Path, contents: Iterator[tuple[str, bytes]]) -> Tally:
    """Every content alone, over the site of a healthy file."""
    tally, file = Tally(), work / "runs.db"
    command(work, "--db", healthy_database(work / "healthy.db"))
    before = snapshot(work / "docs")
    for name, content in some(contents):
        file.write_bytes(content)
        tally.check(name, [*judge_refusal(command(work, "--db", file), file.name), *judge_same(before, work / "docs")])
        if file.read_bytes() != content:
            tally.wrong.append(f"{name}: the file itself changed")
    return tally


def foreign(work: Path) -> Tally:
    return refuse(work, iter(NOT_SQLITE.items()))


def truncated(work: Path) -> Tally:
    """The beginning of a file, as a copy that was broken off leaves it."""
    data = healthy_database(work / "whole.db").read_bytes()
    lengths = [1, 15, 16, 17, 60, 99, 100, 101, 512, 4095, 4096, 4097, *range(8192, len(data), len(data) // 12)]
    return refuse(work, ((f"{length} of {len(data)} bytes", data[:length]) for length in lengths))


def half_copied(work: Path) -> Tally:
    """A file of the right size whose second half is still zeros, and one copied without its log."""
    data = healthy_database(work / "whole.db").read_bytes()
    parts = [(f"{share} % copied", data[: len(data) * share // 100]) for share in (10, 30, 50, 70, 90)]
    source = work / "source.db"
    with closing(create(source, wal=True)) as con:
        healthy_run(con, "run-000a0001")
        con.commit()
        main = source.read_bytes()
    return refuse(work, iter([*((name, part.ljust(len(data), b"\x00")) for name, part in parts), ("no -wal", main)]))


def in_the_way(work: Path) -> Tally:
    """No file, a folder, a device, a pipe that nobody writes to, a link to nowhere and to itself."""
    tally = Tally()
    command(work, "--db", healthy_database(work / "healthy.db"))
    before = snapshot(work / "docs")
    (work / "folder.db").mkdir()
    (work / "nowhere.db").symlink_to(work / "gone.db")
    (work / "itself.db").symlink_to(work / "itself.db")
    os.mkfifo(work / "pipe.db")
    names = ("missing.db", "folder.db", "nowhere.db", "itself.db", "pipe.db", "/dev/null", "a\nline.db", "x" * 300)
    for name in some(names):
        done = command(work, "--db", work / name)
        tally.check(repr(name[:20]), [*judge_refusal(done), *judge_same(before, work / "docs")])
    return tally


def locked(work: Path) -> Tally:
    """Another program holds an exclusive lock for as long as the build waits."""
    tally = Tally()
    command(work, "--db", healthy_database(work / "healthy.db"))
    before = snapshot(work / "docs")
    file = healthy_database(work / "runs.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as con:
        con.execute("BEGIN EXCLUSIVE")
        done = command(work, "--db", file, program=("-m", "runsum") if model.stride == 1 else IMPATIENT)
        con.execute("ROLLBACK")
    tally.check("exclusive", [*judge_refusal(done, "runs.db"), *judge_same(before, work / "docs")])
    return tally


def odd_logs(work: Path) -> Tally:
    """A write-ahead log or journal beside the file that is not its own."""
    files = {}
    for number, (suffix, content) in enumerate(
        (suffix, content)
        for suffix in ("-wal", "-shm", "-journal")
        for content in (b"", b"x", bytes(32_768), b"\xff" * 4096, b"text " * 1000)
    ):
        for wal in (False, True):
            path = work / f"beside-{number}-{int(wal)}.db"
            with closing(create(path, wal=wal)) as con:
                healthy_run(con, f"run-be5{number:04x}{int(wal)}")
                con.commit()
            Path(f"{path}{suffix}").write_bytes(content)
            files[f"{suffix} of {len(content)} bytes, wal {wal}"] = path
    tally = together(work, files)
    shutil.rmtree(work / "docs")
    return tally


FAULTS = (
    Fault("one bit of the file flipped", EITHER, flipped_bits),
    Fault("a page of zeros, of ones, or of another page", EITHER, overwritten_pages),
    Fault("empty files and files of other programs", REFUSED, foreign),
    Fault("files cut off at any length", REFUSED, truncated),
    Fault("files copied by half, or without their log", REFUSED, half_copied),
    Fault("no file, a folder, a device, a pipe, a link to nowhere or itself", REFUSED, in_the_way),
    Fault("a file locked by another program", REFUSED, locked, slow=True),
    Fault("a log or journal beside the file that is not its own", EITHER, odd_logs),
)
