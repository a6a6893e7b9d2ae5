"""What users send: how many requests, how long, when in the day, and how it grows.

A server is sized for the busiest hour at the end of the years bought for; a bill is paid for the mean of the day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from planner.errors import InvalidWorkload
from planner.quantities import FloatArray

HOURS = 24
STEADY = (1.0,) * HOURS
LONGEST = 10_000_000
MOST_RECORDED = 200_000
YEARS_AHEAD = 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """Lengths of real requests; prompt and output of one request stay together.

    prompts, outputs : one entry a request [tokens]
    name : of the file or run, for people
    """

    prompts: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = "recorded"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of all users together.

    rate : in the busiest hour of today [1/s]
    prompt_tokens, output_tokens : means [tokens]
    spread : standard deviation over mean of both lengths, log-normal; 0: all alike [1]
    recorded : real lengths, which take the place of means and spread
    profile : of each hour of a day, as a share of the busiest [1]
    prefix_share : of each prompt, found in the prefix cache [1]
    growth : of the rate in a year; 0.5: half as much again [1]
    years : ahead, for which the busiest hour is planned [year]
    """

    rate: float
    prompt_tokens: float
    output_tokens: float
    spread: float = 0.0
    recorded: Recorded | None = None
    profile: tuple[float, ...] = STEADY
    prefix_share: float = 0.0
    growth: float = 0.0
    years: float = 0.0

    @property
    def peak(self) -> float:
        """Rate of the busiest hour at the end of the years planned for: rate · (1 + growth)^years [1/s]."""
        return float(self.rate * (1 + self.growth) ** self.years)

    @property
    def load_factor(self) -> float:
        """Mean of a day over its busiest hour [1]."""
        return sum(self.profile) / len(self.profile)

    @property
    def mean_rate(self) -> float:
        """Mean rate of a day, in the year in which the peak is reached [1/s]."""
        return self.peak * self.load_factor


def traffic(asked: Traffic) -> Traffic:
    """A checked Traffic; recorded lengths give its means [tokens].

    raises : InvalidWorkload naming the field
    """
    if (recorded := asked.recorded) is not None:
        _check_recorded(recorded)
        prompts, outputs = float(np.mean(recorded.prompts)), float(np.mean(recorded.outputs))
        asked = replace(asked, prompt_tokens=prompts, output_tokens=outputs)
    _check(asked)
    return asked


def lengths(asked: Traffic, count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Prompt and output lengths of a simulated run.

        log-normal: length = mean · exp(s · z - s²/2),  s² = ln(1 + spread²)

    asked : whose lengths
    count : of requests [1]
    seed : the same seed gives the same lengths
    returns : prompts, outputs [tokens]; quantiles evenly spaced and shuffled, so that short runs keep the mean too
    """
    random = np.random.default_rng(seed)
    if asked.recorded is not None:
        at = np.floor(_even(count, random) * len(asked.recorded.prompts)).astype(int)
        return np.array(asked.recorded.prompts, float)[at], np.array(asked.recorded.outputs, float)[at]
    prompts, outputs = (
        np.maximum(1.0, np.round(mean * _log_normal(asked.spread, count, random)))
        for mean in (asked.prompt_tokens, asked.output_tokens)
    )
    return prompts, outputs


def _log_normal(spread: float, count: int, random: np.random.Generator) -> FloatArray:
    """Factors with mean 1."""
    if spread == 0:
        return np.ones(count)
    width = float(np.sqrt(np.log1p(spread**2)))
    found: FloatArray = np.exp(width * _normal(count) - width**2 / 2)
    return random.permutation(found / found.mean())


@lru_cache(maxsize=64)
def _normal(count: int) -> FloatArray:
    inverse = NormalDist().inv_cdf
    return np.array([inverse((at + 0.5) / count) for at in range(count)])


def _even(count: int, random: np.random.Generator) -> FloatArray:
    """Evenly spaced shares in [0, 1), shuffled."""
    return random.permutation((np.arange(count) + random.uniform()) / count)


def _check(asked: Traffic) -> None:
    ranges = {
        "rate": (asked.rate, 1e-6, 1e6),
        "prompt_tokens": (asked.prompt_tokens, 1, LONGEST),
        "output_tokens": (asked.output_tokens, 1, LONGEST),
        "spread": (asked.spread, 0, 5),
        "prefix_share": (asked.prefix_share, 0, 1),
        "growth": (asked.growth, -0.99, 100),
        "years": (asked.years, 0, YEARS_AHEAD),
        "hours of the profile": (len(asked.profile), 1, HOURS),
    } | {f"profile of hour {hour}": (share, 0, 1) for hour, share in enumerate(asked.profile)}
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise InvalidWorkload(f"{name} is {value:g}: it must be between {low:g} and {high:g}.")
    if asked.load_factor <= 0:
        raise InvalidWorkload("The daily profile is zero in every hour: give the busiest hour a share of 1.")


def _check_recorded(recorded: Recorded) -> None:
    if not 1 <= len(recorded.prompts) <= MOST_RECORDED or len(recorded.prompts) != len(recorded.outputs):
        raise InvalidWorkload(
            f"{recorded.name[:60]} has {len(recorded.prompts):,} prompts and {len(recorded.outputs):,} outputs: both "
            f"must be as many, at least one and at most {MOST_RECORDED:,}."
        )
    if min(*recorded.prompts, *recorded.outputs) < 1 or max(*recorded.prompts, *recorded.outputs) > LONGEST:
        raise InvalidWorkload(f"{recorded.name[:60]}: lengths must be between 1 and {LONGEST:,} tokens.")
