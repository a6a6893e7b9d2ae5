"""A stored run with its tables as streams: read when they are iterated, with the columns that are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.measured import Run
from store.parquet import Stored
from store.runs import Store


def with_tables(store: Store, run_id: str, columns: Mapping[str, tuple[str, ...]]) -> Run:
    """A run with those of the named tables that it has.

    columns : table -> columns wanted, as far as it has them; none: all
    raises : RunNotFound, DamagedRun, SchemaTooNew
    """
    place = store.place(run_id)
    whole = {name: Stored(place.table(name)) for name in store.tables(run_id) if name in columns}
    return replace(
        store.run(run_id),
        tables={name: replace(table, columns=_present(table, columns[name])) for name, table in whole.items()},
    )


def _present(table: Stored, wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in table.schema.names if not wanted or name in wanted)
