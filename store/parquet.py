"""One Parquet file of ours: written whole and synced, read back with its version checked.

Every file says in its metadata which version of our schema it follows (`headroom.schema_version`) and the unit of each
column that has one (`headroom.units`, JSON). A newer version is refused, never guessed at. Pages carry checksums.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from planner.errors import DamagedRun, SchemaTooNew

SCHEMA_VERSION = 1
VERSION_KEY = b"headroom.schema_version"
UNITS_KEY = b"headroom.units"
ROW_GROUP = 262_144
_UNREADABLE = (OSError, pa.ArrowException, ValueError, LookupError, OverflowError)
"""What damaged bytes make pyarrow raise: names that are not UTF-8 are a ValueError."""


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
        with pq.ParquetWriter(file, stamped, compression="zstd", write_page_checksum=True) as writer:
            for table in _row_groups(schema, batches):
                writer.write_table(table.cast(stamped), row_group_size=ROW_GROUP)
                rows += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    return rows


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The rows of a file of ours.

    columns : names of the columns wanted; None: all
    raises : SchemaTooNew, DamagedRun
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            check_version(path, file.schema_arrow)
            return file.read(columns=columns)
    except _UNREADABLE as error:
        raise damaged(path, "cannot be read") from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a small file of ours, as dicts.

    raises : SchemaTooNew, DamagedRun
    """
    try:
        return read(path).to_pylist()
    except _UNREADABLE as error:
        raise damaged(path, "holds values that cannot be read") from error


def scanned(path: Path) -> ds.Dataset:
    """A file of ours as a dataset: read in batches, filtered on the way.

    raises : SchemaTooNew, DamagedRun
    """
    checked = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    try:
        found = ds.dataset(path, format=ds.ParquetFileFormat(default_fragment_scan_options=checked))
    except _UNREADABLE as error:
        raise damaged(path, "cannot be read") from error
    check_version(path, found.schema)
    return found


def check_version(path: Path, schema: pa.Schema) -> None:
    """Refuses a file that a later version of ours wrote, or that is not ours.

    raises : SchemaTooNew, DamagedRun
    """
    text = (schema.metadata or {}).get(VERSION_KEY, b"").decode("ascii", "replace")
    if not text.isdecimal():
        raise damaged(path, "is not a file of this store")
    if int(text) > SCHEMA_VERSION:
        raise SchemaTooNew(
            f"Run {_run_of(path)}: {path.name} has schema {text}, this Headroom reads up to {SCHEMA_VERSION}. "
            "Update Headroom, or import the measurement anew."
        )


def units(schema: pa.Schema) -> dict[str, str]:
    """Column -> unit, of the columns that have one.

    >>> units(pa.schema([pa.field("start_ns", pa.int64(), metadata={"unit": "ns"}), ("name", pa.string())]))
    {'start_ns': 'ns'}
    """
    marked = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}
    return {name: unit for name, unit in marked.items() if unit}


def damaged(path: Path, what: str) -> DamagedRun:
    """The error for a file of a run that is missing, cut off or not ours."""
    return DamagedRun(f"Run {_run_of(path)}: {path.name} {what}. Delete the run and import the measurement anew.")


def sync_folder(path: Path) -> None:
    """Makes what was created or renamed in a folder survive a power cut, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
            yield table.slice(0, whole)
            held, count = table.slice(whole).to_batches(), count - whole
    if count:
        yield pa.Table.from_batches(held, schema).unify_dictionaries()


def _run_of(path: Path) -> str:
    folder = path.parent
    return folder.parent.name if folder.name == "tables" else folder.name
