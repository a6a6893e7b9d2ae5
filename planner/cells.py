"""Text of a cell -> a value, or a refusal that names the column and what it may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from planner.errors import ScenarioError

TRUE, FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"", "false", "0", "no", "off"})

Value = TypeVar("Value")


def read(cells: Mapping[str, str], name: str, kind: Callable[[str], Value], default: Value) -> Value:
    """A column's value.

    cells : column -> text
    name : of the column; missing or empty means the default
    kind : reads the text; ValueError for one that it cannot be
    raises : ScenarioError naming the column
    """
    text = cells.get(name) or ""
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        raise ScenarioError(f'{name} is "{text[:40]}": it must be {KINDS.get(kind, "a number")}.') from None


def whole(text: str) -> int:
    """A whole number, such as "4" or "4.0" [1]."""
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def rate(text: str) -> float | None:
    """A number, or None for "inf" [1]."""
    return None if text.lower() in {"inf", "infinity"} else float(text)


def truth(text: str) -> bool:
    """True or false, in a few ways to write it."""
    if text.lower() not in TRUE | FALSE:
        raise ValueError(text)
    return text.lower() in TRUE


def names(text: str) -> tuple[str, ...]:
    """A list of words between commas."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


KINDS: Mapping[Any, str] = {
    whole: "a whole number",
    truth: "true or false",
    rate: "a number, or inf",
    names: "words between commas",
}
