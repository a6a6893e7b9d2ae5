"""Statistics of a load test as points: what tools call them under our names, their units as seconds.

| their statistic                       | ours                                  |
| ------------------------------------- | ------------------------------------- |
| avg, mean                             | mean                                  |
| p50, 50%, median                      | median                                |
| std, std_dev, stddev, "std dev"       | std                                   |
| min, max, minimum, maximum            | min, max                              |
| p90, p99, p99.9, 99%; p001, p05, p999 | p90, p99, p99.9, p99; p0.1, p5, p99.9 |
| anything else                         | left out                              |

A metric whose mean is 0 is missing: the tools write 0 where no request gave it a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from importers.json_text import number
from importers.requests_table import Floats
from planner.measured import MeasuredPoint

NAMES = {
    "avg": "mean", "average": "mean", "mean": "mean", "median": "median", "std": "std", "std_dev": "std",
    "stddev": "std", "std dev": "std", "min": "min", "max": "max", "minimum": "min", "maximum": "max",
}  # fmt: skip
SHORT = {"p001": "p0.1", "p01": "p1", "p05": "p5", "p999": "p99.9", "p9999": "p99.99"}
DERIVED = (50, 90, 95, 99)
"""Percentiles of what we compute from the requests."""
_PERCENTILE = re.compile(r"p?(\d{1,3}(?:\.\d{1,4})?)%?")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which load values hold: the fields of MeasuredPoint; None: the tool does not say [1], [1/s], [tokens]."""

    concurrency: float | None = None
    request_rate: float | None = None
    prompt_tokens: float | None = None
    output_tokens: float | None = None

    def point(self, metric: str, statistic: str, value: float) -> MeasuredPoint:
        """One value under these conditions [s], [1/s]."""
        return MeasuredPoint(
            metric, statistic, value, self.concurrency, self.request_rate, self.prompt_tokens, self.output_tokens
        )

    def points(self, metric: str, values: Mapping[str, Any], unit: float = 1.0) -> Iterator[MeasuredPoint]:
        """The statistics of a metric.

        values : a tool's names of statistics -> values in its unit; others are left out
        unit : of the values [s] or [1/s]
        """
        known = {ours: found for key, value in values.items() if (ours := statistic(key)) for found in (number(value),)}
        if known.get("mean", known.get("median")) in (None, 0.0):
            return
        for name, value in known.items():
            if value is not None and value >= 0:
                yield self.point(metric, name, value * unit)

    def derived(self, metric: str, values: Floats) -> Iterator[MeasuredPoint]:
        """Mean, median and percentiles of what each request gave, linear between neighbours.

        values : of each request, nan where it has none [s]
        """
        known = values[np.isfinite(values)]
        if known.size:
            yield self.point(metric, "mean", float(known.mean()))
            for percentile in DERIVED:
                name = "median" if percentile == 50 else f"p{percentile}"
                yield self.point(metric, name, float(np.percentile(known, percentile)))


def statistic(name: str) -> str | None:
    """Our name of a tool's statistic; None if it is none of ours.

    >>> [statistic(name) for name in ("avg", "p50", "p001", "p99.9", "99%", "count")]
    ['mean', 'median', 'p0.1', 'p99.9', 'p99', None]
    """
    lower = name.strip().lower()
    known = NAMES.get(lower) or SHORT.get(lower)
    match = _PERCENTILE.fullmatch(lower)
    if known or not match or lower.isdigit():
        return known
    value = float(match[1])
    return "median" if value == 50 else (f"p{value:g}" if 0 < value < 100 else {100: "max"}.get(int(value)))
