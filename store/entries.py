"""A reader's own GPUs, models and prices in the store: kept as they were given, checked anew whenever they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from planner.errors import BadRow, PlannerError
from planner.own import own_gpu, own_model, own_price
from planner.whose import Own
from store import notes
from store.runs import Store

SCHEMA = 1
MOST_BYTES = 5_000_000
GPUS = notes.Kind("own-gpus", "own GPU", "add one on Catalogue", BadRow, BadRow)
MODELS = notes.Kind("own-models", "own model", "add one on Catalogue", BadRow, BadRow)
PRICES = notes.Kind("own-prices", "own price", "add one on Catalogue", BadRow, BadRow)
Check = Callable[[str, Mapping[str, Any]], Any]
CHECKS: Mapping[str, Check] = {
    GPUS.folder: own_gpu,
    MODELS.folder: own_model,
    PRICES.folder: lambda name, row: own_price({**row, "gpu": name}),
}


def save(store: Store, kind: notes.Kind, name: str, row: Mapping[str, Any]) -> str:
    """Keeps an own entry that the catalogue's code has checked; one of that name is replaced.

    name : of a GPU or model as its owner calls it; of a price the GPU's id
    row : as the catalogue's files have it; of a model its config
    returns : the name under which it is kept
    raises : PlannerError naming the field; StoreError
    """
    clean = kind.clean(name).lower() if kind is GPUS else kind.clean(name)
    CHECKS[kind.folder](clean, row)
    content = json.dumps({"schema": SCHEMA, "row": row}, default=str).encode()
    if len(content) > MOST_BYTES:
        raise BadRow(f"{kind.title} {clean} has {len(content):,} bytes; {MOST_BYTES:,} are the most.")
    return notes.save(store, kind, clean, content)


def load(store: Store) -> tuple[Own, list[str]]:
    """All own entries of a store, for planner.whose, and a sentence for each that cannot be read.

    raises : StoreError
    """
    told: list[str] = []
    gpus = _read(store, GPUS, own_gpu, told)
    models = _read(store, MODELS, own_model, told)
    ids = {gpu.id for gpu in gpus.values()}
    prices = _read(store, PRICES, lambda name, row: own_price({**row, "gpu": name}, ids), told)
    return Own(tuple(gpus.values()), tuple(models.values()), prices), told


def names(store: Store, kind: notes.Kind) -> list[str]:
    """Of every own entry of a kind.

    raises : StoreError
    """
    return notes.names(store, kind)


def row(store: Store, kind: notes.Kind, name: str) -> Mapping[str, Any]:
    """An own entry as it was given.

    raises : BadRow, StoreError
    """
    return _row(notes.content(store, kind, name))


def delete(store: Store, kind: notes.Kind, name: str) -> None:
    """Removes an own entry, a damaged one too.

    raises : BadRow, StoreError
    """
    notes.delete(store, kind, name)


def _read(store: Store, kind: notes.Kind, check: Check, told: list[str]) -> dict[str, Any]:
    found = {}
    for name in notes.names(store, kind):
        try:
            found[name] = check(name, _row(notes.content(store, kind, name)))
        except PlannerError as error:
            told.append(f"{kind.title} {name}: {error} Delete it on Catalogue and add it again.")
    return found


def _row(content: bytes) -> Mapping[str, Any]:
    try:
        kept = json.loads(content)
        if kept["schema"] == SCHEMA and isinstance(kept["row"], dict):
            return dict(kept["row"])
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise BadRow("the file was damaged, or written by another version.")
