"""The parts from which a reader of end_to_end.csv makes its question: shared columns, limits, lengths and formats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from planner.memory import memory
from planner.predict import question
from tools.accuracy_cases import Row
from tools.end_to_end_names import OWN_COPIES, Refused, gpu_name, model_name, scheme

LARGEST_BATCH = 2048
"""Of TensorRT-LLM's builds, which caps what the KV cache would hold."""
FREE_FRACTION = 0.9
"""Of the memory that weights leave, for the KV cache: TensorRT-LLM's default."""
ENGINES = {"vLLM": "vllm", "vLLM (2023, Splitwise paper)": "vllm", "sglang": "sglang"}
"""Engines with host times of their own; any other is predicted with those of the newest vLLM."""
NOT_PREDICTED = "metric is not predicted"
SHORT_PROMPT, SHORT_OUTPUT = 8, 200


@dataclass(frozen=True)
class Asked:
    """A question, and what was measured.

    table : that it is scored in
    output : column of predict.OUTPUTS that it is held against
    measured : in that column's unit, of one replica
    """

    table: str
    cells: Mapping[str, str]
    output: str
    measured: float


def static_batch(row: Row, name: str, **more: str) -> Asked:
    """A whole batch from its start to its end; with one output token, to its first."""
    unit = {"s": 1e3, "ms": 1.0}.get(row["unit"])
    if unit is None or row["metric"] in ("memory", "avg_power"):
        raise Refused(NOT_PREDICTED)
    cells = cells_of(row, row["n_gpus"], **{"mode": "batch", **room_for(row), **more})
    measured = unit * float(row["value"]) / float(row["output_len"])
    first = row["output_len"] == "1"
    engine = {"vLLM": " vLLM", "TensorRT-LLM": " TRT-LLM"}.get(row["engine"], "")
    table = f"{name}{engine} {'ttft_ms' if first else 'latency_per_output_token_ms'}"
    return Asked(table, cells, "latency_per_output_token_ms", measured)


def cells_of(row: Row, tensor: str, **more: str) -> dict[str, str]:
    """The columns that most sources share; `more` has the last word."""
    asked = more.get("quantization")
    quantized = scheme(row) if asked is None else asked
    name = model_name(row["model"])
    copy = OWN_COPIES.get((name, quantized))
    return {
        "gpu": gpu_name(row),
        "model": copy or name,
        "tensor_parallel": tensor,
        "engine": ENGINES.get(row["engine"], "other"),
        "concurrency": row["batch_or_concurrency"],
        "input_tokens": row["input_len"],
        "output_tokens": row["output_len"],
        **more,
        "quantization": "" if copy else quantized,
    }


def room_for(row: Row) -> dict[str, str]:
    """Limits that let a static batch start at once, as engines do whose benchmark asks for it."""
    batch = float(row["batch_or_concurrency"])
    return {"max_num_seqs": f"{max(256.0, batch):.0f}", "max_num_batched_tokens": f"{max(8192.0, batch):.0f}"}


def held(cells: Mapping[str, str]) -> float:
    """Requests of that length that the KV cache holds."""
    return memory(question({**cells, "concurrency": "1"})).concurrency


def filled(cells: Mapping[str, str]) -> dict[str, str]:
    """The same question with as many requests in flight as the KV cache holds.

    The cache is a share of what the weights leave free, not, as vLLM's, a share of the whole memory less the weights.
    """
    limits = {"max_num_seqs": str(LARGEST_BATCH), "max_num_batched_tokens": "8192"}
    room = memory(question({**cells, **limits, "concurrency": "1"}))
    taken = (room.weights + room.activations + room.outside + room.graphs) / room.total
    share = min(1.0, taken + FREE_FRACTION * (1 - taken))
    whole = {**cells, **limits, "gpu_memory_utilization": f"{share:.4f}"}
    return {**whole, "concurrency": f"{max(1, min(LARGEST_BATCH, math.floor(held(whole))))}"}


def kv_of(row: Row) -> str:
    """Format of the KV cache as the source gives it."""
    return "fp8" if row["dtype_kv"].startswith("fp8") else "auto"


def short_lengths(row: Row) -> tuple[int, int]:
    """Prompt and output of a desktop benchmark: a missing one is one token, "short" and "default" are 8 and 200."""
    prompt, output = row["input_len"], row["output_len"]
    return (
        max(1, int(prompt)) if prompt.isdigit() else SHORT_PROMPT,
        max(1, int(output)) if output.isdigit() else SHORT_OUTPUT,
    )
