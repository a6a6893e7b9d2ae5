"""What a kernel does, told from its name by the ordered patterns of data/kernel_names.csv; the first that matches wins.

| kind           | kernels                                                                     |
| -------------- | --------------------------------------------------------------------------- |
| gemm           | matrix products, quantized ones and split-K sums included                   |
| attention      | attention of either phase, its combine and metadata kernels                 |
| ..._prefill    | attention_prefill, attention_decode: of one phase, where the name tells it  |
| moe            | experts' matrix products, routing, permutation and finalize                 |
| norm           | RMSNorm, LayerNorm, with or without a residual or quantization fused in     |
| activation     | SiLU, GELU, gate multiplication, with or without quantization fused in      |
| rotary         | rotary position embedding                                                   |
| kv_cache_write | writes of keys and values, slot mapping, page indices                       |
| quantize       | activations to fewer bits; weight repacking                                 |
| sampling       | sort, top-k, top-p, penalties, random numbers, rejection                    |
| embedding      | gather, scatter, index                                                      |
| elementwise    | any other value-by-value kernel                                             |
| reduce         | sums, maxima, softmax outside attention                                     |
| memory         | copies, concatenation, transposition on the GPU                             |
| collective     | NCCL, RCCL and custom all-reduce, all-gather, reduce-scatter                |
| other          | convolution, and whatever no pattern knows                                  |

FlashInfer's BatchPrefillWithPagedKV and FlashAttention's split-KV kernels run both phases: attention.
A convolution as an implicit matrix product is a gemm, one with a ReLU an activation.

Inductor's names (triton_...) come first: they list the ops of their neighbours ("..._marlin_gemm_..._rsqrt" is a norm).
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from pathlib import Path

KINDS = (
    "gemm", "attention", "attention_prefill", "attention_decode", "moe", "norm", "activation", "rotary",
    "kv_cache_write", "quantize", "sampling", "embedding", "elementwise", "reduce", "memory", "collective", "other",
)  # fmt: skip
OTHER = "other"
ATTENTION, ATTENTION_PREFILL, ATTENTION_DECODE = "attention", "attention_prefill", "attention_decode"
PATTERNS_FILE = Path(__file__).parent.parent / "data" / "kernel_names.csv"
LONGEST_NAME = 4096
"""Characters looked at: template arguments beyond them tell nothing, and a hostile name must not cost time."""


@lru_cache(maxsize=65_536)
def classify(name: str) -> str:
    """The kind of a kernel, from its demangled, mangled or short name.

    name : as a profiler wrote it
    returns : one of KINDS; "other" if no pattern matches

    >>> classify("void vllm::reshape_and_cache_flash_kernel<__half>(...)")
    'kv_cache_write'
    >>> classify("triton_red_fused__to_copy_add_marlin_gemm_mean_mul_pow_rsqrt_2")
    'norm'
    """
    looked_at = name[:LONGEST_NAME]
    return next((kind for pattern, kind in patterns() if pattern.search(looked_at)), OTHER)


@cache
def patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns in their order, each with its kind; case does not matter."""
    with PATTERNS_FILE.open(encoding="utf-8", newline="") as file:
        return tuple((re.compile(row["pattern"], re.IGNORECASE), row["kind"]) for row in csv.DictReader(file))
