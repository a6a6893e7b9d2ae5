"""Where a curve bends, with its uncertainty: two straight lines on log axes, and the batch at which the roof bends.

    ln y = a + b · ln x + c · max(0, ln x - ln x0)

The break x0 is the one of least squares among all that leave two points on either side; its interval holds every break
whose squares an F test does not tell from the least (profile likelihood).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from planner.errors import NoElbow, TooFewPoints
from planner.forward import forward
from planner.quantities import FloatArray
from planner.scenario import Scenario
from planner.step import decode_step

FEWEST = 5
"""Points below which two lines and their break leave nothing over to judge them by."""
BREAKS = 241
"""Of the break that are tried, even on the log axis."""
DOUBT = 0.01
"""Chance of so much better a fit by noise alone, above which there is no elbow. As low, since the best break is chosen
among many."""
BEND = 0.15
"""A change of slope below this is no elbow that anyone sees [1]."""
EXACT = 1e-3
"""Relative error that a point has at least: a computed curve has none of its own."""
LEVEL = 0.90
TAILS = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
"""0.95 quantile of Student's t with 1 to 10 degrees of freedom."""
LARGEST_BATCH = 65_536.0


@dataclass(frozen=True, slots=True)
class Elbow:
    """Where a curve bends.

    at : the break, in the unit of x
    low, high : 90 % interval of it, same unit
    before, after : slopes on log axes: 0 flat, 1 proportional [1]
    """

    at: float
    low: float
    high: float
    before: float
    after: float


def elbow(x: Sequence[float], y: Sequence[float]) -> Elbow:
    """The elbow of measured or predicted points.

    x, y : positive, any order [1]
    returns : break and interval in the unit of x [1]
    raises : TooFewPoints below 5 different x; NoElbow where one straight line does as well
    valid : one bend; a second one widens the interval or hides the first
    source : profile likelihood of a segmented regression: Hinkley, Biometrika 56(3), 1969

    >>> round(elbow([1, 2, 4, 8, 16, 32], [1, 1, 1, 2, 4, 8]).at, 1)
    4.0
    """
    across, up = _logs(x, y)
    breaks = np.linspace(*_inner(across), BREAKS)
    fits = [_squares(across, up, at) for at in breaks]
    squares = np.array([found for found, _ in fits]) + len(across) * EXACT**2
    straight = _straight(across, up) + len(across) * EXACT**2
    best, free = int(squares.argmin()), len(across) - 4
    _, before, bend = fits[best][1]
    # with 2 parameters more, P(F > f) has this closed form
    if (squares[best] / straight) ** (free / 2) > DOUBT or abs(bend) < BEND:
        raise NoElbow(
            f"No elbow between {min(x):g} and {max(x):g}: one straight line fits these points as well as two. Measure "
            "over a wider range, or closer together."
        )
    inside = np.flatnonzero(squares <= squares[best] * (1 + student(free) ** 2 / free))
    reach = (max(0, inside[0] - 1), best, min(BREAKS - 1, inside[-1] + 1))
    low, at, high = (float(np.exp(breaks[index])) for index in reach)
    return Elbow(at, low, high, float(before), float(before + bend))


def student(free: int) -> float:
    """The 0.95 quantile of Student's t: two-sided, it bounds 90 %.

        t = z + (z³ + z) / (4 free) + (5 z⁵ + 16 z³ + 3 z) / (96 free²) beyond the table

    free : degrees of freedom, from 1 [1]
    source : Abramowitz, Stegun, 26.7.5
    """
    if free <= len(TAILS):
        return TAILS[free - 1]
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    return z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)


def ridge_batch(scenario: Scenario, context: float) -> float | None:
    """Batch from which the matrix products of a decode step are bound by compute on the data sheet's roof.

        sum FLOPs / peak  =  sum bytes / bandwidth

    scenario : model, formats, split, GPU
    context : tokens that each sequence attends to [tokens]
    returns : [1]; None if no batch up to 65,536 gets there
    valid : roofs alone: kernels that reach less of one roof than of the other bend elsewhere
    """
    batches = np.geomspace(1.0, LARGEST_BATCH, 257)
    gpu = scenario.deployment.gpu
    compute: FloatArray = np.zeros_like(batches)
    memory: FloatArray = np.zeros_like(batches)
    for op in forward(scenario, decode_step(batches, context)):
        if "gemm" in op.kind:
            compute = compute + op.count * op.flops / gpu.peak(op.format)
            memory = memory + op.count * op.moved / gpu.bandwidth
    beyond = np.log(compute / memory)
    if beyond[-1] < 0:
        return None
    first = int(np.argmax(beyond >= 0))
    if first == 0:
        return 1.0
    pair = slice(first - 1, first + 1)
    return float(np.exp(np.interp(0.0, beyond[pair], np.log(batches[pair]))))


def _logs(x: Sequence[float], y: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    known = (across > 0) & (up > 0) & np.isfinite(across) & np.isfinite(up)
    across, up = np.log(across[known]), np.log(up[known])
    if len(np.unique(across)) < FEWEST:
        raise TooFewPoints(
            f"{len(np.unique(across))} points are too few to find an elbow: {FEWEST} different ones are needed. "
            "Measure more of them."
        )
    order = np.argsort(across, kind="stable")
    return across[order], up[order]


def _inner(across: FloatArray) -> tuple[float, float]:
    """The breaks that leave two different x on either side, the break's own counted on both."""
    each = np.unique(across)
    return float(each[1]), float(each[-2])


def _squares(across: FloatArray, up: FloatArray, at: float) -> tuple[float, FloatArray]:
    columns = np.stack([np.ones_like(across), across, np.maximum(0.0, across - at)], axis=1)
    found = np.linalg.lstsq(columns, up, rcond=None)[0]
    return float(np.sum((up - columns @ found) ** 2)), found


def _straight(across: FloatArray, up: FloatArray) -> float:
    slope = np.polyfit(across, up, 1)
    return float(np.sum((up - np.polyval(slope, across)) ** 2))
