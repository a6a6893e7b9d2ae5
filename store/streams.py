"""Tables of a stored run as streams: read when they are iterated, batch by batch, with the columns that are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.dataset as ds

from planner.errors import DamagedRun
from planner.measured import Run
from store.runs import Store


@dataclass(frozen=True, slots=True)
class Stored:
    """A table (planner.measured.Batches) of a stored run; it can be iterated again and again.

    columns : names of those that are read
    """

    run_id: str
    dataset: ds.Dataset
    columns: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns that come."""
        return pa.schema([self.dataset.schema.field(name) for name in self.columns])

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Record batches, from the start.

        raises : DamagedRun
        """
        try:
            yield from self.dataset.to_batches(columns=list(self.columns))
        except (OSError, pa.ArrowException, ValueError) as error:
            raise DamagedRun(
                f"Run {self.run_id}: a table cannot be read. Delete the run and import the measurement anew."
            ) from error


def with_tables(store: Store, run_id: str, columns: Mapping[str, tuple[str, ...]]) -> Run:
    """A run with those of the named tables that it has.

    columns : table -> columns wanted, as far as it has them; none: all
    raises : RunNotFound, DamagedRun, SchemaTooNew
    """
    there = {name: store.dataset(run_id, name) for name in store.tables(run_id) if name in columns}
    return replace(
        store.run(run_id),
        tables={name: Stored(run_id, table, _present(table, columns[name])) for name, table in there.items()},
    )


def _present(table: ds.Dataset, wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in table.schema.names if not wanted or name in wanted)
