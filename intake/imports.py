"""One file into the store: an export of ours as the run that it was, any other file as what an importer makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import importers
from planner.errors import PlannerError, TooLarge
from planner.measured import Batches, Run
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


Progress = Callable[[str, int], None]
"""Told what is being done and how far it is: "rows written", 65536."""


def import_path(path: Path, store: Store, progress: Progress | None = None) -> Iterator[Imported | Refused]:
    """Imports a file, or says why not.

    path : must stay in place meanwhile
    progress : called now and then
    """
    try:
        run_id = restore(store, path) if is_export(path) else store.save(_watched(importers.read(path), progress))
        run = store.run(run_id)
    except (PlannerError, MemoryError) as error:
        named = _too_large(path) if _lacked_memory(error) else error
        yield Refused(path.name, type(named).__name__, str(named))
    else:
        yield Imported(path.name, run_id, f"{run.tool} {run.tool_version}")


@dataclass(frozen=True, slots=True)
class _Watched:
    """A table that tells how many of its rows were read."""

    rows: Batches
    progress: Progress

    @property
    def schema(self) -> Any:
        return self.rows.schema

    def __iter__(self) -> Iterator[Any]:
        done = 0
        for batch in self.rows:
            yield batch
            done += batch.num_rows
            self.progress("rows written", done)


def _watched(run: Run, progress: Progress | None) -> Run:
    if progress is None:
        return run
    return replace(run, tables={name: _Watched(rows, progress) for name, rows in run.tables.items()})


def _lacked_memory(error: BaseException) -> bool:
    """Whether memory ran out, which libraries tell as one error among others: "out of memory" is SQLite's word."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, MemoryError) or "out of memory" in str(chain):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def _too_large(path: Path) -> TooLarge:
    return TooLarge(
        f"{path.name}: reading it took more memory than it may. Import it with `python cli.py import` where there is "
        "more, or send what `python cli.py import FILE --summary OUT` makes of it."
    )
