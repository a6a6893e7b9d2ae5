"""Two loads side by side: what changed from A to B, how sure that is, and what the planner promised of the change.

ratio = B / A        promised = predicted(B) / predicted(A)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from planner.differences import FEWEST, Verdict, difference
from planner.errors import PlannerError
from planner.estimate import estimate
from planner.loads import Load
from planner.model import Model
from planner.overlay import PREDICTED, scenario_of

METRICS = ("output_throughput", "e2e", "ttft", "tpot", "itl", "latency_per_output_token", "request_throughput")
OF_REQUESTS = frozenset({"e2e", "ttft", "tpot", "itl"})
STATISTICS = {"median": "p50", "p99": "p99"}
"""Of what is known of each request; ours -> key of planner.differences.STATISTICS."""
RATES = frozenset({"output_throughput", "request_throughput"})
CENTRES = ("mean", "total", "median")
FIGURES = {"mean": "value", "median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}
"""Statistics as reported -> fields of planner.estimate.Figure."""
KEPT = 1.25
"""A measured ratio within this factor of the promised one kept the promise."""


class Word(StrEnum):
    """What a change means to who waits."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "the same"
    UNKNOWN = "cannot tell"
    NO_INTERVAL = "no interval"


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of both sides.

    before, after : of A and of B [s] or [1/s]
    low, high : 90 % interval of after / before; None where the requests are not known [1]
    word : what that means
    promised : predicted after / before; None where it cannot be predicted [1]
    """

    metric: str
    statistic: str
    before: float
    after: float
    low: float | None
    high: float | None
    word: Word
    promised: float | None

    @property
    def ratio(self) -> float:
        """After over before [1]."""
        return self.after / self.before

    @property
    def kept(self) -> str:
        """Whether the change did what the planner promised of it, in words; empty without a promise."""
        if self.promised is None:
            return ""
        if 1 / KEPT <= self.ratio / self.promised <= KEPT:
            return "as promised"
        if (self.ratio - 1) * (self.promised - 1) < 0:
            return "the opposite"
        return "higher than promised" if self.ratio > self.promised else "lower than promised"


@dataclass(frozen=True, slots=True)
class Side:
    """One load, and what the planner says of it.

    predicted : metric and statistic -> figure [s] or [1/s]; empty where it cannot be predicted
    """

    load: Load
    predicted: Mapping[tuple[str, str], float]


def side(load: Load, gpu: str | None, model: Model | None, **cells: str) -> Side:
    """A load with the planner's figures for its own conditions.

    load : measured
    gpu, model : None where neither the file nor its reader tells: then nothing is predicted
    cells : what a reader adds, as in planner.overlay.scenario_of
    """
    if gpu is None or model is None:
        return Side(load, {})
    try:
        found = estimate(scenario_of(load.run, gpu, model, **{**cells, **load.conditions}))
    except PlannerError:
        return Side(load, {})
    figures = {"ttft": found.ttft, "tpot": found.tpot, "itl": found.itl, "e2e": found.e2e}
    known = {
        (metric, statistic): float(getattr(figure, name))
        for metric, figure in figures.items()
        for statistic, name in FIGURES.items()
        if figure is not None
    }
    rates = {
        (metric, statistic): value
        for metric in METRICS
        for statistic in CENTRES
        if metric not in figures and (value := PREDICTED[metric](found))
    }
    return Side(load, {**rates, **known})


def changes(before: Side, after: Side) -> tuple[Change, ...]:
    """Every figure that both sides have, those of requests with an interval.

    before, after : A and B [s], [1/s]
    returns : what who waits asks first leads
    """
    found = []
    for metric in METRICS:
        found += _sampled(metric, before, after) or _reported(metric, before, after)
    return tuple(found)


def leading(found: Sequence[Change]) -> Change | None:
    """The figure that answers first: one with an interval, else the first reported.

    found : from `changes`
    """
    return next((one for one in found if one.low is not None), next(iter(found), None))


def answer(found: Sequence[Change]) -> Word:
    """Whether B is faster: what its medians say where they agree, "cannot tell" where they contradict each other.

    found : from `changes`
    """
    sure = {one.word for one in found if one.low is not None and one.statistic == "median"}
    if not sure:
        return Word.NO_INTERVAL
    if {Word.FASTER, Word.SLOWER} <= sure:
        return Word.UNKNOWN
    return next((word for word in (Word.FASTER, Word.SLOWER, Word.UNKNOWN) if word in sure), Word.SAME)


def _sampled(metric: str, before: Side, after: Side) -> list[Change]:
    one, other = before.load.sample, after.load.sample
    if metric not in OF_REQUESTS or one is None or other is None:
        return []
    sides = one.values(metric), other.values(metric)
    if min(map(len, sides)) < FEWEST:
        return []
    found = []
    for name, statistic in STATISTICS.items():
        known = difference(sides[0].tolist(), sides[1].tolist(), statistic)
        word = _word(known.verdict, metric)
        promised = _promised(metric, name, before, after)
        found.append(Change(metric, name, known.before, known.after, known.low, known.high, word, promised))
    return found


def _reported(metric: str, before: Side, after: Side) -> list[Change]:
    found = []
    for statistics in (CENTRES, ("p99",)):
        known = {point.statistic for point in before.load.run.points if point.metric == metric} & {
            point.statistic for point in after.load.run.points if point.metric == metric
        }
        name = next((name for name in statistics if name in known), None)
        one, other = (side.load.value(metric, name) if name else None for side in (before, after))
        if name and one and other:
            promised = _promised(metric, name, before, after)
            found.append(Change(metric, name, one, other, None, None, Word.NO_INTERVAL, promised))
    return found


def _promised(metric: str, statistic: str, before: Side, after: Side) -> float | None:
    one, other = (side.predicted.get((metric, statistic)) for side in (before, after))
    return other / one if one and other else None


def _word(verdict: Verdict, metric: str) -> Word:
    if verdict in (Verdict.SAME, Verdict.UNKNOWN):
        return Word.SAME if verdict is Verdict.SAME else Word.UNKNOWN
    return Word.FASTER if (verdict is Verdict.LARGER) == (metric in RATES) else Word.SLOWER
