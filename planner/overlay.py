"""Measured beside predicted: each measured point with the estimate for its own conditions, and marks for the roofline.

A load test gives the time of a step, a trace that of kernels: without counts they stand at the model's arithmetic
intensity, with the model's FLOPs over the measured time. Kernels whose FLOPs and bytes were counted stand at their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from planner.errors import InsufficientMemory
from planner.estimate import Estimate, Phase, estimate
from planner.latency import OpTime, StepTime
from planner.measured import KernelSample, MeasuredPoint, Run
from planner.model import Model
from planner.predict import question
from planner.quantities import NANOSECOND
from planner.roofline import Bound, attainable
from planner.scenario import Scenario


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measured value beside the estimate for the same conditions.

    point : measured
    estimate : for its conditions; None where there is none, and `refusal` says why
    """

    point: MeasuredPoint
    estimate: Estimate | None
    refusal: str | None = None

    @property
    def predicted(self) -> float | None:
        """The estimate's value of the point's metric, in the point's unit."""
        return PREDICTED[self.point.metric](self.estimate) if self.estimate else None

    @property
    def residual(self) -> float | None:
        """Measured over predicted [1]."""
        return self.point.value / self.predicted if self.predicted else None

    @property
    def floor_utilisation(self) -> float | None:
        """Bandwidth floor over measured, of decode metrics: how close a step comes to the shortest possible [1]."""
        if self.estimate is None or self.point.metric not in DECODE_METRICS:
            return None
        return self.estimate.floor / self.point.value


SHORTEST, LONGEST = NANOSECOND, 1e6
"""No step is shorter than a clock tick or longer than days: such a time is a fault of its file [s]."""
DECODE_METRICS = frozenset({"tpot", "itl", "latency_per_output_token"})
PHASE_OF = {"ttft": "prefill", "tpot": "decode", "latency_per_output_token": "decode"}
PREDICTED: Mapping[str, Callable[[Estimate], float | None]] = {
    "ttft": lambda found: found.ttft.value,
    "tpot": lambda found: found.tpot.value if found.tpot else None,
    "itl": lambda found: found.tpot.value if found.tpot else None,
    "e2e": lambda found: found.e2e.value,
    "latency_per_output_token": lambda found: found.latency_per_output_token,
    "output_throughput": lambda found: found.output_tokens_per_second,
    "request_throughput": lambda found: found.requests_per_second,
    "prefill_arithmetic_intensity": lambda found: found.prefill.intensity,
    "decode_arithmetic_intensity": lambda found: found.decode.intensity,
}
KINDS: Mapping[str, tuple[str, ...]] = {
    "gemm": ("gemm",),
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


def scenario_of(run: Run, gpu: str, model: Model, **cells: str) -> Scenario:
    """The question that a run answered: what the file tells, and what its reader adds.

    run : its settings are columns of predict.INPUTS
    gpu, model : chosen or confirmed by the reader
    cells : further columns that win over the run's settings
    raises : PlannerError for a question that cannot be asked
    valid : a load test without limit or rate sends all its requests at once
    """
    told = {name: format_cell(value) for name, value in run.settings.items()}
    if not any(told.get(name) or cells.get(name) for name in ("concurrency", "request_rate")) and "requests" in told:
        told["concurrency"] = told["requests"]
    return question({**told, **{name: text for name, text in cells.items() if text}, "gpu": gpu}, model)


def compare(run: Run, gpu: str, model: Model, **cells: str) -> tuple[Comparison, ...]:
    """Each point of a run that the planner can predict, beside that prediction.

    run : with points [s]
    gpu, model, cells : as in scenario_of
    returns : in the run's order; a point that does not fit in memory keeps its refusal
    """
    found: dict[tuple[tuple[str, str], ...], Estimate | str] = {}
    compared = []
    for point in run.points:
        if point.metric not in PREDICTED or point.statistic not in ("mean", "median"):
            continue
        conditions = {**cells, **conditions_of(point)}
        key = tuple(sorted(conditions.items()))
        if key not in found:
            found[key] = _estimate(run, gpu, model, conditions)
        answer = found[key]
        compared.append(Comparison(point, None, answer) if isinstance(answer, str) else Comparison(point, answer))
    return tuple(compared)


def conditions_of(point: MeasuredPoint) -> Mapping[str, str]:
    """The columns of predict.INPUTS that a point fixes: load and lengths.

    point : what it does not tell is left out [tokens], [1/s]
    """
    told = {
        "concurrency": point.concurrency,
        "request_rate": point.request_rate,
        "input_tokens": point.prompt_tokens,
        "output_tokens": point.output_tokens,
        "prefix_cached_tokens": point.prefix_cached_tokens,
    }
    return {name: format_cell(value) for name, value in told.items() if value is not None}


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


def step_marks(compared: Iterable[Comparison]) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """Steps of a load test on the roof: the model's FLOPs of a step over its predicted and over its measured time.

    compared : comparisons; those of TTFT show a prefill step, those of TPOT and its kin a decode step [s]
    returns : predicted marks, measured marks
    valid : times of 1 ns to 1e6 s: others are no steps, and stay in the table alone. TTFT holds queue and host time
        too, so prefill marks lie below what the GPU reached
    """
    predicted, measured = [], []
    for comparison in compared:
        found, name = comparison.estimate, PHASE_OF.get(comparison.point.metric)
        if found is None or name is None or not comparison.predicted or not _drawable(comparison.point.value):
            continue
        phase = found.prefill if name == "prefill" else found.decode
        label = mark_label(comparison.point)
        predicted.append(_step_mark(label, name, phase, comparison.predicted))
        measured.append(_step_mark(label, name, phase, comparison.point.value))
    return tuple(predicted), tuple(measured)


def mark_label(point: MeasuredPoint) -> str:
    """A point's conditions in a few words.

    point : measured [tokens]
    """
    load = f"batch {point.concurrency:g}" if point.concurrency else f"{point.request_rate or 0:g} requests/s"
    return f"{load}, prompt {point.prompt_tokens:.0f}" if point.metric == "ttft" and point.prompt_tokens else load


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
    moved = model.moved if kernel.bytes is None and model else (kernel.bytes or 0.0) / kernel.launches
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


def _mark(name: str, phase: str, time: OpTime, seconds: float, share: float) -> Mark:
    flops, moved = float(time.op.flops), float(time.op.moved)
    return Mark(name, phase, time.bound, flops / moved, flops / seconds, seconds, share)


def _estimate(run: Run, gpu: str, model: Model, conditions: Mapping[str, str]) -> Estimate | str:
    try:
        return estimate(scenario_of(run, gpu, model, **conditions))
    except InsufficientMemory as no:
        return str(no)


def _drawable(seconds: float) -> bool:
    return SHORTEST <= seconds <= LONGEST


def _step_mark(label: str, name: str, phase: Phase, seconds: float) -> Mark:
    rate = float(phase.time.flops) / seconds
    return Mark(label, name, phase.bound, phase.intensity, rate, seconds, 0.1, rate > phase.attainable)


def format_cell(value: str | float) -> str:
    """A setting as the text of a column.

    value : a number loses nothing, 16.0 becomes "16" [1]

    >>> format_cell(16.0), format_cell("fp8")
    ('16', 'fp8')
    """
    return value if isinstance(value, str) else f"{value:.10g}"


def totals(kernels: Iterable[KernelSample]) -> Mapping[str, float]:
    """Kernel time by class, longest first.

    kernels : of a run [s]
    returns : class -> [s]
    """
    sums: dict[str, float] = {}
    for kernel in kernels:
        sums[kernel.kind] = sums.get(kernel.kind, 0.0) + kernel.seconds
    return dict(sorted(sums.items(), key=lambda item: -item[1]))
