"""A load under speculative decoding: drafts that are taken come several a step, so requests take fewer steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.memory import Memory
from planner.recorded import recorded
from planner.scenario import Scenario, Workload, replay
from planner.serving import Latencies, latencies


def in_steps(scenario: Scenario, room: Memory) -> tuple[Scenario, Memory]:
    """The same load with as many output tokens as decode steps, and KV blocks as for so many fewer tokens.

        steps = output tokens / tokens a step

    scenario : whose engine speculates
    room : its memory
    valid : contexts of decodes count as short as the steps are few: half of what drafting saves, too little
    """
    guess, load = scenario.engine.speculation, scenario.workload
    if guess is None:
        return scenario, room
    fewer = _shortened(load, guess.tokens)
    held = (load.prompt_tokens + fewer.output_tokens) / (load.prompt_tokens + load.output_tokens)
    return replace(scenario, workload=fewer), replace(room, blocks=float(int(room.blocks * held)))


def drafted(scenario: Scenario, room: Memory) -> Latencies:
    """Plays a load; with speculation, a step gives several tokens.

    scenario : the question
    room : its memory
    returns : [s]; gaps between tokens (ITL) are those between steps, as a client sees them
    """
    found = latencies(*in_steps(scenario, room))
    if scenario.engine.speculation is None:
        return found
    load = scenario.workload
    outputs = np.array(load.recorded.outputs if load.recorded else [load.output_tokens] * len(found.e2e), dtype=float)
    gaps = outputs - 1
    tpot = np.divide(found.e2e - found.ttft, gaps, out=np.full(len(gaps), np.nan), where=gaps > 0)
    return replace(found, tpot=tpot, output_tokens=float(outputs.sum()))


def _shortened(load: Workload, tokens: float) -> Workload:
    def steps(outputs: float) -> float:
        return max(1.0, float(round(outputs / tokens)))

    if load.recorded is None:
        return replace(load, output_tokens=steps(load.output_tokens))
    told = load.recorded
    fewer = recorded(told.prompts, map(steps, told.outputs), told.arrivals, told.cached)
    return replace(replay(fewer, load.concurrency), mode=load.mode)
