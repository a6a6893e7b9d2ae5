"""Kernels of a trace on the roof: at their own FLOPs and bytes where these were counted, else at the model's.

| known of a kernel   | stands at                                                                                |
| ------------------- | ---------------------------------------------------------------------------------------- |
| FLOPs and bytes     | its operational intensity                                                                |
| FLOPs               | the arithmetic intensity of its class in the model, its own rate                         |
| neither             | the same intensity, the FLOPs of its class in the model over its own time                |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.estimate import Phase
from planner.latency import StepTime
from planner.marks import Mark
from planner.measured import KernelSample, Run
from planner.op_times import OpTime
from planner.roofline import Bound, attainable

KINDS: Mapping[str, tuple[str, ...]] = {
    "gemm": ("gemm", "gemm_unpacked"),
    "attention": ("attention_decode", "attention_prefill"),
    "attention_prefill": ("attention_prefill",),
    "attention_decode": ("attention_decode",),
    "moe": ("moe_gemm", "moe_gemm_unpacked"),
    "collective": ("all_reduce",),
    "sampling": ("sampling",),
}
NAMED: Mapping[str, str] = {
    "norm": "norm",
    "activation": "activation",
    "rotary": "rotary",
    "kv_cache_write": "cache_write",
    "embedding": "embedding",
}
"""Kernel class -> kinds of op that it implements, or a word in the op's name where ops of one kind differ."""

MOE = "moe"
EXPERTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("routing", "topk", "moe_align", "sort", "permut"), "experts.routing"),
    (("finalize", "combine", "moe_sum"), "experts.combine"),
    (("swiglu", "silu"), "experts.up"),
)
"""Pieces of the names of kernels of the class moe -> the op that they are: both products, and what goes before and
after them, are of one class, so order alone could shift a layer by one."""


def kernel_marks(run: Run, phase: Phase) -> tuple[tuple[Mark, ...], float]:
    """Kernels of a trace on the roof, with their own FLOPs and bytes, or those of the model's ops of their class.

        FLOPs of a launch = counted FLOPs / launches, else FLOPs of the class in a step / its launches in a step

    run : its kernels, by name [s]
    phase : the step that the trace is taken to show [FLOP], [bytes]
    returns : marks, and the share of kernel time that has neither [1]
    valid : the model's are a mean over the class; which launch is which projection is not told by its name
    """
    whole = sum(kernel.seconds for kernel in run.kernels)
    placed = [(kernel, _work(kernel, phase)) for kernel in run.kernels if kernel.seconds > 0]
    marks = tuple(_kernel_mark(kernel, work, phase, whole) for kernel, work in placed if work)
    return marks, 1.0 - sum(mark.share for mark in marks) if whole else 0.0


def implements(kind: str, time: OpTime) -> bool:
    """Whether a class of kernel can stand for an op.

    kind : one of the importers' classes of kernels
    time : an op of the model's step
    """
    if kind in KINDS:
        return time.op.kind in KINDS[kind]
    return kind in NAMED and NAMED[kind] in time.op.name


def told_by_name(name: str, kind: str) -> str | None:
    """The op that a kernel's own name tells beyond its class; None where only its place can tell.

    name, kind : of the kernel

    >>> told_by_name("_matmul_ogs_NNT_bf16xbf16xmxfp4_128x128x128x1_swiglu", "moe")
    'experts.up'
    """
    looked_at = name.lower()
    found = (op for pieces, op in EXPERTS if any(piece in looked_at for piece in pieces))
    return next(found, None) if kind == MOE else None


@dataclass(frozen=True, slots=True)
class _Work:
    flops: float
    moved: float
    bound: Bound


def _work(kernel: KernelSample, phase: Phase) -> _Work | None:
    """Of one launch: what was counted comes before the model's mean."""
    model = _average(kernel.kind, phase.time)
    if kernel.flops is None and kernel.bytes is None:
        return model
    flops = model.flops if kernel.flops is None and model else (kernel.flops or 0.0) / kernel.launches
    moved = (kernel.bytes or 0.0) / kernel.launches
    if kernel.bytes is None and model:
        moved = flops * model.moved / model.flops
    bound = Bound.MEMORY if flops < moved * phase.ridge else Bound.COMPUTE
    return _Work(flops, moved, bound) if flops and moved else None


def _average(kind: str, step: StepTime) -> _Work | None:
    alike = [time for time in step.ops if implements(kind, time) and float(time.op.flops) > 0]
    launches = sum(float(time.op.count * time.op.launches) for time in alike)
    if not launches:
        return None
    longest = max(alike, key=lambda time: float(time.op.count * time.total))
    flops = sum(float(time.op.count * time.op.flops) for time in alike)
    moved = sum(float(time.op.count * time.op.moved) for time in alike)
    return _Work(flops / launches, moved / launches, longest.bound)


def _kernel_mark(kernel: KernelSample, work: _Work, phase: Phase, whole: float) -> Mark:
    seconds = kernel.seconds / kernel.launches
    intensity, rate = work.flops / work.moved, work.flops / seconds
    above = rate > float(attainable(intensity, phase.peak, phase.bandwidth))
    return Mark(kernel.name, kernel.kind, work.bound, intensity, rate, seconds, kernel.seconds / whole, above)
