"""Rows of a table in the order of time, where the file holds them in nearly that order.

| here      | meaning                                                                                         |
| --------- | ----------------------------------------------------------------------------------------------- |
| `Order`   | per block the earliest start, and whether any row comes before the one above it                 |
| `in_time` | blocks sorted: a row goes on as soon as no later block begins before it; the others wait        |

Exporters write kernels in the order of time, so nothing waits and nothing is sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from importers.arrow import array, joined, numbers
from importers.sqlite_tree import Integers
from planner.errors import TooLarge

MOST_WAITING = 2**22
"""Rows that come too early by more than a block, all columns of them in memory."""
LAST, FIRST = int(np.iinfo(np.int64).max), int(np.iinfo(np.int64).min)


class Order:
    """The order of a table's rows, as blocks of it go by."""

    __slots__ = ("_begins", "_newest", "in_order")

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._newest, self.in_order = FIRST, True

    def add(self, starts: Integers) -> None:
        """Looks at the next block.

        starts : of its rows [ns]
        """
        self._begins.append(int(starts.min(initial=LAST)))
        if len(starts):
            rising = bool((starts[1:] >= starts[:-1]).all())
            self.in_order &= rising and int(starts[0]) >= self._newest
            self._newest = max(self._newest, int(starts.max()))

    @property
    def begins(self) -> Integers:
        """For each block the earliest start in it and in all later ones [ns]."""
        return np.minimum.accumulate(np.array(self._begins, np.int64)[::-1])[::-1]


def in_time(batches: Iterable[pa.RecordBatch], order: Order) -> Iterator[pa.RecordBatch]:
    """The rows of a table in the order of their column `start`; a row without a start comes first.

    order : of the same blocks
    raises : TooLarge if more rows wait than fit in memory
    """
    if order.in_order:
        yield from batches
        return
    following = [*order.begins[1:].tolist(), None]
    waiting: pa.RecordBatch | None = None
    for batch, begin in zip(batches, following, strict=True):
        both = batch if waiting is None else joined([waiting, batch])
        starts = numbers(both.column("start"), FIRST)
        ranks = np.argsort(starts, kind="stable")
        ready = len(ranks) if begin is None else int(np.searchsorted(starts[ranks], begin, side="right"))
        yield both.take(array(ranks[:ready]))
        waiting = both.take(array(ranks[ready:]))
        if waiting.num_rows > MOST_WAITING:
            raise TooLarge("The kernels are in no order of time: too many to sort. Export the report again.")
