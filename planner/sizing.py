"""A candidate, played, sized for the busiest hour and paid for: option(demand, candidate) -> Option or Refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from planner.calibrated import calibrated_why
from planner.capacity import Capacity, capacity
from planner.curve import curve
from planner.demand import Candidate, Demand, scenario_of, techniques_of
from planner.errors import PlannerError
from planner.estimate import foundations
from planner.latency import step_time
from planner.money import bill, per_million_tokens
from planner.odds import Between, odds
from planner.option import Option, Refusal
from planner.pools import PooledCurve, pools
from planner.replica import Replica, replica
from planner.scenario import Scenario
from planner.slo import METRICS, QUANTILES, Key
from planner.steady import with_load
from planner.step import decode_step

SHOWN: tuple[Key, ...] = tuple((metric, quantile) for metric in METRICS for quantile in QUANTILES)


@dataclass(frozen=True, slots=True)
class _Played:
    """What is known of a deployment before it is paid for.

    counts : replicas of each pool, spares included; one number where there is one pool [1]
    share : of the GPUs' time, spent on prompts [1]
    """

    loaded: Scenario
    probed: Capacity
    capacity: Between
    counts: tuple[int, ...]
    needed: Between
    figures: Mapping[Key, Between]
    chance: float
    share: float
    binds: str


def option(asked: Demand, built: Candidate) -> Option | Refusal:
    """A candidate as an option, or why it is none.

    asked : from planner.demand.demand
    built : the candidate
    """
    try:
        played = _pooled(asked, built) if built.pools else _plain(asked, built)
    except PlannerError as no:
        return Refusal(built, str(no))
    return played if isinstance(played, Refusal) else _paid(asked, built, played)


def _plain(asked: Demand, built: Candidate) -> _Played | Refusal:
    of = replica(scenario_of(asked, built), asked.traffic, techniques_of(asked, built))
    found = capacity(of, asked.traffic, asked.slo, asked.seed)
    if not found.rate:
        return _broken(built, found)
    peak, slo = asked.traffic.peak, asked.slo
    count = slo.replicas(peak, found.rate)
    rate = peak / (count - slo.spare)
    loaded = with_load(of.asked, rate, of.state.at(rate, of.state.batch))
    line, sure = curve(of, found.probes), odds(loaded, of.room)
    able = sure.capacity(line, slo.promises, found.rate)
    return _Played(
        loaded,
        found,
        able,
        (count,),
        _needed(count - slo.spare, peak / (1 - slo.headroom) / able.value, able),
        {key: sure.between(line, key, rate) for key in SHOWN},
        sure.chance(line, slo.promises, rate),
        of.state.at(rate, of.state.prompt_share),
        _binds(of, found),
    )


def _pooled(asked: Demand, built: Candidate) -> _Played | Refusal:
    scenario, techniques = scenario_of(asked, built), techniques_of(asked, built)
    peak, slo = asked.traffic.peak, asked.slo
    found = pools(scenario, asked.traffic, slo, techniques, asked.seed)
    if not found.prefill.rate:
        return _broken(built, found.prefill)
    if not found.decode_rate:
        return Refusal(built, "The decode pool breaks the TPOT promise even with one request alone.")
    counts = (slo.replicas(peak, found.prefill.rate), slo.replicas(peak, found.decode_rate))
    first, then = (count - slo.spare for count in counts)
    line = PooledCurve(found, (first, then), min(first * found.prefill_curve.top, then * found.decode.saturation))
    loaded = with_load(scenario, peak / then, found.decode.at(peak / then, found.decode.batch))
    sure = odds(loaded, replica(scenario, asked.traffic, techniques).room)
    able = sure.capacity(line, slo.promises, min(first * found.prefill.rate, then * found.decode_rate))
    need = (peak / found.prefill.rate + peak / found.decode_rate) / (1 - slo.headroom)
    each = Between(able.value / then, able.low / then, able.high / then)
    return _Played(
        loaded,
        found.prefill,
        each,
        counts,
        _needed(first + then, need, able),
        {key: sure.between(line, key, peak) for key in SHOWN if key[0] != "e2e"},
        sure.chance(line, slo.promises, peak),
        counts[0] / sum(counts),
        "two pools: prompts in one, tokens in the other",
    )


def _paid(asked: Demand, built: Candidate, played: _Played) -> Option:
    total, load, gpu = sum(played.counts), played.loaded.workload, played.loaded.deployment.gpu
    used = asked.traffic.mean_rate / (played.capacity.value * played.counts[-1])
    paid = bill(gpu, total * built.tensor_parallel, used, asked.terms)
    prices = None if paid.per_second is None else per_million_tokens(paid.per_second, asked.traffic, played.share)
    step = step_time(played.loaded, decode_step(load.concurrency, load.prompt_tokens + load.output_tokens / 2))
    each = asked.node // built.tensor_parallel
    return Option(
        candidate=built,
        scenario=played.loaded,
        capacity=played.capacity,
        probed=played.probed,
        replicas=total,
        pooled=(played.counts[0], played.counts[1]) if len(played.counts) > 1 else None,
        nodes=math.ceil(total / each),
        figures=played.figures,
        chance=played.chance,
        needed=played.needed,
        bill=paid,
        prompt_price=prices[0] if prices else None,
        output_price=prices[1] if prices else None,
        binds=played.binds,
        founded_on=foundations(played.loaded, step),
        caveats=_caveats(asked, built, played.loaded),
    )


def _needed(count: int, exact: float, able: Between) -> Between:
    """Replicas without spares: as sized, and at both ends of what one can carry."""
    low, high = (
        math.ceil(exact * able.value / rate - 1e-9) if rate > 0 else math.inf for rate in (able.high, able.low)
    )
    return Between(count, min(count, max(1, low)), max(count, high))


def _broken(built: Candidate, found: Capacity) -> Refusal:
    if found.promise is None:
        return Refusal(built, "Its queue grows without end even at 1/190 of what it can complete.")
    value = found.share * found.promise.limit
    return Refusal(
        built,
        f"{found.promise.label} is {value:.3g} s with almost no load, {found.share:.2f} times the promised "
        f"{found.promise.limit:.3g} s.",
        found.promise,
        found.share,
    )


def _binds(of: Replica, found: Capacity) -> str:
    if found.promise is None:
        return f"throughput: {of.state.limit} full"
    if found.promise.metric == "ttft":
        return f"{found.promise.label}: waiting and prompts"
    return f"{found.promise.label}: decode bound by {of.state.bound.label}"


def _caveats(asked: Demand, built: Candidate, loaded: Scenario) -> tuple[str, ...]:
    gpu, wide = loaded.deployment.gpu, calibrated_why(loaded)
    said = [*loaded.model.caveats, *techniques_of(asked, built).caveats]
    said += gpu.doubts
    if wide:
        said.append(wide)
    return tuple(said)
