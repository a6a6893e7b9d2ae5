"""The reader's own GPUs, models and prices: read from the store now and then, known to every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from planner.catalogue import gpus
from planner.errors import StoreError
from planner.whose import NONE, Own, ask, informed, own
from store import entries
from ui.workspace import store, workspace
from words.text import plain

P = ParamSpec("P")
R = TypeVar("R")
HELD = "own_entries"

FRESH = 30
"""After so long another server's additions to the same store are seen [s]."""


def know_own_entries() -> list[str]:
    """Makes the own entries of the workspace known to this session, and to no other; read anew once in a while.

    returns : a sentence for each that cannot be read
    """
    ask(_of_session)
    st.session_state.setdefault(HELD, NONE)  # what counts while they are read and checked
    try:
        st.session_state[HELD], told = _read(workspace().name)
    except StoreError as error:
        return [str(error)]
    return told


def forget() -> None:
    """After one was added or removed: all are read anew at once."""
    _read.clear()
    know_own_entries()


def later(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
    """Work for when the session is out of reach, with the own entries that count in it now: a file's making.

    work : asks neither session nor login, of which its thread knows nothing
    """
    return partial(informed, own(), work, *args, **kwargs)


def drop_gone(key: str) -> None:
    """Takes GPUs out of a session's question that are known no more, and says so: a widget would take another instead.

    key : in session state, of one GPU or of several
    """
    held = st.session_state.get(key)
    named = held if isinstance(held, list) else [held] if held else []
    if gone := [gpu for gpu in named if gpu not in gpus()]:
        st.warning(plain(f"{', '.join(gone)} was removed from this store's own GPUs. Add it again on Catalogue."))
        if isinstance(held, list):
            st.session_state[key] = [gpu for gpu in held if gpu not in gone]
        else:
            del st.session_state[key]


@st.cache_resource(ttl=FRESH, show_spinner=False)
def _read(workspace_name: str) -> tuple[Own, list[str]]:  # noqa: ARG001 - the key
    return entries.load(store())


def _of_session() -> Own:
    """What the session holds that this thread answers; other threads answer nobody."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return NONE
    if HELD not in st.session_state:
        know_own_entries()
    held: Own = st.session_state[HELD]
    return held
