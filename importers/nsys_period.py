"""Steps from the order of kernels alone: names that come again and again at the same distance.

    period = the longest distance, in kernels, at which at least two names mostly come again, one of them of a kernel
             that a language model runs once a step (sampling, embedding): layers come again too

| theirs                                       | ours                                                             |
| -------------------------------------------- | ---------------------------------------------------------------- |
| names of one process's kernels on one device | a name that comes once a step comes again after a period         |
| the place in the period before which the     | a step begins there: an engine plans the next step on the CPU    |
| device waits longest                         |                                                                  |
| a turn much longer than the period           | no step: something else ran in between                           |
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from importers.arrow import grouped
from importers.nsys_launches import THREAD_BITS
from importers.nsys_marked import PROCESS_MASK, Work, joined
from importers.nsys_steps import Steps, kinds_of
from importers.sqlite_tree import Integers

MOST_KERNELS = 2**21
"""Kernels looked at; an order shows in the first two million or not at all."""
SHORTEST = 8
"""A step of a language model has more kernels."""
FEWEST = 3
"""Turns."""
REGULAR = 0.8
"""Share of a name's distances that are the same."""
COVERING = 0.5
"""Share of the kernels that lie in the turns."""
LONGER = 1.5
TURNS_LOOKED_AT = 256
COLUMNS = ("name", "start", "end", "fresh", "prefill", "decode")
Kernels = dict[str, Integers]


class PeriodicSteps:
    """Finds the steps of an export that neither marks them nor replays graphs."""

    __slots__ = ("_count", "_parts")

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], list[Kernels]] = defaultdict(list)
        self._count = 0

    def add(self, work: Work) -> None:
        """Adds a batch of kernels, in the order of time."""
        if self._count >= MOST_KERNELS:
            return
        self._count += len(work.start)
        spent = work.end - work.start
        columns = {
            "name": work.name, "start": work.start, "end": work.end, "fresh": work.fresh,
            "prefill": np.where(work.prefill, spent, 0), "decode": np.where(work.decode, spent, 0),
        }  # fmt: skip
        for device, rows in grouped(work.device):
            for process, own in grouped(work.process[rows]):
                chosen = rows[own]
                self._parts[device, process].append({name: values[chosen] for name, values in columns.items()})

    def steps(self, once: Integers) -> Steps:
        """The steps of every process and device whose kernels have a period.

        once : ids of names of kernels that run once a step
        """
        found = []
        for (device, process), parts in sorted(self._parts.items()):
            kernels = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
            edges = turns(kernels["name"], _waits(kernels), once)
            if edges is not None:
                found.append(_steps(kernels, edges, device, process >> THREAD_BITS & PROCESS_MASK))
        return joined(found)


def turns(names: Integers, waits: Integers, once: Integers) -> tuple[Integers, Integers] | None:
    """First kernel, and the one behind the last, of each turn; None without a period.

    names : of kernels in the order of time
    waits : idle time before each [ns]
    once : names that come once a turn

    >>> names = np.tile(np.arange(10), 4)
    >>> first, last = turns(names, (names == 2).astype(np.int64), np.array([7]))
    >>> first.tolist(), last.tolist()
    ([2, 12, 22], [12, 22, 32])
    """
    found = _period(names, once)
    if found is None:
        return None
    period, places = found
    looked_at = places[places + period <= len(names)][:TURNS_LOOKED_AT]
    shift = int(np.median(waits[looked_at[:, None] + np.arange(period)], axis=0).argmax())
    edges = (places + shift)[places + shift <= len(names)]
    first, last = edges[:-1], edges[1:]
    kept = last - first <= LONGER * period
    return (first[kept], last[kept]) if kept.sum() >= FEWEST else None


def _period(names: Integers, once: Integers) -> tuple[int, Integers] | None:
    """The period, and the places of one name that keeps it."""
    keeping: dict[int, list[Integers]] = defaultdict(list)
    told = set()
    for name, places in grouped(names):
        if len(places) <= FEWEST:
            continue
        distances = np.diff(places)
        usual = int(np.bincount(distances).argmax()) if distances.max() <= len(names) // FEWEST else 0
        covers = usual * len(distances) >= COVERING * len(names)
        if usual >= SHORTEST and covers and (distances == usual).mean() >= REGULAR:
            keeping[usual].append(places)
            told |= {usual} if name in once else set()
    shared = [distance for distance, alike in keeping.items() if len(alike) > 1 and distance in told]
    return (max(shared), keeping[max(shared)][0]) if shared else None


def _waits(kernels: Kernels) -> Integers:
    reach = np.maximum.accumulate(kernels["end"])
    return np.append(0, np.maximum(kernels["start"][1:] - reach[:-1], 0))


def _steps(kernels: Kernels, edges: tuple[Integers, Integers], device: int, process: int) -> Steps:
    first, last = edges
    reach = np.maximum.accumulate(kernels["end"])
    sums = {name: np.append(0, np.cumsum(kernels[name])) for name in ("fresh", "prefill", "decode")}
    within = {name: total[last] - total[first] for name, total in sums.items()}
    count = len(first)
    return Steps(
        "period", kernels["start"][first], reach[last - 1], kinds_of(within["prefill"], within["decode"]),
        last - first, within["fresh"], np.full(count, device), np.full(count, process),
    )  # fmt: skip
