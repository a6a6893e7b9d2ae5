"""Totals of an Nsight Systems export: one pass over each table, whole nanoseconds until the end.

| theirs                                 | ours                                                             | unit  |
| -------------------------------------- | ---------------------------------------------------------------- | ----- |
| rows of KERNEL, SUM(end - start)       | kernels, kernel_time_s; a KernelSample per name and device       | s     |
| kernels whose launching call is there  | kernels_with_launch                                              |       |
| rows of MEMCPY, SUM(bytes)             | copies, copies_bytes, copies_time_s                              | B, s  |
| rows of MEMSET, SUM(bytes)             | memory_sets, memory_sets_bytes, memory_sets_time_s               | B, s  |
| rows of GRAPH_TRACE, SUM(end - start)  | graph_launches, graph_time_s                                     | s     |
| rows of RUNTIME                        | runtime_calls                                                    |       |
| earliest start, latest end of GPU work | start_ns, end_ns, span_s                                         | ns, s |
| time covered by kernels and graphs     | gpu_busy_share_<device>, of the span                             | 1     |

A row with an impossible time (importers/nsys_rows.py) is counted as a row and in no time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from importers.arrow import compute
from importers.kernels import classify
from importers.nsys_file import COPIES, GRAPHS, MEMORY_SETS, Export
from importers.nsys_names import Names
from importers.nsys_order import Order
from importers.nsys_rows import Chunk, timed_rows
from importers.nsys_steps import Steps
from planner.measured import KernelSample
from planner.quantities import GIGA


@dataclass(frozen=True, slots=True)
class Timed:
    """Rows of one table: how many, how many with impossible times, time of the others.

    moved : bytes of all rows, where rows have bytes
    first, last : earliest start and latest end [ns]; None without good rows
    """

    rows: int = 0
    bad: int = 0
    ns: int = 0
    moved: int = 0
    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, export: Export, table: str) -> Timed:
        """The rows of a table that has bytes; none if the export has no such table.

        raises : MalformedFile
        """
        found = cls()
        for chunk in timed_rows(export, table, "bytes"):
            found = replace(found.plus(chunk), moved=found.moved + _sum(chunk, "bytes"))
        return found

    def plus(self, chunk: Chunk) -> Timed:
        """With the rows of one more batch."""
        counted = replace(self, rows=self.rows + chunk.whole.num_rows, bad=self.bad + chunk.bad)
        if not chunk.rows.num_rows:
            return counted
        first, last = compute.min(chunk.rows.column("start")).as_py(), compute.max(chunk.rows.column("end")).as_py()
        return replace(
            counted,
            ns=self.ns + _sum(chunk, "ns"),
            first=first if self.first is None else min(first, self.first),
            last=last if self.last is None else max(last, self.last),
        )


@dataclass(frozen=True, slots=True)
class Kernels:
    """What the kernels of one export add up to.

    by_name : (id of the name, device) -> launches and time [ns]
    busy : device -> time that kernels and graph launches cover [ns]; None where the rows are not in the order of time
    with_launch : kernels whose launching call the export holds
    in_graphs : whether kernels inside CUDA graphs are listed one by one
    """

    timed: Timed
    by_name: Mapping[tuple[int, int], tuple[int, int]]
    busy: Mapping[int, int | None]
    with_launch: int
    in_graphs: bool
    names: Names
    short_names: Names
    order: Order
    steps: Steps


@dataclass(frozen=True, slots=True)
class Totals:
    """What one export adds up to.

    calls : of the CUDA runtime
    """

    kernels: Kernels
    copies: Timed
    memory_sets: Timed
    graphs: Timed
    calls: int

    @classmethod
    def of(cls, export: Export, kernels: Kernels, calls: int) -> Totals:
        """The totals of an export.

        raises : MalformedFile
        """
        graphs = Timed()
        for chunk in timed_rows(export, GRAPHS):
            graphs = graphs.plus(chunk)
        return cls(kernels, Timed.of(export, COPIES), Timed.of(export, MEMORY_SETS), graphs, calls)

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest start and latest end of all GPU work [ns]."""
        parts = (self.kernels.timed, self.copies, self.memory_sets, self.graphs)
        firsts = [part.first for part in parts if part.first is not None]
        lasts = [part.last for part in parts if part.last is not None]
        return (min(firsts), max(lasts)) if firsts and lasts else None


def summary(measured: Totals) -> dict[str, float]:
    """The totals worth showing, each key with its unit."""
    kernels = measured.kernels
    found: dict[str, float] = {
        "kernels": kernels.timed.rows,
        "kernel_time_s": kernels.timed.ns / GIGA,
        "kernels_with_launch": kernels.with_launch,
        "copies": measured.copies.rows,
        "copies_bytes": measured.copies.moved,
        "copies_time_s": measured.copies.ns / GIGA,
        "memory_sets": measured.memory_sets.rows,
        "memory_sets_bytes": measured.memory_sets.moved,
        "memory_sets_time_s": measured.memory_sets.ns / GIGA,
        "graph_launches": measured.graphs.rows,
        "graph_time_s": measured.graphs.ns / GIGA,
        "runtime_calls": measured.calls,
    }
    if measured.span:
        start, end = measured.span
        found |= {"start_ns": start, "end_ns": end, "span_s": (end - start) / GIGA}
        for device, busy in kernels.busy.items():
            if busy is not None and end > start:
                found[f"gpu_busy_share_{device}"] = busy / (end - start)
    return found


def kernel_samples(kernels: Kernels) -> tuple[KernelSample, ...]:
    """All launches of each kernel on each device, longest first; ids with the same name are one kernel."""
    merged: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    texts = kernels.names.texts(pa.array([name_id for name_id, _ in kernels.by_name], pa.int64())).to_pylist()
    for text, ((_, device), (launches, ns)) in zip(texts, kernels.by_name.items(), strict=True):
        total = merged[str(text), device]
        total[0] += launches
        total[1] += ns
    ordered = sorted(merged.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(
        KernelSample(name, classify(name), device, launches, ns / GIGA) for (name, device), (launches, ns) in ordered
    )


def _sum(chunk: Chunk, column: str) -> int:
    return int(compute.sum(chunk.rows.column(column)).as_py() or 0)
