"""What the sources of end_to_end.csv call GPUs, models and formats -> our words; what has no word here is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

GPUS = {
    "A100 SXM 40GB (paper; repo says only A100)": "a100-sxm-40gb",
    "A100 80GB": "a100-sxm-80gb",
    "A100 80GB (SXM assumed, x8)": "a100-sxm-80gb",
    "A100 80GB (form factor unstated)": "a100-sxm-80gb",
    "A100 SXM 80GB @330W hybrid cube mesh": "a100-sxm-80gb",
    "A100 SXM 80GB (Azure ND A100 v4)": "a100-sxm-80gb",
    "A100 (PCIe per doc)": "a100-pcie-80gb",
    "H100 (SKU unstated)": "h100-sxm",
    "H100 80GB (SXM per paper)": "h100-sxm",
    "H100 SXM 80GB (Azure ND H100 v5)": "h100-sxm",
    "GB200 NVL72 192GB": "gb200",
    "GH200 (120GB?)": "gh200-96gb",
    "NVIDIA GH200 Grace Hopper Superchip 144GB": "gh200-144gb",
    "NVIDIA GH200 Grace Hopper Superchip 96GB": "gh200-96gb",
    "Virtualized NVIDIA H100-SXM-80GB": "h100-sxm",
    "Virtualized NVIDIA H200-SXM-141GB": "h200-sxm",
}
"""Names that the catalogue does not know, or that mean several GPUs there."""

ASSUMED = {
    "A100 80GB": "form factor unstated: SXM taken",
    "A100 80GB (SXM assumed, x8)": "form factor unstated: SXM taken",
    "A100 80GB (form factor unstated)": "form factor unstated: SXM taken",
    "A100 (PCIe per doc)": "memory unstated: 80 GB taken",
    "H100 (SKU unstated)": "form factor unstated: SXM taken",
    "GH200 (120GB?)": "memory unstated: 96 GB of HBM3 taken (120 GB is the host's)",
}
"""What a row's prediction takes for granted about its GPU."""

MODELS = {
    "LLaMA 7B": "huggyllama/llama-7b",
    "LLaMA 70B": "meta-llama/Llama-2-70b-hf",
    "Mistral 7B": "mistralai/Mistral-7B-v0.1",
    "Mistral-7B": "mistralai/Mistral-7B-v0.1",
    "Mixtral 46.7B": "mistralai/Mixtral-8x7B-v0.1",
    "Llama-3-8.1B": "meta-llama/Llama-3.1-8B",
    "llama3.1-8b-datacenter": "meta-llama/Llama-3.1-8B",
}
"""Short names of which the source's date leaves one meaning."""

OWN_COPIES = {
    ("deepseek-ai/DeepSeek-R1-0528", "nvfp4"): "nvidia/DeepSeek-R1-NVFP4",
    ("deepseek-ai/DeepSeek-R1", "nvfp4"): "nvidia/DeepSeek-R1-NVFP4",
}
"""Quantized copies whose unquantized roles only their own checkpoint tells."""

SCHEMES = {
    "fp16/bf16 (unquantized)": "bf16",
    "BF16": "bf16",
    "bf16": "bf16",
    "Base (bfloat16)": "bf16",
    "fp16": "fp16",
    "FP16": "fp16",
    "LLM-FP16": "fp16",
    "GGUF F16": "fp16",
    "Base (float16)": "fp16",
    "FP8": "fp8",
    "fp8": "fp8",
    "nvfp4": "nvfp4",
    "int8": "int8",
    "LLM-W8A8": "int8",
    "AWQ": "awq",
    "LLM-W4A16": "awq",
    "AWQ int4 g128 GEMM": "awq",
    "AWQ int4 g128 GEMV": "awq",
    "GPTQ-Int4": "gptq",
    "GPTQ g128": "gptq",
    "gptq int4": "gptq",
    "marlin int4": "gptq",
    "int4wo-64": "int4",
    "int4wo-64-GPTQ": "int4",
    "GPTQ-Int8": "fp8",
    "int8wo": "fp8",
    "int8 wo": "fp8",
}
"""Weight formats. Eight bits that are unpacked to sixteen (GPTQ-Int8, int8wo) have no scheme of their own: on Ampere
ours for fp8 stores and multiplies them in just that way, and there alone these rows are predicted."""

WEIGHT_ONLY_8 = frozenset({"GPTQ-Int8", "int8wo", "int8 wo"})


class Refused(Exception):
    """A row that cannot be predicted from; says why in words that many rows share."""


def gpu_name(row: Mapping[str, str]) -> str:
    """The GPU of a row, in a spelling that the catalogue reads."""
    return GPUS.get(row["gpu"], re.sub(r"^(?:NVIDIA|AMD Instinct) | \d+GB HBM3[eE]?$", "", row["gpu"]))


def model_name(name: str) -> str:
    """A model's name without what the sources add: "(listed V3)", MLPerf's accuracy targets, a format at the end."""
    bare = re.sub(r" \(listed.*\)$", "", name)
    bare = re.sub(r"(?:-interactive)?-99(?:\.9)?$", "", bare)
    bare = re.sub(r" FP[48]$", "", re.sub(r"(?i)^llama v(?=\d)", "Llama-", bare))
    return MODELS.get(bare, bare)


def scheme(row: Mapping[str, str]) -> str:
    """The quantization scheme of a row.

    raises : Refused for a format that the planner does not know
    """
    text = row["dtype_weights"]
    if text in WEIGHT_ONLY_8 and "A100" not in row["gpu"]:
        raise Refused("weight-only int8 beside native fp8 units has no scheme")
    if text not in SCHEMES:
        raise Refused("weight format has no scheme")
    return SCHEMES[text]


def split(notes: str) -> tuple[str, str]:
    """Tensor and expert parallelism from "tp8 ep4", in text.

    >>> split("inferencex-csv; tp4 ep2; date=2025-10-29")
    ('4', '2')
    """
    found = re.search(r"\btp(\d+) ep(\d+)", notes)
    if found is None or "dpattn=True" in notes:
        raise Refused("attention is data-parallel")
    return found[1], found[2]
