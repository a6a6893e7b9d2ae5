"""The app's frame: page settings and navigation, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from planner.errors import StoreError
from settings import settings
from ui.own import know_own_entries
from ui.workspace import enter
from words.text import plain

ASSETS = Path(__file__).parent / "assets"
PAGES = Path(__file__).parent / "pages"
PLAN = PAGES / "plan.py"
AFTER_PLAN = ("buy", "compare", "evidence", "explain", "present", "catalogue", "methods")
"""Pages in the order of the work: choose, measure, share, look up. Not as groups of st.navigation: on a phone they make
lists that a screen reader cannot count (axe: list)."""


def frame() -> None:
    """Draws the page that the address names; a sentence where the store does not answer."""
    st.set_page_config(page_title="Headroom", page_icon=str(ASSETS / "icon.png"), layout="wide")
    st.html(ASSETS / "phone.css")
    st.html(ASSETS / "cards.css")
    st.logo(str(ASSETS / "logo.svg"), size="large")
    told = enter()
    know_own_entries()
    page = st.navigation(_pages(), position="top")
    if told:
        st.info(told)
    try:
        page.run()
    except StoreError as error:  # while it does not answer; pages that can do without it say so in its place
        st.error(plain(str(error)))


def _pages() -> list[Any]:
    """Every page in the order of the work; Plan also under the address that its links have."""
    plan = [
        st.Page(PLAN, title="Plan", url_path="start", default=True),
        st.Page(PLAN, title="Plan", url_path="plan", visibility="hidden"),
    ]
    named = [*AFTER_PLAN, *(["account"] if settings().login else [])]
    return plan + [st.Page(PAGES / f"{page}.py", title=page.capitalize(), url_path=page) for page in named]
