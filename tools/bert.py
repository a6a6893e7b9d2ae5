"""FasterTransformer's BERT prefill on T4, V100, A10 and A100: what these GPUs' products reach beside an A100's.

The encoder is narrow (768) and its kernels are not vLLM's, so its times give no shares of their own. But the same code
on an A100, whose shares are measured, tells how the others compare:

    compute(GPU) = compute(A100, measured) · rate(GPU) / rate(A100),   rate = FLOPs of the products / (time · peak)

Left out: fp32 (no scheme), and BERT-6B, whose padding was removed (its own table says so); its ratios over GPUs count.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from planner.catalogue import find_gpu
from planner.forward import forward
from planner.latency import step_time
from planner.model import Attention, DenseFfn, Layer, Model
from planner.ops import Op
from planner.quantities import MILLISECOND, Source
from planner.scenario import Scenario, Workload, scenario
from planner.step import Step, prefill_step
from tools.accuracy_cases import Case

TABLE = "fastertransformer_bert_prefill.csv"
GPUS = {
    "T4": "t4",
    "V100 SXM2 16GB (DGX-1)": "v100-sxm",
    "A10": "a10",
    "A100 (clocks 1410/1593)": "a100-sxm-80gb",
    "A100 SXM 80GB": "a100-sxm-80gb",
}
REFERENCE = "a100-sxm-80gb"
MANY_TOKENS = 3072
SHAPES = {"BERT-base": (12, 768, 12), "BERT-6B": (32, 4096, 32)}
"""Layers, width, heads; the feed-forward network is four times as wide and not gated."""


def encoder(name: str) -> Model:
    """BERT without embedding and head: a table of two rows stands in for them."""
    layers, hidden, heads = SHAPES[name]
    attention = Attention(heads, heads, hidden // heads, hidden // heads)
    stack = (Layer(layers, attention, DenseFfn(4 * hidden, gated=False)),)
    return Model(name, "bert", hidden, 2, True, 4096, stack, Source("NVIDIA/FasterTransformer, docs/bert_guide.md"))


def question(name: str, gpu: str, gpus: int, batch: float, tokens: float) -> tuple[Scenario, Step]:
    """One batch of whole prompts."""
    load = Workload(tokens, 1, concurrency=batch, mode="batch")
    return scenario(encoder(name), find_gpu(gpu), load, tensor_parallel=gpus), prefill_step(batch, tokens)


def milliseconds(*asked: Any) -> float:
    """Of the GPU; the host has no part in it."""
    return float(step_time(*question(*asked)).gpu) / MILLISECOND


def bert_rows(folder: Path) -> pd.DataFrame:
    """The table with our GPU ids; the rows of the pipeline-parallel runs left out."""
    data = pd.read_csv(folder / TABLE)
    data = data[~data.notes.str.contains("PP2")]
    return data.assign(
        id=data.gpu.map(GPUS), name=data.model.str.split(" ").str[0], batch=data.batch_or_concurrency.astype(float),
        tokens=data.input_len.astype(float), gpus=data.n_gpus, ms=data.value.astype(float),
    )  # fmt: skip


def bert_cases(folder: Path) -> Iterator[Case]:
    """Latencies in fp16 on one GPU, and how many times as fast two and four GPUs are as one."""
    data = bert_rows(folder)
    for row in data[data.name == "BERT-base"].itertuples():
        told = row.dtype_weights == "FP16"
        time = milliseconds("BERT-base", row.id, 1, row.batch, row.tokens) if told else None
        yield Case("BERT prefill ms", row.gpu, row.name, _load(row), row.ms, time, "" if told else "fp32 has no scheme")
    whole = data[data.name == "BERT-6B"]
    alone = whole[whole.gpus == 1].groupby(["batch", "tokens"]).ms.median()
    for row in whole[whole.gpus > 1].itertuples():
        one, several = (milliseconds("BERT-6B", row.id, gpus, row.batch, row.tokens) for gpus in (1, row.gpus))
        measured = float(alone[row.batch, row.tokens]) / row.ms
        yield Case("BERT prefill TP speedup", row.gpu, row.name, _load(row), measured, one / several)


def gemm_rows(folder: Path, of_reference: float) -> Iterator[dict[str, Any]]:
    """Rows of data/efficiency.yaml: the compute share of 16-bit products on T4, V100 and A10.

    folder : of the table
    of_reference : the A100's share, from a table of products [1]
    """
    data = bert_rows(folder)
    data = data[(data.dtype_weights == "FP16") & (data.name == "BERT-base") & (data.batch * data.tokens >= MANY_TOKENS)]
    rates = {gpu: statistics.median(_rate(row) for row in part.itertuples()) for gpu, part in data.groupby("id")}
    for gpu, part in data.groupby("id"):
        if gpu != REFERENCE:
            found = [op for row in part.itertuples() for op in _products(row)]
            yield {
                "gpu": gpu,
                "format": "bf16",
                "compute": round(of_reference * rates[gpu] / rates[REFERENCE], 2),
                "bytes": [float(f"{end(op.moved for op in found):.3g}") for end in (min, max)],
                "rows": [float(end(op.rows for op in found)) for end in (min, max)],
                "points": len(part),
            }


def _products(row: Any) -> list[Op]:
    ops = forward(*question("BERT-base", row.id, 1, row.batch, row.tokens))
    return [op for op in ops if op.kind == "gemm" and op.name != "lm_head"]


def _rate(row: Any) -> float:
    """FLOPs of the products over time and peak [1]."""
    flops = sum(float(op.flops * op.count) for op in _products(row))
    return flops / (row.ms * MILLISECOND) / find_gpu(row.id).peak("fp16")


def _load(row: Any) -> str:
    return f"TP {row.gpus}, {row.batch:g} x {row.tokens:g} tokens"
