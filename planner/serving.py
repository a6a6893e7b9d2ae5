"""Latencies of a load: the schedule's steps timed, and each request's TTFT, TPOT and end-to-end read off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.latency import step_time
from planner.memory import Memory
from planner.quantities import FloatArray
from planner.scenario import Scenario
from planner.schedule import Limits, Requests
from planner.scheduler import Clock, schedule
from planner.step import Step

LOOP_TURNS = 5
MAX_REQUESTS = 4000
"""A closed loop is periodic after a few turns: more requests do not move the means."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of each request, in the order sent; and of the whole run.

    ttft : send to first token [s]
    tpot : (end-to-end - TTFT) / (output_tokens - 1); NaN where a request has one token [s]
    e2e : send to last token [s]
    duration : of the run [s]
    output_tokens : generated [tokens]
    preemptions : requests computed again for lack of KV cache [1]
    """

    ttft: FloatArray
    tpot: FloatArray
    e2e: FloatArray
    duration: float
    output_tokens: float
    preemptions: int

    @property
    def throughput(self) -> float:
        """Output tokens a second of one replica [1/s]."""
        return self.output_tokens / self.duration


def latencies(scenario: Scenario, memory: Memory, seed: int = 0) -> Latencies:
    """Plays the workload through the scheduler and times its steps.

    scenario : the question
    memory : of its GPUs; the KV cache limits how many run [tokens]
    seed : of random lengths and arrivals; the same seed gives the same answer
    returns : [s]
    """
    sent = requests(scenario, seed)
    clock = None if sent.arrivals is None else _clock(scenario)
    plan = schedule(sent, limits(scenario, memory), clock)
    ended = np.cumsum(plan.repeats * step_time(scenario, plan.steps).total) if plan.ended is None else plan.ended
    ends = np.concatenate([[0.0], ended])
    begin = ends[plan.sent + 1] if sent.arrivals is None else sent.arrivals
    outside = _outside(scenario, sent)
    ttft = ends[plan.first + 1] - begin + outside
    e2e = ends[plan.last + 1] - begin + outside
    gaps = sent.outputs - 1
    tpot = np.divide(e2e - ttft, gaps, out=np.full(len(gaps), np.nan), where=gaps > 0)
    return Latencies(ttft, tpot, e2e, float(ends[-1] + outside.max()), float(sent.outputs.sum()), plan.preemptions)


def requests(scenario: Scenario, seed: int) -> Requests:
    """The requests that the workload's measurement sends.

        lengths uniform in [ratio · nominal, nominal], nominal = mean · 2 / (1 + ratio)

    scenario : its workload
    seed : of random lengths and arrivals
    """
    load = scenario.workload
    random = np.random.default_rng(seed)
    in_flight = max(1, round(load.concurrency))
    count = in_flight if load.mode == "batch" else load.requests or LOOP_TURNS * in_flight
    count = max(1, min(count, max(MAX_REQUESTS, in_flight)))
    arrivals = None
    if load.request_rate is not None and load.mode == "serving":
        arrivals = np.cumsum(random.exponential(1 / load.request_rate, count))
    return Requests(
        prompts=_lengths(load.prompt_tokens, load.length_ratio, count, random),
        outputs=_lengths(load.output_tokens, load.length_ratio, count, random),
        cached=load.prefix_cached_tokens,
        in_flight=in_flight,
        arrivals=arrivals,
    )


def limits(scenario: Scenario, memory: Memory) -> Limits:
    """What bounds a step: the engine's settings and the KV cache, in tokens at this workload's length.

    scenario : its engine
    memory : its KV cache [tokens]
    """
    load, engine = scenario.workload, scenario.engine
    length = load.prompt_tokens + load.output_tokens
    return Limits(
        sequences=engine.max_num_seqs or 1.0,
        tokens=engine.max_num_batched_tokens or 1.0,
        kv_tokens=max(memory.concurrency, 1.0) * length,
    )


def _lengths(mean: float, ratio: float, count: int, random: np.random.Generator) -> FloatArray:
    if ratio >= 1:
        return np.full(count, float(max(1, round(mean))))
    nominal = mean * 2 / (1 + ratio)
    return np.maximum(1.0, np.floor(random.uniform(ratio * nominal, nominal + 1, count)))


def _clock(scenario: Scenario) -> Clock:
    return lambda step: float(step_time(scenario, step).total)


def _outside(scenario: Scenario, sent: Requests) -> FloatArray:
    """Host time of each request outside steps: reading its prompt, and in serving the way through the API server."""
    host = scenario.engine.host
    if host is None:
        return np.zeros(len(sent.prompts))
    reading = host.prompt_token * sent.prompts
    if scenario.workload.mode == "batch":
        return np.full(len(sent.prompts), reading.sum())
    return host.request + reading


def typical_step(scenario: Scenario, memory: Memory) -> tuple[Step, Step]:
    """The two steps that a chart shows: one whole prompt's prefill (up to the token budget), the middle decode step.

    scenario : the question
    memory : caps the batch by what fits [1]
    returns : prefill step, decode step
    """
    load, bounds = scenario.workload, limits(scenario, memory)
    batch = min(load.concurrency, bounds.sequences, max(1.0, memory.concurrency))
    prompts = batch if load.mode == "batch" else 1.0
    tokens = min(load.computed_prompt_tokens, bounds.tokens)
    sequences = max(1.0, min(prompts, bounds.tokens // tokens))
    prefill = Step(sequences, tokens, load.prompt_tokens - load.computed_prompt_tokens, 0.0, 0.0, sequences)
    middle = load.prompt_tokens + (load.output_tokens + 1) / 2
    return prefill, replace(Step(sampled=batch), decode_sequences=batch, decode_context=middle)
