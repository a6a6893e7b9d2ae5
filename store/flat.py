"""Tables as CSV and JSON that say nothing less than their Parquet, and back.

| cell                                      | CSV                                  | JSON              |
| ----------------------------------------- | ------------------------------------ | ----------------- |
| no value; empty text                      | nothing; `""`                        | null; `""`        |
| text that a spreadsheet might execute     | `'` before it, taken off on reading  | as it is          |
| infinity, not a number                    | inf, nan                             | "inf", "nan"      |

A spreadsheet executes cells that begin with `=`, `+`, `-` or `@`, also behind a tab or a line break. Text that begins
with `'` gets one too, so that reading can tell which to take off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv

from planner.errors import StoreError

compute: Any = pyarrow.compute
EXECUTED = r"^[=+\-@\t\r\n']"
MARKED = r"^'[=+\-@\t\r\n']"
NAMES = pa.dictionary(pa.int32(), pa.string())
TYPES: Mapping[str, pa.DataType] = {
    **{str(kind): kind for kind in (pa.bool_(), pa.string(), pa.float32(), pa.float64())},
    **{str(kind): kind for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): kind for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    "names": NAMES,
}
"""What a column of a flat table may be, under the name that an export gives it."""
BLOCK = 8 * 2**20
"""Bytes of CSV parsed at a time; no row is longer."""


def described(schema: pa.Schema) -> list[dict[str, str]]:
    """Name, type and unit of each column, as an export tells them.

    raises : StoreError for a type that has no flat form
    """
    known = {kind: name for name, kind in TYPES.items()}
    for field in schema:
        if field.type not in known:
            raise StoreError(f'Column "{field.name}" is a {field.type}: export the run as Parquet, which keeps it.')
    return [
        {"name": field.name, "type": known[field.type], "unit": (field.metadata or {}).get(b"unit", b"").decode()}
        for field in schema
    ]


def schema_of(columns: Iterable[Mapping[str, str]]) -> pa.Schema:
    """The schema that `described` told.

    raises : LookupError, TypeError, ValueError where something else is told
    """
    fields: list[pa.Field[Any]] = []
    for column in columns:
        metadata = {"unit": str(column["unit"])} if column["unit"] else None
        fields.append(pa.field(str(column["name"]), TYPES[column["type"]], metadata=metadata))
    return pa.schema(fields)


def write_csv(target: Any, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Writes a table as CSV with a header, dangerous cells marked.

    target : an open binary file
    """
    plain = _plain(schema)
    with pacsv.CSVWriter(target, plain) as writer:
        for batch in batches:
            columns = [_marked(column.cast(field.type)) for column, field in zip(batch.columns, plain, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=plain))


def read_csv(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a CSV that `write_csv` wrote.

    raises : pyarrow.ArrowInvalid
    """
    plain = _plain(schema)
    with pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(block_size=BLOCK),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=plain,
            include_columns=plain.names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ) as reader:
        for batch in reader:
            columns = [_unmarked(column).cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def json_rows(batch: pa.RecordBatch) -> list[list[Any]]:
    """The rows of a batch as lists that JSON can hold."""
    columns = [[finite(value) for value in column.to_pylist()] for column in batch.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def batch_of(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """A batch from such rows.

    raises : pyarrow.ArrowException, LookupError, TypeError, ValueError where a row does not fit the schema
    """
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    if len(columns) != len(schema):
        raise ValueError(f"rows of {len(columns)} cells for {len(schema)} columns")
    arrays = [
        pa.array([number(cell) for cell in cells] if pa.types.is_floating(field.type) else cells, field.type)
        for cells, field in zip(columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def finite(value: Any) -> Any:
    """A value as JSON can hold it: infinity and its like by name."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def number(cell: Any) -> Any:
    """The value that `finite` wrote."""
    return float(cell) if cell in ("nan", "inf", "-inf") else cell


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, pa.string() if field.type == NAMES else field.type) for field in schema])


def _marked(column: Any) -> Any:
    if not pa.types.is_string(column.type):
        return column
    return compute.if_else(
        compute.match_substring_regex(column, EXECUTED), compute.binary_join_element_wise("'", column, ""), column
    )


def _unmarked(column: Any) -> Any:
    if not pa.types.is_string(column.type):
        return column
    return compute.if_else(
        compute.match_substring_regex(column, MARKED), compute.utf8_slice_codeunits(column, 1), column
    )
