"""How long an op and a step take, and what bounds them.

An op takes the longest of its compute, memory and link times at their efficiencies, plus its launch. A step is the sum
of its ops, since vLLM runs them one after the other, plus what the host does between steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.efficiency import ANY, CACHE, CACHED, EXPOSED, Range, efficiency
from planner.forward import forward
from planner.gpu import Gpu
from planner.host import host_time, launch_gap
from planner.ops import Op
from planner.parameters import active_parameters
from planner.precision import BYTES
from planner.quantities import Basis, FloatArray, Number
from planner.roofline import Bound, bound
from planner.scenario import Scenario
from planner.step import Step

LARGER = 4.0
"""Operands up to this much larger than the largest measured count as measured: shares no longer change with size."""


@dataclass(frozen=True, slots=True)
class OpTime:
    """Times of one run of an op. `total` = body + overhead, all in [s].

    basis : of the efficiencies that went in
    """

    op: Op
    compute: Number
    memory: Number
    link: Number
    overhead: Number
    basis: Basis
    valid: Range = ANY

    @property
    def body(self) -> Number:
        """The longest of the three [s]."""
        return np.maximum(np.maximum(self.compute, self.memory), self.link)

    @property
    def total(self) -> Number:
        """Of one run [s]."""
        return self.body + self.overhead

    @property
    def inside(self) -> bool:
        """Whether its rows and bytes, in every step, lie within what was measured."""
        moved = self.op.sent if self.op.kind == "all_reduce" else self.op.moved
        return within(self.op.rows, self.valid.rows) and within(moved, self.valid.moved)

    @property
    def founded(self) -> Basis:
        """The basis; no better than CALIBRATED where a measured efficiency is carried beyond what was measured."""
        return self.basis if self.inside else max(self.basis, Basis.CALIBRATED)

    @property
    def bound(self) -> Bound:
        """What takes longest in it; for ops of one step, not of many."""
        return Bound(int(bound(self.compute, self.memory, self.link, self.overhead)))


@dataclass(frozen=True, slots=True)
class StepTime:
    """Times of a whole step.

    ops : each op's times
    gpu : busy with them [s]
    host : between steps, on the CPU [s]
    launch_gap : GPU idle while the host launches kernels one by one (no CUDA graphs) [s]
    """

    ops: tuple[OpTime, ...]
    gpu: Number
    host: Number
    launch_gap: Number

    @property
    def total(self) -> Number:
        """Of the step [s]."""
        return self.gpu + self.launch_gap + self.host

    @property
    def by_bound(self) -> FloatArray:
        """Seconds of the step by what bounds them, in the order of Bound, along a new first axis [s]."""
        compute: Number = 0.0
        memory: Number = 0.0
        link: Number = 0.0
        overhead: Number = self.launch_gap + self.host
        for time in self.ops:
            spent = time.op.count * time.body
            rest = np.maximum(time.memory, time.link)
            by_compute: Number = np.float64(1.0) * (time.compute >= rest)
            by_memory: Number = np.float64(1.0) * (time.memory >= time.link) * (1 - by_compute)
            compute = compute + spent * by_compute
            memory = memory + spent * by_memory
            link = link + spent * (1 - by_memory - by_compute)
            overhead = overhead + time.op.count * time.overhead
        return np.stack(np.broadcast_arrays(compute, memory, link, overhead))

    @property
    def bound(self) -> Bound:
        """What takes most of the step; for one step, not many."""
        return Bound(int(np.argmax(self.by_bound)))

    @property
    def flops(self) -> Number:
        """Of the step on one GPU [FLOP]."""
        return sum((time.op.count * time.op.flops for time in self.ops), start=np.float64(0.0))

    @property
    def moved(self) -> Number:
        """HBM bytes of the step on one GPU [bytes]."""
        return sum((time.op.count * time.op.moved for time in self.ops), start=np.float64(0.0))

    @property
    def basis(self) -> Basis:
        """Of the efficiencies: the weakest on which, or on weaker ones, a quarter of the GPU's time rests."""
        by_basis: dict[Basis, Number] = {}
        for time in self.ops:
            founded = time.founded
            by_basis[founded] = by_basis.get(founded, 0.0) + time.op.count * time.total
        seconds = [(basis, float(np.sum(spent))) for basis, spent in by_basis.items()]
        whole = sum(spent for _, spent in seconds)
        reached = [basis for basis in Basis if sum(spent for at, spent in seconds if at >= basis) >= whole / 4]
        return max(reached, default=Basis.MEASURED)


@dataclass(frozen=True, slots=True)
class Roof:
    """Rates that one kind of op reaches on a GPU; fields may be arrays over GPUs.

    compute : share · peak of the op's format [FLOP/s]
    memory : share · HBM bandwidth [B/s]
    link : share · link bandwidth [B/s]
    latency : of one launch [s]
    basis : of the shares
    tile : rows that a product works on at least [1]
    exposed : of the shorter of compute and memory, what shows beside the longer [1]
    cached : how much faster than HBM a pass is that fits in the cache [1]
    valid : rows and bytes for which all this was measured
    """

    compute: Number
    memory: Number
    link: Number
    latency: Number
    basis: Basis
    tile: Number = 1.0
    exposed: Number = 0.0
    cached: Number = 1.0
    valid: Range = ANY


def roof(op: Op, gpu: Gpu, tensor_parallel: int) -> Roof:
    """What an op's kind and format reach on a GPU.

    op : its kind and format
    gpu : whose data sheet bounds it
    tensor_parallel : GPUs of a collective [1]
    raises : UnsupportedPrecision if the GPU has no peak for the op's format
    """
    share = efficiency(op.kind, op.stored or op.format, gpu, tensor_parallel)
    return Roof(
        compute=share.compute * gpu.peak(op.format),
        memory=share.memory * gpu.bandwidth,
        link=share.link * gpu.link_bandwidth,
        latency=share.latency,
        basis=share.basis,
        tile=share.tile,
        exposed=EXPOSED.get(gpu.generation, 0.0) if op.kind == "gemm" else 0.0,
        cached=CACHED.get(gpu.compute_capability, 1.0) if op.kind == "elementwise" else 1.0,
        valid=share.valid,
    )


def op_time(op: Op, under: Roof) -> OpTime:
    """Times of one run of an op.

        compute = FLOPs / rate; memory = max(bytes / rate, compute · tile / rows); link = sent / rate
        overhead = launches · latency

    With fewer rows than a tile every weight that is streamed is still worked on by a whole tile: that, and not HBM, may
    set the pace of the stream. It counts as memory, since more rows cost nothing until the tile is full.
    Where loading and multiplying overlap in part, the longer becomes sqrt(longer² + (exposed · shorter)²).
    Of a pass that fits in the cache, only 1 / cached counts as HBM bytes.

    op : with counts of one GPU [FLOP, bytes]
    under : the roof of its kind [FLOP/s], [B/s], [s]
    """
    if np.any(under.cached > 1.0):
        op = replace(op, moved=np.where(op.moved <= CACHE, op.moved / under.cached, op.moved))
    compute, memory = op.flops / under.compute, op.moved / under.memory
    if np.any(under.tile > 1.0):
        memory = np.maximum(memory, compute * under.tile / np.maximum(op.rows, 1.0))
    if np.any(under.exposed > 0.0):
        longer = np.sqrt(np.maximum(compute, memory) ** 2 + (under.exposed * np.minimum(compute, memory)) ** 2)
        compute, memory = np.where(compute >= memory, longer, compute), np.where(compute < memory, longer, memory)
    return OpTime(
        op,
        compute=compute,
        memory=memory,
        link=op.sent / under.link,
        overhead=op.launches * under.latency,
        basis=under.basis,
        valid=under.valid,
    )


def within(values: Number, limits: tuple[float, float]) -> bool:
    """Whether all values lie from the least to LARGER times the most, but for those of ops that do not run (0).

    values : [any]
    limits : least and most that was measured [the same]
    """
    return bool(np.all((values == 0) | ((values >= limits[0]) & (values <= LARGER * limits[1]))))


def step_time(scenario: Scenario, step: Step) -> StepTime:
    """Times of a step: every op, and the host's part.

    scenario : the question
    step : what the step works on; fields may be arrays of one shape
    returns : times [s] of the step's shape
    """
    times = _op_times(scenario, step)
    busy = sum((time.op.count * time.total for time in times), start=np.float64(0.0))
    gap = launch_gap(scenario, times)
    return StepTime(times, busy, host_time(scenario, step, busy + gap) + checking_time(scenario, step), gap)


def checking_time(scenario: Scenario, step: Step) -> Number:
    """What a step takes longer that drafts tokens and checks them: nothing without speculation.

        drafting = drafted · active parameters · 2 B / (GPUs · bandwidth)
        checking = chunks of drafted + 1 tokens on each sequence's context - decodes

    scenario : whose engine speculates
    step : its decoding sequences [1]
    returns : [s]; it counts as the host's part
    """
    guess, deployment = scenario.engine.speculation, scenario.deployment
    if guess is None:
        return np.float64(0.0)
    batch, checked = step.decode_sequences, guess.drafted + 1
    plain = Step(decode_sequences=batch, decode_context=step.decode_context, sampled=batch)
    chunks = Step(batch, checked * np.ones_like(batch), step.decode_context, sampled=checked * batch)
    read = active_parameters(guess.drafter) * BYTES[scenario.quantization.base] if guess.drafter else 0.0
    drafting = guess.drafted * read / (deployment.tensor_parallel * deployment.gpu.bandwidth)
    return np.maximum(0.0, _busy(scenario, chunks) - _busy(scenario, plain)) + drafting * np.sign(batch)


def _busy(scenario: Scenario, step: Step) -> Number:
    return sum((time.op.count * time.total for time in _op_times(scenario, step)), start=np.float64(0.0))


def _op_times(scenario: Scenario, step: Step) -> tuple[OpTime, ...]:
    """Each op under its roof, with a calibration's factors where the question has one."""
    gpu, split, own = scenario.deployment.gpu, scenario.deployment.tensor_parallel, scenario.factors
    if own is None:
        return tuple(op_time(op, roof(op, gpu, split)) for op in forward(scenario, step))
    slower = own.slower(scenario.configuration)
    return tuple(op_time(op, own.roof(roof(op, gpu, split), op, gpu, slower)) for op in forward(scenario, step))
