"""What to change next, as a page shows it: the best change in a sentence, then all of them in a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner.advice import GOALS, Advised, advice
from planner.scenario import Scenario
from ui.advice_rows import LEVERS, advice_row, headline
from ui.words import plain

LABELS = {"throughput": "More tokens/s", "tpot": "Faster tokens", "ttft": "Sooner first token", "cost": "Lower cost"}
RATIO = "%.2f×"


def advised(scenario: Scenario) -> None:
    """Asks what should become better; nothing is tried before that."""
    st.markdown("**What to change next**")
    goal = st.pills("What should become better?", list(GOALS), key="goal", format_func=LABELS.get)
    if goal is None:
        st.caption("Each change is tried by asking the planner again with that one thing different.")
        return
    found = advice(scenario, goal)
    st.markdown(headline(found))
    if found.better:
        _table(found)
    _rest(found)


def _table(found: Advised) -> None:
    frame = pd.DataFrame([advice_row(found.goal, each, found.before) for each in found.better])
    number = st.column_config.NumberColumn
    st.dataframe(
        frame.dropna(axis="columns", how="all"),
        hide_index=True,
        column_config={
            "Gain": number(format=RATIO, help="By how much the goal becomes better"),
            "Tokens/s": number(format=RATIO, help="After over before"),
            "First token": number(format=RATIO, help="Time after over time before"),
            "Per token": number(format=RATIO, help="Time after over time before"),
            "Cost": number(format=RATIO, help="USD per million output tokens, after over before"),
            "Command": st.column_config.TextColumn(width="large"),
        },
    )


def _rest(found: Advised) -> None:
    if found.without_gain:
        st.caption(f"Tried without gain: {', '.join(LEVERS[lever] for lever in found.without_gain)}.")
    if found.refused:
        with st.expander(f"Not possible here ({len(found.refused)})"):
            st.markdown("\n".join(f"- **{plain(change.text)}**: {plain(why)}" for change, why in found.refused))
