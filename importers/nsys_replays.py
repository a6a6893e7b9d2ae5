"""Steps from CUDA graphs: one replay of a whole graph, or all replays of its pieces in their order.

| theirs                                              | ours                                                           |
| --------------------------------------------------- | -------------------------------------------------------------- |
| a row of GRAPH_TRACE (graphs traced as a whole)     | a replay                                                       |
| kernels with a graphNodeId and one correlation id   | a replay (graphs traced node by node)                          |
| graphId; where it is absent, the number of kernels  | which graph it is a replay of                                  |
| a graph comes again with the next replay            | each replay is a step: a whole graph, recorded for decode      |
| a graph comes again n replays later                 | n replays make a step (vLLM's piecewise graphs); the longest   |
|                                                     | gap says with which of them it begins                          |
"""

from __future__ import annotations

import numpy as np

from importers.arrow import grouped
from importers.nsys_launches import THREAD_BITS
from importers.nsys_marked import PROCESS_MASK, Work, joined
from importers.nsys_marks import DECODE, UNKNOWN
from importers.nsys_rows import NO_ID, Chunk
from importers.nsys_steps import KINDS, Steps, kinds_of
from importers.sqlite_tree import Integers

MOST_REPLAYS = 2**21
"""Replays looked at, from the beginning: ten minutes of an engine whose steps are of sixty pieces."""
SUMS = ("kernels", "busy", "prefill", "decode")
Replays = dict[str, Integers]
"""Columns device, process, launch, graph, start, end and SUMS; times in ns."""


class ReplaySteps:
    """Finds the steps of an export whose graphs were traced, as a whole or node by node."""

    __slots__ = ("_count", "_parts")

    def __init__(self) -> None:
        self._count = 0
        self._parts: list[Replays] = []

    def add_whole(self, chunk: Chunk) -> None:
        """Adds a batch of GRAPH_TRACE.

        chunk : with globalPid, correlationId and graphId [ns]
        """
        self._take(_whole(chunk))

    def add(self, work: Work) -> None:
        """Adds a batch of kernels; only those inside graphs matter."""
        if not (work.graph_node > 0).any():
            return
        for device, rows in grouped(np.where(work.graph_node > 0, work.device, NO_ID)):
            if device != NO_ID:
                self._take(_runs(work, rows))

    def steps(self) -> Steps:
        """The steps, each of one or several replays."""
        if not self._count:
            return Steps.none()
        replays = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        found = []
        for _, rows in grouped(replays["device"]):
            for _, own in grouped(replays["process"][rows]):
                found.append(_steps(_added({name: values[rows[own]] for name, values in replays.items()}, "launch")))
        return joined(found)

    def _take(self, part: Replays) -> None:
        """Keeps a part, while they are so few that a person can mean them."""
        if self._count <= MOST_REPLAYS:
            self._count += len(part["start"])
            self._parts.append(part)


def pieces(graphs: Integers) -> int:
    """Of how many replays a step is made: after how many the same graph mostly comes again; 1 if none does.

    graphs : which graph each replay is of, in the order of time

    >>> pieces(np.array([1, 1, 2, 2, 2])), pieces(np.array([1, 2, 3, 1, 2, 3, 1]))
    (1, 3)
    """
    order = np.argsort(graphs, kind="stable")
    again = np.diff(order)[np.diff(graphs[order]) == 0]
    return int(np.bincount(again).argmax()) if len(again) else 1


def _whole(chunk: Chunk) -> Replays:
    rows = {name: np.asarray(chunk.rows.column(name)) for name in chunk.rows.schema.names}
    nothing = np.zeros(len(rows["start"]), np.int64)
    return {
        "device": rows["device"],
        "process": rows["globalPid"] >> THREAD_BITS & PROCESS_MASK,
        "launch": rows["correlationId"],
        "graph": rows["graphId"],
        "start": rows["start"],
        "end": rows["end"],
        **dict.fromkeys(SUMS, nothing),
        "busy": rows["ns"],
    }


def _runs(work: Work, rows: Integers) -> Replays:
    """Kernels of one launch that follow each other on a device, added up."""
    launch = work.correlation[rows]
    edges = np.concatenate(([0], np.flatnonzero(np.diff(launch)) + 1))
    spent = (work.end - work.start)[rows]
    first = rows[edges]
    return {
        "device": work.device[first],
        "process": work.process[first] >> THREAD_BITS & PROCESS_MASK,
        "launch": launch[edges],
        "graph": work.graph[first],
        "start": np.minimum.reduceat(work.start[rows], edges),
        "end": np.maximum.reduceat(work.end[rows], edges),
        "kernels": np.diff(np.append(edges, len(rows))),
        "busy": np.add.reduceat(work.fresh[rows], edges),
        "prefill": np.add.reduceat(np.where(work.prefill[rows], spent, 0), edges),
        "decode": np.add.reduceat(np.where(work.decode[rows], spent, 0), edges),
    }


def _added(parts: Replays, key: str) -> Replays:
    """Parts with the same key as one, in the order of time."""
    _, first, place = np.unique(parts[key], return_index=True, return_inverse=True)
    whole = {name: values[first].copy() for name, values in parts.items()}
    for name in SUMS:
        whole[name] = np.zeros(len(first), np.int64)
        np.add.at(whole[name], place, parts[name])
    np.minimum.at(whole["start"], place, parts["start"])
    np.maximum.at(whole["end"], place, parts["end"])
    order = np.argsort(whole["start"], kind="stable")
    return {name: values[order] for name, values in whole.items()}


def _steps(replays: Replays) -> Steps:
    """Steps of one process on one device."""
    graphs = np.where(replays["graph"] == NO_ID, replays["kernels"], replays["graph"])
    length = pieces(graphs)
    if length > 1:
        before = np.append(0, np.maximum(replays["start"][1:] - np.maximum.accumulate(replays["end"])[:-1], 0))
        turns = len(before) // length
        begins = int(before[: turns * length].reshape(turns, length)[1:].mean(axis=0).argmax()) if turns > 1 else 0
        numbered = {**replays, "step": (np.arange(len(graphs)) - begins) // length}
        replays = _added({name: values[begins:] for name, values in numbered.items()}, "step")
    kinds = kinds_of(replays["prefill"], replays["decode"])
    if length == 1:
        kinds = np.where(kinds == KINDS.index(UNKNOWN), KINDS.index(DECODE), kinds)
    return Steps(
        "graph", replays["start"], replays["end"], kinds, replays["kernels"], replays["busy"], replays["device"],
        replays["process"],
    )  # fmt: skip
