"""Methods: how figures like those of the other pages did against measurements, and how each is derived."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import streamlit as st

from planner.catalogue import DATA
from ui.link import read_link, whole, write_link
from words.text import plain

DOCS = Path(__file__).parents[2] / "docs"
WHOLE = "all"
SHOWN = {
    "serving tpot_ms": "TPOT, serving",
    "serving ttft_ms": "TTFT, serving",
    "suspect, eager: serving tpot_ms": "TPOT, no CUDA graphs*",
    "suspect, cached prompts: serving tpot_ms": "TPOT, cached prompts*",
    "lab_decode": "Decode sweep, 4 GPUs",
    "lab_prefill": "Prefill sweep, 4 GPUs",
    "T4 load tpot_ms": "AWQ on a T4",
    "KV GiB": "KV cache, as logged",
}


@st.cache_data(show_spinner=False)
def accepted(stamp: int) -> pd.DataFrame:
    """The last accepted table of errors.

    stamp : when the file was written; a new one is read anew [ns]
    """
    del stamp
    return pd.read_csv(DATA / "accuracy.csv")


def page() -> None:
    """The table in a sentence, the table, the derivations."""
    parameters = {"section": whole(1, 99, None)}
    for dropped in read_link(parameters):
        st.warning(plain(dropped))
    write_link(parameters)
    if (asked := st.session_state["section"]) is not None:
        st.markdown(section(asked))
        st.divider()
    table = accepted((DATA / "accuracy.csv").stat().st_mtime_ns)
    every = table[table.group == WHOLE].set_index("set")
    tpot = every.loc["serving tpot_ms"]
    st.markdown("#### How sure are these figures?")
    st.markdown(
        f"On **{tpot.cases:,.0f}** public vLLM measurements the predicted time per output token is off by "
        f"**{tpot['median']:.1f} %** at the median. No measured row has a parameter of its own."
    )
    named = every.loc[[name for name in SHOWN if name in every.index]]
    st.dataframe(_shown(named.rename(index=SHOWN)), column_config=COLUMNS)
    with st.expander("Every set of measurements, other engines too"):
        st.dataframe(_shown(every), column_config=COLUMNS)
    with st.expander("By GPU, model and engine"):
        st.dataframe(table[table.group != WHOLE], hide_index=True, column_config=COLUMNS, lazy=True)
    with st.expander("How each figure is derived, what is fitted, where it is wrong"):
        st.markdown((DOCS / "model.md").read_text(encoding="utf-8"))
    with st.expander("Words"):
        st.markdown((DOCS / "glossary.md").read_text(encoding="utf-8"))
    st.caption(
        "Error: |predicted / measured - 1|. Bias: geometric mean of predicted / measured. Width: of the interval, over "
        "the prediction. * Suspected by its own source, and predicted so. Shown by make accuracy."
    )


def section(number: int) -> str:
    """One numbered section of docs/model.md; a sentence where it has none of that number."""
    parts = re.split(r"^(?=## )", (DOCS / "model.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = next((part for part in parts if part.startswith(f"## {number}.")), None)
    return found or f"docs/model.md has no section {number}."


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename_axis("Measurement")[["cases", "median", "mean", "bias", "inside", "width"]]


COLUMNS = {
    "cases": st.column_config.NumberColumn("Cases", format="%d"),
    "median": st.column_config.NumberColumn("Median error", format="%.1f %%"),
    "mean": st.column_config.NumberColumn("Mean error", format="%.1f %%"),
    "bias": st.column_config.NumberColumn("Bias", format="%+.1f %%"),
    "inside": st.column_config.NumberColumn("In 90 % interval", format="%.0f %%"),
    "width": st.column_config.NumberColumn("Interval width", format="%.0f %%"),
}


page()
