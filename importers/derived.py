"""Points of a load test that lists its requests and sums nothing up: computed here, by our definitions.

| metric                                | of each request that succeeded                                      |
| ------------------------------------- | ------------------------------------------------------------------- |
| ttft, e2e                             | as listed                                                           |
| tpot                                  | (e2e - ttft) / (output_tokens - 1), where there is more than one    |
| itl                                   | every gap between chunks                                            |
| request_throughput, output_throughput | their number and output tokens, over first request sent to last end |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from importers.arrow import compute
from importers.load_points import Conditions
from importers.requests_table import Floats, Requests
from planner.measured import MeasuredPoint

DEFINITIONS: dict[str, str | float] = {
    "tpot_definition": "(e2e - ttft) / (output tokens - 1), a value for each request; computed from the requests",
    "throughput_definition": "of successful requests, from the first request sent to the last answer",
}


def points_of(requests: Requests, load: Conditions) -> Iterator[MeasuredPoint]:
    """Every point that follows from the requests.

    load : under which they were sent; lengths are the requests' means
    """
    good = _good(requests)
    output = np.where(good, requests.floats("output_tokens"), np.nan)
    where = replace(
        load,
        prompt_tokens=_mean(requests.floats("prompt_tokens")),
        output_tokens=_mean(requests.floats("output_tokens")),
    )
    for metric, values in {
        "ttft": requests.floats("ttft_s"),
        "tpot": requests.tpot(),
        "e2e": requests.floats("e2e_s"),
    }.items():
        yield from where.derived(metric, np.where(good, values, np.nan))
    if requests.gaps is not None:
        yield from where.derived("itl", np.asarray(compute.list_flatten(requests.gaps).to_numpy(zero_copy_only=False)))
    span = requests.span()
    if span:
        yield where.point("request_throughput", "total", float(good.sum()) / span)
        if np.nansum(output) > 0:
            yield where.point("output_throughput", "total", float(np.nansum(output)) / span)


def totals(requests: Requests) -> dict[str, float]:
    """Counts and duration for the run's summary [1], [s], [tokens]."""
    good = _good(requests)
    found = {"requests": float(good.sum()), "failed": float(len(good) - good.sum())}
    for name in ("prompt_tokens", "output_tokens"):
        values = requests.floats(name)
        if np.isfinite(values).any():
            found[name] = float(np.nansum(np.where(good, values, np.nan)))
    span = requests.span()
    return found | ({"duration_s": span} if span else {})


def _good(requests: Requests) -> np.ndarray:
    """Which requests are not known to have failed."""
    found = requests.columns.get("succeeded")
    if found is None:
        return np.full(len(requests), fill_value=True)
    return np.asarray(found.fill_null(True).to_numpy(zero_copy_only=False), dtype=bool)


def _mean(values: Floats) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None
