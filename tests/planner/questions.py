"""Short ways to ask: tests name what matters to them and take vLLM's defaults for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planner.catalogue import find_gpu
from planner.catalogue_models import find_model
from planner.engine import Engine
from planner.forward import forward
from planner.gpu import Gpu
from planner.model import Model
from planner.scenario import Scenario, Workload, scenario
from planner.step import Step

REPOSITORY = Path(__file__).parents[2]
MEASUREMENTS = REPOSITORY.parent / "shared" / "measurements"

LLAMA_2_7B = "meta-llama/Llama-2-7b-hf"
LLAMA_8B = "meta-llama/Llama-3.1-8B-Instruct"
MIXTRAL = "mistralai/Mixtral-8x7B-v0.1"
DEEPSEEK = "deepseek-ai/DeepSeek-V3"
GEMMA_2 = "google/gemma-2-9b-it"
GPT_OSS_20B = "openai/gpt-oss-20b"


def ask(
    model: str | Model = LLAMA_8B, gpu: str | Gpu = "h200-sxm", load: Workload | None = None, **more: Any
) -> Scenario:
    """A scenario; `more` are settings of planner.scenario.scenario."""
    return scenario(
        find_model(model) if isinstance(model, str) else model,
        find_gpu(gpu) if isinstance(gpu, str) else gpu,
        load or Workload(512, 128),
        **more,
    )


def eager() -> Engine:
    return Engine(enforce_eager=True)


def sums(question: Scenario, step: Step, what: str) -> dict[str, float]:
    """FLOPs, bytes or sent bytes of a step by op, over its layers; groups of layers added up."""
    found: dict[str, float] = {}
    for op in forward(question, step):
        name = op.name.split(".", 1)[1] if op.name.startswith("layers") else op.name
        found[name] = found.get(name, 0.0) + float(op.count * getattr(op, what))
    return found


def whole(question: Scenario, step: Step, what: str) -> float:
    return sum(sums(question, step, what).values())
