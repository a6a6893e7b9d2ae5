"""One way to serve the demand, sized and paid for: replicas, GPUs, latencies, money, and how sure all of that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.capacity import Capacity
from planner.demand import Candidate
from planner.money import Bill
from planner.odds import Between
from planner.quantities import Basis, weakest
from planner.scenario import Scenario
from planner.slo import Key, Promise


@dataclass(frozen=True, slots=True)
class Refusal:
    """A candidate that is no option: it cannot run, or breaks a promise even with one request alone.

    promise, share : the promise that is farthest off, and its figure over its limit [1]
    """

    candidate: Candidate
    reason: str
    promise: Promise | None = None
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Option:
    """A deployment that keeps the promises.

    scenario : one replica at the load it carries in the busiest hour, spares lost
    capacity : highest rate of one replica, of the prefill pool's where there are two [1/s]
    replicas : spares included; of both pools [1]
    pooled : prefill and decode replicas; None: plain [1]
    figures : every metric and quantile there, with intervals [s]
    chance : that all promises hold [1]
    needed : replicas without spares, with interval [1]
    bill : of all GPUs
    prompt_price, output_price : of a million tokens; None: a price is missing [USD]
    binds : what keeps a replica from carrying more, in words
    founded_on : what it rests on, each with its basis
    caveats : what is assumed or left out, in sentences
    """

    candidate: Candidate
    scenario: Scenario
    capacity: Between
    probed: Capacity
    replicas: int
    pooled: tuple[int, int] | None
    nodes: int
    figures: Mapping[Key, Between]
    chance: float
    needed: Between
    bill: Bill
    prompt_price: float | None
    output_price: float | None
    binds: str
    founded_on: tuple[tuple[str, Basis], ...]
    caveats: tuple[str, ...]

    @property
    def gpus(self) -> int:
        """Of the whole deployment [1]."""
        return self.replicas * self.candidate.tensor_parallel

    @property
    def rate(self) -> float:
        """Of one replica in the busiest hour, spares lost [1/s]."""
        return self.scenario.workload.request_rate or 0.0

    @property
    def basis(self) -> Basis:
        """Of the weakest input."""
        return weakest(*(basis for _, basis in self.founded_on))

    @property
    def per_month(self) -> Between | None:
        """What it costs in a month, with the interval of the replicas needed; None: a price is missing [USD]."""
        if self.bill.per_month is None:
            return None
        spare = self.replicas - self.needed.value
        low, high = ((count + spare) / self.replicas for count in (self.needed.low, self.needed.high))
        month = self.bill.per_month
        return Between(month, month * low, month * high)

    @property
    def output_tokens_per_second(self) -> float:
        """That all replicas but the spares can generate while the promises hold [1/s]."""
        return self.needed.value * self.capacity.value * self.scenario.workload.output_tokens
