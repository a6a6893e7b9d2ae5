"""What is worth saying about a CSV of Nsight Compute: what was not collected, and the flag that would collect it.

| seen                                           | note                                                               |
| ---------------------------------------------- | ------------------------------------------------------------------ |
| no duration, FLOPs or DRAM bytes               | how many launches, and the flag                                    |
| a grid of zeros: profiling failed              | how many launches                                                  |
| tensor cores not collected, or busy uncounted  | how many launches, and the flag                                    |
| bytes from a share of the peak                 | derived, and how                                                   |
| no GPU named (details page)                    | the page that names it                                             |
| always                                         | clocks and caches under ncu; names left out for privacy            |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from importers.ncu_rows import Row
from importers.ncu_work import BUSY, DERIVED
from planner.measured import Note, Severity

TIME_FLAG = "--section SpeedOfLight"
FLOPS_FLAG = "--section SpeedOfLight_RooflineChart"
HALF_FLAG = "--section SpeedOfLight_HierarchicalHalfRooflineChart"
TENSOR_FLAG = "--section SpeedOfLight_HierarchicalTensorRooflineChart"
BYTES_FLAG = "--section MemoryWorkloadAnalysis"
ALL_FLAG = "--set roofline"


def notes(rows: Sequence[Row], gpu_names: Sequence[str]) -> tuple[Note, ...]:
    """Every note on one file, gravest first."""
    found = [*_missing(rows), *_tensor(rows), *_derived(rows), *_gpu(gpu_names), *_always(rows)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda note: -order.index(note.severity)))


def _missing(rows: Sequence[Row]) -> Iterator[Note]:
    failed = [row for row in rows if row.failed]
    if failed:
        yield Note(Severity.WARNING, f"{_of(failed, rows)} have no counters: their profiling failed or was cut off.")
    measured = [row for row in rows if not row.failed]
    no_flops = [row for row in measured if row.flops.amount is None and row.flops.source is None]
    for what, missing, flags in (
        ("duration", [row for row in measured if row.seconds is None], TIME_FLAG),
        ("FLOPs", no_flops, f"{ALL_FLAG}, or {FLOPS_FLAG} {TENSOR_FLAG}"),
        ("DRAM traffic", [row for row in measured if row.moved.amount is None], f"{ALL_FLAG}, or {BYTES_FLAG}"),
    ):
        if missing:
            yield Note(
                Severity.WARNING,
                f"{_of(missing, rows)} have no {what}: not collected, or not printed by this page. "
                f"Profile with {flags}; export with `--csv --page raw`.",
            )


def _tensor(rows: Sequence[Row]) -> Iterator[Note]:
    busy = [row for row in rows if row.flops.source == BUSY]
    if busy:
        yield Note(
            Severity.WARNING,
            f"{_of(busy, rows)} used the tensor cores, whose operations were not collected: their FLOPs are unknown. "
            f"Profile with {ALL_FLAG}, or {TENSOR_FLAG}.",
        )
    partly = [row for row in rows if row.flops.amount is not None and not row.flops.whole]
    if partly:
        yield Note(
            Severity.WARNING,
            f"{_of(partly, rows)} have FLOPs of a part of the chip alone (column flops_source); they do not stand on "
            f"the roof. Profile with {ALL_FLAG}.",
        )
    if any(row.flops.amount is not None and "fp16" not in (row.flops.source or "") for row in rows):
        yield Note(
            Severity.INFO, f"Half-precision instructions of the CUDA cores were not collected ({HALF_FLAG} does)."
        )


def _derived(rows: Sequence[Row]) -> Iterator[Note]:
    derived = [row for row in rows if row.moved.source == DERIVED]
    if derived:
        yield Note(
            Severity.WARNING,
            f"{_of(derived, rows)} have DRAM bytes that were derived, not counted: share of the peak bandwidth x "
            f"memory clock x bus width x duration. {BYTES_FLAG} counts them.",
        )


def _gpu(gpu_names: Sequence[str]) -> Iterator[Note]:
    if not gpu_names:
        yield Note(
            Severity.WARNING,
            "The file does not name its GPU (only the raw page does). Choose the GPU to compare with a prediction.",
        )


def _always(rows: Sequence[Row]) -> Iterator[Note]:
    yield Note(
        Severity.INFO,
        "Unless --clock-control none and --cache-control none were given, ncu locks the GPU to its base clock and "
        "empties its caches before each pass: times are longer and DRAM traffic higher than in the running program.",
    )
    if any(row.launches > 1 for row in rows):
        yield Note(Severity.INFO, "The file holds means over all launches of a kernel (--print-summary).")
    yield Note(Severity.INFO, "Left out for privacy: names of host and process, and NVTX texts.")


def _of(some: Sequence[Row], rows: Sequence[Row]) -> str:
    return f"{sum(row.launches for row in some)} of {sum(row.launches for row in rows)} launches"
