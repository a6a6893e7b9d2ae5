"""The hook that hears how far an import is."""

from __future__ import annotations

import pytest

from importers.progress import Counter, reporting
from planner.errors import Cancelled


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
