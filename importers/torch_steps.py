"""Steps of an engine from the ranges that it or PyTorch's profiler marks; the table is that of importers/nsys_steps.py.

| range                                              | kind                                       |
| -------------------------------------------------- | ------------------------------------------ |
| step[EXTEND bs=15 toks=15360]  (SGLang)            | EXTEND prefill, DECODE decode, MIXED mixed |
| execute_new_2_cached_0  (vLLM before 0.12)         | prefill if none is cached; else not told   |
| all others that mean a step                        | importers/nsys_marks.py                    |

The first family of which the trace has a range is taken, so that steps do not contain each other. A kernel belongs to
the step in which it was launched; the step lasts from its first kernel's start to its last one's end on that device.
Where the range does not tell the kind, the names of its attention kernels do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.files import clean_text
from importers.kernels import ATTENTION_DECODE, ATTENTION_PREFILL
from importers.nsys_busy import Covered
from importers.nsys_marks import DECODE, LONGEST_MARK, MIXED, PATTERNS, PREFILL, UNKNOWN
from importers.nsys_steps import KINDS, Steps, kinds_of
from importers.torch_events import KERNEL, NONE, RANGE
from importers.torch_rows import Ints, Rows
from importers.torch_work import Work

SOURCE = "annotation"
_SGLANG = {"EXTEND": PREFILL, "PREFILL": PREFILL, "DECODE": DECODE, "MIXED": MIXED}


def _of_sglang(match: re.Match[str]) -> str:
    return _SGLANG.get(match[1], UNKNOWN)


def _of_new_and_cached(match: re.Match[str]) -> str:
    return PREFILL if int(match[1]) and not int(match[2]) else UNKNOWN


FAMILIES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    PATTERNS[0],
    (re.compile(r"^execute_new_(\d{1,9})_cached_(\d{1,9})$"), _of_new_and_cached),
    (re.compile(r"^step\[(\w+)(?: .*)?\]$"), _of_sglang),
    *PATTERNS[1:],
)


def steps(rows: Rows, work: Work, base: int) -> Steps:
    """The steps of a trace; ranges without a kernel of theirs are none.

    base : what is added to every time [ns]
    """
    ranges, kinds = _ranges(rows)
    launched = work.links.launched
    if not len(ranges):
        return Steps.none()
    start, length = rows.column(RANGE, "start")[ranges], rows.column(RANGE, "ns")[ranges]
    place = np.searchsorted(start, launched, side="right") - 1
    inside = (launched != NONE) & (place >= 0) & (launched < (start + length)[place])
    found = [*_grouped(rows, np.flatnonzero(inside), place)]
    if not found:
        return Steps.none()
    kinds_of_names = np.array(work.kinds)
    own = [_sums(rows, kinds_of_names, kernels) for _, kernels in found]
    columns = {name: np.array([one[name] for one in own], np.int64) for name in own[0]}
    marked = np.array([number for number, _ in found], np.int64)
    told, by_name = kinds[marked], kinds_of(columns.pop("prefill"), columns.pop("decode"))
    names = rows.names.values
    return Steps(
        SOURCE,
        columns.pop("start") + base,
        columns.pop("end") + base,
        np.where(told == KINDS.index(UNKNOWN), by_name, told),
        **columns,
        process=rows.column(RANGE, "process_id")[ranges][marked],
        names=tuple(clean_text(names[code]) for code in rows.column(RANGE, "name")[ranges][marked].tolist()),
    )


def _ranges(rows: Rows) -> tuple[Ints, Ints]:
    """Rows of the ranges of the first family that is there, by start, and the kind of each as far as they tell."""
    names, codes = rows.names.values, rows.column(RANGE, "name")
    used = np.unique(codes).tolist()
    for pattern, kind in FAMILIES:
        kinds = {code: kind(match) for code in used if (match := pattern.search(names[code][:LONGEST_MARK]))}
        if kinds:
            ranges = np.flatnonzero(np.isin(codes, list(kinds)))
            ranges = ranges[np.argsort(rows.column(RANGE, "start")[ranges], kind="stable")]
            return ranges, np.array([KINDS.index(kinds[code]) for code in codes[ranges].tolist()], np.int64)
    return np.empty(0, np.int64), np.empty(0, np.int64)


def _grouped(rows: Rows, kernels: Ints, place: Ints) -> Iterator[tuple[int, Ints]]:
    """Kernels by range and device: the number of the range, and the kernels in the order of time."""
    device, start = rows.column(KERNEL, "device")[kernels], rows.column(KERNEL, "start")[kernels]
    order = np.lexsort((start, device, place[kernels]))
    changes = np.flatnonzero((np.diff(place[kernels][order]) != 0) | (np.diff(device[order]) != 0)) + 1
    for group in np.split(kernels[order], changes) if len(order) else []:
        yield int(place[group[0]]), group


def _sums(rows: Rows, kinds_of_names: NDArray[np.str_], kernels: Ints) -> dict[str, Any]:
    start, lasted = rows.column(KERNEL, "start")[kernels], rows.column(KERNEL, "ns")[kernels]
    kinds = kinds_of_names[rows.column(KERNEL, "name")[kernels]]
    covered = Covered()
    covered.add(start, start + lasted)
    return {
        "start": start[0],
        "end": (start + lasted).max(),
        "kernels": len(kernels),
        "busy": covered.ns or 0,
        "device": rows.column(KERNEL, "device")[kernels[0]],
        "prefill": lasted[kinds == ATTENTION_PREFILL].sum(),
        "decode": lasted[kinds == ATTENTION_DECODE].sum(),
    }
