"""The search as a page runs it: on processes of the server, shown as it goes, stopped when the reader moves on."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any, Generic, TypeVar

import loky
import streamlit as st

from intake.cluster import executor
from planner.buy import search
from planner.demand import Demand
from planner.errors import ClusterError
from planner.option import Option, Refusal
from planner.prices import price_book
from planner.sensitivity import Swing, swings
from planner.whose import Own, informed, own
from settings import settings

Result = Option | Refusal
R = TypeVar("R")
REMEMBERED = 24
IDLE = 300
"""After so long without work a process ends and gives its memory back [s]."""
SHOWN_EVERY = 6
"""Results between two drawings of the table while the search goes on."""


def pool() -> Executor:
    """Processes for all sessions: a cluster's, or those here.

    raises : ClusterError
    """
    cluster = settings().dask
    return executor(cluster) if cluster else processes()


@st.cache_resource(show_spinner=False)
def processes() -> Executor:
    """Fresh interpreters, since a forked copy of a threaded server may hang. The first work starts them."""
    started = loky.ProcessPoolExecutor(max_workers=os.cpu_count(), timeout=IDLE)
    started.submit(price_book)
    return started


class Remembered(Generic[R]):
    """The latest answers, for all sessions at once, by whose own entries count and what was asked."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[Hashable, R] = {}
        self._lock = Lock()

    def __getitem__(self, key: Hashable) -> R | None:
        """What was answered, which is now the latest; None where it is not known."""
        with self._lock:
            if key in self._known:
                self._known[key] = self._known.pop(key)
            return self._known.get(key)

    def __setitem__(self, key: Hashable, answer: R) -> None:
        """Keeps an answer in the place of the oldest."""
        with self._lock:
            self._known[key] = answer
            while len(self._known) > REMEMBERED:
                self._known.pop(next(iter(self._known)))

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._known.clear()


searches, swings_found = Remembered[tuple[Result, ...]](), Remembered[tuple[Swing, ...]]()


def forget() -> None:
    """Drops all searches from memory; what is wanted again is searched again."""
    searches.clear()
    swings_found.clear()


class Informed(Executor):
    """The pool, whose workers hear of the reader's own entries with each piece of work.

    processes : the pool
    entries : to be known there
    """

    def __init__(self, processes: Executor, entries: Own) -> None:
        """Nothing is started here."""
        self._processes, self._entries = processes, entries

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As the pool does it."""
        return self._processes.submit(informed, self._entries, fn, *args, **kwargs)


def bought(asked: Demand, draw: Callable[[Sequence[Result]], None]) -> tuple[tuple[Result, ...], bool]:
    """All options of a demand; while they are found, `draw` shows those so far.

    asked : the demand
    draw : called now and then with what is known
    returns : results, and whether the search came to its end
    """
    key = (own().key, asked)
    if (known := searches[key]) is not None:
        return known, True
    kept: tuple[tuple[str, Demand], list[Result]] | None = st.session_state.get("half_bought")
    if kept is not None and kept[0] == key and st.session_state.get("stopped"):
        if st.button("Go on searching", key="go_on"):
            st.session_state["stopped"] = False
            st.rerun()
        return tuple(kept[1]), False
    searches[key] = found = tuple(_searched(asked, draw))
    return found, True


def hinges(asked: Demand, options: Sequence[Option]) -> tuple[Swing, ...]:
    """What the answer hangs on, found once for each set of options, in a process of the pool.

    asked, options : of a search
    """
    key = (own().key, asked, len(options))
    if (known := swings_found[key]) is None:
        with _workers() as workers:
            swings_found[key] = known = workers.submit(swings, asked, tuple(options)).result()
    return known


def _searched(asked: Demand, draw: Callable[[Sequence[Result]], None]) -> list[Result]:
    found: list[Result] = []
    st.session_state["half_bought"], st.session_state["stopped"] = ((own().key, asked), found), False
    bar, stop = st.empty(), st.empty()
    stop.button("Stop", key="stop", on_click=_stop)
    bar.progress(0.0, "Every GPU by the closed form")
    with _workers() as workers, closing(search(asked, workers)) as looking:
        for one in looking:
            found.append(one.result)
            share = min(1.0, one.done / max(one.total, 1))
            bar.progress(share, f"{one.done} of {one.total} candidates settled")
            if len(found) % SHOWN_EVERY == 1:
                draw(found)
    bar.empty()
    stop.empty()
    return found


@contextmanager
def _workers() -> Iterator[Executor]:
    """Who searches; new ones are started after some were lost.

    raises : ClusterError
    """
    try:
        yield Informed(pool(), own())
    except (BrokenExecutor, CancelledError) as error:
        processes.clear()
        raise ClusterError(
            "Who searched is gone: a process that ran out of memory, or a cluster that stopped. Ask again."
        ) from error


def _stop() -> None:
    st.session_state["stopped"] = True
