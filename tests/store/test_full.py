"""A disk that is full in the middle of a write: what was there is there, nothing half-written is, and it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from planner.errors import StoreError
from store import Store, index, local, notes
from store.calibrations import KIND
from tests.full import Only, levels
from tests.store.samples import HASH, OTHER, Noisy, contents, sample

LARGE = sample(OTHER, tables={"kernels": Noisy(count=4, size=500)})


def at_every_level(only: Only, write: Callable[[], object], look: Callable[[bool], object]) -> None:
    """Writes with ever more room until it succeeds; `look` holds what is there after each time."""
    refusals = []
    for room in levels():
        with only(room):
            said = refused(write)
        look(said is None)
        if said is None:
            break
        refusals.append(said)
    assert said is None, "no room was enough"
    assert refusals, "no room was too little"
    assert all("Make room" in one for one in refusals), refusals


def refused(write: Callable[[], object]) -> str | None:
    try:
        write()
    except StoreError as error:
        return str(error)
    return None


def test_a_run_is_saved_whole_or_not_at_all(disk: tuple[Path, Only]) -> None:
    store, only = Store(disk[0] / "runs"), disk[1]
    store.save(sample())

    def look(saved: bool) -> None:
        assert contents(store) == sorted([HASH[:12], *([OTHER[:12]] if saved else [])])
        assert store.problems() == []
        assert store.run(HASH[:12]) == replace(sample(), tables={})
        assert store.table(HASH[:12], "kernels").num_rows == 6

    at_every_level(only, lambda: store.save(LARGE), look)
    assert store.table(OTHER[:12], "kernels").num_rows == 2000


def test_what_a_person_keeps_is_the_old_or_the_new(disk: tuple[Path, Only]) -> None:
    store, only = Store(disk[0] / "runs"), disk[1]
    store.set_choice(store.save(sample()), gpu="l4")
    patterns = [(f"kernel {number}", "gemm") for number in range(200)]

    def look(changed: bool) -> None:
        assert store.run(HASH).gpu == ("t4" if changed else "l4")
        assert [path.name for path in (store.root / HASH[:12]).glob(".*")] == []

    at_every_level(only, lambda: store.set_choice(HASH, gpu="t4", patterns=patterns), look)


def test_a_note_is_the_old_or_the_new(disk: tuple[Path, Only]) -> None:
    store, only = Store(disk[0] / "runs"), disk[1]
    old, new = b"old", b"new" * 2000
    notes.save(store, KIND, "mine", old)

    def look(changed: bool) -> None:
        assert notes.content(store, KIND, "mine") == (new if changed else old)
        assert store.shelf.notes(KIND.folder) == ["mine.json"]

    at_every_level(only, lambda: notes.save(store, KIND, "mine", new), look)


def test_an_index_that_cannot_be_written_costs_nothing_but_time(disk, monkeypatch) -> None:
    store, only = Store(disk[0] / "runs"), disk[1]
    monkeypatch.setattr(index, "SAVES", 2)
    monkeypatch.setattr(local, "SETTLED", -1)
    store.save(sample())
    for room in (0, 100):
        index.forget(store.shelf)
        with only(room):
            assert [run.id for run in store.runs()] == [HASH[:12]]
        assert not (store.root / "index.parquet").exists()
    index.forget(store.shelf)
    assert len(store.runs()) == 1
    assert (store.root / "index.parquet").is_file()


def test_a_run_can_be_deleted_to_make_room(disk: tuple[Path, Only]) -> None:
    store, only = Store(disk[0] / "runs"), disk[1]
    for run in (sample(), LARGE):
        store.save(run)
    with only(0):
        store.delete(OTHER)
        assert [run.id for run in store.runs()] == [HASH[:12]]


def test_a_run_that_cannot_be_deleted_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(sample())

    def refuses(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("store.leases.FileLock", refuses)
    with pytest.raises(StoreError, match=r"cannot be deleted: Read-only file system\. Make the store writable"):
        store.delete(HASH)
