"""A write that ends in the middle: at every single file operation, by a kill, an error of the disk, or Ctrl+C.

`python -m faults.interrupted FOLDER KIND` prints what was tried as JSON. It is a process of its own, so that it may
fork: each attempt is a child whose n-th operation on a file of the docs folder is the last one, or fails.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.model import snapshot
from runsum.errors import RunsumError
from runsum.site.writer import SiteWriter

EVENTS = ("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")
GROWING = ("os.link", "os.mkdir")  # what needs space
OLD = {"index.md": "old", "runs/a/index.md": "a", "runs/gone/index.md": "gone", "same.md": "same", "mine.md": "1"}
NEW = {"index.md": "new", "runs/a/index.md": "a 2", "runs/b/index.md": "b", "same.md": "same", "mine.md": "2"}


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> Callable[[], None]:
    def strike() -> None:
        raise OSError(number, os.strerror(number))

    return strike


def interrupt() -> None:
    raise KeyboardInterrupt


KINDS: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {  # what strikes, and at which operations it goes on
    "killed": (kill, ()),
    "disk full": (fail(errno.ENOSPC), ()),
    "permission denied": (fail(errno.EACCES), ()),
    "disk full from then on": (fail(errno.ENOSPC), GROWING),
    "read-only from then on": (fail(errno.EROFS), EVENTS[1:]),
    "Ctrl+C": (interrupt, ()),
}


def build(docs: Path, files: dict[str, str]) -> list[str]:
    """A whole build; what it kept of a person's."""
    with SiteWriter(docs) as writer:
        for path, content in files.items():
            writer.write(path, content.encode())
        return writer.finish().kept


def published(docs: Path) -> dict[str, bytes | None]:
    """What a builder of sites reads; an empty folder is nothing to it."""
    found = snapshot(docs).items()
    return {path: content for path, content in found if content is not None and not path.startswith(".runsum/")}


def attempt(docs: Path, number: int, strike: Callable[[], None], lasting: tuple[str, ...]) -> int:
    """Build in a child process whose n-th file operation is struck; its exit code: 0 when there were fewer."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    count, struck = 0, False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count, struck
        if event not in EVENTS or not any(str(docs) in str(argument) for argument in arguments[:2]):
            return
        count += 1
        grows = event == "open" and "w" in str(arguments[1])
        again = struck and lasting and (event in lasting or grows)
        if count == number or again:
            struck = True
            strike()

    sys.addaudithook(watch)
    try:
        build(docs, NEW)
    except (RunsumError, OSError, KeyboardInterrupt) as error:
        os._exit(3 if isinstance(error, RunsumError | KeyboardInterrupt) else 4)
    os._exit(5 if struck else 0)


def judge(
    docs: Path, code: int, stuck: bool, before: dict[str, bytes | None], after: dict[str, bytes | None]
) -> list[str]:
    """What is wrong after an attempt, and after the builds that follow it.

    Args:
        docs: the folder.
        code: how the attempt ended.
        stuck: whether nothing could be moved back, so that the next build has to.
        before: the folder of the last build that ended.
        after: the one of the attempt.
    """
    wrong = [f"a traceback, exit code {code}"] if code == 4 else []
    if code in (3, 4) and not stuck and published(docs) not in (before, after):
        wrong.append("the docs folder is neither the old nor the new one")
    with SiteWriter(docs):  # a build that fails at once, e.g. since its database is locked
        pass
    if published(docs) not in (before, after):
        wrong.append("a failing build after it leaves neither the old nor the new folder")
    kept = build(docs, NEW)
    if kept != ["mine.md"]:
        wrong.append(f"kept {kept}")
    if published(docs) != after:
        wrong.append("the next build is not complete")
    rest = {path.name for path in (docs / ".runsum").iterdir()} - {"lock", "manifest.json"}
    return [*wrong, *(f".runsum/{name} is left" for name in sorted(rest))]


def main(work: Path, kind: str) -> None:
    """Strike at every operation, in one way."""
    first, second, docs = work / "first", work / "second", work / "docs"
    build(first, OLD)
    (first / "mine.md").write_text("corrected by hand", encoding="utf-8")
    shutil.copytree(first, second)
    build(second, NEW)
    before, after = published(first), published(second)
    strike, lasting = KINDS[kind]
    tried, wrong = 0, []
    while True:
        shutil.copytree(first, docs)
        code = attempt(docs, tried + 1, strike, lasting)
        if code == 0:
            break
        tried += 1
        complaints = judge(docs, code, "os.rename" in lasting, before, after)
        wrong += [f"operation {tried}: {complaint}" for complaint in complaints]
        shutil.rmtree(docs)
    print(json.dumps({"tried": tried, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
