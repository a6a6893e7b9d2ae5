"""The rows of a trace, column by column, while its events pass by: what is kept is small and bounded.

| events            | kept of each                                                                  | bytes |
| ----------------- | ----------------------------------------------------------------------------- | ----- |
| kernels           | name, times, device, stream, ids, grid, block, registers, shared memory       | 88    |
| copies, sets      | name, times, device, stream, correlation, bytes                               | 48    |
| calls             | correlation, times, thread                                                    | 28    |
| ops               | external id, times, thread, signature: name, shapes and types, each once      | 32    |
| ranges            | name, times, process                                                          | 28    |
| all others        | nothing but their number                                                      |       |
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.short_names import LONGEST_NAME
from importers.torch_events import (
    CALL,
    CATEGORIES,
    COMPLETE,
    COPY,
    KERNEL,
    LONGEST_US,
    MOST,
    MOST_SIDE,
    NO_ARGUMENTS,
    NONE,
    NS_PER_US,
    OF_THE_HOST,
    OP,
    RANGE,
    SET,
    Arguments,
    TraceEvent,
    box,
    nanoseconds,
    whole,
)
from planner.errors import TooLarge
from planner.quantities import MIB

Ints = NDArray[np.signedinteger[Any]]
LONGEST_NS = 2**46
"""Nineteen hours: nothing on a GPU runs that long."""
MOST_BYTES = 640 * MIB
"""Of all rows together: some ten gigabytes of a trace."""
MOST_TEXTS, MOST_LETTERS = 500_000, 256 * MIB
"""Different names or shapes, and their length together."""
MOST_OTHERS, MOST_THREADS = 64, 100_000
_KERNEL = ("device", "stream", "correlation", "external", "grid", "block", "registers", "shared_memory", "graph_node")
_BOXES = ("grid", "block")
_COPY = ("device", "stream", "correlation", "bytes")
COLUMNS = {
    KERNEL: ("name", *_KERNEL), COPY: ("name", *_COPY), SET: ("name", *_COPY), CALL: ("correlation", "thread"),
    OP: ("external", "thread", "signature"), RANGE: ("name", "process_id"),
}  # fmt: skip
"""What is kept beside start and duration."""
NARROW = frozenset({"name", "device", "grid", "block", "registers", "shared_memory", "thread", "signature"})
"""Columns whose values fit 32 bits; larger ones are none that a GPU has."""
Events = Sequence[TraceEvent]
Told = Sequence[Arguments]


class Codes:
    """Values, each once, in the order of their first appearance."""

    def __init__(self, what: str) -> None:
        self._codes: dict[Any, int] = {}
        self._what, self._letters = what, 0

    def __call__(self, values: Sequence[Any]) -> Ints:
        """The place of each value.

        raises : TooLarge beyond MOST_TEXTS or MOST_LETTERS
        """
        for value in dict.fromkeys(values):
            if value not in self._codes:
                self._codes[value] = len(self._codes)
                self._letters += len(value) if isinstance(value, str) else sum(map(len, value[1:]))
        if len(self._codes) > MOST_TEXTS or self._letters > MOST_LETTERS:
            raise TooLarge(f"More than {MOST_TEXTS} different {self._what}, or very long ones. Profile fewer steps.")
        return np.array([self._codes[value] for value in values], np.int64)

    @property
    def values(self) -> list[Any]:
        """All values, by their places."""
        return list(self._codes)


class Rows:
    """The rows of one trace.

    names : of kernels, copies, ops and ranges, as the file has them
    signatures : of ops: name, shapes, types and values, the latter three as the file has them
    threads : (process, thread) of ops and calls, by their number
    bad : events without a possible time, by kind; nothing of them is kept
    others : complete events of categories that are not known here
    with_values : ops whose scalar arguments are kept too
    """

    def __init__(self, with_values: frozenset[str]) -> None:
        self.names, self.signatures = Codes("names"), Codes("shapes")
        self.threads: dict[tuple[int, int], int] = {}
        self.bad, self.others, self.events = Counter[str](), Counter[str](), 0
        self._with_values = with_values
        self._parts: dict[str, dict[str, list[Ints]]] = {kind: defaultdict(list) for kind in COLUMNS}
        self._counts, self._bytes = Counter[str](), 0
        self._made: dict[str, Callable[[Events, Told], Ints]] = {
            "name": lambda events, _: self._named([event.name for event in events]),
            "thread": lambda events, _: self._threads(events),
            "process_id": lambda events, _: _ints([event.pid for event in events]),
            "signature": self._signature,
            "device": lambda events, told: _either([one.device for one in told], [event.pid for event in events]),
            "stream": lambda events, told: _either([one.stream for one in told], [event.tid for event in events]),
            "external": lambda _, told: _either([one.external for one in told], [one.external_old for one in told]),
            "grid": lambda _, told: _boxes([one.grid for one in told]),
            "block": lambda _, told: _boxes([one.block for one in told]),
        }

    def add(self, events: Events) -> None:
        """Adds what is kept of some events.

        raises : TooLarge
        """
        self.events += len(events)
        groups: dict[str | None, list[TraceEvent]] = defaultdict(list)
        for event in events:
            if event.ph == COMPLETE:
                groups[event.cat].append(event)
        for category, group in groups.items():
            kind = CATEGORIES.get(category or "")
            if kind is not None:
                self._keep(kind, group)
            elif category not in OF_THE_HOST and (category in self.others or len(self.others) < MOST_OTHERS):
                self.others[category or "no category"] += len(group)

    def count(self, kind: str) -> int:
        """How many rows of a kind are kept."""
        return self._counts[kind]

    def column(self, kind: str, name: str) -> Ints:
        """One column: "start" or "ns" [ns], or one of COLUMNS; NONE where the event does not tell."""
        parts = self._parts[kind][name]
        if len(parts) != 1:
            parts[:] = [np.concatenate(parts) if parts else np.empty((0, 3) if name in _BOXES else 0, np.int64)]
        return parts[0]

    def forget(self, *kinds: str) -> None:
        """Frees the columns of some kinds; they are empty from now on, the counts stay."""
        for kind in kinds:
            self._parts[kind].clear()

    def _keep(self, kind: str, group: list[TraceEvent]) -> None:
        start, lasted = (_times([getattr(event, key) for event in group]) for key in ("ts", "dur"))
        good = (start != NONE) & (lasted >= 0) & (lasted <= LONGEST_NS)
        self.bad[kind] += len(group) - int(good.sum())
        if not good.all():
            group = [event for event, kept in zip(group, good, strict=True) if kept]
        told = [event.args or NO_ARGUMENTS for event in group]
        made = {"start": start[good], "ns": lasted[good]}
        for name in COLUMNS[kind]:
            make = self._made.get(name)
            column = make(group, told) if make else _ints([getattr(one, name) for one in told])
            made[name] = _narrow(column) if name in NARROW else column
        for name, column in made.items():
            self._parts[kind][name].append(column)
            self._bytes += column.nbytes
        self._counts[kind] += len(group)
        if self._bytes > MOST_BYTES:
            raise TooLarge(f"More than {MOST_BYTES // MIB} MiB of kernels, calls and ops. Profile fewer steps.")

    def _named(self, names: list[str | None]) -> Ints:
        return self.names([(name or "")[:LONGEST_NAME] for name in names])

    def _threads(self, events: Events) -> Ints:
        try:
            pairs = [(event.pid, event.tid) for event in events]
            codes = {pair: self._thread(*pair) for pair in dict.fromkeys(pairs)}
        except TypeError:
            pairs = [(whole(event.pid), whole(event.tid)) for event in events]
            codes = {pair: self._thread(*pair) for pair in dict.fromkeys(pairs)}
        return np.array([codes[pair] for pair in pairs], np.int64)

    def _thread(self, process: Any, thread: Any) -> int:
        if len(self.threads) > MOST_THREADS:
            raise TooLarge(f"More than {MOST_THREADS} threads. Profile fewer steps.")
        return self.threads.setdefault((whole(process), whole(thread)), len(self.threads))

    def _signature(self, events: Events, told: Told) -> Ints:
        names = self._named([event.name for event in events]).tolist()
        wanted = self._with_values
        return self.signatures([
            (name, bytes(one.dims) or bytes(one.dims_old), bytes(one.types),
             bytes(one.values) if event.name in wanted else b"")
            for name, event, one in zip(names, events, told, strict=True)
        ])  # fmt: skip


def _times(values: list[Any]) -> Ints:
    """Nanoseconds; NONE for what is no time. Most often all are, and are made at once."""
    try:
        if max(values) < LONGEST_US and min(values) >= 0:
            return np.array([round(value * NS_PER_US) for value in values], np.int64)
    except (TypeError, ArithmeticError):
        pass
    return np.array([nanoseconds(value) for value in values], np.int64)


def _ints(values: Iterable[Any]) -> Ints:
    """Whole numbers; NONE for all else."""
    return np.array([value if type(value) is int and 0 <= value < MOST else whole(value) for value in values], np.int64)


def _either(values: list[Any], instead: list[Any]) -> Ints:
    first = _ints(values)
    return first if (first != NONE).all() else np.where(first == NONE, _ints(instead), first)


def _boxes(values: list[Any]) -> Ints:
    """Three sides each. Most often all are three whole numbers, and are made at once."""
    try:
        sides = np.array(values, np.int64)
    except (TypeError, ValueError, OverflowError):
        sides = np.empty(0, np.int64)
    if sides.shape != (len(values), 3):
        sides = np.array([box(value) for value in values], np.int64)
    return np.where(sides >= 0, sides, NONE)


def _narrow(values: Ints) -> Ints:
    return np.where(values < MOST_SIDE, values, NONE).astype(np.int32)
