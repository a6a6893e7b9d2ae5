"""The steady state of a replica under a constant rate, in closed form: no queue, no chance. It screens a search, tells
where a replica saturates, and what it is bound by; planner/capacity.py then plays the load.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.latency import step_time
from planner.memory import Memory
from planner.quantities import FloatArray
from planner.roofline import Bound
from planner.scenario import Scenario
from planner.step import Step, decode_step

POINTS = 24
SMALLEST_BATCH = 0.05


@dataclass(frozen=True, slots=True)
class Steady:
    """One column for each batch, ascending.

    batch : sequences that decode at once, in the mean [1]
    rate : of requests that keep it there [1/s]
    step : mean time of a step, and so from token to token [s]
    prefill : time of a step with a chunk of a prompt in it [s]
    chunks : steps that a prompt takes [1]
    prompt_share : of the steps' time, spent on prompts [1]
    limit : what holds the largest batch: "KV cache" or "batch limit"
    bound : what takes most of a decode step at the largest batch
    """

    batch: FloatArray
    rate: FloatArray
    step: FloatArray
    prefill: FloatArray
    chunks: FloatArray
    prompt_share: FloatArray
    limit: str
    bound: Bound

    @property
    def saturation(self) -> float:
        """Highest rate [1/s]."""
        return float(self.rate.max())

    def at(self, rate: float, values: FloatArray) -> float:
        """One of the columns at a rate below saturation.

        rate : [1/s]
        values : a column
        """
        rising = np.maximum.accumulate(self.rate)
        return float(np.interp(rate, rising, values))


def steady(scenario: Scenario, room: Memory) -> Steady:
    """Steady states from an almost idle replica to a full one.

        rate = batch / (output_tokens · step)
        prompts in a step: n = batch · chunks / output_tokens
        step = decode + n · (step with one chunk - decode), n < 1;  step with n chunks beyond

    scenario : its workload gives the lengths [tokens]
    room : what fits [1]; a sequence holds its prompt and half its output in the mean
    returns : [s], [1/s]
    valid : without queueing and preemption; within 5 % of the simulated TPOT up to 80 % of saturation, docs/model.md
    """
    load, engine = scenario.workload, scenario.engine
    held = load.prompt_tokens + load.output_tokens / 2
    fits = room.concurrency * (load.prompt_tokens + load.output_tokens) / held
    sequences = engine.max_num_seqs or 1.0
    batch = np.geomspace(SMALLEST_BATCH, min(sequences, fits), POINTS)
    context = load.prompt_tokens + (load.output_tokens + 1) / 2
    budget = np.maximum(1.0, (engine.max_num_batched_tokens or 1.0) - batch)
    computed = max(1.0, load.prompt_tokens - load.prefix_cached_tokens)
    chunk = np.minimum(computed, budget)
    chunks = computed / chunk
    prompts = batch * chunks / load.output_tokens
    together = np.clip(prompts, 1.0, np.maximum(1.0, budget / chunk))
    decode = step_time(scenario, decode_step(batch, context))
    before = load.prompt_tokens - computed + (computed - chunk) / 2
    mixed = Step(together, chunk, before, batch, np.full(POINTS, context), batch + together / chunks)
    prefill = np.asarray(step_time(scenario, mixed).total)
    alone = np.asarray(decode.total)
    step = np.where(prompts < 1, alone + prompts * (prefill - alone), prefill * prompts / together)
    return Steady(
        batch,
        batch / (load.output_tokens * step),
        step,
        prefill,
        chunks,
        np.clip(1 - alone / step, 0.0, 1.0),
        "KV cache" if fits < sequences else "batch limit",
        Bound(int(np.argmax(decode.by_bound[:, -1]))),
    )


def with_load(scenario: Scenario, rate: float, batch: float) -> Scenario:
    """The scenario under an open loop, its concurrency what the steady state says.

    scenario : of the replica
    rate : of the requests [1/s]
    batch : sequences at once [1]
    """
    load = replace(scenario.workload, request_rate=rate, concurrency=max(1.0, batch))
    return replace(scenario, workload=load)
