"""Arrow as every importer uses it: a table that is read when asked for, columns that know their unit.

| here      | meaning                                                            |
| --------- | ------------------------------------------------------------------ |
| `Stream`  | a table (planner.measured.Batches) that opens its file when read   |
| `field`   | a column; key `unit` of its metadata is the unit of its values     |
| `WORD`    | the type of a text that repeats                                    |
| `cells`   | Python values as the array of a column                             |
| `compute` | pyarrow.compute, with Python values beside arrays                  |
| `numbers` | an integer column as numpy sees it, a value in place of NULL       |
| `array`, `nulls`, `joined` | pyarrow's own, as it takes them                   |
| `grouped` | rows by the value of a key                                         |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

Array: TypeAlias = "pa.Array[Any]"
compute: Any = pyarrow.compute
"""Without its types: pyarrow-stubs refuse calls that mix arrays and Python values, which pyarrow takes."""
WORD = pa.dictionary(pa.int32(), pa.string())

_untyped: Any = pa


@dataclass(frozen=True, slots=True)
class Stream:
    """A table that is read anew each time it is iterated; nothing is open in between.

    schema : the columns; a field's metadata may hold its unit
    source : opens the file and yields record batches of that schema
    """

    schema: pa.Schema
    source: Callable[[], Iterator[pa.RecordBatch]]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Record batches, from the start."""
        return self.source()


def nulls(count: int, kind: pa.DataType) -> Array:
    """A column that holds nothing."""
    return cast(Array, _untyped.nulls(count, kind))


def array(values: Any, *, kind: pa.DataType | None = None, mask: NDArray[np.bool_] | None = None) -> Array:
    """A column of some values; NULL where the mask holds."""
    return cast(Array, _untyped.array(values, kind, mask=mask))


def joined(batches: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches of one schema as one."""
    return cast(pa.RecordBatch, _untyped.concat_batches(list(batches)))


def field(name: str, kind: pa.DataType, unit: str = "") -> pa.Field[Any]:
    """A column with its unit in the field's metadata; no unit: a name, an index or a count."""
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


def cells(column: pa.Field[Any], values: Iterable[Any]) -> Array:
    """Values as the array of a column; texts of a WORD are coded.

    >>> cells(field("kind", WORD), ["gemm", None, "gemm"]).to_pylist()
    ['gemm', None, 'gemm']
    """
    if column.type == WORD:
        return cast(Array, pa.array(list(values), pa.string()).dictionary_encode())
    return cast(Array, pa.array(list(values), column.type))


def numbers(column: Array, absent: int = 0) -> NDArray[np.int64]:
    """A column of int64 as a numpy array, without a copy where nothing is NULL.

    absent : in place of NULL

    >>> numbers(pa.array([1, None], pa.int64()), absent=-1)
    array([ 1, -1])
    """
    filled = column.fill_null(absent) if column.null_count else column
    return np.asarray(filled.to_numpy(zero_copy_only=False))


FEW_GROUPS = 16
"""So many groups are found sooner one by one than by sorting all rows."""


def grouped(keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each value of a key with the numbers of its rows, both rising.

    >>> [(key, rows.tolist()) for key, rows in grouped(np.array([7, 3, 7]))]
    [(3, [1]), (7, [0, 2])]
    """
    if not len(keys):
        return
    coded = pa.array(keys).dictionary_encode()
    values, codes = numbers(coded.dictionary), np.asarray(coded.indices)
    if len(values) > FEW_GROUPS:
        order = np.argsort(keys, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
            yield int(keys[rows[0]]), rows
        return
    for place in np.argsort(values):
        yield int(values[place]), np.flatnonzero(codes == place)
