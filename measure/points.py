"""What is to be measured: one load a point, each with prompts of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.errors import InvalidWorkload

FEWEST_TURNS = 4
"""Times that each of the requests in flight is replaced: fewer, and the first burst is most of what is measured."""
WARM_UP_SEED = 90_000
TURN_SEED = 80_000
"""Of the first turn of a loop that is to last: added to its point's own."""


@dataclass(frozen=True, slots=True)
class Point:
    """One load.

    prompt_tokens, output_tokens : of each request [tokens]
    concurrency : requests in flight in a closed loop; None in an open one
    request_rate : arrivals in an open loop [1/s]
    range_ratio : lengths are uniform within this share of the mean on both sides; 0: all alike [1]
    seed : of the prompts; no two points share it, so none finds another's prompts in a cache
    requests : how many are sent
    seconds : about how long a closed loop is to last; its first turn tells how many requests that takes [s]
    """

    prompt_tokens: int
    output_tokens: int
    concurrency: int | None
    request_rate: float | None
    range_ratio: float
    seed: int
    requests: int
    seconds: float | None = None

    @property
    def name(self) -> str:
        """Of its file: what is special about it."""
        load = f"concurrency-{self.concurrency}" if self.concurrency else f"rate-{self.request_rate:g}"
        return f"{load}-prompt-{self.prompt_tokens}-output-{self.output_tokens}"


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of all requests of a measurement.

    prompt_tokens, output_tokens : [tokens]
    range_ratio : as in Point [1]
    """

    prompt_tokens: int
    output_tokens: int
    range_ratio: float = 0.0


def loop_points(
    lengths: Lengths, concurrencies: Sequence[int], requests: int | None, seed: int, seconds: float | None = None
) -> tuple[Point, ...]:
    """A point for each concurrency, smallest first.

    requests : of each point; None: four turns of the loop, and at least 16
    seed : of the first point; each takes the next
    seconds : as in Point [s]
    raises : InvalidWorkload
    """
    _check(lengths, concurrencies)
    return tuple(
        Point(
            lengths.prompt_tokens,
            lengths.output_tokens,
            concurrency,
            None,
            lengths.range_ratio,
            seed + place,
            requests or max(16, FEWEST_TURNS * concurrency),
            seconds,
        )
        for place, concurrency in enumerate(sorted(set(concurrencies)))
    )


def rate_points(lengths: Lengths, rates: Sequence[float], seconds: float, seed: int) -> tuple[Point, ...]:
    """A point for each rate of arrivals, each lasting as long.

        requests = rate · duration

    seconds : duration of the arrivals [s]
    raises : InvalidWorkload
    """
    _check(lengths, rates)
    return tuple(
        Point(
            lengths.prompt_tokens,
            lengths.output_tokens,
            None,
            rate,
            lengths.range_ratio,
            seed + place,
            max(2, math.ceil(rate * seconds)),
        )
        for place, rate in enumerate(sorted(set(rates)))
    )


def lasting(point: Point, turn: float) -> Point:
    """A closed loop with as many requests as its duration takes, four turns of it at least.

        requests = concurrency · seconds / turn

    turn : that one request of each slot took, all at once [s]
    """
    if point.seconds is None or point.concurrency is None:
        return point
    turns = max(FEWEST_TURNS, math.ceil(point.seconds / turn))
    return replace(point, requests=max(16, turns * point.concurrency), seconds=None)


def prompt_points(prompts: Sequence[int], requests: int, seed: int) -> tuple[Point, ...]:
    """Single prompts of several lengths with one token each: what a prefill takes."""
    _check(Lengths(1, 1), prompts)
    return tuple(
        Point(prompt, 1, 1, None, 0.0, seed + place, requests) for place, prompt in enumerate(sorted(set(prompts)))
    )


def _check(lengths: Lengths, loads: Sequence[float]) -> None:
    if not loads or min(loads) <= 0:
        raise InvalidWorkload("A measurement needs at least one load, and each must be above zero.")
    if min(lengths.prompt_tokens, lengths.output_tokens) < 1 or not 0 <= lengths.range_ratio < 1:
        raise InvalidWorkload(
            f"prompt {lengths.prompt_tokens} and output {lengths.output_tokens} must be at least one token, and the "
            f"range ratio {lengths.range_ratio:g} at least 0 and below 1."
        )
