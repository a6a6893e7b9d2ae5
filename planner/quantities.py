"""Unit constants, and where a number came from.

Inside the planner everything is in seconds, bytes, FLOP, FLOP/s, B/s, W and USD. At each edge (YAML, Parquet, CSV,
widgets) the key carries its unit and is converted once, with a constant from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
Number: TypeAlias = float | FloatArray
"""One value or an array of them: every formula broadcasts."""

KILO = 1e3
GIGA = 1e9
TERA = 1e12
KIB = 2**10
MIB = 2**20
GIB = 2**30
NANOSECOND = 1e-9
MICROSECOND = 1e-6
MILLISECOND = 1e-3
MINUTE = 60.0
HOUR = 3600.0
MONTH = 730 * HOUR
YEAR = 12 * MONTH
KILOWATT_HOUR = 1000 * HOUR
GRAM = 1e-3
MILLION = 1e6
BITS_PER_BYTE = 8
PERCENT = 1e-2


class Basis(IntEnum):
    """How well a number is founded, best first. An estimate is as good as its weakest input."""

    MEASURED = 0
    CALIBRATED = 1
    DATASHEET = 2
    ASSUMED = 3

    @property
    def label(self) -> str:
        """The word that every front shows."""
        return self.name.lower()


def weakest(*bases: Basis) -> Basis:
    """The basis of a figure made from several inputs: that of the least founded one.

    >>> weakest(Basis.MEASURED, Basis.DATASHEET).label
    'datasheet'
    """
    return max(bases)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number was taken from, and whether anyone held it against a data sheet."""

    text: str
    checked: bool = True

    @property
    def basis(self) -> Basis:
        """DATASHEET if it was checked, ASSUMED if not."""
        return Basis.DATASHEET if self.checked else Basis.ASSUMED
