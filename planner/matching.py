"""Which op of the model each kernel of a step implements: by its class, and by its place in the layers' sequence.

A trace names kernels, not ops: four products of a layer can be launches of one kernel. But both come in order. So the
kernels of one step are aligned with the ops of the model's step, layer after layer, as two sequences: a kernel may
stand for an op that its class can implement; several in a row may share one op (split-K and its reduction); kernels and
ops may be left out (fused ones). Of all alignments that keep the order, the one with most kernels placed is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.latency import StepTime
from planner.op_times import OpTime
from planner.quantities import FloatArray

LEFT_OUT = 0.2
"""Cost of an op without a kernel, in kernels placed: fusion leaves ops out; no layer is skipped for one kernel."""
LONGEST = 20_000
"""Kernels of one step that are aligned; more is no step of a model."""

Implements = Callable[[str, OpTime], bool]


@dataclass(frozen=True, slots=True)
class Launch:
    """One kernel of a step, in order of its start.

    name, kind : as the trace has them
    seconds : that it ran [s]
    flops, moved : counted by a profiler or told by the launching op's shapes; None: not known [FLOP], [bytes]
    """

    name: str
    kind: str
    seconds: float
    flops: float | None = None
    moved: float | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """All launches of one kernel that stand for one op.

    op : of the model's step; None where nothing of the model is like it
    launches : in the step [1]
    seconds : of all of them [s]
    """

    kernel: str
    kind: str
    op: str | None
    launches: int
    seconds: float


def match(
    launches: Sequence[Launch],
    step: StepTime,
    implements: Implements,
    corrected: Mapping[str, str | None] | None = None,
) -> tuple[Matched, ...]:
    """The op that each kernel of a step stands for.

    launches : kernels of one step on one GPU, in order of start [s]
    step : the model's step of the same kind
    implements : whether a class of kernel can be a given op
    corrected : kernel's name -> op's name, without its group of layers (`ungrouped`), or None for no op: what a person
        said, which wins over its class
    returns : kernels and ops together, longest first
    valid : up to 20,000 kernels; a step that is longer is aligned up to there
    """
    order = sequence(step)
    found = places(launches, order, implements, corrected)
    return added_up(
        (launch, order[at].op.name if at >= 0 else None) for launch, at in zip(launches, found, strict=True)
    )


def places(
    launches: Sequence[Launch],
    order: Sequence[OpTime],
    implements: Implements,
    corrected: Mapping[str, str | None] | None = None,
) -> list[int]:
    """For each kernel of a step the place of its op in the step's sequence, -1 for none.

    launches, implements, corrected : as in match [s]
    order : from `sequence`
    """
    known = launches[:LONGEST]
    found = _aligned(_fits(known, order, implements, corrected or {})).tolist()
    return [*found, *[-1] * (len(launches) - len(known))]


def added_up(pairs: Iterable[tuple[Launch, str | None]]) -> tuple[Matched, ...]:
    """Launches of one kernel for one op together, longest first.

    pairs : each launch with its op's name [s]
    """
    sums: dict[tuple[str, str, str | None], tuple[int, float]] = {}
    for launch, op in pairs:
        count, seconds = sums.get((launch.name, launch.kind, op), (0, 0.0))
        sums[launch.name, launch.kind, op] = (count + 1, seconds + launch.seconds)
    found = [Matched(*key, count, seconds) for key, (count, seconds) in sums.items()]
    return tuple(sorted(found, key=lambda matched: -matched.seconds))


def unmatched(matched: Iterable[Matched]) -> tuple[tuple[Matched, ...], float]:
    """Kernels that nothing of the model is like, and their share of the time [1].

    matched : of one step [s]
    """
    told = tuple(matched)
    whole = sum(one.seconds for one in told)
    left = tuple(one for one in told if one.op is None)
    return left, sum(one.seconds for one in left) / whole if whole else 0.0


def sequence(step: StepTime) -> tuple[OpTime, ...]:
    """The ops of a step in the order in which they run, each as often as it runs.

    step : ops of a group of alike layers carry the group's number in their name and the number of its layers as count
    returns : groups of layers interleaved evenly: which layer is of which group is not told
    """
    ran = [time for time in step.ops if float(time.op.launches) > 0]
    groups: dict[str, list[OpTime]] = {}
    for time in ran:
        groups.setdefault(_group(time.op.name, time.op.count), []).append(time)
    before, after, layers = [], [], []
    for name, group in groups.items():
        if name:
            count = round(group[0].op.count)
            layers += [((place + 0.5) / count, group) for place in range(count)]
        else:
            first = next((at for at, time in enumerate(ran) if _group(time.op.name, time.op.count)), len(ran))
            before = [time for time in group if ran.index(time) < first]
            after = [time for time in group if ran.index(time) >= first]
    layers.sort(key=lambda entry: entry[0])
    return (*before, *(time for _, group in layers for time in group), *after)


def ungrouped(name: str) -> str:
    """An op's name without its group of alike layers.

    >>> ungrouped("layers1.experts.up"), ungrouped("ffn.up")
    ('experts.up', 'ffn.up')
    """
    head, _, rest = name.partition(".")
    return rest if head.startswith("layers") and rest else name


def _group(name: str, count: float) -> str:
    """The group of layers of an op; empty for one that runs once a step."""
    head = name.partition(".")[0]
    return head if head.startswith("layers") else ("layer" if count > 1 else "")


def _fits(
    launches: Sequence[Launch], order: Sequence[OpTime], implements: Implements, said: Mapping[str, str | None]
) -> NDArray[np.bool_]:
    """Whether a kernel can stand for an op, a row a kernel, a column an op."""
    rows: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for launch in launches:
        key = (launch.name, launch.kind)
        if key not in rows:
            can = (
                [ungrouped(time.op.name) == said[launch.name] for time in order]
                if launch.name in said
                else [implements(launch.kind, time) for time in order]
            )
            rows[key] = np.array(can, dtype=np.bool_)
    empty = np.zeros((0, len(order)), dtype=np.bool_)
    return np.array([rows[launch.name, launch.kind] for launch in launches]) if launches else empty


def _aligned(fits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each kernel its op's place, or -1: the alignment in order that places most kernels.

    best[j] is the value of an alignment whose last used op is j (0: none yet); going on from an earlier op costs
    the ops that are passed over.
    """
    kernels, ops = fits.shape
    price = LEFT_OUT * np.arange(ops + 1)
    best = -price
    came = np.zeros((kernels, ops + 1), dtype=np.int32)
    placed = np.zeros((kernels, ops + 1), dtype=np.bool_)
    for kernel in range(kernels):
        start, origin = _going_on(best + price)
        gained = np.full(ops + 1, -np.inf)
        gained[1:] = np.where(fits[kernel], np.maximum(start[:-1] - price[:-1], best[1:]) + 1.0, -np.inf)
        placed[kernel] = gained > best
        own = np.concatenate([[False], best[1:] >= start[:-1] - price[:-1]])
        came[kernel] = np.where(own, np.arange(ops + 1), np.concatenate([[0], origin[:-1]]))
        best = np.where(placed[kernel], gained, best)
    return _traced_back(best, came, placed)


def _going_on(values: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """The running maximum, and where it was reached."""
    running = np.maximum.accumulate(values)
    reached = np.where(values >= running, np.arange(len(values)), 0)
    return running, np.maximum.accumulate(reached)


def _traced_back(best: FloatArray, came: NDArray[np.int32], placed: NDArray[np.bool_]) -> NDArray[np.int64]:
    places = np.full(len(came), -1, dtype=np.int64)
    at = int(np.argmax(best - LEFT_OUT * (len(best) - 1 - np.arange(len(best)))))
    for kernel in range(len(came) - 1, -1, -1):
        if placed[kernel, at]:
            places[kernel] = at - 1
            at = int(came[kernel, at])
    return places
