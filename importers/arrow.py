"""Arrow as every importer uses it: a table that is read when asked for, columns that know their unit.

| here      | meaning                                                            |
| --------- | ------------------------------------------------------------------ |
| `Stream`  | a table (planner.measured.Batches) that opens its file when read   |
| `field`   | a column; key `unit` of its metadata is the unit of its values     |
| `WORD`    | the type of a text that repeats                                    |
| `array`   | Python values as the array of a column                             |
| `compute` | pyarrow.compute, with Python values beside arrays                  |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute

Array: TypeAlias = "pa.Array[Any]"
compute: Any = pyarrow.compute
"""Without its types: pyarrow-stubs refuse calls that mix arrays and Python values, which pyarrow takes."""
WORD = pa.dictionary(pa.int32(), pa.string())


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


def field(name: str, kind: pa.DataType, unit: str = "") -> pa.Field[Any]:
    """A column with its unit in the field's metadata; no unit: a name, an index or a count."""
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


def array(column: pa.Field[Any], values: Iterable[Any]) -> Array:
    """Values as the array of a column; texts of a WORD are coded.

    >>> array(field("kind", WORD), ["gemm", None, "gemm"]).to_pylist()
    ['gemm', None, 'gemm']
    """
    if column.type == WORD:
        return cast(Array, pa.array(list(values), pa.string()).dictionary_encode())
    return cast(Array, pa.array(list(values), column.type))
