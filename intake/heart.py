"""That this process lives, said in each store where tasks wait for it: what waits for a dead one is lost."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from contextlib import suppress

from intake.board import SILENT, jobs, unvouch, vouch
from planner.errors import StoreError
from store.runs import Store

EVERY = SILENT / 4
"""Between two words [s]; a job that is over sooner costs none."""


class Heart:
    """Beats for all tasks of a process at once.

    name : under which its words are known
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self.name = secrets.token_hex(8)
        self._held: Counter[Store] = Counter()
        self._told: set[Store] = set()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, store: Store) -> None:
        """From now on a task of this store waits, or is at work."""
        with self._lock:
            self._held[store] += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
                self._thread.start()

    def release(self, store: Store) -> None:
        """One of them is over; after the last the word is taken back."""
        with self._lock:
            self._held[store] -= 1
            last = self._held[store] <= 0 and store in self._told
            self._told -= {store} if last else set()
            self._held += Counter()  # forgets what is nothing
        if last:
            with suppress(StoreError, OSError):
                unvouch(store, self.name)

    def close(self) -> None:
        """Says no more."""
        self._over.set()

    def _beat(self) -> None:
        while not self._over.wait(EVERY):
            with self._lock:
                held = tuple(self._held)
                self._told.update(held)
            for store in held:
                with suppress(StoreError, OSError):
                    if jobs(store):  # none: somebody deleted all there is, and nothing is to come back
                        vouch(store, self.name)
                    if not self._held[store]:  # the last of them ended meanwhile
                        unvouch(store, self.name)
