"""The nearest that works, when the answer is no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.errors import PlannerError
from planner.memory import memory
from planner.precision import quantization, schemes_on
from planner.scenario import Deployment, Scenario, check_parallelism

GPU_COUNTS = (1, 2, 4, 8, 16)
FEWER_BITS = ("fp8", "awq")


def alternatives(scenario: Scenario) -> tuple[tuple[str, Scenario], ...]:
    """Changes of one thing that make a scenario fit: more GPUs, an fp8 KV cache, fewer bits.

    scenario : that does not fit
    returns : what changes, and the scenario with it; empty if none of them helps
    """
    return tuple((text, found) for text, found in _candidates(scenario) if memory(found).fits)


def _candidates(scenario: Scenario) -> Iterator[tuple[str, Scenario]]:
    split = scenario.deployment.tensor_parallel
    for count in GPU_COUNTS:
        larger = _with_gpus(scenario, count) if count > split else None
        if larger is not None:
            yield f"{count} GPUs", larger
            if memory(larger).fits:
                break
    gpu, asked = scenario.deployment.gpu, scenario.quantization
    runnable = [name for name in FEWER_BITS if name in schemes_on(gpu) and name != asked.scheme]
    for scheme in runnable:
        yield f"{scheme} weights", replace(scenario, quantization=quantization(scheme, "auto", gpu, scenario.model))
    if asked.kv_cache == asked.base and gpu.capability >= 8.0:
        yield "an fp8 KV cache", replace(scenario, quantization=replace(asked, kv_cache="fp8"))


def _with_gpus(scenario: Scenario, count: int) -> Scenario | None:
    try:
        check_parallelism(scenario.model, count, 1)
    except PlannerError:
        return None
    return replace(scenario, deployment=Deployment(scenario.deployment.gpu, count, 1))
