"""What to change next, as a page shows it: the best change in a sentence, then all of them in a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner.advice import GOALS, Advice, Advised, advice
from planner.command import serve_command
from planner.estimate import Estimate
from planner.scenario import Scenario
from ui.words import digits, plain

LABELS = {"throughput": "More tokens/s", "tpot": "Faster tokens", "ttft": "Sooner first token", "cost": "Lower cost"}
BETTER = {"throughput": "as many tokens/s", "tpot": "as fast a token", "ttft": "as soon a first token", "cost": ""}
LEVERS = {
    "batch_limit": "batch limit", "token_budget": "token budget", "weight_formats": "weight quantization",
    "kv_formats": "KV cache format", "cuda_graphs": "CUDA graphs", "prefix_caching": "prefix caching",
    "memory_share": "GPU memory share", "context_limit": "context limit", "more_gpus": "tensor parallel",
    "other_gpu": "another GPU",
}  # fmt: skip
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


def headline(found: Advised) -> str:
    """The best change in one sentence, as Markdown."""
    if not found.better:
        return f"Nothing that was tried makes {GOALS[found.goal].label} better by 1 % or more."
    best = found.better[0]
    if found.before is None:
        return f"As it is, it does not fit. What makes it fit, best first: **{plain(best.change.text)}**."
    return f"Best: **{plain(best.change.text)}**, {_gain(found.goal, best.gain)}."


def _gain(goal: str, gain: float) -> str:
    if goal == "cost":
        return f"**{digits(100 * (1 - 1 / gain))} %** off the cost of a token"
    return f"**{digits(gain)} times** {BETTER[goal]}"


def _table(found: Advised) -> None:
    frame = pd.DataFrame([_row(found.goal, each, found.before) for each in found.better])
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


def _row(goal: str, each: Advice, before: Estimate | None) -> dict[str, object]:
    ratios = {
        label: each.ratio(name, before) if before is not None else None
        for label, name in (
            ("Tokens/s", "throughput"),
            ("First token", "ttft"),
            ("Per token", "tpot"),
            ("Cost", "cost"),
        )
        if name != goal
    }
    return {
        "Change": each.change.text,
        "Gain": each.gain if before is not None else None,
        **ratios,
        "Risk": each.change.risk or "–",
        "Command": serve_command(each.found.scenario),
    }


def _rest(found: Advised) -> None:
    if found.without_gain:
        st.caption(f"Tried without gain: {', '.join(LEVERS[lever] for lever in found.without_gain)}.")
    if found.refused:
        with st.expander(f"Not possible here ({len(found.refused)})"):
            st.markdown("\n".join(f"- **{plain(change.text)}**: {plain(why)}" for change, why in found.refused))
