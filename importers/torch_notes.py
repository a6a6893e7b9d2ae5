"""What is worth saying about a PyTorch trace: what is missing, what it cannot tell, what was left out.

| seen                                              | note                                                    |
| ------------------------------------------------- | ------------------------------------------------------- |
| the end of the file is missing; odd events        | how much was read                                       |
| no kernels                                        | work of the CPU alone, or of devices not known here     |
| kernels of graph launches; capture_...            | they have no op; a trace of a capture is no run         |
| no shapes                                         | record_shapes=True                                      |
| External ids that are correlation ids             | ops were found by time                                  |
| no GPU named                                      | choose it, or it follows from its properties            |
| rank of world_size                                | the other ranks are other files                         |
| env, host, user, stacks, paths, values            | left out for privacy                                    |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from importers.nsys_marks import UNKNOWN
from importers.nsys_steps import KINDS, Steps
from importers.torch_events import COPY, KERNEL, NONE, OP, RANGE, SET
from importers.torch_head import Head
from importers.torch_rows import Rows
from importers.torch_work import Work
from planner.measured import Note, Severity
from planner.quantities import PERCENT

CAPTURE = "capture_"
FEW = 0.5


@dataclass(frozen=True, slots=True)
class Findings:
    """What the importer knows when it writes the notes.

    cut_off : the end of the file is missing
    odd : events that are none
    """

    rows: Rows
    work: Work
    steps: Steps
    head: Head
    cut_off: bool
    odd: int


def notes(findings: Findings) -> tuple[Note, ...]:
    """Every note on one trace, gravest first."""
    found = [*_whole(findings), *_kernels(findings), *_launches(findings), *_shapes(findings), *_gpu(findings.head)]
    found += [*_steps(findings), *_always(findings)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda note: -order.index(note.severity)))


def _whole(findings: Findings) -> Iterator[Note]:
    if findings.cut_off:
        yield Note(
            Severity.WARNING,
            f"The end of the file is missing: {findings.rows.events} events were read, what comes after them is not "
            "there. Write or copy the trace again.",
        )
    bad = sum(findings.rows.bad.values())
    if findings.odd or bad:
        yield Note(
            Severity.WARNING,
            f"{findings.odd + bad} events have no possible time or are none at all; they were left out.",
        )


def _kernels(findings: Findings) -> Iterator[Note]:
    rows = findings.rows
    if not rows.count(KERNEL):
        others = ", ".join(f"{category} ({count})" for category, count in rows.others.most_common(4))
        device = f" Events of other devices are not read: {others}." if others else ""
        there = "copies but no kernels" if rows.count(COPY) + rows.count(SET) else "no work of a GPU"
        yield Note(
            Severity.WARNING,
            f"The trace holds {there}: the CPU alone was profiled, or nothing ran.{device} Profile with "
            "activities=[CPU, CUDA]; vLLM does with VLLM_TORCH_PROFILER_DIR or --profiler-config.",
        )
    if any(rows.names.values[code].startswith(CAPTURE) for code in np.unique(rows.column(RANGE, "name"))):
        yield Note(
            Severity.WARNING,
            "This trace shows CUDA graphs being captured, not a run: their kernels are recorded, not executed.",
        )


def _launches(findings: Findings) -> Iterator[Note]:
    links, ns = findings.work.links, findings.rows.column(KERNEL, "ns")
    in_graph = links.in_graph & (links.op == NONE)
    if in_graph.any():
        share = float(ns[in_graph].sum() / max(ns.sum(), 1))
        yield Note(
            Severity.INFO,
            f"{int(in_graph.sum())} kernels, {share / PERCENT:.1f} % of the kernel time, ran from CUDA graphs: their "
            "launching op and shapes are not in the trace. Profile a few steps with --enforce-eager to see them.",
        )
    if links.by_time and (links.op != NONE).any():
        yield Note(
            Severity.INFO,
            "The profiler wrote correlation ids in place of the ops' ids: ops were found by the time of their calls.",
        )


def _shapes(findings: Findings) -> Iterator[Note]:
    rows, work = findings.rows, findings.work
    if not rows.count(KERNEL):
        return
    if rows.count(OP) and not any(work.shapes):
        yield Note(
            Severity.WARNING, "No op has the shapes of its inputs, so no FLOPs follow. Profile with record_shapes=True."
        )
    known = ~np.isnan(work.flops)
    if known.any():
        ns = rows.column(KERNEL, "ns")
        share = float(ns[known].sum() / max(ns.sum(), 1))
        yield Note(
            Severity.INFO,
            f"{int(known.sum())} kernels, {share / PERCENT:.1f} % of the kernel time, have the FLOPs that the shapes "
            "of their op tell: products and attention over whole sequences. Traffic with HBM is not in such a trace.",
        )


def _gpu(head: Head) -> Iterator[Note]:
    if head.inferred:
        yield Note(
            Severity.INFO,
            f"The trace does not name its GPU; {head.gpu} is the only one with its compute capability and memory.",
        )
    elif not head.gpu_names:
        yield Note(Severity.WARNING, "The trace does not name its GPU. Choose it to compare with a prediction.")


def _steps(findings: Findings) -> Iterator[Note]:
    count, untold = len(findings.steps), int((findings.steps.kind == KINDS.index(UNKNOWN)).sum())
    if untold > FEW * count:
        yield Note(
            Severity.INFO,
            f"{untold} of {count} steps do not tell whether they are prefill or decode: neither their ranges nor the "
            "names of their attention kernels do.",
        )


def _always(findings: Findings) -> Iterator[Note]:
    world, rank = findings.head.settings.get("world_size"), findings.head.settings.get("rank")
    if isinstance(world, float) and world > 1 and isinstance(rank, float):
        yield Note(Severity.INFO, f"This is rank {rank:.0f} of {world:.0f}; the others are files of their own.")
    if findings.head.settings.get("with_stack") or findings.head.settings.get("record_shapes"):
        yield Note(
            Severity.INFO,
            "Recording shapes and stacks slows the host: gaps between kernels are longer than without the profiler.",
        )
    yield Note(
        Severity.INFO,
        "Left out for privacy: environment, host, user, job, paths, call stacks and the values of arguments. The file "
        "itself may still hold them; mind whom you give it.",
    )
