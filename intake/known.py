"""A stored run as its reader knows it: kernels are of the kinds that the patterns kept beside the run tell.

Pages and verbs read runs here, so that a kernel is of one kind everywhere: on the roof, in the checks, in a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pyarrow as pa

from importers.kernel_patterns import NamePattern, classify, reclassified
from planner.errors import BadPattern
from planner.measured import Batches, Run
from store.runs import Store
from store.streams import with_tables

KERNELS, KIND, NAME = "kernels", "kind", "name"


@dataclass(frozen=True, slots=True)
class Retold:
    """A table of kernels with the kinds that patterns tell, batch by batch.

    table : as it was imported, with names and kinds
    patterns : asked before the importers' own
    """

    table: Batches
    patterns: tuple[NamePattern, ...]

    @property
    def schema(self) -> Any:
        """The table's own."""
        return self.table.schema

    def __iter__(self) -> Iterator[Any]:
        """The batches; each name is asked about once."""
        kind_of = cache(lambda name: classify(name or "", self.patterns))
        place = self.schema.get_field_index(KIND)
        for batch in self.table:
            kinds = pa.array([kind_of(name) for name in batch.column(NAME).to_pylist()], pa.string())
            yield batch.set_column(place, pa.field(KIND, pa.string()), kinds)


def known_run(store: Store, run_id: str, columns: Mapping[str, tuple[str, ...]]) -> Run:
    """A run with some of its tables, its kernels of the kinds that a person's patterns tell.

    columns : table -> columns wanted, as in store.streams.with_tables
    raises : RunNotFound, DamagedRun, SchemaTooNew
    """
    run = with_tables(store, run_id, columns)
    patterns, _ = kept_patterns(store, run_id)
    if not patterns:
        return run
    tables: dict[str, Any] = dict(run.tables)
    if KERNELS in tables and {NAME, KIND} <= set(tables[KERNELS].schema.names):
        tables[KERNELS] = Retold(tables[KERNELS], patterns)
    return replace(run, kernels=reclassified(run.kernels, patterns), tables=tables)


def kept_patterns(store: Store, run_id: str) -> tuple[tuple[NamePattern, ...], tuple[str, ...]]:
    """The patterns kept beside a run, and why others that stand there are none any more.

    raises : RunNotFound, DamagedRun
    """
    found, refused = [], []
    for text, kind in store.choice(run_id).patterns:
        try:
            found.append(NamePattern(text, kind))
        except BadPattern as error:
            refused.append(str(error))
    return tuple(found), tuple(refused)
