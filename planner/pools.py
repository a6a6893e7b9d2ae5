"""Prompts and outputs on replicas of their own: each pool sized for its promise, the KV cache sent between them.

The prefill pool is played, with one token a request; the decode pool is taken from the closed form, since nothing
disturbs it: its steps hold decodes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.capacity import Capacity, capacity
from planner.curve import Curve, curve
from planner.errors import InvalidWorkload
from planner.quantities import FloatArray
from planner.replica import Replica, replica
from planner.scenario import Scenario
from planner.slo import Key, Slo
from planner.steady import Steady
from planner.techniques import Techniques, transfer_time
from planner.traffic import Traffic, prompts_alone

CHANCE = 1.15
"""p95 or p99 of a decode replica's TPOT over its closed form: chance in the arrivals. Assumed [1]."""
FULLEST = 0.9
"""Of the decode pool's saturation, at most. Assumed [1]."""
MEDIAN = 0.5
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Pools:
    """Two kinds of replica that serve together.

    prefill : of the prefill pool, its promises shortened by the transfer
    prefill_curve : its figures
    decode_rate : highest of a decode replica [1/s]
    decode : its steady states, without prompts
    transfer : of a prompt's KV cache [s]
    """

    prefill: Capacity
    prefill_curve: Curve
    decode_rate: float
    decode: Steady
    transfer: float


@dataclass(frozen=True, slots=True)
class PooledCurve:
    """Figures of both pools together, over the rate of all requests.

    counts : prefill and decode replicas [1]
    top : rate from which a queue grows without end [1/s]
    """

    pools: Pools
    counts: tuple[int, int]
    top: float

    def figure(self, key: Key, rate: FloatArray) -> FloatArray:
        """TTFT of the prefill pool and the transfer; TPOT of the decode pool [s].

        key : metric and quantile
        rate : of all requests [1/s]
        """
        if key[0] == "ttft":
            return self.pools.transfer + self.pools.prefill_curve.figure(key, rate / self.counts[0])
        state = self.pools.decode
        step = np.interp(rate / self.counts[1], np.maximum.accumulate(state.rate), state.step)
        return np.where(rate < self.top, step * spread(key[1]), np.inf)


def pools(scenario: Scenario, asked: Traffic, promised: Slo, techniques: Techniques, seed: int) -> Pools:
    """Both kinds of replica, each of the scenario's GPUs and split.

    scenario : of one replica
    asked : the lengths [tokens]
    promised : on TTFT and TPOT [s]
    techniques : the link between the pools [B/s]
    seed : of lengths and arrivals
    raises : InvalidWorkload for promises on end-to-end latency, which two pools are not modelled for
    """
    if any(one.metric == "e2e" for one in promised.promises):
        raise InvalidWorkload("Two pools: end-to-end promises are not modelled. Promise TTFT and TPOT instead.")
    transfer = transfer_time(scenario, techniques, asked.prompt_tokens)
    first = tuple(
        replace(one, limit=max(TINY, one.limit - transfer)) for one in promised.promises if one.metric == "ttft"
    )
    short = replace(scenario, workload=replace(scenario.workload, output_tokens=1.0))
    prompts = replica(short, prompts_alone(asked), techniques)
    found = capacity(prompts, prompts_alone(asked), Slo(first), seed)
    decode = _decoding(replica(scenario, asked, techniques))
    return Pools(found, curve(prompts, found.probes), _decode_rate(decode, promised), decode, transfer)


def _decoding(of: Replica) -> Steady:
    """The steady states of a replica that is sent computed prompts."""
    state = of.state
    alone = state.step * (1 - state.prompt_share)
    rate = state.batch / (of.played.workload.output_tokens * alone)
    return replace(state, step=alone / of.tokens, rate=rate, prompt_share=np.zeros(len(rate)))


def _decode_rate(state: Steady, promised: Slo) -> float:
    """Highest rate of a decode replica that keeps the TPOT promises; 0 if none does [1/s]."""
    rate = FULLEST * state.saturation
    for one in promised.promises:
        if one.metric == "tpot":
            limit = one.limit / spread(one.quantile)
            rate = min(rate, float(np.interp(limit, np.maximum.accumulate(state.step), state.rate, left=0.0)))
    return rate


def spread(quantile: float) -> float:
    """A quantile of the decode pool's TPOT over its closed form.

    quantile : of requests [1]
    returns : [1]
    """
    return CHANCE if quantile > MEDIAN else 1.0
