"""The buyer's question beyond seven controls, in tabs: traffic, promises, what is searched, prices, techniques."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from planner.catalogue import gpus
from planner.precision import SCHEMES
from planner.presets import presets, profiles
from planner.prices import terms_book
from ui.price_table import price_table
from ui.question import OWN, gpu_label
from ui.recordings import recording_box
from words.text import plain

OWN_PROFILE = "own"
COUNTS = (1, 2, 4, 8, 16)
STEPS = ((1.0, 0.05), (100.0, 0.1), (1e6, 1.0))
PROFILES = {"steady": "Steady", "office": "Office hours", "consumer": "All day, evenings busiest", OWN_PROFILE: "Own"}


def more() -> None:
    """Five tabs; nothing in them is needed for a first answer."""
    tabs = st.tabs(["Traffic", "Promises", "Search", "Prices", "Techniques"])
    for tab, draw in zip(tabs, (_traffic, _promises, _search, _prices, _techniques), strict=True):
        with tab:
            draw()


def _traffic() -> None:
    chosen = presets().get(st.session_state.get("traffic_preset") or "")
    if chosen is not None:
        st.caption(f"{plain(chosen.name)}: {plain(chosen.source.text)}. Spread and daily shape are assumed.")
    columns = st.columns(4)
    _number(columns[0], "Spread of lengths", "spread", 0.0, 5.0, "Standard deviation over mean; 0: all alike.")
    _number(columns[1], "Shared prefix", "shared", 0.0, 1.0, "Share of a mean prompt that all requests begin with.")
    _number(columns[2], "Growth a year", "growth", -0.99, 100.0, "0.5: half as many again each year.")
    _number(columns[3], "Years ahead", "ahead", 0.0, 20.0, "The busiest hour is planned for so many years from now.")
    left, right = st.columns(2)
    with left:
        st.selectbox(
            "Hours of a day", (*profiles(), OWN_PROFILE), key="profile", format_func=PROFILES.get,
            help="Servers are sized for the busiest hour, tokens paid at the mean.", persist_state="session",
        )  # fmt: skip
        if st.session_state["profile"] == OWN_PROFILE:
            st.text_input(
                "Shares of up to 24 hours, between commas", key="hours", placeholder="0.2, 0.5, 1, 0.8",
                persist_state="session",
            )  # fmt: skip
        else:
            shares = profiles()[st.session_state["profile"]]
            st.bar_chart(pd.DataFrame({"Hour": range(len(shares)), "Share": shares}), x="Hour", y="Share", height=140)
    with right:
        recording_box()


def _promises() -> None:
    st.caption("Milliseconds; empty: not promised. The p95 of TTFT and TPOT are above.")
    columns = st.columns(4)
    names = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "end to end"}
    keys = ("ttft50", "ttft99", "tpot50", "tpot99", "e2e50", "e2e95", "e2e99")
    for place, key in enumerate(keys):
        _number(columns[place % 4], f"p{key[-2:]} {names[key[:-2]]} ≤ ms", key, 0.0, 1e9, "")
    _number(columns[3], "Headroom", "headroom", 0.0, 0.99, "Share of each replica's capacity that is not planned for.")
    columns[0].number_input(
        "Spare replicas (N+)", min_value=0, max_value=100, key="spare", persist_state="session",
        help="So many replicas may fail without a promise being broken: 1 is N+1.",
    )  # fmt: skip


def _search() -> None:
    st.multiselect(
        "GPUs", tuple(gpus()), key="among", format_func=gpu_label, placeholder="all", persist_state="session"
    )
    left, right = st.columns(2)
    left.multiselect("GPUs of a replica", COUNTS, key="split", persist_state="session")
    right.multiselect(
        "Quantizations", (OWN, *SCHEMES), key="formats", persist_state="session",
        help="auto: as the checkpoint has them. Fewer bits may cost quality: check on your own task.",
    )  # fmt: skip
    left.selectbox("KV cache format", (OWN, "fp8", "fp4"), key="kvformat", persist_state="session")
    right.number_input(
        "GPUs of a node", min_value=1, max_value=1024, key="node", persist_state="session",
        help="A replica stays within a node. 8 is assumed.",
    )  # fmt: skip


def _prices() -> None:
    price_table()
    known = terms_book()
    columns = st.columns(4)
    _number(columns[0], "Written off over (years)", "writeoff", 0.1, 20.0, "Of a purchase.")
    _number(
        columns[1],
        "Hosting (USD per kW and month)",
        "hosting",
        0.0,
        1e6,
        "Place in a rack. 0 if it is free.",
        "missing",
    )
    _number(columns[2], "Power (USD per kWh)", "power", 0.0, 1000.0, known["power_usd_per_kwh"].told, "0.11")
    _number(columns[3], "PUE", "pue", 1.0, 10.0, known["pue"].told, "1.58")
    _number(columns[0], "Utilisation", "used", 0.0, 1.0, "For the power drawn.", "from traffic")
    _number(columns[1], "CO2 (g per kWh)", "co2", 0.0, 1e5, known["co2_g_per_kwh"].told, "450")
    _number(columns[2], "API, USD per 1M prompt tokens", "apiin", 0.0, 1e5, "To break even against.", "none")
    _number(columns[3], "API, USD per 1M output tokens", "apiout", 0.0, 1e5, "To break even against.", "none")


def _techniques() -> None:
    st.caption("Tried for the cheapest options beside plain serving. Their inputs are assumed: measure them.")
    columns = st.columns(4)
    columns[0].number_input(
        "Drafted tokens", min_value=0, max_value=16, key="drafted", persist_state="session",
        help="Speculative decoding: tokens proposed in a step; 0: off.",
    )  # fmt: skip
    _number(columns[1], "Taken share", "taken", 0.0, 1.0, "Chance that a drafted token is taken.")
    columns[2].text_input(
        "Drafter", key="drafter", placeholder="none: n-gram lookup", persist_state="session",
        help="A small model of the catalogue.",
    )  # fmt: skip
    columns[3].number_input(
        "LoRA adapters", min_value=0, max_value=1000, key="adapters", persist_state="session",
        help="On the GPU at once; every option holds them.",
    )  # fmt: skip
    columns[3].number_input("Adapter rank", min_value=1, max_value=512, key="rank", persist_state="session")
    columns[0].toggle(
        "Two pools", key="pools", help="Prompts and tokens on replicas of their own.", persist_state="session"
    )
    _number(columns[1], "Link between pools (GB/s a GPU)", "poollink", 0.1, 1e5, "One 400 Gb/s port is 50.")


def _number(
    column: Any, label: str, key: str, low: float, high: float, text: str, placeholder: str | None = None
) -> None:
    column.number_input(
        label, min_value=low, max_value=high, value=None, step=_step(high), key=key, help=text or None, format="%g",
        placeholder=placeholder or "–", persist_state="session",
    )  # fmt: skip


def _step(high: float) -> float:
    """What one click on a number's arrows adds: shares are finer than years, and those than milliseconds."""
    return next((step for most, step in STEPS if high <= most), 50.0)
