"""Present: full screen, one sentence, one chart, stepped through with keys; nothing else is in view."""

from __future__ import annotations

import streamlit as st

from ui.link import read_link
from ui.talk import ASSETS, LINK, talk
from words.text import plain


def page() -> None:
    """The talk of the link, of this session's pins, or an example."""
    st.html(ASSETS / "present.css")
    for dropped in read_link(LINK):
        st.toast(plain(dropped))
    talk()


page()
