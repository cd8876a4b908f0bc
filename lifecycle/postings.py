"""Which texts say a term, and how often: arrays that grow as texts come, for millions of entries."""

from array import array
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Rows: TypeAlias = NDArray[np.void]
"""Rows with named fields."""

ENTRY = np.dtype([("place", np.int32), ("title", np.uint8), ("body", np.uint16)], align=True)
"""One text's say in a term: which text, and how often its title and its body say it."""

_MOST_IN_TITLE, _MOST_IN_BODY = 255, 65_535
_ADDRESSES = 1 << 40


class Table:
    """Rows that are only ever appended."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._rows: Rows = np.zeros(16, dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, row: tuple[float, ...]) -> None:
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count] = row
        self._count += 1

    def column(self, name: str) -> NDArray[Any]:
        """Return one field of every row; do not write to it."""
        return self._rows[name][: self._count]


class Postings:
    """The entries of every term, in the order they came.

    A term's entries lie together, in a room of the next power of two. A full one moves to a room of twice the
    size, and what it leaves is used again. Rooms are cut from blocks, so that nothing large is ever copied.
    """

    def __init__(self, block: int = 1 << 18) -> None:
        """`block`: so many entries are made room for at a time."""
        self._block = block
        self._terms: dict[str, int] = {}
        self._counts = array("i")
        self._rooms = array("q")
        self._spare: dict[int, list[int]] = {}
        self._blocks: list[Rows] = [np.zeros(block, ENTRY)]
        self._used = 0

    def add(self, term: str, place: int, title: int, body: int) -> None:
        """Say that the text at `place` has the term; once for each text, in ascending order."""
        number = self._terms.setdefault(term, len(self._counts))
        if number == len(self._counts):
            self._counts.append(0)
            self._rooms.append(self._room(1))
        count = self._counts[number]
        if count and not count & (count - 1):  # a power of two: the room is full
            self._move(number, count)
        block, start = divmod(self._rooms[number], _ADDRESSES)
        entry = (place, min(title, _MOST_IN_TITLE), min(body, _MOST_IN_BODY))
        self._blocks[block][start + count] = entry
        self._counts[number] = count + 1

    def count(self, term: str) -> int:
        """Return how many texts say the term."""
        number = self._terms.get(term)
        return 0 if number is None else self._counts[number]

    def entries(self, term: str) -> Rows:
        """Return the term's entries, by ascending place; do not write to them."""
        number = self._terms.get(term)
        return _NOTHING if number is None else self._at(self._rooms[number], self._counts[number])

    def _at(self, room: int, count: int) -> Rows:
        block, start = divmod(room, _ADDRESSES)
        return self._blocks[block][start : start + count]

    def _move(self, number: int, size: int) -> None:
        old, new = self._rooms[number], self._room(2 * size)
        self._at(new, size)[:] = self._at(old, size)
        self._spare.setdefault(size, []).append(old)
        self._rooms[number] = new

    def _room(self, size: int) -> int:
        spare = self._spare.get(size)
        if spare:
            return spare.pop()
        if self._used + size > len(self._blocks[-1]):
            self._blocks.append(np.zeros(max(size, self._block), ENTRY))
            self._used = 0
        start, self._used = self._used, self._used + size
        return (len(self._blocks) - 1) * _ADDRESSES + start


_NOTHING = np.zeros(0, ENTRY)
