"""Numbers as people write them: three digits, the unit that fits. For sentences made of computed figures."""

from __future__ import annotations

from planner.quantities import GIGA, MICROSECOND, MILLISECOND, TERA


def duration(seconds: float) -> str:
    """A time in the unit that fits it, to three digits.

    seconds : [s]

    >>> duration(0.00578), duration(12.3), duration(4.2e-6)
    ('5.78 ms', '12.3 s', '4.2 µs')
    """
    if seconds < MILLISECOND:
        return f"{digits(seconds / MICROSECOND)} µs"
    return f"{digits(seconds / MILLISECOND)} ms" if seconds < 1 else f"{digits(seconds)} s"


def digits(value: float) -> str:
    """Three significant digits, thousands separated.

    value : any number [1]

    >>> digits(1234.5), digits(5.784), digits(0.01234)
    ('1,234', '5.78', '0.0123')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share in percent.

    share : [1]
    """
    return f"{digits(100 * share)} %"


def tera(rate: float) -> str:
    """A rate in TFLOP/s.

    rate : [FLOP/s]
    """
    return f"{digits(rate / TERA)} TFLOP/s"


def giga(rate: float) -> str:
    """A bandwidth in GB/s.

    rate : [B/s]
    """
    return f"{digits(rate / GIGA)} GB/s"


def interval_text(low: float | None, high: float | None) -> str:
    """A 90 % interval of a time, both ends in the unit of the upper one where they share it; empty if not known.

    low, high : [s]

    >>> interval_text(0.0051, 0.0063), interval_text(0.5, 1.5)
    ('5.1–6.3 ms', '500 ms–1.5 s')
    """
    if low is None or high is None:
        return ""
    (start, unit), end = duration(low).split(" "), duration(high)
    return f"{start if end.endswith(f' {unit}') else f'{start} {unit}'}–{end}"


def dollars(amount: float) -> str:
    """Money: cents below a hundred, whole dollars above.

    amount : [USD]

    >>> dollars(0.5), dollars(1234.5)
    ('$0.50', '$1,234')
    """
    return f"${amount:,.0f}" if amount >= 100 else f"${amount:,.2f}"
