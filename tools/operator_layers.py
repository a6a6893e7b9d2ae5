"""LLMServingSim's layer profiles -> the shape of tools.operator_tables: vLLM 0.19's own layers, and an older profiler.

| metric | operator | bytes of a token, or of all |
| --- | --- | --- |
| act_fn, layernorm, rotary_emb, qk_norm, embedding | elementwise | as planner.ops counts the pass |
| sampler | sampling | SAMPLER_PASSES of the fp32 logits |
| moe | experts: router, sorting, two products, weighting | weights of the experts that were active |

The older profiler timed modules of unfused PyTorch: of it the products are used, no norm, rotary or attention.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from planner.catalogue import find_gpu
from planner.ops import SAMPLER_PASSES
from planner.quantities import MICROSECOND

SHAPES = pd.DataFrame(
    {
        "Llama-3.1-8B": (4096, 14336, 32, 8, 128256),
        "Qwen3-32B": (5120, 25600, 64, 8, 151936),
        "Qwen3-30B-A3B-Instruct-2507": (2048, 768, 32, 4, 151936),
    },
    index=["hidden", "ffn", "heads", "kv", "vocab"],
).T.astype(float)
HEAD_DIM, BYTES = 128, 2
NANOSECOND = 1e-9
OLDER = "LLMServingSim v0 profiler"
OLDER_GPUS = ("RTX 3090", "RTX A6000")
"""Its H100 is left out: the form factor is unstated, and newer tables have the GPU."""


def layers(tables: Path) -> pd.DataFrame:
    """Every layer of vLLM 0.19 with its model's widths, what ran in it, and our ids; times in [s]."""
    data = pd.read_parquet(tables / "layer_ops_llmservingsim.parquet")
    data = data[data.engine.str.startswith("vLLM") & data.model.isin(SHAPES.index)].reset_index(drop=True)
    ran = pd.DataFrame([json.loads(text[text.index("{") :]) for text in data.notes]).add_prefix("n_")
    data = pd.concat([data, ran, SHAPES.loc[data.model].reset_index(drop=True)], axis=1)
    split = data.notes.str.extract(r"^tp(\d+)")[0].astype(float)
    gpu = data.gpu.map({name: find_gpu(name).id for name in data.gpu.unique()})
    return data.assign(
        op=data.metric.str.split(":").str[1], stage=data.metric.str.split(":").str[0], split=split, gpu=gpu, gpus=1,
        format="bf16", seconds=data.value.astype(float) * MICROSECOND, source="llmservingsim",
    )  # fmt: skip


def products(tables: Path) -> pd.DataFrame:
    """m, n, k of every dense product, of the older profiler too."""
    data = layers(tables).assign(m=lambda rows: rows.n_tokens.fillna(rows.n_sequences))
    data = pd.concat([data, _older(tables)], ignore_index=True)
    heads, kv, ffn = (data[name] / data.split for name in ("heads", "kv", "ffn"))
    sides = {
        "qkv_proj": ((heads + 2 * kv) * HEAD_DIM, data.hidden),
        "q_proj": (heads * HEAD_DIM, data.hidden),
        "k_proj": (kv * HEAD_DIM, data.hidden),
        "v_proj": (kv * HEAD_DIM, data.hidden),
        "o_proj": (data.hidden, heads * HEAD_DIM),
        "gate_up_proj": (2 * ffn, data.hidden),
        "gate_proj": (ffn, data.hidden),
        "up_proj": (ffn, data.hidden),
        "down_proj": (data.hidden, ffn),
        "lm_head": (data.vocab / data.split, data.hidden),
    }
    n, k = (sum((data.op == name) * side[at] for name, side in sides.items()) for at in (0, 1))
    return data.assign(n=n, k=k)[data.op.isin(sides)]


def elementwise(tables: Path) -> pd.DataFrame:
    """Norms, activation, rotary, embedding, and the sampler, with the bytes that planner.ops counts for each."""
    data = layers(tables)
    rotary = 2 * (data.heads + data.kv) / data.split * HEAD_DIM
    width = {
        "act_fn": 3 * data.ffn / data.split,
        "layernorm": 4 * data.hidden,
        "final_layernorm": 4 * data.hidden,
        "rotary_emb": rotary,
        "qk_norm": rotary,
        "embedding": 2 * data.hidden,
    }
    widths = sum((data.op == name) * each for name, each in width.items())
    passes = data.assign(kind="elementwise", rows=data.n_tokens, flops=0.0, bytes=data.n_tokens * widths * BYTES)
    logits = data.n_sequences * data.vocab * np.dtype(np.float32).itemsize
    draws = data.assign(kind="sampling", rows=data.n_sequences, flops=0.0, bytes=SAMPLER_PASSES * logits)
    return pd.concat([passes[data.op.isin(width)], draws[data.op == "sampler"]], ignore_index=True)


def attention(tables: Path) -> pd.DataFrame:
    """Attention of decodes alone and of one prompt chunk alone."""
    data = layers(tables).query("stage == 'attention'")
    token = 2 * data.kv / data.split * HEAD_DIM * BYTES
    heads, chunk, before = data.heads / data.split, data.n_prefill_chunk, data.n_kv_prefill
    read = data.n_n_decode * data.n_kv_decode
    decode = data.assign(
        kind="attention_decode", rows=data.n_n_decode, bytes=read * token, flops=4 * read * heads * HEAD_DIM
    )
    pairs = chunk * before + chunk * (chunk + 1) / 2
    prefill = data.assign(
        kind="attention_prefill", rows=chunk, flops=4 * pairs * heads * HEAD_DIM,
        bytes=(chunk + before) * token + 2 * chunk * heads * HEAD_DIM * BYTES,
    )  # fmt: skip
    return pd.concat([decode[(chunk == 0) & (read > 0)], prefill[(chunk > 0) & (data.n_n_decode == 0)]])


def experts(tables: Path) -> pd.DataFrame:
    """A whole block of experts on one GPU: rows are tokens of an active expert, bytes are their weights."""
    data = layers(tables).query("stage == 'moe'")
    weights = 3 * data.hidden * data.ffn / data.split
    pairs = data.n_tokens * PER_TOKEN
    return data.assign(
        kind="moe_gemm", rows=pairs / data.n_activated_experts, flops=2 * pairs * weights,
        bytes=data.n_activated_experts * weights * BYTES,
    )  # fmt: skip


PER_TOKEN = 8
"""Experts that a token of Qwen3-30B-A3B picks."""


def _older(tables: Path) -> pd.DataFrame:
    data = pd.read_parquet(tables / "layer_ops_llmservingsim.parquet").query("engine == @OLDER and gpu in @OLDER_GPUS")
    shape = SHAPES.loc["Llama-3.1-8B"]
    return data.assign(
        op=data.metric.str.split(":").str[1], split=data.notes.str.extract(r"^tp(\d+)")[0].astype(float),
        gpu=data.gpu.map({name: find_gpu(name).id for name in OLDER_GPUS}), format="bf16", source="llmservingsim",
        m=data.batch_or_concurrency.astype(float), seconds=data.value.astype(float) * NANOSECOND, **shape.to_dict(),
    )  # fmt: skip
