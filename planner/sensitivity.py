"""What the answer hangs on: the cheapest option's cost as traffic, lengths, price and efficiency change, each alone,
and the point from which another option is cheaper.

Capacities under other lengths are the played ones, changed as the closed form changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

import numpy as np

from planner.catalogue import gpus
from planner.curve import curve
from planner.demand import Demand, demand, scenario_of, techniques_of
from planner.errors import PlannerError
from planner.intervals import sides
from planner.money import bill
from planner.odds import most
from planner.option import Option
from planner.ranking import best_of_each
from planner.replica import replica
from planner.screen import judge
from planner.traffic import Traffic

CHANGE = 1.25
"""Traffic, lengths and price are taken so many times as much, and so many times less [1]."""
FARTHEST, STEPS = 4.0, 17
"""How far the point is looked for at which another option becomes cheaper, and in how many steps each way [1]."""
RIVALS = 6


@dataclass(frozen=True, slots=True)
class Switch:
    """From where on another option is cheaper.

    factor : of what was assumed [1]
    option : the one that is cheaper from there on
    """

    factor: float
    option: Option


@dataclass(frozen=True, slots=True)
class Swing:
    """What one input does to the cost of the cheapest option.

    name : key of INPUTS
    low_at, high_at : what the input is multiplied with [1]
    low, high : what the option then costs in a month [USD], or its GPUs where it has no price; infinite: it cannot [1]
    below, above : where another option becomes cheaper as the input falls or rises; None: nowhere within a factor of 4
    """

    name: str
    low_at: float
    high_at: float
    low: float
    high: float
    below: Switch | None
    above: Switch | None


Costs = Callable[[Option, float], float]


def swings(asked: Demand, options: Sequence[Option]) -> tuple[Swing, ...]:
    """One for each of INPUTS, the largest first.

    asked : the demand
    options : of its search; the best of each GPU takes part
    returns : [USD], or GPUs where the cheapest has no price [1]; empty without options
    """
    best = best_of_each(options)
    if not best:
        return ()
    first, *rivals = best[: RIVALS + 1]
    whole = demand(asked)
    found = [_swing(whole, name, first, rivals) for name in INPUTS]
    return tuple(sorted(found, key=_width, reverse=True))


def _swing(asked: Demand, name: str, first: Option, rivals: list[Option]) -> Swing:
    costs = INPUTS[name](asked, first)
    low_at, high_at = _ends(name, first)
    steps = np.geomspace(1, FARTHEST, STEPS)
    rising = _switch(costs, first, rivals, steps)
    falling = _switch(costs, first, rivals, 1 / steps)
    return Swing(name, low_at, high_at, costs(first, low_at), costs(first, high_at), falling, rising)


def _width(swing: Swing) -> float:
    return inf if inf in (swing.low, swing.high) else abs(swing.high - swing.low)


def _ends(name: str, first: Option) -> tuple[float, float]:
    if name != "efficiency":
        return 1 / CHANGE, CHANGE
    below, above = sides("tpot", first.scenario)
    return float(np.exp(-above)), float(np.exp(below))


def _switch(costs: Costs, first: Option, rivals: list[Option], factors: np.ndarray) -> Switch | None:
    for factor in factors[1:].tolist():
        own = costs(first, factor)
        cheapest = min(((costs(rival, factor), place) for place, rival in enumerate(rivals)), default=(inf, 0))
        if cheapest[0] < own:
            return Switch(factor, rivals[cheapest[1]])
    return None


def cost(asked: Demand, of: Option, load: float = 1.0, able: float = 1.0, price: float = 1.0) -> float:
    """What an option costs in a month when it is sized anew.

    asked : from planner.demand.demand
    of : the option
    load : factor on the traffic's rate [1]
    able : factor on what a replica can carry [1]
    price : factor on what it costs [1]
    returns : [USD], or GPUs where it has no price [1]; infinite where a replica can carry nothing
    """
    if able <= 0:
        return inf
    peak, slo = asked.traffic.peak * load, asked.slo
    if of.pooled is None:
        count = slo.replicas(peak, of.capacity.value * able)
    else:
        count = max(2, ceil(of.needed.value * load / able - 1e-9)) + of.replicas - int(of.needed.value)
    gpu, total = gpus()[of.candidate.gpu], count * of.candidate.tensor_parallel
    used = asked.traffic.mean_rate * load / (of.capacity.value * able * count)
    month = bill(gpu, total, used, asked.terms).per_month
    return float(total) if month is None or of.bill.per_month is None else month * price


def _traffic(asked: Demand, first: Option) -> Costs:
    del first
    return lambda one, factor: cost(asked, one, load=factor)


def _price(asked: Demand, first: Option) -> Costs:
    return lambda one, factor: cost(asked, one, price=factor if one is first else 1.0)


def _efficiency(asked: Demand, first: Option) -> Costs:
    """Steps of the first option alone take 1 / factor times as long as predicted."""
    of = replica(scenario_of(asked, first.candidate), asked.traffic, techniques_of(asked, first.candidate))
    line, promises = curve(of, first.probed.probes), asked.slo.promises
    usual = most(line, promises, 1.0, 1.0)

    def costs(one: Option, factor: float) -> float:
        if one is not first or first.pooled is not None or usual <= 0:
            return cost(asked, one, able=factor if one is first else 1.0)
        return cost(asked, one, able=most(line, promises, 1 / factor, 1 / factor) / usual)

    return costs


def _lengths(change: Callable[[Traffic, float], Traffic], asked: Demand, first: Option) -> Costs:
    del first

    def rate(one: Option, factor: float) -> float:
        other = replace(asked, traffic=change(replace(asked.traffic, recorded=None), factor))
        try:
            of = replica(scenario_of(other, one.candidate), other.traffic, techniques_of(other, one.candidate))
        except PlannerError:
            return 0.0
        return judge(of, asked.slo.promises)[0]

    usual: dict[int, float] = {}

    def costs(one: Option, factor: float) -> float:
        base = usual.setdefault(id(one), rate(one, 1.0))
        return cost(asked, one, able=rate(one, factor) / base if base > 0 else 1.0)

    return costs


def _prompts(asked: Demand, first: Option) -> Costs:
    return _lengths(lambda one, factor: replace(one, prompt_tokens=max(1.0, one.prompt_tokens * factor)), asked, first)


def _outputs(asked: Demand, first: Option) -> Costs:
    return _lengths(lambda one, factor: replace(one, output_tokens=max(1.0, one.output_tokens * factor)), asked, first)


INPUTS: Mapping[str, Callable[[Demand, Option], Costs]] = {
    "traffic": _traffic,
    "prompt length": _prompts,
    "output length": _outputs,
    "price": _price,
    "efficiency": _efficiency,
}
"""What is varied; price and efficiency are those of the cheapest option alone."""
