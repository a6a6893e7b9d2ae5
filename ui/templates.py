"""Tables to fill in by hand, where no tool wrote one."""

from __future__ import annotations

import streamlit as st

from planner.catalogue import DATA

SAMPLES = DATA / "samples"
TEMPLATES = {"load_points.csv": "Load points", "requests.csv": "Requests"}


def templates() -> None:
    """Offers the templates of our plain CSV, one for load points and one for single requests."""
    with st.popover("Measured by hand? Take a table to fill in"):
        st.markdown("A line is a load point, or a request. Units stand in the names; an empty cell is unknown.")
        for name, what in TEMPLATES.items():
            st.download_button(f"{what} (CSV)", (SAMPLES / name).read_bytes(), name, "text/csv", key=f"template-{name}")
