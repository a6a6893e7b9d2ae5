"""What users send: how many requests, how long, when in the day, and how it grows.

A server is sized for the busiest hour at the end of the years bought for; a bill is paid for the mean of the day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

import numpy as np

from planner.errors import InvalidWorkload
from planner.quantities import HOUR, FloatArray
from planner.recorded import Recorded

HOURS = 24
STEADY = (1.0,) * HOURS
LONGEST = 10_000_000
MOST_RATE = 1e6
YEARS_AHEAD = 20
STRATA = 64
"""Different lengths of a simulated run: quantiles of the distribution. Steps that are alike are timed once [1]."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of all users together.

    rate : in the busiest hour of today [1/s]
    prompt_tokens, output_tokens : means [tokens]
    spread : standard deviation over mean of both lengths, log-normal; 0: all alike [1]
    recorded : real requests, whose lengths take the place of means and spread; their times are not used
    profile : of each hour of a day, as a share of the busiest [1]
    prefix_share : of the mean prompt, a prefix that all share and the prefix cache holds [1]
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
        np.maximum(1.0, np.round(mean * _log_normal(asked.spread if mean > 1 else 0.0, count, random)))
        for mean in (asked.prompt_tokens, asked.output_tokens)
    )
    return prompts, outputs


def busiest_rate(recording: Recorded) -> float:
    """Requests a second in the busiest hour of a recording, or in all of one that is shorter than two hours.

    recording : with times [s]
    returns : [1/s]
    """
    hours = _hourly(recording)
    span = (recording.arrivals or (0.0,))[-1]
    return float(hours.max()) / HOUR if len(hours) > 1 else len(recording.prompts) / max(span, 1.0)


def hourly_profile(recording: Recorded) -> tuple[float, ...]:
    """Share of the busiest hour in each hour of a recording's day; days are laid over each other.

    recording : with times [s]
    returns : as many hours as were recorded, 24 at most [1]
    """
    hours = _hourly(recording)
    days = [hours[start::HOURS].mean() for start in range(min(HOURS, len(hours)))]
    return tuple(float(hour / max(days)) for hour in days)


def _hourly(recording: Recorded) -> FloatArray:
    """Requests in each whole hour; a rest that is shorter than an hour is left out."""
    times = np.array(recording.arrivals or (0.0,))
    whole = max(1, int(times[-1] // HOUR))
    return np.bincount((times // HOUR).astype(int), minlength=whole)[:whole].astype(float)


def prompts_alone(asked: Traffic) -> Traffic:
    """The same prompts, each with one output token [tokens].

    asked : of the users
    """
    recorded = asked.recorded
    if recorded is not None:
        recorded = replace(recorded, outputs=(1,) * len(recorded.outputs))
    return replace(asked, output_tokens=1.0, recorded=recorded)


def _log_normal(spread: float, count: int, random: np.random.Generator) -> FloatArray:
    """Factors with mean 1."""
    if spread == 0:
        return np.ones(count)
    width = float(np.sqrt(np.log1p(spread**2)))
    stratum = np.arange(count) * STRATA // count
    found: FloatArray = np.exp(width * _normal()[stratum] - width**2 / 2)
    return random.permutation(found / found.mean())


@cache
def _normal() -> FloatArray:
    inverse = NormalDist().inv_cdf
    return np.array([inverse((at + 0.5) / STRATA) for at in range(STRATA)])


def _even(count: int, random: np.random.Generator) -> FloatArray:
    """Evenly spaced shares in [0, 1), shuffled."""
    return random.permutation((np.arange(count) + random.uniform()) / count)


def _check(asked: Traffic) -> None:
    ranges = {
        "rate": (asked.rate, 1e-6, MOST_RATE),
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
    if asked.peak > MOST_RATE:
        raise InvalidWorkload(
            f"In {asked.years:g} years the busiest hour would have {asked.peak:.3g} requests a second: it must "
            f"be at most {MOST_RATE:,.0f}. Lower growth or years_ahead."
        )
    if asked.load_factor <= 0:
        raise InvalidWorkload("The daily profile is zero in every hour: give the busiest hour a share of 1.")
