"""Is B really faster than A? Two measurements side by side: a difference with its uncertainty, and what was changed.

    ratio = statistic(B) / statistic(A)

Its 90 % interval comes from resampling both sides in blocks (moving-block bootstrap): neighbours in a load test share
their steps, so single requests drawn alone would claim more certainty than there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from planner.errors import TooFewPoints
from planner.measured import KernelSample, Run
from planner.quantities import FloatArray

DRAWS = 1000
LEVEL = 0.90
FEWEST = 20
"""Values a side below which no interval is given: the blocks would repeat each other."""
MOST = 20_000
"""Values a side that are resampled; of more, an even share in their order is taken: the interval no longer moves."""
WITHOUT_CHANGE = 0.02
"""A ratio whose whole interval lies within 2 % of 1 is no difference that anyone acts on."""

OUTCOMES = frozenset({"effective_concurrency"})
"""What importers keep beside the settings though it came of the run."""

Statistic = Callable[[FloatArray], FloatArray]
STATISTICS: Mapping[str, Statistic] = {
    "mean": lambda drawn: drawn.mean(axis=-1),
    "p50": lambda drawn: np.quantile(drawn, 0.5, axis=-1),
    "p99": lambda drawn: np.quantile(drawn, 0.99, axis=-1),
}


class Verdict(StrEnum):
    """What two sides allow to say about B against A."""

    SMALLER = "smaller"
    LARGER = "larger"
    SAME = "the same"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Difference:
    """One statistic of B over that of A.

    before, after : the statistic of A and of B, in the values' unit
    low, high : 90 % interval of after / before [1]
    """

    before: float
    after: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """After over before [1]."""
        return self.after / self.before

    @property
    def verdict(self) -> Verdict:
        """Smaller or larger where the interval leaves 1 out, the same where it stays within 2 % of 1."""
        if self.low >= 1 - WITHOUT_CHANGE and self.high <= 1 + WITHOUT_CHANGE:
            return Verdict.SAME
        if self.low <= 1 <= self.high:
            return Verdict.UNKNOWN
        return Verdict.SMALLER if self.high < 1 else Verdict.LARGER


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Time of one class of kernels on both sides.

    before, after : kernel time of a launch unit (step, or whole trace) [s]
    """

    kind: str
    before: float
    after: float


def difference(before: Sequence[float], after: Sequence[float], statistic: str = "mean", seed: int = 0) -> Difference:
    """One statistic of two samples, after over before, with its interval.

    before, after : values in the order of time, such as TTFT of each request [s]; NaN is left out
    statistic : key of STATISTICS
    seed : of the draws; the same seed gives the same answer
    raises : TooFewPoints below 20 values a side
    valid : positive values; a drift over time within a side widens nothing, planner/checks names it
    source : Kunsch, Annals of Statistics 17(3), 1989 (moving blocks, here circular)

    >>> difference([1.0, 1.1] * 50, [2.0, 2.2] * 50).verdict.value
    'larger'
    """
    one, other = _values(before), _values(after)
    of = STATISTICS[statistic]
    random = np.random.default_rng(seed)
    ratios = _draws(other, of, random) / _draws(one, of, random)
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(float(of(one)), float(of(other)), float(low), float(high))


def spread(values: Sequence[float], statistic: str = "mean", seed: int = 0) -> tuple[float, float]:
    """90 % interval of one statistic of one sample.

    values, statistic, seed : as in `difference` [s]
    returns : low, high [s]
    raises : TooFewPoints below 20 values
    """
    draws = _draws(_values(values), STATISTICS[statistic], np.random.default_rng(seed))
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def settings_that_differ(before: Run, after: Run) -> tuple[tuple[str, str | float | None, str | float | None], ...]:
    """What was set differently, as far as the files tell: name, A's value, B's value; None where a file is silent."""
    sides = [_told(run) for run in (before, after)]
    names = sorted({*sides[0], *sides[1]})
    return tuple((name, sides[0].get(name), sides[1].get(name)) for name in names if _differ(name, sides))


def class_changes(
    before: Sequence[KernelSample], after: Sequence[KernelSample], steps: tuple[float, float] = (1.0, 1.0)
) -> tuple[ClassChange, ...]:
    """Which classes of kernels grew or shrank, the largest change first.

    steps : by which each side's time is divided, where both traces have found theirs [1]
    returns : times [s]
    """
    sides = [_by_kind(kernels, count) for kernels, count in ((before, steps[0]), (after, steps[1]))]
    kinds = {*sides[0], *sides[1]}
    changes = [ClassChange(kind, sides[0].get(kind, 0.0), sides[1].get(kind, 0.0)) for kind in kinds]
    return tuple(sorted(changes, key=lambda change: -abs(change.after - change.before)))


def _values(values: Sequence[float]) -> FloatArray:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < FEWEST:
        raise TooFewPoints(
            f"{len(known)} values are too few to say whether two runs differ: {FEWEST} a side are needed. Take a "
            "longer run, or one that saves each request (--save-detailed)."
        )
    if len(known) > MOST:
        known = known[np.linspace(0, len(known) - 1, MOST).astype(np.int64)]
    return known


def _draws(values: FloatArray, of: Statistic, random: np.random.Generator) -> FloatArray:
    """The statistic of each of DRAWS resamples, made of circular blocks of n^(1/3) values."""
    count = len(values)
    block = max(1, round(count ** (1 / 3)))
    inside = np.arange(block)
    blocks = -(-count // block)
    found = np.empty(DRAWS)
    for draw in range(DRAWS):
        starts = random.integers(0, count, blocks)
        picked = (starts[:, None] + inside).ravel()[:count] % count
        found[draw] = of(values[picked])
    return found


def _told(run: Run) -> dict[str, str | float | None]:
    version = f"{run.tool} {run.tool_version}".strip()
    settings = {name: value for name, value in run.settings.items() if name not in OUTCOMES}
    return {**settings, "gpu": run.gpu or ", ".join(run.gpu_names), "model": run.model_name, "tool": version}


def _differ(name: str, sides: Sequence[Mapping[str, str | float | None]]) -> bool:
    one, other = (side.get(name) for side in sides)
    return (one or None) != (other or None)


def _by_kind(kernels: Sequence[KernelSample], steps: float) -> dict[str, float]:
    spent: dict[str, float] = {}
    for kernel in kernels:
        spent[kernel.kind] = spent.get(kernel.kind, 0.0) + kernel.seconds / steps
    return spent
