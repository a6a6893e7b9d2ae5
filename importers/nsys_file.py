"""An Nsight Systems export as a file of tables, read by their names and their columns' names, never by version.

| here            | theirs                                                                       |
| --------------- | ---------------------------------------------------------------------------- |
| `Export.scan`   | rows of a table; a table or column that this version lacks has none, or NULL |
| `Export.rows`   | a few rows, by SQL                                                           |
| `REQUIRED`      | columns without which a table means nothing                                  |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from importers.files import source_name
from importers.progress import Counter
from importers.sqlite import Schema, rows, schema
from importers.sqlite_scan import Scan
from importers.sqlite_tree import leaves
from planner.errors import MalformedFile

KERNELS = "CUPTI_ACTIVITY_KIND_KERNEL"
COPIES = "CUPTI_ACTIVITY_KIND_MEMCPY"
MEMORY_SETS = "CUPTI_ACTIVITY_KIND_MEMSET"
GRAPHS = "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"
RUNTIME = "CUPTI_ACTIVITY_KIND_RUNTIME"
NVTX = "NVTX_EVENTS"
METRICS = "GPU_METRICS"
METRIC_NAMES = "TARGET_INFO_GPU_METRICS"
STRINGS = "StringIds"
GPUS = "TARGET_INFO_GPU"
EXPORT_TABLES = ("META_DATA_EXPORT", "EXPORT_META_DATA")
"""The name of late and of early versions."""
CAPTURE = "META_DATA_CAPTURE"
SESSION_START, SESSION = "TARGET_INFO_SESSION_START_TIME", "ANALYSIS_DETAILS"
KNOWN = (KERNELS, COPIES, MEMORY_SETS, GRAPHS, RUNTIME, NVTX, METRICS, METRIC_NAMES, STRINGS, GPUS, *EXPORT_TABLES)
"""Tables that make a file an export."""
READ = (*KNOWN, CAPTURE, SESSION_START, SESSION)
"""All tables that are looked at; the others hold environment and output of the profiled process, or are not ours."""

_TIMES = (("start",), ("end",))
REQUIRED = {
    KERNELS: (*_TIMES, ("demangledName", "shortName")),
    COPIES: (*_TIMES, ("bytes",)),
    MEMORY_SETS: (*_TIMES, ("bytes",)),
    GRAPHS: _TIMES,
    RUNTIME: _TIMES,
    NVTX: (*_TIMES, ("eventType",)),
    METRICS: (("timestamp",), ("metricId",), ("value",)),
}
"""Columns without which a table means nothing; of several names one is enough."""
PASSES = {KERNELS: 2, COPIES: 2, MEMORY_SETS: 2, GRAPHS: 3, RUNTIME: 2, NVTX: 5, METRICS: 2}
"""How often an import reads each table, the store's reading included."""


@dataclass(frozen=True, slots=True)
class Export:
    """One file."""

    path: Path
    schema: Schema
    counter: Counter

    @classmethod
    def of(cls, path: Path) -> Export:
        """The export that a file holds.

        raises : MalformedFile if the file is damaged or a table lacks a column without which it means nothing
        """
        found = schema(path, READ)
        for table in {*READ} & found.computed:
            raise MalformedFile(
                f"{source_name(path)}: {table} is a view or a virtual table, or has generated columns. Nsight Systems "
                "writes real tables; export the report again with `nsys export --type sqlite`."
            )
        _check_columns(path, found)
        pages = {
            table: len(leaves(path, found.tables[table].root).numbers) for table in PASSES if table in found.tables
        }
        return cls(path, found, Counter(sum(PASSES[table] * count for table, count in pages.items())))

    def __contains__(self, table: object) -> bool:
        """Whether the export has a table."""
        return table in self.schema.tables

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of a table's columns; none if there is no such table."""
        return self.schema.tables[table].columns if table in self else ()

    def has(self, table: str, *columns: str) -> bool:
        """Whether the export has a table with these columns."""
        return table in self and {*columns} <= {*self.columns(table)}

    def first_present(self, table: str, *names: str) -> str | None:
        """The first of several names that a table has as a column."""
        there = {*self.columns(table)}
        return next((name for name in names if name in there), None)

    def scan(self, table: str, *integers: str, texts: tuple[str, ...] = (), counted: bool = True) -> Scan:
        """Rows of a table that the export has; columns that it lacks are NULL.

        counted : whether the progress hook hears of it
        raises : MalformedFile
        """
        counter = self.counter if counted else None
        return Scan.of(self.path, table, self.schema.tables[table], integers, texts, counter=counter)

    def batches(self, table: str, *integers: str, texts: tuple[str, ...] = ()) -> Iterator[pa.RecordBatch]:
        """Rows of a table, batch by batch; none if the export has no such table.

        raises : MalformedFile
        """
        if table in self:
            yield from self.scan(table, *integers, texts=texts)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a small query.

        raises : MalformedFile, TooLarge
        """
        return rows(self.path, sql)


def _check_columns(path: Path, found: Schema) -> None:
    for table, wanted in REQUIRED.items():
        for names in wanted:
            if table in found.tables and not {*names} & {*found.tables[table].columns}:
                raise MalformedFile(
                    f"{source_name(path)}: table {table} has no column {' or '.join(names)}. "
                    "The export was changed or is not of Nsight Systems; export the report again."
                )
