"""Who looks, in which workspace, how full it is, and the way out: all of one's data deleted."""

from __future__ import annotations

import streamlit as st

from intake.service import intake
from planner.quantities import GIB
from ui import advised, buying, own
from ui.telling import errors_told
from ui.uploader import forget_files
from ui.workspace import CHOSEN, ENTERED, claims, forget_loads, open_workspaces, store, workspace
from words.text import plain

SURE, ERASED = "delete", "erased"


def account() -> None:
    """Log in, or: name, workspace, room, log out, delete."""
    st.markdown("#### Account")
    here = workspace()
    if not here.rules.writable:
        st.markdown("You look at the public demo. Log in to import measurements of your own; nobody else sees them.")
        st.button("Log in", on_click=st.login, type="primary")
        return
    told = claims()
    st.markdown(f"Logged in as **{plain(str(told.get('name') or told.get('email') or told['sub']))}**.")
    titles = {one.name: one.title for one in open_workspaces()}
    st.selectbox("Workspace", list(titles), key=CHOSEN, format_func=lambda name: plain(titles[name]))
    st.caption("My runs are yours alone. A team's are seen, and can be changed and deleted, by everybody in it.")
    with errors_told():
        _room()
    st.button("Log out", on_click=st.logout)
    _delete(titles[here.name])


def _room() -> None:
    rules, kept = workspace().rules, store()
    count = len(kept.shelf.places())
    if st.session_state.get(ERASED) and not count:
        st.success("All of it is deleted.")
    columns = st.columns(2)
    columns[0].metric("Runs", f"{count:,} of {rules.runs:,}")
    columns[1].metric("Size", f"{kept.shelf.size() / GIB:.2f} of {(rules.size or 0) / GIB:g} GiB")


def _delete(title: str) -> None:
    with st.expander(f"Delete all data of “{plain(title)}”"):
        st.markdown(
            "Runs, what was confirmed of them, calibrations, files on their way in: gone at once and for good. "
            "Copies that the operator keeps outside of this app (backups, versions of an object store) are not touched."
        )
        word = st.text_input(f'Type "{SURE}"', key="sure")
        if st.button("Delete all of it", disabled=word != SURE):
            with errors_told():
                forget_all()
                st.session_state[ERASED] = True
                st.rerun()


def forget_all() -> None:
    """Stops what is read into the workspace, then removes its files, runs, and what is remembered of them.

    raises : StoreError
    """
    here = workspace()
    intake().forget(here.name, store())
    store().erase()
    forget_files()
    st.cache_data.clear()
    for forget in (forget_loads, buying.forget, advised.forget, own.forget):
        forget()
    for key in set(st.session_state) - {CHOSEN, ENTERED}:
        del st.session_state[key]
