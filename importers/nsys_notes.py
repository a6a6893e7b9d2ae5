"""What is worth saying about an Nsight Systems export: what is missing, what it cannot tell, what was left out.

| seen in the export                              | note                                                       |
| ----------------------------------------------- | ---------------------------------------------------------- |
| no KERNEL table, no rows in it                  | profile with CUDA tracing, and through forks               |
| no TARGET_INFO_GPU                              | name the GPU by hand                                       |
| rows in GRAPH_TRACE; cudaGraphLaunch calls      | share of GPU time without names; --cuda-graph-trace=node   |
| impossible times, ids without a name            | how many rows                                              |
| no NVTX_EVENTS, no table of the export itself   | no ranges; which version wrote it is not known             |
| steps                                           | how many, from what evidence, and what it cannot tell      |
| kernels without their launching call            | how many; the file was cut, or runtime calls not traced    |
| META_DATA_*                                     | left out for privacy                                       |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from importers.nsys_marks import UNKNOWN
from importers.nsys_names import UNNAMED
from importers.nsys_steps import KINDS
from importers.nsys_summary import Totals, kernel_samples
from planner.measured import Note, Severity
from planner.quantities import GIGA, PERCENT

RANGES = "Profile with --trace=cuda,nvtx; vLLM and PyTorch have options that mark steps and layers."
EVIDENCE = {
    "nvtx": "NVTX ranges",
    "graph": "replays of CUDA graphs; kernels outside the graphs are in the gaps between them",
    "period": "the order of the kernels alone",
}
UNKNOWN_KIND = KINDS.index(UNKNOWN)
NODE_TRACE = "Profile again with --cuda-graph-trace=node to name the kernels inside graphs."


@dataclass(frozen=True, slots=True)
class Findings:
    """What the importer knows when it writes the notes.

    graph_calls : calls of cudaGraphLaunch in the runtime table
    """

    totals: Totals
    has_kernels: bool
    has_gpus: bool
    graph_calls: int
    has_metadata: bool
    has_ranges: bool
    has_version: bool


def notes(findings: Findings) -> tuple[Note, ...]:
    """Every note on one export, gravest first."""
    found = [
        *_missing(findings),
        *_graphs(findings),
        *_bad_rows(findings),
        *_steps(findings),
        *_origin(findings),
        *_privacy(findings),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda note: -order.index(note.severity)))


def unnamed_share(totals: Totals) -> float:
    """Share of the GPU time in kernels and graphs that no kernel's name explains."""
    total = totals.kernels.timed.ns + totals.graphs.ns
    unnamed = sum(kernel.seconds for kernel in kernel_samples(totals.kernels) if kernel.name == UNNAMED) * GIGA
    return (unnamed + totals.graphs.ns) / total if total else 0.0


def _missing(findings: Findings) -> Iterator[Note]:
    if not findings.totals.kernels.timed.rows and not findings.totals.graphs.rows:
        what = "holds no kernels" if findings.has_kernels else "has no table of kernels"
        yield Note(
            Severity.WARNING,
            f"The export {what}: CUDA was not traced, or nothing ran. Profile with "
            "`nsys profile --trace=cuda,nvtx`; for vLLM's worker processes add --trace-fork-before-exec=true.",
        )
    if not findings.has_gpus:
        yield Note(Severity.WARNING, "The export does not name its GPU. Choose the GPU to compare with a prediction.")
    if findings.totals.kernels.timed.rows and not findings.has_ranges:
        yield Note(Severity.INFO, "The export has no NVTX ranges: what the program was doing is not told. " + RANGES)
    if not findings.has_version:
        yield Note(Severity.INFO, "The export does not tell which version of Nsight Systems wrote it.")


def _steps(findings: Findings) -> Iterator[Note]:
    steps = findings.totals.kernels.steps
    if len(steps):
        kinds = "" if (steps.kind != UNKNOWN_KIND).any() else " Whether they are prefill or decode is not told."
        yield Note(Severity.INFO, f"{len(steps)} steps were found from {EVIDENCE[steps.source]}.{kinds}")


def _graphs(findings: Findings) -> Iterator[Note]:
    share = unnamed_share(findings.totals)
    if findings.totals.graphs.rows:
        yield Note(
            Severity.WARNING,
            f"CUDA graphs were traced as a whole: {share / PERCENT:.1f} % of the GPU time has no kernel names. "
            + NODE_TRACE,
        )
    elif findings.graph_calls and not findings.totals.kernels.in_graphs:
        yield Note(
            Severity.WARNING,
            f"{findings.graph_calls} CUDA graph launches were called, but the export lists neither them nor their "
            f"kernels: their time is missing. {NODE_TRACE}",
        )
    elif share:
        yield Note(Severity.WARNING, f"{share / PERCENT:.1f} % of the GPU time is in kernels without a name.")


def _bad_rows(findings: Findings) -> Iterator[Note]:
    totals = findings.totals
    parts = {
        "kernels": totals.kernels.timed,
        "copies": totals.copies,
        "memory sets": totals.memory_sets,
        "graphs": totals.graphs,
    }
    for what, part in parts.items():
        if part.bad:
            yield Note(
                Severity.WARNING,
                f"{part.bad} of {part.rows} {what} have no end, or one before or absurdly long after their start. "
                "They are in the table and in no total.",
            )
    if any(busy is None for busy in totals.kernels.busy.values()):
        yield Note(Severity.INFO, "The kernels are not in the order of time: how busy the GPU was is not known.")


def _origin(findings: Findings) -> Iterator[Note]:
    kernels = findings.totals.kernels
    good = kernels.timed.rows - kernels.timed.bad
    if kernels.with_launch < good:
        why = "it is a cut of a longer report" if findings.totals.calls else "runtime calls were not traced"
        yield Note(
            Severity.INFO,
            f"{good - kernels.with_launch} of {good} kernels have no launching call in the export ({why}): "
            "they have no NVTX range and belong to no marked step.",
        )


def _privacy(findings: Findings) -> Iterator[Note]:
    if findings.has_metadata:
        yield Note(
            Severity.INFO,
            "Left out for privacy: environment, host, user, command line and output of the profiled process. "
            "The file itself may still hold them; mind whom you give it.",
        )
