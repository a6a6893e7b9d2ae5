"""The answer: estimate(scenario) -> Estimate. START READING HERE.

memory -> does it fit?
forward -> the ops of a prefill and of a decode step -> latency -> what bounds them, and for how long
scheduler -> which request is in which step -> serving -> TTFT, TPOT, end-to-end, throughput
cost -> USD
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from planner.calibrated import calibrated_sides, calibrated_why
from planner.cost import Cost, rent
from planner.distribution import Distribution, distribution, weighted_distribution
from planner.drafting import drafted
from planner.intervals import Interval, fastest_step, interval, overflows
from planner.latency import StepTime, step_time
from planner.memory import Memory, memory
from planner.quantities import Basis, weakest
from planner.roofline import Bound, arithmetic_intensity, attainable, ridge_point
from planner.scenario import Scenario
from planner.serving import Latencies, typical_step
from planner.step import Step

EXTRAPOLATED = 0.25
"""Share of a step's time in operators outside of what was measured, from which on the estimate says so."""


@dataclass(frozen=True)
class Phase:
    """Prefill or decode: one typical step, on one GPU of the replica.

    step, time : what it works on, and how long it takes [s]
    peak : of the format in which the weights are multiplied [FLOP/s]
    bandwidth : of the GPU [B/s]
    """

    step: Step
    time: StepTime
    peak: float
    bandwidth: float

    @cached_property
    def seconds(self) -> float:
        """Of the step [s]."""
        return float(self.time.total)

    @cached_property
    def bound(self) -> Bound:
        """What takes most of it."""
        return self.time.bound

    @cached_property
    def intensity(self) -> float:
        """Arithmetic intensity of the whole step [FLOP/B]."""
        return float(arithmetic_intensity(self.time.flops, self.time.moved))

    @cached_property
    def ridge(self) -> float:
        """Ridge point [FLOP/B]."""
        return float(ridge_point(self.peak, self.bandwidth))

    @cached_property
    def attainable(self) -> float:
        """What the roof allows at that intensity [FLOP/s]."""
        return float(attainable(self.intensity, self.peak, self.bandwidth))

    @cached_property
    def achieved(self) -> float:
        """FLOPs over the estimated time [FLOP/s]."""
        return float(self.time.flops) / self.seconds

    @cached_property
    def mfu(self) -> float:
        """Model FLOPs utilisation: achieved over peak [1]."""
        return self.achieved / self.peak

    @cached_property
    def mbu(self) -> float:
        """Model bandwidth utilisation: bytes over time over bandwidth [1]."""
        return float(self.time.moved) / self.seconds / self.bandwidth


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with how well it is founded.

    value : mean over the requests, of ITL over all gaps [s]
    p50, p90, p95, p99 : over the same [s]
    low, high : 90 % interval of the mean (planner.intervals)
    """

    value: float
    p50: float
    p90: float
    p95: float
    p99: float
    basis: Basis
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """All that the planner says of a scenario.

    floor : weights that a step has to read over bandwidth: no decode step can be shorter [s]
    itl : every gap between two tokens of a request; steps that hold prompts make the long ones
    latency_per_output_token : whole run over the tokens of one request [s]
    basis : of the weakest input; founded_on lists them all
    throughput_low, throughput_high : 90 % interval [1/s]
    caveats : what the estimate leaves out, in sentences
    """

    scenario: Scenario
    memory: Memory
    prefill: Phase
    decode: Phase
    ttft: Figure
    tpot: Figure | None
    itl: Figure | None
    e2e: Figure
    output_tokens_per_second: float
    throughput_low: float
    throughput_high: float
    requests_per_second: float
    latency_per_output_token: float
    floor: float
    cost: Cost | None
    basis: Basis
    founded_on: tuple[tuple[str, Basis], ...]
    caveats: tuple[str, ...]


def estimate(scenario: Scenario) -> Estimate:
    """What the planner says of a scenario.

    scenario : the question, from planner.scenario.scenario
    returns : times [s], memory [bytes], cost [USD]
    raises : InsufficientMemory if it does not fit
    """
    room = memory(scenario)
    room.require(scenario)
    found = drafted(scenario, room)
    prefill, decode = phases(scenario, room, found.running if scenario.workload.open_loop else None)
    founded_on = foundations(scenario, prefill.time, decode.time)
    basis = weakest(*(basis for _, basis in founded_on))
    gpus = scenario.deployment.tensor_parallel
    ttft, tpot, e2e, why = figures(scenario, room, found, prefill, basis)
    return Estimate(
        scenario=scenario,
        memory=room,
        prefill=prefill,
        decode=decode,
        ttft=ttft,
        tpot=tpot,
        itl=_figure(weighted_distribution(found.itl, found.itl_count), basis) if found.itl_count.any() else None,
        e2e=e2e,
        output_tokens_per_second=found.throughput,
        throughput_low=found.throughput * e2e.value / (e2e.high or e2e.value),
        throughput_high=found.throughput * e2e.value / (e2e.low or e2e.value),
        requests_per_second=len(found.e2e) / found.duration,
        latency_per_output_token=found.duration / scenario.workload.output_tokens,
        floor=fastest_step(scenario),
        cost=rent(scenario.deployment.gpu, gpus, found.throughput),
        basis=basis,
        founded_on=founded_on,
        caveats=(*caveats(scenario, found), *beyond(prefill, decode), *([why] if why else [])),
    )


def phases(scenario: Scenario, room: Memory, running: float | None = None) -> tuple[Phase, Phase]:
    """The typical prefill and decode step, timed; also for what does not fit, so that it can be looked at.

    scenario : the question
    room : its memory; caps the batch [bytes]
    running : as in typical_step [1]
    """
    gpu = scenario.deployment.gpu
    peak = gpu.peak(scenario.quantization.matmul)
    prefill, decode = (
        Phase(step, step_time(scenario, step), peak, gpu.bandwidth) for step in typical_step(scenario, room, running)
    )
    return prefill, decode


def figures(
    scenario: Scenario, room: Memory, found: Latencies, prefill: Phase, basis: Basis
) -> tuple[Figure, Figure | None, Figure, str]:
    """TTFT, TPOT and end-to-end latency with their intervals, and why those are wide.

        end-to-end: high - value = (TTFT: high - value) + gaps · (TPOT: high - value), as if both erred together
    scenario, room, basis : the question, its memory, its weakest input
    found : its run [s]
    prefill : no first token comes before its FLOPs at peak rate [s]
    """
    crowded, reading = overflows(scenario, room), fastest_step(scenario)
    ttft, e2e, tpot = _figure(distribution(found.ttft), basis), _figure(distribution(found.e2e), basis), None
    known = {name: calibrated_sides(name, scenario, room, crowded) for name in ("ttft", "tpot")}
    quickest = max(reading, float(prefill.time.flops) / prefill.peak)
    first = interval("ttft", ttft.value, scenario, crowded, quickest, known["ttft"])
    short, long = ttft.value - first.low, first.high - ttft.value
    if (gaps := scenario.workload.output_tokens - 1) > 0:
        tpot = _figure(distribution(found.tpot), basis)
        each = interval("tpot", tpot.value, scenario, crowded, reading / tokens_a_step(scenario), known["tpot"])
        short, long = short + gaps * (tpot.value - each.low), long + gaps * (each.high - tpot.value)
        tpot = _between(tpot, each)
    whole = Interval(min(e2e.value, max(first.low, e2e.value - short)), e2e.value + long)
    return _between(ttft, first), tpot, _between(e2e, whole), calibrated_why(scenario, crowded)


def tokens_a_step(scenario: Scenario) -> float:
    """Tokens that a decode step gives a sequence: one, more where drafts are taken [tokens].

    scenario : whose engine may speculate
    """
    guess = scenario.engine.speculation
    return 1.0 if guess is None else guess.tokens


def foundations(scenario: Scenario, *steps: StepTime) -> tuple[tuple[str, Basis], ...]:
    """What the estimate rests on, each with its basis.

    scenario : the question
    steps : whose ops' efficiencies count
    """
    gpu = scenario.deployment.gpu
    return (
        (f"data sheet of {gpu.label}", gpu.basis),
        ("efficiency of kernels", weakest(*(step.basis for step in steps))),
        (f"host times of {scenario.engine.name} {scenario.engine.version}", Basis.CALIBRATED),
        ("shapes of the model", scenario.model.source.basis),
        *([(f"calibrated on {scenario.correction.name}", Basis.CALIBRATED)] if scenario.correction else []),
    )


def caveats(scenario: Scenario, found: Latencies) -> tuple[str, ...]:
    """What a reader must know before betting on the figures.

    scenario : the question
    found : its run
    """
    gpu, formats = scenario.deployment.gpu, scenario.quantization
    said = list(scenario.model.caveats)
    load, longest = scenario.workload, scenario.model.max_context
    if scenario.correction and (far := scenario.correction.outside(gpu, scenario.configuration, load.concurrency)):
        said.append(far)
    if load.longest > longest:
        said.append(f"Longer than the {longest:,} tokens that the model's config allows: vLLM refuses such requests.")
    said += gpu.doubts
    if formats.matmul == formats.base and formats.scheme not in (formats.base, "awq", "gptq", "int4"):
        said.append(
            f"{gpu.label} has no native {formats.scheme} matrix units here: weights are unpacked to {formats.base}."
        )
    if scenario.engine.name not in ("", "vllm"):
        said.append(
            f"Scheduled as vLLM does; {scenario.engine.name} has its own scheduler, kernels and spread of errors."
        )
    if load.open_loop:
        said.append("Open loops were not measured: the interval is that of closed ones.")
    if gpu.vendor == "AMD":
        said.append("Of AMD only products and elementwise passes were measured: other kernels count as NVIDIA's do.")
    if scenario.engine.speculation is not None:
        said.append(scenario.engine.speculation.caveat)
    if found.preemptions:
        said.append(f"The KV cache overflows: {found.preemptions} requests are preempted and computed again.")
    return tuple(said)


def beyond(prefill: Phase, decode: Phase) -> Iterator[str]:
    """Which phase spends a quarter of its time in operators smaller or larger than any that was measured.

    prefill, decode : the typical steps
    """
    for name, phase in (("prefill", prefill), ("decode", decode)):
        outside = [time for time in phase.time.ops if not time.inside]
        spent = sum(float(time.op.count * time.total) for time in outside) / phase.seconds
        if spent >= EXTRAPOLATED:
            worst = max(outside, key=lambda time: float(time.op.count * time.total)).op.name.rsplit("layers0.", 1)[-1]
            yield (
                f"{spent:.0%} of a {name} step is in operators outside of the sizes that were measured ({worst} above "
                "all): there the efficiency is extrapolated."
            )


def _between(figure: Figure, bounds: Interval) -> Figure:
    return replace(figure, low=bounds.low, high=bounds.high)


def _figure(found: Distribution, basis: Basis) -> Figure:
    return Figure(found.mean, found.p50, found.p90, found.p95, found.p99, basis)
