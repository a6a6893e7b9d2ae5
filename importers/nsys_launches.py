"""Which call of the CUDA runtime launched a kernel: the one with its correlation id in its process.

| theirs                                            | ours                                               | unit |
| ------------------------------------------------- | -------------------------------------------------- | ---- |
| KERNEL.globalPid = RUNTIME.globalTid, thread cut  | process, with host and virtual machine             |      |
| KERNEL.correlationId = RUNTIME.correlationId      | a kernel's launch, within its process alone        |      |
| RUNTIME.start, end, globalTid                     | `Calls.start`, `end`, `thread`                     | ns   |

Each process counts its own correlation ids: in files of two processes, ids alone give 7 to 8 % matches too many. The
calls stay in the file; a kernel's block of calls is looked up by the least and largest ids of each block, so memory
does not grow with the file. Ids rise with time, so neighbouring kernels need the same few blocks.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from importers.arrow import compute, grouped, numbers
from importers.files import source_name
from importers.nsys_file import RUNTIME, Export
from importers.nsys_names import check_number
from importers.nsys_rows import NO_ID
from importers.sqlite_tree import Integers
from planner.errors import TooLarge

THREAD_BITS = 24
BLOCKS_KEPT = 16
"""Of calls in memory at a time, some 180 MB."""
REREAD = 16
"""Times that the calls may be read anew; a profile whose ids rise with time needs each block once or twice."""
NO_TIME = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Calls:
    """The launching call of each kernel.

    found : whether the export holds it
    start, end : of the call, NO_TIME where not found [ns]
    thread : its process and thread, as the export writes them
    """

    found: NDArray[np.bool_]
    start: Integers
    end: Integers
    thread: Integers


@dataclass(frozen=True, slots=True)
class _Block:
    """The calls of one process in one block, by their correlation ids, rising."""

    ids: Integers
    start: Integers
    end: Integers
    thread: Integers


class Launches:
    """The calls of an export, by process and correlation id.

    rows : how many calls there are
    by_name : id of the call's name -> how many
    """

    __slots__ = ("_block", "_reach", "_reads", "_scan", "by_name", "rows")

    def __init__(self, export: Export) -> None:
        """Reads the calls once, for where which ids are.

        raises : MalformedFile
        """
        self.rows, self.by_name, self._reads = 0, Tally[int](), 0
        self._reach: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self._block = lru_cache(BLOCKS_KEPT)(self._read)
        if RUNTIME not in export:
            return
        self._scan = export.scan(RUNTIME, "globalTid", "correlationId", "start", "end", counted=False)
        for number, batch in enumerate(export.scan(RUNTIME, "globalTid", "correlationId", "nameId")):
            self.rows += batch.num_rows
            for name in compute.value_counts(batch.column("nameId")).to_pylist():
                self.by_name[NO_ID if name["values"] is None else name["values"]] += name["counts"]
            check_number(export, len(self.by_name))
            for process, ids, _ in self._by_process(batch):
                self._reach[process].append((int(ids[0]), int(ids[-1]), number))

    def of(self, processes: Integers, ids: Integers) -> Calls:
        """The launching call of each kernel.

        processes : as the export writes them; NO_ID where it does not: the one process of the calls, if it is but one
        ids : correlation ids; NO_ID: none
        raises : MalformedFile; TooLarge if the ids are in such disorder that looking them up takes for ever
        """
        count = len(ids)
        calls = Calls(*(np.full(count, value) for value in (False, NO_TIME, NO_TIME, np.int64(NO_ID))))
        alone = next(iter(self._reach)) if len(self._reach) == 1 else NO_ID
        for process, rows in grouped(processes):
            named = rows[ids[rows] >= 0]
            if len(named):
                self._fill(calls, named, ids[named], alone if process == NO_ID else process)
        return calls

    def _fill(self, calls: Calls, rows: Integers, ids: Integers, process: int) -> None:
        least, most = int(ids.min()), int(ids.max())
        for low, high, number in self._reach.get(process, ()):
            if low > most or high < least:
                continue
            block = self._block(number)[process]
            place = np.minimum(np.searchsorted(block.ids, ids), len(block.ids) - 1)
            hits = (block.ids[place] == ids) & ~calls.found[rows]
            there, place = rows[hits], place[hits]
            calls.found[there] = True
            calls.start[there], calls.end[there] = block.start[place], block.end[place]
            calls.thread[there] = block.thread[place]

    def _read(self, number: int) -> Mapping[int, _Block]:
        self._reads += 1
        if self._reads > REREAD * len(self._scan):
            raise TooLarge(
                f"{source_name(self._scan.pages.path)}: the correlation ids of {RUNTIME} are in no order, so finding "
                "the call behind each kernel would take for ever. Export the report again."
            )
        batch = self._scan.block(number)
        start, end = (numbers(batch.column(name), NO_TIME) for name in ("start", "end"))
        threads = numbers(batch.column("globalTid"), NO_ID)
        return {
            process: _Block(ids, start[rows], end[rows], threads[rows])
            for process, ids, rows in self._by_process(batch)
        }

    def _by_process(self, batch: pa.RecordBatch) -> Iterator[tuple[int, Integers, Integers]]:
        """Each process of a batch with its correlation ids, rising, and their rows."""
        ids = numbers(batch.column("correlationId"), NO_ID)
        for process, rows in grouped(process_of(numbers(batch.column("globalTid"), NO_ID))):
            named = rows[ids[rows] >= 0]
            order = np.argsort(ids[named], kind="stable")
            if len(named):
                yield process, ids[named][order], named[order]


def process_of(threads: Integers) -> Integers:
    """The process of each thread, as the export writes them: its id with host and virtual machine above it.

    >>> process_of(np.array([0x1_000123_000045])).tolist() == [0x1_000123_000000]
    True
    """
    return threads >> THREAD_BITS << THREAD_BITS
