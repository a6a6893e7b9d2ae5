"""What share of a roof real kernels reach, from measured operators (data/efficiency.yaml), and how well founded.

    time = max(FLOPs / (compute · peak), bytes / (memory · bandwidth), sent / (link · link bandwidth)) + latency

A GPU without measurements takes the mean of its generation, then of the nearest generation, and the basis says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from planner.catalogue import gpus, read_yaml
from planner.gpu import Gpu
from planner.quantities import MICROSECOND, Basis

Rows = list[Mapping[str, Any]]
NEAREST = {
    "volta": "ampere",
    "turing": "ampere",
    "ada": "ampere",
    "hopper": "ampere",
    "cdna2": "ampere",
    "cdna3": "hopper",
    "cdna4": "hopper",
    "blackwell": "hopper",
    "ampere": "hopper",
}
GRAPH_LAUNCH = 2 * MICROSECOND
"""From the end of a small kernel to the start of the next inside a CUDA graph."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Shares of three roofs, each in (0, 1], and the latency of one run.

    compute : of the format's dense peak [1]
    memory : of HBM bandwidth [1]
    link : of the link's bandwidth in one direction [1]
    latency : ramp-up, tail and launch of one kernel [s]
    basis : MEASURED on this GPU; CALIBRATED on its generation; ASSUMED beyond
    """

    compute: float = 1.0
    memory: float = 1.0
    link: float = 1.0
    latency: float = GRAPH_LAUNCH
    basis: Basis = Basis.ASSUMED


PRIOR: Mapping[str, Efficiency] = {
    "elementwise": Efficiency(memory=0.7),
    "moe_routing": Efficiency(memory=0.5, latency=4 * MICROSECOND),
    "state": Efficiency(compute=0.3, memory=0.6, latency=6 * MICROSECOND),
    "sampling": Efficiency(memory=0.6, latency=6 * MICROSECOND),
}
"""Kinds without an operator table: bounded guesses, marked as assumed."""

SHARE_OF_GEMM = {"moe_gemm": (0.8, 0.8), "moe_gemm_unpacked": (0.25, 0.8)}
"""Grouped GEMMs reach less than plain ones of the same format (of their compute, of their memory share): tiles are
filled expert by expert. Where weights are unpacked to 16 bits on the fly, that work takes most of the compute rate."""


@lru_cache(maxsize=4096)
def efficiency(kind: str, number_format: str, gpu: Gpu, gpus_sharing: int = 1) -> Efficiency:
    """Efficiency of a kind of op in a format on a GPU.

    kind : Op.kind
    number_format : of the product ("bf16", "fp8", ...); other kinds ignore it
    gpus_sharing : GPUs of a collective [1]
    """
    if kind in PRIOR:
        return PRIOR[kind]
    if kind in SHARE_OF_GEMM:
        whole = efficiency("gemm", number_format, gpu)
        compute, memory = SHARE_OF_GEMM[kind]
        return Efficiency(whole.compute * compute, whole.memory * memory, 1.0, whole.latency, Basis.ASSUMED)
    rows = _table()[kind]
    if kind == "gemm":
        rows = [row for row in rows if row["format"] == _measured_format(number_format)] or rows
    if kind == "all_reduce":
        rows = _of_size(rows, gpus_sharing)
    return _nearest_rows(rows, gpu)


def _of_size(rows: Rows, gpus_sharing: int) -> Rows:
    """Each GPU's row of the group size nearest to the one asked."""
    nearest: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: -abs(math.log2(row["gpus"] / gpus_sharing))):
        nearest[row["gpu"]] = row
    return list(nearest.values())


def _nearest_rows(rows: Rows, gpu: Gpu) -> Efficiency:
    own = [row for row in rows if row["gpu"] == gpu.id]
    if own:
        return _mean(own, Basis.MEASURED)
    generation = gpu.generation
    for _ in range(len(NEAREST)):
        alike = [row for row in rows if gpus()[row["gpu"]].generation == generation]
        if alike:
            return _mean(alike, Basis.CALIBRATED if generation == gpu.generation else Basis.ASSUMED)
        generation = NEAREST[generation]
    return _mean(rows, Basis.ASSUMED)


def _mean(rows: Rows, basis: Basis) -> Efficiency:
    def mean(key: str) -> float:
        return float(sum(row.get(key, 1.0) for row in rows) / len(rows))

    return Efficiency(mean("compute"), mean("memory"), mean("link"), mean("latency_us") * MICROSECOND, basis)


def _measured_format(number_format: str) -> str:
    return {"fp16": "bf16", "tf32": "bf16", "fp32": "bf16", "int8": "fp8"}.get(number_format, number_format)


@cache
def _table() -> Mapping[str, list[Mapping[str, Any]]]:
    table: Mapping[str, list[Mapping[str, Any]]] = read_yaml("efficiency.yaml")
    return table
