"""Events of a Chrome trace (JSON, gzipped or not), a few megabytes at a time, whatever the file's size.

| in the file                                        | here                                                         |
| -------------------------------------------------- | ------------------------------------------------------------ |
| {"traceEvents": [...], other keys}, or [...] alone | lists of events; the other keys that are asked for in `told` |
| keys of an event that are not asked for            | skipped by the parser, never made into values                |
| NaN, Infinity; control characters in texts         | missing; taken as they are                                   |
| an event that is no event                          | left out and counted in `odd`                                |
| the end is missing                                 | what there is, and `cut_off`                                 |
| broken JSON elsewhere                              | MalformedFile with its place                                 |
| an event or another value beyond 16 MiB            | TooLarge                                                     |

A buffer is cut at its last "}, {". If what stands before is whole JSON, an event ended there, for a bracket that opened
around the cut would not be closed; if it is not, the events of this buffer are read one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from importers.expanding import Expanding
from importers.files import source_name
from planner.errors import MalformedFile, TooLarge
from planner.quantities import KIB, MIB

EVENTS = "traceEvents"
CHUNK = 4 * MIB
WINDOW, SMALL = 64 * KIB, 4 * KIB
"""How much of a buffer is looked at for the end of an event, and at first for a value outside the events [B]."""
LONGEST_VALUE = 16 * MIB
TRIES = 4
_BOUNDARY = re.compile(rb"\}\s*,(?=\s*\{)")
_BETWEEN = re.compile(r"[\s,]*")
_NEAR_END = 8
"""A parser gives up this close to the end of a text that was cut: within its last word (tru, -, \\u12)."""
_SPACE = re.compile(rb"[\s,]*")
MOST_DIGITS = 300
_json = json.JSONDecoder(
    strict=False,
    parse_float=str,
    parse_constant=lambda _: None,
    parse_int=lambda digits: int(digits) if len(digits) <= MOST_DIGITS else None,
)
"""Decimals stay texts: as numbers they would lose nanoseconds."""
Event = TypeVar("Event")


class ChromeTrace(Generic[Event]):
    """One reading of a file.

    path : the file
    event : what an event is made into, a msgspec.Struct that names the keys wanted; its times are Decimal
    wanted : other top-level keys to keep
    told : their values, once the events were read
    odd : events that could not be made into `event`
    cut_off : whether the end of the file is missing
    """

    def __init__(self, path: Path, event: type[Event], wanted: frozenset[str]) -> None:
        self.path, self._wanted = path, wanted
        self.told: dict[str, Any] = {}
        self.odd, self.cut_off = 0, False
        self._many = msgspec.json.Decoder(list[event])  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(event)
        self._buffer, self._before, self._at_end = bytearray(), 0, False

    @property
    def position(self) -> int:
        """How much of the file was read, while it is being read [B]."""
        return self._source.position

    def __iter__(self) -> Iterator[list[Event]]:
        """Events in the file's order, in lists of any length.

        raises : MalformedFile, TooLarge
        """
        with Expanding(self.path) as self._source:
            self._fill(WINDOW)
            if self._buffer.startswith(b"\xef\xbb\xbf"):
                self._drop(3)
            opening = self._next()
            self._drop(1)
            if opening == b"[":
                yield from self._events()
            elif opening == b"{":
                yield from self._object()
            else:
                raise MalformedFile(f"{source_name(self.path)}: neither a JSON object nor a list.")
            self.cut_off |= self._source.cut_off

    def _object(self) -> Iterator[list[Event]]:
        while (opening := self._next()) != b"}":
            if not opening:
                self.cut_off = True
                return
            key = self._value()
            if self._next() != b":" or not isinstance(key, str):
                raise self._malformed("no key with its value", 0)
            self._drop(1)
            if key == EVENTS and self._next() == b"[":
                self._drop(1)
                yield from self._events()
            else:
                value = self._value()
                if key in self._wanted:
                    self.told[key] = value
            if self.cut_off:
                return

    def _events(self) -> Iterator[list[Event]]:
        """Events up to the bracket that closes their list."""
        ended = False
        while not ended:
            self._fill(CHUNK)
            events = self._fast()
            if events is None:
                events, ended = self._one_by_one()
            if events:
                yield events

    def _fast(self) -> list[Event] | None:
        """All events of the buffer but the last, or None if its cut cannot be told so."""
        ends = list(_BOUNDARY.finditer(self._buffer, max(0, len(self._buffer) - WINDOW)))
        for end in reversed(ends[-TRIES:]):
            try:
                events = self._many.decode(b"[" + self._buffer[: end.start() + 1] + b"]")
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                continue
            self._drop(end.end())
            return events
        return None

    def _one_by_one(self) -> tuple[list[Event], bool]:
        """The events of the buffer, and whether their list has ended."""
        text, events = self._text(len(self._buffer)), list[Event]()
        at = 0
        while True:
            at = _after(text, at)
            if at == len(text):
                self.cut_off |= self._at_end
                break
            if text[at] == "]":
                self._drop(_bytes(text[: at + 1]))
                return events, True
            try:
                value, after = _json.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError) as error:
                self._check_cut(error, text, at, more=not self._at_end)
                break
            events += self._made(value)
            at = after
        self._drop(_bytes(text[:at]))
        if not self._at_end:
            self._fill(len(self._buffer) + CHUNK)
        return events, self.cut_off

    def _made(self, value: Any) -> list[Event]:
        try:
            return [self._one.decode(msgspec.json.encode(value))]
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError):
            self.odd += 1
            return []

    def _value(self) -> Any:
        """The next value outside the events; None, and `cut_off`, if the file ends within it."""
        self._next()
        size = SMALL
        while True:
            self._fill(size)
            text, whole = self._text(size), self._at_end and len(self._buffer) <= size
            try:
                value, after = _json.raw_decode(text)
            except (json.JSONDecodeError, RecursionError) as error:
                self._check_cut(error, text, 0, more=not whole)
                if whole:
                    self._drop(len(self._buffer))
                    return None
            else:
                if after < len(text) or whole:
                    self._drop(_bytes(text[:after]))
                    return value
            size *= 4

    def _check_cut(self, error: ValueError | RecursionError, text: str, at: int, *, more: bool) -> None:
        """Refuses what more text would not mend; marks the trace as cut off if there is none."""
        if not isinstance(error, json.JSONDecodeError):
            raise MalformedFile(f"{source_name(self.path)}: JSON nested too deeply. No profiler writes so.") from error
        if not error.msg.startswith("Unterminated string") and len(text) - error.pos > _NEAR_END:
            raise self._malformed(error.msg, _bytes(text[: error.pos])) from error
        if not more:
            self.cut_off = True
        elif len(text) - at >= LONGEST_VALUE:
            raise TooLarge(f"{source_name(self.path)}: a value of more than {LONGEST_VALUE // MIB} MiB.")

    def _malformed(self, what: str, at: int) -> MalformedFile:
        return MalformedFile(
            f"{source_name(self.path)}: no whole JSON, {what} at byte {self._before + at}. "
            "The file was damaged or changed; save or copy it again."
        )

    def _next(self) -> bytes:
        """The next byte that is neither white space nor a comma; nothing at the end."""
        while True:
            space = _SPACE.match(self._buffer)
            self._drop(space.end() if space else 0)
            if self._buffer or self._at_end:
                return bytes(self._buffer[:1])
            self._fill(WINDOW)

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size and not self._at_end:
            piece = self._source.read(max(size - len(self._buffer), WINDOW))
            self._buffer += piece
            self._at_end = not piece

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._before += count

    def _text(self, size: int) -> str:
        return self._buffer[:size].decode("utf-8", "surrogateescape")


def _after(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
