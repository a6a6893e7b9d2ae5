"""SQLite files from strangers: their schema through sqlite-utils, their rows as Arrow batches through ADBC.

| in the file                   | here                                                                 |
| ----------------------------- | -------------------------------------------------------------------- |
| a table                       | name -> its columns                                                  |
| a view or a virtual table     | only its name: rows of these are computed by the file, never trusted |
| damage, any error of SQLite   | MalformedFile                                                        |
| text that is not UTF-8        | the bad bytes replaced                                               |
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_manager
import pyarrow as pa
import sqlite_utils
from adbc_driver_sqlite import dbapi

from importers.arrow import Array
from importers.files import clean_text, source_name
from planner.errors import MalformedFile

BATCH_ROWS = 65_536
MAGIC = b"SQLite format 3\x00"
_ERRORS = (
    sqlite3.Error,
    adbc_driver_manager.Error,
    pa.ArrowException,
    OSError,
    UnicodeError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a SQLite file.

    tables : real tables -> names of their columns
    computed : names of views and virtual tables
    """

    tables: Mapping[str, tuple[str, ...]]
    computed: frozenset[str]


def schema(path: Path) -> Schema:
    """The tables of a file and their columns.

    path : a SQLite file, opened read-only and never written
    raises : MalformedFile
    """
    with damage_named(path), closing(sqlite3.connect(_uri(path), uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema=OFF")
        rows = connection.execute(
            "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view')"
        ).fetchall()
        computed = frozenset(str(name) for name, kind, sql in rows if kind == "view" or _is_virtual(sql))
        database = sqlite_utils.Database(connection)
        real = [name for name in database.table_names() if name not in computed]
        return Schema({name: tuple(column.name for column in database[name].columns) for name in real}, computed)


def batches(path: Path, sql: str) -> Iterator[pa.RecordBatch]:
    """The rows of a query, as record batches of at most BATCH_ROWS; the file is open while they are read.

    path : a SQLite file
    sql : a SELECT; a column that may hold NULL and text must say so (ifnull), since types follow from the first batch
    raises : MalformedFile
    """
    with damage_named(path), closing(dbapi.connect(_uri(path))) as connection, closing(connection.cursor()) as cursor:
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
        cursor.execute(sql)
        yield from cursor.fetch_record_batch()


def rows(path: Path, sql: str) -> list[dict[str, Any]]:
    """The rows of a small query, as dicts; text that is not UTF-8 is repaired.

    raises : MalformedFile
    """
    with damage_named(path):
        return [
            row
            for batch in batches(path, sql)
            for row in pa.RecordBatch.from_arrays(
                [repaired(column) for column in batch.columns], names=batch.schema.names
            ).to_pylist()
        ]


def repaired(column: Array) -> Array:
    """A column whose texts are valid UTF-8, bad bytes replaced; a column of numbers as it is."""
    if not (pa.types.is_string(column.type) or pa.types.is_binary(column.type)):
        return column
    try:
        text = column.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        raw = column.cast(pa.binary()).to_pylist()
        return pa.array([None if value is None else value.decode("utf-8", "replace") for value in raw], pa.string())
    return text


def quoted(name: str) -> str:
    """A name of a table or column, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turns each error that a damaged file causes in SQLite, ADBC or Arrow into MalformedFile."""
    try:
        yield
    except _ERRORS as error:
        reason = clean_text(str(error).replace(_uri(path), source_name(path)))
        raise MalformedFile(
            f"{source_name(path)} cannot be read as SQLite: {reason}. It may be cut off or damaged; "
            "export it again with `nsys export --type sqlite`."
        ) from error


def _uri(path: Path) -> str:
    return path.resolve().as_uri() + "?mode=ro&immutable=1"


def _is_virtual(sql: str | None) -> bool:
    return sql is not None and sql.lstrip().upper().startswith("CREATE VIRTUAL")
