"""Work in several processes: results in order, bounded memory, and a crash that names the one it happened to."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import pickle
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from runsum.errors import ConfigError, OutputError
from runsum.frozen import frozen

Task = TypeVar("Task")
Result = TypeVar("Result")

_WORTH_FORKING, _WORTH_STARTING, _MOST_AT_A_TIME = 12, 500, 16
_FEWEST_STARTED = 4  # of fewer processes, the start takes most of what they gain
_HANDED_OVER = 600_000_000  # bytes of packed work that all processes together may hold; in memory it is four times that
_MOST_PROCESSES = 61 if sys.platform == "win32" else 1_000_000  # Windows cannot wait for more
_AHEAD = 3  # chunks per process that wait or are done: what bounds the memory
_DASK = "dask://"


@frozen
class Lost(Generic[Task]):
    """A task whose process died; `why` as far as it is known."""

    task: Task
    why: str


def default_jobs() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that all understand `concurrent.futures`: a local pool, or those of a Dask cluster. Used with `with`.

    Args:
        jobs: local processes; 1 does everything in this process.
        address: `dask://HOST:PORT` of a scheduler, in place of local processes.
        begin: what a local process does first, besides ending with this one.

    Raises:
        ConfigError: the address is none, or nobody answers there.
        OutputError: later, when the system starts no more processes.
    """

    def __init__(self, jobs: int, address: str | None = None, begin: Callable[[], None] | None = None) -> None:
        self.jobs = max(1, jobs)
        self._address = address
        self._begin = begin
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
    ) -> Iterator[tuple[Task, Result | Lost[Task]]]:
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
    ) -> Iterator[tuple[Task, Result | Lost[Task]]]:
        chunk, future = waiting.popleft()
        try:
            yield from zip(chunk, future.result(), strict=True)
        except _deaths():
            rest = [some for some, _ in waiting]
            waiting.clear()
            self._drop()
            for task in chunk:  # one by one, to know whose it was
                alone: Result | Lost[Task] = self._alone(work, task)
                yield task, alone
            waiting.extend((some, self._submit(work, some)) for some in rest)

    def _alone(self, work: Callable[[Sequence[Task]], list[Result]], task: Task) -> Result | Lost[Task]:
        try:
            done: list[Result] = self._submit(work, [task]).result()
            return done[0]
        except _deaths() as error:
            self._drop()
            return Lost(task, str(error) or type(error).__name__)

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
            self._pool = ProcessPoolExecutor(count, _context(), _begin, (self._begin,))
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


def _begin(also: Callable[[], None] | None) -> None:
    end_with_parent()
    if also is not None:
        also()


def _outlive(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)  # in the midst of a task


_inherited: Sequence[Callable[[], Any]] = ()  # what a process is to do: it has it without being sent each task


def in_processes(work: Sequence[Callable[[], Result]], jobs: int, alone: int = 0) -> Iterator[Result]:
    """Call functions in several processes; the results come in order.

    Forked processes have everything that this one has. Where processes are started anew, the functions are packed once,
    into a file that each of them reads. Where all of that would not pay, they are called here.

    Args:
        work: functions without arguments; where processes cannot be forked, pickle must be able to pack them.
        jobs: how many processes.
        alone: so many of the first functions take long, and are handed over one by one.
    """
    global _inherited
    with contextlib.ExitStack() as stack:
        begin = None
        if can_fork():
            jobs = jobs if len(work) >= _WORTH_FORKING else 1
        elif len(work) >= _WORTH_STARTING and jobs >= _FEWEST_STARTED:
            file, jobs = stack.enter_context(_packed(work, jobs))
            begin = partial(_take_over, file)
        else:
            jobs = 1
        if jobs == 1:
            yield from (one() for one in work)
            return
        size = min(_MOST_AT_A_TIME, max(1, (len(work) - alone) // (8 * jobs)))
        chunks: list[tuple[int, ...]] = [(place,) for place in range(alone)]
        chunks += [tuple(range(place, min(place + size, len(work)))) for place in range(alone, len(work), size)]
        _inherited = work
        gc.freeze()  # what processes share stays shared: no collection touches it
        try:
            with Workers(jobs, begin=begin) as workers:
                for chunk, done in workers.run(_call_inherited, chunks, 1):
                    yield from (work[place]() for place in chunk) if isinstance(done, Lost) else done
        finally:
            _inherited = ()
            gc.unfreeze()


@contextlib.contextmanager
def _packed(work: Sequence[Callable[[], Any]], jobs: int) -> Iterator[tuple[Path, int]]:
    """A file with the work, and how many processes may hold it at once; 1 where there is no room for the file."""
    packed = pickle.dumps(list(work), 5)
    try:
        folder = tempfile.TemporaryDirectory(prefix="runsum-", ignore_cleanup_errors=True)
    except OSError:
        yield Path(), 1
        return
    with folder:
        file = Path(folder.name, "work")
        try:
            file.write_bytes(packed)
        except OSError:
            jobs = 1
        yield file, min(jobs, max(1, _HANDED_OVER // len(packed)))


def _take_over(file: Path) -> None:
    """In a process that was started anew: read what there is to do."""
    global _inherited
    gc.disable()  # of a million objects that all stay, each collection would look at each
    _inherited = pickle.loads(file.read_bytes())
    gc.freeze()
    gc.enable()


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
