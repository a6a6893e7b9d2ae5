"""Writes data/efficiency.yaml from tables of measured operators: `python -m tools.fit_efficiency DIR_OF_TABLES`.

Each GPU, number format and kind of op gets the few numbers of one line,

    time = max(FLOPs / (compute · peak), bytes / (memory · bandwidth)) + latency

on a grid, so that no share can leave (0, 1]. Those of GEMM are read off one by one, where each alone decides; the rest
make the median absolute logarithmic error smallest.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from planner.catalogue import find_gpu
from planner.gpu import Gpu
from planner.quantities import GIGA, MICROSECOND, MILLISECOND

SHARES = np.round(np.arange(0.20, 1.0001, 0.02), 2)
LATENCIES = np.array([0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40]) * MICROSECOND
FINE_SHARES = np.round(np.arange(0.20, 1.0001, 0.01), 2)
FINE_LATENCIES = np.arange(0, 31, 0.5) * MICROSECOND
FEW_TOKENS, MANY_TOKENS = 16, 1024
BAD_TOPOLOGY = {("l40s", 8)}
"""Measured on a host whose eight GPUs share too few links."""
WEIGHT_BYTES = {"bfloat16": 2.0, "fp8": 1.0, "nvfp4": 4.5 / 8}
FORMAT = {"bfloat16": "bf16", "fp8": "fp8", "nvfp4": "fp4"}
ENGINES = ("vllm", "sglang")


def fit(flops: Any, moved: Any, seconds: Any, peak: float, bandwidth: float) -> dict[str, float]:
    """Compute share, memory share and latency of the least median error over the grid, with that error in percent."""
    best: dict[str, float] = {"error": np.inf}
    for compute in SHARES if np.any(flops) else [1.0]:
        for memory in SHARES:
            body = np.maximum(flops / (compute * peak), moved / (memory * bandwidth))
            errors = np.median(np.abs(np.log((body[None] + LATENCIES[:, None]) / seconds[None])), axis=1)
            at = int(errors.argmin())
            if errors[at] < best["error"] - 1e-4:
                best = {"compute": compute, "memory": memory, "latency": LATENCIES[at], "error": errors[at]}
    return best


def row(gpu: Gpu, shares: Mapping[str, float], used: tuple[str, ...], points: int, **more: Any) -> dict[str, Any]:
    """One line of data/efficiency.yaml, its units in the keys."""
    numbers = {name: round(float(shares[name]), 2) for name in used}
    return {
        "gpu": gpu.id,
        **more,
        **numbers,
        "latency_us": round(float(shares["latency"]) / MICROSECOND, 1),
        "points": points,
        "median_error_percent": round(100 * float(shares["error"]), 1),
    }


def gemm_rows(tables: Path) -> list[dict[str, Any]]:
    """GEMM: m tokens, k inputs, n outputs; weights in the format, activations in and out in bf16 or the format.

    Bandwidth share: that of the largest matrices, where start and end no longer count. Latency: what matrices of layers
    take beyond it at few tokens. Compute share: of many tokens. Each is read off where it alone decides.
    """
    data = pd.read_parquet(tables / "gemm_ops.parquet")
    data = data[data.engine.isin(ENGINES) & data.dtype_weights.isin(WEIGHT_BYTES)]
    data[["m", "n", "k"]] = data.model.str.extract(r"m=(\d+) n=(\d+) k=(\d+)").astype(float)
    largest = pd.read_csv(tables / "gemm_efficiency_summary.csv").query("framework in @ENGINES")
    streams = largest.groupby(["gpu", "dtype"]).small_m_max_GBs.median()
    rows = []
    for (name, dtype), part in data.groupby(["gpu", "dtype_weights"]):
        gpu = known(str(name))
        if gpu is not None and FORMAT[str(dtype)] in gpu.peaks:
            shares = gemm_shares(gpu, str(dtype), part, streams[name, dtype] * GIGA / gpu.bandwidth)
            rows.append(row(gpu, shares, ("compute", "memory"), len(part), format=FORMAT[str(dtype)]))
    return rows


def gemm_shares(gpu: Gpu, dtype: str, part: pd.DataFrame, memory: float) -> dict[str, float]:
    """Latency of few tokens at the bandwidth share of the largest matrices, then compute share of many tokens."""
    width, tokens, seconds = WEIGHT_BYTES[dtype], part.m.to_numpy(), part.value.to_numpy() * MILLISECOND
    moved = (part.n * part.k * width + part.m * part.k * width + part.m * part.n * 2).to_numpy()
    flops, peak = (2 * part.m * part.n * part.k).to_numpy(), gpu.peaks[FORMAT[dtype]]
    stream = moved / (memory * gpu.bandwidth)
    few, many = tokens <= FEW_TOKENS, tokens >= MANY_TOKENS
    latency = best(FINE_LATENCIES, lambda value: np.mean(off(stream[few] + value, seconds[few])))

    def predicted(compute: float) -> Any:
        return np.maximum(flops / (compute * peak), stream) + latency

    compute = best(FINE_SHARES, lambda value: np.median(off(predicted(value)[many], seconds[many])))
    error = float(np.median(off(predicted(compute), seconds)))
    return {"compute": compute, "memory": memory, "latency": latency, "error": error}


def best(grid: Any, cost: Callable[[float], Any]) -> float:
    """The value of a grid at which a cost is smallest."""
    return float(min(grid, key=cost))


def off(predicted: Any, seconds: Any) -> Any:
    """Absolute logarithmic errors."""
    return np.abs(np.log(predicted / seconds))


def decode_attention_rows(tables: Path) -> list[dict[str, Any]]:
    """Decode attention: one query token a sequence reads the whole KV cache of that sequence."""
    data = pd.read_parquet(tables / "decode_attention_ops.parquet")
    data = data[data.engine.isin(ENGINES) & (data.dtype_kv == "bfloat16")]
    data[["kv", "hd"]] = data.model.str.extract(r"kv=(\d+) hd=(\d+)").astype(float)
    rows = []
    for name, part in data.groupby("gpu"):
        if gpu := known(str(name)):
            moved = part.batch_or_concurrency * part.input_len * 2 * part.kv * part.hd * 2
            shares = fit(*numbers(0 * moved, moved, part.value), 1.0, gpu.bandwidth)
            rows.append(row(gpu, shares, ("memory",), len(part)))
    return rows


def prefill_attention_rows(tables: Path) -> list[dict[str, Any]]:
    """Causal prefill attention: half of the square of the prompt, two GEMMs a head."""
    data = pd.read_parquet(tables / "prefill_attention_ops.parquet")
    data = data[data.engine.isin(ENGINES) & (data.dtype_weights == "bfloat16")]
    data[["heads", "hd"]] = data.model.str.extract(r"heads=(\d+) kv=\d+ hd=(\d+)").astype(float)
    rows = []
    for name, part in data.groupby("gpu"):
        if gpu := known(str(name)):
            flops = 2 * part.batch_or_concurrency * part.input_len**2 * part.heads * part.hd
            shares = fit(*numbers(flops, 0 * flops, part.value), gpu.peaks["bf16"], gpu.bandwidth)
            rows.append(row(gpu, shares, ("compute",), len(part)))
    return rows


def all_reduce_rows(tables: Path) -> list[dict[str, Any]]:
    """All-reduce: 2 (n - 1) / n of the message over each GPU's link; the fastest implementation at each size."""
    data = pd.read_parquet(tables / "comm_ops.parquet")
    data = data[(data.model == "all_reduce") & data.n_gpus.isin([2, 4, 8]) & (data.input_len <= 2**25)]
    data = data[data.engine.str.contains("nccl:|vLLM_custom_graph|SGLang_CustomAllReduce_graph")]
    data = data.groupby(["gpu", "n_gpus", "input_len"], as_index=False).value.min()
    rows = []
    for (name, gpus), part in data.groupby(["gpu", "n_gpus"]):
        gpu = known(str(name))
        if gpu is not None and (gpu.id, int(gpus)) not in BAD_TOPOLOGY:
            moved = 2 * (int(gpus) - 1) / int(gpus) * part.input_len * 2
            shares = fit(*numbers(0 * moved, moved, part.value), 1.0, gpu.link_bandwidth)
            shares["link"] = shares["memory"]
            rows.append(row(gpu, shares, ("link",), len(part), gpus=int(gpus)))
    return rows


def known(name: str) -> Gpu | None:
    """The catalogue's GPU of a table's GPU name; None for those that the catalogue does not hold (Intel)."""
    return None if "Arc" in name else find_gpu(name)


def numbers(flops: Any, moved: Any, milliseconds: Any) -> tuple[Any, Any, Any]:
    """Plain arrays in FLOP, bytes and seconds."""
    return (np.asarray(flops, float), np.asarray(moved, float), np.asarray(milliseconds, float) * MILLISECOND)


KINDS: Mapping[str, Callable[[Path], list[dict[str, Any]]]] = {
    "gemm": gemm_rows,
    "attention_decode": decode_attention_rows,
    "attention_prefill": prefill_attention_rows,
    "all_reduce": all_reduce_rows,
}


def main() -> None:
    """Fit every kind and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, help="folder of gemm_ops.parquet, decode_attention_ops.parquet, ...")
    parser.add_argument("--out", type=Path, default=Path("data/efficiency.yaml"))
    arguments = parser.parse_args()
    fitted = {kind: rows(arguments.tables) for kind, rows in KINDS.items()}
    head = "# Written by `python -m tools.fit_efficiency`. Shares are of the dense peak, HBM or link bandwidth.\n"
    head += (
        "# Source: single operators measured in vLLM and SGLang containers, aiconfigurator-core 0.12.0 (Apache-2.0).\n"
    )
    arguments.out.write_text(head + yaml.safe_dump(fitted, sort_keys=False, default_flow_style=None, width=140))


if __name__ == "__main__":
    main()
