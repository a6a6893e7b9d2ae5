"""How charts get onto a page: the specification is a constant, a rerun sends data alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def theme() -> str:
    """The reader's theme: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"


def chart(spec: Mapping[str, Any], data: Mapping[str, list[dict[str, Any]]], key: str, alt: str) -> None:
    """Draws a specification with its named data.

    spec : from a cached function; never changed here
    data : rows for each name that the specification uses
    key : of the element
    alt : the chart in words
    """
    st.vega_lite_chart(spec={**spec, "datasets": dict(data)}, key=key, alt=alt, width="stretch")
