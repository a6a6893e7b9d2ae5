"""Why is it slower than the roof? A time taken apart, from the floor to the clock, in parts that add up to it exactly.

| part                   | of a decode step                                  | of a prefill step               |
| ---------------------- | ------------------------------------------------- | ------------------------------- |
| floor                  | weights that it has to read / bandwidth           | FLOPs / peak                    |
| KV cache reads         | bytes of attention / bandwidth                    | -                               |
| other bytes            | all others / bandwidth                            | what bytes take beyond FLOPs,   |
|                        |                                                   | op by op                        |
| FLOPs beyond the bytes | what FLOPs take beyond bytes, op by op            | -                               |
| kernels: <kind>        | beyond what both roofs allow: shares below 1, start and end of kernels              |
| collectives            | all of them: the floor counts nothing of theirs   | the same                        |
| launch gaps            | GPU idle inside a step                            | the same                        |
| host between steps     | scheduling, inputs, outputs                       | the same                        |

Other bytes are below zero only where weights are padded for their kernels (mxfp4): the ops leave the padding out.
A prediction's parts are the model's own. A trace's are measured: kernels by class, idle time, time between steps; only
what the roofs allow comes from the model. A load test knows one time, so its parts are inferred, and marked so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.estimate import Phase
from planner.gpu import Gpu
from planner.op_times import OpTime
from planner.quantities import Basis

COLLECTIVE = "all_reduce"
ATTENTION = "attention_decode"
FLOOR, KV_READS, OTHER_BYTES, FLOPS = "floor", "KV cache reads", "other bytes", "FLOPs beyond the bytes"
COLLECTIVES, GAPS, HOST = "collectives", "launch gaps", "host between steps"
UNEXPLAINED, QUEUE = "not explained", "queueing"
ROUNDING = 1e-12
"""A part below it is what floating point left of a difference [s]."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a time; negative where a measurement is shorter than what the parts before it say [s]."""

    name: str
    seconds: float
    basis: Basis


def predicted(phase: Phase, gpu: Gpu, floor: float) -> tuple[Part, ...]:
    """The parts of a predicted step.

    phase : one typical step
    gpu : whose roofs bound it
    floor : of a decode step: weights that it has to read over bandwidth; 0 for a prefill: its FLOPs over peak [s]
    returns : parts that sum to the step's time [s]
    """
    times = phase.time
    kernels = {
        kind: sum(_spent(time) for time in group) - sum(_allowed(time, gpu) for time in group)
        for kind, group in _by_kind(times.ops).items()
    }
    sent = sum(_spent(time) for time in times.ops if time.op.kind == COLLECTIVE)
    return _kept(
        (
            *_roofs(times.ops, gpu, floor),
            *(Part(f"kernels: {kind}", spent, times.basis) for kind, spent in _largest(kernels)),
            Part(COLLECTIVES, sent, times.basis),
            Part(GAPS, float(times.launch_gap), Basis.CALIBRATED),
            Part(HOST, float(times.host), Basis.CALIBRATED),
        )
    )


def traced(
    phase: Phase, gpu: Gpu, floor: float, kernels: Mapping[str, float], busy: float, step: float, period: float
) -> tuple[Part, ...]:
    """The parts of a measured step.

    phase : the model's step that the trace shows; only what the roofs allow is taken from it
    floor : as in predicted [s]
    kernels : measured time by kind of op; a kind that the model has no op of counts in full [s]
    busy : that any kernel ran; where kernels overlap less than their sum [s]
    step, period : from the first kernel's start to the last one's end; from step to step [s]
    returns : parts that sum to the period [s]
    """
    of_kind = {kind: sum(_allowed(time, gpu) for time in group) for kind, group in _by_kind(phase.time.ops).items()}
    overlap = busy - sum(kernels.values())
    spent = {kind: seconds - of_kind.get(kind, 0.0) for kind, seconds in kernels.items() if kind != COLLECTIVE}
    spent |= {kind: -allowed for kind, allowed in of_kind.items() if kind not in kernels}
    return _kept(
        (
            *_roofs(phase.time.ops, gpu, floor),
            *(Part(f"kernels: {kind}", seconds, Basis.MEASURED) for kind, seconds in _largest(spent)),
            Part(COLLECTIVES, kernels.get(COLLECTIVE, 0.0), Basis.MEASURED),
            Part("kernels that overlap", overlap, Basis.MEASURED),
            Part(GAPS, step - busy, Basis.MEASURED),
            Part(HOST, period - step, Basis.MEASURED),
        )
    )


def inferred(parts: Iterable[Part], mean: float, measured: float) -> tuple[Part, ...]:
    """The parts of one time of a load test, of which only the sum is known.

    parts : of the typical step that the prediction is made of [s]
    mean : predicted mean over the run; what it has beyond the step is queueing and mixed steps [s]
    measured : of the load test [s]
    returns : parts that sum to the measured time, the last what the model does not explain [s]
    """
    told = tuple(Part(part.name, part.seconds, Basis.ASSUMED) for part in parts)
    queue = mean - sum(part.seconds for part in told)
    return _kept((*told, Part(QUEUE, queue, Basis.ASSUMED), Part(UNEXPLAINED, measured - mean, Basis.MEASURED)))


def _roofs(ops: Iterable[OpTime], gpu: Gpu, floor: float) -> tuple[Part, ...]:
    """What the roofs allow all ops but the collectives; the parts sum to it."""
    plain = [time for time in ops if time.op.kind != COLLECTIVE]
    allowed = sum(_allowed(time, gpu) for time in plain)
    flops = sum(_compute(time, gpu) for time in plain)
    if floor <= 0:
        return Part(FLOOR, flops, gpu.basis), Part(OTHER_BYTES, allowed - flops, gpu.basis)
    moved = sum(_memory(time, gpu) for time in plain)
    reads = sum(_memory(time, gpu) for time in plain if time.op.kind == ATTENTION)
    return (
        Part(FLOOR, floor, gpu.basis),
        Part(KV_READS, reads, gpu.basis),
        Part(OTHER_BYTES, moved - reads - floor, gpu.basis),
        Part(FLOPS, allowed - moved, gpu.basis),
    )


def _by_kind(ops: Iterable[OpTime]) -> dict[str, list[OpTime]]:
    groups: dict[str, list[OpTime]] = {}
    for time in ops:
        if time.op.kind != COLLECTIVE:
            groups.setdefault(time.op.kind, []).append(time)
    return groups


def _compute(time: OpTime, gpu: Gpu) -> float:
    return float(time.op.count * time.op.flops) / gpu.peak(time.op.format)


def _memory(time: OpTime, gpu: Gpu) -> float:
    return float(time.op.count * time.op.moved) / gpu.bandwidth


def _allowed(time: OpTime, gpu: Gpu) -> float:
    return max(_compute(time, gpu), _memory(time, gpu))


def _spent(time: OpTime) -> float:
    return float(time.op.count * time.total)


def _largest(spent: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda item: -abs(item[1]))


def _kept(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if abs(part.seconds) >= ROUNDING)
