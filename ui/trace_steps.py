"""Steps and kernels of a stored trace, as the planner takes them: read by spans of time, never the whole trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from importers.kernel_patterns import NamePattern, classify
from planner.matching import LONGEST, Launch
from planner.quantities import NANOSECOND
from planner.traced import Times, TracedStep, periods, traced_step, typical
from store.runs import Store

STEPS, KERNELS = "steps", "kernels"
COLUMNS = ("name", "kind", "start_ns", "end_ns", "device", "process_id", "flops", "bytes")
NONE = -1


@dataclass(frozen=True, slots=True)
class StepRows:
    """The steps of one device and process, in the order of time; arrays of one length.

    start, end : [ns]
    kind : prefill, decode, mixed or unknown
    process : NONE where not told
    """

    start: Times
    end: Times
    kind: NDArray[np.str_]
    device: int
    process: int

    @property
    def kinds(self) -> dict[str, int]:
        """How many there are of each kind, the most frequent first."""
        names, counts = np.unique(self.kind, return_counts=True)
        return {str(names[at]): int(counts[at]) for at in np.argsort(-counts, kind="stable")}


def step_rows(store: Store, run_id: str) -> list[StepRows]:
    """The steps of a run, those of each device and process apart; none if it has no such table."""
    if not {STEPS, KERNELS} <= set(store.tables(run_id)):
        return []
    table = store.table(run_id, STEPS, ["start_ns", "end_ns", "kind", "device", "process_id"])
    start, end, device, process = (_whole(table, name) for name in ("start_ns", "end_ns", "device", "process_id"))
    kind = np.array(table.column("kind").to_pylist(), dtype=np.str_)
    found = []
    for own_device, own_process in sorted(set(zip(device.tolist(), process.tolist(), strict=True))):
        rows = np.flatnonzero((device == own_device) & (process == own_process))
        rows = rows[np.argsort(start[rows], kind="stable")]
        found.append(StepRows(start[rows], end[rows], kind[rows], own_device, own_process))
    return found


def traced_steps(
    store: Store, run_id: str, steps: StepRows, kind: str, patterns: Iterable[NamePattern]
) -> list[TracedStep]:
    """Typical steps of a kind with their kernels, the one nearest to the median first.

    returns : without steps of which the trace holds no single kernels, or more than can be matched
    """
    spans, extra = periods(steps.start, steps.end), tuple(patterns)
    found = []
    for row in typical(steps.start, steps.end, steps.kind == kind):
        begin, finish = int(steps.start[row]), int(steps.end[row])
        span = (begin, finish, begin + int(spans[row]))
        table = _kernels(store, run_id, steps, span)
        if 0 < table.num_rows <= LONGEST and span[2] > begin:
            start, end = _whole(table, "start_ns"), _whole(table, "end_ns")
            found.append(traced_step(span, _launches(table, end - start, extra), start, end))
    return found


def launch_times(store: Store, run_id: str, name: str) -> NDArray[np.float64]:
    """How long each launch of a kernel ran, in the whole trace [s]."""
    table = store.dataset(run_id, KERNELS).to_table(columns=["start_ns", "end_ns"], filter=ds.field("name") == name)
    return (_whole(table, "end_ns") - _whole(table, "start_ns")) * NANOSECOND


def _kernels(store: Store, run_id: str, steps: StepRows, span: tuple[int, int, int]) -> pa.Table:
    """The kernels of a step's device and process that begin in it, or before the next, in order."""
    there = [name for name in COLUMNS if name in store.dataset(run_id, KERNELS).schema.names]
    table = store.table(run_id, KERNELS, there, start_ns=span[0], end_ns=span[2])
    process = _whole(table, "process_id") if "process_id" in there else np.full(table.num_rows, NONE)
    own = (_whole(table, "device") == steps.device) & ((process == steps.process) | (steps.process == NONE))
    return table.filter(pa.array(own)).sort_by("start_ns")


def _launches(table: pa.Table, ns: Times, extra: tuple[NamePattern, ...]) -> list[Launch]:
    names = table.column("name").to_pylist()
    kinds = [classify(name, extra) for name in names] if extra else table.column("kind").to_pylist()
    counts = [
        table.column(name).to_pylist() if name in table.column_names else [None] * len(names)
        for name in ("flops", "bytes")
    ]
    rows = zip(names, kinds, (ns * NANOSECOND).tolist(), *counts, strict=True)
    return [Launch(*row) for row in rows]


def _whole(table: pa.Table, name: str) -> Times:
    return table.column(name).fill_null(NONE).to_numpy().astype(np.int64)
