"""Requests as they were recorded: their lengths, and when each was sent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from planner.errors import InvalidWorkload

MAX_RECORDED = 100_000
"""Requests of one recording: more would hold a page for seconds, and percentiles do not need them."""
LONGEST = 100_000_000
"""Of one prompt or output [tokens]; also the latest arrival [s]."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One entry a request, in the order sent. Made by `recorded`, which checks it.

    prompts, outputs : lengths [tokens]
    cached : of each prompt, found in the prefix cache [tokens]
    arrivals : since the first one; None: a closed loop sends the next when one ends [s]
    """

    prompts: tuple[int, ...]
    outputs: tuple[int, ...]
    cached: tuple[int, ...]
    arrivals: tuple[float, ...] | None = None

    @property
    def longest(self) -> float:
        """Prompt and output of the longest request [tokens]."""
        return float(max(prompt + output for prompt, output in zip(self.prompts, self.outputs, strict=True)))


def recorded(
    prompts: Iterable[float],
    outputs: Iterable[float],
    arrivals: Iterable[float] | None = None,
    cached: Iterable[float] | None = None,
) -> Recorded:
    """Checked recording, sorted by arrival; times count from the first.

    prompts, outputs : lengths, whole numbers from 1 [tokens]
    arrivals : any clock that runs forward; None: no times were recorded [s]
    cached : of each prompt, found in the prefix cache; None: nothing [tokens]
    raises : InvalidWorkload naming the request and what is wrong with it

    >>> recorded([8, 4], [2, 3], arrivals=[12.5, 10.0]).arrivals
    (0.0, 2.5)
    """
    told = list(prompts)
    columns = {"prompt_tokens": told, "output_tokens": list(outputs)}
    columns["prefix_cached_tokens"] = [0.0] * len(told) if cached is None else list(cached)
    times = [0.0] * len(told) if arrivals is None else list(arrivals)
    _check_sizes({**columns, "arrival_s": times})
    for name, low in (("prompt_tokens", 1), ("output_tokens", 1), ("prefix_cached_tokens", 0)):
        _check(name, columns[name], low, whole=True)
    _check("arrival_s", times, -math.inf, whole=False)
    order = sorted(range(len(times)), key=times.__getitem__)
    lengths = [tuple(int(column[at]) for at in order) for column in columns.values()]
    for at, prompt, _, kept in zip(order, *lengths, strict=True):
        if kept > prompt:
            raise InvalidWorkload(
                f"prefix_cached_tokens of request {at + 1} is {kept}: it must not exceed its prompt of {prompt}."
            )
    since = None if arrivals is None else tuple(times[at] - times[order[0]] for at in order)
    return Recorded(lengths[0], lengths[1], lengths[2], since)


def _check_sizes(columns: dict[str, list[float]]) -> None:
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InvalidWorkload(f"A recording needs as many of each: {told}. Give every request all of its columns.")
    count = sizes["prompt_tokens"]
    if not 1 <= count <= MAX_RECORDED:
        raise InvalidWorkload(f"{count:,} requests were recorded: give 1 to {MAX_RECORDED:,}, a part of a longer one.")


def _check(name: str, column: list[float], low: float, *, whole: bool) -> None:
    kind = "a whole number of tokens" if whole else "a time in seconds"
    for at, value in enumerate(column):
        if not low <= value <= LONGEST or not math.isfinite(value) or (whole and value != int(value)):
            least = f" from {low:g}" if whole else ""
            raise InvalidWorkload(f"{name} of request {at + 1} is {value:g}: it must be {kind}{least}.")
