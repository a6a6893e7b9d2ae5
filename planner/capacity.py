"""The highest rate at which one replica keeps every promise: found by playing loads, each with the same random pattern.

Rates lie on a fixed ladder below saturation; the search starts where the steady state suggests, and walks until a rung
that keeps the promises lies next to one that does not. A queue that still grows at the end of a run breaks them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.curve import TINY, Probe, expected
from planner.quantities import FloatArray
from planner.replica import Replica, alone, run
from planner.serving import Latencies
from planner.slo import Key, Promise, Slo, quantiles, tightest
from planner.traffic import Traffic

RUNG = 1.1
"""Between two rates of the ladder [1]."""
RUNGS = 55
"""Down to 1/190 of saturation."""
COUNTED = 400
"""Requests whose latencies count; those sent while the replica fills and empties do not [1]."""
LONE = 100
MOST_FILLING = 1000
GROWING = 2.5
"""Mean TTFT of the last third of a run over that of the first: above, the queue grows without end."""
SPREAD = 1.15
"""A loaded replica's TPOT over its closed form, for the first guess alone [1]."""
CORRECTED = 5
"""Runs after which the ladder is halved [1]."""
LEAST_OVER = 1.02
"""What a run counts as that keeps the promises while its queue grows [1]."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one replica can carry.

    rate : highest that keeps the promises; 0: none does [1/s]
    saturation : highest that it can complete at all [1/s]
    promise : the one that breaks first; None: saturation comes before
    share : its figure over its limit: at the capacity, or with one request alone where even that breaks it [1]
    probes : all played rates, ascending, the first with requests one after the other
    """

    rate: float
    saturation: float
    promise: Promise | None
    share: float
    probes: tuple[Probe, ...]


def capacity(of: Replica, asked: Traffic, promised: Slo, seed: int = 0) -> Capacity:
    """The highest rate of one replica.

        rate = between the lowest rung that breaks a promise and the highest that keeps all, where the promise's figure
               meets its limit on a straight line between their logarithms; the kept rung where the queue grows above it

    of : the replica
    asked : the lengths [tokens]
    promised : what must hold [s]
    seed : of lengths and arrivals; the same seed gives the same answer
    returns : [1/s]; at most 10 / 11 of saturation
    """
    empty = Probe(0.0, quantiles(_values(alone(of, asked, LONE, seed))), settled=True)
    top = of.state.saturation
    promise, share = tightest(promised.promises, empty.figures)
    if share > 1:
        return Capacity(0.0, top, promise, share, (empty,))
    search, played = _search(of, promised, empty), dict[int, Probe]()
    while search.kept - search.broken > 1:
        rung = search.next(len(played))
        played[rung] = probe(of, asked, top / RUNG**rung, seed)
        search.learn(rung, played[rung])
    probes = (empty, *(played[rung] for rung in sorted(played, reverse=True)))
    return _found(search, played, probes)


def _found(search: _Search, played: Mapping[int, Probe], probes: tuple[Probe, ...]) -> Capacity:
    """The promise that binds is the one broken a rung higher; a growing queue there is saturation."""
    top, promises = search.of.state.saturation, search.promised.promises
    if search.kept > RUNGS:
        return Capacity(0.0, top, *tightest(promises, probes[1].figures), probes)
    above, rate = played.get(search.broken), top / RUNG**search.kept
    promise, over = tightest(promises, above.figures) if above is not None else (None, 0.0)
    share = tightest(promises, played[search.kept].figures)[1]
    if above is None or not above.settled or over <= 1:
        return Capacity(rate, top, promise if over > 1 else None, share, probes)
    between = float(np.log(1 / search.under) / np.log(over / search.under))
    return Capacity(rate * RUNG**between, top, promise, 1.0, probes)


def probe(of: Replica, asked: Traffic, rate: float, seed: int) -> Probe:
    """One rate, played.

    of, asked : the replica, the lengths
    rate : of the requests [1/s]
    seed : of lengths and arrivals
    """
    filling = int(min(MOST_FILLING, max(20.0, of.state.at(rate, of.state.batch))))
    found = run(of, asked, rate, COUNTED + 2 * filling, seed)
    kept = slice(filling, filling + COUNTED)
    return Probe(rate, quantiles(_values(found, kept)), _settled(found.ttft[kept]))


def _values(found: Latencies, kept: slice = slice(None)) -> dict[str, FloatArray]:
    return {"ttft": found.ttft[kept], "tpot": found.tpot[kept], "e2e": found.e2e[kept]}


def _settled(ttft: FloatArray) -> bool:
    third = len(ttft) // 3
    return bool(np.mean(ttft[-third:]) <= GROWING * np.mean(ttft[:third]))


@dataclass(slots=True)
class _Search:
    """Where the ladder is known to keep and to break.

    broken, kept : rungs: of the lowest rate that breaks a promise, the highest that keeps all [1]
    over, under : the tightest promise's figure over its limit there; under starts with an empty replica [1]
    factors : played over closed form of each promise's figure, from the latest run [1]
    """

    of: Replica
    promised: Slo
    expected: Mapping[str, FloatArray]
    factors: dict[Key, float]
    under: float
    over: float = 1.0
    broken: int = 0
    kept: int = RUNGS + 1

    def next(self, tries: int) -> int:
        """The rung to play.

        Between two known rungs: where the figure meets its limit if both are logarithmic; below a broken one: where a
        straight line from the empty replica does, or the closed form, whichever is higher; halves in the end.
        """
        if self.kept > RUNGS:
            rung = self._guess() if not self.broken else min(self._guess(), self._chord())
        elif not self.broken:
            rung = self._guess()
        elif tries > CORRECTED:
            rung = (self.broken + self.kept) // 2
        else:
            rung = round(
                self.kept - (self.kept - self.broken) * np.log(1 / self.under) / np.log(self.over / self.under)
            )
        return int(np.clip(rung, self.broken + 1, self.kept - 1))

    def learn(self, rung: int, found: Probe) -> None:
        """Takes a played rate into account."""
        for one in self.promised.promises:
            self.factors[one.key] = found.figures[one.key] / self.of.state.at(found.rate, self.expected[one.metric])
        share = tightest(self.promised.promises, found.figures)[1]
        if found.settled and share <= 1:
            self.kept, self.under = rung, max(share, TINY)
        else:
            self.broken, self.over = rung, max(share, LEAST_OVER)

    def _guess(self) -> int:
        top, rate = self.of.state.saturation, self.of.state.saturation
        for one in self.promised.promises:
            shape, limit = self.expected[one.metric], one.limit / self.factors[one.key]
            rate = min(rate, float(np.interp(limit, shape, self.of.state.rate, left=0.0)))
        return _rung(rate / top)

    def _chord(self) -> int:
        return _rung((1 - self.under) / (self.over - self.under) / RUNG**self.broken)


def _rung(share: float) -> int:
    """The rung of a rate, as a share of saturation."""
    return RUNGS if share <= RUNG**-RUNGS else int(np.ceil(-np.log(share) / np.log(RUNG)))


def _search(of: Replica, promised: Slo, empty: Probe) -> _Search:
    figures = empty.figures
    factors = {
        one.key: (SPREAD if one.metric == "tpot" else 1.0) * figures[one.key] / max(figures[one.metric, 0.5], TINY)
        for one in promised.promises
    }
    return _Search(of, promised, expected(of, empty), factors, tightest(promised.promises, figures)[1])
