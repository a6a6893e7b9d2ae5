"""One copy of a deployment under the users' traffic: what is simulated, and one simulated run of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.drafting import in_steps
from planner.errors import InsufficientMemory
from planner.kv_cache import block_layout, sequence_blocks
from planner.memory import Memory, memory
from planner.quantities import FloatArray
from planner.recorded import recorded
from planner.scenario import Scenario, Workload, replay
from planner.serving import Latencies, latencies
from planner.steady import Steady, steady
from planner.techniques import Techniques, beside_bytes
from planner.traffic import STRATA, Traffic, lengths


@dataclass(frozen=True, slots=True)
class Replica:
    """What the search plays.

    asked : the scenario as a person would start it
    played : the same; with speculation, as many output tokens as steps
    room : memory of its GPUs; with speculation, blocks as for so many fewer tokens
    state : its steady states
    tokens : that a decode step yields for a sequence [tokens]
    """

    asked: Scenario
    played: Scenario
    room: Memory
    state: Steady
    tokens: float


def workload(asked: Traffic) -> Workload:
    """The traffic as means, at no rate yet [tokens].

    asked : whose lengths count
    """
    cached = min(asked.prompt_tokens - 1, np.floor(asked.prefix_share * asked.prompt_tokens))
    return Workload(asked.prompt_tokens, asked.output_tokens, prefix_cached_tokens=float(max(0.0, cached)))


def replica(scenario: Scenario, asked: Traffic, techniques: Techniques) -> Replica:
    """A replica that can be played.

    scenario : from planner.scenario.scenario, its workload from `workload`
    asked : the lengths [tokens]
    techniques : what is tried beside plain serving
    raises : InsufficientMemory if it does not fit
    """
    room = memory(scenario, beside_bytes(scenario, techniques))
    room.require(scenario)
    _checked_longest(scenario, asked, room)
    guess = techniques.speculation
    if guess is None:
        return Replica(scenario, scenario, room, steady(scenario, room), 1.0)
    played, tight = in_steps(replace(scenario, engine=replace(scenario.engine, speculation=guess)), room)
    return Replica(scenario, played, tight, steady(played, tight), guess.tokens)


def run(of: Replica, asked: Traffic, rate: float, count: int, seed: int) -> Latencies:
    """Plays an open loop of Poisson arrivals.

        gaps are exponential with mean 1 / rate exactly, so that one seed at two rates sends the same pattern

    of : the replica
    asked : the lengths
    rate : of the requests to this replica [1/s]
    count : of requests [1]
    seed : of lengths and arrivals
    returns : of each request, in the order sent [s]
    raises : InsufficientMemory if the longest request does not fit alone
    """
    gaps = np.random.default_rng([seed, 1]).exponential(1.0, count)
    arrivals = np.cumsum(gaps) * (count / gaps.sum() / rate)
    return _play(of, asked, arrivals, count, seed)


def alone(of: Replica, asked: Traffic, count: int, seed: int) -> Latencies:
    """The same requests, one after the other: no load can do better.

    of : the replica
    asked : the lengths
    count : of requests [1]
    seed : of lengths
    returns : of each request [s]
    """
    return _play(of, asked, None, count, seed)


def _play(of: Replica, asked: Traffic, arrivals: FloatArray | None, count: int, seed: int) -> Latencies:
    prompts, outputs = _admitted(of.asked, *lengths(asked, count, seed))
    steps = np.maximum(1.0, np.round(outputs / of.tokens))
    cached = np.minimum(prompts - 1, of.played.workload.prefix_cached_tokens)
    times = None if arrivals is None else arrivals.tolist()
    sent = replay(recorded(prompts.tolist(), steps.tolist(), times, np.floor(cached).tolist()))
    found = latencies(replace(of.played, workload=sent), of.room, seed)
    gaps = outputs - 1
    tpot = np.divide(found.e2e - found.ttft, gaps, out=np.full(count, np.nan), where=gaps > 0)
    return replace(found, tpot=tpot)


def _admitted(scenario: Scenario, prompts: FloatArray, outputs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths cut to what the model's context holds, as clients cut them."""
    most = float(scenario.engine.max_model_len or np.inf)
    prompts = np.minimum(prompts, most - 1)
    return prompts, np.minimum(outputs, most - prompts)


def _checked_longest(scenario: Scenario, asked: Traffic, room: Memory) -> None:
    """Refuses what vLLM would never admit: a request that alone holds more blocks than there are."""
    prompts, outputs = _admitted(scenario, *lengths(asked, STRATA, 0))
    longest = float((prompts + outputs).max())
    if sequence_blocks(block_layout(scenario), longest, scenario.engine) > room.blocks:
        raise InsufficientMemory(
            f"{scenario.model.name} fits on {scenario.deployment.tensor_parallel} x {scenario.deployment.gpu.label}, "
            f"but its KV cache does not hold the longest request, of {longest:,.0f} tokens. Take more GPUs, a larger "
            "one, or an fp8 KV cache."
        )
