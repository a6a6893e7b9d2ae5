"""A file, folder or archive into the store: an export of ours as the run that it was, all else as importers read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import importers
from importers import collection
from importers.archives import is_archive
from importers.files import HEAD_BYTES
from importers.progress import Progress, reporting
from planner.errors import PlannerError, TooLarge
from store.local import ID_DIGITS
from store.restore import begins_export, is_export, restore
from store.runs import Store


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that became a run, or a part of one.

    file : its name
    run : the run's id
    tool : what wrote it, with its version
    """

    file: str
    run: str
    tool: str


@dataclass(frozen=True, slots=True)
class Known:
    """A file whose run the store has already, or that is the same as another of the same folder.

    run : the run's id; empty if it is the same as another
    of : "the store", or the other's name
    """

    file: str
    run: str
    of: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is not imported: its name, the name of the error, and what is wrong, why, and what to do."""

    file: str
    error: str
    message: str


Outcome = Imported | Known | Refused


def import_path(path: Path, store: Store, progress: Progress | None = None) -> Iterator[Outcome]:
    """Imports all that a path holds; what becomes of each file, one after the other.

    path : must stay in place meanwhile
    progress : hears how far it is
    """
    telling: AbstractContextManager[None] = reporting(progress) if progress else nullcontext()
    try:
        with telling:
            if path.is_file() and is_export(path):
                yield _imported(path.name, store, restore(store, path))
            else:
                for found in importers.read_all(path, _Hashes(store)):
                    yield from _saved(found, store)
    except (PlannerError, MemoryError) as error:
        yield _refused(path.name, error)


def stands_alone(content: bytes | memoryview) -> bool:
    """Whether a file must be imported by itself: an archive or an export of ours, not one of several of a run."""
    start = bytes(content[:HEAD_BYTES])
    return is_archive(start) or begins_export(start)


@dataclass(frozen=True, slots=True)
class _Hashes:
    """The hashes of the files whose runs a store has."""

    store: Store

    def __contains__(self, file_hash: object) -> bool:
        return isinstance(file_hash, str) and self.store.holds(file_hash)


def _saved(found: collection.Outcome, store: Store) -> Iterator[Outcome]:
    """Files that are one run have it in common."""
    if isinstance(found, collection.Refused):
        yield _refused(found.name, found.reason)
    elif isinstance(found, collection.Known):
        run_id = found.run_hash[:ID_DIGITS] if found.run_hash else ""
        yield from (Known(name, run_id, found.of) for name in found.names)
    else:
        try:
            told = _imported(found.names[0], store, store.save(found.run))
        except (PlannerError, MemoryError) as error:
            yield _refused(found.names[0], error)
        else:
            yield from (replace(told, file=name) for name in found.names)


def _imported(name: str, store: Store, run_id: str) -> Imported:
    run = store.run(run_id)
    return Imported(name, run_id, f"{run.tool} {run.tool_version}".removesuffix("unknown").strip())


def _refused(name: str, error: PlannerError | MemoryError) -> Refused:
    named = _too_large(name) if _lacked_memory(error) else error
    return Refused(name, type(named).__name__, str(named))


def _lacked_memory(error: BaseException) -> bool:
    """Whether memory ran out, which libraries tell as one error among others: "out of memory" is SQLite's word."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, MemoryError) or "out of memory" in str(chain):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def _too_large(name: str) -> TooLarge:
    return TooLarge(
        f"{name}: reading it took more memory than it may. Import it with `python cli.py import` where there is more, "
        "or send what `python cli.py import FILE --summary OUT` makes of it."
    )
