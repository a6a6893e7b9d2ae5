"""Scenarios and runs side by side: what each gives, and whether the second is really faster than the first.

    ratio = second / first
    ln(high / ratio) = sqrt(ln(second.high / second)^2 + ln(first / first.low)^2), and ln(ratio / low) alike

Predictions err independently of each other here. Two that share GPU and model err together in part, so their ratio is
better known than this interval says: "cannot tell" is the careful answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from planner.differences import FEWEST, WITHOUT_CHANGE, spread
from planner.estimate import Estimate, Figure
from planner.loads import Load
from planner.overlay import format_cell
from planner.quantities import Basis
from planner.scenario import Scenario
from planner.side_by_side import OF_REQUESTS, RATES, Word

METRICS = ("output_throughput", "tpot", "ttft", "e2e", "cost")
"""What is compared, in the order in which it is asked."""


@dataclass(frozen=True, slots=True)
class Known:
    """One figure of one side.

    value : [s], [1/s], or USD per million output tokens
    low, high : 90 % interval; None where nobody knows it (same unit)
    """

    value: float
    low: float | None
    high: float | None
    basis: Basis


@dataclass(frozen=True, slots=True)
class Contrast:
    """One figure of the second side over the first's.

    low, high : 90 % interval of the ratio; None where one side has none [1]
    word : what that means to who waits, or pays
    """

    ratio: float
    low: float | None
    high: float | None
    word: Word


def of_estimate(found: Estimate) -> dict[str, Known]:
    """What the planner says of a scenario.

    found : the estimate [s], [1/s]
    returns : metric -> figure; no price, no cost
    """
    rate = found.output_tokens_per_second
    said = {"output_throughput": Known(rate, found.throughput_low, found.throughput_high, found.basis)}
    times = {"tpot": found.tpot, "ttft": found.ttft, "e2e": found.e2e}
    said |= {metric: _known(figure) for metric, figure in times.items() if figure is not None}
    if found.cost is not None:
        each = found.cost.per_million_output_tokens
        said["cost"] = Known(each, each * rate / found.throughput_high, each * rate / found.throughput_low, found.basis)
    return said


def of_load(load: Load) -> dict[str, Known]:
    """What was measured under a load; intervals of means come from resampled requests.

    load : one of a run [s], [1/s]
    returns : metric -> figure
    """
    said = {}
    for metric in METRICS:
        sampled = load.sample.values(metric) if load.sample is not None and metric in OF_REQUESTS else None
        if sampled is not None and len(sampled) >= FEWEST:
            low, high = spread(sampled.tolist())
            said[metric] = Known(float(sampled.mean()), low, high, Basis.MEASURED)
        elif (value := load.value(metric)) is not None:
            said[metric] = Known(value, None, None, Basis.MEASURED)
    return said


def contrast(metric: str, first: Known, second: Known) -> Contrast:
    """The second over the first, and whether it is faster.

    metric : one of METRICS: of rates more is faster, of times and costs less
    first, second : figures of both sides
    returns : ratio with its interval [1]
    valid : errors of both sides independent of each other
    """
    ratio = second.value / first.value
    if None in (first.low, first.high, second.low, second.high):
        return Contrast(ratio, None, None, Word.NO_INTERVAL)
    up = math.hypot(_side(second.value, second.high), _side(first.low, first.value))
    down = math.hypot(_side(second.low, second.value), _side(first.value, first.high))
    low, high = ratio * math.exp(-down), ratio * math.exp(up)
    return Contrast(ratio, low, high, _word(metric, low, high))


def settings(scenario: Scenario) -> Mapping[str, str]:
    """What is asked and set, vLLM's defaults filled in, under the names that runs have too.

    scenario : the question
    """
    split, load, engine = scenario.deployment, scenario.workload, scenario.engine
    formats, rate = scenario.quantization, load.request_rate
    return {
        "gpu": split.gpu.id,
        "model": scenario.model.name,
        "tensor_parallel": str(split.tensor_parallel),
        "expert_parallel": str(split.expert_parallel),
        "quantization": formats.scheme,
        "kv_cache": formats.kv_cache,
        "concurrency": format_cell(load.concurrency),
        "request_rate": "" if rate is None else format_cell(rate),
        "input_tokens": format_cell(load.prompt_tokens),
        "output_tokens": format_cell(load.output_tokens),
        "prefix_cached_tokens": format_cell(load.prefix_cached_tokens),
        "mode": load.mode,
        "engine_version": engine.version,
        "max_num_seqs": format_cell(engine.max_num_seqs or 0),
        "max_num_batched_tokens": format_cell(engine.max_num_batched_tokens or 0),
        "enforce_eager": str(engine.enforce_eager).lower(),
        "async_scheduling": str(engine.async_scheduling).lower(),
        "prefix_caching": str(engine.prefix_caching).lower(),
        "calibration": scenario.correction.name if scenario.correction else "",
    }


def _known(figure: Figure) -> Known:
    return Known(figure.value, figure.low, figure.high, figure.basis)


def _side(low: float | None, high: float | None) -> float:
    """How far two ends lie apart, as a logarithm; an end at zero is no bound."""
    return math.log(high / low) if low and high else math.inf


def _word(metric: str, low: float, high: float) -> Word:
    if low >= 1 - WITHOUT_CHANGE and high <= 1 + WITHOUT_CHANGE:
        return Word.SAME
    if low <= 1 <= high:
        return Word.UNKNOWN
    return Word.FASTER if (low > 1) == (metric in RATES) else Word.SLOWER
