"""How sure a latency is: an interval for nine measurements in ten, by how far the question lies from what was measured.

    low = value · exp(-below)        high = value · exp(above)

`below` and `above` are logarithms of measured / predicted (data/intervals.yaml, written by tools.fit_intervals). They
were chosen so that the interval holds 90 % of cases that were left out: one configuration, GPU, generation or family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from planner.catalogue import gpus, read_yaml
from planner.engine import V1_SINCE
from planner.gpu import Gpu
from planner.memory import Memory, step_weight_bytes
from planner.model import Model, MoeFfn
from planner.scenario import Scenario

GPU_NOVELTIES = ("measured", "gpu_unseen", "generation_unseen")
FAMILY_NOVELTIES = ("measured", "family_unseen")
"""How far a question can be from the measurements, nearest first."""

STRANGE = 2.0
"""Sides are this many times as long where the vendor of the GPU, or the engine, is one of which no run was measured.
Vendor, assumed: SGLang's DeepSeek-R1 on MI300X took 0.75-1.9 times the predicted TPOT. Engine, seen: of 1,681 TPOTs and
1,712 TTFTs of other engines and of vLLM's V0 (before 0.8) 66 and 58 % lie in one length, 87 and 88 % in two."""


class Novelty(NamedTuple):
    """What of a question was never measured end to end.

    gpu : one of GPU_NOVELTIES
    family : one of FAMILY_NOVELTIES
    """

    gpu: str
    family: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Where nine of ten measurements lie, in the unit of the value."""

    low: float
    high: float


def interval(
    metric: str,
    value: float,
    scenario: Scenario,
    overflows: bool = False,
    floor: float = 0.0,
    known: tuple[float, float] | None = None,
) -> Interval:
    """90 % interval of a mean latency.

        low = min(value, max(floor, value · exp(-below)))        high = value · exp(above)

    metric : "ttft" or "tpot"
    value : what the planner says [s]
    scenario : the question: its GPU and its model's family choose the group
    overflows : more requests at once than the KV cache holds, see `overflows`
    floor : that no hardware can undercut [s]
    known : below and above of a calibration; None: those of the question's group [1]
    returns : low <= value <= high [s]
    valid : closed loops and fixed batches of vLLM; open loops were not measured
    source : split conformal prediction over left-out groups, docs/model.md

    >>> from planner.catalogue import find_gpu
    >>> novelty(find_gpu("h100-sxm"), "llama dense").gpu
    'measured'
    """
    below, above = known or sides(metric, scenario, overflows)
    low, high = (value * float(np.exp(end)) for end in (-below, above))
    return Interval(min(value, max(floor, low)), high)


def sides(metric: str, scenario: Scenario, overflows: bool = False) -> tuple[float, float]:
    """How far measurements lie from the planner's word: ln(measured / predicted) is above -below and under above for
    90 % of them, as often beyond the one as beyond the other.

    metric, scenario, overflows : as in `interval`
    returns : below, above [1]
    """
    far = novelty(scenario.deployment.gpu, family(scenario.model))
    row = _rows()[metric, "overflows" if overflows else "fits", *far]
    wider = STRANGE if _strange(scenario) else 1.0
    return wider * row["below"], wider * row["above"]


def novelty(gpu: Gpu, family_name: str) -> Novelty:
    """How far a GPU and a family of models are from all that was measured end to end.

    gpu : the scenario's
    family_name : as `family` names it
    """
    known = _table()["measured"]
    near = "gpu_unseen" if gpu.generation in known["generations"] else "generation_unseen"
    return Novelty(
        "measured" if gpu.id in known["gpus"] else near,
        "measured" if family_name in known["families"] else "family_unseen",
    )


def family(model: Model) -> str:
    """Family over which residuals are shared: that of the config, and whether it has experts.

    >>> from planner.catalogue_models import find_model
    >>> family(find_model("openai/gpt-oss-120b"))
    'gpt_oss moe'
    """
    experts = any(isinstance(layer.ffn, MoeFfn) for layer in model.layers)
    return f"{model.family} {'moe' if experts else 'dense'}"


def overflows(scenario: Scenario, room: Memory) -> bool:
    """Whether more requests run at once than the KV cache holds: then waiting makes the latencies, and small errors in
    what fits move the whole queue.

    scenario : the question
    room : its memory; `concurrency` is what fits [1]
    """
    running = min(scenario.workload.concurrency, scenario.engine.max_num_seqs or np.inf)
    return bool(running > room.concurrency)


def fastest_step(scenario: Scenario) -> float:
    """The bandwidth floor, below which no step can be: the weights that every token needs, once, at the data sheet's.

        weights = all but experts that one token leaves out and the input embedding

    scenario : model, formats, split
    returns : [s]
    """
    return step_weight_bytes(scenario) / scenario.deployment.gpu.bandwidth


def why_wide(scenario: Scenario, overflowing: bool = False) -> str:
    """What makes an interval wide, in sentences; empty where the question is near the measurements.

    scenario : the question
    overflowing : as in `interval`
    """
    gpu = scenario.deployment.gpu
    far = novelty(gpu, family(scenario.model))
    said = {
        "gpu_unseen": f"No run on {gpu.label} was measured here, only others of its generation ({gpu.generation}).",
        "generation_unseen": f"No GPU of the generation of {gpu.label} ({gpu.generation}) was measured here.",
        "family_unseen": f"No model of the family {family(scenario.model)} was measured here.",
    }
    reasons = [said[kind] for kind in far if kind in said]
    reasons = [*_strange(scenario), *reasons]
    if overflowing:
        reasons.append("More requests run at once than the KV cache holds: small errors in what fits move the queue.")
    return " ".join([*reasons, "So the interval is wide."]) if reasons else ""


def _strange(scenario: Scenario) -> list[str]:
    """What of a question is of another kind than all that was measured, in sentences."""
    vendor, engine = scenario.deployment.gpu.vendor, scenario.engine
    reasons = [] if vendor in _vendors() else [f"No GPU of {vendor} was measured here."]
    if engine.name != "vllm":
        reasons.append(f"The figures were fitted to vLLM, not to {engine.name}.")
    elif engine.release < V1_SINCE:
        reasons.append(f"The figures were fitted to vLLM's V1 engine, not to that of {engine.version}.")
    return reasons


@cache
def _vendors() -> frozenset[str]:
    return frozenset(gpus()[gpu].vendor for gpu in _table()["measured"]["gpus"])


@cache
def _rows() -> Mapping[tuple[str, ...], Mapping[str, Any]]:
    return {(row["metric"], row["regime"], row["gpu"], row["family"]): row for row in _table()["intervals"]}


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = read_yaml("intervals.yaml")
    return table
