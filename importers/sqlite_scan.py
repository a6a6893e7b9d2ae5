"""Rows of one table of a SQLite file, block by block: all in order, read ahead on threads, or any block at any time.

| here                   | meaning                                                                            |
| ---------------------- | ---------------------------------------------------------------------------------- |
| `for batch in scan`    | all blocks, the next ones decoded while one is used; each is told to the counter   |
| `scan.block(number)`   | one block again, for who has to look back                                          |
| block                  | the rows of about 16 MiB of pages, as one record batch                             |
| a column not there     | NULL                                                                               |
| odd rows               | pieces of pages that only SQLite can read go through SQLite; the others do not     |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from importers.ahead import ahead
from importers.arrow import Array, joined, nulls
from importers.files import source_name
from importers.progress import Counter
from importers.sqlite import Layout, opened, quoted
from importers.sqlite_pages import Rows, Unusual, decoded
from importers.sqlite_tree import Integers, Leaves, broken, leaves
from planner.errors import TooLarge
from planner.quantities import MIB

PIECE_BYTES = MIB
"""Pages decoded in one go: their columns stay in the processor's cache [B]."""
PIECES = 16
"""Of a block."""
THREADS = 2
MOST_ROWS = 2**28
"""A table of more rows is no profile that a person can read: 25 GB of kernels."""
ROW_NUMBERS = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True, slots=True)
class Scan:
    """The rows of some columns of a table.

    integers, texts : names of the columns, in the order of the batches' columns
    counter : hears how many pages are done; None: nobody does
    """

    table: str
    layout: Layout
    pages: Leaves
    integers: tuple[str, ...]
    texts: tuple[str, ...]
    counter: Counter | None

    @classmethod
    def of(
        cls, path: Path, table: str, layout: Layout, integers: tuple[str, ...], texts: tuple[str, ...] = (), *,
        counter: Counter | None = None,
    ) -> Scan:  # fmt: skip
        """The scan of a table of a file.

        raises : MalformedFile
        """
        return cls(table, layout, leaves(path, layout.root), integers, texts, counter)

    def __len__(self) -> int:
        """How many blocks there are."""
        return len(self._starts)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Every block, in the order of the rows.

        raises : MalformedFile; TooLarge if there are more than MOST_ROWS; Cancelled, if the progress hook says so
        """
        count = 0
        for start, batch in zip(self._starts, self._blocks(), strict=True):
            count += batch.num_rows
            if count > MOST_ROWS:
                raise TooLarge(
                    f"{source_name(self.pages.path)}: table {self.table} has more than {MOST_ROWS} rows. "
                    "Profile a shorter time."
                )
            if self.counter is not None:
                self.counter.add(min(self._piece * PIECES, len(self.pages.numbers) - start))
            yield batch

    def block(self, number: int) -> pa.RecordBatch:
        """The rows of one block.

        number : from 0
        raises : MalformedFile
        """
        start = self._starts[number]
        end = min(start + self._piece * PIECES, len(self.pages.numbers))
        return joined([self._rows(at, min(at + self._piece, end)) for at in range(start, end, self._piece)])

    @property
    def _piece(self) -> int:
        return max(1, PIECE_BYTES // self.pages.page_bytes)

    @property
    def _starts(self) -> range:
        return range(0, len(self.pages.numbers), self._piece * PIECES)

    def _blocks(self) -> Iterator[pa.RecordBatch]:
        numbers = range(len(self))
        return map(self.block, numbers) if len(self) == 1 else ahead(numbers, self.block, THREADS)

    def _rows(self, first: int, last: int) -> pa.RecordBatch:
        there = {name: self.layout.columns.index(name) for name in self._names if name in self.layout.columns}
        is_text = {there[name]: name in self.texts for name in there if name != self.layout.rowid_column}
        defaults = (self.layout.columns.index(name) for name in self.layout.defaults)
        try:
            rows = decoded(self.pages, first, last, is_text, min(defaults, default=len(self.layout.columns)))
        except Unusual as odd:
            return self._through_sqlite(odd.rowids)
        return pa.RecordBatch.from_arrays([self._column(name, there, rows) for name in self._names], list(self._names))

    def _column(self, name: str, there: dict[str, int], rows: Rows) -> Array:
        if name == self.layout.rowid_column:
            return pa.array(rows.rowids)
        if name not in there:
            return nulls(len(rows.rowids), pa.string() if name in self.texts else pa.int64())
        return repaired(rows.columns[there[name]])

    def _through_sqlite(self, rowids: Integers) -> pa.RecordBatch:
        taken = {name.lower() for name in self.layout.columns}
        number = next((name for name in ROW_NUMBERS if name not in taken), None)
        columns = ", ".join(quoted(name) if name in self.layout.columns else "NULL" for name in self._names)
        sql = f"SELECT {columns} FROM {quoted(self.table)} WHERE {number} BETWEEN ? AND ? ORDER BY {number}"  # noqa: S608
        with opened(self.pages.path) as connection:
            found = connection.execute(sql, (int(rowids[0]), int(rowids[-1]))).fetchmany(len(rowids) + 1)
            if number is None or len(found) != len(rowids):
                raise broken(self.pages.path, f"table {self.table} has not the rows that its pages tell")
            columns_ = zip(*found, strict=True)
            return pa.RecordBatch.from_arrays(
                [_typed(name in self.texts, values) for name, values in zip(self._names, columns_, strict=True)],
                list(self._names),
            )

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self.integers, *self.texts)


def repaired(column: Array) -> Array:
    """A column whose texts are valid UTF-8, bad bytes replaced; a column of numbers as it is."""
    if not pa.types.is_binary(column.type):
        return column
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        raw = column.to_pylist()
        return pa.array([None if value is None else value.decode("utf-8", "replace") for value in raw], pa.string())
    return text


def _typed(is_text: bool, values: tuple[Any, ...]) -> Array:
    if not is_text:
        numbers: Array = pa.array(values)
        return cast(Array, numbers.cast(pa.int64()))
    texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    return pa.array([value if value is None else str(value) for value in texts], pa.string())
