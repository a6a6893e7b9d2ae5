"""Latencies of a load: the schedule's steps timed, and each request's TTFT, TPOT and end-to-end read off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.arrivals import requests
from planner.blocks import fixed_blocks, pool
from planner.clock import step_clock
from planner.kv_cache import BLOCK_TOKENS, block_layout
from planner.latency import step_time
from planner.memory import Memory
from planner.quantities import FloatArray
from planner.scenario import Scenario
from planner.schedule import Limits, Requests, Schedule
from planner.scheduler import schedule
from planner.step import Step

CLOCK_ERROR = 1e-6
"""Relative error of a step's time beyond which an open loop is timed step by step instead."""
PARTS = 8
"""Into which the steps of a record are divided for the gaps between tokens: their times grow evenly."""
WHOLE_PROMPTS_SINCE, WHOLE_PROMPTS_BEFORE = (0, 19), (0, 8)
"""Releases that admit a prompt only if all of it fits; those between look at its first chunk alone (vLLM's wheels)."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of each request, in the order sent; and of the whole run.

    ttft : send to first token [s]
    tpot : (end-to-end - TTFT) / (output_tokens - 1); NaN where a request has one token [s]
    e2e : send to last token [s]
    itl, itl_count : gaps between two tokens of a request, and how many of each there are [s], [1]
    running : sequences that decode at once, on average over the steps in which any does [1]
    duration : of the run [s]
    output_tokens : generated [tokens]
    preemptions : requests computed again for lack of KV cache [1]
    """

    ttft: FloatArray
    tpot: FloatArray
    e2e: FloatArray
    itl: FloatArray
    itl_count: FloatArray
    running: float
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
    plan, each, growth = played(scenario, sent, limits(scenario, memory, sent))
    ended = np.cumsum(plan.repeats * each) if plan.ended is None else plan.ended
    ends = np.concatenate([[0.0], ended])
    begin = ends[plan.sent + 1] if sent.arrivals is None else sent.arrivals
    outside = _outside(scenario, sent) + _until_scheduled(scenario, sent, plan, ends, each)
    ttft = ends[plan.first + 1] - begin + outside
    e2e = ends[plan.last + 1] - begin + outside
    gaps = sent.outputs - 1
    tpot = np.divide(e2e - ttft, gaps, out=np.full(len(gaps), np.nan), where=gaps > 0)
    decoding = plan.steps.decode_sequences > 0
    tokens = plan.repeats * plan.steps.decode_sequences
    stalls = ends[plan.stalls[:, 1] + 1] - ends[plan.stalls[:, 0] + 1]
    parts = (np.arange(PARTS) + 0.5) / PARTS - 0.5
    return Latencies(
        ttft,
        tpot,
        e2e,
        itl=np.concatenate([(each + np.multiply.outer(parts, growth)).ravel(), stalls]),
        itl_count=np.concatenate([np.tile(tokens / PARTS, PARTS), np.ones(len(stalls))]),
        running=float(tokens.sum() / max(1.0, plan.repeats[decoding].sum())),
        duration=float(ends[-1] + outside.max()),
        output_tokens=float(sent.outputs.sum()),
        preemptions=plan.preemptions,
    )


def played(scenario: Scenario, sent: Requests, bounds: Limits) -> tuple[Schedule, FloatArray, FloatArray]:
    """The schedule of a load, the mean time of the steps of each record, and by how much the last is longer than the
    first, since contexts grow.

    scenario : the question
    sent, bounds : requests and limits [tokens], [1]
    returns : schedule, times [s], growth [s]
    """

    def seconds(step: Step) -> FloatArray:
        return np.asarray(step_time(scenario, step).total)

    def timed(plan: Schedule) -> tuple[Schedule, FloatArray, FloatArray]:
        contexts = plan.steps.decode_context + np.array([[0.0], [-0.5], [0.5]]) * (plan.repeats - 1)
        each, first, last = seconds(replace(plan.steps, decode_context=contexts))
        return plan, each, last - first

    if sent.arrivals is None:
        return timed(schedule(sent, bounds))
    found = timed(schedule(sent, bounds, step_clock(seconds, sent)))
    if found[0].seconds is None or not np.allclose(found[0].seconds, found[1], rtol=CLOCK_ERROR, atol=0):
        found = timed(schedule(sent, bounds, lambda step: float(seconds(step))))
    return found


def limits(scenario: Scenario, memory: Memory, sent: Requests) -> Limits:
    """What bounds a step: the engine's settings and the KV cache's blocks, but one that vLLM keeps empty.

    scenario : its engine
    memory : its KV cache [1]
    sent : of which the longest must fit alone [tokens]
    """
    engine, layout = scenario.engine, block_layout(scenario)
    longest = int((sent.prompts + sent.outputs).max())
    alone = pool(layout, 0).of(longest, fixed_blocks(layout, longest, 0))
    return Limits(
        sequences=int(engine.max_num_seqs or 1),
        tokens=int(engine.max_num_batched_tokens or 1),
        blocks=max(alone, int(memory.blocks) - 1),
        layout=layout,
        whole_prompts=not WHOLE_PROMPTS_BEFORE <= engine.release < WHOLE_PROMPTS_SINCE,
        caching=bool(engine.prefix_caching) and len(layout.groups) == 1 and not layout.groups[0].stateful,
        chunked=engine.chunked_prefill,
    )


def _outside(scenario: Scenario, sent: Requests) -> FloatArray:
    """Host time of each request outside steps: reading its prompt, and in serving the way through the API server."""
    host = scenario.host
    if host is None:
        return np.zeros(len(sent.prompts))
    reading = host.prompt_token * sent.prompts
    if scenario.workload.mode == "batch":
        return np.full(len(sent.prompts), reading.sum())
    return host.request + reading


def _until_scheduled(
    scenario: Scenario, sent: Requests, plan: Schedule, ends: FloatArray, each: FloatArray
) -> FloatArray:
    """Time until the steps are over that ran, or were scheduled, when a request came, beyond what was played.

        closed loop: (1/2 + ahead) · step, since a request comes at any moment of a step, but is played at its end
        open loop: ahead · step
        ahead = 1 where a step is scheduled while the one before it runs (async_scheduling), else 0

    ends : of each record, 0 before the first [s]
    each : a step of each record, without the idle time before it [s]
    returns : 0 for those that found nothing running [s]
    """
    if scenario.workload.mode == "batch" or scenario.host is None:
        return np.zeros(len(sent.prompts))
    others = np.append(plan.steps.decode_sequences, 0.0)[plan.sent + 1] > 0
    running = others if sent.arrivals is None else sent.arrivals < ends[plan.sent + 1]
    ahead = 1.0 if scenario.engine.async_scheduling else 0.0
    return np.where(
        running & (plan.sent >= 0), (ahead + (0.5 if sent.arrivals is None else 0.0)) * each[plan.sent], 0.0
    )


def typical_step(scenario: Scenario, memory: Memory, running: float | None = None) -> tuple[Step, Step]:
    """The two steps that a chart shows: one whole prompt's prefill (up to the token budget), the middle decode step.

    scenario : the question
    memory : caps the batch by what fits [1]
    running : sequences that decode at once in an open loop; None: as many as the load has in flight [1]
    returns : prefill step, decode step
    """
    load, engine = scenario.workload, scenario.engine
    budget = engine.max_num_batched_tokens or 1.0
    batch = min(running or load.concurrency, engine.max_num_seqs or 1.0, max(1.0, memory.concurrency))
    prompts = batch if load.mode == "batch" else 1.0
    cached = min(load.prefix_cached_tokens, load.prompt_tokens - 1) // BLOCK_TOKENS * BLOCK_TOKENS
    tokens = min(load.prompt_tokens - cached, budget)
    sequences = max(1.0, min(prompts, budget // tokens))
    prefill = Step(sequences, tokens, cached, 0.0, 0.0, sequences)
    middle = load.prompt_tokens + (load.output_tokens + 1) / 2
    return prefill, replace(Step(sampled=batch), decode_sequences=batch, decode_context=middle)
