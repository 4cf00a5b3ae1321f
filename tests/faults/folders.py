"""A docs folder that cannot be written, in part or at all, or that somebody else is writing."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from faults.model import (
    REFUSED,
    UNHARMED,
    Build,
    Fault,
    Tally,
    command,
    documents,
    healthy_database,
    judge_healthy,
    judge_refusal,
    judge_same,
    snapshot,
    some,
)
from support.expect import AS_OF

THIRD = "run-900d0003"
# The superuser may write anywhere, unless that is taken from the process.
ORDINARY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
TESTS = Path(__file__).resolve().parents[1]


def first_build(work: Path) -> tuple[Path, dict[str, bytes | None]]:
    """The site of two runs, and a database of three that is to replace it."""
    done = command(work, "--db", healthy_database(work / "runs.db"))
    assert done.returncode == 0, done.stderr
    healthy_database(work / "runs.db", ("run-900d0001", "run-900d0002", THIRD))
    return work / "runs.db", snapshot(work / "docs")


def next_build(work: Path) -> list[str]:
    """Whether the build after a fault is complete."""
    done = command(work, "--db", work / "runs.db")
    if done.returncode != 0:
        return [f"the next build: exit code {done.returncode}: {done.stderr[-200:]}"]
    rest = {path.name for path in (work / "docs" / ".runsum").iterdir()} - {"lock", "manifest.json", "theme"}
    found = documents(work)
    return [
        *judge_healthy(found, ("run-900d0001", "run-900d0002", THIRD)),
        *(f"{path} was kept" for path in json.loads(done.stdout)["kept"]),
        *(f".runsum/{name} is left" for name in sorted(rest)),
    ]


def judge_failure(work: Path, done: Build, before: dict[str, bytes | None]) -> list[str]:
    return [*judge_refusal(done), *judge_same(before, work / "docs")]


def limited(work: Path) -> Tally:
    """No file may grow beyond a limit, as on a disk that is nearly full."""
    tally = Tally()
    file, before = first_build(work)
    shutil.rmtree(work / "docs" / "assets")  # so that there are large files to write
    before = snapshot(work / "docs")
    for limit in some((0, 100, 1_000, 4_096, 20_000, 60_000, 130_000, 300_000)):

        def restrict(limit: int = limit) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = command(work, "--db", file, preexec_fn=restrict)
        tally.check(f"{limit:,} bytes", judge_failure(work, done, before))
    tally.check("without a limit", next_build(work))
    return tally


def full_disk(work: Path) -> Tally:
    """A file system of its own that is too small for the build."""
    tally = Tally()
    file = healthy_database(work / "runs.db")
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode != 0:
        tally.note = "this system mounts no file systems here; see the limited file size"
        return tally
    for size in some((64, 256, 512, 768, 1000, 1600, 2000, 2400)):  # KiB; the first site needs about 1.4 MB
        place = work / str(size)
        (place / "docs").mkdir(parents=True)
        script = (
            f"mount -t tmpfs -o size={size}k none docs && {sys.executable} -m runsum build --db {file}; "
            "code=$?; find docs -type f | sort | head -3; exit $code"
        )
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script],
            cwd=place,
            env=os.environ | {"PYTHONUTF8": "1", "TMPDIR": str(work)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode == 0:
            tally.check(f"{size} KiB", [] if size >= 1600 else ["built"])
        else:
            left = [f"{done.stdout.strip()} is left"] if done.stdout.strip() else []
            tally.check(f"{size} KiB", [*judge_refusal(done), *left])
    return tally


def in_the_way(work: Path) -> Tally:
    """A folder where a page, and a file where a folder is to be."""
    tally = Tally()
    file, before = first_build(work)
    docs = work / "docs"
    places = (
        (f"runs/{THIRD}", False),
        (f"runs/{THIRD}/index.md", True),
        (f"runs/{THIRD}/data.js", True),
        ("index.md", True),
        ("data/runs.csv", True),
        (".runsum/next", False),
        (".runsum/before", False),
        (".runsum/journal", True),
        (".runsum/manifest.json", True),
        (".runsum/lock", True),
    )
    for name, folder in some(places):
        shutil.copytree(docs, work / "kept")
        target = docs / name
        if target.is_file():
            target.unlink()
        if folder:
            (target / "of a person").mkdir(parents=True)
        else:
            target.write_text("of a person")
        there = snapshot(docs)
        done = command(work, "--db", file)
        tally.check(f"{'a folder' if folder else 'a file'} at {name}", judge_failure(work, done, there))
        shutil.rmtree(docs)
        (work / "kept").rename(docs)
    tally.check("nothing in the way", [*judge_same(before, docs), *next_build(work)])
    return tally


@contextmanager
def denied(folder: Path) -> Iterator[None]:
    """A folder without permission to write."""
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(mode)


def read_only(work: Path) -> Tally:
    """Folders in which nobody may write, the superuser without his privilege neither."""
    tally = Tally()
    file, before = first_build(work)
    for name in some(("docs", "docs/.runsum", "docs/runs", "docs/runs/run-900d0002", "docs/data", "docs/digest")):
        with denied(work / name):
            done = command(work, "--db", file, before=ORDINARY)
        harmless = name == "docs" and done.returncode == 0  # every file of the build lies deeper
        wrong = judge_healthy(documents(work)) if harmless else judge_failure(work, done, before)
        tally.check(name, wrong)
    empty = work / "empty"
    empty.mkdir()
    with denied(empty):
        done = command(empty, "--db", file, before=ORDINARY)
    tally.check("an empty folder", [*judge_refusal(done), *(str(path) for path in empty.iterdir())])
    tally.check("with permission", next_build(work))
    return tally


def two_at_once(work: Path) -> Tally:
    """A build beside a process that holds the lock, and after one that was killed while it held it."""
    tally = Tally()
    file, before = first_build(work)
    lock = work / "docs" / ".runsum" / "lock"
    with FileLock(lock):
        done = command(work, "--db", file)
        wrong = [] if "another runsum" in done.stderr else [f"says {done.stderr!r}"]
        tally.check("a lock that is held", [*wrong, *judge_failure(work, done, before)])
    script = f"from filelock import FileLock\nwith FileLock({str(lock)!r}):\n print('locked', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = command(work, "--db", file)
        named = str(holder.pid) in done.stderr or not Path("/proc/locks").exists()
        tally.check("a lock of another process", [*judge_failure(work, done, before), *([] if named else ["who?"])])
        holder.kill()
    builds = [
        subprocess.Popen(
            [sys.executable, "-m", "runsum", "build", "--db", str(file)],
            cwd=work,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [build.communicate(timeout=120)[1].strip() for build in builds]
    codes = sorted(build.returncode for build in builds)
    odd = [line for build, line in zip(builds, said, strict=True) if build.returncode == 2 and "another" not in line]
    tally.check("three builds at once", [*([] if codes[0] == 0 and set(codes) <= {0, 2} else [str(codes)]), *odd])
    tally.check("after all of them", next_build(work))
    return tally


def ended(send: signal.Signals) -> Callable[[Path], Tally]:
    """Builds that are ended from outside, at moments all over their time: each has made all of its changes, or none."""

    def attempt(work: Path) -> Tally:
        tally = Tally()
        file, before = first_build(work)
        shutil.copytree(work / "docs", work / "kept")
        command(work, "--db", file)
        whole = snapshot(work / "docs")
        for tenths in some((2, 5, 8, 11, 14)):
            shutil.rmtree(work / "docs")
            shutil.copytree(work / "kept", work / "docs")
            build = subprocess.Popen(
                [sys.executable, "-c", "import signal, runsum.cli;"
                 "signal.signal(signal.SIGINT, signal.default_int_handler); runsum.cli.main()",
                 "build", "--as-of", AS_OF, "--db", str(file)],
                cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            time.sleep(tenths / 10)
            build.send_signal(send)
            build.wait(timeout=60)
            if send is signal.SIGKILL:
                command(work, "--db", work / "gone.db")  # fails at once, and repairs
            had_ended = snapshot(work / "docs") == whole  # its changes were final, it only had to exit
            tally.check(f"after {tenths / 10} s", [] if had_ended else judge_same(before, work / "docs"))
        tally.check("the next build", next_build(work))
        return tally

    return attempt


def every_operation(kind: str) -> Callable[[Path], Tally]:
    """The write of a small site, struck at every one of its file operations; see `faults.interrupted`."""

    def attempt(work: Path) -> Tally:
        done = subprocess.run(
            [sys.executable, "-m", "faults.interrupted", str(work), kind],
            cwd=TESTS,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode != 0:
            return Tally(1, [done.stderr[-500:]])
        return Tally(**json.loads(done.stdout))

    return attempt


def first_of_all(work: Path) -> Tally:
    """The first build of a folder fails: no docs folder is left behind."""
    tally = Tally()
    for name in ("gone.db", "/dev/null"):
        done = command(work, "--db", name)
        tally.check(name, [*judge_refusal(done), *(f"{path} is left" for path in work.iterdir())])
    return tally


FAULTS = (
    Fault("a first build that fails", REFUSED, first_of_all),
    Fault("no file may grow beyond 0 to 300,000 bytes", UNHARMED, limited),
    Fault("a file system of 64 to 2,400 KiB", UNHARMED, full_disk, slow=True),
    Fault("a file where a folder is needed, a folder where a file is", UNHARMED, in_the_way),
    Fault("a docs folder, or a folder in it, that may not be written", UNHARMED, read_only),
    Fault("two and three builds at once in one folder", UNHARMED, two_at_once),
    Fault("Ctrl+C during a build", UNHARMED, ended(signal.SIGINT)),
    Fault("a kill during a build", UNHARMED, ended(signal.SIGKILL)),
    *(
        Fault(f"{kind}, at every file operation of a write", UNHARMED, every_operation(kind))
        for kind in (
            "killed",
            "disk full",
            "disk full from then on",
            "permission denied",
            "read-only from then on",
            "Ctrl+C",
        )
    ),
)
