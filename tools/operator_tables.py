"""Tables of single operators that others measured -> one shape, a row a measurement, ready to be fitted.

| table | operators | GPUs |
| --- | --- | --- |
| gemm_ops, decode_/prefill_attention_ops, comm_ops (aiconfigurator) | all but the ones below | A100 to GB300 |
| layer_ops_llmservingsim, vLLM 0.19's layers | GEMM, attention, elementwise, sampling, experts | RTX 4090, PRO 6000 |
| layer_ops_llmservingsim, older profiler | GEMM | RTX 3090, A6000 |
| mlp_ops_vidur | GEMM | A40 |
| ops_llmcompass | GEMM | MI210 |
| mamf_stas00 | highest rate of a GEMM | MI300X, MI325X, MI355X |

Columns: kind, gpu (our id), format, gpus, rows [tokens], flops [FLOP], bytes [bytes], seconds [s], source.
Rows above a roof, and kernels that vLLM does not run there, are left out; `left_out` counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from planner.catalogue import find_gpu
from planner.quantities import GIGA, MILLISECOND, TERA
from tools import operator_layers as profiles

COLUMNS = ("kind", "gpu", "format", "gpus", "rows", "flops", "bytes", "seconds", "source")
WEIGHT_BYTES = {"bfloat16": 2.0, "fp16": 2.0, "bf16": 2.0, "fp8": 1.0, "nvfp4": 4.5 / 8}
FORMAT = {"bfloat16": "bf16", "fp16": "bf16", "bf16": "bf16", "fp8": "fp8", "nvfp4": "fp4"}
ENGINES = ("vllm", "sglang")
BAD_TOPOLOGY = {("l40s", 8)}
"""Measured on a host whose eight GPUs share too few links."""
UNCACHED = 1e8
"""Bytes that no cache of a GPU in these tables holds; smaller passes of LLMCompass time the host's launch instead."""
BOOST = 1.05
LARGEST_ALL_REDUCE = 2**28
"""Bytes; the longest messages of a serving step."""


def operators(tables: Path) -> pd.DataFrame:
    """Every measurement of every table, those above a roof included; `within_roofs` drops them."""
    return pd.concat([reader(tables)[list(COLUMNS)] for reader in READERS], ignore_index=True)


def within_roofs(found: pd.DataFrame) -> pd.DataFrame:
    """Measurements that the data sheet allows; caches make the rest faster than memory.

    Up to BOOST above is kept: consumer GPUs clock higher than the stated peak supposes. No share leaves (0, 1] by it.
    """
    return found[found.seconds * BOOST >= roof_seconds(found)]


def left_out(found: pd.DataFrame) -> Iterator[str]:
    """A sentence for each kind and GPU with measurements above a roof."""
    above = found.assign(above=found.seconds * BOOST < roof_seconds(found))
    for (kind, gpu, source), part in above[above.above].groupby(["kind", "gpu", "source"]):
        alike = ((found.kind == kind) & (found.gpu == gpu) & (found.source == source)).sum()
        yield f"{kind} on {gpu} ({source}): {len(part)} of {alike} above a roof"


def roof_seconds(found: pd.DataFrame) -> pd.Series:
    """Time below which the data sheet puts each measurement [s]."""
    gpus = {name: find_gpu(name) for name in found.gpu.unique()}
    links = found.kind == "all_reduce"
    rate = np.where(
        links, found.gpu.map(lambda name: gpus[name].link_bandwidth), found.gpu.map(lambda name: gpus[name].bandwidth)
    )
    peak = [gpus[name].peaks.get(kind, np.inf) for name, kind in zip(found.gpu, found.format, strict=True)]
    return np.maximum(found.bytes / rate, found.flops / np.array(peak))


def gemm(frame: pd.DataFrame, weight: pd.Series | float, source: str) -> pd.DataFrame:
    """Rows of a matrix product from m, n, k: weights and activations in their own width, results in 16 bits."""
    moved = frame.n * frame.k * weight + frame.m * frame.k * weight + frame.m * frame.n * 2
    return frame.assign(
        kind="gemm", rows=frame.m, bytes=moved, flops=2 * frame.m * frame.n * frame.k, gpus=1, source=source
    )


def aiconfigurator_gemm(tables: Path) -> pd.DataFrame:
    """Products in vLLM and SGLang containers; formats for which the GPU has no peak are left out."""
    data = pd.read_parquet(tables / "gemm_ops.parquet")
    data = _known(data[data.engine.isin(ENGINES) & data.dtype_weights.isin(WEIGHT_BYTES)])
    data[["m", "n", "k"]] = data.model.str.extract(r"m=(\d+) n=(\d+) k=(\d+)").astype(float)
    data = data.assign(format=data.dtype_weights.map(FORMAT), seconds=data.value * MILLISECOND)
    native = [kind in find_gpu(gpu).peaks for gpu, kind in zip(data.gpu, data.format, strict=True)]
    return gemm(data[native], data[native].dtype_weights.map(WEIGHT_BYTES), "aiconfigurator")


def aiconfigurator_decode(tables: Path) -> pd.DataFrame:
    """Decode attention in vLLM's own kernels: one query token a sequence reads that sequence's whole KV cache."""
    data = pd.read_parquet(tables / "decode_attention_ops.parquet")
    data = _known(data[data.engine == "vllm"])
    data[["heads", "kv"]] = data.model.str.extract(r"heads=(\d+) kv=(\d+)").astype(float)
    tokens = data.batch_or_concurrency * data.input_len
    width = data.dtype_kv.map(WEIGHT_BYTES)
    return data.assign(
        kind="attention_decode", format=data.dtype_kv.map(FORMAT), gpus=1, rows=data.batch_or_concurrency,
        flops=4 * tokens * data.heads * profiles.HEAD_DIM, bytes=tokens * 2 * data.kv * profiles.HEAD_DIM * width,
        seconds=data.value * MILLISECOND, source="aiconfigurator",
    )  # fmt: skip


def aiconfigurator_prefill(tables: Path) -> pd.DataFrame:
    """Causal prefill attention: half of the square of the prompt, two products a head."""
    data = pd.read_parquet(tables / "prefill_attention_ops.parquet")
    data = _known(data[data.engine.isin(ENGINES) & (data.dtype_weights == "bfloat16")])
    data[["heads", "kv"]] = data.model.str.extract(r"heads=(\d+) kv=(\d+)").astype(float)
    tokens = data.batch_or_concurrency * data.input_len
    return data.assign(
        kind="attention_prefill", format="bf16", gpus=1, rows=tokens,
        flops=2 * tokens * data.input_len * data.heads * profiles.HEAD_DIM,
        bytes=4 * tokens * (data.heads + data.kv) * profiles.HEAD_DIM,
        seconds=data.value * MILLISECOND, source="aiconfigurator",
    )  # fmt: skip


def aiconfigurator_all_reduce(tables: Path) -> pd.DataFrame:
    """All-reduce: 2 (n - 1) / n of the message over each GPU's link; the fastest implementation at each size."""
    data = pd.read_parquet(tables / "comm_ops.parquet")
    data = _known(data[(data.model == "all_reduce") & data.n_gpus.isin([2, 4, 8])])
    data = data[data.engine.str.contains("nccl:|vLLM_custom_graph|SGLang_CustomAllReduce_graph")]
    data = data.groupby(["gpu", "n_gpus", "input_len"], as_index=False).value.min()
    data = data[(2 * data.input_len <= LARGEST_ALL_REDUCE)]
    data = data[[(gpu, gpus) not in BAD_TOPOLOGY for gpu, gpus in zip(data.gpu, data.n_gpus, strict=True)]]
    sent = 2 * (data.n_gpus - 1) / data.n_gpus * data.input_len * 2
    return data.assign(
        kind="all_reduce", format="bf16", gpus=data.n_gpus, rows=1.0, flops=0.0, bytes=sent,
        seconds=data.value * MILLISECOND, source="aiconfigurator",
    )  # fmt: skip


def vidur_gemm(tables: Path) -> pd.DataFrame:
    """An A40's products of a layer, fp16, by model and split."""
    data = pd.read_parquet(tables / "mlp_ops_vidur.parquet")
    data = data[data.gpu.str.startswith("A40")]
    shape = data.notes.str.extract(r"shard (\d+); n_embd=(\d+) ffn=(\d+) heads=(\d+) kv=(\d+) gated=(\w+)")
    split, hidden, ffn, heads, kv = (shape[at].astype(float) for at in range(5))
    head = hidden / heads
    wide = {
        "op:attn_pre_proj": ((heads + 2 * np.maximum(kv, split)) * head / split, hidden),
        "op:attn_post_proj": (hidden, hidden / split),
        "op:mlp_up_proj": (ffn * np.where(shape[5] == "True", 2, 1) / split, hidden),
        "op:mlp_down_proj": (hidden, ffn / split),
    }
    n, k = (sum((data.metric == name) * sides[at] for name, sides in wide.items()) for at in (0, 1))
    frame = data.assign(gpu="a40", format="bf16", m=data.batch_or_concurrency.astype(float), n=n, k=k)
    return gemm(frame.assign(seconds=data.value.astype(float) * MILLISECOND), 2.0, "vidur")


def llmcompass_gemm(tables: Path) -> pd.DataFrame:
    """An MI210's fp16 products: "M, K, N, ms, TFLOP/s" in a cell."""
    data = pd.read_parquet(tables / "ops_llmcompass.parquet").query("model == 'matmul_MI210'")
    cells = data.value.str.extract(r"(\d+), (\d+), (\d+), ([\d.]+)ms").astype(float)
    frame = cells.set_axis(["m", "k", "n", "ms"], axis=1).assign(gpu="mi210", format="bf16")
    return gemm(frame.assign(seconds=frame.ms * MILLISECOND), 2.0, "llmcompass")


def llmcompass_passes(tables: Path) -> pd.DataFrame:
    """An MI210's elementwise passes over tensors too large for a cache: "elements, G elements/s", or rows and width."""
    data = pd.read_parquet(tables / "ops_llmcompass.parquet").query("model in ['gelu_MI210', 'layernorm_MI210']")
    cells = data.value.str.split(", ").map(lambda texts: [float(text) for text in texts])
    elements, rate = cells.map(lambda each: np.prod(each[:-1])), cells.map(lambda each: each[-1] * GIGA)
    frame = data.assign(
        kind="elementwise", gpu="mi210", format="bf16", gpus=1, rows=elements / cells.map(lambda each: each[-2]),
        flops=0.0, bytes=4 * elements, seconds=elements / rate, source="llmcompass",
    )  # fmt: skip
    return frame[frame.bytes >= UNCACHED]


def mamf_gemm(tables: Path) -> pd.DataFrame:
    """The highest rate that AMD's GPUs reach in any shape: one point a GPU, for its compute share alone."""
    data = pd.read_csv(tables / "mamf_stas00.csv").query("gpu.str.startswith('AMD') and dtype_weights == 'bf16'")
    shape = data.model.str.extract(r"shape (\d+)x(\d+)x(\d+)").astype(float)
    frame = data.assign(m=shape[0], n=shape[1], k=shape[2], format="bf16", gpu=[find_gpu(name).id for name in data.gpu])
    flops = 2 * frame.m * frame.n * frame.k
    return gemm(frame.assign(seconds=flops / (frame.value * TERA)), 2.0, "mamf")


READERS: tuple[Callable[[Path], pd.DataFrame], ...] = (
    aiconfigurator_gemm,
    aiconfigurator_decode,
    aiconfigurator_prefill,
    aiconfigurator_all_reduce,
    lambda tables: gemm(profiles.products(tables), 2.0, "llmservingsim"),
    profiles.elementwise,
    profiles.attention,
    profiles.experts,
    vidur_gemm,
    llmcompass_gemm,
    llmcompass_passes,
    mamf_gemm,
)


def _known(data: pd.DataFrame) -> pd.DataFrame:
    """Rows of GPUs that the catalogue holds (it has no Intel), by our id."""
    known = {name: find_gpu(name).id for name in data.gpu.unique() if "Arc" not in name}
    return data[data.gpu.isin(known)].assign(gpu=lambda rows: rows.gpu.map(known))
