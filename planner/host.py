"""What a step waits for on the host: scheduling between steps, and kernels that are started one by one."""

from __future__ import annotations

import numpy as np

from planner.op_times import OpTime
from planner.ops import SIXTEEN_BITS, Op
from planner.quantities import Number
from planner.scenario import Scenario
from planner.step import Step

EACH_SORTED = 2.5
"""Kernels behind each of a mixture's two routing launches: scores, top experts, counting, aligning, filling."""


def host_time(scenario: Scenario, step: Step, busy: Number) -> Number:
    """CPU time between steps that the GPU waits for.

        host = step + sequence · (sequences in the step) + workers (on several GPUs)
             - min(hidden step + hidden sequence · (sequences in the step), busy), where scheduling is asynchronous

    scenario : whose engine gives the constants, and its split [s]
    step : its sequences [1]
    busy : time of the GPU, behind which the host works under async scheduling [s]
    returns : [s]
    """
    host = scenario.host
    if host is None:
        return np.float64(0.0)
    workers = host.workers if scenario.deployment.tensor_parallel > 1 else 0.0
    sequences = step.prefill_sequences + step.decode_sequences
    hidden = host.hidden_step + host.hidden_sequence * sequences if scenario.engine.async_scheduling else 0.0
    return host.step + workers + host.sequence * sequences - np.minimum(hidden, busy)


def dispatches(op: Op) -> Number:
    """Kernels that the host starts for one run of an op, one by one.

        products in 8 or 4 bits: 2 (quantize the activations, multiply); sorting by expert: 5 for its 2

    op : its launches count kernels as their latency was measured, which holds these [1]
    returns : [1]
    """
    narrow = op.kind in ("gemm", "moe_gemm") and op.format not in SIXTEEN_BITS
    return op.launches * (2.0 if narrow else EACH_SORTED if op.kind == "moe_routing" else 1.0)


def launch_gap(scenario: Scenario, times: tuple[OpTime, ...]) -> Number:
    """Time for which the GPU waits for launches without CUDA graphs.

        gap = max(0, launches · launch time - GPU time)

    scenario : whose engine says whether graphs are used, and the host's time for a launch [s]
    times : of the step's ops [s]
    returns : [s]
    """
    host = scenario.host
    if not scenario.engine.enforce_eager or host is None:
        return np.float64(0.0)
    launches = sum((time.op.count * dispatches(time.op) for time in times), start=np.float64(0.0))
    gpu = sum((time.op.count * time.total for time in times), start=np.float64(0.0))
    return np.maximum(0.0, launches * host.launch - gpu)
