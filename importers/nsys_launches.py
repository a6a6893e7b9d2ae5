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
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

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
COLUMNS = ("globalTid", "correlationId", "start", "end")
BLOCKS_KEPT = 32
"""Of calls in memory at a time, some 450 MB: 12 million calls."""
SPARSE = 8
"""Ids per call up to which a table of all ids is worth its room."""
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
class _Ids:
    """Where in a block the correlation ids of one process are.

    least, most : ids
    rows : of the ids from the least to the most, NO_ID where there is none; or of `sorted_ids`, where ids are sparse
    """

    least: int
    most: int
    rows: NDArray[np.int32]
    sorted_ids: Integers | None

    @classmethod
    def of(cls, ids: Integers, rows: Integers) -> _Ids:
        """The ids in some rows; of rows with the same id the first."""
        least, most = int(ids.min()), int(ids.max())
        if most - least > SPARSE * len(ids):
            order = np.argsort(ids, kind="stable")
            return cls(least, most, rows[order].astype(np.int32), ids[order])
        table = np.full(most - least + 1, NO_ID, np.int32)
        table[ids[::-1] - least] = rows[::-1]
        return cls(least, most, table, None)

    def find(self, wanted: Integers) -> NDArray[np.int32]:
        """The row of each wanted id; NO_ID where it is not here."""
        if self.sorted_ids is None:
            inside = (wanted >= self.least) & (wanted <= self.most)
            return np.where(inside, self.rows[np.where(inside, wanted - self.least, 0)], np.int32(NO_ID))
        place = np.minimum(np.searchsorted(self.sorted_ids, wanted), len(self.sorted_ids) - 1)
        return np.where(self.sorted_ids[place] == wanted, self.rows[place], np.int32(NO_ID))


@dataclass(frozen=True, slots=True)
class _Block:
    """The calls of one block, and where each process's ids are."""

    start: Integers
    end: Integers
    thread: Integers
    processes: Mapping[int, _Ids]

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> _Block:
        """The calls of a batch of the runtime table."""
        start, end = (numbers(batch.column(name), NO_TIME) for name in ("start", "end"))
        ids, threads = (numbers(batch.column(name), NO_ID) for name in ("correlationId", "globalTid"))
        named = ((process, rows[ids[rows] >= 0]) for process, rows in grouped(process_of(threads)))
        return cls(start, end, threads, {process: _Ids.of(ids[rows], rows) for process, rows in named if len(rows)})


class Launches:
    """The calls of an export, by process and correlation id.

    rows : how many calls there are
    by_name : id of the call's name -> how many
    """

    __slots__ = ("_kept", "_reach", "_reads", "_scan", "by_name", "rows")

    def __init__(self, export: Export) -> None:
        """Reads the calls once, for where which ids are.

        raises : MalformedFile
        """
        self.rows, self.by_name, self._reads = 0, Tally[int](), 0
        self._reach: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self._kept: OrderedDict[int, _Block] = OrderedDict()
        if RUNTIME not in export:
            return
        self._scan = export.scan(RUNTIME, *COLUMNS, counted=False)
        for number, batch in enumerate(export.scan(RUNTIME, *COLUMNS, "nameId")):
            self.rows += batch.num_rows
            for name in compute.value_counts(batch.column("nameId")).to_pylist():
                self.by_name[NO_ID if name["values"] is None else name["values"]] += name["counts"]
            check_number(export, len(self.by_name))
            for process, ids in self._keep(number, _Block.of(batch)).processes.items():
                self._reach[process].append((ids.least, ids.most, number))

    def begin(self) -> None:
        """A new pass over the kernels begins: blocks may be read anew."""
        self._reads = 0

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
            self._fill(calls, rows, ids[rows], alone if process == NO_ID else process)
        return calls

    def _fill(self, calls: Calls, rows: Integers, ids: Integers, process: int) -> None:
        least, most = int(ids.min()), int(ids.max())
        for low, high, number in self._reach.get(process, ()):
            if low > most or high < least:
                continue
            block = self._block(number)
            place = block.processes[process].find(ids)
            hits = np.flatnonzero((place != NO_ID) & ~calls.found[rows])
            there, place = rows[hits], place[hits]
            calls.found[there] = True
            calls.start[there], calls.end[there] = block.start[place], block.end[place]
            calls.thread[there] = block.thread[place]

    def _block(self, number: int) -> _Block:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        self._reads += 1
        if self._reads > REREAD * len(self._scan):
            raise TooLarge(
                f"{source_name(self._scan.pages.path)}: the correlation ids of {RUNTIME} are in no order, so finding "
                "the call behind each kernel would take for ever. Export the report again."
            )
        return self._keep(number, _Block.of(self._scan.block(number)))

    def _keep(self, number: int, block: _Block) -> _Block:
        self._kept[number] = block
        if len(self._kept) > BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return block


def process_of(threads: Integers) -> Integers:
    """The process of each thread, as the export writes them: its id with host and virtual machine above it.

    >>> process_of(np.array([0x1_000123_000045])).tolist() == [0x1_000123_000000]
    True
    """
    return threads >> THREAD_BITS << THREAD_BITS
