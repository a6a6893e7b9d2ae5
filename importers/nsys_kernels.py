"""The pass over the kernels of an Nsight Systems export: their totals by name, how busy the GPUs were, the steps.

| theirs                                           | ours                                                            |
| ------------------------------------------------ | --------------------------------------------------------------- |
| demangledName or shortName, deviceId, end - start | `Kernels.by_name`                                              |
| start, end with GRAPH_TRACE's                    | `Kernels.busy` (nsys_busy.py)                                   |
| globalPid, correlationId                         | `Kernels.with_launch` (nsys_launches.py)                        |
| all of these, graphNodeId, graphId               | `Kernels.steps` (nsys_steps.py)                                 |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from importers.ahead import ahead
from importers.arrow import compute
from importers.nsys_busy import BusyTime, by_device
from importers.nsys_file import GRAPHS, KERNELS, Export
from importers.nsys_launches import Calls, Launches
from importers.nsys_marked import MarkedSteps, Work
from importers.nsys_marks import Marks
from importers.nsys_names import Names, attention_ids, check_number
from importers.nsys_order import Order
from importers.nsys_period import PeriodicSteps
from importers.nsys_replays import ReplaySteps
from importers.nsys_rows import Chunk, checked, timed_rows
from importers.nsys_steps import Steps
from importers.nsys_summary import Kernels, Timed
from importers.nsys_tables import NAME_COLUMNS, SHORT_NAME_COLUMNS
from importers.sqlite_tree import Integers

MOST_DEVICES = 1024
ONCE_A_STEP = ("sampling", "embedding")
"""Kinds of kernels that a language model runs once a step, not once a layer."""
COLUMNS = ("deviceId", "start", "end", "globalPid", "correlationId", "graphNodeId", "graphId")


def kernels(export: Export, launches: Launches, marks: Marks) -> Kernels:
    """What the kernels of an export add up to; nothing, if it has none.

    marks : of steps
    raises : MalformedFile, TooLarge
    """
    running = _Running(export, marks)
    batches = export.batches(KERNELS, *dict.fromkeys((*COLUMNS, running.name, running.short)))
    for chunk, calls in ahead(batches, lambda batch: _launched(checked(batch), launches)):
        running.add(chunk, calls)
    return running.finish()


class _Running:
    """The running totals of the pass."""

    def __init__(self, export: Export, marks: Marks) -> None:
        self._export = export
        self.name = export.first_present(KERNELS, *NAME_COLUMNS) or NAME_COLUMNS[0]
        self.short = export.first_present(KERNELS, *SHORT_NAME_COLUMNS) or SHORT_NAME_COLUMNS[0]
        self._marked, self._replayed, self._periodic = MarkedSteps(marks), ReplaySteps(), PeriodicSteps()
        self._busy = BusyTime(by_device(self._graphs()))
        self._phases = attention_ids(export)
        self._timed, self._order, self._with_launch, self._in_graphs = Timed(), Order(), 0, False
        self._added: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        self._ids: set[int] = set()
        self._short_ids: set[int] = set()

    def add(self, chunk: Chunk, calls: Calls) -> None:
        self._timed = self._timed.plus(chunk)
        self._order.add(np.asarray(chunk.whole.column("start")))
        self._ids.update(compute.unique(chunk.whole.column(self.name)).to_pylist())
        self._short_ids.update(compute.unique(chunk.whole.column(self.short)).to_pylist())
        check_number(self._export, max(len(self._ids), len(self._short_ids)))
        groups = pa.Table.from_batches([chunk.rows]).group_by([self.name, "device"])
        for group in groups.aggregate([("ns", "sum"), ("ns", "count")]).to_pylist():
            total = self._added[group[self.name], group["device"]]
            total[0] += group["ns_count"]
            total[1] += group["ns_sum"]
        check_number(self._export, len({device for _, device in self._added}), MOST_DEVICES, "GPUs")
        work = self._work(chunk, calls)
        for finder in (self._marked, self._replayed, self._periodic):
            finder.add(work)

    def _graphs(self) -> Iterator[pa.RecordBatch]:
        """Graph launches, which steps are told from too."""
        devices: set[int] = set()
        for chunk in timed_rows(self._export, GRAPHS, "globalPid", "correlationId", "graphId"):
            devices.update(compute.unique(chunk.rows.column("device")).to_pylist())
            check_number(self._export, len(devices), MOST_DEVICES, "GPUs")
            self._replayed.add_whole(chunk)
            yield chunk.rows.select(["device", "start", "end"])

    def finish(self) -> Kernels:
        names = Names.of(self._export, self._ids)
        return Kernels(
            self._timed,
            {key: (launches, ns) for key, (launches, ns) in self._added.items()},
            self._busy.finish(),
            self._with_launch,
            self._in_graphs,
            names,
            Names.of(self._export, self._short_ids),
            self._order,
            self._steps(names),
        )

    def _steps(self, names: Names) -> Steps:
        """The steps by the best evidence that there is."""
        found = self._marked.steps()
        found = found if len(found) else self._replayed.steps()
        return found if len(found) else self._periodic.steps(names.of_kind(*ONCE_A_STEP))

    def _work(self, chunk: Chunk, calls: Calls) -> Work:
        rows = {name: np.asarray(chunk.rows.column(name)) for name in chunk.rows.schema.names}
        self._with_launch += int(calls.found.sum())
        self._in_graphs |= bool((rows["graphNodeId"] > 0).any())
        prefill, decode = (_is_one_of(rows[self.name], ids) for ids in self._phases)
        return Work(
            device=rows["device"], start=rows["start"], end=rows["end"], process=rows["globalPid"],
            correlation=rows["correlationId"], thread=calls.thread, launched=calls.start, name=rows[self.name],
            fresh=self._busy.add(rows["device"], rows["start"], rows["end"]), prefill=prefill, decode=decode,
            graph_node=rows["graphNodeId"], graph=rows["graphId"],
        )  # fmt: skip


def _launched(chunk: Chunk, launches: Launches) -> tuple[Chunk, Calls]:
    return chunk, launches.of(*(np.asarray(chunk.rows.column(name)) for name in ("globalPid", "correlationId")))


def _is_one_of(names: Integers, ids: Integers) -> NDArray[np.bool_]:
    return np.isin(names, ids) if len(ids) else np.zeros(len(names), bool)
