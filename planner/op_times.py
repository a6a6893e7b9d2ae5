"""How long one op takes, and what bounds it: the longest of compute, memory and link, plus its launch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.efficiency import ANY, CACHE, CACHED, EXPOSED, Range, efficiency
from planner.gpu import Gpu
from planner.ops import Op
from planner.quantities import Basis, Number
from planner.roofline import Bound, bound

LARGER = 4.0
"""Operands up to this much larger than the largest measured count as measured: shares no longer change with size."""


@dataclass(frozen=True, slots=True)
class OpTime:
    """Times of one run of an op. `total` = body + overhead, all in [s].

    basis : of the efficiencies that went in
    """

    op: Op
    compute: Number
    memory: Number
    link: Number
    overhead: Number
    basis: Basis
    valid: Range = ANY

    @property
    def body(self) -> Number:
        """The longest of the three [s]."""
        return np.maximum(np.maximum(self.compute, self.memory), self.link)

    @property
    def total(self) -> Number:
        """Of one run [s]."""
        return self.body + self.overhead

    @property
    def inside(self) -> bool:
        """Whether its rows and bytes, in every step, lie within what was measured."""
        moved = self.op.sent if self.op.kind == "all_reduce" else self.op.moved
        return within(self.op.rows, self.valid.rows) and within(moved, self.valid.moved)

    @property
    def founded(self) -> Basis:
        """The basis; no better than CALIBRATED where a measured efficiency is carried beyond what was measured."""
        return self.basis if self.inside else max(self.basis, Basis.CALIBRATED)

    @property
    def bound(self) -> Bound:
        """What takes longest in it; for ops of one step, not of many."""
        return Bound(int(bound(self.compute, self.memory, self.link, self.overhead)))


@dataclass(frozen=True, slots=True)
class Roof:
    """Rates that one kind of op reaches on a GPU; fields may be arrays over GPUs.

    compute : share · peak of the op's format [FLOP/s]
    memory : share · HBM bandwidth [B/s]
    link : share · link bandwidth [B/s]
    latency : of one launch [s]
    basis : of the shares
    tile : rows that a product works on at least [1]
    exposed : of the shorter of compute and memory, what shows beside the longer [1]
    cached : how much faster than HBM a pass is that fits in the cache [1]
    valid : rows and bytes for which all this was measured
    """

    compute: Number
    memory: Number
    link: Number
    latency: Number
    basis: Basis
    tile: Number = 1.0
    exposed: Number = 0.0
    cached: Number = 1.0
    valid: Range = ANY


def roof(op: Op, gpu: Gpu, tensor_parallel: int) -> Roof:
    """What an op's kind and format reach on a GPU.

    op : its kind and format
    gpu : whose data sheet bounds it
    tensor_parallel : GPUs of a collective [1]
    raises : UnsupportedPrecision if the GPU has no peak for the op's format
    """
    share = efficiency(op.kind, op.stored or op.format, gpu, tensor_parallel)
    return Roof(
        compute=share.compute * gpu.peak(op.format),
        memory=share.memory * gpu.bandwidth,
        link=share.link * gpu.link_bandwidth,
        latency=share.latency,
        basis=share.basis,
        tile=share.tile,
        exposed=EXPOSED.get(gpu.generation, 0.0) if op.kind == "gemm" else 0.0,
        cached=CACHED.get(gpu.compute_capability, 1.0) if op.kind == "elementwise" else 1.0,
        valid=share.valid,
    )


def op_time(op: Op, under: Roof) -> OpTime:
    """Times of one run of an op.

        compute = FLOPs / rate; memory = max(bytes / rate, compute · tile / rows); link = sent / rate
        overhead = launches · latency

    With fewer rows than a tile every weight that is streamed is still worked on by a whole tile: that, and not HBM, may
    set the pace of the stream. It counts as memory, since more rows cost nothing until the tile is full.
    Where loading and multiplying overlap in part, the longer becomes sqrt(longer² + (exposed · shorter)²).
    Of a pass that fits in the cache, only 1 / cached counts as HBM bytes.

    op : with counts of one GPU [FLOP, bytes]
    under : the roof of its kind [FLOP/s], [B/s], [s]
    """
    if np.any(under.cached > 1.0):
        op = replace(op, moved=np.where(op.moved <= CACHE, op.moved / under.cached, op.moved))
    compute, memory = op.flops / under.compute, op.moved / under.memory
    if np.any(under.tile > 1.0):
        memory = np.maximum(memory, compute * under.tile / np.maximum(op.rows, 1.0))
    if np.any(under.exposed > 0.0):
        longer = np.sqrt(np.maximum(compute, memory) ** 2 + (under.exposed * np.minimum(compute, memory)) ** 2)
        compute, memory = np.where(compute >= memory, longer, compute), np.where(compute < memory, longer, memory)
    return OpTime(
        op,
        compute=compute,
        memory=memory,
        link=op.sent / under.link,
        overhead=op.launches * under.latency,
        basis=under.basis,
        valid=under.valid,
    )


def within(values: Number, limits: tuple[float, float]) -> bool:
    """Whether all values lie from the least to LARGER times the most, but for those of ops that do not run (0).

    values : [any]
    limits : least and most that was measured [the same]
    """
    return bool(np.all((values == 0) | ((values >= limits[0]) & (values <= LARGER * limits[1]))))
