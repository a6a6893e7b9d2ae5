"""Which of nested intervals is the innermost at a time: from all intervals of many threads to one sorted table.

    the innermost at t = of those with start <= t < end the one begun last, of these the one that ends first

| here                | meaning                                                                              |
| ------------------- | ------------------------------------------------------------------------------------ |
| event               | an interval's start or end                                                           |
| after each event    | how many intervals of the thread are open, and which began last                      |
| nested intervals    | as many open after an end as before the matching start: what was innermost then      |
| crossing intervals  | (damaged or cut files) one thread after the other, with a heap of the open ones      |
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from importers.arrow import grouped
from importers.sqlite_tree import Integers

Flags = NDArray[np.bool_]
NOTHING = -1


@dataclass(frozen=True, slots=True)
class Innermost:
    """The innermost interval after each event, threads one behind the other, each in the order of time.

    threads, times : of the events [ns]
    intervals : number of the interval given to `innermost`, NOTHING where none is open
    depths : how many are open
    """

    threads: Integers
    times: Integers
    intervals: Integers
    depths: Integers

    def at(self, threads: Integers, times: Integers) -> tuple[Integers, Integers]:
        """The innermost interval at some times, and how many are open around it.

        threads, times : [ns]
        returns : number of the interval or NOTHING; depth, 0 where there is none
        """
        found, depth = np.full(len(times), NOTHING, np.int64), np.zeros(len(times), np.int64)
        for thread, rows in grouped(threads):
            first, last = (int(np.searchsorted(self.threads, thread, side=side)) for side in ("left", "right"))
            place = np.searchsorted(self.times[first:last], times[rows], side="right") + first - 1
            inside = place >= first
            found[rows[inside]] = self.intervals[place[inside]]
            depth[rows[inside]] = self.depths[place[inside]]
        return found, depth


def innermost(threads: Integers, starts: Integers, ends: Integers) -> Innermost:
    """The innermost of some intervals after each of their starts and ends.

    threads : of each interval; intervals of different threads have nothing to do with each other
    starts, ends : an interval that does not last is open at no time [ns]

    >>> found = innermost(np.array([1, 1]), np.array([10, 20]), np.array([50, 30]))
    >>> [int(part[0]) for part in found.at(np.array([1]), np.array([25]))]
    [1, 2]
    """
    kept = np.flatnonzero(ends > starts)
    events = _events(threads[kept], starts[kept], ends[kept])
    number, opens = events % max(len(kept), 1), events < len(kept)
    thread = threads[kept][number]
    depths = np.cumsum(np.where(opens, 1, -1))
    tops = _tops(thread, depths, number, opens)
    crossing = _crossing(thread, number, opens, tops, starts[kept], ends[kept])
    for odd in crossing:
        rows = np.flatnonzero(thread == odd)
        tops[rows], depths[rows] = _swept(number[rows], opens[rows], starts[kept], ends[kept])
    intervals = np.where(depths > 0, kept[tops], NOTHING)
    times = np.where(opens, starts[kept][number], ends[kept][number])
    return Innermost(thread, times, intervals, depths)


def _events(threads: Integers, starts: Integers, ends: Integers) -> Integers:
    """Events by thread and time: number of the interval for its start, that plus their count for its end.

    At one time ends come first; of starts the longest, of ends the latest begun.
    """
    count = len(starts)
    within = np.concatenate((-ends, -starts))
    is_start = np.repeat((1, 0), count)
    return np.lexsort((within, is_start, np.concatenate((starts, ends)), np.tile(threads, 2)))


def _tops(threads: Integers, depths: Integers, number: Integers, opens: Flags) -> Integers:
    """The interval that was opened last at the depth which each event leaves."""
    order = np.lexsort((depths, threads))
    last = np.maximum.accumulate(np.where(opens[order], np.arange(len(order)), 0))
    tops = np.empty(len(order), np.int64)
    tops[order] = number[order][last]
    return tops


def _crossing(
    threads: Integers, number: Integers, opens: Flags, tops: Integers, starts: Integers, ends: Integers
) -> list[int]:
    """Threads on which an interval ends that is not the innermost."""
    closing = np.flatnonzero(~opens)
    before, ending = tops[closing - 1], number[closing]
    wrong = (starts[before] != starts[ending]) | (ends[before] != ends[ending])
    return [int(thread) for thread in np.unique(threads[closing[wrong]])]


def _swept(number: Integers, opens: Flags, starts: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """The same for one thread, event by event."""
    tops, depths = np.zeros(len(number), np.int64), np.zeros(len(number), np.int64)
    waiting: list[tuple[int, int, int]] = []
    is_open: set[int] = set()
    for place, (interval, begins) in enumerate(zip(number.tolist(), opens.tolist(), strict=True)):
        if begins:
            is_open.add(interval)
            heapq.heappush(waiting, (-int(starts[interval]), int(ends[interval]), -interval))
        else:
            is_open.discard(interval)
        while waiting and -waiting[0][2] not in is_open:
            heapq.heappop(waiting)
        tops[place], depths[place] = (-waiting[0][2] if waiting else 0), len(is_open)
    return tops, depths
