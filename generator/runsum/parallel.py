"""Work in several processes: results in order, bounded memory, and a crash that names the one it happened to."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, TypeVar

from runsum.errors import ConfigError, OutputError
from runsum.frozen import frozen

Task = TypeVar("Task")
Result = TypeVar("Result")

_WORTH_PROCESSES, _MOST_AT_A_TIME = 12, 16
_MOST_PROCESSES = 61 if sys.platform == "win32" else 1_000_000  # Windows cannot wait for more
_AHEAD = 3  # chunks per process that wait or are done: what bounds the memory
_DASK = "dask://"


@frozen
class Lost:
    """What became of a task whose process died; `why` as far as it is known."""

    why: str


def default_jobs() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that all understand `concurrent.futures`: a local pool, or those of a Dask cluster. Used with `with`.

    Args:
        jobs: local processes; 1 does everything in this process.
        address: `dask://HOST:PORT` of a scheduler, in place of local processes.

    Raises:
        ConfigError: the address is none, or nobody answers there.
        OutputError: later, when the system starts no more processes.
    """

    def __init__(self, jobs: int, address: str | None = None) -> None:
        self.jobs = max(1, jobs)
        self._address = address
        self._stack = contextlib.ExitStack()
        self._cluster = _connect(address, self._stack) if address else None
        self._pool: ProcessPoolExecutor | None = None
        self._pieces = 1

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exc: object) -> None:
        self._drop()
        self._stack.close()

    @property
    def are_elsewhere(self) -> bool:
        """Whether the work is done by a cluster."""
        return self._cluster is not None

    def run(
        self, work: Callable[[Sequence[Task]], list[Result]], tasks: Sequence[Task], size: int = 8
    ) -> Iterator[tuple[Task, Result | Lost]]:
        """Do the work of every task; the results come in the order of the tasks.

        Args:
            work: a function of a module, which takes some tasks and gives a result for each.
            tasks: what can be pickled.
            size: how many tasks are handed over at a time.
        """
        if self._cluster is None and (self.jobs == 1 or len(tasks) <= 1):
            for task in tasks:
                yield task, work([task])[0]
            return
        chunks = [tasks[place : place + size] for place in range(0, len(tasks), size)]
        if len(chunks) > self._pieces:
            self._drop()  # it may be too small
            self._pieces = len(chunks)
        waiting: deque[tuple[Sequence[Task], Future[list[Result]]]] = deque()
        ahead = _AHEAD * self._width()
        for chunk in chunks:
            waiting.append((chunk, self._submit(work, chunk)))
            if len(waiting) >= ahead:
                yield from self._collect(work, waiting)
        while waiting:
            yield from self._collect(work, waiting)

    def _collect(
        self,
        work: Callable[[Sequence[Task]], list[Result]],
        waiting: deque[tuple[Sequence[Task], Future[list[Result]]]],
    ) -> Iterator[tuple[Task, Result | Lost]]:
        chunk, future = waiting.popleft()
        try:
            yield from zip(chunk, future.result(), strict=True)
        except _deaths():
            rest = [some for some, _ in waiting]
            waiting.clear()
            self._drop()
            for task in chunk:  # one by one, to know whose it was
                alone: Result | Lost = self._alone(work, task)
                yield task, alone
            waiting.extend((some, self._submit(work, some)) for some in rest)

    def _alone(self, work: Callable[[Sequence[Task]], list[Result]], task: Task) -> Result | Lost:
        try:
            done: list[Result] = self._submit(work, [task]).result()
            return done[0]
        except _deaths() as error:
            self._drop()
            return Lost(str(error) or type(error).__name__)

    def _submit(self, work: Callable[[Sequence[Task]], list[Result]], tasks: Sequence[Task]) -> Future[list[Result]]:
        try:
            return self._executor().submit(work, tasks)
        except _deaths() as error:  # a process died while more work was handed over: told when its turn comes
            failed: Future[list[Result]] = Future()
            failed.set_exception(error)
            return failed
        except OSError as error:  # those that were started would wait for work, and this process for their end
            for child in multiprocessing.active_children():
                child.terminate()
            raise OutputError(
                f"no more processes can be started: {error.strerror}",
                "Type --jobs 1, or allow more of them and more open files (ulimit -u, ulimit -n)",
            ) from error

    def _executor(self) -> Executor:
        if self._cluster is not None:
            return self._cluster
        if self._pool is None:
            # all of them are started at once, and the system ends what asks for too many
            count = min(self.jobs, self._pieces, _MOST_PROCESSES)
            self._pool = ProcessPoolExecutor(count, _context(), end_with_parent)
        return self._pool

    def _width(self) -> int:
        return self.jobs if self._cluster is None else 4 * self.jobs

    def _drop(self) -> None:
        if self._pool is not None:
            # waits: the end of the interpreter wakes a pool whose thread still lives, and fails if that ends meanwhile
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def end_with_parent() -> None:
    """Have this process end when the one that it works for is gone; one that was killed can tell nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent.sentinel,), daemon=True).start()


def _outlive(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)  # in the midst of a task


_inherited: Sequence[Callable[[], Any]] = ()  # what forked processes are to do: they have it without being sent it


def in_processes(work: Sequence[Callable[[], Result]], jobs: int, alone: int = 0) -> Iterator[Result]:
    """Call functions in processes that have everything this one has; the results come in order.

    Where processes cannot be forked or would not pay, they are called here.

    Args:
        work: functions without arguments.
        jobs: how many processes.
        alone: so many of the first functions take long, and are handed over one by one.
    """
    global _inherited
    if jobs == 1 or len(work) < _WORTH_PROCESSES or not can_fork():
        yield from (one() for one in work)
        return
    size = min(_MOST_AT_A_TIME, max(1, (len(work) - alone) // (8 * jobs)))
    chunks: list[tuple[int, ...]] = [(place,) for place in range(alone)]
    chunks += [tuple(range(place, min(place + size, len(work)))) for place in range(alone, len(work), size)]
    _inherited = work
    gc.freeze()  # what processes share stays shared: no collection touches it
    try:
        with Workers(jobs) as workers:
            for chunk, done in workers.run(_call_inherited, chunks, 1):
                yield from (work[place]() for place in chunk) if isinstance(done, Lost) else done
    finally:
        _inherited = ()
        gc.unfreeze()


def _call_inherited(chunks: Sequence[tuple[int, ...]]) -> list[list[Any]]:
    return [[_inherited[place]() for place in chunk] for chunk in chunks]


def can_fork() -> bool:
    """Whether a process costs nothing; one that begins from nothing loads all libraries first."""
    return _context().get_start_method() == "fork"


def _context() -> multiprocessing.context.BaseContext:
    """Forked processes have everything loaded; where they are not safe, new ones begin from nothing."""
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def require_address(address: str) -> None:
    """Refuse what cannot be the address of a cluster, also when there is no work for one.

    Raises:
        ConfigError: it is none.
    """
    if not address.startswith(_DASK):
        raise ConfigError(f"--executor {address!r} is not known", "Write dask://HOST:PORT, or leave it out")


def _connect(address: str, stack: contextlib.ExitStack) -> Executor:
    require_address(address)
    try:
        import distributed
    except ImportError:
        raise ConfigError("--executor dask:// needs Dask", 'Type: pip install "runsum[dask]"') from None
    scheduler = f"tcp://{address.removeprefix(_DASK)}"
    try:
        client: Any = stack.enter_context(distributed.Client(scheduler, timeout="10s"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"No Dask scheduler answers at {address}: {error}", "Start one with 'dask scheduler', or check the address"
        ) from None
    executor: Executor = stack.enter_context(client.get_executor())
    return executor


def _deaths() -> tuple[type[BaseException], ...]:
    """What is raised when a process dies with its work."""
    killed = getattr(sys.modules.get("distributed"), "scheduler", None)
    return (BrokenExecutor, *((killed.KilledWorker,) if killed is not None else ()))
