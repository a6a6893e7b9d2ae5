"""Undo and redo of a question: the values of its keys after each change, in the session, the oldest forgotten.

The browser's Back is no undo: an address that is replaced leaves no step behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

MOST = 50
"""Steps that a session remembers of each page."""


@dataclass(frozen=True, slots=True)
class History:
    """Values of a question's keys, one mapping for each step, oldest first.

    at : the step that is shown
    """

    steps: tuple[Mapping[str, Any], ...] = ()
    at: int = -1

    def with_step(self, values: Mapping[str, Any]) -> History:
        """After a change, which forgets what was undone before it; no change is no step."""
        if self.steps and self.steps[self.at] == values:
            return self
        steps = (*self.steps[: self.at + 1], values)[-MOST:]
        return History(steps, len(steps) - 1)

    def moved(self, by: int) -> History:
        """One step back (-1) or forth (+1); at an end it stays."""
        return replace(self, at=min(max(self.at + by, 0), len(self.steps) - 1))


def remember(page: str, keys: Iterable[str]) -> None:
    """Takes down what the keys hold now; called on each run, after the page's widgets.

    page : whose history it is
    keys : in session state
    """
    values = {key: st.session_state[key] for key in keys if key in st.session_state}
    st.session_state[_name(page)] = _history(page).with_step(values)


def history_buttons(page: str) -> None:
    """Undo and redo; also by keyboard."""
    held = _history(page)
    for label, by, keys, icon in BUTTONS:
        st.button(
            label, key=f"{label.lower()}-{page}", type="tertiary", icon=icon, shortcut=keys,
            on_click=_go, args=(page, by), disabled=not 0 <= held.at + by < len(held.steps),
        )  # fmt: skip


BUTTONS = (("Undo", -1, "Mod+Z", ":material/undo:"), ("Redo", 1, "Mod+Shift+Z", ":material/redo:"))


def _go(page: str, by: int) -> None:
    moved = _history(page).moved(by)
    st.session_state[_name(page)] = moved
    st.session_state.update(moved.steps[moved.at])


def _history(page: str) -> History:
    found: History = st.session_state.get(_name(page), History())
    return found


def _name(page: str) -> str:
    return f"history-{page}"
