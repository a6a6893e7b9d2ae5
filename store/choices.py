"""What a person confirmed about a run: its GPU and its model. Kept beside the evidence, which it never changes."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from planner.errors import DamagedRun
from planner.measured import Run
from store.parquet import sync_folder

CHOICES_FILE = "choices.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """The GPU and the model of a run, as our catalogue's ids; None: not confirmed, the file's own word holds."""

    gpu: str | None = None
    model: str | None = None

    def applied(self, run: Run) -> Run:
        """The run with what was confirmed in place of what followed from the file."""
        return replace(run, gpu=self.gpu or run.gpu, model=self.model or run.model)


def read_choice(folder: Path) -> Choice:
    """The choice kept in a run's folder; an empty one if there is none.

    raises : DamagedRun
    """
    try:
        found = json.loads((folder / CHOICES_FILE).read_bytes())
        values = {name: found.get(name) for name in ("gpu", "model")}
    except FileNotFoundError:
        return Choice()
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise _damaged(folder) from error
    if not all(value is None or isinstance(value, str) for value in values.values()):
        raise _damaged(folder)
    return Choice(**values)


def write_choice(folder: Path, choice: Choice) -> None:
    """Replaces the choice kept in a run's folder, in one step.

    raises : OSError
    """
    descriptor, temporary = tempfile.mkstemp(prefix=".choices-", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(choice), file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / CHOICES_FILE)
    finally:
        Path(temporary).unlink(missing_ok=True)
    sync_folder(folder)


def _damaged(folder: Path) -> DamagedRun:
    return DamagedRun(
        f"Run {folder.name}: {CHOICES_FILE} cannot be read. Delete that file and choose GPU and model again."
    )
