"""What the planner refuses, told in its own words where it happened, while the rest of the page goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from planner.errors import PlannerError
from words.text import plain


@contextmanager
def errors_told(say: Callable[[str], Any] = st.error) -> Iterator[None]:
    """Shows a PlannerError instead of raising it; any other error is a bug and goes on.

    A fragment needs one of its own: alone it runs without the page around it.

    say : how it is shown
    """
    try:
        yield
    except PlannerError as error:
        say(plain(str(error)))


def toast(text: str) -> None:
    """Over the page, for a callback: the page is drawn anew after it."""
    st.toast(text, icon=":material/error:")
