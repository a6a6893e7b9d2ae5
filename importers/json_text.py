r"""JSON from strangers as bytes: how much is read, what is put right before it is parsed, what its head looks like.

| in the file                     | here                                                        |
| ------------------------------- | ----------------------------------------------------------- |
| gzip                            | expanded, up to the same limit                              |
| more than 1 GiB, expanded       | TooLarge                                                    |
| NaN, Infinity                   | null, and counted                                           |
| a lone surrogate (\ud800)       | the replacement character, as no other JSON reader takes it |
| several values after each other | each (importers/json_parts.py)                              |
"""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importers.files import HEAD_BYTES, clean_text, source_name
from planner.errors import MalformedFile, TooLarge
from planner.quantities import MIB

MAX_BYTES = 1024 * MIB
GZIP = b"\x1f\x8b"
NOT_FINITE = (b"-Infinity", b"Infinity", b"NaN")
_SURROGATES = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..")
_PAIR_LENGTH = len(r"\ud83d\ude00")
_KEY = re.compile(r'\s*"((?:[^"\\]|\\.){0,200})"\s*:\s*')
_COMMA = re.compile(r"\s*,")
MOST_DIGITS = 300
"""Digits of an integer that still fits a float."""


@dataclass(frozen=True, slots=True)
class Text:
    """The bytes of a file of JSON, and how many numbers in it were not finite."""

    data: bytes
    not_finite: int


def json_text(path: Path) -> Text:
    """A file's JSON, gzip or not, with null in place of numbers that are not finite.

    raises : TooLarge beyond MAX_BYTES, MalformedFile if a gzip file is damaged
    """
    data = _content(path).removeprefix(b"\xef\xbb\xbf")
    found = 0
    for word in NOT_FINITE:
        if word.lstrip(b"-") in data:
            data, count = re.subn(rb"%b(?=\s*[,\]}])" % word, b"null", data)
            found += count
    return Text(data, found)


def without_lone_surrogates(data: bytes) -> bytes:
    r"""JSON whose escapes are all characters.

    >>> without_lone_surrogates(rb'"\ud83d\ude00 \ud800"')
    b'"\\ud83d\\ude00 \\ufffd"'
    """
    return _SURROGATES.sub(lambda match: match[0] if len(match[0]) == _PAIR_LENGTH else rb"\ufffd", data)


def unpacked_head(head: bytes) -> bytes:
    """The first bytes of a file as text: of a gzip file, what its first bytes expand to."""
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def head_keys(head: bytes) -> tuple[str, ...]:
    """The top-level keys of the first JSON object, in their order, as far as the head reaches.

    >>> head_keys(b'{"a": 1, "b": [1, 2], "c": [3')
    ('a', 'b', 'c')
    """
    text = unpacked_head(head).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
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
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def positive(value: Any) -> float | None:
    """A finite number above 0, or None."""
    found = number(value)
    return found if found is not None and found > 0 else None


def text_of(value: Any) -> str | None:
    """A short text, or None for all else."""
    return (clean_text(value) or None) if isinstance(value, str) else None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    data = _expanded(path) if packed else None
    size = path.stat().st_size if data is None else len(data)
    if size > MAX_BYTES:
        raise _too_large(path, size)
    return path.read_bytes() if data is None else data


def _expanded(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedFile(f"{source_name(path)}: damaged gzip file. Copy it again.") from error


def _too_large(path: Path, size: int) -> TooLarge:
    return TooLarge(
        f"{source_name(path)} has {size / MIB:,.0f} MiB of JSON; at most {MAX_BYTES / MIB:,.0f} MiB are read. "
        "Save the result without texts, or without the details of each request."
    )


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= MOST_DIGITS else None


def _after_value(text: str, at: int) -> int:
    try:
        return json.JSONDecoder(parse_int=_integer).raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return len(text)
