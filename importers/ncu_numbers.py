"""Numbers as Nsight Compute prints them: in the machine's language, with a unit that differs from file to file.

| in the file                                    | here                                                        |
| ---------------------------------------------- | ----------------------------------------------------------- |
| 1,234.5  1.234,5  1 234,5  1234.500000         | 1234.5, once `decimal_mark` has seen which mark is decimal  |
| 12 (3; 4; 5)                                   | 12: the instances are left out                              |
| "", n/a, nan, -nan, inf, a text                | None                                                        |
| nsecond, ns, us, msecond, s, second            | seconds                                                     |
| byte, Kbyte, Mbyte/second, Gbyte/s, byte/block | bytes, bytes a second; a kilobyte is 1000 bytes             |
| hz, Mhz, Ghz, cycle/second, cycle/nsecond      | cycles a second                                             |
| %                                              | percent, as it is                                           |
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

SECONDS, BYTES, BYTES_PER_SECOND, CYCLES_PER_SECOND, PERCENTAGE, COUNT = "s", "byte", "byte/s", "cycle/s", "%", ""
"""What a metric can be of; COUNT takes any word without a time in it: inst, thread, inst/cycle, or no unit."""
POINT, COMMA = ".", ","
_NUMBER = re.compile(r"[-+]?(?:\d[\d.,]*(?:[eE][-+]?\d{1,3})?|[.,]\d+)")
_GROUPS = re.compile(r"[\s\u00a0\u202f\u2009'’](?=\d)")
_THOUSAND = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_SIDE = re.compile(r"(?P<prefix>[numkKMGTPµμ]?)(?P<base>sec(?:ond)?s?|s|bytes?|cycles?|hz)", re.IGNORECASE)
_EXPONENT = {"": 0, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12, "P": 15}
_BASE = {"s": SECONDS, "b": BYTES, "c": "cycle", "h": "hz"}
_LONGEST = 64
"""Characters of a number: no counter has more, and a hostile cell must not cost time."""


def decimal_mark(texts: Iterable[str]) -> tuple[str, str | None]:
    """Which of point and comma separates the decimals, from many numbers of one file.

    returns : POINT or COMMA, and an example that says the opposite of another; POINT if no number tells

    >>> decimal_mark(["1,234", "12.50"]), decimal_mark(["141,920000"]), decimal_mark(["1.234.567"])
    (('.', None), (',', None), (',', None))
    """
    examples: dict[str, str] = {}
    for text in texts:
        mark = _tells(_bare(text))
        if mark:
            examples.setdefault(mark, text.strip()[:_LONGEST])
    if len(examples) == 2:
        return POINT, f"{examples[POINT]} and {examples[COMMA]}"
    return next(iter(examples), POINT), None


def value(text: str, mark: str) -> float | None:
    """A finite number, or None for all else.

    mark : of the decimals, POINT or COMMA

    >>> value("1,234.5", POINT), value("1.234,5", COMMA), value("-nan", POINT), value("12 (3; 4)", POINT)
    (1234.5, 1234.5, None, 12.0)
    """
    bare = _bare(text)
    if not _NUMBER.fullmatch(bare):
        return None
    try:
        found = float(bare.replace(COMMA if mark == POINT else POINT, "").replace(mark, POINT))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def unit_scale(unit: str, wanted: str) -> float | None:
    """By what a value must be multiplied to be in the wanted unit; None if the unit is another or unknown.

    >>> unit_scale("Gbyte/second", BYTES_PER_SECOND), unit_scale("cycle/nsecond", CYCLES_PER_SECOND)
    (1000000000.0, 1000000000.0)
    >>> unit_scale("Kbyte/block", BYTES), unit_scale("usecond", BYTES), unit_scale("inst/cycle", COUNT)
    (1000.0, None, 1.0)
    """
    text = unit.strip()
    if wanted == PERCENTAGE:
        return 1.0 if text == "%" else None
    above, _, below = text.partition("/")
    exponent, base = _side(above)
    divisor, per = _side(below)
    if wanted == COUNT:
        return 1.0 if SECONDS not in (base, per) and base not in (BYTES, "hz") and text != "%" else None
    if base == "hz":
        base, per = "cycle", SECONDS
    kind = f"{base}/{per}" if per == SECONDS else base
    return 10.0 ** (exponent - divisor) if kind == wanted else None


def _side(text: str) -> tuple[int, str]:
    match = _SIDE.fullmatch(text)
    if match is None or match["prefix"] not in _EXPONENT:
        return 0, text
    return _EXPONENT[match["prefix"]], _BASE[match["base"][0].lower()]


def _bare(text: str) -> str:
    return _GROUPS.sub("", text[:_LONGEST].partition("(")[0].strip())


def _tells(bare: str) -> str | None:
    """The decimal mark that a number proves, or None: "1,234" may be either."""
    if not _NUMBER.fullmatch(bare):
        return None
    points, commas = bare.count(POINT), bare.count(COMMA)
    if points and commas:
        return max(POINT, COMMA, key=bare.rfind)
    if points + commas > 1:
        return COMMA if points else POINT
    if points + commas == 1 and not _THOUSAND.fullmatch(bare.lstrip("+-")):
        return POINT if points else COMMA
    return None
