"""Timed rows of an Nsight Systems export, checked: what has a sensible start and end goes on, the rest is counted.

| theirs                                        | ours                                   | unit |
| --------------------------------------------- | -------------------------------------- | ---- |
| start, end                                    | start, end, ns = end - start           | ns   |
| deviceId (absent or NULL: NO_DEVICE)          | device                                 |      |
| a column asked for (absent or NULL: NO_ID)    | its name                               |      |
| end missing, before start, or an hour later   | `bad`: how many such rows              |      |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from importers.arrow import numbers
from importers.nsys_file import Export

LONGEST_NS = 2**42
"""Seventy minutes: no kernel or copy runs that long, and the times of a batch still add up within 64 bits."""
NO_DEVICE = -1
NO_ID = -1


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows of one batch: device, start, end, ns and the columns asked for [int64].

    whole : all rows
    rows : those with a possible time
    """

    whole: pa.RecordBatch
    rows: pa.RecordBatch

    @property
    def bad(self) -> int:
        """How many rows have an impossible time."""
        return int(self.whole.num_rows - self.rows.num_rows)


def timed_rows(export: Export, table: str, *more: str) -> Iterator[Chunk]:
    """The rows of a table, batch by batch; nothing if the export has no such table.

    more : further integer columns
    raises : MalformedFile
    """
    for batch in export.batches(table, "deviceId", "start", "end", *more):
        yield checked(batch)


def checked(batch: pa.RecordBatch) -> Chunk:
    """The rows of a batch with deviceId, start, end and further columns, and which of them have a possible time."""
    start, end = (numbers(batch.column(name)) for name in ("start", "end"))
    with np.errstate(over="ignore"):
        spent = end - start
    timed = np.asarray((end >= start) & (spent >= 0) & (spent <= LONGEST_NS))
    for name in ("start", "end"):
        if batch.column(name).null_count:
            timed &= batch.column(name).is_valid().to_numpy(zero_copy_only=False)
    columns = {"device": numbers(batch.column("deviceId"), NO_DEVICE), "start": start, "end": end, "ns": spent}
    columns |= {name: numbers(batch.column(name), NO_ID) for name in batch.schema.names[3:]}
    whole = pa.RecordBatch.from_pydict(columns)
    return Chunk(whole, whole if timed.all() else whole.filter(pa.array(timed)))
