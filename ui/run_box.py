"""The run that a page shows: chosen in a box, carried in the link, the same on every page of a session."""

from __future__ import annotations

import streamlit as st

from planner.errors import PlannerError
from planner.measured import Run
from ui.bar import link_box, pin_button
from ui.link import choice, query, read_link, write_link
from ui.workspace import demo_runs, known_runs, label
from words.text import plain

WIDTH = 720
"""A run's name fits into it; on a phone the box has a line of its own [px]."""


def run_box() -> Run:
    """The chosen run, without points, kernels and tables; the demo's alone where the store is out of reach."""
    try:
        runs = known_runs()
    except PlannerError as error:
        st.error(plain(str(error)))
        runs = demo_runs()
    parameter = {"run": choice(tuple(runs), next(iter(runs)), always=True)}
    if st.session_state.get("run") not in runs:
        st.session_state.pop("run", None)
    for dropped in read_link(parameter):
        st.warning(plain(dropped))
    st.session_state["run"] = st.session_state["run"]  # told anew: the box of another page would fall back to the first
    row = st.container(horizontal=True, vertical_alignment="bottom")
    chosen = row.selectbox(
        "Run", list(runs), key="run", format_func=lambda run: label(runs[run]), persist_state="session", width=WIDTH
    )
    write_link(parameter)
    with row:
        pin_button(runs[chosen].source_name, query(parameter, st.session_state), key="pin-run")
        link_box(parameter)
    return runs[chosen]
