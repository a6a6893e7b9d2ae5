"""Many scenarios at once: decode steps of every GPU, model, scheme and batch; what cannot run keeps its reason.

GPUs that run a model in the same formats share one table of ops, so a sweep costs one forward pass for each model and
set of formats, not for each cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.errors import PlannerError
from planner.forward import forward
from planner.gpu import Gpu
from planner.host import host_time
from planner.memory import memory
from planner.model import Model
from planner.op_times import Roof, op_time, roof
from planner.ops import Op
from planner.quantities import FloatArray
from planner.scenario import Scenario, Workload, scenario
from planner.step import decode_step

Cell = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Decode steps over GPUs x models x schemes x batches.

    seconds : of one decode step, shape (GPUs, models, schemes, batches); NaN where it cannot run [s]
    refused : (GPU, model, scheme) -> why none of its batches can run
    """

    gpus: tuple[Gpu, ...]
    models: tuple[Model, ...]
    schemes: tuple[str, ...]
    batches: FloatArray
    seconds: FloatArray
    refused: Mapping[Cell, str]


def sweep(
    gpus: Sequence[Gpu], models: Sequence[Model], schemes: Sequence[str], batches: Sequence[float], context: float
) -> Sweep:
    """Decode step of every combination, on one GPU each.

    gpus, models, schemes : the axes
    batches : sequences in a step [1]
    context : tokens that each attends to [tokens]
    returns : [s]; a batch whose KV cache does not fit is NaN, a cell where none fits keeps its reason
    """
    seconds = np.full((len(gpus), len(models), len(schemes), len(batches)), np.nan)
    sizes, refused = np.array(batches, dtype=float), {}
    for m, model in enumerate(models):
        for s, scheme in enumerate(schemes):
            groups = defaultdict(list)
            for g, gpu in enumerate(gpus):
                try:
                    asked, fits = _asked(gpu, model, scheme, context)
                except PlannerError as error:
                    refused[g, m, s] = str(error)
                    continue
                groups[asked.quantization].append((g, asked, fits))
            for alike in groups.values():
                rows = [g for g, _, _ in alike]
                room = np.array([[fits] for _, _, fits in alike])
                found = _steps([asked for _, asked, _ in alike], sizes, context)
                seconds[rows, m, s] = np.where(sizes[None] <= room, found, np.nan)
    return Sweep(tuple(gpus), tuple(models), tuple(schemes), sizes, seconds, refused)


def _asked(gpu: Gpu, model: Model, scheme: str, context: float) -> tuple[Scenario, float]:
    asked = scenario(model, gpu, Workload(max(1.0, context - 1), 1), scheme=scheme)
    room = memory(asked)
    room.require(asked)
    return asked, room.concurrency


def _steps(alike: Sequence[Scenario], sizes: FloatArray, context: float) -> FloatArray:
    """Seconds of shape (GPUs, batches) for scenarios that share model and formats."""
    gpus = [asked.deployment.gpu for asked in alike]
    step = decode_step(sizes[None], context)
    times = (op_time(op, _roofs(op, gpus)) for op in forward(alike[0], step))
    busy = np.sum(np.broadcast_arrays(*(time.op.count * time.total for time in times)), axis=0)
    found: FloatArray = busy + host_time(alike[0], step, busy)
    return found


def _roofs(op: Op, gpus: Iterable[Gpu]) -> Roof:
    """The roofs of an op on several GPUs, as columns."""
    each = [roof(op, gpu, 1) for gpu in gpus]
    names = ("compute", "memory", "link", "latency", "tile", "exposed", "cached")
    compute, memory_, link, latency, tile, exposed, cached = (
        np.array([[getattr(one, name)] for one in each]) for name in names
    )
    return Roof(compute, memory_, link, latency, max(one.basis for one in each), tile, exposed, cached)
