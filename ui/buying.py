"""The search as a page runs it: on processes of the server, shown as it goes, stopped when the reader moves on."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

import loky
import streamlit as st

from intake.crew import executor
from planner.buy import search
from planner.demand import Demand
from planner.option import Option, Refusal
from planner.prices import price_book
from planner.sensitivity import Swing, swings
from planner.whose import Own, informed, own
from settings import settings

Result = Option | Refusal
REMEMBERED = 24
IDLE = 300
"""After so long without work a process ends and gives its memory back [s]."""
SHOWN_EVERY = 6
"""Results between two drawings of the table while the search goes on."""


@st.cache_resource(show_spinner=False)
def pool() -> Executor:
    """Processes for all sessions: a cluster's, or fresh interpreters here, since a forked copy of a threaded server may
    hang. The first work starts them.
    """
    cluster = settings().dask
    started = executor(cluster) if cluster else loky.ProcessPoolExecutor(max_workers=os.cpu_count(), timeout=IDLE)
    started.submit(price_book)
    return started


@st.cache_resource(show_spinner=False)
def remembered() -> OrderedDict[tuple[str, Demand], tuple[Result, ...]]:
    """Whole searches of all sessions by whose own entries count, the latest last."""
    return OrderedDict()


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
    known, key = remembered(), (own().key, asked)
    if key in known:
        known.move_to_end(key)
        return known[key], True
    kept: tuple[tuple[str, Demand], list[Result]] | None = st.session_state.get("half_bought")
    if kept is not None and kept[0] == key and st.session_state.get("stopped"):
        if st.button("Go on searching", key="go_on"):
            st.session_state["stopped"] = False
            st.rerun()
        return tuple(kept[1]), False
    found = _searched(asked, draw)
    known[key] = tuple(found)
    while len(known) > REMEMBERED:
        known.popitem(last=False)
    return known[key], True


def hinges(asked: Demand, options: Sequence[Option]) -> tuple[Swing, ...]:
    """What the answer hangs on, found once for each set of options, in a process of the pool.

    asked, options : of a search
    """
    key = (own().key, asked, len(options))
    if key not in hung():
        hung()[key] = Informed(pool(), own()).submit(swings, asked, tuple(options)).result()
        while len(hung()) > REMEMBERED:
            hung().popitem(last=False)
    return hung()[key]


@st.cache_resource(show_spinner=False)
def hung() -> OrderedDict[tuple[str, Demand, int], tuple[Swing, ...]]:
    """Swings of all sessions, the latest last."""
    return OrderedDict()


def _searched(asked: Demand, draw: Callable[[Sequence[Result]], None]) -> list[Result]:
    found: list[Result] = []
    st.session_state["half_bought"], st.session_state["stopped"] = ((own().key, asked), found), False
    bar, stop = st.empty(), st.empty()
    stop.button("Stop", key="stop", on_click=_stop)
    bar.progress(0.0, "Every GPU by the closed form")
    looking = search(asked, Informed(pool(), own()))
    try:
        for one in looking:
            found.append(one.result)
            share = min(1.0, one.done / max(one.total, 1))
            bar.progress(share, f"{one.done} of {one.total} candidates settled")
            if len(found) % SHOWN_EVERY == 1:
                draw(found)
    except BrokenExecutor:
        pool.clear()
        raise
    finally:
        looking.close()
    bar.empty()
    stop.empty()
    return found


def _stop() -> None:
    st.session_state["stopped"] = True
