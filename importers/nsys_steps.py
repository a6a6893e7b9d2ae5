"""Steps of an inference engine on the GPU: from its first kernel's start to its last kernel's end.

| evidence | a step is                                                                        | module          |
| -------- | -------------------------------------------------------------------------------- | --------------- |
| nvtx     | what was launched within a range whose text means a step                         | nsys_marked.py  |
| graph    | one replay of a CUDA graph, or of all graphs that follow each other in one order | nsys_replays.py |
| period   | one turn of kernels' names that come again and again in the same order           | nsys_period.py  |

The first of these that a file holds is its evidence. The kind of a step is what its mark tells, else what the names of
its attention kernels tell; a whole graph replayed again and again is decode. Else it is unknown. Kernels outside a
graph (the last product, sampling) lie in the gap before the next step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from importers.arrow import Array, Stream, array, field, grouped
from importers.nsys_marks import DECODE, MIXED, PREFILL, UNKNOWN, kind_of_counts
from importers.nsys_rows import NO_ID
from importers.sqlite_tree import Integers
from planner.measured import MeasuredPoint
from planner.quantities import GIGA

KINDS = (PREFILL, DECODE, MIXED, UNKNOWN)
WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        field("start_ns", pa.int64(), "ns"),
        field("end_ns", pa.int64(), "ns"),
        field("kind", WORD),
        field("source", WORD),
        field("name", WORD),
        field("kernels", pa.int64()),
        field("busy_ns", pa.int64(), "ns"),
        field("gap_ns", pa.int64(), "ns"),
        field("device", pa.int64()),
        field("process_id", pa.int64()),
    ]
)
STATISTICS = ("mean", "median", "p90", "p99")
_PERCENTILES = {"median": 50, "p90": 90, "p99": 99}


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps, each device's in the order of time; arrays of one length.

    start, end : on the GPU [ns]
    kind : number in KINDS
    kernels : launched in it; 0 where a graph hides them
    busy : time in it that its device was busy [ns]
    device, process : process as the operating system numbers it, NO_ID where not told
    """

    source: str
    start: Integers
    end: Integers
    kind: Integers
    kernels: Integers
    busy: Integers
    device: Integers
    process: Integers
    names: tuple[str, ...] = ()

    @classmethod
    def none(cls) -> Steps:
        """No steps."""
        nothing = np.zeros(0, np.int64)
        return cls("", nothing, nothing, nothing, nothing, nothing, nothing, nothing)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.start)

    def gaps(self) -> Integers:
        """Time between the end of the steps before and the start of each, on its device; NO_ID for the first [ns]."""
        gaps = np.full(len(self), NO_ID, np.int64)
        for rows in self.by_device():
            reach = np.maximum.accumulate(self.end[rows])
            gaps[rows[1:]] = np.maximum(self.start[rows[1:]] - reach[:-1], 0)
        return gaps

    def by_device(self) -> Iterator[Integers]:
        """The steps of each device and process, in the order of time."""
        for _, rows in grouped(self.device):
            for _, own in grouped(self.process[rows]):
                yield rows[own][np.argsort(self.start[rows[own]], kind="stable")]


def kinds_of(prefill_ns: Integers, decode_ns: Integers) -> Integers:
    """The kind of each step from the time of attention kernels of both phases [ns]."""
    return np.array(
        [KINDS.index(kind_of_counts(*pair)) for pair in zip(prefill_ns.tolist(), decode_ns.tolist(), strict=True)],
        np.int64,
    )


def step_table(steps: Steps) -> Stream:
    """The steps as the table `steps`."""
    order = np.concatenate([np.zeros(0, np.int64), *steps.by_device()])
    gaps = steps.gaps()[order]
    columns = {
        "start_ns": pa.array(steps.start[order]),
        "end_ns": pa.array(steps.end[order]),
        "kind": _coded(steps.kind[order], KINDS),
        "source": _coded(np.zeros(len(order), np.int64), (steps.source,)),
        "name": pa.array([steps.names[row] if steps.names else None for row in order], pa.string()).dictionary_encode(),
        "kernels": pa.array(steps.kernels[order]),
        "busy_ns": pa.array(steps.busy[order]),
        "gap_ns": array(gaps, mask=gaps == NO_ID),
        "device": pa.array(steps.device[order]),
        "process_id": array(steps.process[order], mask=steps.process[order] == NO_ID),
    }
    batch = pa.RecordBatch.from_pydict(columns, schema=SCHEMA)
    return Stream(SCHEMA, lambda: iter([batch]))


def step_summary(steps: Steps) -> dict[str, float]:
    """How many steps of each kind, their time, the busy part of it, and the gaps before them; units in the keys."""
    if not len(steps):
        return {}
    gaps = steps.gaps()
    found: dict[str, float] = {"steps": len(steps)}
    found |= {f"steps_{kind}": int((steps.kind == number).sum()) for number, kind in enumerate(KINDS)}
    return found | {
        "step_time_s": _total(steps.end - steps.start),
        "step_busy_s": _total(steps.busy),
        "step_gap_s": _total(gaps[gaps != NO_ID]),
    }


def step_points(steps: Steps) -> tuple[MeasuredPoint, ...]:
    """Step time and the gap before a step by kind [s]: metric "decode_step_time", ..., "step_time" of unknown kind."""
    gaps = steps.gaps()
    points: list[MeasuredPoint] = []
    for number, kind in enumerate(KINDS):
        own, word = steps.kind == number, "" if kind == UNKNOWN else f"{kind}_"
        points += _points(f"{word}step_time", (steps.end - steps.start)[own])
        points += _points(f"{word}step_gap", gaps[own & (gaps != NO_ID)])
    return tuple(points)


def _points(metric: str, spans: Integers) -> Iterable[MeasuredPoint]:
    if len(spans):
        for statistic in STATISTICS:
            value = spans.mean() if statistic == "mean" else np.percentile(spans, _PERCENTILES[statistic])
            yield MeasuredPoint(metric, statistic, float(value) / GIGA)


def _total(spans: Integers) -> float:
    return int(spans.sum()) / GIGA


def _coded(codes: Integers, words: Sequence[str]) -> Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words, pa.string()))
