"""Settings in words: what people call what the code, a file's columns and vLLM's flags name."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "gpu": "GPU",
    "model": "Model",
    "tool": "Measured with",
    "tensor_parallel": "GPUs (tensor parallel)",
    "expert_parallel": "Expert parallel",
    "quantization": "Quantization",
    "kv_cache": "KV cache format",
    "concurrency": "Requests at once",
    "request_rate": "Requests a second",
    "burstiness": "Burstiness",
    "input_tokens": "Prompt tokens",
    "output_tokens": "Output tokens",
    "prefix_cached_tokens": "Cached prompt tokens",
    "requests": "Requests",
    "mode": "Load",
    "engine": "Engine",
    "engine_version": "vLLM version",
    "max_num_seqs": "Batch limit",
    "max_num_batched_tokens": "Token budget",
    "max_model_len": "Context limit",
    "gpu_memory_utilization": "GPU memory share",
    "enforce_eager": "Eager mode (no CUDA graphs)",
    "async_scheduling": "Async scheduling",
    "prefix_caching": "Prefix caching",
    "chunked_prefill": "Chunked prefill",
    "calibration": "Calibration",
}
FLAGS: Mapping[str, str] = {
    "tensor_parallel": "--tensor-parallel-size",
    "expert_parallel": "--enable-expert-parallel",
    "kv_cache": "--kv-cache-dtype",
    "max_num_seqs": "--max-num-seqs",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "max_model_len": "--max-model-len",
    "gpu_memory_utilization": "--gpu-memory-utilization",
    "enforce_eager": "--enforce-eager",
    "async_scheduling": "--async-scheduling",
    "prefix_caching": "--enable-prefix-caching",
    "chunked_prefill": "--enable-chunked-prefill",
}


def setting_words(name: str) -> str:
    """A setting as people call it; one that only a file knows keeps its name, spaced.

    name : of a column, or of Engine's field

    >>> setting_words("max_num_seqs"), setting_words("request_id_prefix")
    ('Batch limit', 'Request id prefix')
    """
    spaced = name.replace("_", " ").strip() or name
    return WORDS.get(name) or f"{spaced[0].upper()}{spaced[1:]}"


def setting_flag(name: str) -> str:
    """The option of `vllm serve` that sets it; empty where none does.

    name : as in `setting_words`
    """
    return FLAGS.get(name, "")


def in_sentence(name: str) -> str:
    """A setting as people call it, in the middle of a sentence.

    name : as in `setting_words`

    >>> in_sentence("max_num_seqs"), in_sentence("gpu")
    ('batch limit', 'GPU')
    """
    words = setting_words(name)
    return words if words[:2].isupper() else f"{words[0].lower()}{words[1:]}"


def flagged(name: str) -> str:
    """A setting as people call it, its option of `vllm serve` behind it.

    name : as in `setting_words`

    >>> flagged("max_num_seqs"), flagged("concurrency")
    ('Batch limit (--max-num-seqs)', 'Requests at once')
    """
    return f"{setting_words(name)} ({FLAGS[name]})" if name in FLAGS else setting_words(name)
