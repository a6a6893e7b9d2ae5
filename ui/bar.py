"""The row of buttons above a question: take it back, keep it, hand it on."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from planner.scenario import Scenario
from ui import link, pins
from ui.link import Parameter
from ui.telling import errors_told, toast
from words.text import gpus_text


def pin_button(name: str | None, query: str, key: str = "pin") -> None:
    """Pins a question or a run, to be compared and presented.

    name, query : see Pin; no name: there is nothing to be pinned
    """
    held = [one.name for one in pins.pinned() if one.query == query]
    label = f"Pinned ({len(pins.pinned())})" if held else "Pin"
    off = name is None or bool(held)
    st.button(label, key=key, disabled=off, help=PIN_HELP, on_click=_pin, args=(name, query))
    if held:  # no toast: Streamlit's has no name that a screen reader could say
        st.caption("Compare and Present show it.", width="content")


PIN_HELP = "Puts this aside: Compare shows pinned ones side by side, Present one after the other."


def _pin(name: str, query: str) -> None:
    with errors_told(toast):
        pins.pin(name, query)


def pin_name(scenario: Scenario) -> str:
    """What a pinned question is called until its owner says otherwise."""
    load = scenario.workload
    who = f"{load.request_rate:g} requests/s" if load.request_rate is not None else f"{load.concurrency:g} at once"
    model = scenario.model.name.rsplit("/", 1)[-1]
    return f"{gpus_text(scenario)}, {who}, {model} {scenario.quantization.scheme}"


def link_box(parameters: Mapping[str, Parameter]) -> None:
    """Shows this page's full address, with a button that copies it."""
    with st.popover("Link", help="The whole question in an address, to be sent to others."), errors_told():
        st.code(link.full_address(parameters), language=None, wrap_lines=True)
