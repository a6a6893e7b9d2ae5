"""Steps from NVTX marks: the kernels that were launched within a mark, on each device.

| theirs                                              | ours                                        |
| --------------------------------------------------- | ------------------------------------------- |
| a kernel's launching call, on its thread, in a mark | the kernel belongs to the step              |
| earliest start, latest end of these kernels         | start_ns, end_ns of the step on that device |
| names of attention kernels                          | its kind, where the mark does not tell      |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from importers.arrow import grouped
from importers.nsys_launches import THREAD_BITS
from importers.nsys_marks import UNKNOWN, Marks
from importers.nsys_rows import NO_ID
from importers.nsys_steps import KINDS, Steps, kinds_of
from importers.sqlite_tree import Integers
from planner.errors import TooLarge

MOST_CELLS = 2**23
"""Steps times devices."""
PROCESS_MASK = 2**THREAD_BITS - 1
LAST, FIRST = int(np.iinfo(np.int64).max), int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Work:
    """Kernels of one batch, as steps are told from them; arrays of one length.

    start, end : [ns]
    process, correlation, thread, launched : of the launching call; where not known, NO_ID and long ago [ns]
    name : id in StringIds
    fresh : by how much each lengthens its device's busy time [ns]
    prefill, decode : whether its name tells attention of that phase
    graph_node, graph : inside a CUDA graph; NO_ID or 0 where not
    """

    device: Integers
    start: Integers
    end: Integers
    process: Integers
    correlation: Integers
    thread: Integers
    launched: Integers
    name: Integers
    fresh: Integers
    prefill: NDArray[np.bool_]
    decode: NDArray[np.bool_]
    graph_node: Integers
    graph: Integers


class Sums:
    """What the kernels of each of some steps add up to, on one device."""

    __slots__ = ("busy", "decode", "end", "kernels", "prefill", "start")

    def __init__(self, steps: int) -> None:
        self.start, self.end = np.full(steps, LAST), np.full(steps, FIRST)
        self.kernels, self.busy, self.prefill, self.decode = (np.zeros(steps, np.int64) for _ in range(4))

    def add(self, steps: Integers, rows: Integers, work: Work) -> None:
        """Adds some rows of a batch, each to a step."""
        spent = (work.end - work.start)[rows]
        np.minimum.at(self.start, steps, work.start[rows])
        np.maximum.at(self.end, steps, work.end[rows])
        np.add.at(self.kernels, steps, 1)
        np.add.at(self.busy, steps, work.fresh[rows])
        np.add.at(self.prefill, steps, np.where(work.prefill[rows], spent, 0))
        np.add.at(self.decode, steps, np.where(work.decode[rows], spent, 0))


class MarkedSteps:
    """Finds the steps of an export that marks them."""

    __slots__ = ("_marks", "_sums")

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._sums: dict[int, Sums] = {}

    def add(self, work: Work) -> None:
        """Adds a batch of kernels.

        raises : TooLarge
        """
        if not len(self._marks):
            return
        steps = self._marks.at(work.thread, work.launched)
        inside = np.flatnonzero(steps != NO_ID)
        for device, own in grouped(work.device[inside]):
            if device not in self._sums:
                if (len(self._sums) + 1) * len(self._marks) > MOST_CELLS:
                    raise TooLarge(f"The export marks {len(self._marks)} steps on more devices than a server has.")
                self._sums[device] = Sums(len(self._marks))
            self._sums[device].add(steps[inside[own]], inside[own], work)

    def steps(self) -> Steps:
        """The steps that launched anything."""
        told = np.array([KINDS.index(kind) for kind in self._marks.kinds], np.int64)
        processes = self._marks.threads >> THREAD_BITS & PROCESS_MASK
        found = [Steps.none()]
        for device, sums in sorted(self._sums.items()):
            rows = np.flatnonzero(sums.kernels)
            by_name = kinds_of(sums.prefill[rows], sums.decode[rows])
            found.append(
                Steps(
                    "nvtx", sums.start[rows], sums.end[rows],
                    np.where(told[rows] == KINDS.index(UNKNOWN), by_name, told[rows]),
                    sums.kernels[rows], sums.busy[rows], np.full(len(rows), device), processes[rows],
                    tuple(self._marks.names[row] for row in rows),
                )
            )  # fmt: skip
        return joined(found)


def joined(parts: list[Steps]) -> Steps:
    """Steps of several devices as one."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return Steps.none()
    names = ("start", "end", "kind", "kernels", "busy", "device", "process")
    columns = {name: np.concatenate([getattr(part, name) for part in filled]) for name in names}
    return Steps(filled[0].source, **columns, names=tuple(name for part in filled for name in part.names))
