"""How long an op and a step take, and what bounds them.

An op takes the longest of its compute, memory and link times at their efficiencies, plus its launch. A step is the sum
of its ops, since vLLM runs them one after the other, plus what the host does between steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.forward import forward
from planner.host import host_time, launch_gap
from planner.op_times import OpTime, op_time, roof
from planner.parameters import active_parameters
from planner.precision import BYTES
from planner.quantities import Basis, FloatArray, Number
from planner.roofline import Bound
from planner.scenario import Scenario
from planner.step import Step


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
