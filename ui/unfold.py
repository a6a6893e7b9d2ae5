"""What lies folded away is made when somebody opens it, not on every change of a control."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def unfold(label: str, key: str, draw: Callable[[], object]) -> None:
    """A folded box with content that costs time.

    key : of the box; whether it is open outlives a change of the question
    draw : puts the content into the box; called while it is open
    """
    box = st.expander(label, key=key, on_change="rerun")
    if box.open:
        with box:
            draw()
