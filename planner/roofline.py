"""The roofline: what an op could reach at most, and what bounds it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from planner.quantities import Number


class Bound(IntEnum):
    """What takes longest. Each has one colour, one shape and one word everywhere."""

    COMPUTE = 0
    MEMORY = 1
    LINK = 2
    OVERHEAD = 3

    @property
    def label(self) -> str:
        """The word that every front shows."""
        return self.name.lower()


def arithmetic_intensity(flops: Number, moved: Number) -> Number:
    """FLOPs for each byte that has to move between HBM and the chip.

        I = FLOPs / bytes

    flops : of the op [FLOP]
    moved : bytes of its operands and result, each once [bytes]
    returns : [FLOP/B]
    valid : caches ideal: every operand is read once

    >>> arithmetic_intensity(200.0, 100.0)
    2.0
    """
    return flops / moved


def ridge_point(peak: Number, bandwidth: Number) -> Number:
    """Arithmetic intensity at which compute time equals memory time.

        I_ridge = peak / bandwidth

    peak : dense rate in the op's number format [FLOP/s]
    bandwidth : HBM bandwidth [B/s]
    returns : [FLOP/B]
    valid : one level of memory (HBM); no cache roofline
    source : Williams, Waterman, Patterson, CACM 52(4), 2009

    >>> ridge_point(1000e12, 4e12)
    250.0
    """
    return peak / bandwidth


def attainable(intensity: Number, peak: Number, bandwidth: Number) -> Number:
    """Highest rate that the roof allows at an intensity.

        attainable = min(peak, I · bandwidth)

    intensity : arithmetic or operational intensity [FLOP/B]
    peak : dense rate in the op's number format [FLOP/s]
    bandwidth : HBM bandwidth [B/s]
    returns : [FLOP/s]
    source : Williams, Waterman, Patterson, CACM 52(4), 2009

    >>> float(attainable(2.0, 1000e12, 4e12))
    8000000000000.0
    """
    return np.minimum(peak, intensity * bandwidth)


def bound(compute: Number, memory: Number, link: Number, overhead: Number) -> NDArray[np.intp]:
    """Which of four times is the longest, as a Bound.

    compute, memory, link, overhead : times [s], of any shapes that broadcast
    returns : index into Bound [1], of the broadcast shape

    >>> Bound(int(bound(1.0, 2.0, 0.0, 0.5))).label
    'memory'
    """
    longest: NDArray[np.intp] = np.argmax(np.stack(np.broadcast_arrays(compute, memory, link, overhead)), axis=0)
    return longest
