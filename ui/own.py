"""The reader's own GPUs, models and prices: read from the store now and then, known to every page."""

from __future__ import annotations

import streamlit as st

from planner.errors import StoreError
from planner.own import Own, take, taken
from store import entries
from store.runs import default_root
from ui.buying import forget_searches
from ui.workspace import store

FRESH = 30
"""After so long another server's additions to the same store are seen [s]."""


def know_own_entries() -> list[str]:
    """Makes the store's own entries known to this process, once in a while.

    returns : a sentence for each that cannot be read
    """
    try:
        found, told = _read(str(default_root()))
    except StoreError as error:
        return [str(error)]
    if found != taken():
        take(found)
        forget_searches()
    return told


def forget() -> None:
    """After one was added or removed: all are read anew at once."""
    _read.clear()
    know_own_entries()


@st.cache_resource(ttl=FRESH, show_spinner=False)
def _read(root: str) -> tuple[Own, list[str]]:
    del root
    return entries.load(store())
