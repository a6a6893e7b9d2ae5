"""What one launch did, from its counters, as NVIDIA's own roofline sections compute it.

| ours        | from, the first that was collected                                                                |
| ----------- | ------------------------------------------------------------------------------------------------- |
| seconds     | gpu__time_duration; cycles / frequency                                                            |
| FLOPs       | add + mul + 2 fma thread instructions of fp32, fp64, fp16, and operations of the tensor cores     |
| a counter   | its .sum; its .sum.per_cycle_elapsed x cycles a second x seconds                                  |
| DRAM bytes  | dram__bytes; read + write; bytes a second x seconds; 32 x sectors; share of peak x peak x seconds |
| peak        | memory clock x bytes a cycle, the latter from the file or 2 x bus width / 8                       |

Sections SpeedOfLight_RooflineChart and SpeedOfLight_Hierarchical{Half,Tensor}RooflineChart of Nsight Compute 2024.2.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from importers.kernels import OTHER
from importers.ncu_metrics import (
    BUS_BITS,
    CYCLE_RATE,
    CYCLES,
    DRAM,
    DRAM_PER_CYCLE,
    DRAM_RATE,
    DURATION,
    MEMORY_KHZ,
    PER_CYCLE,
    PER_SECOND,
    READ,
    SECTORS_READ,
    SECTORS_WRITTEN,
    SHARES,
    SM_RATES,
    TENSOR_ACTIVITY,
    TENSOR_OPS,
    WRITTEN,
    Counters,
)
from planner.quantities import BITS_PER_BYTE, PERCENT

FORMATS = {"f": "fp32", "d": "fp64", "h": "fp16"}
SECTOR = 32
"""Bytes of a DRAM sector."""
KILO = 1e3
DERIVED = "derived: share of peak x memory clock x bus width x duration"
BUSY = "unknown: tensor cores were busy, their operations were not collected"
MATRIX_KINDS = ("gemm", "moe", "attention")
"""Kinds of kernel that multiply matrices, by how their name begins. In others, cycles of the tensor pipe are its
half-precision instructions: on several chips the same unit executes them."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An amount and where it came from; no amount: why not, or None if nothing of it was collected.

    whole : nothing that the kernel may have done was left uncounted
    """

    amount: float | None = None
    source: str | None = None
    whole: bool = True


def seconds(counters: Counters) -> float | None:
    """How long a launch took [s]."""
    told = counters(DURATION)
    if told is not None:
        return told
    cycles, rate = counters(CYCLES), counters(CYCLE_RATE)
    return cycles / rate if cycles is not None and rate else None


def flops(counters: Counters, kind: str, duration: float | None) -> Counted:
    """Floating-point operations of a launch [FLOP], integer operations of the tensor cores included.

    kind : what the kernel does (importers/kernels.py)
    duration : [s]
    """
    cycles = _product(counters.any_of(SM_RATES), duration)
    parts = {FORMATS[letter]: _instructions(counters, letter, cycles) for letter in FORMATS}
    cores = {name: count for name, count in parts.items() if count is not None}
    tensor = _tensor(counters, cycles)
    if tensor is None and not cores:
        return Counted(None, None, False)
    matrices, busy = kind.startswith(MATRIX_KINDS), _tensor_busy(counters)
    if tensor is None and busy and (matrices or kind == OTHER):
        return Counted(None, BUSY, False)
    whole = (bool(cores) or matrices) and (tensor is not None or busy is not None or not matrices)
    named = [f"{', '.join(cores)} instructions"] if cores else []
    named += ["tensor operations"] if tensor is not None else ["tensor cores not collected"] if busy is None else []
    return Counted(sum(cores.values()) + (tensor or 0.0), " + ".join(named), whole)


def dram_bytes(counters: Counters, duration: float | None) -> Counted:
    """Bytes between DRAM and the chip [bytes].

    duration : [s]
    """
    sectors = counters.sum_of(SECTORS_READ, SECTORS_WRITTEN)
    rate = counters(DRAM + PER_SECOND)
    both = counters.sum_of(READ + PER_SECOND, WRITTEN + PER_SECOND)
    share = counters.any_of(SHARES)
    used = _product(share, peak_bandwidth(counters))
    candidates = {
        "dram__bytes": counters(DRAM),
        "dram__bytes_read + dram__bytes_write": counters.sum_of(READ, WRITTEN),
        "dram__bytes per second x duration": _product(both if rate is None else rate, duration),
        "dram__sectors x 32": None if sectors is None else sectors * SECTOR,
        DERIVED: _product(None if used is None else used * PERCENT, duration),
    }
    return next((Counted(amount, source) for source, amount in candidates.items() if amount is not None), Counted())


def peak_bandwidth(counters: Counters) -> float | None:
    """What DRAM could carry at the clock it ran at, or else at its highest [B/s]."""
    khz, bits = counters(MEMORY_KHZ), counters(BUS_BITS)
    clock = counters(DRAM_RATE) or (khz * KILO if khz else None)
    per_cycle = counters(DRAM_PER_CYCLE) or (2 * bits / BITS_PER_BYTE if bits else None)
    return _product(clock, per_cycle)


def _instructions(counters: Counters, letter: str, cycles: float | None) -> float | None:
    """FLOPs of one number format on the CUDA cores; None if one of its three counters is missing."""
    add, mul, fma = (_counted(counters, f"{letter}{what}", cycles) for what in ("add", "mul", "fma"))
    if fma is None:
        twice = counters(f"derived__smsp__sass_thread_inst_executed_op_{letter}fma_pred_on_x2")
        fma = _product(twice, cycles, 0.5)
    return None if add is None or mul is None or fma is None else add + mul + 2 * fma


def _counted(counters: Counters, operation: str, cycles: float | None) -> float | None:
    stems = [f"{unit}__sass_thread_inst_executed_op_{operation}_pred_on.sum" for unit in ("smsp", "sm")]
    total = counters.any_of(stems)
    return _product(counters.any_of(stem + PER_CYCLE for stem in stems), cycles) if total is None else total


def _tensor(counters: Counters, cycles: float | None) -> float | None:
    """Operations of the tensor cores, each once: a metric for a whole source format hides those for its parts."""
    stems = {match["stem"]: match for match in counters.matching(TENSOR_OPS)}
    without_op = {match["src"] for match in stems.values() if not match["op"]}
    groups: dict[tuple[str, str | None], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for stem, match in stems.items():
        if not match["op"] or match["src"] not in without_op:
            groups[match["src"], match["op"]][bool(match["dst"]) + bool(match["sparsity"])].append(stem)
    chosen = [stem for qualified in groups.values() for stem in qualified[min(qualified)]]
    amounts = [_amount(counters, f"{stem}.sum", cycles) for stem in chosen]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _amount(counters: Counters, total: str, cycles: float | None) -> float | None:
    found = counters(total)
    return _product(counters(total + PER_CYCLE), cycles) if found is None else found


def _tensor_busy(counters: Counters) -> bool | None:
    """Whether the tensor cores did anything; None if nothing about them was collected."""
    told = [counters(match.string) for match in counters.matching(TENSOR_ACTIVITY)]
    known = [number for number in told if number is not None]
    return any(number > 0 for number in known) if known else None


def _product(*factors: float | None) -> float | None:
    found = 1.0
    for factor in factors:
        if factor is None:
            return None
        found *= factor
    return found
