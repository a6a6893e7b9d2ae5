"""What share of a roof real kernels reach, from measured operators (data/efficiency.yaml), and how well founded.

    time = max(FLOPs / (compute · peak), bytes / (memory · bandwidth), sent / (link · link bandwidth)) + latency

A GPU without measurements takes the mean of those with its compute capability, then of its generation, then of the
nearest generation of its vendor, then of NVIDIA's; the basis says so. Each figure holds
for the rows and bytes that were measured (`Range`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from planner.catalogue import gpus, read_yaml
from planner.gpu import Gpu
from planner.quantities import MICROSECOND, Basis

Rows = list[Mapping[str, Any]]
NEAREST: Mapping[str, tuple[str, ...]] = {
    "volta": ("turing", "ampere", "hopper"),
    "turing": ("volta", "ampere", "hopper"),
    "ampere": ("hopper", "ada"),
    "ada": ("ampere", "hopper"),
    "hopper": ("ampere", "blackwell"),
    "blackwell": ("hopper", "ada"),
    "cdna2": ("cdna3", "cdna4", "hopper"),
    "cdna3": ("cdna2", "cdna4", "hopper"),
    "cdna4": ("cdna3", "cdna2", "hopper"),
}
"""Whose rows stand in where a generation has none, nearest first."""
GRAPH_LAUNCH = 2 * MICROSECOND
"""From the end of a small kernel to the start of the next inside a CUDA graph."""
BY_FORMAT = {
    "gemm": {"fp16": "bf16", "tf32": "bf16", "fp32": "bf16", "int8": "fp8"},
    "attention_decode": {"fp16": "bf16", "fp4": "fp8"},
}
"""Kinds whose rows are of one number format each, and formats that take another's rows; 16 bits are called bf16."""


class Range(NamedTuple):
    """From the least to the most that was measured.

    rows : tokens at once [tokens]
    moved : bytes moved, or sent in a collective [bytes]
    """

    rows: tuple[float, float] = (0.0, math.inf)
    moved: tuple[float, float] = (0.0, math.inf)


ANY = Range()


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Shares of three roofs, each in (0, 1], and the latency of one run.

    compute : of the format's dense peak [1]
    memory : of HBM bandwidth [1]
    link : of the link's bandwidth in one direction [1]
    latency : ramp-up, tail and launch of one kernel [s]
    tile : rows that a product works on at least, filled or not [1]
    basis : MEASURED on this GPU; CALIBRATED on its generation; ASSUMED beyond
    valid : what was measured; of several GPUs what all of them have in common
    """

    compute: float = 1.0
    memory: float = 1.0
    link: float = 1.0
    latency: float = GRAPH_LAUNCH
    tile: float = 1.0
    basis: Basis = Basis.ASSUMED
    valid: Range = ANY


PRIOR: Mapping[str, Efficiency] = {
    "moe_routing": Efficiency(memory=0.5, latency=4 * MICROSECOND),
    "state": Efficiency(compute=0.3, memory=0.6, latency=6 * MICROSECOND),
}
"""Kinds without an operator table: bounded guesses, marked as assumed."""

EXPERT_TILE = 16.0
"""Rows of a tensor-core fragment (mma.m16n8k16): an expert with one token costs as much as one with sixteen."""
UNPACKED = 0.25
"""Of the compute rate, where weights of fewer bits are widened to 16 on the way: that work takes most of it. Fitted to
gpt-oss on H200."""


@lru_cache(maxsize=4096)
def efficiency(kind: str, number_format: str, gpu: Gpu, gpus_sharing: int = 1) -> Efficiency:
    """Efficiency of a kind of op in a format on a GPU.

    kind : Op.kind
    number_format : of the product, or of the KV cache that attention reads; other kinds ignore it
    gpus_sharing : GPUs of a collective [1]
    """
    if kind in PRIOR:
        return PRIOR[kind]
    if kind.startswith("moe_gemm"):
        return _experts(kind, efficiency("gemm", number_format, gpu), gpu)
    return of_rows(_table()[kind], kind, number_format, gpu, gpus_sharing)


def of_rows(rows: Rows, kind: str, number_format: str, gpu: Gpu, gpus_sharing: int = 1) -> Efficiency:
    """What a GPU reaches as far as these rows of the file tell: its own, else those nearest to it.

    rows : of one kind
    kind, number_format, gpu : as in `efficiency`
    gpus_sharing : GPUs of a collective [1]
    """
    if kind in BY_FORMAT:
        rows = _of_format(rows, BY_FORMAT[kind].get(number_format, number_format), gpu)
    if kind == "all_reduce":
        rows = _of_size(rows, gpus_sharing)
    return _mean(rows, gpu)


def _experts(kind: str, plain: Efficiency, gpu: Gpu) -> Efficiency:
    """Grouped products, as shares of plain ones of the same format."""
    ratio = of_rows(_table()["moe_gemm"], "moe_gemm", "", gpu)
    widened = UNPACKED if kind == "moe_gemm_unpacked" else ratio.compute
    basis = max(ratio.basis, plain.basis, Basis.ASSUMED if kind == "moe_gemm_unpacked" else ratio.basis)
    compute, memory = plain.compute * widened, plain.memory * ratio.memory
    return Efficiency(compute, memory, 1.0, plain.latency, EXPERT_TILE, basis, ratio.valid)


def _of_format(rows: Rows, number_format: str, gpu: Gpu) -> Rows:
    """Those of a format; where the GPU's vendor has none, its rows of any format, before another vendor's."""
    right = [row for row in rows if row["format"] == number_format]
    own = [row for row in rows if gpus()[row["gpu"]].vendor == gpu.vendor]
    return right + ([] if any(row in right for row in own) else own) or rows


def _of_size(rows: Rows, gpus_sharing: int) -> Rows:
    """Each GPU's row of the group size nearest to the one asked."""
    nearest: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: -abs(math.log2(row["gpus"] / gpus_sharing))):
        nearest[row["gpu"]] = row
    return list(nearest.values())


def _mean(rows: Rows, gpu: Gpu) -> Efficiency:
    """Each figure from the nearest rows that have it; the basis of the worst of them."""
    known = [name for name in ("compute", "memory", "link", "latency_us") if any(name in row for row in rows)]
    near = {name: _nearest([row for row in rows if name in row], gpu) for name in known}
    figures = {name: float(sum(row[name] for row in part) / len(part)) for name, (part, _) in near.items()}
    return Efficiency(
        compute=figures.get("compute", 1.0),
        memory=figures.get("memory", 1.0),
        link=figures.get("link", 1.0),
        latency=figures["latency_us"] * MICROSECOND if "latency_us" in figures else GRAPH_LAUNCH,
        basis=max(basis for _, basis in near.values()),
        valid=_common([row for part, _ in near.values() for row in part]),
    )


def _nearest(rows: Rows, gpu: Gpu) -> tuple[Rows, Basis]:
    if own := [row for row in rows if row["gpu"] == gpu.id]:
        return own, Basis.MEASURED
    others = [(row, gpus()[row["gpu"]]) for row in rows]
    if alike := [row for row, other in others if other.compute_capability == gpu.compute_capability]:
        return alike, Basis.CALIBRATED
    for generation in (gpu.generation, *NEAREST[gpu.generation]):
        if alike := [row for row, other in others if other.generation == generation]:
            return alike, Basis.CALIBRATED if generation == gpu.generation else Basis.ASSUMED
    return rows, Basis.ASSUMED


def _common(rows: Rows) -> Range:
    def shared(name: str) -> tuple[float, float]:
        known = [row[name] for row in rows if name in row]
        return (max(low for low, _ in known), min(high for _, high in known)) if known else (0.0, math.inf)

    return Range(shared("rows"), shared("bytes"))


@cache
def _table() -> Mapping[str, Rows]:
    table: Mapping[str, Rows] = read_yaml("efficiency.yaml")
    return table
