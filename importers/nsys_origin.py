"""Where a kernel or a graph comes from: the call that launched it, its thread, and the NVTX range around that call.

| from                                   | column            | unit |
| -------------------------------------- | ----------------- | ---- |
| the launching call (nsys_launches.py)  | launch_start_ns   | ns   |
|                                        | launch_end_ns     | ns   |
|                                        | thread_id         |      |
| the innermost range on its thread at   | nvtx              |      |
| the call's start (nsys_ranges.py)      | nvtx_depth        |      |

NULL where the export does not hold the call (cut files, no runtime tracing), or no range was open. All kernels of a
CUDA graph have the graph's launch as their call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from importers.arrow import Array, array, field, numbers
from importers.nsys_launches import THREAD_BITS, Launches
from importers.nsys_ranges import Ranges
from importers.nsys_rows import NO_ID

ORIGIN = ("globalPid", "correlationId")
"""Columns of the export that tell it."""
_THREAD_MASK = 2**THREAD_BITS - 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Looks up where kernels come from."""

    launches: Launches
    ranges: Ranges

    fields: ClassVar[tuple[pa.Field[Any], ...]] = (
        field("launch_start_ns", pa.int64(), "ns"),
        field("launch_end_ns", pa.int64(), "ns"),
        field("thread_id", pa.int64()),
        field("nvtx", pa.dictionary(pa.int32(), pa.string())),
        field("nvtx_depth", pa.int32()),
    )

    def begin(self) -> None:
        """A new pass over the rows begins."""
        self.launches.begin()
        self.ranges.begin()

    def columns(self, batch: pa.RecordBatch) -> list[Array]:
        """The columns of some rows, in the order of `fields`.

        batch : with the columns ORIGIN
        raises : MalformedFile, TooLarge
        """
        calls = self.launches.of(*(numbers(batch.column(name), NO_ID) for name in ORIGIN))
        inside = self.ranges.at(calls.thread, calls.start)
        unknown = ~calls.found
        return [
            array(calls.start, mask=unknown),
            array(calls.end, mask=unknown),
            array(calls.thread & _THREAD_MASK, mask=unknown),
            inside.texts,
            array(inside.depths, kind=pa.int32(), mask=~inside.found),
        ]
