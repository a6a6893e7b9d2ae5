"""Pinned scenarios in each kind of store: kept, listed, loaded, deleted; hostile names and files refused."""

from __future__ import annotations

import json

import pytest

from planner.errors import BadPins, UnknownPins
from store import Store, pins
from store.pins import LONGEST_QUERY, MOST, Pin, as_json, checked, free_name, from_json

TALK = (
    Pin("Today", "v=1&gpu=l4", "what we have"),
    Pin("100 × später", "v=1&gpu=h200-sxm"),
    Pin("Lab", "v=1&run=0123456789ab"),
)


def test_pins_come_back_and_go(anywhere: Store) -> None:
    assert pins.save(anywhere, "our talk", TALK) == "our-talk"
    assert pins.names(anywhere) == ["our-talk"]
    assert pins.load(anywhere, "our-talk") == TALK
    pins.delete(anywhere, "our-talk")
    assert pins.names(anywhere) == []


def test_a_pin_tells_its_run() -> None:
    assert [pin.run for pin in TALK] == [None, None, "0123456789ab"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "unknown"])
def test_an_unknown_name_is_never_a_path(store: Store, name: str) -> None:
    pins.save(store, "talk", TALK)
    with pytest.raises(UnknownPins, match="talk"):
        pins.load(store, name)


@pytest.mark.parametrize("name", ["", "a/b", ".x", "x" * 61])
def test_a_bad_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(BadPins, match="cannot name a list of pins"):
        pins.save(store, name, TALK)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 100_000, as_json(TALK).replace(b'"schema": 1', b'"schema": 2'),
        json.dumps({"schema": 1, "pins": [["a"]]}).encode(),
        json.dumps({"schema": 1, "pins": [["a", 1, ""]]}).encode(),
        json.dumps({"schema": 1, "pins": [["  ", "gpu=l4", ""]]}).encode(),
        json.dumps({"schema": 1, "pins": 3}).encode(),
        as_json([Pin("a", "x" * (LONGEST_QUERY + 1))]), as_json([Pin(str(n), "") for n in range(MOST + 1)]),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told(store: Store, content: bytes) -> None:
    with pytest.raises(BadPins):
        from_json(content)
    store.shelf.keep_note("pins", "talk.json", content)
    with pytest.raises(BadPins, match="Pins talk: "):
        pins.load(store, "talk")


def test_names_stay_apart() -> None:
    assert [pin.name for pin in checked([("A", "gpu=l4"), ("A", "gpu=t4"), (" A\n", "gpu=b200")])] == [
        "A",
        "A (2)",
        "A (3)",
    ]
    assert free_name("x" * 500, ()) == "x" * 100
