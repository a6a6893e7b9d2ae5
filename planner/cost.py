"""What a token costs to rent. A GPU without a known price has no cost: missing, never zero."""

from __future__ import annotations

from dataclasses import dataclass

from planner.gpu import Gpu
from planner.prices import price
from planner.quantities import HOUR, MILLION, Source


@dataclass(frozen=True, slots=True)
class Cost:
    """Rent of one replica.

    per_hour : of all its GPUs [USD/h]
    per_million_output_tokens : at the estimated throughput [USD]
    """

    per_hour: float
    per_million_output_tokens: float
    source: Source


def rent(gpu: Gpu, gpus: int, output_tokens_per_second: float) -> Cost | None:
    """Rent on demand of the replica's GPUs, and for each million tokens that they generate.

        USD per million = price · GPUs · 1e6 / throughput

    gpu : whose price is looked up [USD/s]
    gpus : of the replica [1]
    output_tokens_per_second : throughput of the replica [1/s]
    returns : None where data/prices.yaml has no price of that GPU
    """
    found = price(gpu).on_demand
    if found is None:
        return None
    whole = found.value * gpus
    return Cost(whole * HOUR, whole * MILLION / output_tokens_per_second, found.source)
