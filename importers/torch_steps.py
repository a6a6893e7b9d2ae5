"""Steps of an engine, from the ranges that it or the profiler marks: table `steps`, one row a step and device.

| range                                               | kind                                        |
| --------------------------------------------------- | ------------------------------------------- |
| execute_context_1(888_...)_generation_0(0)  (vLLM)  | requests in prefill, in decode: by both     |
| execute_8192_context_9(sq...)_generation_37(...)    | the same                                    |
| execute_new_2_cached_0  (vLLM before 0.12)          | prefill if none is cached; else unknown     |
| step[EXTEND bs=15 toks=15360]  (SGLang)             | EXTEND prefill, DECODE decode, MIXED mixed  |
| gpu_model_runner: forward  (vLLM)                   | unknown                                     |
| ProfilerStep#7                                      | unknown                                     |

The first family of which the trace has a range is taken, so that steps do not contain each other. A kernel belongs to
the step in which it was launched; the step lasts from its first kernel's start to its last one's end on that device.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from importers.arrow import WORD, Stream, cells, field
from importers.nsys_busy import Covered
from importers.torch_events import KERNEL, NONE, RANGE
from importers.torch_links import Links
from importers.torch_rows import Ints, Rows

PREFILL, DECODE, MIXED, UNKNOWN = "prefill", "decode", "mixed", "unknown"
SOURCE = "annotation"
SCHEMA = pa.schema(
    [
        field("start_ns", pa.int64(), "ns"),
        field("end_ns", pa.int64(), "ns"),
        field("kind", WORD),
        field("source", WORD),
        field("kernels", pa.int64()),
        field("busy_ns", pa.int64(), "ns"),
        field("gap_ns", pa.int64(), "ns"),
        field("device", pa.int32()),
        field("process_id", pa.int64()),
    ]
)
KINDS = {(True, True): MIXED, (True, False): PREFILL, (False, True): DECODE, (False, False): UNKNOWN}
_SGLANG = {"EXTEND": PREFILL, "PREFILL": PREFILL, "DECODE": DECODE, "MIXED": MIXED}
FAMILIES: Mapping[re.Pattern[str], Callable[[re.Match[str]], str]] = {
    re.compile(r"execute_(?:\d+_)?context_(\d{1,9})\(.*\)_generation_(\d{1,9})\(.*\)"): lambda found: KINDS[
        int(found[1]) > 0, int(found[2]) > 0
    ],
    re.compile(r"execute_new_(\d{1,9})_cached_(\d{1,9})"): lambda found: (
        PREFILL if int(found[1]) and not int(found[2]) else UNKNOWN
    ),
    re.compile(r"step\[(\w+)(?: .*)?\]"): lambda found: _SGLANG.get(found[1], UNKNOWN),
    re.compile(r"gpu_model_runner: forward"): lambda _: UNKNOWN,
    re.compile(r"ProfilerStep#\d+"): lambda _: UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step on one device; times in ns."""

    start: int
    end: int
    kind: str
    kernels: int
    busy: int
    device: int
    process: int


def steps(rows: Rows, links: Links, base: int) -> list[Step]:
    """The steps of a trace, in the order of time; ranges without a kernel of theirs are no steps.

    base : what is added to every time [ns]
    """
    ranges, kinds = _ranges(rows)
    if not len(ranges):
        return []
    start, length = rows.column(RANGE, "start")[ranges], rows.column(RANGE, "ns")[ranges]
    place = np.searchsorted(start, links.launched, side="right") - 1
    inside = (links.launched != NONE) & (place >= 0) & (links.launched < (start + length)[place])
    found = _steps(rows, np.flatnonzero(inside), place, kinds, rows.column(RANGE, "process_id")[ranges], base)
    return sorted(found, key=lambda step: (step.start, step.device))


def table(found: Sequence[Step]) -> Stream:
    """Steps, one at least, as the table `steps`."""
    rows = [
        (
            step.start, step.end, step.kind, SOURCE, step.kernels, step.busy, step.end - step.start - step.busy,
            step.device, None if step.process == NONE else step.process,
        )
        for step in found
    ]  # fmt: skip
    arrays = [cells(item, values) for item, values in zip(SCHEMA, zip(*rows, strict=True), strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
    return Stream(SCHEMA, lambda: iter([batch]))


def _ranges(rows: Rows) -> tuple[Ints, list[str]]:
    """Rows of the ranges of the first family that is there, by start, and the kind of each."""
    names, codes = rows.names.values, rows.column(RANGE, "name")
    used = np.unique(codes).tolist()
    for pattern, kind in FAMILIES.items():
        kinds = {code: kind(match) for code in used if (match := pattern.fullmatch(names[code]))}
        if kinds:
            ranges = np.flatnonzero(np.isin(codes, list(kinds)))
            ranges = ranges[np.argsort(rows.column(RANGE, "start")[ranges], kind="stable")]
            return ranges, [kinds[code] for code in codes[ranges].tolist()]
    return np.empty(0, np.int64), []


def _steps(rows: Rows, kernels: Ints, place: Ints, kinds: list[str], processes: Ints, base: int) -> Iterator[Step]:
    start, device = rows.column(KERNEL, "start")[kernels], rows.column(KERNEL, "device")[kernels]
    end, step = start + rows.column(KERNEL, "ns")[kernels], place[kernels]
    order = np.lexsort((start, device, step))
    changes = np.flatnonzero((np.diff(step[order]) != 0) | (np.diff(device[order]) != 0)) + 1
    for group in np.split(order, changes) if len(order) else []:
        covered = Covered()
        covered.add(start[group], end[group])
        one = int(step[group[0]])
        yield Step(
            int(start[group].min()) + base, int(end[group].max()) + base, kinds[one], len(group), covered.ns or 0,
            int(device[group[0]]), int(processes[one]),
        )  # fmt: skip
