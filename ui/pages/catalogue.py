"""Catalogue: every GPU, model and price with its source, and the reader's own beside them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from planner import catalogue_models
from planner.catalogue import OWN, gpus
from planner.prices import UNITS, price_book
from planner.quantities import GIB, GIGA, TERA
from store import entries
from ui import own
from ui.entry_forms import IDS, KINDS, gpu_form, model_form, own_list, price_form
from words.text import plain

FORMATS = ("bf16", "fp16", "fp8", "fp4", "int8")


def page() -> None:
    """What is known in a sentence, then one table a tab, each with the form for an own entry."""
    for told in own.know_own_entries():
        st.warning(plain(told))
    if said := st.session_state.pop("added", None):
        st.success(plain(said))
    every, models = gpus().values(), catalogue_models.rows()
    sure = sum(not gpu.unchecked for gpu in every)
    st.markdown(
        f"#### {len(every)} GPUs, {len(models)} models and the prices of {len(price_book())} GPUs, each with its source"
    )
    st.markdown(
        f"Of **{sure}** GPUs every figure was held against a data sheet; of the others the table says what was not."
    )
    tabs = st.tabs(["GPUs", "Models", "Prices"])
    for tab, kind, frame, form, settings in (
        (tabs[0], entries.GPUS, gpu_frame(), gpu_form, GPU_COLUMNS),
        (tabs[1], entries.MODELS, model_frame(), model_form, MODEL_COLUMNS),
        (tabs[2], entries.PRICES, price_frame(), price_form, PRICE_COLUMNS),
    ):
        with tab:
            wanted = st.text_input("Search", key=f"search-{kind.folder}", placeholder="any word of a row")
            st.dataframe(matching(frame, wanted), hide_index=True, column_config=settings, height=420)
            with st.expander(f"Add your {kind.what}"):
                st.caption(ABOUT)
                form()
            own_list(kind, IDS[kind.folder])


ABOUT = (
    "It is checked as the catalogue is, stays in this store, and every page then knows it. A link carries its name "
    "alone: who opens it needs the same store, or is told what is missing."
)


def matching(frame: pd.DataFrame, wanted: str) -> pd.DataFrame:
    """Rows in which every word occurs, in any column and case."""
    words = wanted.lower().split()
    whole = [" ".join(map(str, row)).lower() for row in frame.itertuples(index=False)]
    return frame[[all(word in text for word in words) for text in whole]]


def gpu_frame() -> pd.DataFrame:
    """Every GPU with peaks, bandwidth, memory, link and where they are from."""
    rows = [
        {"Id": gpu.id, "GPU": gpu.label, "Vendor": gpu.vendor, "Year": gpu.launch_year}
        | {name: gpu.peaks[name] / TERA if name in gpu.peaks else None for name in FORMATS}
        | {
            "bandwidth": gpu.bandwidth / GIGA,
            "memory": gpu.memory_nominal / GIB,
            "link": gpu.link_bandwidth / GIGA,
            "Power (W)": gpu.power,
            "Not checked": "own" if gpu.id.startswith(OWN) else ", ".join(gpu.unchecked) or "all checked",
            "Source": gpu.source.text,
            "Note": gpu.note,
        }
        for gpu in gpus().values()
    ]
    return pd.DataFrame(rows)


def model_frame() -> pd.DataFrame:
    """Every model with its parameters and where its shapes are from; none is built for that."""
    rows = [
        {
            "Model": row.name,
            "parameters": row.fields["parameters"] / GIGA,
            "Stored as": (row.fields.get("checkpoint") or {}).get("scheme") or "16 bits",
            "Shapes": "read from its file" if row.fields.get("checked", True) is True else "as published or given",
            "Source": str(row.fields["source"]),
        }
        for row in catalogue_models.rows().values()
    ]
    return pd.DataFrame(rows)


def price_frame() -> pd.DataFrame:
    """Every price with its source and date."""
    rows = []
    for gpu, known in price_book().items():
        for kind, unit in UNITS.items():
            name = kind.removesuffix("_usd_per_hour").removesuffix("_usd").removesuffix("_w")
            quote = getattr(known, name)
            if quote is not None:
                rows.append((gpu, KINDS[kind], quote.value / unit, quote.years, quote.date, quote.source.text))
    return pd.DataFrame(rows, columns=["GPU", "Price", "Value", "Years", "Date", "Source"])


_rate = st.column_config.NumberColumn
GPU_COLUMNS = {
    "Id": st.column_config.TextColumn(pinned=True),
    **{
        name: _rate(f"{name} (TFLOP/s)", format="%.4g", help="Dense peak; empty: unknown or not supported")
        for name in FORMATS
    },
    "Year": _rate(format="%d"),
    "bandwidth": _rate("Bandwidth (GB/s)", format="%.4g"),
    "memory": _rate("Memory (GiB)", format="%.4g"),
    "link": _rate("Link (GB/s)", format="%.4g", help="To the other GPUs, one direction"),
}
MODEL_COLUMNS = {
    "Model": st.column_config.TextColumn(pinned=True),
    "parameters": _rate("Parameters (billion)", format="%.3g"),
}
PRICE_COLUMNS = {"GPU": st.column_config.TextColumn(pinned=True), "Value": _rate(format="%.2f")}

page()
