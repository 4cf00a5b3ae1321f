"""What the rows of a table look like on the disk, without reading one of them.

A table of SQLite is a B-tree: interior pages name the leaf pages below them and the largest rowid of each, leaf pages
hold the rows (https://www.sqlite.org/fileformat2.html, section 1.6). A sum over each leaf tells whether a row in it has
changed, at the speed of the disk: about twenty times faster than asking SQLite for the rows. What stands in the
write-ahead log counts before the page in the file (section 4 there).

Whoever wants both a look and the rows must look first: rows read later are then at least as new as the look.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runsum.frozen import frozen

Numbers = NDArray[np.int64]
Sums = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

_INTERIOR, _LEAF = 5, 13
_HEADER, _FIRST = 100, 1  # bytes of the file's header, which stands before page 1
_WAL_HEADER, _FRAME_HEADER = 32, 24
_SMALLEST, _LARGEST = 512, 65_536
_BLOCK = 8_000_000  # bytes that are read at a time
_APART = 4  # pages of other tables between two of one
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # the step of splitmix64: 2^64 divided by the golden ratio


@frozen
class Leaves:
    """The leaf pages of a table in the order of their rows.

    Attributes:
        last: largest rowid that a leaf can hold, shape (leaves,), ascending; the last one has no end.
        sums: a number that changes with the content of a leaf, shape (leaves,).
        pages: number of its page in the file, shape (leaves,).
    """

    last: Numbers
    sums: Sums
    pages: Numbers

    def stamps(self, first: Numbers, last: Numbers) -> Sums:
        """For each range of rowids a number that changes with the leaves which can hold them.

        Args:
            first: smallest rowid of each range, shape (n,).
            last: largest rowid of each range, shape (n,).
        """
        running = np.concatenate(([np.uint64(0)], np.cumsum(self.sums, dtype=np.uint64)))
        begin, end = self.between(first, last)
        return np.asarray(running[end] - running[begin], dtype=np.uint64)

    def between(self, first: Numbers, last: Numbers) -> tuple[Numbers, Numbers]:
        """Positions of the first leaf that can hold the rows of each range, and of the one after the last.

        Args:
            first: smallest rowid of each range, shape (n,).
            last: largest rowid of each range, shape (n,).
        """
        begin = np.searchsorted(self.last, first, side="left")
        end = np.minimum(np.searchsorted(self.last, last, side="left"), len(self.last) - 1) + 1
        return begin, end

    def changed(self, earlier: Leaves) -> list[tuple[int, int]]:
        """Ranges of rowids, both ends included, outside of which every leaf is as it was in an earlier look."""
        ranges: list[tuple[int, int]] = []
        for mine, other in ((self, earlier), (earlier, self)):
            known = _are_among(mine.sums, other.sums)
            begins = np.concatenate(([np.iinfo(np.int64).min], mine.last[:-1] + 1))
            ranges += [(int(begins[leaf]), int(mine.last[leaf])) for leaf in np.flatnonzero(~known)]
        return _joined(sorted(ranges))


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in ranges:
        if joined and begin <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


class PagedFile:
    """The pages of a database file as they are at the moment. Used with `with`.

    The file is read, not mapped: it may be cut off by another program at any time.

    Args:
        path: the file, as SQLite has it open.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a file of whole pages of a known form.
    """

    def __init__(self, path: Path) -> None:
        log = _read_log(path.with_name(path.name + "-wal"))  # first: a checkpoint moves pages from here to the file
        with path.open("rb") as file:
            header = file.read(_HEADER)
        size = int.from_bytes(header[16:18], "big")
        self._size = 65_536 if size == 1 else size
        whole = path.stat().st_size
        if len(header) < _HEADER or not _SMALLEST <= self._size <= _LARGEST or whole % self._size or header[20]:
            raise ValueError("not a file of whole pages")
        self._count = whole // self._size
        self._log = _latest_frames(log, self._size) if log else {}
        self._all: Sums | None = None
        self._file = path.open("rb", buffering=0)

    def __enter__(self) -> PagedFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def leaves(self, root: int) -> Leaves:
        """The leaves of the table whose B-tree begins at a page (`rootpage` of sqlite_master)."""
        numbers, last = self._walk(root)
        factors = _factors(self._size // 8)
        sums = np.zeros(len(numbers), dtype=np.uint64)
        inside = numbers <= self._count
        sums[inside] = self._sums(factors)[numbers[inside] - 1]
        for place in np.flatnonzero(np.isin(numbers, list(self._log))) if self._log else ():
            sums[place] = self._log[int(numbers[place])].view(np.uint64) @ factors
        # A leaf means its place as well: two leaves of equal content must not stand for each other.
        return Leaves(last, _mixed(sums ^ _mixed(last.astype(np.uint64))), numbers)

    @property
    def has_log(self) -> bool:
        """Whether some pages stand in the write-ahead log."""
        return bool(self._log)

    def pages(self, numbers: Numbers) -> Bytes:
        """Some pages by their numbers, shape (n, bytes of a page); of a file without a write-ahead log.

        Raises:
            OSError: the file cannot be read.
            IndexError: there is no such page.
        """
        if not len(numbers):
            return np.empty((0, self._size), dtype=np.uint8)
        low, high = int(numbers.min()), int(numbers.max())
        if self._log or not _FIRST < low <= high <= self._count:
            raise IndexError("no pages of this file")
        if high - low < _APART * len(numbers):  # one long piece is read faster than many short ones
            return self._piece(low, high - low + 1)[numbers - low]
        return np.concatenate([self._piece(number, 1) for number in numbers.tolist()])

    def _piece(self, number: int, count: int) -> Bytes:
        self._file.seek((number - 1) * self._size)
        piece = np.empty((count, self._size), dtype=np.uint8)
        if self._file.readinto(piece.data) != piece.nbytes:
            raise IndexError("the file was cut off while it was read")
        return piece

    def _sums(self, factors: Sums) -> Sums:
        """A number for each page of the file, shape (pages,)."""
        if self._all is None:
            self._file.seek(0)
            found = []
            block = np.empty((max(1, _BLOCK // self._size), self._size), dtype=np.uint8)
            for begin in range(0, self._count, len(block)):
                part = block[: min(len(block), self._count - begin)]
                if self._file.readinto(part.data) != part.nbytes:
                    raise ValueError("the file was cut off while it was read")
                found.append(part.view(np.uint64) @ factors)
            self._all = np.concatenate(found)
        return self._all

    def _page(self, number: int) -> Bytes:
        """A page by its number, from 1 on."""
        if number in self._log:
            return self._log[number]
        if not _FIRST <= number <= self._count:
            raise ValueError(f"there is no page {number}")
        self._file.seek((number - 1) * self._size)
        return np.frombuffer(self._file.read(self._size), dtype=np.uint8)

    def _walk(self, root: int) -> tuple[Numbers, Numbers]:
        """Numbers of the leaf pages below a page, and the largest rowid of each."""
        level = np.array([root], dtype=np.int64)
        last = np.array([np.iinfo(np.int64).max], dtype=np.int64)
        for _ in range(20):  # a B-tree of 2^31 pages is not deeper
            kinds = {self._kind(int(level[0])), self._kind(int(level[-1]))}
            if kinds == {_LEAF}:
                return level, last
            if kinds != {_INTERIOR}:
                break
            inner = [self._children(int(number), int(end)) for number, end in zip(level, last, strict=True)]
            level = np.concatenate([numbers for numbers, _ in inner])
            last = np.concatenate([ends for _, ends in inner])
        raise ValueError("not the B-tree of a table")

    def _kind(self, number: int) -> int:
        return int(self._page(number)[_HEADER if number == _FIRST else 0])

    def _children(self, number: int, end: int) -> tuple[Numbers, Numbers]:
        page = self._page(number)
        head = _HEADER if number == _FIRST else 0
        if page[head] != _INTERIOR:
            raise ValueError("not the B-tree of a table")
        count = _big_endian(page, np.array([head + 3]), 2)[0]
        rightmost = _big_endian(page, np.array([head + 8]), 4)
        places = _big_endian(page, head + 12 + 2 * np.arange(count), 2)
        if len(places) and int(places.max()) + 13 > len(page) + 9:
            raise ValueError("a cell lies outside its page")
        return (
            np.concatenate((_big_endian(page, places, 4), rightmost)),
            np.concatenate((varints(page, places + 4)[0], [end])).astype(np.int64),
        )


def _big_endian(page: Bytes, places: Numbers, width: int) -> Numbers:
    value = np.zeros(len(places), dtype=np.int64)
    for byte in range(width):
        value = (value << 8) | page[places + byte]
    return value


def varints(page: Bytes, places: Numbers) -> tuple[Numbers, Numbers]:
    """Variable-length integers of SQLite (1 to 9 bytes) that begin at some places, and the places after them."""
    value = np.zeros(len(places), dtype=np.int64)
    going = np.ones(len(places), dtype=bool)
    after = places.astype(np.int64)
    for byte in range(9):
        read = page[np.minimum(places + byte, len(page) - 1)].astype(np.int64)
        longer = (value << 8) | read if byte == 8 else (value << 7) | (read & 0x7F)
        value = np.where(going, longer, value)
        after += going
        going &= read >= 0x80
        if not going.any():
            break
    return value, after


def _are_among(sums: Sums, others: Sums) -> NDArray[np.bool_]:
    """For each of some numbers whether it is among others, shape (n,).

    `np.isin` says the same, but loads NumPy's masked arrays first, for longer than all of this takes.
    """
    if not len(others):
        return np.zeros(len(sums), dtype=bool)
    ordered = np.sort(others)
    return np.asarray(ordered[np.minimum(np.searchsorted(ordered, sums), len(ordered) - 1)] == sums)


def _factors(count: int) -> Sums:
    """Odd numbers, so that a word which changes alone always changes the sum; the same ones in every build."""
    return np.asarray(_mixed(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN) | np.uint64(1), dtype=np.uint64)


def _mixed(values: Sums) -> Sums:
    """Every bit of the result depends on every bit of the value (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)), dtype=np.uint64)


def _read_log(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _latest_frames(log: bytes, size: int) -> dict[int, Bytes]:
    """The pages of a write-ahead log up to its last commit, each as it was written last.

    Frames of an unfinished transaction are left out: they may still be taken back.
    """
    frame = _FRAME_HEADER + size
    count = (len(log) - _WAL_HEADER) // frame
    if count <= 0:
        return {}
    frames = np.frombuffer(log, dtype=np.uint8, count=count * frame, offset=_WAL_HEADER).reshape(count, frame)
    heads = np.ascontiguousarray(frames[:, :16]).view(">u4")
    salt = np.frombuffer(log, dtype=">u4", count=2, offset=16)
    foreign = np.flatnonzero((heads[:, 2:4] != salt).any(axis=1))  # left of an earlier round
    valid = int(foreign[0]) if len(foreign) else count
    commits = np.flatnonzero(heads[:valid, 1])
    if not len(commits):
        return {}
    return {int(heads[place, 0]): frames[place, _FRAME_HEADER:] for place in range(int(commits[-1]) + 1)}
