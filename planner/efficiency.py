"""What share of a roof real kernels reach, from measured operators (data/efficiency.yaml), and how well founded.

    time = max(FLOPs / (compute · peak), bytes / (memory · bandwidth), sent / (link · link bandwidth)) + latency

A GPU without measurements takes the mean of those with its compute capability, then of its generation, then of the
nearest generation of its vendor, then of NVIDIA's; the basis says so. Each figure holds
for the rows and bytes that were measured (`Range`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
FABRIC = 100e9
"""Links from here on are NVLink or the like, below PCIe, whose collectives take three times as long to start [B/s]."""
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

TILE = 16.0
"""Rows of a tensor-core fragment (mma.m16n8k16): an expert with one token costs as much arithmetic as one with sixteen,
and so does a product whose weights are widened on the way."""
EXPOSED: Mapping[str, float] = {"ampere": 1.0}
"""Of the shorter of loading and multiplying, what shows beside the longer in a plain product, added in squares:
Ampere's warps load and multiply in turn, later generations copy asynchronously. 33 products of 128-512 tokens on an
A100 took 17-29 % longer than the longer alone, on L40S and H100 0-15 % (operator tables)."""
CACHE = 32e6
"""Bytes of a pass over activations that stay in the cache between the op that writes them and the one that reads them:
the smallest cache of CACHED's GPUs (L4, 48 MB) with room for what streams by [bytes]."""
CACHED: Mapping[str, float] = {"8.9": 2.3, "12.0": 2.3}
"""Compute capability -> how much faster than HBM such a pass is. Those GPUs have large caches beside GDDR: 22 passes of
4-72 MB on an RTX 4090 and 127 on an RTX PRO 6000 grow by 2.3 and 2.4 times HBM's rate (layer_ops_llmservingsim). GPUs
with HBM were not measured and stay at 1."""
UNPACKED, UNPACKED_FULL_RATE = 0.25, 0.41
"""Of the compute rate of plain products, where four-bit weights are widened to 16 bits on the way: that work takes most
of it. Fitted to gpt-oss on H200. Such kernels (Marlin) use Ampere's matrix instruction, which on Hopper gives 63 % of
the peak (arXiv 2402.13499) and on Ampere, Ada and RTX Blackwell all of it: 0.25 · 0.81 / 0.63 = 0.32 of that peak, 0.41
of what plain products reach there. Turing has no Marlin: 0.25, as its load tests show."""
FULL_RATE = ("8.0", "8.6", "8.9", "12.0")


@lru_cache(maxsize=4096)
def efficiency(kind: str, number_format: str, gpu: Gpu, gpus_sharing: int = 1) -> Efficiency:
    """Efficiency of a kind of op in a format on a GPU.

    kind : Op.kind
    number_format : of the product, or of the KV cache that attention reads; other kinds ignore it
    gpus_sharing : GPUs of a collective [1]
    """
    if kind in PRIOR:
        return PRIOR[kind]
    if "gemm" in kind and kind != "gemm":
        plain = efficiency("gemm", number_format, gpu)
        grouped = _experts(plain, gpu) if kind.startswith("moe") else plain
        return _widened(grouped, plain, gpu) if kind.endswith("unpacked") else grouped
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
        rows = _of_size(_of_link(rows, gpu), gpus_sharing)
    return _mean(rows, gpu)


def _experts(plain: Efficiency, gpu: Gpu) -> Efficiency:
    """Grouped products, as shares of plain ones of the same format."""
    ratio = of_rows(_table()["moe_gemm"], "moe_gemm", "", gpu)
    compute, memory = plain.compute * ratio.compute, plain.memory * ratio.memory
    return Efficiency(compute, memory, 1.0, plain.latency, TILE, max(plain.basis, ratio.basis), ratio.valid)


def _widened(product: Efficiency, plain: Efficiency, gpu: Gpu) -> Efficiency:
    """Products of weights that are widened on the way."""
    share = UNPACKED_FULL_RATE if gpu.compute_capability in FULL_RATE else UNPACKED
    return replace(product, compute=plain.compute * share, tile=TILE, basis=Basis.ASSUMED)


def _of_format(rows: Rows, number_format: str, gpu: Gpu) -> Rows:
    """Those of a format; where the GPU's vendor has none, its rows of any format, before another vendor's."""
    right = [row for row in rows if row["format"] == number_format]
    own = [row for row in rows if gpus()[row["gpu"]].vendor == gpu.vendor]
    return right + ([] if any(row in right for row in own) else own) or rows


def _of_link(rows: Rows, gpu: Gpu) -> Rows:
    """Those of GPUs that are linked alike: over PCIe, or by a fabric of their own."""
    slow = gpu.link_bandwidth < FABRIC
    return [row for row in rows if (gpus()[row["gpu"]].link_bandwidth < FABRIC) == slow] or rows


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
