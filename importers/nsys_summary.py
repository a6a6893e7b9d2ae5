"""Totals of an Nsight Systems export: one pass over each table, whole nanoseconds until the end.

| theirs                                 | ours                                                             | unit  |
| -------------------------------------- | ---------------------------------------------------------------- | ----- |
| rows of KERNEL, SUM(end - start)       | kernels, kernel_time_s; a KernelSample per name and device       | s     |
| rows of MEMCPY, SUM(bytes)             | copies, copies_bytes, copies_time_s                              | B, s  |
| rows of GRAPH_TRACE, SUM(end - start)  | graph_launches, graph_time_s                                     | s     |
| earliest start, latest end of these    | start_ns, end_ns, span_s                                         | ns, s |
| time covered by kernels and graphs     | gpu_busy_share_<device>, of the span                             | 1     |

A row with an impossible time (importers/nsys_rows.py) is counted as a row and in no time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from importers.arrow import compute
from importers.kernels import classify
from importers.nsys_busy import BusyTime, by_device
from importers.nsys_names import Names, string_values
from importers.nsys_rows import Chunk, timed_rows
from importers.nsys_tables import COPIES, GRAPHS, KERNELS, NAME_COLUMNS, SHORT_NAME_COLUMNS, first_present
from importers.sqlite import Schema
from planner.measured import KernelSample
from planner.quantities import GIGA


@dataclass(frozen=True, slots=True)
class Timed:
    """Rows of one table: how many, how many with impossible times, time of the others.

    first, last : earliest start and latest end [ns]; None without good rows
    """

    rows: int = 0
    bad: int = 0
    ns: int = 0
    first: int | None = None
    last: int | None = None

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
class Totals:
    """What one export adds up to.

    copied : bytes of all copies
    by_kernel : (id of the name, device) -> launches and time [ns]
    busy : device -> time that kernels and graph launches cover [ns]; None where the rows are not in the order of time
    """

    kernels: Timed
    copies: Timed
    graphs: Timed
    copied: int
    by_kernel: Mapping[tuple[int, int], tuple[int, int]]
    busy: Mapping[int, int | None]
    kernel_names: Names
    short_names: Names

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest start and latest end of all GPU work [ns]."""
        parts = (self.kernels, self.copies, self.graphs)
        firsts = [part.first for part in parts if part.first is not None]
        lasts = [part.last for part in parts if part.last is not None]
        return (min(firsts), max(lasts)) if firsts and lasts else None


def totals(path: Path, found: Schema) -> Totals:
    """The totals of an export.

    raises : MalformedFile
    """
    graphs = list(timed_rows(path, found, GRAPHS))
    copies, copied = Timed(), 0
    for chunk in timed_rows(path, found, COPIES, "bytes"):
        copies, copied = copies.plus(chunk), copied + _sum(chunk, "bytes")
    kernels = _Kernels(BusyTime(by_device(chunk.rows for chunk in graphs)))
    columns = found.tables.get(KERNELS, ())
    name, short = first_present(columns, NAME_COLUMNS), first_present(columns, SHORT_NAME_COLUMNS)
    for chunk in timed_rows(path, found, KERNELS, *{name or "", short or ""}):
        kernels.add(chunk, name or "", short or "")
    timed = Timed()
    for chunk in graphs:
        timed = timed.plus(chunk)
    texts = string_values(path, found, pa.array(sorted(kernels.name_ids | kernels.short_ids), pa.int64()))
    return Totals(
        kernels.timed, copies, timed, copied,
        {key: (launches, ns) for key, (launches, ns) in kernels.added.items()},
        kernels.busy.finish(),
        Names.from_texts({key: text for key, text in texts.items() if key in kernels.name_ids}),
        Names.from_texts({key: text for key, text in texts.items() if key in kernels.short_ids}),
    )  # fmt: skip


def summary(measured: Totals) -> dict[str, float]:
    """The totals worth showing, each key with its unit."""
    found: dict[str, float] = {
        "kernels": measured.kernels.rows,
        "kernel_time_s": measured.kernels.ns / GIGA,
        "copies": measured.copies.rows,
        "copies_bytes": measured.copied,
        "copies_time_s": measured.copies.ns / GIGA,
        "graph_launches": measured.graphs.rows,
        "graph_time_s": measured.graphs.ns / GIGA,
    }
    if measured.span:
        start, end = measured.span
        found |= {"start_ns": start, "end_ns": end, "span_s": (end - start) / GIGA}
        for device, busy in measured.busy.items():
            if busy is not None and end > start:
                found[f"gpu_busy_share_{device}"] = busy / (end - start)
    return found


def kernel_samples(measured: Totals) -> tuple[KernelSample, ...]:
    """All launches of each kernel on each device, longest first; ids with the same name are one kernel."""
    merged: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for (name_id, device), (launches, ns) in measured.by_kernel.items():
        total = merged[measured.kernel_names.text(name_id), device]
        total[0] += launches
        total[1] += ns
    ordered = sorted(merged.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(
        KernelSample(name, classify(name), device, launches, ns / GIGA) for (name, device), (launches, ns) in ordered
    )


class _Kernels:
    """The running totals of the pass over the kernels."""

    __slots__ = ("added", "busy", "name_ids", "short_ids", "timed")

    def __init__(self, busy: BusyTime) -> None:
        self.busy, self.timed = busy, Timed()
        self.added: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        self.name_ids: set[int] = set()
        self.short_ids: set[int] = set()

    def add(self, chunk: Chunk, name: str, short: str) -> None:
        self.timed = self.timed.plus(chunk)
        self.busy.add(chunk.rows)
        self.name_ids.update(compute.unique(chunk.whole.column(name)).to_pylist())
        self.short_ids.update(compute.unique(chunk.whole.column(short)).to_pylist())
        groups = pa.Table.from_batches([chunk.rows]).group_by([name, "device"])
        for group in groups.aggregate([("ns", "sum"), ("ns", "count")]).to_pylist():
            total = self.added[group[name], group["device"]]
            total[0] += group["ns_count"]
            total[1] += group["ns_sum"]


def _sum(chunk: Chunk, column: str) -> int:
    return int(compute.sum(chunk.rows.column(column)).as_py() or 0)
