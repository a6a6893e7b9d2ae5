"""Whose own entries count: one server answers many readers, and each may have GPUs, models and prices of their own.

The catalogue asks here each time. What it builds of the answer is remembered by the answer's key, so that nothing of
one reader's is ever shown to another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, TypeVarTuple

from planner.entries import ModelRow, Price
from planner.gpu import Gpu

A = TypeVarTuple("A")
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Own:
    """All own entries of a store.

    prices : GPU's id -> own prices, which stand in for the catalogue's [USD/s], [USD]
    key : the same for the same entries, in every process; empty for none
    """

    gpus: tuple[Gpu, ...] = ()
    models: tuple[ModelRow, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    key: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """Finds the key."""
        if self.gpus or self.models or self.prices:
            told = repr((self.gpus, self.models, sorted(self.prices.items(), key=lambda one: one[0])))
            object.__setattr__(self, "key", hashlib.sha256(told.encode()).hexdigest()[:16])


NONE = Own()
_asked: list[Callable[[], Own]] = [lambda: NONE]
_given: ContextVar[Own | None] = ContextVar("own entries of the work at hand", default=None)


def own() -> Own:
    """The entries that count here and now."""
    given = _given.get()
    return _asked[0]() if given is None else given


def informed(entries: Own, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Does work away from who asked for it, in another thread or process: these entries count in it, and in it alone.

    entries : of who asked for it
    """
    before = _given.set(entries)
    try:
        return work(*args, **kwargs)
    finally:
        _given.reset(before)


def count(entries: Own) -> None:
    """These count from now on, in the whole process: a terminal's."""
    ask(lambda: entries)


def ask(whose: Callable[[], Own]) -> None:
    """Names who is asked from now on, each time.

    whose : the entries of whoever is answered at that moment; quick
    """
    _asked[0] = whose


def of_own(most: int) -> Callable[[Callable[[*A], R]], Callable[[*A], R]]:
    """A function that is remembered by its arguments, none of them named, and by whose entries count.

    most : results that are kept, the latest [1]
    """

    def remembered(function: Callable[[*A], R]) -> Callable[[*A], R]:
        kept = lru_cache(most)(lambda _key, *args: function(*args))

        @wraps(function)
        def asked(*args: *A) -> R:
            return kept(own().key, *args)

        return asked

    return remembered
