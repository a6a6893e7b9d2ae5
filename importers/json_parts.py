"""JSON objects whose values are decoded only when asked for, each kind within its own limit.

    for result in objects(path).parts:
        result.number("duration"), result.text("model_id"), result.numbers("ttfts"), result.number_lists("itls")

What nobody asks for (prompts, answers, whole requests) costs a scan and no memory: a file needs its own bytes, and 8
for each number asked for.

| in the file                                                              | here            |
| ------------------------------------------------------------------------ | --------------- |
| an object, several after each other, or a list of them                   | `Objects.parts` |
| more than 1 MiB where one value is asked for; a number too large         | missing (None)  |
| the same key twice                                                       | the last one    |
| cut off, nested beyond the parser's limit                                | MalformedFile   |
| more than 2 million values in a list, a million keys, 64 million numbers | TooLarge        |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Raw

from importers.arrow import Array
from importers.files import source_name
from importers.json_text import json_text, number, positive, text_of, without_lone_surrogates
from planner.errors import MalformedFile, TooLarge
from planner.quantities import MIB

MOST_VALUE_BYTES = MIB
MOST_ITEMS = 2_000_000
MOST_KEYS = 1_000_000
MOST_NUMBERS = 64_000_000
ROWS_AT_ONCE = 8192
COUNTED_AT_ONCE = 16 * MIB
LIST, OBJECT, COMMA, COLON, CLOSING = b"[", b"{", b",", b":", b"]"
BETWEEN = b", \t\r\n"
_LINES = re.compile(rb"\}[ \t\r]*\n\s*(?=\{)")
_TOUCHING = re.compile(rb"\}\s*(?=\{)")
_NUMBERS = pa.list_(pa.float64())

Decoded = TypeVar("Decoded")


@dataclass(frozen=True, slots=True)
class Part:
    """A JSON object: its keys, and values that are decoded when asked for.

    source : the file's name, for messages
    """

    raw: Mapping[str, Raw] = field(default_factory=dict)
    source: str = ""

    def value(self, key: str) -> Any:
        """A value of any kind; None if it is missing, larger than MOST_VALUE_BYTES or not to be held."""
        found = self.raw.get(key)
        if found is None or len(memoryview(found)) > MOST_VALUE_BYTES:
            return None
        try:
            return msgspec.json.decode(found)
        except (ValueError, RecursionError):
            return None

    def number(self, key: str) -> float | None:
        """A finite number, or None."""
        return number(self.value(key))

    def positive(self, key: str) -> float | None:
        """A finite number above 0, or None."""
        return positive(self.value(key))

    def text(self, key: str) -> str | None:
        """A short, clean text, or None."""
        return text_of(self.value(key))

    def small(self) -> dict[str, Any]:
        """Every value that is no list and no object."""
        return {key: self.value(key) for key, raw in self.raw.items() if _opening(raw) not in (LIST, OBJECT)}

    def part(self, *keys: str) -> Part:
        """The object at the end of a path of keys, or an empty one."""
        found = self
        for key in keys:
            raw = found.raw.get(key)
            found = (_object(raw, self.source) if raw is not None else None) or Part(source=self.source)
        return found

    def parts(self, key: str) -> Iterator[Part]:
        """The objects of a list, one after the other; what is no object is left out.

        raises : TooLarge
        """
        for raw in self.items(key):
            found = _object(raw, self.source)
            if found is not None:
                yield found

    def items(self, key: str) -> list[Raw]:
        """The values of a list, as they stand; none if it is no list.

        raises : TooLarge
        """
        raw = self.raw.get(key)
        return _items(raw, self.source) if raw is not None else []

    def numbers(self, key: str) -> Array | None:
        """A list of numbers, null where a value is none; None if it is no list.

        raises : TooLarge, MalformedFile
        """
        raw = self.raw.get(key)
        if raw is None or _opening(raw) != LIST:
            return None
        _limit(_count(raw, COMMA), MOST_ITEMS, "values in a list", self.source)
        try:
            return pa.array(msgspec.json.decode(raw, type=list[float | None]), pa.float64())
        except (ValueError, RecursionError):
            return pa.array([number(value) for value in _decoded(raw, list[Any], self.source)], pa.float64())

    def number_lists(self, key: str) -> Array | None:
        """A list of lists of numbers; None if it is no list.

        raises : TooLarge, MalformedFile
        """
        raw = self.raw.get(key)
        if raw is None or _opening(raw) != LIST:
            return None
        _limit(_count(raw, COMMA), MOST_NUMBERS, "numbers in a list", self.source)
        ends = _places(raw, CLOSING)[:-1] + 1
        _limit(len(ends), MOST_ITEMS, "values in a list", self.source)
        edges = [1, *(int(end) for end in ends[ROWS_AT_ONCE - 1 :: ROWS_AT_ONCE]), len(memoryview(raw)) - 1]
        slices = (bytes(memoryview(raw)[start:end]).strip(BETWEEN) for start, end in pairwise(edges))
        chunks = [_lists(LIST + rows + CLOSING, self.source) for rows in slices if rows]
        return pa.concat_arrays([pa.array([], _NUMBERS), *chunks])


@dataclass(frozen=True, slots=True)
class Objects:
    """What a file of JSON holds: its objects, and how many numbers in it were not finite."""

    parts: tuple[Part, ...]
    not_finite: int


def objects(path: Path) -> Objects:
    """The objects of a file: one, several after each other, or those of a list.

    raises : TooLarge; MalformedFile if it is not whole JSON, or holds no object
    """
    text = json_text(path)
    return objects_of(text.data, source_name(path), text.not_finite)


def objects_of(data: bytes, source: str, not_finite: int = 0) -> Objects:
    """The objects of a text of JSON.

    source : the file's name, for messages
    not_finite : numbers that were not finite
    raises : as `objects`
    """
    try:
        documents = _documents(data, source)
    except MalformedFile:
        mended = without_lone_surrogates(data)
        if mended == data:
            raise
        documents = _documents(mended, source)
    return Objects(tuple(part for raw in documents for part in _listed(raw, source)), not_finite)


def _documents(data: bytes, source: str) -> list[Raw]:
    """The top-level values, each checked to be whole JSON.

    In JSON a comma stands between "}" and "{", but in a text it need not; a line break stands in no text.
    """
    try:
        return [_decoded(data, Raw, source)]
    except MalformedFile as error:
        for between in (_LINES, _TOUCHING):
            edges = [0, *(match.end() for match in between.finditer(data)), len(data)]
            _limit(len(edges), MOST_ITEMS, "objects", source)
            try:
                return [_decoded(data[start:end].strip(), Raw, source) for start, end in pairwise(edges)]
            except MalformedFile:
                continue
        raise error


def _listed(raw: Raw, source: str) -> Iterator[Part]:
    found = [raw] if _opening(raw) == OBJECT else _items(raw, source)
    for place, item in enumerate(found, 1):
        part = _object(item, source)
        if part is None:
            raise MalformedFile(f"{source}: value {place} is no object. No benchmark writes such a file.")
        yield part
    if not found:
        raise MalformedFile(f"{source}: no result in the file.")


def _object(raw: Raw, source: str) -> Part | None:
    if _opening(raw) != OBJECT:
        return None
    if _count(raw, COLON) > MOST_KEYS:
        _limit(sum(1 for _ in re.finditer(rb'"\s*:', raw)), MOST_KEYS, "keys", source)
    return Part(_decoded(raw, dict[str, Raw], source), source)


def _items(raw: Raw, source: str) -> list[Raw]:
    if _opening(raw) != LIST:
        return []
    _limit(_count(raw, COMMA), MOST_NUMBERS, "values in a list", source)
    found = _decoded(raw, list[Raw], source)
    _limit(len(found), MOST_ITEMS, "values in a list", source)
    return found


def _lists(data: bytes, source: str) -> Array:
    try:
        return pa.array(msgspec.json.decode(data, type=list[list[float | None]]), _NUMBERS)
    except (ValueError, RecursionError):
        rows = _decoded(data, list[list[Any]], source)
        return pa.array([[number(value) for value in row] for row in rows], _NUMBERS)


def _decoded(data: bytes | Raw, kind: type[Decoded], source: str) -> Decoded:
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError as error:
        raise MalformedFile(f"{source}: JSON nested too deeply. No benchmark writes such a file.") from error
    except ValueError as error:
        raise MalformedFile(f"{source}: {error}. The file is damaged or cut off; save or copy it again.") from error


def _opening(raw: Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def _count(raw: Raw, letter: bytes) -> int:
    return sum(int(np.count_nonzero(data == letter[0])) for _, data in _blocks(raw))


def _places(raw: Raw, letter: bytes) -> npt.NDArray[np.int64]:
    """Where a letter stands."""
    return np.concatenate([np.flatnonzero(data == letter[0]) + start for start, data in _blocks(raw)])


def _blocks(raw: Raw) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    data = np.frombuffer(raw, np.uint8)
    return ((start, data[start : start + COUNTED_AT_ONCE]) for start in range(0, len(data), COUNTED_AT_ONCE))


def _limit(count: int, most: int, what: str, source: str) -> None:
    if count > most:
        raise TooLarge(f"{source} holds more than {most:,} {what}. Import a shorter run.")
