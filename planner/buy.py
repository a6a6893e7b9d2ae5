"""What to buy or rent: search(demand) yields options as they are found. START READING HERE for the buyer's question.

demand -> every GPU: every way to build a replica, by the closed form (screen) -> the best of each GPU, played (sizing)
       -> a closer look at the cheapest: other limits, other splits, speculation, two pools
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import partial
from math import inf

from planner.demand import Candidate, Demand, demand
from planner.option import Option, Refusal
from planner.ranking import best_of_each
from planner.screen import Screened, clearest, far_off, screen, variants, worth_playing
from planner.sizing import option

LOOKS, LOOKED_AT = 2, 3
"""Rounds of the search; the options of the first, of different GPUs, around which the second looks."""


@dataclass(frozen=True, slots=True)
class Found:
    """One more candidate is settled.

    done, total : candidates so far, and as many as are known to come [1]
    result : an option, or why it is none
    """

    done: int
    total: int
    result: Option | Refusal


def search(asked: Demand, pool: Executor | None = None) -> Generator[Found, None, None]:
    """Plays every candidate worth it, the most promising first; closing the generator cancels what has not begun.

    asked : the demand
    pool : of processes that share the work; None: done here, one after the other
    returns : options and refusals in the order found; see planner.ranking for the best
    raises : PlannerError for a question that makes no sense
    """
    whole = demand(asked)
    chosen, refused = _screened(whole, pool)
    yield from (Found(at + 1, len(refused) + len(chosen), no) for at, no in enumerate(refused))
    settled: list[Option | Refusal] = list(refused)
    seen: set[Candidate] = set()
    for look in range(LOOKS):
        if look:
            chosen = list(dict.fromkeys(_closer(whole, settled)))
        fresh = [built for built in chosen if built not in seen]
        seen.update(fresh)
        total = len(settled) + len(fresh)
        for result in _played(whole, fresh, pool):
            settled.append(result)
            yield Found(len(settled), total, result)


def _screened(asked: Demand, pool: Executor | None) -> tuple[list[Candidate], list[Refusal]]:
    """What is worth playing, cheapest first, and what is not, with the reason."""
    judging = (pool.map if pool is not None else map)(partial(screen, asked), asked.gpus)
    chosen: list[Screened] = []
    refused: list[Refusal] = []
    for judged, cannot in judging:
        if judged:
            chosen += worth_playing(judged)
        else:
            why = clearest(cannot)
            refused.append(Refusal(why.candidate, why.reason))
    far = far_off(chosen)
    refused += [Refusal(built, reason) for built, reason in far.items()]
    able = [one for one in chosen if one.candidate not in far]
    able.sort(key=lambda one: (one.gpus == 0, inf if one.cost is None else one.cost, one.gpus))
    return [one.candidate for one in able], refused


def _played(asked: Demand, built: list[Candidate], pool: Executor | None) -> Iterator[Option | Refusal]:
    if pool is None:
        yield from (option(asked, one) for one in built)
        return
    running = [pool.submit(option, asked, one) for one in built]
    try:
        for future in as_completed(running):
            yield future.result()
    finally:
        for future in running:
            future.cancel()


def _closer(asked: Demand, settled: Iterable[Option | Refusal]) -> Iterator[Candidate]:
    for one in best_of_each(one for one in settled if isinstance(one, Option))[:LOOKED_AT]:
        yield from variants(asked, one.candidate)
