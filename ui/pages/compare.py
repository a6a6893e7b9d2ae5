"""Compare: pinned scenarios and runs against the first of them, or two runs in depth."""

from __future__ import annotations

import streamlit as st

from planner.errors import PlannerError
from ui import pins
from ui.bar import link_box
from ui.contrasted import contrasted, side_of
from ui.history import history_buttons, remember
from ui.link import Parameter, choice, read_link, write_link
from ui.pin_list import keep_box, pin_list
from ui.two_runs import run_parameters, two_runs
from ui.workspace import demo_runs, known_runs
from words.text import plain

VIEWS = {"pins": "Pinned scenarios", "runs": "Two runs"}


def page() -> None:
    """Which view, and that view."""
    try:
        runs = known_runs()
    except PlannerError as error:
        st.error(plain(str(error)))
        runs = demo_runs()
    parameters = _parameters() | run_parameters(runs)
    for name in "ab":
        if st.session_state.get(name) not in runs:
            st.session_state.pop(name, None)
    for dropped in read_link(parameters):
        st.warning(plain(dropped))
    view = st.segmented_control(
        "Compare", list(VIEWS), key="view", format_func=VIEWS.get, required=True, label_visibility="collapsed",
        persist_state="session",
    )  # fmt: skip
    if view == "runs":
        told = {key: parameter for key, parameter in parameters.items() if key != pins.KEY}
        write_link(told)
        link_box(told)
        two_runs(runs)
    else:
        pinned_view(_parameters())


@st.fragment
def pinned_view(parameters: dict[str, Parameter]) -> None:
    """The pins of this session, or an example; the list itself last."""
    bar = st.container(horizontal=True)
    remember("compare", [pins.KEY])
    shown = pins.pinned() or pins.EXAMPLE
    if not pins.pinned():
        st.caption("Nothing is pinned yet: this is an example. **Pin** on Plan puts a question here.")
    contrasted([side_of(one) for one in shown])
    if pins.pinned():
        pin_list()
    with bar:
        history_buttons("compare")
        keep_box()
        link_box(parameters)
    try:
        write_link(parameters)
    except PlannerError as error:
        st.warning(plain(str(error)))


def _parameters() -> dict[str, Parameter]:
    """A link that names two runs shows them."""
    two = {"a", "b"} & set(st.query_params)
    return {"view": choice(tuple(VIEWS), "runs" if two else "pins", always=True), pins.KEY: pins.PARAMETER}


page()
