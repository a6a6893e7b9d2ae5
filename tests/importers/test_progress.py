"""The hook that hears how far an import is."""

from __future__ import annotations

from pathlib import Path

import pytest

import importers
from importers.progress import Counter, reporting
from planner.errors import Cancelled
from store import Store
from tests.importers import samples
from tests.store.samples import contents


def test_a_hook_hears_within_its_block_only() -> None:
    heard: list[tuple[int, int | None]] = []
    counter = Counter(10)
    with reporting(lambda done, total: heard.append((done, total))):
        counter.add(4)
        counter.add(3)
    counter.add(3)
    assert heard == [(4, 10), (7, 10)]
    assert counter.done == 10


def test_a_hook_can_stop_the_work() -> None:
    def stop(done: int, total: int | None) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled), reporting(stop):
        Counter().add(1)
    Counter().add(1)


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Kernels of many blocks."""
    monkeypatch.setattr("importers.sqlite_scan.PIECE_BYTES", samples.PAGE_BYTES)
    monkeypatch.setattr("importers.sqlite_scan.PIECES", 1)
    return samples.export(tmp_path / "x.sqlite", [(10 * place, 10 * place + 5, 0, 1) for place in range(300)])


def test_an_import_tells_how_far_it_is(export: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    with reporting(lambda done, total: heard.append((done, total))):
        Store(tmp_path / "store").save(importers.read(export))
    shares = [done / total for done, total in heard if total]
    assert len(shares) == len(heard) > 50
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_a_cancelled_import_leaves_nothing_behind(export: Path, tmp_path: Path, share: float) -> None:
    def stop(done: int, total: int | None) -> None:
        if total and done >= share * total:
            raise Cancelled("Stopped.")

    store = Store(tmp_path / "store")
    with pytest.raises(Cancelled), reporting(stop):
        store.save(importers.read(export))
    assert contents(store) == []
    assert store.save(importers.read(export))
