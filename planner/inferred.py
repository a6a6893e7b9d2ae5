"""The times of a load test taken apart: it tells one number each, so their parts are inferred from the model."""

from __future__ import annotations

from collections.abc import Iterator

from planner.estimate import Estimate
from planner.loads import Load
from planner.waterfall import Part, inferred, predicted

DECODE = ("tpot", "itl", "latency_per_output_token")
"""Metrics that tell the time of a decode step, best first."""


def inferred_parts(load: Load, answer: Estimate) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """The time per token and the time to first token of a load, each from its floor to the clock.

    load : measured [s]
    answer : the estimate for its conditions [s]
    returns : metric and its parts, for the metrics that the load has; the parts sum to the measured time [s]
    """
    gpu = answer.scenario.deployment.gpu
    decode = next((name for name in DECODE if load.value(name)), None)
    means = {"tpot": answer.tpot, "itl": answer.itl}
    if decode is not None:
        known = means.get(decode)
        mean = known.value if known else answer.latency_per_output_token
        yield decode, inferred(predicted(answer.decode, gpu, answer.floor), mean, load.value(decode) or mean)
    if measured := load.value("ttft"):
        yield "ttft", inferred(predicted(answer.prefill, gpu, 0.0), answer.ttft.value, measured)
