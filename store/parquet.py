"""One Parquet file of ours: written whole and synced, read back with its version checked.

Every file says in its metadata which version of our schema it follows (`headroom.schema_version`) and the unit of each
column that has one (`headroom.units`, JSON). A newer version is refused, never guessed at. Pages carry checksums.
Tables are sorted by time and cut into row groups with their least and greatest values, so that a span of time is read
without the rest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from planner.errors import SchemaTooNew, StoreError
from store.files import Part

SCHEMA_VERSION = 1
VERSION_KEY = b"headroom.schema_version"
UNITS_KEY = b"headroom.units"
ROW_GROUP = 65_536
"""Rows read at once at least: some tens of steps of a trace."""
TIME = "start_ns"
ZSTD_LEVEL = 1


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Writes a stream of record batches to a new file and syncs it.

    schema : its columns; "unit" in a field's metadata is the unit of the column
    batches : read one after the other; at most a row group is held
    returns : rows written
    raises : OSError; whatever reading the batches raises
    """
    stamped = _stamped(schema)
    rows = 0
    with path.open("xb") as file:
        with pq.ParquetWriter(file, stamped, **_coding(schema)) as writer:
            for table in _row_groups(schema, batches):
                writer.write_table(table.cast(stamped), row_group_size=ROW_GROUP)
                rows += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    return rows


def read(part: Part, columns: list[str] | None = None) -> pa.Table:
    """The rows of a file of ours.

    columns : names of the columns wanted; None: all
    raises : SchemaTooNew, DamagedRun, StoreError
    """
    path, files = part.source()
    with part.faults_named(), pq.ParquetFile(path, filesystem=files, page_checksum_verification=True) as file:
        check_version(part, file.schema_arrow)
        return file.read(columns=columns)


def read_window(part: Part, columns: list[str] | None, start_ns: int | None, end_ns: int | None) -> pa.Table:
    """The rows that begin in a span of time; row groups outside it are not read.

    columns : names of the columns wanted; None: all
    start_ns, end_ns : start_ns <= row's start_ns < end_ns; None: open [ns]
    raises : StoreError if the table has no times, SchemaTooNew, DamagedRun
    """
    found = scanned(part)
    if TIME not in found.schema.names:
        raise StoreError(f"Run {part.run}: {part.name} has no column {TIME}. Read it without a span of time.")
    rows = ds.scalar(True)
    if start_ns is not None:
        rows &= ds.field(TIME) >= start_ns
    if end_ns is not None:
        rows &= ds.field(TIME) < end_ns
    with part.faults_named():
        return found.to_table(columns=columns, filter=rows)


def read_rows(part: Part) -> list[dict[str, Any]]:
    """The rows of a small file of ours, as dicts.

    raises : SchemaTooNew, DamagedRun, StoreError
    """
    with part.faults_named():
        return rows_of(part, part.read())


def rows_of(part: Part, content: bytes) -> list[dict[str, Any]]:
    """The rows of a small file whose bytes are there.

    raises : SchemaTooNew, DamagedRun
    """
    with (
        part.faults_named("holds values that cannot be read"),
        pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file,
    ):
        check_version(part, file.schema_arrow)
        return file.read(use_threads=False).to_pylist()


@dataclass(frozen=True, slots=True)
class Stored:
    """A table of the store as a stream, read anew each time it is iterated (planner.measured.Batches).

    columns : names of those that are read; None: all
    """

    part: Part
    columns: tuple[str, ...] | None = None

    @property
    def schema(self) -> pa.Schema:
        """The columns that come.

        raises : SchemaTooNew, DamagedRun, StoreError
        """
        whole = scanned(self.part).schema
        return whole if self.columns is None else pa.schema([whole.field(name) for name in self.columns])

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Record batches, from the start; a row group at most is in memory.

        raises : SchemaTooNew, DamagedRun, StoreError
        """
        path, files = self.part.source()
        with (
            self.part.faults_named(),
            pq.ParquetFile(path, filesystem=files, page_checksum_verification=True) as file,
        ):
            check_version(self.part, file.schema_arrow)
            yield from file.iter_batches(ROW_GROUP, columns=None if self.columns is None else list(self.columns))


def scanned(part: Part) -> ds.Dataset:
    """A file of ours as a dataset: read in batches, filtered on the way.

    raises : SchemaTooNew, DamagedRun, StoreError
    """
    checked = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    path, files = part.source()
    with part.faults_named():
        found = ds.dataset(path, filesystem=files, format=ds.ParquetFileFormat(default_fragment_scan_options=checked))
    check_version(part, found.schema)
    return found


def check_version(part: Part, schema: pa.Schema) -> None:
    """Refuses a file that a later version of ours wrote, or that is not ours.

    raises : SchemaTooNew, DamagedRun
    """
    text = (schema.metadata or {}).get(VERSION_KEY, b"").decode("ascii", "replace")
    if not text.isdecimal():
        raise part.damaged("is not a file of this store")
    if int(text) > SCHEMA_VERSION:
        raise SchemaTooNew(
            f"Run {part.run}: {part.name} has schema {text}, this Headroom reads up to {SCHEMA_VERSION}. "
            "Update Headroom, or import the measurement anew."
        )


def units(schema: pa.Schema) -> dict[str, str]:
    """Column -> unit, of the columns that have one.

    >>> units(pa.schema([pa.field("start_ns", pa.int64(), metadata={"unit": "ns"}), ("name", pa.string())]))
    {'start_ns': 'ns'}
    """
    marked = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}
    return {name: unit for name, unit in marked.items() if unit}


def sync_folder(path: Path) -> None:
    """Makes what was created or renamed in a folder survive a power cut, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _coding(schema: pa.Schema) -> dict[str, Any]:
    """How columns are written: integers as differences, the rest as codes of a dictionary; far quicker."""
    integers = [column.name for column in schema if pa.types.is_integer(column.type)]
    return {
        "compression": "zstd",
        "compression_level": ZSTD_LEVEL,
        "write_page_checksum": True,
        "use_dictionary": [column.name for column in schema if column.name not in integers],
        "column_encoding": dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
    }


def _stamped(schema: pa.Schema) -> pa.Schema:
    own = {VERSION_KEY: str(SCHEMA_VERSION).encode(), UNITS_KEY: json.dumps(units(schema)).encode()}
    return schema.with_metadata({**(schema.metadata or {}), **own})


def _row_groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count >= ROW_GROUP:
            table = pa.Table.from_batches(held, schema).unify_dictionaries()
            whole = count - count % ROW_GROUP
            for start in range(0, whole, ROW_GROUP):
                yield _compact(table.slice(start, ROW_GROUP))
            held, count = table.slice(whole).to_batches(), count - whole
    if count:
        yield _compact(pa.Table.from_batches(held, schema).unify_dictionaries())


def _compact(group: pa.Table) -> pa.Table:
    """A row group whose dictionaries hold the words that occur in it, in their order: the same rows, the same bytes."""
    whole = group.combine_chunks()
    for at, column in enumerate(whole.columns):
        if pa.types.is_dictionary(column.type):
            words: Any = column.combine_chunks()
            used = words.indices.dictionary_encode()
            kept = pa.DictionaryArray.from_arrays(
                used.indices.cast(column.type.index_type), words.dictionary.take(used.dictionary)
            )
            whole = whole.set_column(at, whole.schema.field(at), kept)
    return whole
