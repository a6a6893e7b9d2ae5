"""What a person said of a run: GPU, model, what kernels stand for. Kept beside the evidence, which it never changes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from planner.errors import DamagedRun
from planner.measured import Run
from store.files import Part
from store.places import Place

MOST, LONGEST = 1000, 4096
"""Corrections and patterns of a run; letters of a name in them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was said of a run.

    gpu, model : as our catalogue's ids; None: not confirmed, the file's own word holds
    ops : kernel's name and the model's op that it stands for; None for no op
    patterns : piece of a kernel's name and the kind of kernel that it tells
    """

    gpu: str | None = None
    model: str | None = None
    ops: tuple[tuple[str, str | None], ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()

    def applied(self, run: Run) -> Run:
        """The run with what was confirmed in place of what followed from the file."""
        return replace(run, gpu=self.gpu or run.gpu, model=self.model or run.model) if self.gpu or self.model else run

    def as_json(self) -> bytes:
        """The choice as it is kept."""
        return json.dumps(asdict(self)).encode()


def read_choice(place: Place) -> Choice:
    """The choice kept beside a run; an empty one if there is none.

    raises : DamagedRun, StoreError
    """
    if place.choice is None:
        return Choice()
    part = Part(place.id, place.files, place.choice)
    try:
        return choice_of(part.read())
    except FileNotFoundError:
        return Choice()
    except (OSError, ValueError) as error:
        raise DamagedRun(
            f"Run {place.id}: {part.name} cannot be read. Delete that file and choose GPU and model again."
        ) from error


def choice_of(content: bytes) -> Choice:
    """A choice from the bytes that keep it.

    raises : ValueError
    """
    try:
        found = json.loads(content)
        values = {name: found.get(name) for name in ("gpu", "model")}
    except (AttributeError, RecursionError) as error:
        raise ValueError("no object of two names") from error
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise ValueError("names are text")
    return Choice(**values, ops=_pairs(found.get("ops"), str | None), patterns=_pairs(found.get("patterns"), str))


def _pairs(told: Any, second: Any) -> tuple[tuple[Any, Any], ...]:
    """Pairs of a short name and a second value, as they are kept; hostile content is none.

    raises : ValueError
    """
    listed = [] if told is None else told
    if not isinstance(listed, list) or len(listed) > MOST:
        raise ValueError("no list of pairs")
    for pair in listed:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], second)):
            raise ValueError("a pair is two names")
        if any(len(name or "") > LONGEST for name in pair):
            raise ValueError("a name is short")
    return tuple((first, other) for first, other in listed)
