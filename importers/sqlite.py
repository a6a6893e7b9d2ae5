"""SQLite files from strangers: opened to be read alone, their schema through sqlite-utils, small queries row by row.

| in the file                            | here                                                                 |
| -------------------------------------- | -------------------------------------------------------------------- |
| a table                                | name -> Layout: its columns and where its rows begin                 |
| a view, a virtual or generated column  | only its name: their values are computed by the file, never trusted  |
| damage, any error of SQLite            | MalformedFile                                                        |
| a query that runs too long             | TooLarge                                                             |
| text that is not UTF-8                 | the bad bytes replaced                                               |

SQLite opens the file read-only and immutable, trusts nothing in its schema, loads no extension, and an authorizer
allows it to read tables and to call a few functions, nothing else. The rows of large tables do not come through
SQLite at all: importers/sqlite_pages.py.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlite_utils

from importers.files import clean_text, source_name
from planner.errors import MalformedFile, TooLarge
from planner.quantities import MIB

MAGIC = b"SQLite format 3\x00"
QUERY_SECONDS = 60.0
"""A query over the small tables of an export takes milliseconds; a file made to stop us would take for ever [s]."""
LONGEST_VALUE = 64 * MIB
"""No text of an export comes near it [B]."""
_STEPS_BETWEEN_LOOKS = 100_000
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
_FUNCTIONS = {"count", "min", "max", "sum", "ifnull", "like"}
_PRAGMAS = {"table_info", "table_xinfo"}
_ERRORS = (sqlite3.Error, pa.ArrowException, OSError, UnicodeError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the rows of a table are.

    columns : names, in the order in which a row holds them
    root : number of the page at which its tree begins
    rowid_column : the column that is a row's number itself and is not stored, if one is
    defaults : columns whose value is not NULL in rows older than the column
    """

    columns: tuple[str, ...]
    root: int
    rowid_column: str | None = None
    defaults: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables of a SQLite file.

    tables : real tables by name
    computed : names of views, virtual tables and tables with generated columns
    """

    tables: Mapping[str, Layout]
    computed: frozenset[str]


def schema(path: Path, wanted: Collection[str]) -> Schema:
    """Those of the wanted tables that a file has, and their columns.

    path : a SQLite file, opened read-only and never written
    raises : MalformedFile, TooLarge
    """
    with opened(path) as connection:
        everything = connection.execute("SELECT name, type, rootpage, sql FROM sqlite_master")
        listed = [row for row in everything if row[0] in wanted]
        roots = {str(name): root for name, kind, root, _ in listed if kind == "table" and isinstance(root, int)}
        computed = {str(name) for name, kind, _, sql in listed if kind == "view" or _is_virtual(sql)}
        database = sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)
        layouts = {name: _layout(database, name, root) for name, root in roots.items() if name not in computed}
        computed |= {name for name, layout in layouts.items() if layout is None}
        return Schema({name: layout for name, layout in layouts.items() if layout}, frozenset(computed))


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can do nothing but read, and not for ever.

    raises : MalformedFile for each error of SQLite; TooLarge if a query takes longer than QUERY_SECONDS
    """
    clock = _Clock()
    with damage_named(path, clock), closing(sqlite3.connect(_uri(path), uri=True)) as connection:
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(_reading_alone)
        connection.set_progress_handler(clock.late, _STEPS_BETWEEN_LOOKS)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        yield connection


def rows(path: Path, sql: str, values: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """The rows of a small query, as dicts; text that is not UTF-8 is repaired.

    values : in place of the question marks
    raises : MalformedFile, TooLarge
    """
    with opened(path) as connection:
        cursor = connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def quoted(name: str) -> str:
    """A name of a table or column, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def damage_named(path: Path, clock: _Clock | None = None) -> Iterator[None]:
    """Turns each error that a damaged file causes in SQLite or Arrow into MalformedFile."""
    try:
        yield
    except _ERRORS as error:
        if clock is not None and clock.over:
            raise TooLarge(
                f"{source_name(path)}: SQLite worked {QUERY_SECONDS:.0f} s on one small query and found no end. "
                "The file is damaged or made to stop its reader; export the report again."
            ) from error
        reason = clean_text(str(error).replace(_uri(path), source_name(path)))
        raise MalformedFile(
            f"{source_name(path)} cannot be read as SQLite: {reason}. It may be cut off or damaged; "
            "export it again with `nsys export --type sqlite`."
        ) from error


class _Clock:
    """Says when SQLite has worked too long."""

    __slots__ = ("end", "over")

    def __init__(self) -> None:
        self.end, self.over = time.monotonic() + QUERY_SECONDS, False

    def late(self) -> bool:
        self.over = time.monotonic() > self.end
        return self.over


def _reading_alone(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    asked_function = action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS
    asked_schema = action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS
    return sqlite3.SQLITE_OK if action in _ALLOWED or asked_function or asked_schema else sqlite3.SQLITE_DENY


def _layout(database: sqlite_utils.Database, name: str, root: int) -> Layout | None:
    if any(hidden for *_, hidden in database.execute(f"PRAGMA table_xinfo({quoted(name)})")):
        return None
    columns = database[name].columns
    keys = [column for column in columns if column.is_pk]
    is_rowid = len(keys) == 1 and keys[0].type.upper() == "INTEGER"
    return Layout(
        tuple(column.name for column in columns),
        root,
        keys[0].name if is_rowid else None,
        frozenset(column.name for column in columns if column.default_value is not None),
    )


def _uri(path: Path) -> str:
    return path.resolve().as_uri() + "?mode=ro&immutable=1"


def _is_virtual(sql: str | None) -> bool:
    return sql is not None and sql.lstrip().upper().startswith("CREATE VIRTUAL")
