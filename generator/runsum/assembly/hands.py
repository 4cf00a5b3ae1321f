"""Pages made by several processes at once.

A child is this process over again (fork): it knows the configuration, the files and the navigation, makes its share of
the pages as MkDocs would, writes them, and hands back what there is to remember of them. To the parent, they are like
pages of an earlier build. Whatever a child cannot do well, it leaves to the parent: a page about which something must
be said, and all pages of its share, should it die.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, TypeVar

from runsum.parallel import end_with_parent

Result = TypeVar("Result")

_SHARE = 40
"""Pages handed to a child at a time."""
_WORTHWHILE = 100
"""For fewer pages, the children take longer to start than to work."""

_work: Callable[[str], Any] | None = None


def count_hands() -> int:
    """How many processes can work at once here; 1 where a process cannot safely be doubled."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return len(os.sched_getaffinity(0))


class Hands(Generic[Result]):
    """Children that work while the parent does something else.

    Args:
        work: makes one page, by its source, or gives None; it is called in the children.
        pages: the sources of the pages.
    """

    def __init__(self, work: Callable[[str], Result | None], pages: Sequence[str]) -> None:
        global _work
        self._asked: list[Future[list[tuple[str, Result]]]] = []
        self._pool: ProcessPoolExecutor | None = None
        count = count_hands()
        if count > 1 and len(pages) >= _WORTHWHILE:
            _work = work
            self._pool = ProcessPoolExecutor(count, multiprocessing.get_context("fork"), end_with_parent)
            shares = [pages[begin : begin + _SHARE] for begin in range(0, len(pages), _SHARE)]
            self._asked = [self._pool.submit(_make, share) for share in shares]

    @property
    def are_busy(self) -> bool:
        """Whether there is anything to wait for."""
        return self._pool is not None

    def results(self) -> Iterator[tuple[str, Result]]:
        """(source, what `work` returned) of each page that was made; waits for it."""
        try:
            for asked in self._asked:
                yield from asked.result()
        except BrokenProcessPool:  # out of memory, killed: the parent makes the rest
            return

    def close(self) -> None:
        """End the children."""
        global _work
        _work = None
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _make(pages: Sequence[str]) -> list[tuple[str, Any]]:
    """In a child: a share of the pages."""
    logging.disable(logging.CRITICAL)  # what is to be said, the parent says
    assert _work is not None
    made = []
    for page in pages:
        try:
            result = _work(page)
        except Exception:  # the parent meets it again, and says so
            continue
        if result is not None:
            made.append((page, result))
    return made
