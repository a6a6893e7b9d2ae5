"""How the runs of vllm_serving.csv were really launched, where its columns do not say, and what their table suspects.

InferenceX (before: InferenceMAX) publishes its launch scripts, github.com/SemiAnalysisAI/InferenceX, benchmarks/:

| rows | script | what it sets |
| --- | --- | --- |
| Llama-3.3-70B on H100 | 70b_fp8_h100_docker.sh | max-num-seqs = concurrency |
| Llama-3.3-70B on H200 | 70b_fp8_h200_slurm.sh | kv-cache-dtype fp8, max-num-seqs = concurrency |
| Llama-3.3-70B on B200 | 70b_fp8_b200_docker.sh, 70b_fp4_b200_docker.sh | kv-cache-dtype fp8, max-num-seqs 512 |
| gpt-oss-120b | gptoss_fp4_h100_docker.sh, gptoss_fp4_h200_slurm.sh, later ones | max-num-seqs = concurrency |

All: gpu-memory-utilization 0.9, max-num-batched-tokens 8192, async-scheduling, no prefix caching; where the row has no
version, the image of workflows/70b-tmpl.yml and gptoss-tmpl.yml, vLLM 0.10.2. Of the H100 script two versions are
public, without and with kv-cache-dtype fp8: the queues of the rows show the KV cache of the one without.
"""

from __future__ import annotations

from collections.abc import Mapping

COMMON = {
    "gpu_memory_utilization": "0.9",
    "max_num_batched_tokens": "8192",
    "async_scheduling": "true",
    "prefix_caching": "false",
}
IMAGE = "0.10.2"
FP8_KV = ("h200-sxm", "b200")
B200_SEQUENCES = "512"
BLOCK = 16
PROMPTS = 10
"""Prompts that the load generator of the Llama-3.1-8B rows cycled through, so that in a wave each is computed once and
found in the cache by the others: TTFT of theirs follows the prompt and not the concurrency. Assumed; 8 to 12 fit."""

Row = Mapping[str, str]


def as_launched(row: Row) -> dict[str, str]:
    """The row with the settings of its launch script, or under the condition that its own table suspects."""
    if row["suspect"]:
        return {**row, **_suspicion(row)}
    if not row["source"].startswith("inferencex"):
        return dict(row)
    settings = {**COMMON, "engine_version": row["engine_version"] or IMAGE, "max_num_seqs": row["concurrency"]}
    if "Llama" in row["model"]:
        settings |= {"kv_cache": "fp8"} if row["gpu"] in FP8_KV else {}
        settings |= {"max_num_seqs": B200_SEQUENCES} if row["gpu"] == "b200" else {}
    return {**row, **settings}


def suspected(row: Row) -> str:
    """What is put before the name of a suspect row's set; nothing for the others."""
    if not row["suspect"]:
        return ""
    return "suspect, eager: " if _eager(row) else "suspect, cached prompts: "


def _suspicion(row: Row) -> dict[str, str]:
    if _eager(row):
        return {"enforce_eager": "true"}
    found = 1 - min(1.0, PROMPTS / float(row["concurrency"]))
    return {"prefix_cached_tokens": str(int(found * float(row["input_tokens"])) // BLOCK * BLOCK)}


def _eager(row: Row) -> bool:
    return "CUDA graphs" in row["suspect"]
