"""JSON from strangers: one value, or several one after the other, with limits; and what its head looks like.

| in the file                      | here                                                          |
| -------------------------------- | ------------------------------------------------------------- |
| NaN, Infinity, 1e999             | missing (None), and counted                                   |
| an integer of hundreds of digits | missing (None)                                                |
| the same key twice               | the last one                                                  |
| nesting beyond Python's limit    | MalformedFile                                                 |
| more than 256 MiB                | TooLarge                                                      |
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importers.files import clean_text, source_name
from planner.errors import MalformedFile, TooLarge
from planner.quantities import MIB

MAX_BYTES = 256 * MIB
MOST_DIGITS = 300
"""Digits of an integer that still fits a float."""
_KEY = re.compile(r'\s*"((?:[^"\\]|\\.){0,200})"\s*:\s*')
_COMMA = re.compile(r"\s*,")
_SPACE = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Documents:
    """What a file of JSON holds: its top-level values, and how many numbers in it were not finite."""

    values: tuple[Any, ...]
    not_finite: int


def documents(path: Path) -> Documents:
    """Every top-level JSON value of a file.

    path : a file of one JSON value, or of several separated by white space
    raises : TooLarge beyond MAX_BYTES; MalformedFile if it is not JSON, with the place of the fault
    """
    odd: list[str] = []
    decoder = json.JSONDecoder(parse_constant=odd.append, parse_int=_integer)
    text = _text(path)
    values: list[Any] = []
    at = _after_space(text, 0)
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            values.append(value)
            at = _after_space(text, at)
    except RecursionError as error:
        raise MalformedFile(f"{source_name(path)}: JSON nested too deeply. No benchmark writes such a file.") from error
    except json.JSONDecodeError as error:
        raise MalformedFile(
            f"{source_name(path)}: not whole JSON, {error.msg} at line {error.lineno}, column {error.colno}. "
            "The file may have been cut off; save or copy it again."
        ) from error
    return Documents(tuple(values), len(odd))


def head_keys(head: bytes) -> tuple[str, ...]:
    """The top-level keys of the first JSON object, in their order, as far as the head reaches.

    >>> head_keys(b'{"a": 1, "b": [1, 2], "c": [3')
    ('a', 'b', 'c')
    """
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    text = text[1:].lstrip() if text.startswith("[") else text
    keys: list[str] = []
    at = 1 if text.startswith("{") else len(text)
    while match := _KEY.match(text, at):
        keys.append(match.group(1))
        comma = _COMMA.match(text, _after_value(text, match.end()))
        if comma is None:
            break
        at = comma.end()
    return tuple(keys)


def number(value: Any) -> float | None:
    """A finite number, or None for all else: text, true, null, NaN, too large.

    >>> number(3), number("3"), number(True), number(float("inf"))
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def text_of(value: Any) -> str | None:
    """A short text, or None for all else."""
    return (clean_text(value) or None) if isinstance(value, str) else None


def _text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise TooLarge(
            f"{source_name(path)} has {size / MIB:.0f} MiB of JSON; at most {MAX_BYTES // MIB} MiB are read. "
            "Save the result without per-request details."
        )
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedFile(f"{source_name(path)}: not UTF-8 text at byte {error.start}.") from error


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= MOST_DIGITS else None


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _after_value(text: str, at: int) -> int:
    try:
        return json.JSONDecoder(parse_int=_integer).raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return len(text)
