"""A formula with its numbers filled in, to be checked by hand: as many digits as the printed result needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.quantities import GIB, GIGA, HOUR, KILO, MICROSECOND, MILLISECOND, MONTH, YEAR

UNITS = {
    "": 1.0, "s": 1.0, "ms": MILLISECOND, "µs": MICROSECOND, "GB": GIGA, "GB/s": GIGA, "GiB": GIB, "1/s": 1.0,
    "USD/h": 1 / HOUR, "USD": 1.0, "h": HOUR, "kW": KILO, "month": MONTH, "year": YEAR,
}  # fmt: skip
"""Unit as written -> its size in ours."""
FEWEST, MOST = 3, 15
"""Significant digits of a number in a formula."""


@dataclass(frozen=True, slots=True)
class Term:
    """One number of a formula.

    value : in our own units [s], [bytes], [USD], ...
    unit : key of UNITS in which it is written
    """

    value: float
    unit: str = ""

    def written(self, digits: int) -> tuple[str, float]:
        """The number with its unit, and what that text stands for [1]."""
        shown = float(f"{self.value / UNITS[self.unit]:.{digits}g}")
        return f"{_plain(shown)} {self.unit}".strip(), shown * UNITS[self.unit]


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a derivation.

    formula : in words
    filled : the same with this question's numbers
    result : as the page prints it
    """

    formula: str
    filled: str
    result: str


def line(
    formula: str, template: str, terms: Sequence[Term], of: Callable[..., float], write: Callable[[float], str]
) -> Line:
    """A formula filled in: numbers have as many digits as it takes to come to the same printed result.

    formula : "weights / bandwidth"
    template : the same with a {} for each term
    terms : in that order, in our own units [s], [bytes], ...
    of : computes the result from their values
    write : prints it

    >>> double = line("half + half", "{} + {}", [Term(1 / 3, "s")] * 2, lambda a, b: a + b, "{:.3f}".format)
    >>> double.filled, double.result
    ('0.3333 s + 0.3333 s', '0.667')
    """
    result = write(of(*(term.value for term in terms)))
    for digits in range(FEWEST, MOST + 1):
        told = [term.written(digits) for term in terms]
        if write(of(*(value for _, value in told))) == result:
            break
    return Line(formula, template.format(*(text for text, _ in told)), result)


def seconds(value: float, like: float) -> Term:
    """A time in the unit in which another is written, so that a sum is in one unit.

    value, like : [s]
    """
    return Term(value, "µs" if like < MILLISECOND else "ms" if like < 1 else "s")


def _plain(number: float) -> str:
    """Without an exponent; thousands are apart."""
    text = f"{number:,.12f}" if abs(number) < 1 else f"{number:,.6f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
