"""How sure a promise is: the residuals of the accuracy study, laid over a replica's latencies at any rate.

A replica whose steps take s times as long as predicted behaves under a rate like the predicted one under s times that
rate, with every time s times as long. So slowness makes queues too, not only longer steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from planner.curve import Figures
from planner.intervals import overflows, sides
from planner.memory import Memory
from planner.quantities import FloatArray
from planner.scenario import Scenario
from planner.slo import Key, Promise

LEVELS = 41
"""Equally likely residuals of each of TTFT and TPOT."""
END = 0.95
"""Of the residuals, how many lie below the upper side of an interval."""
GRID = 160
SLOWEST = 200.0
FIRST: Key = ("ttft", 0.5)


@dataclass(frozen=True, slots=True)
class Between:
    """A value and its 90 % interval; `high` is infinite where the slow end cannot carry the load."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Odds:
    """Residuals of one question: measured over predicted, equally likely.

    late : of TTFT [1]
    slow : of TPOT, and so of every step [1]
    """

    late: FloatArray
    slow: FloatArray

    def chance(self, of: Figures, promises: Iterable[Promise], rate: float) -> float:
        """Probability that all promises hold.

        of : the replica's figures
        promises : that must hold together [s]
        rate : of one replica [1/s]
        returns : [1]
        """
        holds = np.ones((len(self.late), len(self.slow)), dtype=bool)
        for one in promises:
            holds &= self.outcomes(of, one.key, rate) <= one.limit
        return float(np.mean(holds & (rate * self.slow < of.top)))

    def between(self, of: Figures, key: Key, rate: float) -> Between:
        """A figure with its interval.

        of : the replica's figures
        key : metric and quantile
        rate : of one replica [1/s]
        returns : [s]
        """
        value = float(of.figure(key, np.array(rate)))
        low, high = np.quantile(self.outcomes(of, key, rate), (1 - END, END), method="nearest")
        return Between(value, min(value, float(low)), max(value, float(high)))

    def capacity(self, of: Figures, promises: tuple[Promise, ...], value: float) -> Between:
        """Highest rate that keeps the promises, with its interval: TTFT and TPOT err together.

        of : the replica's figures
        promises : that must hold [s]
        value : as it was played [1/s]
        returns : [1/s]
        """
        ends = ((END, END), (1 - END, 1 - END))
        worst, best = (most(of, promises, *(self._at(*end))) for end in ends)
        return Between(value, min(value, worst), max(value, best))

    def _at(self, late: float, slow: float) -> tuple[float, float]:
        """One residual of each: those under which so many of them lie."""
        last = LEVELS - 1
        return float(self.late[round(late * last)]), float(self.slow[round(slow * last)])

    def outcomes(self, of: Figures, key: Key, rate: float) -> FloatArray:
        """A figure under every pair of residuals, shape (late, slow).

            TTFT = late · TTFT(s · rate)        TPOT = s · TPOT(s · rate)
            end to end = late · TTFT(s · rate) + s · (end to end - TTFT)(s · rate)

        of, key, rate : as in `between` [1/s]
        returns : [s]
        """
        shape = (len(self.late), len(self.slow))
        there = of.figure(key, rate * self.slow)
        if key[0] == "tpot":
            return np.broadcast_to(self.slow * there, shape)
        if key[0] == "ttft":
            return self.late[:, None] * there
        first = np.minimum(there, of.figure(FIRST, rate * self.slow))
        rest = np.where(np.isinf(there), np.inf, there - np.where(np.isinf(first), 0.0, first))
        return self.late[:, None] * first + self.slow * rest


def most(of: Figures, promises: tuple[Promise, ...], late: float, slow: float) -> float:
    """Highest rate that keeps the promises if every TTFT takes `late` times and every step `slow` times as predicted.

    of : the replica's figures
    promises : that must hold [s]
    late, slow : measured over predicted [1]
    returns : [1/s]; 0 if none does
    """
    only = Odds(np.array([late]), np.array([slow]))
    rates = np.geomspace(of.top / SLOWEST, of.top / slow, GRID)
    keeps = [only.chance(of, promises, float(rate)) == 1 for rate in rates]
    return float(rates[np.flatnonzero(keeps)[-1]]) if any(keeps) else 0.0


def odds(scenario: Scenario, room: Memory) -> Odds:
    """Residuals of a question, from the accuracy study.

        ln(measured / predicted) = z / z95 · (above if z > 0 else below),  z normal

    scenario : its GPU and model choose the group; its concurrency tells whether the KV cache overflows [1]
    room : its memory [1]
    source : data/intervals.yaml; halves are taken as normal, so that 5 % and 95 % are as measured
    """
    crowded = overflows(scenario, room)
    late, slow = (_residuals(*sides(metric, scenario, crowded)) for metric in ("ttft", "tpot"))
    return Odds(late, slow)


@cache
def _residuals(below: float, above: float) -> FloatArray:
    normal = NormalDist()
    levels = np.array([normal.inv_cdf((at + 0.5) / LEVELS) for at in range(LEVELS)]) / normal.inv_cdf(END)
    return np.exp(np.where(levels > 0, above, below) * levels)
