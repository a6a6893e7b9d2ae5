"""Latencies of one replica over its rate: the closed form's shape, laid through what was played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from planner.quantities import FloatArray
from planner.replica import Replica
from planner.slo import Key

TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Probe:
    """One played rate.

    rate : of one replica [1/s]; 0: requests one after the other
    figures : every metric at every quantile [s]
    settled : the queue does not grow
    """

    rate: float
    figures: Mapping[Key, float]
    settled: bool


def expected(of: Replica, empty: Probe) -> dict[str, FloatArray]:
    """Every metric in the closed form, the TTFT of an empty replica as it was played.

    of : the replica
    empty : played with requests one after the other [s]
    returns : see `expected_from`
    """
    return expected_from(of, empty.figures["ttft", 0.5])


def expected_from(of: Replica, first: float) -> dict[str, FloatArray]:
    """Every metric in the closed form, at the replica's steady states.

        TTFT = of an empty replica + (prefill - prefill of an empty one) + wait        TPOT = step / tokens of a step
        end to end = TTFT + (output_tokens - 1) · TPOT
        wait = prefill · share / (1 - share), share: of the steps' time, spent on prompts

    of : the replica
    first : TTFT of an empty replica [s]
    returns : [s], one entry for each of its state's rates, never falling
    """
    state = of.state
    prompts = state.prefill * state.chunks
    wait = prompts * state.prompt_share / np.maximum(TINY, 1 - state.prompt_share)
    ttft = first + prompts - prompts[0] + wait
    each = state.step / of.tokens
    shapes = {"ttft": ttft, "tpot": each, "e2e": ttft + (of.asked.workload.output_tokens - 1) * each}
    return {metric: np.maximum.accumulate(shape) for metric, shape in shapes.items()}


class Figures(Protocol):
    """Latencies of a deployment at any rate."""

    @property
    def top(self) -> float:
        """Rate from which the queue grows without end [1/s]."""

    def figure(self, key: Key, rate: FloatArray) -> FloatArray:
        """A metric's quantile at rates [s].

        key : metric and quantile
        rate : [1/s]
        """


@dataclass(frozen=True, slots=True)
class Curve:
    """Figures of a replica at any rate.

    rates : of the steady states [1/s]
    shapes : from `expected` [s]
    probes : played, ascending by rate
    top : rate from which the queue grows without end [1/s]
    """

    rates: FloatArray
    shapes: Mapping[str, FloatArray]
    probes: tuple[Probe, ...]
    top: float

    def figure(self, key: Key, rate: FloatArray) -> FloatArray:
        """A metric's quantile at rates; infinite where the queue grows without end.

            figure = closed form · (played / closed form, between the played rates in proportion)

        key : metric and quantile
        rate : of one replica [1/s]
        returns : [s]
        """
        settled = [probe for probe in self.probes if probe.settled]
        played = np.array([probe.figures[key] for probe in settled])
        at = np.array([probe.rate for probe in settled])
        factor = np.interp(rate, at, played / np.maximum(TINY, self._shape(key[0], at)))
        return np.where(rate < self.top, factor * self._shape(key[0], rate), np.inf)

    def _shape(self, metric: str, rate: FloatArray) -> FloatArray:
        found: FloatArray = np.interp(rate, self.rates, self.shapes[metric])
        return found


def curve(of: Replica, probes: tuple[Probe, ...]) -> Curve:
    """The curve through what was played.

    of : the replica
    probes : ascending by rate, the first of an empty replica
    """
    broken = [probe.rate for probe in probes if not probe.settled]
    rising = np.maximum.accumulate(of.state.rate)
    return Curve(rising, expected(of, probes[0]), probes, min(broken, default=of.state.saturation))
