"""Marks on the roofline, and ops of a predicted step as such."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.estimate import Phase
from planner.measured import KernelSample
from planner.op_times import OpTime
from planner.roofline import Bound, attainable


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the roofline.

    intensity : [FLOP/B]
    rate : of one run [FLOP/s]
    seconds : of one run [s]
    share : of the step's or trace's time [1]
    above_roof : faster than the GPU can be: the model, batch or context is not the measured one's
    """

    name: str
    phase: str
    bound: Bound
    intensity: float
    rate: float
    seconds: float
    share: float
    above_roof: bool = False


def predicted_marks(name: str, phase: Phase) -> tuple[Mark, ...]:
    """Each op of a phase's step on the roof, and its share of the step.

    name : "prefill" or "decode"
    phase : of the estimate [FLOP], [s]
    """
    whole = float(phase.time.gpu)
    return tuple(
        _mark(time.op.name, name, time, float(time.total), float(time.op.count * time.total) / whole)
        for time in phase.time.ops
        if float(time.op.flops) > 0
    )


def roof_share(marks: Iterable[Mark], phase: Phase) -> float:
    """How much of what the roof allows kernels reach, weighted by their time.

        sum of share · min(1, rate / attainable) / sum of shares

    marks : on the roof [FLOP/B], [FLOP/s]
    phase : whose roof it is [FLOP/s], [B/s]
    returns : 0 without marks [1]
    """
    reached = [
        (mark.share, min(1.0, mark.rate / float(attainable(mark.intensity, phase.peak, phase.bandwidth))))
        for mark in marks
    ]
    whole = sum(share for share, _ in reached)
    return sum(share * part for share, part in reached) / whole if whole else 0.0


def _mark(name: str, phase: str, time: OpTime, seconds: float, share: float) -> Mark:
    flops, moved = float(time.op.flops), float(time.op.moved)
    return Mark(name, phase, time.bound, flops / moved, flops / seconds, seconds, share)


def totals(kernels: Iterable[KernelSample]) -> Mapping[str, float]:
    """Kernel time by class, longest first.

    kernels : of a run [s]
    returns : class -> [s]
    """
    sums: dict[str, float] = {}
    for kernel in kernels:
        sums[kernel.kind] = sums.get(kernel.kind, 0.0) + kernel.seconds
    return dict(sorted(sums.items(), key=lambda item: -item[1]))
