"""Rows of a SQLite table straight from the leaf pages of its file, as columns: four times as fast as through SQLite.

| of a page (https://www.sqlite.org/fileformat2.html)  | here                                                       |
| ---------------------------------------------------- | ---------------------------------------------------------- |
| cell: size, row number, types of the values, values  | `decoded`: the same step for all rows of the pages at once |
| integers of 0 to 8 bytes, NULL                       | int64 columns                                              |
| texts in UTF-8                                       | binary columns                                             |

SQLite pays for each value of each row; here one numpy operation takes a column of thousands of rows. Nothing that the
file says is run. What the format forbids is a MalformedFile; what it allows but no exporter writes into tables of
numbers (rows that spill onto further pages, floats, blobs) is `Unusual`: SQLite itself has to read those rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from importers.arrow import Array, array, nulls
from importers.sqlite_tree import LEAF, Integers, Leaves, broken
from planner.errors import MalformedFile

Bytes = NDArray[np.uint8]

LEAF_HEADER = 8
SPILL_MARGIN = 35
"""A row that takes more than a page's usable bytes less this many has overflow pages."""
LONGEST_VARINT = 9
ONE_BYTE = 127
"""Types up to this one take a byte; their values are at most 57 bytes long."""
NULL, INT64, ZERO, ONE, TEXT = 0, 6, 8, 9, 13
_WIDTH = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0, *((kind - 12) // 2 for kind in range(12, 128))], np.int64)
_SHIFT = np.array([0, 56, 48, 40, 32, 16, 0], np.int64)
_MARGIN = 64
"""Bytes behind the pages for each column read: a value of a type of one byte never reaches further."""
Positions = Mapping[int, bool]
"""Position of a column in the rows -> whether it is a text."""


class Unusual(Exception):
    """Rows that SQLite has to read: allowed by the format, but not as tables of numbers are written.

    rowids : numbers of these rows
    """

    def __init__(self, rowids: Integers) -> None:
        super().__init__()
        self.rowids = rowids


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of some pages.

    rowids : their numbers, rising [int64]
    columns : position -> values, int64 or binary
    """

    rowids: Integers
    columns: Mapping[int, Array]


def decoded(source: Leaves, first: int, last: int, wanted: Positions, defaults_from: int) -> Rows:
    """The rows of the leaf pages from `first` up to, without, `last`.

    defaults_from : columns from this position on may be other than NULL in rows that are older than the column
    raises : Unusual, MalformedFile
    """
    numbers = source.numbers[first:last]
    data = _pages(source, numbers, (max(wanted, default=0) + 2) * _MARGIN)
    cells, page_ends = _cells(source, data, len(numbers))
    payload, at = _varints(data, cells)
    rowids, header = _varints(data, at)
    if (rowids[1:] <= rowids[:-1]).any():
        raise broken(source.path, "the rows of a table are not in the order of their numbers")
    if (payload > source.usable_bytes - SPILL_MARGIN).any():
        raise Unusual(rowids)
    row_ends = header + payload
    size, at = _varints(data, header)
    body = header + size
    if (payload < 1).any() or (row_ends > page_ends).any() or (body < at).any() or (body > row_ends).any():
        raise broken(source.path, "a row is longer than its page")
    if (np.bincount(cells // source.page_bytes, row_ends - cells) > source.usable_bytes - LEAF_HEADER).any():
        raise broken(source.path, "the rows of a page overlap")
    return _Decoder(source, data, rowids, row_ends, body, at).rows(wanted, defaults_from)


class _Decoder:
    """The walk through the columns of many rows at once.

    In most columns all rows have the same type. Such a column moves the place of the next value by one number, which
    is kept apart from the places of the rows: they change only at columns whose values differ in length.
    """

    __slots__ = ("_at", "_body", "_data", "_ends", "_header_ends", "_rowids", "_shift", "_source", "_wide")

    def __init__(
        self, source: Leaves, data: Bytes, rowids: Integers, ends: Integers, body: Integers, at: Integers
    ) -> None:
        self._source, self._data, self._rowids, self._ends = source, data, rowids, ends
        self._at, self._header_ends, self._body, self._shift = at, body, body, 0
        self._wide = np.lib.stride_tricks.as_strided(data.view(">i8")[:1], (len(data) - 7,), (1,))

    def rows(self, wanted: Positions, defaults_from: int) -> Rows:
        columns = {}
        for position, kinds in enumerate(self._kinds(max(wanted, default=-1) + 1, defaults_from)):
            widths = _widths(kinds)
            if kinds.dtype != np.uint8 and (widths > self._ends - self._body - self._shift).any():
                raise self._too_long()
            if position in wanted:
                columns[position] = self._texts(kinds, widths) if wanted[position] else self._integers(kinds)
            if len(widths) == 1:
                self._shift += int(widths[0])
            else:
                self._body = self._body + widths
        if (self._body + self._shift > self._ends).any():
            raise self._too_long()
        return Rows(self._rowids, columns)

    def _kinds(self, count: int, defaults_from: int) -> Iterable[Integers | Bytes]:
        """The types of each of the first columns; of a column of one type that type once."""
        if not count or (self._header_ends - self._at < count).any():
            return self._kinds_one_by_one(count, defaults_from)
        windows = np.lib.stride_tricks.as_strided(self._data, (len(self._data) - count + 1, count), (1, 1))
        kinds = windows[self._at]
        if (kinds > ONE_BYTE).any():
            return self._kinds_one_by_one(count, defaults_from)
        alike = (kinds == kinds[:1]).all(axis=0)
        return [kinds[:1, place] if alike[place] else kinds[:, place].copy() for place in range(count)]

    def _kinds_one_by_one(self, count: int, defaults_from: int) -> Iterator[Integers | Bytes]:
        """The same where rows have fewer columns than the table, or types that take more than a byte."""
        for position in range(count):
            there = self._at < self._header_ends
            if not there.all() and position >= defaults_from:
                raise Unusual(self._rowids)
            kinds, after = _varints(self._data, self._at)
            if (kinds < 0).any():
                raise self._too_long()
            self._at = np.where(there, after, self._at)
            yield np.where(there, kinds, NULL)

    def _integers(self, kinds: Integers | Bytes) -> Array:
        if (((kinds > INT64) & (kinds < ZERO)) | (kinds > ONE)).any():
            raise Unusual(self._rowids)
        count = len(self._rowids)
        if len(kinds) == 1 and kinds[0] == NULL:
            return nulls(count, pa.int64())
        if len(kinds) == 1 and kinds[0] >= ZERO:
            return array(np.full(count, int(kinds[0]) - ZERO, np.int64))
        values = self._wide[self._shift :][self._body].astype(np.int64)
        values >>= _SHIFT[np.minimum(kinds, INT64)]
        if len(kinds) == 1:
            return array(values)
        if (kinds >= ZERO).any():
            values = np.where(kinds >= ZERO, kinds.astype(np.int64) - ZERO, values)
        missing = kinds == NULL
        return array(values, mask=missing) if missing.any() else array(values)

    def _texts(self, kinds: Integers | Bytes, widths: Integers) -> Array:
        texts = (kinds >= TEXT) & (kinds & 1 == 1)
        if not (self._source.utf8 and (texts | (kinds == NULL)).all()):
            raise Unusual(self._rowids)
        count = len(self._rowids)
        lengths = np.broadcast_to(widths, (count,))
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        places = np.repeat(self._body + self._shift - offsets[:-1], lengths) + np.arange(offsets[-1])
        there = np.packbits(np.broadcast_to(texts, (count,)), bitorder="little")
        buffers = [pa.py_buffer(there.tobytes()), pa.py_buffer(offsets.astype(np.int32).tobytes())]
        letters = pa.py_buffer(self._data[places].tobytes())
        return pa.Array.from_buffers(pa.binary(), count, [*buffers, letters])

    def _too_long(self) -> MalformedFile:
        return broken(self._source.path, "a value is longer than its row")


def _widths(kinds: Integers | Bytes) -> Integers:
    """Bytes of values of some types."""
    if kinds.dtype == np.uint8:
        return _WIDTH[kinds]
    return np.where(kinds > ONE_BYTE, (kinds - 12) // 2, _WIDTH[np.minimum(kinds, ONE_BYTE)])


def _pages(source: Leaves, numbers: Integers, margin: int) -> Bytes:
    """Some pages one behind the other, read in as few pieces as they lie in, and empty bytes behind them."""
    size = source.page_bytes
    data = np.zeros(len(numbers) * size + margin, np.uint8)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(numbers) != 1) + 1, [len(numbers)]))
    with source.path.open("rb", buffering=0) as file:
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            room = memoryview(data.data)[start * size : end * size]
            file.seek((int(numbers[start]) - 1) * size)
            if file.readinto(room) != len(room):
                raise broken(source.path, "it ends before its last page")
    return data


def _cells(source: Leaves, data: Bytes, pages: int) -> tuple[Integers, Integers]:
    """Where each row begins, and where its page's usable bytes end."""
    starts = np.arange(pages, dtype=np.int64) * source.page_bytes
    counts = data[starts + 3].astype(np.int64) << 8 | data[starts + 4]
    if (data[starts] != LEAF).any() or (LEAF_HEADER + 2 * counts > source.usable_bytes).any():
        raise broken(source.path, "a page of a table's tree is no page of a table")
    page_starts = np.repeat(starts, counts)
    places = np.arange(len(page_starts)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = page_starts + LEAF_HEADER + 2 * places
    offsets = data[at].astype(np.int64) << 8 | data[at + 1]
    if (offsets >= source.usable_bytes).any():
        raise broken(source.path, "a page of a table points beyond its end")
    return page_starts + offsets, page_starts + source.usable_bytes


def _varints(data: Bytes, at: Integers) -> tuple[Integers, Integers]:
    """SQLite's numbers of 1 to 9 bytes at some places, and the places behind them."""
    first = data[at]
    values, after = (first & ONE_BYTE).astype(np.int64), at + 1
    longer = np.flatnonzero(first > ONE_BYTE)
    for length in range(2, LONGEST_VARINT + 1):
        if not len(longer):
            break
        byte = data[after[longer]].astype(np.int64)
        whole = length == LONGEST_VARINT
        values[longer] = values[longer] << (8 if whole else 7) | (byte if whole else byte & ONE_BYTE)
        after[longer] += 1
        longer = longer[byte > ONE_BYTE]
    return values, after
