"""Which batch is best, in few runs: each next run is made where it could still change the answer and we are least sure
of it; when no batch that is left could beat the best by more than is worth it, the answer is settled.

A batch's value is guessed as prediction times what measured batches near it were off by, in logarithms:

    guess(b) = predicted(b) · exp(interpolated log(measured / predicted))        off(b) = spread · distance to it

Without a prediction (a GPU that the catalogue does not know) the guess is the interpolation alone, and less is sure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

WORTH_IT = 0.02
"""Gains below 2 % are within the noise of a load test."""
SPREAD = 0.10
"""Logarithmic error of a corrected prediction one doubling away from the nearest measured batch (lab decode sweep)."""
SPREAD_WITHOUT_PREDICTION = math.log(2)
"""Twice the batch is at most twice the throughput, and at most twice the time."""


def candidates(start: int, end: int) -> tuple[int, ...]:
    """Batches to choose from: every one up to 16, then eight to a doubling.

    start, end : smallest and largest [1]
    """
    found = {start, end}
    batch = float(max(1, start))
    while batch < end:
        found.add(round(batch))
        batch = max(batch + 1, batch * 2 ** (1 / 8))
    return tuple(sorted(found))


def next_batch(
    choices: Sequence[int],
    measured: Mapping[int, float],
    predicted: Mapping[int, float] | None,
    *,
    more_is_better: bool = True,
) -> int | None:
    """The batch to measure next; None when the answer is settled.

    choices : batches [1]
    measured : batch -> value of the metric so far, above zero
    predicted : batch -> the planner's value; None where it has none
    more_is_better : throughput, against latency
    returns : the ends come first, then whatever could still win, the least sure first
    """
    for end in (choices[0], choices[-1]):
        if end not in measured:
            return end
    sign = 1.0 if more_is_better else -1.0
    best = max(sign * math.log(value) for value in measured.values())
    left = [batch for batch in choices if batch not in measured]
    guesses = {batch: _guess(batch, measured, predicted) for batch in left}
    hopeful = [batch for batch, (middle, spread) in guesses.items() if sign * middle + spread > best + WORTH_IT]
    return max(hopeful, key=lambda batch: (guesses[batch][1], sign * guesses[batch][0]), default=None)


def best_batch(measured: Mapping[int, float], *, more_is_better: bool = True) -> int:
    """The smallest batch whose value is within 2 % of the best measured one: less batch is less waiting.

    measured : batch -> value
    """
    logs = {batch: math.log(value) * (1 if more_is_better else -1) for batch, value in measured.items()}
    best = max(logs.values())
    return min(batch for batch, value in logs.items() if value >= best - WORTH_IT)


def _guess(batch: int, measured: Mapping[int, float], predicted: Mapping[int, float] | None) -> tuple[float, float]:
    """Logarithm of the value, and how far it may be off."""
    known = sorted(measured)
    place = np.log2(known)
    of = {one: math.log(predicted[one]) if predicted else 0.0 for one in (*known, batch)}
    off = [math.log(measured[one]) - of[one] for one in known]
    middle = of[batch] + float(np.interp(math.log2(batch), place, off))
    distance = float(np.min(np.abs(place - math.log2(batch))))
    return middle, (SPREAD if predicted else SPREAD_WITHOUT_PREDICTION) * distance
