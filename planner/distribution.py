"""A quantity over requests or tokens: its mean and the percentiles that load tests report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.quantities import FloatArray

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Mean and percentiles, in the unit of the values."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


def distribution(values: FloatArray) -> Distribution:
    """Of values that count alike; percentiles lie between neighbours in proportion, as numpy's.

    values : NaN is left out; at least one other [s]
    returns : [s]

    >>> distribution(np.array([1.0, 3.0, np.nan])).p50
    2.0
    """
    known = np.sort(values[~np.isnan(values)])
    at = np.array(PERCENTILES) / 100 * (len(known) - 1)
    return Distribution(float(known.mean()), *np.interp(at, np.arange(len(known)), known).tolist())


def weighted_distribution(values: FloatArray, weights: FloatArray) -> Distribution:
    """Of values of which each occurs `weight` times: the percentile is the least value that so many do not exceed.

        P(q) = min{v : sum of weights of values <= v  >=  q · sum of weights}

    values : [s]
    weights : not negative, not all zero [1]
    returns : [s]

    >>> weighted_distribution(np.array([5.0, 1.0]), np.array([2.0, 8.0])).p90
    5.0
    """
    order = np.argsort(values, kind="stable")
    ranked, reached = values[order], np.cumsum(weights[order])
    at = np.searchsorted(reached, np.array(PERCENTILES) / 100 * reached[-1] * (1 - 1e-12))
    return Distribution(float(np.average(values, weights=weights)), *(float(ranked[index]) for index in at))
