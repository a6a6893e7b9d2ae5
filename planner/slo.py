"""Promises to users: which latency, for how many of them, how long at most; and what is kept in reserve for them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from planner.errors import InvalidWorkload
from planner.quantities import FloatArray

METRICS = ("ttft", "tpot", "e2e")
QUANTILES = (0.5, 0.95, 0.99)
NAMES: Mapping[str, str] = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "end to end"}
LONGEST = 1e6
NEARLY = 1e-9
"""Less than this over a whole number of replicas is a rounding error, not one more replica [1]."""

Key = tuple[str, float]
"""A metric and a quantile."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Of `quantile` of all requests, none has a longer `metric` than `limit`.

    metric : one of METRICS
    quantile : one of QUANTILES [1]
    limit : [s]
    """

    metric: str
    quantile: float
    limit: float

    @property
    def key(self) -> Key:
        """Metric and quantile."""
        return self.metric, self.quantile

    @property
    def label(self) -> str:
        """As people say it: "p95 TTFT"."""
        return f"p{100 * self.quantile:.0f} {NAMES[self.metric]}"


@dataclass(frozen=True, slots=True)
class Slo:
    """All promises, and what is kept in reserve so that they hold on a bad day.

    promises : each must hold
    spare : replicas that may fail without a promise being broken; N+1: 1 [1]
    headroom : of each replica's capacity, not planned for [1]
    """

    promises: tuple[Promise, ...] = ()
    spare: int = 0
    headroom: float = 0.0

    def replicas(self, rate: float, capacity: float) -> int:
        """Replicas that carry a load, spares included.

            replicas = ceil(rate / (capacity · (1 - headroom))) + spare

        rate : of all requests [1/s]
        capacity : highest rate of one replica that meets the promises [1/s]
        returns : at least one, besides the spares [1]

        >>> Slo(spare=1, headroom=0.2).replicas(30, 10)
        5
        """
        return max(1, math.ceil(rate / (capacity * (1 - self.headroom)) - NEARLY)) + self.spare


def slo(promises: Iterable[Promise], spare: int = 0, headroom: float = 0.0) -> Slo:
    """A checked Slo.

    promises : each must hold
    spare : replicas that may fail [1]
    headroom : share of capacity kept free [1]
    raises : InvalidWorkload naming the field
    """
    found = Slo(tuple(promises), spare, headroom)
    for promise in found.promises:
        if promise.metric not in METRICS or promise.quantile not in QUANTILES:
            raise InvalidWorkload(
                f"A promise is of one of {', '.join(METRICS)} at one of {', '.join(map(str, QUANTILES))}, not of "
                f'"{promise.metric[:20]}" at {promise.quantile:g}.'
            )
        if not 0 < promise.limit <= LONGEST:
            raise InvalidWorkload(f"{promise.label} is promised in {promise.limit:g} s: it must be above 0.")
    if not 0 <= spare <= 100 or not 0 <= headroom < 1:
        raise InvalidWorkload(f"spare is {spare} and headroom {headroom:g}: 0 to 100 replicas, and 0 to below 1.")
    return found


def quantiles(values: Mapping[str, FloatArray]) -> dict[Key, float]:
    """Every metric at every quantile over requests.

    values : of each request, under METRICS; NaN where a request has none (TPOT of one token) [s]
    returns : [s]; 0 where no request has the metric
    """
    found: dict[Key, float] = {}
    for metric, each in values.items():
        known = each[~np.isnan(each)]
        levels = np.quantile(known, QUANTILES) if len(known) else np.zeros(len(QUANTILES))
        found |= {(metric, quantile): float(level) for quantile, level in zip(QUANTILES, levels, strict=True)}
    return found


def tightest(promises: Iterable[Promise], figures: Mapping[Key, float]) -> tuple[Promise | None, float]:
    """The promise nearest to breaking, and how near.

    promises : to look at
    figures : of a load [s]
    returns : the promise and figure over limit, above 1: broken [1]; None and 0 without promises
    """
    used = [(figures[promise.key] / promise.limit, promise) for promise in promises]
    share, promise = max(used, key=lambda pair: pair[0], default=(0.0, None))
    return promise, share
