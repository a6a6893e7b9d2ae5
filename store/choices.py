"""What a person confirmed about a run: its GPU and its model. Kept beside the evidence, which it never changes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from planner.errors import DamagedRun
from planner.measured import Run
from store.files import Part
from store.places import Place


@dataclass(frozen=True, slots=True)
class Choice:
    """The GPU and the model of a run, as our catalogue's ids; None: not confirmed, the file's own word holds."""

    gpu: str | None = None
    model: str | None = None

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
    return Choice(**values)
