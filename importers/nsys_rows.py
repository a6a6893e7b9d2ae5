"""Timed rows of an Nsight Systems export, checked: what has a sensible start and end goes on, the rest is counted.

| theirs                                        | ours                                   | unit |
| --------------------------------------------- | -------------------------------------- | ---- |
| start, end                                    | start, end, ns = end - start           | ns   |
| deviceId (absent or NULL: NO_DEVICE)          | device                                 |      |
| a column asked for (absent or NULL: NO_ID)    | its name                               |      |
| end missing, before start, or 19 hours later  | `bad`: how many such rows              |      |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from importers.arrow import compute
from importers.files import source_name
from importers.nsys_tables import COPIES, GRAPHS, KERNELS, NVTX
from importers.sqlite import Schema, batches, quoted
from planner.errors import MalformedFile

LONGEST_NS = 2**46
"""Nineteen hours: no kernel or copy runs that long, and the times of a batch still add up within 64 bits."""
NO_DEVICE = -1
NO_ID = -1
REQUIRED = {
    KERNELS: (("start",), ("end",), ("demangledName", "shortName")),
    COPIES: (("start",), ("end",), ("bytes",)),
    GRAPHS: (("start",), ("end",)),
    NVTX: (("start",), ("end",), ("eventType",)),
}
"""Columns without which a table means nothing; of several names one is enough."""


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


def check_columns(path: Path, found: Schema) -> None:
    """Refuses an export one of whose tables lacks a column without which it means nothing.

    raises : MalformedFile, naming table and column
    """
    for table, wanted in REQUIRED.items():
        for names in wanted:
            if table in found.tables and not set(names) & set(found.tables[table]):
                raise MalformedFile(
                    f"{source_name(path)}: table {table} has no column {' or '.join(names)}. "
                    "The export was changed or is not of Nsight Systems; export the report again."
                )


def timed_rows(path: Path, found: Schema, table: str, *more: str) -> Iterator[Chunk]:
    """The rows of a table, batch by batch; nothing if the export has no such table.

    more : further integer columns
    raises : MalformedFile
    """
    if table not in found.tables:
        return
    columns = {"device": _sql(found, table, "deviceId", NO_DEVICE), "start": quoted("start"), "end": quoted("end")}
    columns |= {name: _sql(found, table, name, NO_ID) for name in more}
    listed = ", ".join(f"{source} AS {quoted(ours)}" for ours, source in columns.items())
    for batch in batches(path, f"SELECT {listed} FROM {quoted(table)}"):  # noqa: S608
        yield _checked(batch)


def _checked(batch: pa.RecordBatch) -> Chunk:
    columns = {name: batch.column(name).cast(pa.int64()) for name in batch.schema.names}
    columns["ns"] = compute.subtract_checked(columns["end"], columns["start"])
    whole = pa.RecordBatch.from_pydict(columns)
    good = compute.and_(
        compute.greater_equal(columns["ns"], 0), compute.less_equal(columns["ns"], LONGEST_NS)
    ).fill_null(False)
    return Chunk(whole, whole.filter(good))


def _sql(found: Schema, table: str, column: str, absent: int) -> str:
    return f"ifnull({quoted(column)}, {absent})" if column in found.tables[table] else str(absent)
