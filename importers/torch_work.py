"""What each kernel of a PyTorch trace does, and the FLOPs of the op that launched it, told by the op's shapes.

    FLOPs of an op go to one of its kernels: the longest of those whose class does the op's work, else the longest

| of a kernel           | here                                                                        |
| --------------------- | --------------------------------------------------------------------------- |
| name                  | `kinds`, by its code (importers/kernels.py)                                 |
| op and its inputs     | `signature` -> `op_names`, `shapes`                                         |
| FLOPs                 | `flops`: nan where its op's are unknown, or went to another kernel          |
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from importers.files import clean_text
from importers.kernels import classify
from importers.short_names import LONGEST_NAME
from importers.torch_events import KERNEL, NONE, OP
from importers.torch_flops import flops, kind_of, shapes_of, shapes_text, values_of
from importers.torch_links import Links, links
from importers.torch_rows import Ints, Rows
from planner.measured import KernelSample
from planner.quantities import GIGA

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """Of each kernel of a trace.

    kinds : by code of the name
    signature : of its op; NONE without one
    op_names, shapes : by code of the signature
    flops : [FLOP]; nan if unknown
    """

    links: Links
    kinds: list[str]
    signature: Ints
    op_names: list[str]
    shapes: list[str]
    flops: Floats


def work(rows: Rows) -> Work:
    """Links every kernel to its op, and counts."""
    launch = links(rows)
    used = set(np.unique(rows.column(KERNEL, "name")).tolist())
    kinds = [classify(_clean(name)) if code in used else "" for code, name in enumerate(rows.names.values)]
    signature = _of_op(rows.column(OP, "signature"), launch.op)
    known = set(np.unique(signature).tolist())
    op_names, shapes, amounts, wanted = list[str](), list[str](), list[float](), list[str]()
    names = rows.names.values
    for code, (name, dims, types, values) in enumerate(rows.signatures.values):
        told = shapes_of(dims) if code in known else []
        amount = flops(names[name], told, values_of(values)) if code in known else None
        op_names.append(clean_text(names[name]))
        shapes.append(shapes_text(told, types) if code in known else "")
        amounts.append(np.nan if amount is None else amount)
        wanted.append(kind_of(names[name]) or "")
    carried = _carried(rows, launch.op, signature, np.array(amounts), wanted, kinds)
    return Work(launch, kinds, signature, op_names, shapes, carried)


def samples(rows: Rows, done: Work) -> tuple[KernelSample, ...]:
    """All launches of each kernel on each device, longest first; FLOPs where every launch has them."""
    names, device = rows.column(KERNEL, "name"), rows.column(KERNEL, "device")
    lasted = rows.column(KERNEL, "ns")
    merged: dict[tuple[str, str, int], list[float]] = defaultdict(lambda: [0, 0, 0.0])
    order = np.lexsort((device, names))
    changes = np.flatnonzero((np.diff(names[order]) != 0) | (np.diff(device[order]) != 0)) + 1
    for group in np.split(order, changes) if len(order) else []:
        code = int(names[group[0]])
        total = merged[_clean(rows.names.values[code]), done.kinds[code], int(device[group[0]])]
        total[0] += len(group)
        total[1] += int(lasted[group].sum())
        total[2] += float(done.flops[group].sum())
    ordered = sorted(merged.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(
        KernelSample(name, kind, where, int(count), ns / GIGA, None if np.isnan(amount) else amount)
        for (name, kind, where), (count, ns, amount) in ordered
    )


def _carried(
    rows: Rows, op: Ints, signature: Ints, amounts: Floats, wanted: list[str], kinds: list[str]
) -> Floats:  # fmt: skip
    """FLOPs of each kernel: those of its op for the one that does the op's work, else nan."""
    carried = np.full(len(op), np.nan)
    if not len(amounts):
        return carried
    names = rows.column(KERNEL, "name")
    linked = np.flatnonzero(op != NONE)
    linked = linked[~np.isnan(amounts[signature[linked]])]
    fits = np.array(
        [_does(kinds[name], wanted[code]) for name, code in zip(names[linked], signature[linked], strict=True)], bool
    )
    order = np.lexsort((-rows.column(KERNEL, "ns")[linked], ~fits, op[linked]))
    first = np.diff(op[linked][order], prepend=NONE) != 0
    chosen = linked[order][first]
    carried[chosen] = amounts[signature[chosen]]
    return carried


def _does(kind: str, wanted: str) -> bool:
    return bool(wanted) and kind.startswith(wanted)


def _of_op(signature: Ints, op: Ints) -> Ints:
    return np.where(op == NONE, NONE, signature[op]) if len(signature) else np.full(len(op), NONE, np.int64)


def _clean(name: str) -> str:
    return clean_text(name, LONGEST_NAME)
