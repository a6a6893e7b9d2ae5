"""The loads of a load test, one for each result of its file: what was reported of it, and what each request gave.

| table | columns read |
| --- | --- |
| requests | result, sent_s, ttft_s, e2e_s, output_tokens, succeeded [s], [tokens] |
| itl | result, request, gap_s [s] |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.checks.columns import NEEDED, columns, numbers
from planner.measured import MeasuredPoint, Run
from planner.overlay import conditions_of, mark_label
from planner.quantities import FloatArray

REQUESTS, GAPS = "requests", "itl"
OF_REQUESTS = ("result", "sent_s", "start_s", "ttft_s", "e2e_s", "latency_s", "output_tokens", "succeeded")
OF_GAPS = ("result", "request", "gap_s")
TABLES: Mapping[str, tuple[str, ...]] = {
    **NEEDED,
    REQUESTS: tuple(dict.fromkeys((*NEEDED[REQUESTS], *OF_REQUESTS))),
    GAPS: OF_GAPS,
}
"""Table -> columns that the checks and this file read."""
CENTRES = ("mean", "total", "median")
"""Statistics that stand for a metric, best first."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Requests of one result that did not fail, in the order sent; NaN where a value is not known.

    sent : since the first was sent [s]
    ttft, tpot, e2e : of each request [s]
    itl, itl_at : gaps between chunks of an answer, and when each ended [s]
    """

    sent: FloatArray
    ttft: FloatArray
    tpot: FloatArray
    e2e: FloatArray
    itl: FloatArray
    itl_at: FloatArray

    def values(self, metric: str) -> FloatArray:
        """The known values of "ttft", "tpot", "itl" or "e2e", in the order of time [s]."""
        found: FloatArray = getattr(self, metric)
        return found[np.isfinite(found)]


@dataclass(frozen=True, slots=True)
class Load:
    """Everything measured under one load.

    run : with the points of this load alone
    sample : None where the file lists no requests
    """

    run: Run
    sample: Sample | None

    @property
    def label(self) -> str:
        """Its conditions in a few words."""
        return mark_label(self.run.points[0]) if self.run.points else "no figures reported"

    @property
    def conditions(self) -> Mapping[str, str]:
        """The columns of predict.INPUTS that it fixes [tokens], [1/s]."""
        return conditions_of(self.run.points[0]) if self.run.points else {}

    def value(self, metric: str, *statistics: str) -> float | None:
        """A reported value, by the first of the statistics that is there [s], [1/s].

        statistics : CENTRES where none is given
        """
        found = {point.statistic: point.value for point in self.run.points if point.metric == metric}
        return next((found[name] for name in statistics or CENTRES if name in found), None)


def loads(run: Run) -> tuple[Load, ...]:
    """The loads of a run in the order of its file.

    run : with its points, and its tables `requests` and `itl` where it has them
    valid : where results and groups of points differ in number, no sample is given to any: it might be another's
    """
    groups = _groups(run.points)
    samples = _samples(run)
    if len(samples) > 1 and not groups:
        groups = [[] for _ in samples]
    each = samples if len(samples) == len(groups) else [None] * len(groups)
    return tuple(
        Load(replace(run, points=tuple(group), tables={}), one) for group, one in zip(groups, each, strict=True)
    )


def in_flight(sample: Sample, moments: FloatArray) -> FloatArray:
    """Requests in flight at each moment: sent and not yet answered.

    sample : its requests without an end are left out [s]
    moments : ascending [s]
    returns : [1]
    """
    known = np.isfinite(sample.sent) & np.isfinite(sample.e2e)
    starts, ends = np.sort(sample.sent[known]), np.sort((sample.sent + sample.e2e)[known])
    found: FloatArray = np.searchsorted(starts, moments, "right") - np.searchsorted(ends, moments, "right").astype(
        float
    )
    return found


def _groups(points: Sequence[MeasuredPoint]) -> list[list[MeasuredPoint]]:
    """Points of one load after the other: a group ends where conditions change or a figure comes again."""
    groups: list[list[MeasuredPoint]] = []
    seen: set[tuple[str, str]] = set()
    before: Mapping[str, str] | None = None
    for point in points:
        if conditions_of(point) != before or (point.metric, point.statistic) in seen:
            groups.append([])
            seen = set()
        groups[-1].append(point)
        seen.add((point.metric, point.statistic))
        before = conditions_of(point)
    return groups


def _samples(run: Run) -> list[Sample | None]:
    listed, gaps = _table(run, REQUESTS, OF_REQUESTS), _table(run, GAPS, OF_GAPS)
    if not listed:
        return []
    results = np.nan_to_num(listed["result"])
    return [_sample(listed, results == number, _of_result(gaps, number)) for number in np.unique(results)]


def _table(run: Run, name: str, wanted: Sequence[str]) -> dict[str, FloatArray]:
    parts = [{key: numbers(column) for key, column in batch.items()} for batch in columns(run, name, wanted)]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if parts else {}


def _of_result(gaps: Mapping[str, FloatArray], number: float) -> tuple[FloatArray, FloatArray]:
    """Gaps of one result: which request, how long [s]."""
    if not gaps:
        return np.zeros(0), np.zeros(0)
    own = gaps["result"] == number
    return gaps["request"][own], gaps["gap_s"][own]


def _sample(listed: Mapping[str, FloatArray], own: np.ndarray, gaps: tuple[FloatArray, FloatArray]) -> Sample:
    told = {name: column[own] for name, column in listed.items()}
    sent, e2e = (
        np.where(np.isfinite(told[one]), told[one], told[other])
        for one, other in (("sent_s", "start_s"), ("e2e_s", "latency_s"))
    )
    good = told["succeeded"] != 0.0
    later = np.where(told["output_tokens"] > 1, told["output_tokens"] - 1, np.nan)
    itl_at, itl = _timed_gaps(sent + told["ttft_s"], *gaps)
    columns_ = {"sent": sent, "ttft": told["ttft_s"], "tpot": (e2e - told["ttft_s"]) / later, "e2e": e2e}
    order = np.argsort(sent[good], kind="stable")
    return Sample(**{name: column[good][order] for name, column in columns_.items()}, itl=itl, itl_at=itl_at)


def _timed_gaps(first: FloatArray, request: FloatArray, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
    """When each gap ended, and its length, in the order of time; each request's gaps follow its first token [s]."""
    inside = np.isfinite(gap) & (request >= 0) & (request < len(first))
    owner, gap = request[inside].astype(np.int64), gap[inside]
    order = np.argsort(owner, kind="stable")
    owner, gap = owner[order], gap[order]
    reached = np.cumsum(gap)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    before = np.repeat((reached - gap)[starts], np.diff(np.append(starts, len(owner))))
    at = first[owner] + reached - before
    order = np.argsort(at, kind="stable")
    return at[order], gap[order]
