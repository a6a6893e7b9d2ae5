"""Steps and kernels of a stored trace, as the planner takes them: read by spans of time, never the whole trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
SHAPE = ("grid_x", "grid_y", "grid_z", "block_x", "block_y", "block_z")
INPUTS, UNTOLD = "shapes", "not told"
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


def launch_shapes(store: Store, run_id: str, name: str) -> tuple[list[str], NDArray[np.float64]]:
    """The shape of each launch of a kernel in the whole trace, and how long it ran; nothing if no launches are kept.

    returns : of the op's inputs, else grid and block, or that the trace does not tell; [s]
    """
    if KERNELS not in store.tables(run_id):
        return [], np.zeros(0)
    dataset = store.dataset(run_id, KERNELS)
    there = [each for each in (INPUTS, *SHAPE) if each in dataset.schema.names]
    table = dataset.to_table(columns=["start_ns", "end_ns", *there], filter=ds.field("name") == name)
    seconds = NANOSECOND * (_whole(table, "end_ns") - _whole(table, "start_ns")).astype(np.float64)
    if INPUTS in there:
        return [text or UNTOLD for text in table.column(INPUTS).to_pylist()], seconds
    if there != list(SHAPE):
        return [UNTOLD] * len(seconds), seconds
    sides = np.stack([_whole(table, each) for each in SHAPE], axis=1)
    texts = {tuple(row): _shape_text(row) for row in np.unique(sides, axis=0).tolist()}
    return [texts[tuple(row)] for row in sides.tolist()], seconds


def _shape_text(sides: Sequence[int]) -> str:
    """Grid and block; the trace may not tell them of every launch."""
    grid, block = ("×".join(map(str, part)) for part in (sides[:3], sides[3:]))
    return UNTOLD if NONE in sides else f"grid {grid}, block {block}"


def _kernels(store: Store, run_id: str, steps: StepRows, span: tuple[int, int, int]) -> pa.Table:
    """The kernels of a step's device and process that begin in it, or before the next, in order."""
    there = [name for name in COLUMNS if name in store.dataset(run_id, KERNELS).schema.names]
    table = store.table(run_id, KERNELS, there, start_ns=span[0], end_ns=span[2])
    process = _whole(table, "process_id") if "process_id" in there else np.full(table.num_rows, NONE)
    own = (_whole(table, "device") == steps.device) & ((process == steps.process) | (steps.process == NONE))
    return table.filter(pa.array(own)).sort_by("start_ns")


def _launches(table: pa.Table, ns: Times, extra: tuple[NamePattern, ...]) -> list[Launch]:
    names: list[Any] = table.column("name").to_pylist()
    kinds = [classify(name, extra) for name in names] if extra else table.column("kind").to_pylist()
    counts = [
        table.column(name).to_pylist() if name in table.column_names else [None] * len(names)
        for name in ("flops", "bytes")
    ]
    rows = zip(names, kinds, (ns * NANOSECOND).tolist(), *counts, strict=True)
    return [Launch(*row) for row in rows]


def _whole(table: pa.Table, name: str) -> Times:
    return table.column(name).fill_null(pa.scalar(NONE)).to_numpy().astype(np.int64)
