"""The pins of a session: scenarios and runs that the reader put aside, to compare and to present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from store.pins import Pin, checked, free_name
from ui.link import Parameter
from ui.packed import pack, unpack

KEY = "pins"
PARAMETER = Parameter((), unpack, pack)
"""The pins in a link; for read_link and write_link of the pages that show them."""

EXAMPLE = (
    Pin("8B on an H100", "v=1"),
    Pin("The same on an L40S", "v=1&gpu=l40s"),
    Pin("fp8 on an L40S", "v=1&gpu=l40s&quantization=fp8"),
)
"""What is shown to who has pinned nothing yet."""


def pinned() -> tuple[Pin, ...]:
    """The session's pins, in the reader's order."""
    found: tuple[Pin, ...] = st.session_state.get(KEY, ())
    return found


def pin(name: str, query: str) -> Pin:
    """Pins a scenario or a run; one that is pinned already stays as it is.

    name : a free one is made of it
    query : of its link, see Pin
    raises : BadPins where there are too many
    """
    known = next((one for one in pinned() if one.query == query), None)
    if known is not None:
        return known
    put((*pinned(), Pin(free_name(name, (one.name for one in pinned())), query)))
    return pinned()[-1]


def put(pins: Sequence[Pin]) -> None:
    """Takes these in place of the session's pins.

    raises : BadPins
    """
    st.session_state[KEY] = checked([(one.name, one.query, one.note) for one in pins])


def unpin(at: int) -> None:
    """Removes the pin at a place."""
    put([one for place, one in enumerate(pinned()) if place != at])


def rename(at: int, name: str) -> None:
    """Gives the pin at a place another name.

    raises : BadPins for an empty one
    """
    others = [one.name for place, one in enumerate(pinned()) if place != at]
    _change(at, replace(pinned()[at], name=free_name(name, others)))


def annotate(at: int, note: str) -> None:
    """Says something of the pin at a place.

    raises : BadPins for a note that is too long
    """
    _change(at, replace(pinned()[at], note=note))


def move(at: int, to: int) -> None:
    """Moves the pin at a place to another, the rest closing up; beyond an end is that end."""
    rest = list(pinned())
    one = rest.pop(at)
    rest.insert(max(0, to), one)
    put(rest)


def _change(at: int, one: Pin) -> None:
    put([one if place == at else other for place, other in enumerate(pinned())])
