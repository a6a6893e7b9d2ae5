"""Kernel by kernel: does a trace show more than its GPU has, or than the model that it is taken for asks?

| check | limit |
| --- | --- |
| kernel_roof | measured FLOPs or DRAM bytes over time: the data sheet |
| op_roof | FLOPs of the model's op over a kernel's time: the roof at the op's intensity |
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.checks.evidence import Evidence, Finding
from planner.errors import PlannerError
from planner.estimate import phases
from planner.gpu import Gpu
from planner.kernel_marks import kernel_marks
from planner.measured import KernelSample, Severity
from planner.memory import memory
from planner.overlay import SHORTEST
from planner.roofline import attainable
from planner.words import digits, giga, percent, tera

KERNEL, OP = "kernel_roof", "op_roof"
BOOST = 1.15
"""Clock over the one of the data sheet's peak that boards reach: 1,980 against 1,830 MHz (H100 SXM)."""
TIMER = 1.02
"""Bytes over bandwidth that rounding of times and of the memory clock allows."""


def kernel_roof(evidence: Evidence) -> Iterator[Finding]:
    """A kernel above the data sheet.

        FLOPs / time > 1.15 · highest dense peak, or bytes / time > 1.02 · bandwidth

    evidence : kernels with measured FLOPs or bytes, on a known GPU [FLOP], [bytes], [s]
    returns : measured and limit: rates [FLOP/s], [B/s]
    valid : bytes of DRAM, not of a cache
    source : the GPU's data sheet
    """
    gpu = evidence.gpu
    if gpu is None:
        return
    for kernel in evidence.run.kernels:
        if kernel.seconds < SHORTEST:
            continue
        flops, moved = kernel.flops, kernel.bytes
        if flops and flops / kernel.seconds > BOOST * max(gpu.peaks.values()):
            yield _above(kernel, gpu, flops / kernel.seconds, max(gpu.peaks.values()), "FLOP/s")
        if moved and moved / kernel.seconds > TIMER * gpu.bandwidth:
            yield _above(kernel, gpu, moved / kernel.seconds, gpu.bandwidth, "B/s")


def op_roof(evidence: Evidence) -> Iterator[Finding]:
    """Kernels too fast for the model, batch and context that they are taken for.

        FLOPs of the op that the kernel's class implements / time > min(peak, intensity · bandwidth)

    evidence : a trace, and what it is taken to show
    returns : one finding over all such kernels; measured: the fastest rate; limit: its roof [FLOP/s]
    valid : FLOPs of the model's op, averaged over the class: the question is wrong, not the trace
    source : Williams, Waterman, Patterson, CACM 52(4), 2009
    """
    asked = evidence.scenario
    if asked is None or not evidence.run.kernels:
        return
    try:
        prefill, decode = phases(asked, memory(asked))
    except PlannerError:
        return
    phase = decode if evidence.phase == "decode" else prefill
    marks, _ = kernel_marks(evidence.run, phase)
    above = [mark for mark in marks if mark.above_roof and mark.seconds >= SHORTEST]
    if not above:
        return
    roofs = [float(attainable(mark.intensity, phase.peak, phase.bandwidth)) for mark in above]
    worst, roof = max(zip(above, roofs, strict=True), key=lambda pair: pair[0].rate / pair[1])
    yield Finding(
        OP, Severity.WARNING, f"{len(above)} kernels taken for {evidence.phase}",
        f"{percent(sum(mark.share for mark in above))} of kernel time lies above the roof: this trace does not show "
        f"{evidence.phase} of {asked.model.name} at batch {asked.workload.concurrency:g} on "
        f"{asked.deployment.gpu.label}. The farthest would run at {tera(worst.rate)}.",
        worst.rate, roof, "FLOP/s",
        "model, batch, context or phase chosen here is not the one that was traced",
        "Choose what was traced: its NVTX ranges name the tokens of a step, the server's start-up log the rest.",
    )  # fmt: skip


def _above(kernel: KernelSample, gpu: Gpu, rate: float, limit: float, unit: str) -> Finding:
    said, roof = (tera(rate), tera(limit)) if unit == "FLOP/s" else (giga(rate), giga(limit))
    return Finding(
        KERNEL, Severity.ERROR, kernel.name,
        f"{kernel.name} runs at {said}, {digits(rate / limit)} times the {roof} of {gpu.label}.", rate, limit, unit,
        "the file is of another GPU, or counter and time are not of the same launches",
        "Compare the GPU's name in the file with the one chosen; profile the kernel again alone.",
    )  # fmt: skip
