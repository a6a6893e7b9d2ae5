"""What to change next, as a page shows it: the best change in a sentence, then all of them in a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner.advice import GOALS, Advised, advice
from planner.levers import ACCEPTANCE
from planner.scenario import Scenario
from planner.whose import own
from words.advice import LEVERS, advice_row, headline, hurt
from words.text import plain

LABELS = {"throughput": "More tokens/s", "tpot": "Faster tokens", "ttft": "Sooner first token", "cost": "Lower cost"}
RATIO = "%.2f×"
SLIDER = 320
"""Width [px]."""


def advised(scenario: Scenario) -> None:
    """Asks what should become better; nothing is tried before that."""
    st.markdown("**What to change next**")
    goal = st.pills(
        "What should become better?", list(GOALS), key="goal", format_func=LABELS.get, persist_state="session"
    )
    if goal is None:
        st.caption("Each change is tried by asking the planner again with that one thing different.")
        return
    taken = st.slider(
        "Drafts taken, if tokens were drafted", 0.0, 1.0, ACCEPTANCE, 0.05, key="acceptance", format="percent",
        help="Depends on the text: answers that repeat their prompt have more, free talk less.", width=SLIDER,
    )  # fmt: skip
    found = _tried(own().key + repr(scenario), goal, taken, scenario)
    st.markdown(headline(found))
    if found.better:
        _table(found)
    _rest(found)


@st.cache_resource(max_entries=32, show_spinner="Asking the planner again, a change at a time")
def _tried(question: str, goal: str, taken: float, _scenario: Scenario) -> Advised:  # noqa: ARG001 - part of the key
    return advice(_scenario, goal, acceptance=taken)


def forget() -> None:
    """Drops all advice from memory; what is wanted again is asked again."""
    _tried.clear()


def _table(found: Advised) -> None:
    frame = pd.DataFrame([advice_row(found.goal, each, found.before) for each in found.better])
    number = st.column_config.NumberColumn
    st.dataframe(
        frame.dropna(axis="columns", how="all"),
        hide_index=True,
        placeholder="–",
        column_config={
            "Gain": number(format=RATIO, help="By how much the goal becomes better"),
            "Then": st.column_config.TextColumn(help="What the goal would be: nine in ten measurements lie between"),
            "Tokens/s": number(format=RATIO, help="After over before"),
            "First token": number(format=RATIO, help="Time after over time before"),
            "Per token": number(format=RATIO, help="Time after over time before"),
            "Cost": number(format=RATIO, help="USD per million output tokens, after over before"),
            "Command": st.column_config.TextColumn(width="large"),
        },
    )


def _rest(found: Advised) -> None:
    if found.harmful and found.before is not None:
        before = found.before
        listed = [f"**{plain(each.change.text)}**: {hurt(found.goal, each, before)}" for each in found.harmful]
        st.markdown("Would hurt here:\n" + "\n".join(f"- {text}" for text in listed))
    if found.without_gain:
        st.caption(f"Tried without gain: {', '.join(LEVERS[lever] for lever in found.without_gain)}.")
    if found.refused:
        with st.expander(f"Not possible here ({len(found.refused)})"):
            st.markdown("\n".join(f"- **{plain(change.text)}**: {plain(why)}" for change, why in found.refused))
