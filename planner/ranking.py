"""Options in order of what they cost, those that no other beats, and the nearest that works where none does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from planner.option import Option, Refusal
from planner.slo import Promise

NEAREST_MARGIN = 1.05
"""A promise loosened to what almost no load takes is kept by almost no load: so much more is asked for."""


def ranked(options: Iterable[Option]) -> list[Option]:
    """Cheapest first; those without a known price after all others, fewest GPUs first.

    options : of a search
    """
    return sorted(options, key=_order)


def best_of_each(options: Iterable[Option]) -> list[Option]:
    """The cheapest option of each GPU, cheapest first.

    options : of a search
    """
    best: dict[str, Option] = {}
    for one in ranked(options):
        best.setdefault(one.candidate.gpu, one)
    return list(best.values())


def frontier(
    options: Sequence[Option], cost: Callable[[Option], float], value: Callable[[Option], float]
) -> list[bool]:
    """Which options no other beats in both (Pareto).

    options : to compare
    cost, value : of an option, each better the less it is [USD], [s] or any other
    returns : one entry an option; True: none is at least as good in both and better in one
    """
    at = [(cost(one), value(one)) for one in options]
    return [not any(_beats(other, one) for other in at) for one in at]


def nearest(refusals: Iterable[Refusal]) -> tuple[Refusal, Promise] | None:
    """What would work if no option does: the candidate that is least far off, and its promise loosened so far.

    refusals : of a search
    returns : None where no candidate even runs
    """
    able = [(no.share, place, no, no.promise) for place, no in enumerate(refusals) if no.promise is not None]
    if not able:
        return None
    share, _, refusal, promise = min(able)
    return refusal, Promise(promise.metric, promise.quantile, promise.limit * share * NEAREST_MARGIN)


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def _order(one: Option) -> tuple[float, int, float]:
    month = one.per_month
    return (math.inf if month is None else month.value, one.gpus, -one.chance)
