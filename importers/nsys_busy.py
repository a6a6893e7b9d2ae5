"""How long each GPU was busy: the time that at least one kernel or graph launch covers, counted once.

| theirs                                     | ours                                                       | unit |
| ------------------------------------------ | ---------------------------------------------------------- | ---- |
| [start, end) of KERNEL and GRAPH_TRACE     | `Covered.ns` of their union, per device                    | ns   |
| a kernel                                   | `BusyTime.add`: what it alone adds to that union           | ns   |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from importers.arrow import grouped
from importers.sqlite_tree import Integers

Intervals = tuple[Integers, Integers]
_EARLIEST = int(np.iinfo(np.int64).min)


class Covered:
    """The length of a union of intervals that come in batches, each batch later than the one before.

    Memory does not grow with the rows. If a batch reaches back before the one before it, the union is unknown.
    """

    __slots__ = ("_in_order", "_newest", "_ns", "_reach")

    def __init__(self) -> None:
        self._ns, self._reach, self._newest, self._in_order = 0, _EARLIEST, _EARLIEST, True

    @property
    def ns(self) -> int | None:
        """Length of the union [ns]; None if the batches were not in the order of time."""
        return self._ns if self._in_order else None

    def add(self, starts: Integers, ends: Integers) -> Integers:
        """Adds intervals; returns by how much each one lengthens the union of those that start before it [ns].

        starts, ends : [ns]; in any order within the batch

        >>> covered = Covered(); covered.add(np.array([0, 5]), np.array([10, 12])).tolist(), covered.ns
        ([10, 2], 12)
        """
        if not len(starts):
            return starts
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], ends[order]
        self._in_order &= int(starts[0]) >= self._newest
        reach = np.maximum.accumulate(np.concatenate(([self._reach], ends)))
        fresh = np.maximum(ends - np.maximum(starts, reach[:-1]), 0)
        self._ns += int(fresh.sum())
        self._reach, self._newest = int(reach[-1]), int(starts[-1])
        added = np.empty_like(fresh)
        added[order] = fresh
        return added


class BusyTime:
    """The busy time of every device, from kernels in the order of time and all graph launches known beforehand.

    graphs : device -> starts and ends of its graph launches, sorted by start [ns]
    """

    __slots__ = ("_covered", "_graphs")

    def __init__(self, graphs: Mapping[int, Intervals]) -> None:
        self._graphs = dict(graphs)
        self._covered: dict[int, Covered] = defaultdict(Covered)

    def add(self, devices: Integers, starts: Integers, ends: Integers) -> Integers:
        """Adds a batch of kernels, and the graph launches that start before its last one does.

        starts, ends : [ns]
        returns : by how much each kernel lengthens its device's busy time [ns]
        """
        added = np.zeros(len(starts), np.int64)
        for device, rows in grouped(devices):
            start, end = starts[rows], ends[rows]
            waiting = self._graphs.pop(device, (start[:0], end[:0]))
            until = int(np.searchsorted(waiting[0], start.max(), side="right"))
            self._graphs[device] = (waiting[0][until:], waiting[1][until:])
            both = (np.concatenate((start, waiting[0][:until])), np.concatenate((end, waiting[1][:until])))
            added[rows] = self._covered[device].add(*both)[: len(rows)]
        return added

    def finish(self) -> dict[int, int | None]:
        """Device -> busy time [ns], graph launches after the last kernel included."""
        for device, intervals in self._graphs.items():
            self._covered[device].add(*intervals)
        return {device: covered.ns for device, covered in sorted(self._covered.items())}


def by_device(batches: Iterable[pa.RecordBatch]) -> dict[int, Intervals]:
    """Starts and ends per device, sorted by start.

    batches : with the columns device, start and end [ns]
    """
    parts: dict[int, list[Intervals]] = defaultdict(list)
    for batch in batches:
        devices, starts, ends = (np.asarray(batch.column(name)) for name in ("device", "start", "end"))
        for device, rows in grouped(devices):
            parts[device].append((starts[rows], ends[rows]))
    return {device: _sorted(pieces) for device, pieces in parts.items()}


def _sorted(pieces: list[Intervals]) -> Intervals:
    starts, ends = (np.concatenate(side) for side in zip(*pieces, strict=True))
    order = np.argsort(starts, kind="stable")
    return starts[order], ends[order]
