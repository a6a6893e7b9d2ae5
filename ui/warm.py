"""Done once for a server: what every page needs is loaded, then hidden from the garbage collector.

Streamlit collects garbage after each rerun; with all imports in view that takes tens of milliseconds of each change.
"""

from __future__ import annotations

import gc
from contextlib import suppress

import streamlit as st

from planner.errors import ClusterError
from planner.estimate import estimate
from planner.predict import question
from ui.buying import pool
from ui.charts.memory import memory_spec
from ui.charts.roofline import roofline_spec
from ui.charts.waterfall import waterfall_spec


@st.cache_resource(show_spinner=False)
def warm_up() -> bool:
    """Loads catalogue and chart specifications, starts processes, answers one question, freezes what is in memory."""
    estimate(question({"gpu": "h100-sxm", "model": "meta-llama/Llama-3.1-8B-Instruct"}))
    with suppress(ClusterError):  # whoever searches is told; all else works without it
        pool()
    for theme in ("light", "dark"):
        roofline_spec(theme)
        memory_spec(theme)
        waterfall_spec(theme)
    gc.collect()
    gc.freeze()
    return True
