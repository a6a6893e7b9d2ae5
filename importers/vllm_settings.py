"""What a result of vllm bench serve says about its scenario, under our names. A key that is not listed stays out.

| their key                                            | ours                                       | unit |
| ---------------------------------------------------- | ------------------------------------------ | ---- |
| backend, endpoint_type                               | backend                                    |      |
| request_rate (number, or "inf")                      | request_rate                               | 1/s  |
| max_concurrency, num_prompts, burstiness             | concurrency, requests, burstiness          |      |
| ramp_up_strategy, _start_rps, _end_rps               | the same                                   | 1/s  |
| spec_decode_acceptance_rate (percent), _length       | the same, rate as a fraction               | 1    |
| metadata gpu, gpu_name, hw, accelerator              | gpu_names                                  |      |
| metadata tp, pp, dp, ep and their long names         | tensor_parallel, pipeline_parallel, ...    |      |
| max_num_seqs, max_model_len, dtype, quantization ... | the same                                   |      |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from importers.json_text import number, text_of
from importers.vllm_points import Result
from planner.quantities import PERCENT

NUMBERS = {
    "max_concurrency": "concurrency",
    "num_prompts": "requests",
    "burstiness": "burstiness",
    "ramp_up_start_rps": "ramp_up_start_rps",
    "ramp_up_end_rps": "ramp_up_end_rps",
    "spec_decode_acceptance_length": "spec_decode_acceptance_length",
    "tp": "tensor_parallel",
    "tp_size": "tensor_parallel",
    "tensor_parallel": "tensor_parallel",
    "tensor_parallel_size": "tensor_parallel",
    "pp": "pipeline_parallel",
    "pipeline_parallel_size": "pipeline_parallel",
    "dp": "data_parallel",
    "data_parallel_size": "data_parallel",
    "ep": "expert_parallel",
    "expert_parallel_size": "expert_parallel",
    "num_gpus": "gpus",
    "max_num_seqs": "max_num_seqs",
    "max_num_batched_tokens": "max_num_batched_tokens",
    "max_model_len": "max_model_len",
    "gpu_memory_utilization": "gpu_memory_utilization",
}
TEXTS = {
    "endpoint_type": "backend",
    "backend": "backend",
    "ramp_up_strategy": "ramp_up_strategy",
    "quantization": "quantization",
    "dtype": "dtype",
    "kv_cache_dtype": "kv_cache_dtype",
    "version": "engine_version",
    "vllm_version": "engine_version",
}
DEFINITIONS = {
    "tpot_definition": "(e2e - ttft) / (output tokens - 1), a value for each request",
    "itl_definition": "gap between two chunks of an answer",
    "throughput_definition": "of completed requests, from the first request sent to the last answer",
}
"""The client's own, the same in every version."""
GPU_KEYS = ("gpu", "gpu_name", "gpu_type", "hw", "hardware", "accelerator")
UNBOUNDED = "inf"
NOTHING = {"", "none", "null", "unknown", "n/a"}


def settings(result: Result) -> dict[str, str | float]:
    """The settings of one result; metadata are texts in the file and become numbers where we know the key."""
    found: dict[str, str | float] = {}
    for theirs, ours in TEXTS.items():
        text = text_of(result.get(theirs))
        if text is not None:
            found[ours] = text
    for theirs, ours in NUMBERS.items():
        value = _number(result.get(theirs))
        if value is not None:
            found[ours] = value
    rate = _number(result.get("request_rate"))
    if rate is not None or result.get("request_rate") in (UNBOUNDED, math.inf):
        found["request_rate"] = UNBOUNDED if rate is None else rate
    acceptance = _number(result.get("spec_decode_acceptance_rate"))
    return found | ({} if acceptance is None else {"spec_decode_acceptance_rate": acceptance * PERCENT})


def gpu_names(results: Sequence[Result]) -> tuple[str, ...]:
    """GPUs as the metadata of the results name them, each once."""
    texts = (text_of(result.get(key)) for result in results for key in GPU_KEYS)
    return tuple(dict.fromkeys(text for text in texts if text and text.lower() not in NOTHING))


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return number(value)
