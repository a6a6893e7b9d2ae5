"""What may be done in a store, and how much room it has: the laptop's has no rules, a hosted workspace has some."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from planner.errors import QuotaExceeded, ReadOnly
from planner.quantities import GIB, MINUTE
from store.places import Shelf

STORES = 256
"""Stores whose size is kept in memory."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of a store.

    writable : whether anything may be added, changed or removed
    runs : most runs; None: any number
    size : most bytes of all of them; None: any number [B]
    """

    writable: bool = True
    runs: int | None = None
    size: int | None = None

    def allow_change(self) -> None:
        """Lets a change pass.

        raises : ReadOnly
        """
        if not self.writable:
            raise ReadOnly(
                "This workspace is for everybody to look at, and nobody changes it. Log in for one of your own."
            )

    @contextmanager
    def room(self, shelf: Shelf, staged: Path) -> Iterator[None]:
        """Room for a run about to be published; writers at the same moment may overshoot by a run each.

        staged : the run's folder
        raises : QuotaExceeded
        """
        if self.runs is not None and len(shelf.places()) >= self.runs:
            raise QuotaExceeded(f"This workspace has {self.runs:,} runs, as many as it may. Delete some first.")
        if self.size is None:
            yield
            return
        used, more = _used(shelf.address), sum(path.stat().st_size for path in staged.rglob("*") if path.is_file())
        if used.now(shelf) + more > self.size:
            raise QuotaExceeded(
                f"This workspace would have more than the {self.size / GIB:g} GiB that it may. Delete runs."
            )
        yield
        used.grown(more)


FREE = Rules()
"""Anything, without end."""


class _Used:
    """Bytes of a store, measured now and then, and what this process added since [B]."""

    AGE = MINUTE

    def __init__(self) -> None:
        self._lock, self._size, self._when = Lock(), 0, -self.AGE

    def now(self, shelf: Shelf) -> int:
        with self._lock:
            if time.monotonic() - self._when > self.AGE:
                self._size, self._when = shelf.size(), time.monotonic()
            return self._size

    def grown(self, more: int) -> None:
        with self._lock:
            self._size += more


@lru_cache(maxsize=STORES)
def _used(address: str) -> _Used:  # noqa: ARG001 - the key of the cache
    return _Used()
