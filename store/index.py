"""Heads of all runs, remembered, so that a list of ten thousand reads one file and not ten thousand.

What runs there are, the shelf says each time; this is a cache by version beside it. A head comes from memory, else from
index.parquet, else from its own file. So no run of another process is ever missed, and an index that was lost, or
overwritten by another writer, costs time alone. Whoever had to read many heads one by one writes it anew; about one of
SAVES saves looks, so that the first reader after many saves need not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import NamedTuple

import pyarrow as pa

from planner.errors import StoreError
from planner.measured import Run
from store import parquet, parts
from store.choices import read_choice
from store.files import reached
from store.places import Place, Shelf

SAVES = 128
"""Saves for each look at the index: a run whose id is a multiple of it causes one, so writers need not agree."""
FEW = 8
"""Heads that are read faster one by one than with the index."""
BATCH = 512
"""Heads read at a time: an object store answers them together."""
STORES = 64
"""Stores whose heads are kept in memory."""
SCHEMA = pa.schema([("id", pa.string()), ("version", pa.string()), ("head", pa.string())])
Head = Run | StoreError


class _Entry(NamedTuple):
    """A head that was read: of which version, as the index keeps it, and as a run."""

    version: str
    text: str
    run: Run


@dataclass(slots=True)
class _Known:
    """What is remembered of one store: entries by run id, and how many of them the index lacks."""

    lock: Lock = field(default_factory=Lock)
    entries: dict[str, _Entry] = field(default_factory=dict)
    unwritten: int = 0


def heads(shelf: Shelf) -> list[Head]:
    """The head of every run, choices applied; for one that cannot be read, why.

    raises : StoreError if the store cannot be reached
    """
    known = _known(shelf.address)
    with known.lock:
        places = shelf.places()
        fresh = _refreshed(shelf, known, places)
        if len(known.entries) > len(places):
            known.entries = _of(known, places)
        if known.unwritten >= SAVES // 2:
            _write(shelf, known, places)
        return [fresh[place.id] if place.id in fresh else known.entries[place.id].run for place in places]


def saved(shelf: Shelf, run_id: str) -> None:
    """To be called after each save: now and then, brings the index up to date."""
    if int(run_id, 16) % SAVES == 0:
        with suppress(StoreError):
            heads(shelf)


def forget(shelf: Shelf) -> None:
    """Remembers nothing of a store any more."""
    known = _known(shelf.address)
    with known.lock:
        known.entries, known.unwritten = {}, 0


def _of(known: _Known, places: list[Place]) -> dict[str, _Entry]:
    return {place.id: known.entries[place.id] for place in places if place.id in known.entries}


def _refreshed(shelf: Shelf, known: _Known, places: list[Place]) -> dict[str, Head]:
    """Remembers the heads of all places that have a version; returns those that had to be read one by one."""
    missing = _missing(known, places)
    if len(missing) > FEW:
        known.entries |= _read(shelf, {place.id: place.version for place in missing})
        missing = _missing(known, missing)
    fresh: dict[str, Head] = {}
    for place, head in _read_each(missing):
        fresh[place.id] = head
        if place.version and isinstance(head, Run):
            known.entries[place.id] = _Entry(place.version, json.dumps(parts.row_of(head)), head)
            known.unwritten += 1
    return fresh


def _missing(known: _Known, places: list[Place]) -> list[Place]:
    entries = known.entries
    return [place for place in places if place.id not in entries or entries[place.id].version != place.version]


def _read_each(places: list[Place]) -> Iterator[tuple[Place, Head]]:
    rest = iter(places)
    while batch := list(islice(rest, BATCH)):
        with reached():
            contents = batch[0].files.cat([place.head for place in batch], on_error="return")
        for place in batch:
            yield place, _head(place, contents[place.head])


def _head(place: Place, content: bytes | Exception) -> Head:
    part = place.head_part()
    try:
        with part.faults_named():
            if isinstance(content, Exception):
                raise content
            return read_choice(place).applied(parts.head_of(part, content))
    except StoreError as error:
        return error


def _read(shelf: Shelf, wanted: dict[str, str]) -> dict[str, _Entry]:
    """Entries of the index that are of the versions wanted; none where it is missing, damaged or of a later version."""
    with suppress(StoreError, LookupError, TypeError, ValueError):
        rows = zip(*parquet.read(shelf.index()).to_pydict().values(), strict=True)
        kept = [row for row in rows if wanted.get(row[0]) == row[1]]
        found = json.loads(f"[{','.join(text for _, _, text in kept)}]")
        return {
            run_id: _Entry(version, text, parts.run_of(head))
            for (run_id, version, text), head in zip(kept, found, strict=True)
        }
    return {}


def _write(shelf: Shelf, known: _Known, places: list[Place]) -> None:
    """Keeps the entries for whoever comes next; a store that may only be read does without."""
    known.entries, known.unwritten = _of(known, places), 0
    rows = {
        "id": list(known.entries),
        "version": [entry.version for entry in known.entries.values()],
        "head": [entry.text for entry in known.entries.values()],
    }
    with suppress(StoreError, OSError), shelf.staging() as folder:
        parquet.write(folder / "index", SCHEMA, pa.Table.from_pydict(rows, SCHEMA).to_batches())
        shelf.keep_index(folder / "index")


@lru_cache(maxsize=STORES)
def _known(address: str) -> _Known:  # noqa: ARG001 - the key of the cache
    return _Known()
