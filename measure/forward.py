"""vLLM's own `bench forward` (from 0.33 on): the bare time of a step of an exact batch shape, without host or queue."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure.binary import Vllm
from planner.errors import LoadFailed, ToolMissing
from planner.quantities import HOUR, MICROSECOND

BENCH = ("bench", "forward")
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONTEXTS = (256, 1024, 4096)
PROMPTS = (64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class StepShape:
    """One batch shape and its median time.

    prefill_tokens : of one prompt; 0 for a decode step [tokens]
    sequences, context_tokens : that decode, and how much each holds [1], [tokens]
    seconds : median of the step [s]
    """

    prefill_tokens: float
    sequences: float
    context_tokens: float
    seconds: float


def cases(
    batches: Sequence[int] = BATCHES, contexts: Sequence[int] = CONTEXTS, prompts: Sequence[int] = PROMPTS
) -> list[str]:
    """The grid of shapes in the command's own words.

    batches, contexts : of decode steps [1], [tokens]
    prompts : of prefill steps [tokens]

    >>> cases((1,), (256,), (64,))
    ['decode=1*1@256', 'prefill=64']
    """
    decodes = [f"decode={batch}*1@{context}" for batch in batches for context in contexts]
    return decodes + [f"prefill={prompt}" for prompt in prompts]


def measured(vllm: Vllm, model: str, target: Path, more: Sequence[str] = ()) -> tuple[StepShape, ...]:
    """Runs the grid and reads its result.

    target : the result's file
    more : further flags, such as --load-format dummy
    raises : ToolMissing where this version has no `bench forward`; LoadFailed with its last words
    """
    if "--case" not in _flags(vllm):
        raise ToolMissing(
            f"vllm {vllm.version} has no `vllm bench forward`: it came with 0.33. Measure decode instead."
        )
    words = [vllm.program, *BENCH, "--model", model, "--output-json", str(target), *more]
    words += [word for case in cases() for word in ("--case", case)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=2 * HOUR, check=False)  # noqa: S603
    if said.returncode or not target.exists():
        raise LoadFailed(f"vllm bench forward gave no result: {said.stderr.strip()[-600:]}")
    return shapes(json.loads(target.read_text(encoding="utf-8")))


def shapes(result: list[dict[str, Any]]) -> tuple[StepShape, ...]:
    """The shapes of a result of `bench forward`.

    result : a list of {case, requests: [{query_len, kv_len}], median_us}
    """
    found = []
    for entry in result:
        queries = [float(request["query_len"]) for request in entry["requests"]]
        held = [float(request["kv_len"]) for request in entry["requests"]]
        decodes = [context for query, context in zip(queries, held, strict=True) if query == 1]
        prefill = sum(query for query in queries if query > 1)
        mean = sum(decodes) / len(decodes) if decodes else 0.0
        found.append(StepShape(prefill, len(decodes), mean, float(entry["median_us"]) * MICROSECOND))
    return tuple(found)


def _flags(vllm: Vllm) -> frozenset[str]:
    try:
        return vllm.flags(*BENCH)
    except ToolMissing:
        return frozenset()
