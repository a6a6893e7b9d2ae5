"""The requests that a load sends: their lengths, and when each comes."""

from __future__ import annotations

import numpy as np

from planner.quantities import FloatArray
from planner.recorded import Recorded
from planner.scenario import Scenario, Workload
from planner.schedule import Requests

LOOP_TURNS = 5
OPEN_REQUESTS = 1000
MAX_REQUESTS = 4000
"""A closed loop is periodic after a few turns: more requests do not move the means."""


def requests(scenario: Scenario, seed: int) -> Requests:
    """The requests that the workload's measurement sends; recorded ones as they are.

        lengths uniform in [ratio · nominal, nominal], nominal = mean · 2 / (1 + ratio)
        intervals of an open loop: gamma of shape `burstiness` and mean 1 / rate; shape 1 is a Poisson process

    scenario : its workload
    seed : of random lengths and arrivals
    source : `vllm bench serve`, 0.33
    """
    load = scenario.workload
    in_flight = max(1, round(load.concurrency))
    if load.recorded is not None:
        return _as_sent(load.recorded, in_flight, timed=load.open_loop)
    random = np.random.default_rng(seed)
    count = _count(load, in_flight)
    arrivals = np.cumsum(_intervals(load, count, random)) if load.open_loop else None
    return Requests(
        prompts=_lengths(load.prompt_tokens, load.length_ratio, count, random),
        outputs=_lengths(load.output_tokens, load.length_ratio, count, random),
        cached=np.full(count, np.floor(load.prefix_cached_tokens)),
        in_flight=in_flight,
        arrivals=arrivals,
    )


def _as_sent(told: Recorded, in_flight: int, *, timed: bool) -> Requests:
    prompts, outputs, cached = (np.array(column, dtype=float) for column in (told.prompts, told.outputs, told.cached))
    return Requests(prompts, outputs, cached, in_flight, np.array(told.arrivals) if timed else None)


def _count(load: Workload, in_flight: int) -> int:
    if load.mode == "batch":
        return in_flight
    usual = OPEN_REQUESTS if load.open_loop else LOOP_TURNS * in_flight
    return max(1, min(load.requests or usual, max(MAX_REQUESTS, in_flight)))


def _intervals(load: Workload, count: int, random: np.random.Generator) -> FloatArray:
    mean = 1 / (load.request_rate or 1.0)
    if load.burstiness == 1:
        return random.exponential(mean, count)
    return random.gamma(load.burstiness, mean / load.burstiness, count)


def _lengths(mean: float, ratio: float, count: int, random: np.random.Generator) -> FloatArray:
    if ratio >= 1:
        return np.full(count, float(max(1, round(mean))))
    nominal = mean * 2 / (1 + ratio)
    return np.maximum(1.0, np.floor(random.uniform(ratio * nominal, nominal + 1, count)))
