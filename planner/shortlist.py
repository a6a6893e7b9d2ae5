"""Which of many changes under an open loop are worth playing: the closed form ranks them, the best few are played.

A GPU that is far too slow for the rate takes longest to play, and never is advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.arrivals import OPEN_REQUESTS
from planner.cost import rent
from planner.memory import memory
from planner.scenario import Scenario
from planner.steady import steady

PLAYED = 8
"""Changes that are played, of those that harm little; and of all, half as many."""
HARM = 3.0
"""A change that makes throughput or a latency worse by more than this factor in the closed form harms too much: twice
what advice allows, since the closed form knows no chance [1]."""


def worth_playing(now: Scenario, made: Sequence[Scenario], goal: str) -> list[Scenario]:
    """The changes that may be the best; all of them where nothing is gained by choosing.

    now : as it is, under the same load
    made : with one thing changed each
    goal : "throughput", "tpot", "ttft" or "cost"
    returns : in the order given, without what does not fit; the best is among them as far as the closed form tells
    """
    load = now.workload
    if not load.open_loop or load.recorded is not None or len(made) <= 2 * PLAYED:
        return list(made)
    before = burdens(now) or {}
    judged = [(at, burden) for at, one in enumerate(made) if (burden := burdens(one)) is not None and goal in burden]
    judged.sort(key=lambda each: each[1][goal])
    mild = [at for at, burden in judged if _harm(before, burden) <= HARM]
    chosen = {*mild[:PLAYED], *(at for at, _ in judged[: PLAYED // 2])}
    return [made[at] for at in sorted(chosen)]


def burdens(scenario: Scenario) -> Mapping[str, float] | None:
    """What a load costs in time and money by the closed form: the less the better.

        below saturation: TPOT = step, TTFT = prefill
        beyond it:        TTFT = prefill + requests / 2 · (1 / saturation - 1 / rate), what queues up in the mean
        throughput: all tokens over the time until the last one

    scenario : under an open loop
    returns : "throughput" [s], "tpot" [s], "ttft" [s], "cost" where there is a price [USD]; None: it does not fit
    """
    load, room = scenario.workload, memory(scenario)
    if not room.fits:
        return None
    state, asked = steady(scenario, room), load.request_rate or 1.0
    rate, count = min(asked, state.saturation), load.requests or OPEN_REQUESTS
    step = state.at(rate, state.step)
    ttft = state.at(rate, state.prefill * state.chunks) + count / 2 * (1 / rate - 1 / asked)
    until_last = count / rate + ttft + load.output_tokens * step
    throughput = count * load.output_tokens / until_last
    price = rent(scenario.deployment.gpu, scenario.deployment.tensor_parallel, throughput)
    found = {"throughput": 1 / throughput, "tpot": step, "ttft": ttft}
    return found | ({"cost": price.per_million_output_tokens} if price is not None else {})


def _harm(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    return max(after[name] / before.get(name, after[name]) for name in ("throughput", "tpot", "ttft"))
