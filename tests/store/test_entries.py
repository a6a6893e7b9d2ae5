"""Own entries in each kind of store: kept, checked anew, removed; a damaged one is told and hides no other."""

from __future__ import annotations

import pytest

from planner.errors import BadRow, PlannerError
from planner.whose import NONE, count
from store import Store, entries
from tests.planner.test_own import CONFIG, DEAR, H100

PRICE = {name: quote for name, quote in DEAR.items() if name != "gpu"}


def test_entries_come_back_and_go(anywhere: Store) -> None:
    assert entries.save(anywhere, entries.GPUS, "Lab GPU", H100) == "lab-gpu"
    entries.save(anywhere, entries.MODELS, "our-4b", CONFIG)
    entries.save(anywhere, entries.PRICES, "l4", PRICE)
    found, told = entries.load(anywhere)
    assert ([gpu.id for gpu in found.gpus], [row.name for row in found.models]) == (["own-lab-gpu"], ["own/our-4b"])
    assert list(found.prices) == ["l4"]
    assert told == []
    assert entries.row(anywhere, entries.PRICES, "l4") == PRICE
    entries.delete(anywhere, entries.GPUS, "lab-gpu")
    assert entries.load(anywhere)[0].gpus == ()


@pytest.mark.parametrize(
    ("kind", "name", "row"),
    [
        (entries.GPUS, "lab", {}),
        (entries.GPUS, "../lab", H100),
        (entries.MODELS, "m", {}),
        (entries.PRICES, "no-such-gpu", PRICE),
        (entries.MODELS, "m", {**CONFIG, "note": "x" * 6_000_000}),
    ],
    ids=["empty", "path", "no config", "unknown gpu", "large"],
)
def test_what_cannot_be_right_is_not_kept(store: Store, kind: entries.notes.Kind, name: str, row: dict) -> None:
    with pytest.raises(PlannerError):
        entries.save(store, kind, name, row)
    assert entries.names(store, kind) == []


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"schema": 2, "row": {}}', b'{"schema": 1, "row": 3}', b"[" * 90_000]
)
def test_a_damaged_entry_is_told_and_hides_no_other(store: Store, content: bytes) -> None:
    entries.save(store, entries.GPUS, "good", H100)
    store.shelf.keep_note("own-gpus", "bad.json", content)
    found, told = entries.load(store)
    assert [gpu.id for gpu in found.gpus] == ["own-good"]
    assert told[0].startswith("Own GPU bad: ")
    entries.delete(store, entries.GPUS, "bad")
    with pytest.raises(BadRow, match="Nearest: good"):
        entries.delete(store, entries.GPUS, "bad")


def test_a_price_of_an_own_gpu_is_read_with_it(store: Store) -> None:
    entries.save(store, entries.GPUS, "lab", H100)
    found, _ = entries.load(store)
    count(found)
    entries.save(store, entries.PRICES, "own-lab", PRICE)
    count(NONE)
    again, told = entries.load(store)
    assert (list(again.prices), told) == (["own-lab"], [])
