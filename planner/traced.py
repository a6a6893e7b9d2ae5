"""Measured steps of a trace beside the model's: the op that each kernel stands for, its rate, and where the time goes.

| here           | meaning                                                                                      |
| -------------- | -------------------------------------------------------------------------------------------- |
| `typical`      | which steps of a trace are looked at: those nearest to the median, from step to step         |
| `traced_step`  | one of them: its kernels, and how long the GPU was busy, idle in it, and idle until the next |
| `explained`    | kernels matched with ops, ops on the roof, and the step nearest to the median taken apart    |

Kernels between two steps (the last product and sampling often run outside of a graph) belong to the step before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.estimate import Phase
from planner.gpu import Gpu
from planner.kernel_marks import implements, told_by_name
from planner.marks import Mark
from planner.matching import Launch, Matched, added_up, places, sequence, ungrouped
from planner.op_times import OpTime
from planner.quantities import NANOSECOND
from planner.roofline import attainable
from planner.waterfall import COLLECTIVE, Part, traced

FEW = 3
"""Steps around the median that kernels are matched in: their sums do not hang on one launch."""
NO_OP = "no op of this model"
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TracedStep:
    """One step of a trace, up to the next.

    launches : its kernels, in order of start
    busy : that any kernel ran [s]
    step : busy, and idle between its first and its last kernel [s]
    period : to the start of the next step; the last one of a trace: to its own end [s]
    """

    launches: tuple[Launch, ...]
    busy: float
    step: float
    period: float


@dataclass(frozen=True, slots=True)
class Explained:
    """Measured steps, explained by the model's.

    steps : how many were matched [1]
    matched : kernels and their ops, over all steps [s]
    marks : each op at its FLOPs over its measured time; the name is that of the kernel that takes longest for it
    parts : of the step nearest to the median, from the floor to its period [s]
    """

    steps: int
    matched: tuple[Matched, ...]
    marks: tuple[Mark, ...]
    parts: tuple[Part, ...]


def periods(start: Times, end: Times) -> Times:
    """Time from each step's start to the next one's; of the last, to its own end [ns].

    start, end : of the steps of one device, in order [ns]
    """
    return np.append(np.diff(start), end[-1:] - start[-1:])


def typical(start: Times, end: Times, wanted: NDArray[np.bool_]) -> list[int]:
    """The places of a few wanted steps, the one nearest to the median period first.

    start, end : of the steps of one device, in order [ns]
    wanted : of the kind that is looked at
    returns : without the trace's last step, where there are others: nothing tells when the next would have begun
    """
    rows = np.flatnonzero(wanted)
    followed = rows[rows < len(start) - 1]
    rows = followed if len(followed) else rows
    if not len(rows):
        return []
    spans = periods(start, end)[rows]
    nearest = np.argsort(np.abs(spans - np.median(spans)), kind="stable")
    return [int(row) for row in rows[nearest[:FEW]]]


def traced_step(span: tuple[int, int, int], launches: Sequence[Launch], start: Times, end: Times) -> TracedStep:
    """A step from its kernels.

        busy = union of the kernels; step = its own span, and what is busy after it; both up to the next step

    span : start and end of the step, start of the next [ns]
    launches : kernels that begin from the step's start to the next one's, in order
    start, end : of these kernels [ns]
    """
    begin, finish, following = span
    until = min(finish, following)
    busy = _covered(start, np.minimum(end, following))
    after = busy - _covered(np.minimum(start, until), np.minimum(end, until))
    return TracedStep(
        tuple(launches), busy * NANOSECOND, (until - begin + after) * NANOSECOND, (following - begin) * NANOSECOND
    )


def explained(
    steps: Sequence[TracedStep], phase: Phase, gpu: Gpu, floor: float, corrected: Mapping[str, str | None] | None = None
) -> Explained:
    """Measured steps beside the model's step of the same kind.

    steps : of one kind, the one nearest to the median first; one at least
    phase : the model's step that they are taken to show [FLOP], [bytes]
    gpu : whose roofs bound it
    floor : as in waterfall.predicted [s]
    corrected : as in matching.match
    """
    order = sequence(phase.time)
    said = {**_told(steps, order), **(corrected or {})}
    found = [places(step.launches, order, implements, said) for step in steps]
    of_first = _by_kind(steps[0].launches, found[0], order)
    first = steps[0]
    return Explained(
        len(steps),
        added_up(
            (launch, order[at].op.name if at >= 0 else None)
            for step, own in zip(steps, found, strict=True)
            for launch, at in zip(step.launches, own, strict=True)
        ),
        _marks(steps, found, order, phase),
        traced(phase, gpu, floor, of_first, first.busy, first.step, first.period),
    )


def _told(steps: Iterable[TracedStep], order: Iterable[OpTime]) -> dict[str, str]:
    """Ops of this model that kernels' own names tell."""
    ops = {ungrouped(time.op.name) for time in order}
    kinds = {launch.name: launch.kind for step in steps for launch in step.launches}
    told = {name: told_by_name(name, kind) for name, kind in kinds.items()}
    return {name: op for name, op in told.items() if op in ops}


def _covered(start: Times, end: Times) -> int:
    """Length of the union of intervals, given in order of start [ns]."""
    if not len(start):
        return 0
    reach = np.maximum.accumulate(end)
    before = np.append(start[:1], reach[:-1])
    return int(np.maximum(reach - np.maximum(start, before), 0).sum())


def _by_kind(launches: Sequence[Launch], found: Sequence[int], order: Sequence[OpTime]) -> dict[str, float]:
    """Measured time by kind of op; a collective is one even where the model has none."""
    spent: dict[str, float] = {}
    for launch, at in zip(launches, found, strict=True):
        beside = COLLECTIVE if launch.kind == "collective" else NO_OP
        kind = order[at].op.kind if at >= 0 else beside
        spent[kind] = spent.get(kind, 0.0) + launch.seconds
    return spent


def _marks(
    steps: Sequence[TracedStep], found: Sequence[Sequence[int]], order: Sequence[OpTime], phase: Phase
) -> tuple[Mark, ...]:
    runs: dict[str, set[tuple[int, int]]] = {}
    groups: dict[str, list[Launch]] = {}
    for number, (step, own) in enumerate(zip(steps, found, strict=True)):
        for launch, at in zip(step.launches, own, strict=True):
            if at >= 0:
                runs.setdefault(order[at].op.name, set()).add((number, at))
                groups.setdefault(order[at].op.name, []).append(launch)
    ops = {time.op.name: time for time in order}
    whole = sum(launch.seconds for step in steps for launch in step.launches)
    marks = (_mark(ops[name], len(runs[name]), group, phase, whole) for name, group in groups.items())
    return tuple(sorted((mark for mark in marks if mark), key=lambda mark: -mark.share))


def _mark(time: OpTime, runs: int, group: Sequence[Launch], phase: Phase, whole: float) -> Mark | None:
    """An op on the roof: counted FLOPs and bytes, where every launch has them, come before the model's; FLOPs without
    bytes stand at the model's intensity.
    """
    spent = sum(launch.seconds for launch in group)
    flops = _counted((launch.flops for launch in group), float(time.op.flops) * runs)
    if not (spent and flops and float(time.op.flops)):
        return None
    moved = _counted((launch.moved for launch in group), flops * float(time.op.moved) / float(time.op.flops))
    longest = max(added_up((launch, None) for launch in group), key=lambda one: one.seconds).kernel
    intensity, rate = flops / moved, flops / spent
    above = rate > float(attainable(intensity, phase.peak, phase.bandwidth))
    return Mark(longest, time.op.name, time.bound, intensity, rate, spent / runs, spent / whole, above)


def _counted(told: Iterable[float | None], model: float) -> float:
    values = list(told)
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else model
