"""Which ways to build a replica are worth playing: every one judged by the closed form, the best of each GPU kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from planner.catalogue import gpus
from planner.curve import expected_from
from planner.demand import Candidate, Demand, candidates, scenario_of, techniques_of
from planner.errors import InfeasibleError, PlannerError
from planner.money import bill
from planner.replica import Replica, replica
from planner.slo import Promise

MARGIN = 1.15
"""A loaded replica's figure over its closed form, until it is played [1]."""
FAR = 5.0
"""A GPU that costs so many times what the cheapest does is not played [1]."""
KEPT = 2
NEAR = 1.2
"""At most so many ways of one GPU are played; another than the best only if it needs hardly more GPUs [1]."""


@dataclass(frozen=True, slots=True)
class Screened:
    """A candidate by the closed form.

    gpus : of the whole deployment; 0: it breaks a promise even with one request alone [1]
    cost : in a second; None: a price is missing [USD/s]
    excess : figure over limit of the promise that is farthest off with one request alone [1]
    """

    candidate: Candidate
    gpus: int
    cost: float | None
    excess: float


@dataclass(frozen=True, slots=True)
class Cannot:
    """A candidate that does not run at all, and why."""

    candidate: Candidate
    reason: str
    too_large: bool


def screen(asked: Demand, gpu: str) -> tuple[list[Screened], list[Cannot]]:
    """Every way to build a replica of one GPU, judged; those that cannot run keep their reason.

    asked : the demand
    gpu : its id
    """
    judged, cannot = [], []
    for built in candidates(asked, gpu):
        try:
            of = replica(scenario_of(asked, built), asked.traffic, techniques_of(asked, built))
        except PlannerError as no:
            cannot.append(Cannot(built, str(no), isinstance(no, InfeasibleError)))
            continue
        rate, excess = judge(of, asked.slo.promises)
        judged.append(_screened(asked, built, rate, excess))
    return judged, cannot


def _screened(asked: Demand, built: Candidate, rate: float, excess: float) -> Screened:
    if rate <= 0:
        return Screened(built, 0, None, excess)
    count = asked.slo.replicas(asked.traffic.peak, rate)
    used = asked.traffic.mean_rate / (count * rate)
    total = count * built.tensor_parallel
    return Screened(built, total, bill(gpus()[built.gpu], total, used, asked.terms).per_second, excess)


def judge(of: Replica, promises: Iterable[Promise]) -> tuple[float, float]:
    """Rate that keeps the promises by the closed form, and how far the worst is off for one request alone.

    of : the replica
    promises : that must hold [s]
    returns : [1/s], [1]
    """
    state, host = of.state, of.asked.host
    outside = host.request + host.prompt_token * of.asked.workload.prompt_tokens if host is not None else 0.0
    shapes = expected_from(of, outside + float(state.prefill[0] * state.chunks[0]))
    rate, excess = state.saturation, 0.0
    for one in promises:
        shape = shapes[one.metric]
        excess = max(excess, float(shape[0]) / one.limit)
        rate = min(rate, float(np.interp(one.limit / MARGIN, shape, state.rate, left=0.0)))
    return rate, excess


def worth_playing(judged: list[Screened]) -> list[Screened]:
    """The ways of one GPU that need the fewest GPUs by the closed form, or hardly more.

    judged : of one GPU, at least one
    returns : at most KEPT; the least bad one where none keeps the promises
    """
    able = sorted((one for one in judged if one.gpus), key=lambda one: (one.gpus, one.candidate.tensor_parallel))
    if not able:
        return [min(judged, key=lambda one: one.excess)]
    return [one for one in able[:KEPT] if one.gpus <= NEAR * able[0].gpus]


def far_off(chosen: Iterable[Screened]) -> dict[Candidate, str]:
    """Those that cost many times what the cheapest does, or without a price need many times the fewest GPUs.

    chosen : of all GPUs
    returns : a sentence for each that is not worth playing
    """
    able = [one for one in chosen if one.gpus]
    cheapest = min((one.cost for one in able if one.cost is not None), default=None)
    fewest = min((one.gpus for one in able), default=0)
    far = {}
    for one in able:
        times = one.cost / cheapest if one.cost is not None and cheapest else one.gpus / fewest
        if times > FAR:
            what = "the cost of the cheapest" if one.cost is not None and cheapest else "the fewest GPUs"
            far[one.candidate] = (
                f"It takes about {one.gpus:,} GPUs, {times:.0f} times {what}: not looked at any closer."
            )
    return far


def clearest(cannot: list[Cannot]) -> Cannot:
    """Of the ways that do not run, the one whose reason says most: too little memory on the most GPUs.

    cannot : of one GPU, at least one
    """
    return max(cannot, key=lambda one: (one.too_large, one.candidate.tensor_parallel))


def variants(asked: Demand, built: Candidate) -> list[Candidate]:
    """A closer look at a good candidate: other limits, half and twice the GPUs, the demand's techniques.

    asked : the demand
    built : a candidate that was played
    """
    usual = scenario_of(asked, built).engine
    most, now = usual.max_num_batched_tokens or 0.0, usual.max_num_seqs or 0.0
    others = [replace(built, budget=budget) for budget in asked.budgets if budget != most and budget >= now]
    others += [replace(built, sequences=count) for count in asked.sequences if now < count <= most]
    others += [
        replace(built, tensor_parallel=count, expert_parallel=count if built.expert_parallel > 1 else 1)
        for count in asked.counts
        if count in (built.tensor_parallel // 2, 2 * built.tensor_parallel)
    ]
    if asked.techniques.speculation is not None:
        others.append(replace(built, speculating=True))
    if asked.techniques.pools:
        others.append(replace(built, pools=True))
    return others
