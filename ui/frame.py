"""The app's frame: page settings and navigation, nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from planner.errors import StoreError
from settings import settings
from ui.own import know_own_entries
from ui.workspace import enter
from words.text import plain

ASSETS = Path(__file__).parent / "assets"
PAGES = Path(__file__).parent / "pages"


def frame() -> None:
    """Draws the page that the address names; a sentence where the store does not answer."""
    st.set_page_config(page_title="Headroom", page_icon=str(ASSETS / "icon.png"), layout="wide")
    st.html(ASSETS / "phone.css")
    st.html(ASSETS / "cards.css")
    st.logo(str(ASSETS / "logo.svg"), size="large")
    told = enter()
    know_own_entries()
    page = st.navigation(
        [
            st.Page(PAGES / "plan.py", title="Plan", url_path="start", default=True),
            st.Page(PAGES / "plan.py", title="Plan", url_path="plan", visibility="hidden"),
            st.Page(PAGES / "buy.py", title="Buy", url_path="buy"),
            st.Page(PAGES / "evidence.py", title="Evidence", url_path="evidence"),
            st.Page(PAGES / "explain.py", title="Explain", url_path="explain"),
            st.Page(PAGES / "compare.py", title="Compare", url_path="compare"),
            st.Page(PAGES / "present.py", title="Present", url_path="present"),
            st.Page(PAGES / "catalogue.py", title="Catalogue", url_path="catalogue"),
            st.Page(PAGES / "methods.py", title="Methods", url_path="methods"),
            *([st.Page(PAGES / "account.py", title="Account", url_path="account")] if settings().login else []),
        ],
        position="top",
    )
    if told:
        st.info(told)
    try:
        page.run()
    except StoreError as error:  # while it does not answer; pages that can do without it say so in its place
        st.error(plain(str(error)))
