"""The innermost NVTX range that was open on a thread at a time: what the program said it was doing.

| theirs (NVTX_EVENTS)                      | ours                                                        | unit |
| ----------------------------------------- | ----------------------------------------------------------- | ---- |
| eventType 59 (push/pop) with an end       | a range of its thread                                       |      |
| start, end, globalTid                     | when and on which thread it is open                         | ns   |
| text, or textId -> StringIds              | its text                                                    |      |
| eventType 60 (start/end)                  | not here: they nest on no thread; see the table `nvtx`      |      |

The ranges stay in the file. For a window of time it takes the block of rows that begin in it and the few ranges of
earlier blocks that are still open; a block is read when kernels of its time come by, so memory does not grow with the
file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from importers.arrow import Array, array, compute, grouped, joined, numbers
from importers.files import source_name
from importers.nsys_file import NVTX, Export
from importers.nsys_labels import PUSH_POP, Labels
from importers.nsys_launches import REREAD
from importers.nsys_rows import NO_ID
from importers.nsys_stack import NOTHING, Innermost, innermost
from importers.sqlite_tree import Integers
from planner.errors import TooLarge

BLOCKS_KEPT = 4
MOST_OPEN = 2**21
"""Ranges that are open at the border of two blocks, all borders together: in real files a few each."""
LAST = int(np.iinfo(np.int64).max)
COLUMNS = ("start", "end", "eventType", "globalTid", "textId")


@dataclass(frozen=True, slots=True)
class Inside:
    """The innermost range around each of some times.

    found : whether there is one
    texts : its text, dictionary-coded; NULL where there is none
    depths : ranges open at that time, itself included
    """

    found: NDArray[np.bool_]
    texts: Array
    depths: Integers


class Ranges:
    """The push/pop ranges of an export."""

    __slots__ = ("_begins", "_labels", "_open", "_reads", "_scan", "_window")

    def __init__(self, export: Export, labels: Labels) -> None:
        """Reads the ranges twice: for when each block begins, and for what is open at that time.

        raises : MalformedFile; TooLarge if more ranges are open at the blocks' borders than a program can mean
        """
        self._labels, self._reads = labels, 0
        self._window = lru_cache(BLOCKS_KEPT)(self._read)
        self._begins = np.zeros(0, np.int64)
        self._open: list[pa.RecordBatch] = []
        if NVTX in export:
            self._scan = export.scan(NVTX, *COLUMNS, texts=("text",), counted=False)
            firsts = [_first(_ranges(batch)) for batch in export.scan(NVTX, *COLUMNS)]
            self._begins = np.minimum.accumulate(np.array(firsts, np.int64)[::-1])[::-1]
            self._carry(export)

    def begin(self) -> None:
        """A new pass over the kernels begins: blocks may be read anew."""
        self._reads = 0

    def at(self, threads: Integers, times: Integers) -> Inside:
        """The innermost range on some threads at some times.

        threads : with their process, as the export writes them
        times : [ns]
        raises : MalformedFile; TooLarge if the times are in such disorder that looking them up takes for ever
        """
        codes, depths = np.full(len(times), NOTHING, np.int64), np.zeros(len(times), np.int64)
        texts: list[Array] = [pa.array([], pa.string())]
        count = 0
        for window, rows in grouped(np.searchsorted(self._begins, times, side="right") - 1):
            if window < 0:
                continue
            table, written = self._window(window)
            intervals, depths[rows] = table.at(threads[rows], times[rows])
            inside = intervals != NOTHING
            is_used = np.zeros(len(written), bool)
            is_used[intervals[inside]] = True
            codes[rows[inside]] = count + np.cumsum(is_used)[intervals[inside]] - 1
            texts.append(written.filter(array(is_used)))
            count += int(is_used.sum())
        words = pa.concat_arrays(texts).dictionary_encode()
        indices = words.indices.take(array(codes, mask=codes == NOTHING))
        return Inside(codes != NOTHING, pa.DictionaryArray.from_arrays(indices, words.dictionary), depths)

    def _carry(self, export: Export) -> None:
        still = self._scan.block(0).take(pa.array([], pa.int64()))
        total = 0
        for batch, following in zip(
            export.scan(NVTX, *COLUMNS, texts=("text",)), [*self._begins[1:].tolist(), LAST], strict=True
        ):
            self._open.append(still)
            total += still.num_rows
            if total > MOST_OPEN:
                raise TooLarge(
                    f"{source_name(export.path)}: {MOST_OPEN} NVTX ranges are open at once. Export the report again."
                )
            both = joined([still, _ranges(batch)])
            still = both.filter(compute.greater(both.column("end"), following))

    def _read(self, window: int) -> tuple[Innermost, Array]:
        self._reads += 1
        if self._reads > REREAD * len(self._scan):
            raise TooLarge(
                f"{source_name(self._scan.pages.path)}: kernels are in no order, so finding the NVTX range around each "
                "would take for ever. Export the report again."
            )
        batch = joined([self._open[window], _ranges(self._scan.block(window))])
        threads, starts, ends = (numbers(batch.column(name), NO_ID) for name in ("globalTid", "start", "end"))
        return innermost(threads, starts, ends), self._labels.texts(batch)


def _ranges(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The push/pop ranges that have both ends."""
    timed = compute.and_(batch.column("start").is_valid(), batch.column("end").is_valid())
    return batch.filter(compute.and_(timed, compute.equal(batch.column("eventType"), PUSH_POP).fill_null(False)))


def _first(batch: pa.RecordBatch) -> int:
    return int(numbers(batch.column("start")).min(initial=LAST))
