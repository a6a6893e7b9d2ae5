"""One file into the store: an export of ours as the run that it was, any other file as what an importer makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import importers
from planner.errors import PlannerError
from store.restore import is_export, restore
from store.runs import Store


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that became a run.

    file : its name
    run : the run's id
    tool : what wrote the file, with its version
    """

    file: str
    run: str
    tool: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that did not: its name, the name of the error, and what is wrong, why, and what to do."""

    file: str
    error: str
    message: str


def import_path(path: Path, store: Store) -> Iterator[Imported | Refused]:
    """Imports a file, or says why not.

    path : must stay in place meanwhile
    """
    try:
        run_id = restore(store, path) if is_export(path) else store.save(importers.read(path))
        run = store.run(run_id)
    except PlannerError as error:
        yield Refused(path.name, type(error).__name__, str(error))
    else:
        yield Imported(path.name, run_id, f"{run.tool} {run.tool_version}")
