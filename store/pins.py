"""Pinned scenarios: what a person wants side by side or on slides. Lists of them are kept under names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any
from urllib.parse import parse_qs

from planner.errors import BadPins, UnknownPins
from store import notes
from store.runs import Store

SCHEMA = 1
MOST = 24
LONGEST_NAME, LONGEST_QUERY, LONGEST_NOTE = 100, 2000, 4000
KIND = notes.Kind("pins", "list of pins", "pin scenarios on Plan and save them on Compare", BadPins, UnknownPins)


@dataclass(frozen=True, slots=True)
class Pin:
    """One scenario or one run.

    name : as its owner calls it
    query : of a link of Plan ("v=1&gpu=l4&concurrency=8"), or of a run ("v=1&run=0123456789ab")
    note : what its owner wants to say of it
    """

    name: str
    query: str
    note: str = ""

    @property
    def run(self) -> str | None:
        """Id of the run that is pinned; None for a scenario."""
        return parse_qs(self.query).get("run", [None])[-1]


def checked(pins: Sequence[Sequence[Any]]) -> tuple[Pin, ...]:
    """Pins from anywhere: as many and as long as they may be, names apart.

    pins : name, query and note of each
    raises : BadPins
    """
    if not isinstance(pins, list | tuple):
        raise BadPins("These are no pins. Pin the scenarios again.")
    found: list[Pin] = []
    for told in pins:
        if len(told) not in (2, 3) or not all(isinstance(text, str) and _writable(text) for text in told):
            raise BadPins("A pin is a name, a question and a note, each a text. Pin the scenarios again.")
        name, query, note = (*told, "")[:3]
        known = {pin.name for pin in found}
        found.append(Pin(free_name(name, known), _short(query, "question", LONGEST_QUERY), _short(note, "note")))
        if len(found) > MOST:
            raise BadPins(f"More than {MOST} pins: nobody can compare them. Remove some, or save two lists.")
    return tuple(found)


def free_name(name: str, taken: Iterable[str]) -> str:
    """A name in one line that no other pin has: with a number behind it where one does.

    raises : BadPins for an empty one

    >>> free_name("A  100 ", {"A 100"})
    'A 100 (2)'
    """
    clean = " ".join(name.split())[:LONGEST_NAME]
    if not clean:
        raise BadPins("A pin needs a name. Type one.")
    others = set(taken)
    numbered = (f"{clean} ({count})" for count in range(2, len(others) + 3))
    return clean if clean not in others else next(each for each in numbered if each not in others)


def as_json(pins: Iterable[Pin]) -> bytes:
    """Pins as they are kept."""
    return json.dumps({"schema": SCHEMA, "pins": [astuple(pin) for pin in pins]}, ensure_ascii=False).encode()


def from_json(content: bytes) -> tuple[Pin, ...]:
    """Pins from the bytes that keep them, which may come from anywhere.

    raises : BadPins
    """
    try:
        told = json.loads(content)
        if told["schema"] != SCHEMA:
            raise BadPins("These pins were written by another version. Pin the scenarios again.")
        return checked(told["pins"])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadPins("This file holds no pins, or was damaged. Pin the scenarios again.") from error


def save(store: Store, name: str, pins: Iterable[Pin]) -> str:
    """Keeps pins under a name; those of that name are replaced, in one step.

    returns : the name under which they are kept
    raises : BadPins for a name that cannot be one; StoreError if they cannot be written
    """
    return notes.save(store, KIND, name, as_json(pins))


def names(store: Store) -> list[str]:
    """Of every list of pins in the store, sorted.

    raises : StoreError
    """
    return notes.names(store, KIND)


def load(store: Store, name: str) -> tuple[Pin, ...]:
    """The pins kept under a name.

    raises : UnknownPins; BadPins if the file is damaged; StoreError
    """
    content = notes.content(store, KIND, name)
    try:
        return from_json(content)
    except BadPins as error:
        raise BadPins(f"Pins {name}: {error}") from error


def delete(store: Store, name: str) -> None:
    """Removes a list of pins, a damaged one too.

    raises : UnknownPins, StoreError
    """
    notes.delete(store, KIND, name)


def _writable(text: str) -> bool:
    """Whether it can be sent on: half a character, which JSON may hold, cannot."""
    return text == text.encode(errors="replace").decode()


def _short(text: str, what: str, longest: int = LONGEST_NOTE) -> str:
    if len(text) > longest:
        raise BadPins(f"The {what} of a pin has {len(text):,} characters; {longest:,} are the most. Shorten it.")
    return text
