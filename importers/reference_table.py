"""Tables of measurements as CSV: a header with `gpu`, `model` and at least one measured column, a case a row.

| in the file                                        | ours                                                     |
| -------------------------------------------------- | -------------------------------------------------------- |
| all cells, as text                                 | table `rows`; planner/table.py says what each means      |
| gpu                                                | `gpu_names`; `gpu` where all rows mean the same          |
| model, quantization, tensor_parallel               | `model`, setting; where all rows say the same            |
| rows                                               | summary rows                                             |
| a measured cell that is no number                  | MalformedFile, with row and column                       |
| more than 16 MiB                                   | TooLarge                                                 |

The lab's and the T4 study's tables are such, and any table of `cli.py predict` with measured_* columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from importers.arrow import Stream
from importers.files import clean_text, content_hash, head, source_name
from importers.gpus import catalogue_id
from importers.table import is_ours
from planner.errors import MalformedFile, TooLarge
from planner.measured import Note, Run, Severity
from planner.quantities import MIB
from planner.table import TABLE, is_table, measured_columns, number

name = "table of measurements (CSV)"

MAX_BYTES = 16 * MIB
SHARED = ("quantization", "tensor_parallel")
Rows = Sequence[Mapping[str, str]]


def identify(path: Path) -> bool:
    """Whether the first line is the header of a table of measurements."""
    first = head(path).decode("utf-8-sig", "replace").partition("\n")[0]
    try:
        columns = next(csv.reader([first.strip()]), [])
    except csv.Error:
        return False
    return is_table(columns) and not is_ours(columns)


def read(path: Path) -> Run:
    """The run of one table: its rows, and what all of them share.

    path : the file; read at once
    raises : MalformedFile, TooLarge
    """
    columns, rows = _rows(path)
    names = tuple(dict.fromkeys(row["gpu"] for row in rows))
    model = _shared(rows, "model")
    return Run(
        tool="table",
        tool_version="",
        source_name=source_name(path),
        file_hash=content_hash(path),
        gpu_names=names,
        gpu=catalogue_id(names),
        model=model,
        model_name=model,
        settings={key: value for key in SHARED if (value := _shared(rows, key))},
        summary={"rows": float(len(rows))},
        notes=tuple(_notes(rows)),
        tables={TABLE: _stream(columns, rows)},
    )


def _rows(path: Path) -> tuple[list[str], Rows]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), restval="")
    columns = [clean_text(column) for column in reader.fieldnames or ()]
    if len(set(columns)) < len(columns):
        raise MalformedFile(f"{source_name(path)}: two columns have the same name. Give each its own.")
    try:
        rows = [{column: clean_text(row[column] or "") for column in columns} for row in reader]
    except (csv.Error, KeyError) as error:
        raise MalformedFile(f"{source_name(path)}, line {reader.line_num}: not CSV ({error}).") from error
    if not rows:
        raise MalformedFile(f"{source_name(path)}: no row below the header.")
    for place, row in enumerate(rows, 2):
        _check(path, place, row)
    return columns, rows


def _text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise TooLarge(f"{source_name(path)} has {size / MIB:.0f} MiB; tables of at most {MAX_BYTES // MIB} are read.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedFile(f"{source_name(path)}: not UTF-8 text at byte {error.start}.") from error


def _check(path: Path, place: int, row: Mapping[str, str]) -> None:
    for column in ("gpu", "model"):
        if not row[column]:
            raise MalformedFile(f"{source_name(path)}, line {place}: {column} is empty. Every row names its own.")
    for column in measured_columns(row):
        value = number(row[column])
        if row[column] and (value is None or value < 0):
            raise MalformedFile(
                f'{source_name(path)}, line {place}: {column} is "{row[column][:40]}". It must be a number, or empty.'
            )


def _shared(rows: Rows, column: str) -> str | None:
    values = {row.get(column, "") for row in rows}
    return (values.pop() or None) if len(values) == 1 else None


def _notes(rows: Rows) -> Iterator[Note]:
    unknown = [name for name in dict.fromkeys(row["gpu"] for row in rows) if catalogue_id([name]) is None]
    if unknown:
        yield Note(
            Severity.WARNING,
            f"Unknown GPU, or the name of several: {', '.join(unknown[:5])}. Their rows are not predicted.",
        )


def _stream(columns: Sequence[str], rows: Rows) -> Stream:
    schema = pa.schema([pa.field(column, pa.string()) for column in columns])
    return Stream(schema, lambda: iter([pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)]))
