"""Arrow as every importer uses it: a table that is read when asked for, columns that know their unit.

| here      | meaning                                                            |
| --------- | ------------------------------------------------------------------ |
| `Stream`  | a table (planner.measured.Batches) that opens its file when read   |
| `field`   | a column; key `unit` of its metadata is the unit of its values     |
| `compute` | pyarrow.compute, with Python values beside arrays                  |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute

Array: TypeAlias = "pa.Array[Any]"
compute: Any = pyarrow.compute
"""Without its types: pyarrow-stubs refuse calls that mix arrays and Python values, which pyarrow takes."""


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
