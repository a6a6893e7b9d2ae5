"""The list of pins, to be renamed, put in order, told, removed, opened, and kept under a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from planner.errors import PlannerError
from store import pins as kept
from store.pins import LONGEST_NAME, LONGEST_NOTE, Pin
from ui import link, pins
from ui.question import LINK
from ui.telling import errors_told, toast
from ui.workspace import store
from words.text import plain

PLAN = Path(__file__).parent / "pages" / "plan.py"


def pin_list() -> None:
    """Every pin with what can be done to it."""
    with st.expander(f"Names, notes and order ({len(pins.pinned())})"):
        for at, one in enumerate(pins.pinned()):
            _row(at, one)


def keep_box() -> None:
    """Saves the pins under a name, and takes saved ones back."""
    with st.popover("Save or open"):
        name = st.text_input("Save these pins as", key="pins_name", placeholder="our-talk", max_chars=60)
        off = not (name.strip() and pins.pinned())
        if st.button("Save", key="pins_save", disabled=off):
            with errors_told():
                st.success(f"Saved as {plain(kept.save(store(), name, pins.pinned()))}.")
        try:
            names = kept.names(store())
        except PlannerError as error:
            st.caption(plain(str(error)))
            return
        if names:
            chosen = st.selectbox("Saved pins", names, key="pins_saved")
            st.button("Open", key="pins_open", on_click=_told, args=(_open, chosen))
            st.button("Delete", key="pins_delete", on_click=_told, args=(_delete, chosen))


def _row(at: int, one: Pin) -> None:
    key = f"{at}-{one.name}-{one.query}"
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.text_input(
        "Name", one.name, max_chars=LONGEST_NAME, key=f"name-{key}", on_change=_told,
        args=(_renamed, at, f"name-{key}"), label_visibility="visible" if at == 0 else "collapsed", width=300,
    )  # fmt: skip
    row.text_input(
        "Note", one.note, max_chars=LONGEST_NOTE, key=f"note-{key}", on_change=_told,
        args=(_annotated, at, f"note-{key}"), label_visibility="visible" if at == 0 else "collapsed", width=300,
        placeholder="what to say of it",
    )  # fmt: skip
    last = len(pins.pinned()) - 1
    for label, icon, off, act in (
        ("Up", "arrow_upward", at == 0, (pins.move, at, at - 1)),
        ("Down", "arrow_downward", at == last, (pins.move, at, at + 1)),
        ("Remove", "close", False, (pins.unpin, at)),
    ):
        row.button(
            label, icon=f":material/{icon}:", key=f"{label.lower()}-{key}", type="tertiary", disabled=off,
            on_click=_told, args=act,
        )  # fmt: skip
    if one.run is None and row.button("Open in Plan", key=f"open-{key}", type="tertiary"):
        with errors_told():
            st.session_state.update(link.values_of(LINK, one.query))
            st.switch_page(PLAN)


def _renamed(at: int, key: str) -> None:
    pins.rename(at, st.session_state[key])


def _annotated(at: int, key: str) -> None:
    pins.annotate(at, st.session_state[key])


def _open(name: str) -> None:
    pins.put(kept.load(store(), name))


def _delete(name: str) -> None:
    kept.delete(store(), name)


def _told(act: Callable[..., Any], *args: Any) -> None:
    """Does it, in a callback."""
    with errors_told(toast):
        act(*args)
