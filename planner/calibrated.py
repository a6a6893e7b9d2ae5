"""How sure a calibrated latency is.

    sigma² = g · covariance · g + spread² + (DRIFT · doublings)²        g = d log(step time) / d log(factor)

g is numeric, on the typical step of the metric. That holds for a configuration and a metric that were measured. For any
other the model is as wrong as ever (planner/intervals.py), and what the factors do not know comes on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from planner.correction import Correction
from planner.intervals import sides, why_wide
from planner.latency import step_time
from planner.memory import Memory
from planner.quantities import FloatArray
from planner.scenario import Scenario
from planner.serving import typical_step
from planner.step import Step

NINETY = 1.645
"""Standard deviations on each side of nine tenths of a normal distribution."""
DRIFT = 0.02
"""Error that each doubling of the load beyond the measured ones brings: the lab's batches 64-512 fitted to 1-16 [1]."""
MOVED = 0.02
SPEAKS: Mapping[str, frozenset[str]] = {
    "ttft": frozenset({"ttft"}),
    "tpot": frozenset({"tpot", "itl", "latency_per_output_token"}),
}
"""Metric -> those whose residuals say how well it is predicted."""


def calibrated_sides(metric: str, scenario: Scenario, room: Memory, crowded: bool) -> tuple[float, float]:
    """How far measurements lie from a calibrated latency, as logarithms; see `planner.intervals.sides`.

    metric : "ttft" or "tpot"
    scenario : with or without a calibration
    room : its memory
    crowded : more requests at once than the KV cache holds
    returns : below, above [1]
    """
    below, above = sides(metric, scenario, crowded)
    own = scenario.correction
    if own is None:
        return below, above
    unsure = NINETY * _unsure(own, scenario, _step(metric, scenario, room))
    if crowded or not _measured(own, metric, scenario):
        return float(np.hypot(below, unsure)), float(np.hypot(above, unsure))
    rest = NINETY * float(np.hypot(own.spread, DRIFT * own.doublings(scenario.workload.concurrency)))
    return float(np.hypot(rest, unsure)), float(np.hypot(rest, unsure))


def calibrated_why(scenario: Scenario, crowded: bool = False) -> str:
    """What makes an interval wide, in sentences; empty where a calibration has measured this configuration.

    scenario, crowded : as in `calibrated_sides`
    """
    own = scenario.correction
    narrow = own is not None and not crowded and all(_measured(own, metric, scenario) for metric in SPEAKS)
    return "" if narrow else why_wide(scenario, crowded)


def _measured(own: Correction, metric: str, scenario: Scenario) -> bool:
    return scenario.configuration in dict(own.kernels) and bool(SPEAKS[metric] & set(own.metrics))


def _step(metric: str, scenario: Scenario, room: Memory) -> Step:
    prefill, decode = typical_step(scenario, room, None)
    return prefill if metric == "ttft" else decode


def _unsure(own: Correction, scenario: Scenario, step: Step) -> float:
    """Standard deviation that the factors' uncertainty gives a step's time [1]."""
    if not own.covariance:
        return 0.0
    slopes = _slopes(own, scenario, step)
    return float(np.sqrt(max(0.0, slopes @ np.array(own.covariance) @ slopes)))


def _slopes(own: Correction, scenario: Scenario, step: Step) -> FloatArray:
    """Change of log time by the log of each factor; nought for kernels of other configurations."""
    moved = [
        own if factor in dict(own.kernels) and factor != scenario.configuration else own.moved(factor, np.exp(MOVED))
        for factor in own.named
    ]
    times = [float(step_time(replace(scenario, correction=one), step).total) for one in (own, *moved)]
    return np.log(np.array(times[1:]) / times[0]) / MOVED
