"""Which op launched a kernel, and when: by the profiler's own id, or by the call that launched it.

| in the trace                                           | here                                                     |
| ------------------------------------------------------ | -------------------------------------------------------- |
| kernel's External id = op's External id                | that op                                                  |
| every External id equals the correlation id (2022-23)  | they mean nothing: a call's id stands in their place     |
| no usable id; kernel's correlation = call's            | the innermost op around the call, on the call's thread   |
| one correlation of many kernels: a graph launch        | no op: the one around the launch did not make them       |
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from importers.torch_events import CALL, KERNEL, NONE, OP
from importers.torch_rows import Ints, Rows

PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Links:
    """What is known of each kernel's launch; NONE where nothing is.

    op : row of the op
    launched, returned : start and end of the launching call [ns]
    process, thread : that made the call
    in_graph : whether its launch started several kernels
    by_time : whether ops were found by time, because ids could not be used
    """

    op: Ints
    launched: Ints
    returned: Ints
    process: Ints
    thread: Ints
    in_graph: np.ndarray[tuple[int], np.dtype[np.bool_]]
    by_time: bool


def links(rows: Rows) -> Links:
    """The launch of every kernel of a trace."""
    call = _matched(rows.column(CALL, "correlation"), rows.column(KERNEL, "correlation"))
    launched = _taken(rows.column(CALL, "start"), call)
    returned = np.where(call == NONE, NONE, launched + _taken(rows.column(CALL, "ns"), call))
    thread = _taken(rows.column(CALL, "thread"), call)
    processes, threads = np.array(list(rows.threads) or [(NONE, NONE)], np.int64).T
    usable = ids_usable(rows)
    op = _matched(rows.column(OP, "external"), rows.column(KERNEL, "external")) if usable else np.full(len(call), NONE)
    in_graph = _shared(rows.column(KERNEL, "correlation"))
    missing = np.flatnonzero((op == NONE) & (call != NONE) & ~in_graph)
    op[missing] = _around(rows, launched[missing], thread[missing])
    return Links(
        op, launched, returned, _taken(processes, thread), _taken(threads, thread), in_graph, not usable
    )  # fmt: skip


def ids_usable(rows: Rows) -> bool:
    """Whether the External ids of kernels are those of ops: some versions wrote the correlation id there."""
    external, correlation = rows.column(KERNEL, "external"), rows.column(KERNEL, "correlation")
    told = external != NONE
    return bool((external[told] != correlation[told]).any())


def innermost(starts: Ints, ends: Ints, at: Ints) -> Ints:
    """Of ranges that nest, the innermost around each moment; NONE outside of all.

    starts, ends, at : [ns]; a range that outlasts the one around it is cut to it
    returns : places in `starts`

    >>> innermost(np.array([0, 2, 4]), np.array([9, 8, 5]), np.array([1, 3, 4, 6, 9])).tolist()
    [0, 1, 2, 1, -1]
    """
    times, owners, open_ranges = array("q", [0]), array("q", [NONE]), list[tuple[int, int]]()
    for place, start, end in _in_order(starts, ends):
        while open_ranges and open_ranges[-1][0] <= start:
            times.append(open_ranges.pop()[0])
            owners.append(open_ranges[-1][1] if open_ranges else NONE)
        open_ranges.append((min(end, open_ranges[-1][0]) if open_ranges else end, place))
        times.append(start)
        owners.append(place)
    while open_ranges:
        times.append(open_ranges.pop()[0])
        owners.append(open_ranges[-1][1] if open_ranges else NONE)
    found = np.searchsorted(np.frombuffer(times, np.int64), at, side="right") - 1
    return np.frombuffer(owners, np.int64)[found]


def _in_order(starts: Ints, ends: Ints) -> Iterator[tuple[int, int, int]]:
    """Place, start and end of each range, the outer before the inner."""
    order = np.lexsort((-ends, starts))
    for first in range(0, len(order), PIECE):
        places = order[first : first + PIECE]
        yield from zip(places.tolist(), starts[places].tolist(), ends[places].tolist(), strict=True)


def _around(rows: Rows, moments: Ints, threads: Ints) -> Ints:
    """The innermost op around each moment on its thread."""
    found = np.full(len(moments), NONE, np.int64)
    op_threads, starts = rows.column(OP, "thread"), rows.column(OP, "start")
    ends = starts + rows.column(OP, "ns")
    order = np.argsort(op_threads, kind="stable")
    for thread in np.unique(threads).tolist():
        first, last = np.searchsorted(op_threads, [thread, thread + 1], sorter=order)
        mine, asked = order[first:last], threads == thread
        inner = innermost(starts[mine], ends[mine], moments[asked])
        found[asked] = _taken(mine, inner)
    return found


def _matched(known: Ints, wanted: Ints) -> Ints:
    """The place of each wanted id among the known ones; NONE if it is not there."""
    if not len(known):
        return np.full(len(wanted), NONE, np.int64)
    order = np.argsort(known, kind="stable")
    places = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
    found = order[places]
    return np.where((known[found] == wanted) & (wanted != NONE), found, NONE)


def _taken(values: Ints, places: Ints) -> Ints:
    """The values at some places; NONE at NONE."""
    if not len(values):
        return np.full(len(places), NONE, np.int64)
    return np.where(places == NONE, NONE, values[places])


def _shared(correlation: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    values, inverse, counts = np.unique(correlation, return_inverse=True, return_counts=True)
    shared: np.ndarray[tuple[int], np.dtype[np.bool_]] = ((counts > 1) & (values != NONE))[inverse]
    return shared
