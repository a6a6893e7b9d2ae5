"""Why a prediction missed, in a sentence made of what the planner itself knows of the question."""

from __future__ import annotations

from collections.abc import Callable

from planner.errors import PlannerError
from planner.estimate import Estimate, estimate
from planner.model import MoeFfn
from planner.predict import question
from planner.quantities import MILLISECOND, Basis
from planner.roofline import Bound
from tools.accuracy_cases import Case

OLD = (0, 8)
"""Before vLLM's V1 engine."""
STALLED = 10
"""Times the prediction beyond which something else than the model was measured."""
SLOW_LINK = 100e9
"""PCIe and below [B/s]."""


def why(case: Case) -> str:
    """The first cause of CAUSES that holds; what is left is said to be unexplained."""
    if case.table.startswith("above the roof"):
        return "Faster than the data sheet allows: the batch was guessed, prompts are alike, or it is a fault."
    if case.table.startswith("BERT"):
        return (
            "A narrow encoder in FasterTransformer's own fused kernels: small batches wait for launches that it fuses."
        )
    if not case.cells:
        return "Memory: the profile run of this model or version is accounted otherwise."
    try:
        found = estimate(question(case.cells))
    except PlannerError as error:
        return str(error)
    return next((text for holds, text in CAUSES if holds(case, found)), "Nothing that the planner knows explains it.")


def _suspect(case: Case, _: Estimate) -> bool:
    return case.table.startswith("suspect")


def _stalled(case: Case, _: Estimate) -> bool:
    inverse = "tokens_per_s" in case.table
    return (1 / case.ratio if inverse else case.ratio) < 1 / STALLED


def _old(_: Case, found: Estimate) -> bool:
    return found.scenario.engine.release < OLD


def _overflow(_: Case, found: Estimate) -> bool:
    return found.memory.concurrency < found.scenario.workload.concurrency


def _queue(case: Case, found: Estimate) -> bool:
    return "ttft" in case.table and found.scenario.workload.concurrency > 1


def _amd(_: Case, found: Estimate) -> bool:
    return found.scenario.deployment.gpu.vendor == "AMD"


def _unseen(_: Case, found: Estimate) -> bool:
    return dict(found.founded_on)["efficiency of kernels"] >= Basis.ASSUMED


def _links(_: Case, found: Estimate) -> bool:
    deployment = found.scenario.deployment
    return deployment.tensor_parallel > 1 and deployment.gpu.link_bandwidth < SLOW_LINK


def _moe(_: Case, found: Estimate) -> bool:
    return any(isinstance(layer.ffn, MoeFfn) for layer in found.scenario.model.layers)


def _host(_: Case, found: Estimate) -> bool:
    return found.decode.bound is Bound.OVERHEAD or found.decode.seconds < 5 * MILLISECOND


def _other(case: Case, _: Estimate) -> bool:
    return case.engine.lower() != "vllm"


CAUSES: tuple[tuple[Callable[[Case, Estimate], bool], str], ...] = (
    (_suspect, "Its own table doubts it: the condition that it is asked under is a suspicion, and two hosts differ."),
    (
        _stalled,
        "Over ten times slower than its arithmetic: the run compiled, warmed up or admitted fewer requests at once.",
    ),
    (_amd, "AMD: of its operators only products and elementwise passes were measured, on an MI210."),
    (
        _overflow,
        "KV overflow: not all requests fit at once, and a small difference in what fits moves the whole queue.",
    ),
    (_old, "An engine of before 2025: its host takes milliseconds a step that the newer ones no longer do."),
    (_queue, "The first burst queues: TTFT holds how the engine mixes prompts, and the server's own way in and out."),
    (_links, "Tensor parallel over PCIe: the all-reduce depends on the host's topology."),
    (_host, "Tiny step: launches and host, which differ between engines, weigh more than bytes and FLOPs."),
    (_moe, "Mixture of experts: real routers and loads are uneven, and grouped kernels vary most between engines."),
    (_unseen, "Unseen GPU: efficiencies were measured on another generation."),
    (_other, "Another engine: its kernels, fusions and batching are not vLLM's."),
)
