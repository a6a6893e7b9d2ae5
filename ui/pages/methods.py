"""Methods: how figures like those of the other pages did against measurements, and how each is derived."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from planner.catalogue import DATA

DOCS = Path(__file__).parents[2] / "docs"
WHOLE = "all"
SHOWN = {
    "serving tpot_ms": "Time per output token, vLLM serving",
    "serving ttft_ms": "Time to first token, vLLM serving",
    "suspect, eager: serving tpot_ms": "The same, suspected to run without CUDA graphs",
    "suspect, cached prompts: serving tpot_ms": "The same, suspected to find prompts in the cache",
    "lab_decode": "Decode sweep, four GPUs, vLLM 0.9",
    "lab_prefill": "Prefill sweep, four GPUs, vLLM 0.9",
    "T4 load tpot_ms": "Llama-2-7B AWQ on a T4, without CUDA graphs",
    "KV GiB": "KV cache that vLLM logs",
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
    table = accepted((DATA / "accuracy.csv").stat().st_mtime_ns)
    whole = table[table.group == WHOLE].set_index("set")
    tpot = whole.loc["serving tpot_ms"]
    st.markdown("#### How sure are these figures?")
    st.markdown(
        f"On **{tpot.cases:,.0f}** public vLLM measurements the predicted time per output token is off by "
        f"**{tpot['median']:.1f} %** at the median. No measured row has a parameter of its own."
    )
    named = whole.loc[[name for name in SHOWN if name in whole.index]]
    st.dataframe(_shown(named.rename(index=SHOWN)), column_config=COLUMNS)
    with st.expander("Every set of measurements, other engines too"):
        st.dataframe(_shown(whole), column_config=COLUMNS)
    with st.expander("By GPU, model and engine"):
        st.dataframe(table[table.group != WHOLE], hide_index=True, column_config=COLUMNS, lazy=True)
    with st.expander("How each figure is derived, what is fitted, where it is wrong"):
        st.markdown((DOCS / "model.md").read_text(encoding="utf-8"))
    with st.expander("Words"):
        st.markdown((DOCS / "glossary.md").read_text(encoding="utf-8"))
    st.caption(
        "Error: |predicted / measured - 1|. Bias: geometric mean of predicted / measured. Shown by make accuracy."
    )


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
